package io.dfut.internal.sim;

import io.dfut.NodeId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.lease.LeaseEffect;
import io.dfut.internal.lease.LeaseInput;
import io.dfut.internal.lease.LeaseLimits;
import io.dfut.internal.lease.LeaseMachine;
import io.dfut.internal.ownership.Claim;
import io.dfut.internal.ownership.Settleable;
import io.dfut.internal.ownership.WorkerEffect;
import io.dfut.internal.ownership.WorkerInput;
import io.dfut.internal.ownership.WorkerLimits;
import io.dfut.internal.ownership.WorkerMachine;
import io.dfut.internal.ownership.WorkerTimer;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.TaskHandedBack;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.FunctionRef;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;

/**
 * Many nodes' schedulers and task owners, the real machines, over workers that do nothing but take
 * time, in virtual time and without faults: how well the nodes are used, and what it costs in
 * messages. Every number is the default of the configuration.
 */
final class SchedulingSim {
  private static final long LOCAL_NANOS = 1_000;
  private static final long REMOTE_NANOS = 250_000;
  private static final long WORKER_START_NANOS = 20_000;
  private static final long TICK_NANOS = 50_000_000;
  private static final long BEHIND_MAX_NANOS = 20_000_000;
  private static final int PENDING_MAX = 100_000;
  private static final WorkerLimits OWNER_LIMITS =
      new WorkerLimits(
          100_000_000L, 2, 256, 16, 5_000_000_000L, 10_000_000_000L, Long.MAX_VALUE, 1);
  private static final LeaseLimits NODE_LIMITS =
      new LeaseLimits(4, 10_000_000_000L, 10_000_000, 64, 16, 1);
  private static final Outcome DONE =
      new Outcome.Inline(InlineValue.direct(0, value -> new byte[0]), List.of());
  private static final FunctionRef BODY =
      FunctionRef.local(
          new FunctionRef.Descriptor("Body", "run", "()V", 6, "()V", 0, List.of()), "body");

  /** What one owner has to do: how long each of its tasks takes, by their order. */
  record Work(int node, long[] taskNanos) {}

  /**
   * What came of it.
   *
   * @param greedyNanos the makespan of one scheduler that knows everything at once and gives the
   *     next task to the first free slot, without any delay
   * @param medianMessages scheduling messages of a task: those of its lease, from the request to
   *     the return, over the tasks that ran on it
   * @param messages all scheduling messages, of unused requests, of load reports and of tasks that
   *     were sent in vain, too
   * @param doneAtFirstEnd tasks of each owner that had ended when the first of them had no more
   */
  record Result(
      long makespanNanos,
      long greedyNanos,
      double medianMessages,
      long messages,
      long loadReports,
      long handedBack,
      long tasks,
      List<Integer> doneAtFirstEnd) {
    double toGreedy() {
      return (double) makespanNanos / greedyNanos;
    }

    @Override
    public String toString() {
      return String.format(
          "%d tasks: makespan %.2f s, %.3f× greedy; %.2f scheduling messages a task at the median,"
              + " %.2f on average, of which %.2f load reports; %d handed back; done at the first"
              + " end: %s",
          tasks,
          makespanNanos / 1e9,
          toGreedy(),
          medianMessages,
          (double) messages / tasks,
          (double) loadReports / tasks,
          handedBack,
          doneAtFirstEnd);
    }
  }

  private record Event(long atNanos, long order, Runnable action) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      int byTime = Long.compare(atNanos, other.atNanos);
      return byTime != 0 ? byTime : Long.compare(order, other.order);
    }
  }

  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final List<NodeId> ids = new ArrayList<>();
  private final Map<NodeId, LeaseMachine> schedulers = new LinkedHashMap<>();
  private final Map<WorkerId, Executor> executors = new HashMap<>();
  private final Map<WorkerId, Owner> owners = new LinkedHashMap<>();
  private final Map<LeaseId, int[]> messagesAndTasks = new HashMap<>();
  private final long slots;
  private long nowNanos;
  private long lastOrder;
  private long lastWorker;
  private long messages;
  private long loadReports;
  private long handedBack;
  private int unfinished;
  private List<Integer> doneAtFirstEnd = List.of();

  SchedulingSim(int nodes, int cpus, long seed) {
    slots = (long) nodes * cpus;
    for (int i = 0; i < nodes; i++) {
      NodeId id = new NodeId("sim", 1 + i, 0);
      ids.add(id);
      schedulers.put(
          id,
          new LeaseMachine(
              id, Resources.NONE.with(Resources.CPU, cpus), NODE_LIMITS, new Random(seed + i)));
    }
  }

  /** Does all the work, from the moment when every node knows of every other. */
  Result run(List<Work> all) {
    for (LeaseMachine scheduler : schedulers.values()) {
      SchedulerMessage.NodeLoad load = scheduler.load();
      schedulers.values().stream()
          .filter(other -> other != scheduler)
          .forEach(other -> other.step(new LeaseInput.Received(load), nowNanos, effect -> {}));
    }
    for (Work work : all) {
      Owner owner = new Owner(new WorkerId(ids.get(work.node()), ++lastWorker), work.taskNanos());
      owners.put(owner.id, owner);
    }
    unfinished = owners.size();
    Random random = new Random(slots);
    ids.forEach(id -> after(random.nextLong(TICK_NANOS), () -> tick(id)));
    owners.values().forEach(Owner::submit);
    while (unfinished > 0) {
      Event next = events.poll();
      Sim.expect(next != null, "tasks are left and nothing happens any more: " + owners);
      nowNanos = next.atNanos();
      next.action().run();
    }
    return new Result(
        nowNanos,
        greedyNanos(all),
        medianMessages(),
        messages,
        loadReports,
        handedBack,
        all.stream().mapToLong(work -> work.taskNanos().length).sum(),
        doneAtFirstEnd);
  }

  /** The owners' tasks in turn, each to the slot that is free first. */
  private long greedyNanos(List<Work> all) {
    PriorityQueue<Long> free = new PriorityQueue<>();
    for (long slot = 0; slot < slots; slot++) {
      free.add(0L);
    }
    int most = all.stream().mapToInt(work -> work.taskNanos().length).max().orElse(0);
    long last = 0;
    for (int i = 0; i < most; i++) {
      for (Work work : all) {
        if (i < work.taskNanos().length) {
          long end = free.remove() + work.taskNanos()[i];
          free.add(end);
          last = Math.max(last, end);
        }
      }
    }
    return last;
  }

  private double medianMessages() {
    long tasks = messagesAndTasks.values().stream().mapToLong(counts -> counts[1]).sum();
    List<int[]> byCost =
        messagesAndTasks.values().stream()
            .filter(counts -> counts[1] > 0)
            .sorted((a, b) -> Double.compare((double) a[0] / a[1], (double) b[0] / b[1]))
            .toList();
    long seen = 0;
    for (int[] counts : byCost) {
      seen += counts[1];
      if (2 * seen >= tasks) {
        return (double) counts[0] / counts[1];
      }
    }
    return 0;
  }

  private void after(long delayNanos, Runnable action) {
    events.add(new Event(nowNanos + delayNanos, ++lastOrder, action));
  }

  private static long delayNanos(NodeId from, NodeId to) {
    return from.equals(to) ? LOCAL_NANOS : REMOTE_NANOS;
  }

  // ---- schedulers ----

  private void tick(NodeId id) {
    step(id, new LeaseInput.Tick(Long.MAX_VALUE));
    after(TICK_NANOS, () -> tick(id));
  }

  private void step(NodeId id, LeaseInput input) {
    schedulers.get(id).step(input, nowNanos, effect -> perform(id, effect));
  }

  private void perform(NodeId id, LeaseEffect effect) {
    switch (effect) {
      case LeaseEffect.Tell(WorkerId owner, WorkerMessage message) -> {
        count(leaseOf(message));
        after(
            delayNanos(id, owner.node()),
            () -> owners.get(owner).input(new WorkerInput.Received(message)));
      }
      case LeaseEffect.StartWorker start -> {
        Executor started = new Executor(new WorkerId(id, ++lastWorker));
        executors.put(started.id, started);
        after(WORKER_START_NANOS, () -> step(id, new LeaseInput.WorkerReady(started.id)));
      }
      case LeaseEffect.RetireWorker(WorkerId worker) -> executors.remove(worker);
      case LeaseEffect.Publish(SchedulerMessage.NodeLoad load) -> {
        messages += ids.size() - 1;
        loadReports += ids.size() - 1;
        after(
            REMOTE_NANOS,
            () ->
                ids.stream()
                    .filter(other -> !other.equals(id))
                    .forEach(other -> step(other, new LeaseInput.Received(load))));
      }
      case LeaseEffect.Resume resume -> throw new AssertionError("no arguments: " + resume);
      case LeaseEffect.EndActor end -> throw new AssertionError("no actors: " + end);
    }
  }

  private void count(LeaseId lease) {
    messages++;
    messagesAndTasks.computeIfAbsent(lease, any -> new int[2])[0]++;
  }

  private static LeaseId leaseOf(WorkerMessage message) {
    return switch (message) {
      case WorkerMessage.LeaseGranted granted -> granted.lease();
      case WorkerMessage.LeaseQueued queued -> queued.lease();
      case WorkerMessage.LeaseRedirected redirected -> redirected.lease();
      case WorkerMessage.LeaseRefused refused -> refused.lease();
      case WorkerMessage.LeaseReclaimed reclaimed -> reclaimed.lease();
      default -> throw new AssertionError("not of a scheduler: " + message);
    };
  }

  private static LeaseId leaseOf(SchedulerMessage message) {
    return switch (message) {
      case SchedulerMessage.RequestLease request -> request.lease();
      case SchedulerMessage.ReturnLease returned -> returned.lease();
      default -> throw new AssertionError("not of an owner: " + message);
    };
  }

  // ---- owners ----

  private static final class Cell implements Settleable {
    static final Cell NOBODY_READS = new Cell();
  }

  private final class Owner {
    final WorkerId id;
    private final WorkerMachine machine;
    private final long[] taskNanos;
    private final ArrayDeque<WorkerInput> inputs = new ArrayDeque<>();
    private final Map<WorkerTimer, Long> timers = new HashMap<>();
    private boolean busy;
    private int submitted;
    private int done;

    Owner(WorkerId id, long[] taskNanos) {
      this.id = id;
      this.taskNanos = taskNanos;
      machine = new WorkerMachine(id, OWNER_LIMITS);
    }

    /** As much as may be pending: the driver's thread is quicker than everything else. */
    void submit() {
      while (submitted < taskNanos.length && submitted - done < PENDING_MAX) {
        TaskId task = new TaskId(id, ++submitted);
        input(
            new WorkerInput.Submit(
                new TaskSpec(
                    task,
                    Sim.JOB,
                    BODY,
                    "body",
                    List.of(),
                    1,
                    new TaskSpec.Kind.Plain(),
                    Resources.ONE_CPU,
                    3,
                    List.of(),
                    0,
                    new Placement.Anywhere(),
                    0,
                    CallSite.UNKNOWN),
                List.of(Cell.NOBODY_READS),
                new Claim(),
                Optional.empty(),
                Optional.empty()));
        input(new WorkerInput.HandleReleased(task.result(0)));
      }
    }

    void input(WorkerInput input) {
      inputs.add(input);
      if (busy) {
        return;
      }
      busy = true;
      WorkerInput next;
      while ((next = inputs.poll()) != null) {
        machine.step(next, nowNanos, this::perform);
      }
      busy = false;
    }

    private void perform(WorkerEffect effect) {
      switch (effect) {
        case WorkerEffect.Push(WorkerId to, TaskPushed push, Claim claim) -> {
          messagesAndTasks.computeIfAbsent(push.lease(), any -> new int[2])[1]++;
          after(
              delayNanos(id.node(), to.node()),
              () ->
                  executors.get(to).push(push, to.node().equals(id.node()) ? claim : new Claim()));
        }
        case WorkerEffect.AskScheduler(NodeId node, SchedulerMessage message) -> {
          count(leaseOf(message));
          after(delayNanos(id.node(), node), () -> step(node, new LeaseInput.Received(message)));
        }
        case WorkerEffect.TaskSettled settled -> {
          done++;
          if (done == taskNanos.length && doneAtFirstEnd.isEmpty()) {
            doneAtFirstEnd = owners.values().stream().map(owner -> owner.done).toList();
          }
          if (done == taskNanos.length) {
            unfinished--;
          }
          submit();
        }
        case WorkerEffect.SetTimer(WorkerTimer timer, long delayNanos) -> {
          long mine = ++lastOrder;
          timers.put(timer, mine);
          after(
              delayNanos,
              () -> {
                if (timers.remove(timer, mine)) {
                  input(new WorkerInput.TimerFired(timer));
                }
              });
        }
        case WorkerEffect.CancelTimer(WorkerTimer timer) -> timers.remove(timer);
        case WorkerEffect.Settle settle -> {}
        case WorkerEffect.Nudge nudge -> {}
        default -> throw new AssertionError("nothing else happens here: " + effect);
      }
    }

    @Override
    public String toString() {
      return id + ": " + done + " of " + taskNanos.length;
    }
  }

  // ---- workers ----

  private record Pushed(TaskPushed push, Claim claim) {}

  private final class Executor {
    final WorkerId id;
    private final ArrayDeque<Pushed> queue = new ArrayDeque<>();
    private TaskPushed running;
    private long sinceNanos;
    private boolean watched;

    Executor(WorkerId id) {
      this.id = id;
    }

    void push(TaskPushed push, Claim claim) {
      queue.add(new Pushed(push, claim));
      begin();
    }

    private void begin() {
      if (running != null) {
        if (!queue.isEmpty()) {
          watch();
        }
        return;
      }
      Pushed next = queue.poll();
      if (next == null) {
        return;
      }
      Sim.expect(next.claim.take(next.push.attempt()), "taken by nobody: " + next);
      running = next.push;
      sinceNanos = nowNanos;
      TaskId task = running.spec().id();
      after(ownerOf(task).taskNanos[(int) task.sequence() - 1], this::end);
      begin();
    }

    private void end() {
      TaskPushed ended = running;
      running = null;
      answer(
          ended,
          new TaskReturned(
              ended.spec().id(),
              ended.attempt(),
              List.of(DONE),
              List.of(),
              List.of(),
              List.of(),
              id));
      begin();
    }

    private void answer(TaskPushed push, WorkerMessage message) {
      Owner owner = ownerOf(push.spec().id());
      after(
          delayNanos(id.node(), owner.id.node()),
          () -> owner.input(new WorkerInput.Received(message)));
    }

    private Owner ownerOf(TaskId task) {
      return owners.get(task.owner());
    }

    /** Whoever waits behind a task that runs long goes back. */
    private void watch() {
      if (watched) {
        return;
      }
      watched = true;
      after(
          BEHIND_MAX_NANOS,
          () -> {
            watched = false;
            if (running == null || queue.isEmpty()) {
              return;
            }
            if (nowNanos - sinceNanos < BEHIND_MAX_NANOS) {
              watch();
              return;
            }
            Pushed waiting;
            while ((waiting = queue.poll()) != null) {
              Sim.expect(waiting.claim.take(waiting.push.attempt()), "taken: " + waiting);
              handedBack++;
              messages += 2; // it was sent in vain, and comes back
              messagesAndTasks.get(waiting.push.lease())[1]--;
              answer(
                  waiting.push,
                  new TaskHandedBack(waiting.push.spec().id(), waiting.push.attempt(), id));
            }
          });
    }
  }
}
