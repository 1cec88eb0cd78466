package io.dfut.internal.ownership;

import io.dfut.JobId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.lease.LeaseEffect;
import io.dfut.internal.lease.LeaseInput;
import io.dfut.internal.lease.LeaseLimits;
import io.dfut.internal.lease.LeaseMachine;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.SchedulerMessage.RequestLease;
import io.dfut.internal.protocol.Transit;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.LeaseGranted;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.FunctionRef;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What the machines alone cost: no threads, no messages between JVMs, no user code. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class MachinesBenchmark {
  private static final NodeId HERE = new NodeId("here", 1, 1);
  private static final NodeId THERE = new NodeId("there", 2, 2);
  private static final WorkerId OWNER = new WorkerId(HERE, 1);
  private static final WorkerId EXECUTOR = new WorkerId(HERE, 2);
  private static final WorkerId BORROWER = new WorkerId(THERE, 1);
  private static final JobId JOB = new JobId(HERE, 1);
  private static final Placement ANYWHERE = new Placement.Anywhere();
  private static final FunctionRef BODY =
      FunctionRef.local(
          new FunctionRef.Descriptor("Body", "run", "()V", 6, "()V", 0, List.of()), "body");
  private static final List<Outcome> DONE =
      List.of(new Outcome.Inline(InlineValue.direct(0, value -> new byte[0]), List.of()));
  private static final List<Settleable> NOBODY_READS = List.of(new Settleable() {});
  private static final TaskSpec.Kind PLAIN = new TaskSpec.Kind.Plain();

  /** Tasks that are submitted before any ends. */
  static final int BATCH = 1_000;

  /** Rows that the table holds besides; requests that wait besides. */
  @Param({"0", "10000"})
  public int others;

  private final List<WorkerEffect.Push> pushes = new ArrayList<>();
  private final List<LeaseId> asked = new ArrayList<>();
  private WorkerMachine owner;
  private LeaseMachine scheduler;
  private ObjectId lent;
  private LeaseId lastGranted;
  private long lastTask;
  private long lastLease;
  private long epoch;
  private long nowNanos;

  /** An owner with a worker leased, and a scheduler with a worker idle. */
  @Setup(Level.Iteration)
  public void make() {
    owner =
        new WorkerMachine(
            OWNER,
            new WorkerLimits(
                100_000_000L, 2, 256, 16, 5_000_000_000L, 10_000_000_000L, Long.MAX_VALUE, 1));
    for (int i = 0; i <= others; i++) {
      lent = new ObjectId(OWNER, -1 - i, 0);
      step(new WorkerInput.Put(lent, DONE.getFirst(), CallSite.UNKNOWN, NOBODY_READS.getFirst()));
    }
    submit();
    step(new WorkerInput.Received(new LeaseGranted(asked.getFirst(), EXECUTOR)));
    answerAll();

    scheduler =
        new LeaseMachine(
            HERE,
            Resources.NONE.with(Resources.CPU, 1),
            new LeaseLimits(4, 10_000_000_000L, Long.MAX_VALUE, 64, 16, 1),
            new Random(1));
    step(request(new LeaseId(OWNER, ++lastLease)));
    step(new LeaseInput.WorkerReady(EXECUTOR));
    for (int i = 0; i < others; i++) {
      step(request(new LeaseId(OWNER, ++lastLease)));
    }
  }

  private void step(WorkerInput input) {
    owner.step(input, ++nowNanos, this::perform);
  }

  private void perform(WorkerEffect effect) {
    switch (effect) {
      case WorkerEffect.Push push -> pushes.add(push);
      case WorkerEffect.AskScheduler(NodeId node, RequestLease request) ->
          asked.add(request.lease());
      default -> {}
    }
  }

  private TaskId submit() {
    TaskId task = new TaskId(OWNER, ++lastTask);
    step(
        new WorkerInput.Submit(
            new TaskSpec(
                task,
                JOB,
                BODY,
                "body",
                List.of(),
                1,
                PLAIN,
                Resources.ONE_CPU,
                3,
                List.of(),
                0,
                ANYWHERE,
                0,
                CallSite.UNKNOWN),
            NOBODY_READS,
            new Claim(),
            Optional.empty(),
            Optional.empty()));
    return task;
  }

  /** Each push is answered, which brings the next one, until none is left. */
  private void answerAll() {
    for (int i = 0; i < pushes.size(); i++) {
      WorkerEffect.Push push = pushes.get(i);
      TaskId task = push.message().spec().id();
      step(
          new WorkerInput.Received(
              new TaskReturned(
                  task,
                  push.message().attempt(),
                  DONE,
                  List.of(),
                  List.of(),
                  List.of(),
                  push.to())));
      step(new WorkerInput.HandleReleased(task.result(0)));
    }
    pushes.clear();
  }

  /** A task from its submission over push and reply to the end of its handle. */
  @Benchmark
  public void taskAlone() {
    submit();
    answerAll();
  }

  /** The same for tasks that wait for each other at the leased worker. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void taskOfMany() {
    for (int i = 0; i < BATCH; i++) {
      submit();
    }
    answerAll();
    asked.clear();
  }

  /** A borrower comes and goes. */
  @Benchmark
  public void borrowAndRelease() {
    step(
        new WorkerInput.Received(
            new WorkerMessage.Borrowed(new Transit(lent, 0), BORROWER, ++epoch, BORROWER)));
    step(new WorkerInput.Received(new WorkerMessage.BorrowReleased(lent, BORROWER, epoch)));
  }

  private static LeaseInput request(LeaseId lease) {
    return new LeaseInput.Received(
        new RequestLease(
            lease,
            JOB,
            Resources.ONE_CPU,
            ANYWHERE,
            Map.of(),
            0,
            0,
            0,
            SchedulerMessage.Use.TASKS));
  }

  private void step(LeaseInput input) {
    scheduler.step(
        input,
        ++nowNanos,
        effect -> {
          if (effect instanceof LeaseEffect.Tell(WorkerId to, LeaseGranted granted)) {
            lastGranted = granted.lease();
          }
        });
  }

  /** One asks, another gives its lease back and so grants the next. */
  @Benchmark
  public LeaseId leaseAndReturn() {
    step(request(new LeaseId(OWNER, ++lastLease)));
    step(new LeaseInput.Received(new SchedulerMessage.ReturnLease(lastGranted)));
    return lastGranted;
  }
}
