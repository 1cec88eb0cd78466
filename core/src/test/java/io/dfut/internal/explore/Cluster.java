package io.dfut.internal.explore;

import io.dfut.JobId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.ownership.Claim;
import io.dfut.internal.ownership.WorkerLimits;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.SchedulerMessage.RequestLease;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.task.Failure;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Three workers on two or three nodes: the real machines, a model of the executor and of user code
 * beside each ({@link Member}), and messages under way. What happens next is chosen by whoever
 * explores: which message is delivered, who makes a step, who dies.
 *
 * <p>Links lose nothing between the living (ADR 0009; that this is so is explored apart, in module
 * {@code cluster}) and keep their order. Of a dead sender's links any tail is lost. There is no
 * clock: a timer fires when it may. The handover grace is an assumption about time, so it is one
 * here: it ends only when nothing of the dead is under way any more, and no registration.
 *
 * <p>Scheduling is scripted: a lease is granted at once, for the worker that the task's script
 * names, or for another living one. Idle leases go back when nothing else can happen.
 */
final class Cluster implements Model {
  static final JobId JOB = new JobId(new NodeId("n", 1, 0), 1);
  static final WorkerLimits LIMITS = new WorkerLimits(0, 2, 2, 2, 1, 1, Long.MAX_VALUE, 1);

  /**
   * How a message goes from one worker to another. In order within a lane, in any order between
   * them.
   */
  enum Lane {
    /** What a table sends. */
    TABLE,
    /** What an executing thread sends past its table. */
    THREAD,
    /** News of the death of the worker that the lane comes from. */
    NOTICE,
    /** A release that was overtaken. */
    LATE
  }

  private static final Lane[] LANES = Lane.values();
  private static final int WORKERS = 3;

  // What may happen, in the upper byte of a choice; the lower one says to whom.
  private static final int DELIVER = 0;
  private static final int STEP = 1;
  private static final int HANDOVER_END = 2;
  private static final int LEASE_SWEEP = 3;
  private static final int KILL_WORKER = 4;
  private static final int KILL_NODE = 5;
  private static final int CUT = 6;
  private static final int REPEAT = 7;
  private static final int OVERTAKEN = 8;

  /**
   * A message under way.
   *
   * @param claim of a pushed task within a node
   */
  record Mail(WorkerMessage message, Optional<Claim> claim) {}

  private record ConstantScenario(Scenario scenario) implements Named {
    @Override
    public String name() {
      return scenario.name();
    }
  }

  private final ConstantScenario constants;
  final List<Member> members = new ArrayList<>();

  /** By number of the link; none is empty. */
  private final TreeMap<Integer, ArrayDeque<Mail>> links = new TreeMap<>();

  /** Granted, with the worker, and not returned; they end with owner or worker. */
  private final Map<LeaseId, WorkerId> leases = new HashMap<>();

  /** Copies, each by node. */
  private final Set<Copy> copies = new HashSet<>();

  record Copy(NodeId node, ObjectKey key) {}

  private int crashes;
  private int repeats;
  private boolean anyDied;

  Cluster(Scenario scenario) {
    constants = new ConstantScenario(scenario);
    crashes = scenario.crashes();
    repeats = scenario.repeats();
    for (int i = 0; i < WORKERS; i++) {
      members.add(new Member(this, i, worker(scenario, i)));
    }
    members.getFirst().drive(scenario.driver());
  }

  private static WorkerId worker(Scenario scenario, int index) {
    return new WorkerId(new NodeId("n", scenario.nodes().get(index), 0), index + 1);
  }

  // ---- links ----

  private static int link(int from, Lane lane, int to) {
    return (from * LANES.length + lane.ordinal()) * WORKERS + to;
  }

  private static int from(int link) {
    return link / WORKERS / LANES.length;
  }

  private static Lane lane(int link) {
    return LANES[link / WORKERS % LANES.length];
  }

  private static int to(int link) {
    return link % WORKERS;
  }

  int indexOf(WorkerId worker) {
    for (Member member : members) {
      if (member.id.equals(worker)) {
        return member.index;
      }
    }
    throw new IllegalStateException("nobody is " + worker);
  }

  void send(Member from, Lane lane, WorkerId to, WorkerMessage message, Optional<Claim> claim) {
    Member receiver = members.get(indexOf(to));
    if (receiver.dead) {
      if (isAnswered(message)) {
        tell(from, receiver);
      }
      return;
    }
    put(link(from.index, lane, receiver.index), new Mail(message, claim));
  }

  private void put(int link, Mail mail) {
    links.computeIfAbsent(link, each -> new ArrayDeque<>()).addLast(mail);
  }

  private Mail take(int link) {
    ArrayDeque<Mail> waiting = links.get(link);
    Mail mail = waiting.removeFirst();
    if (waiting.isEmpty()) {
      links.remove(link);
    }
    return mail;
  }

  /** As the runtime does: who waits for an answer of the dead hears that nobody will give it. */
  private static boolean isAnswered(WorkerMessage message) {
    return message instanceof WorkerMessage.TaskPushed
        || message instanceof WorkerMessage.Resolve
        || message instanceof WorkerMessage.Borrowed
        || message instanceof WorkerMessage.CopyLost
        || message instanceof WorkerMessage.ActorLost
        || message instanceof WorkerMessage.CancelTask
        || message instanceof WorkerMessage.CancelRequested;
  }

  /** News of a death, unless they are on their way already. */
  private void tell(Member whom, Member dead) {
    int link = link(dead.index, Lane.NOTICE, whom.index);
    if (!whom.dead && !links.containsKey(link)) {
      put(link, new Mail(dead.notice, Optional.empty()));
    }
  }

  // ---- scheduling and stores ----

  /** What a worker asked a scheduler; the answer is handed over at once. */
  void ask(Member owner, SchedulerMessage message) {
    switch (message) {
      case RequestLease request -> {
        Optional<Member> executor = executorFor(owner, request);
        if (executor.isPresent()) {
          leases.put(request.lease(), executor.get().id);
          owner.hear(new WorkerMessage.LeaseGranted(request.lease(), executor.get().id));
        } else {
          owner.hear(
              new WorkerMessage.LeaseRefused(
                  request.lease(), Failure.of(Failure.Kind.INFEASIBLE, "no worker is left")));
        }
      }
      case SchedulerMessage.ReturnLease(LeaseId lease) -> leases.remove(lease);
      default -> throw new IllegalStateException("unexpected: " + message);
    }
  }

  private Optional<Member> executorFor(Member owner, RequestLease request) {
    for (int i = 0; i < WORKERS; i++) {
      if (request.resources().unitsOf(Member.AT + i) > 0 && !members.get(i).dead) {
        return Optional.of(members.get(i));
      }
    }
    return members.stream()
        .filter(member -> member.index > 0 && member != owner && !member.dead)
        .findFirst();
  }

  void store(NodeId node, ObjectKey key) {
    copies.add(new Copy(node, key));
  }

  void free(NodeId node, ObjectKey key) {
    copies.remove(new Copy(node, key));
  }

  boolean hasCopy(NodeId node, ObjectKey key) {
    return copies.contains(new Copy(node, key));
  }

  // ---- what may happen ----

  private record Codes(List<Integer> codes) {
    void add(int kind, int what) {
      codes.add(kind << 8 | what);
    }
  }

  @Override
  public int[] choices() {
    Codes codes = new Codes(new ArrayList<>());
    links.keySet().forEach(link -> codes.add(DELIVER, link));
    for (Member member : members) {
      if (!member.dead) {
        member.steps().forEach(step -> codes.add(STEP, member.index << 4 | step));
        if (member.timers.contains(Member.HANDOVER) && graceMayEnd()) {
          codes.add(HANDOVER_END, member.index);
        }
      }
    }
    if (codes.codes.isEmpty()) {
      for (Member member : members) {
        if (!member.dead && member.timers.contains(Member.SWEEP)) {
          codes.add(LEASE_SWEEP, member.index);
          break;
        }
      }
    }
    addFaults(codes);
    return codes.codes.stream().mapToInt(Integer::intValue).toArray();
  }

  /** What is slower than any message: nothing of the dead, and no registration, is under way. */
  private boolean graceMayEnd() {
    for (var entry : links.entrySet()) {
      if (members.get(from(entry.getKey())).dead) {
        return false;
      }
      for (Mail mail : entry.getValue()) {
        if (mail.message instanceof WorkerMessage.Borrowed) {
          return false;
        }
      }
    }
    return true;
  }

  private void addFaults(Codes codes) {
    for (int link : links.keySet()) {
      if (members.get(from(link)).dead && lane(link) != Lane.NOTICE) {
        codes.add(CUT, link);
      }
    }
    if (crashes > 0) {
      for (Member member : members) {
        if (!member.dead) {
          codes.add(KILL_WORKER, member.index);
          if (isFirstOfItsNode(member)) {
            codes.add(KILL_NODE, member.index);
          }
        }
      }
    }
    if (repeats > 0) {
      links.forEach(
          (link, waiting) -> {
            WorkerMessage head = waiting.peekFirst().message;
            if (mayComeTwice(head)) {
              codes.add(REPEAT, link);
            }
            if (head instanceof WorkerMessage.BorrowReleased && lane(link) != Lane.LATE) {
              codes.add(OVERTAKEN, link);
            }
          });
    }
  }

  private boolean isFirstOfItsNode(Member member) {
    return members.stream()
            .filter(other -> !other.dead && other.id.node().equals(member.id.node()))
            .findFirst()
            .orElseThrow()
        == member;
  }

  /** All that only tables hear; a task that is pushed twice would run twice. */
  private static boolean mayComeTwice(WorkerMessage message) {
    return !(message instanceof WorkerMessage.TaskPushed
        || message instanceof WorkerMessage.CancelTask);
  }

  @Override
  public void choose(int choice) {
    int what = choice & 0xff;
    switch (choice >> 8) {
      case DELIVER -> members.get(to(what)).receive(take(what));
      case STEP -> members.get(what >> 4).step(what & 0xf);
      case HANDOVER_END -> members.get(what).fire(Member.HANDOVER, 1);
      case LEASE_SWEEP -> members.get(what).fire(Member.SWEEP, 0);
      case KILL_WORKER -> {
        crashes--;
        Member victim = members.get(what);
        kill(victim, new WorkerMessage.WorkerDied(victim.id, "it crashed"));
      }
      case KILL_NODE -> {
        crashes--; // one crash, however many workers die with it
        NodeId node = members.get(what).id.node();
        copies.removeIf(copy -> copy.node.equals(node));
        for (Member member : members) {
          if (member.id.node().equals(node)) {
            kill(member, new WorkerMessage.NodeDied(node, "it crashed"));
          }
        }
      }
      case CUT -> links.remove(what);
      case REPEAT -> {
        repeats--;
        members.get(to(what)).receive(links.get(what).peekFirst());
      }
      case OVERTAKEN -> {
        repeats--;
        put(link(from(what), Lane.LATE, to(what)), take(what));
      }
      default -> throw new IllegalArgumentException("choice " + choice);
    }
  }

  private void kill(Member victim, WorkerMessage notice) {
    anyDied = true;
    victim.die(notice);
    links.keySet().removeIf(link -> to(link) == victim.index);
    leases.keySet().removeIf(lease -> lease.owner().equals(victim.id));
    leases.values().removeIf(victim.id::equals);
    for (Member member : members) {
      tell(member, victim);
    }
  }

  @Override
  public String describe(int choice) {
    int what = choice & 0xff;
    return switch (choice >> 8) {
      case DELIVER -> "deliver " + describeMail(what);
      case STEP -> members.get(what >> 4).describeStep(what & 0xf);
      case HANDOVER_END -> members.get(what) + ": the handover grace ends";
      case LEASE_SWEEP -> members.get(what) + ": idle leases go back";
      case KILL_WORKER -> "CRASH of " + members.get(what);
      case KILL_NODE -> "CRASH of the node of " + members.get(what);
      case CUT -> "LOST, since the sender is dead: all on " + describeLink(what);
      case REPEAT -> "deliver, and it will come ONCE MORE, " + describeMail(what);
      case OVERTAKEN -> "what follows may OVERTAKE " + describeMail(what);
      default -> "choice " + choice;
    };
  }

  private String describeMail(int link) {
    WorkerMessage message = links.get(link).peekFirst().message;
    String text =
        message instanceof WorkerMessage.TaskPushed push
            ? "TaskPushed " + push.spec().name() + " attempt " + push.attempt() + " " + push.lent()
            : message.toString();
    for (Member member : members) {
      text = text.replace(member.id.toString(), member.toString());
    }
    return describeLink(link) + ": " + text;
  }

  private String describeLink(int link) {
    Lane lane = lane(link);
    return members.get(from(link))
        + " -> "
        + members.get(to(link))
        + (lane == Lane.TABLE ? "" : " (" + lane.name().toLowerCase(java.util.Locale.ROOT) + ")");
  }

  // ---- what must hold ----

  boolean anyDied() {
    return anyDied;
  }

  boolean isDead(WorkerId worker) {
    return members.get(indexOf(worker)).dead;
  }

  @Override
  public void check() {
    for (Member member : members) {
      if (!member.dead) {
        member.check();
      }
    }
    if (isQuiet()) {
      checkNothingIsLeft();
    }
  }

  /** Whether the owner lists this borrower, or a message that will make it do so is under way. */
  boolean isOnItsWay(Member borrower, ObjectId object, long epoch) {
    int owner = indexOf(object.owner());
    for (Lane lane : LANES) {
      for (Mail mail : links.getOrDefault(link(borrower.index, lane, owner), new ArrayDeque<>())) {
        if (mail.message instanceof WorkerMessage.TaskReturned returned
            && returned.held().contains(new WorkerMessage.Held(object, epoch))) {
          return true;
        }
      }
    }
    return false;
  }

  /** Nothing can happen any more but faults. */
  private boolean isQuiet() {
    for (int choice : choices()) {
      if (choice >> 8 < KILL_WORKER) {
        return false;
      }
    }
    return true;
  }

  private void checkNothingIsLeft() {
    for (Member member : members) {
      if (!member.dead) {
        member.checkNothingIsLeft();
      }
    }
    expect(leases.isEmpty(), "leases were not given back: ", leases);
    for (Copy copy : copies) {
      // A dead owner's copies are the store's to sweep, and those that a dead executor did not tell
      // of: no machine knows them.
      expect(
          isDead(copy.key.id().owner()) || anyDied, "a copy is left that nobody refers to: ", copy);
    }
  }

  static void expect(boolean holds, String what, Object value) {
    if (!holds) {
      throw new AssertionError(what + value);
    }
  }
}
