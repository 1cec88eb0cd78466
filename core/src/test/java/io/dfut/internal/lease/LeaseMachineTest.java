package io.dfut.internal.lease;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.JobId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.SchedulerMessage.NodeLoad;
import io.dfut.internal.protocol.SchedulerMessage.RequestLease;
import io.dfut.internal.protocol.SchedulerMessage.Use;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.LeaseGranted;
import io.dfut.internal.protocol.WorkerMessage.LeaseQueued;
import io.dfut.internal.protocol.WorkerMessage.LeaseReclaimed;
import io.dfut.internal.protocol.WorkerMessage.LeaseRedirected;
import io.dfut.internal.protocol.WorkerMessage.LeaseRefused;
import io.dfut.internal.task.Failure;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Stories of a node's scheduler. After each step, what is granted and what is free is the total.
 */
final class LeaseMachineTest {
  private static final NodeId HERE = new NodeId("here", 1, 0);
  private static final NodeId THERE = new NodeId("there", 2, 0);
  private static final NodeId ELSEWHERE = new NodeId("elsewhere", 3, 0);
  private static final WorkerId OWNER = new WorkerId(HERE, 1);
  private static final WorkerId OTHER = new WorkerId(THERE, 1);
  private static final long TENURE = 10;
  private static final long INFEASIBLE = 1_000;
  private static final int AWAY = 2;
  private static final int HOPS = 2;

  private static Resources cpus(double amount) {
    return Resources.NONE.with(Resources.CPU, amount);
  }

  /** A scheduler whose workers start at once, unless told otherwise. */
  private static final class Scheduler {
    final NodeId node;
    final Resources total;
    final LeaseMachine machine;
    final List<LeaseEffect> effects = new ArrayList<>();
    final Map<LeaseId, WorkerMessage> answers = new HashMap<>();
    boolean startsWorkers = true;
    long now = 100;
    long lastWorker = 100;
    long lastLease;

    Scheduler(Resources total) {
      this(HERE, total);
    }

    Scheduler(NodeId node, Resources total) {
      this(node, total, 1);
    }

    Scheduler(NodeId node, Resources total, double packThreshold) {
      this.node = node;
      this.total = total;
      this.machine =
          new LeaseMachine(
              node,
              total,
              new LeaseLimits(HOPS, INFEASIBLE, TENURE, 2, AWAY, packThreshold),
              new Random(1));
    }

    void does(LeaseInput input) {
      List<LeaseEffect> mine = new ArrayList<>();
      machine.step(input, now, mine::add);
      for (LeaseEffect effect : mine) {
        effects.add(effect);
        switch (effect) {
          case LeaseEffect.Tell(WorkerId owner, WorkerMessage message) -> note(message);
          case LeaseEffect.StartWorker start -> {
            if (startsWorkers) {
              ready();
            }
          }
          default -> {}
        }
      }
      for (String name : total.units().keySet()) {
        long held = machine.held().getOrDefault(name, 0L);
        assertThat(held + machine.free().get(name)).isEqualTo(total.unitsOf(name));
      }
    }

    /** How often its worker was told that the share is back. */
    long resumes(LeaseId lease) {
      return effects.stream()
          .filter(e -> e instanceof LeaseEffect.Resume resume && resume.lease().equals(lease))
          .count();
    }

    private void note(WorkerMessage message) {
      switch (message) {
        case LeaseGranted m -> answers.put(m.lease(), m);
        case LeaseQueued m -> answers.put(m.lease(), m);
        case LeaseRedirected m -> answers.put(m.lease(), m);
        case LeaseRefused m -> answers.put(m.lease(), m);
        case LeaseReclaimed m -> answers.put(m.lease(), m);
        default -> throw new AssertionError(message);
      }
    }

    WorkerId ready() {
      WorkerId worker = new WorkerId(node, ++lastWorker);
      does(new LeaseInput.WorkerReady(worker));
      return worker;
    }

    void hears(SchedulerMessage message) {
      does(new LeaseInput.Received(message));
    }

    LeaseId asks(WorkerId owner, Resources need) {
      return asks(owner, need, new Placement.Anywhere(), Map.of(), 0, 0, Use.TASKS);
    }

    LeaseId asks(
        WorkerId owner,
        Resources need,
        Placement placement,
        Map<NodeId, Long> bytes,
        int depth,
        int hops,
        Use use) {
      return asks(new LeaseId(owner, ++lastLease), need, placement, bytes, depth, hops, use);
    }

    LeaseId asks(
        LeaseId lease,
        Resources need,
        Placement placement,
        Map<NodeId, Long> bytes,
        int depth,
        int hops,
        Use use) {
      hears(
          new RequestLease(
              lease,
              new JobId(HERE, 1),
              need,
              placement,
              bytes,
              argumentBytes(bytes),
              depth,
              hops,
              use));
      return lease;
    }

    private static long argumentBytes(Map<NodeId, Long> byNode) {
      return byNode.values().stream().mapToLong(Long::longValue).max().orElse(0);
    }

    void knows(NodeId node, Resources has, Resources free) {
      hears(new NodeLoad(node, ++now, has, free, 0, Long.MAX_VALUE));
    }

    boolean granted(LeaseId lease) {
      return answers.get(lease) instanceof LeaseGranted;
    }

    WorkerId worker(LeaseId lease) {
      return ((LeaseGranted) answers.get(lease)).worker();
    }

    void returns(LeaseId lease) {
      hears(new SchedulerMessage.ReturnLease(lease));
    }

    void ticks() {
      does(new LeaseInput.Tick(Long.MAX_VALUE));
    }

    void assertAllIsFree() {
      assertThat(machine.describe()).isEmpty();
      total
          .units()
          .forEach((name, amount) -> assertThat(machine.free()).containsEntry(name, amount));
    }
  }

  private final Scheduler scheduler = new Scheduler(cpus(2));

  @Test
  void whatFitsIsGrantedAndTheRestQueues() {
    LeaseId one = scheduler.asks(OWNER, cpus(1));
    LeaseId two = scheduler.asks(OWNER, cpus(1));
    LeaseId three = scheduler.asks(OWNER, cpus(1));
    assertThat(scheduler.granted(one) && scheduler.granted(two)).isTrue();
    assertThat(scheduler.answers.get(three)).isInstanceOf(LeaseQueued.class);
    WorkerId first = scheduler.worker(one);
    scheduler.returns(one);
    assertThat(scheduler.worker(three)).isEqualTo(first); // a warm one
    scheduler.returns(two);
    scheduler.returns(three);
    scheduler.assertAllIsFree();
  }

  @Test
  void deepestIsServedFirstAndAmongEqualsTheOldest() {
    LeaseId holder = scheduler.asks(OWNER, cpus(2));
    List<LeaseId> waiting =
        IntStream.of(0, 2, 1, 2)
            .mapToObj(
                depth ->
                    scheduler.asks(
                        OWNER, cpus(2), new Placement.Anywhere(), Map.of(), depth, 0, Use.TASKS))
            .toList();
    for (int next : new int[] {1, 3, 2, 0}) {
      scheduler.returns(holder);
      assertThat(scheduler.granted(waiting.get(next))).isTrue();
      holder = waiting.get(next);
    }
    scheduler.returns(holder);
    scheduler.assertAllIsFree();
  }

  @Test
  void tenThousandthsAddUpExactly() {
    Scheduler fine = new Scheduler(cpus(1));
    List<LeaseId> leases =
        IntStream.range(0, 10_000).mapToObj(i -> fine.asks(OWNER, cpus(0.0001))).toList();
    assertThat(leases).allMatch(fine::granted);
    assertThat(fine.granted(fine.asks(OTHER, cpus(0.0001)))).isFalse();
    leases.forEach(fine::returns);
    assertThat(fine.machine.free()).containsEntry(Resources.CPU, 9_999L);
  }

  @Test
  void fullNodeSendsTheOwnerToOneWithRoom() {
    scheduler.asks(OWNER, cpus(2));
    scheduler.knows(THERE, cpus(2), cpus(1));
    LeaseId lease = scheduler.asks(OWNER, cpus(1));
    assertThat(scheduler.answers.get(lease)).isEqualTo(new LeaseRedirected(lease, THERE, 1));
    LeaseId next = scheduler.asks(OWNER, cpus(1)); // the room there is thought to be taken
    assertThat(scheduler.answers.get(next)).isInstanceOf(LeaseQueued.class);
  }

  private static LeaseId asksWith(
      Scheduler scheduler, Resources need, Placement placement, Map<NodeId, Long> bytes, int hops) {
    return scheduler.asks(OWNER, need, placement, bytes, 0, hops, Use.TASKS);
  }

  private static boolean goesTo(NodeId node, Scheduler scheduler, LeaseId lease) {
    return scheduler.answers.get(lease) instanceof LeaseRedirected redirected
        && redirected.to().equals(node);
  }

  @Test
  @Tag("C262")
  @DisplayName("262 a node is filled to the threshold, then whichever is used less")
  void nodeIsFilledToTheThreshold() {
    Scheduler half = new Scheduler(HERE, cpus(4), 0.5);
    half.knows(THERE, cpus(4), cpus(4));
    List<LeaseId> leases = IntStream.range(0, 8).mapToObj(i -> half.asks(OWNER, cpus(1))).toList();
    List<String> went =
        leases.stream().map(lease -> goesTo(THERE, half, lease) ? "there" : "here").toList();
    assertThat(went)
        .containsExactly("here", "here", "there", "there", "here", "there", "here", "there");
    assertThat(leases).allMatch(lease -> half.granted(lease) || goesTo(THERE, half, lease));
  }

  @Test
  void thresholdCountsTheResourceThatIsUsedMostOfThoseAskedFor() {
    Resources total = cpus(4).with("gpu", 2);
    Scheduler half = new Scheduler(HERE, total, 0.5);
    half.knows(THERE, total, total);
    assertThat(half.granted(half.asks(OWNER, cpus(1).with("gpu", 1)))).isTrue();
    assertThat(goesTo(THERE, half, half.asks(OWNER, cpus(1).with("gpu", 1)))).isTrue();
    assertThat(half.granted(half.asks(OWNER, cpus(1)))).as("asks for no gpu").isTrue();
    assertThat(half.granted(half.asks(OWNER, Resources.NONE))).as("asks for nothing").isTrue();
  }

  @Test
  void thresholdDoesNotMoveWhatHasAReasonToBeHere() {
    Scheduler half = new Scheduler(HERE, cpus(8), 0.5);
    half.knows(THERE, cpus(8), cpus(8));
    half.asks(OWNER, cpus(2));
    half.asks(OWNER, cpus(2));
    long much = RequestLease.LOCALITY_BYTES_MIN;
    Placement near = new Placement.Near(new ObjectId(OWNER, 1, 0));
    Placement anywhere = new Placement.Anywhere();
    assertThat(half.granted(asksWith(half, cpus(1), anywhere, Map.of(HERE, much), 0))).isTrue();
    assertThat(half.granted(asksWith(half, cpus(1), near, Map.of(HERE, 1L), 0))).isTrue();
    assertThat(half.granted(asksWith(half, cpus(1), anywhere, Map.of(), 1)))
        .as("sent here by another node")
        .isTrue();
    LeaseId free = asksWith(half, cpus(1), anywhere, Map.of(HERE, much - 1), 0);
    assertThat(goesTo(THERE, half, free)).isTrue();
  }

  @Test
  void fullerNodesAreNoBetterThanThisOne() {
    Scheduler half = new Scheduler(HERE, cpus(4), 0.5);
    half.asks(OWNER, cpus(2));
    half.knows(THERE, cpus(4), cpus(2));
    half.knows(ELSEWHERE, cpus(8), cpus(2));
    assertThat(half.granted(half.asks(OWNER, cpus(1)))).isTrue();
    assertThat(goesTo(THERE, half, half.asks(OWNER, cpus(1))))
        .as("half full, as this was")
        .isTrue();
  }

  @Test
  void aLateReportOfADeadNodeIsNotBelieved() {
    Scheduler scheduler = new Scheduler(cpus(1));
    scheduler.hears(new NodeLoad(THERE, 1, cpus(4), cpus(4), 0, Long.MAX_VALUE));
    scheduler.hears(new SchedulerMessage.NodeGone(THERE));

    scheduler.hears(
        new NodeLoad(THERE, 2, cpus(4), cpus(4), 0, Long.MAX_VALUE)); // it was on its way

    assertThat(scheduler.machine.knownNodes()).isEmpty();
    NodeId again = new NodeId(THERE.host(), THERE.port(), THERE.incarnation() + 1);
    scheduler.hears(new NodeLoad(again, 1, cpus(4), cpus(4), 0, Long.MAX_VALUE));
    assertThat(scheduler.machine.knownNodes()).containsExactly(again);
  }

  @Test
  void guessOfAnotherNodesLoadIsForgottenWhenNoReportComes() {
    Scheduler scheduler = new Scheduler(cpus(1));
    scheduler.knows(THERE, cpus(1), cpus(1));
    scheduler.asks(OWNER, cpus(1));
    LeaseId sent = scheduler.asks(OWNER, cpus(1));
    assertThat(scheduler.answers.get(sent)).isInstanceOf(LeaseRedirected.class);
    LeaseId waiting = scheduler.asks(OWNER, cpus(1));
    scheduler.ticks();
    assertThat(scheduler.answers.get(waiting)).isInstanceOf(LeaseQueued.class);
    scheduler.now += LeaseMachine.GUESS_NANOS; // what was sent there has ended: nothing changed
    scheduler.ticks();
    assertThat(scheduler.answers.get(waiting)).isInstanceOf(LeaseRedirected.class);
  }

  @Test
  void requestWaitsWhereItIsAfterItsLastHop() {
    scheduler.asks(OWNER, cpus(2));
    scheduler.knows(THERE, cpus(2), cpus(2));
    LeaseId tired =
        scheduler.asks(OWNER, cpus(1), new Placement.Anywhere(), Map.of(), 0, HOPS, Use.TASKS);
    assertThat(scheduler.answers.get(tired)).isInstanceOf(LeaseQueued.class);
    scheduler.ticks();
    assertThat(scheduler.answers.get(tired)).isInstanceOf(LeaseQueued.class);
  }

  @Test
  @Tag("C252")
  @DisplayName("252 two full nodes that think the other has room send a request round once")
  void staleViewsSendARequestRoundOnce() {
    Scheduler there = new Scheduler(THERE, cpus(2));
    LeaseId heldHere = scheduler.asks(OTHER, cpus(2));
    LeaseId heldThere = there.asks(OTHER, cpus(2));
    scheduler.knows(THERE, cpus(2), cpus(2));
    there.knows(HERE, cpus(2), cpus(2));
    LeaseId lease = new LeaseId(OWNER, 77);

    asksWithHops(scheduler, lease, 0);
    assertThat(scheduler.answers.get(lease)).isEqualTo(new LeaseRedirected(lease, THERE, 1));
    asksWithHops(there, lease, 1);
    assertThat(there.answers.get(lease)).isEqualTo(new LeaseRedirected(lease, HERE, HOPS));
    asksWithHops(scheduler, lease, HOPS);
    scheduler.ticks();
    assertThat(scheduler.answers.get(lease)).isEqualTo(new LeaseQueued(lease));

    scheduler.returns(heldHere);
    assertThat(scheduler.worker(lease).node()).isEqualTo(HERE);
    scheduler.returns(lease);
    scheduler.assertAllIsFree();
    there.returns(heldThere);
    there.assertAllIsFree();
  }

  private static void asksWithHops(Scheduler at, LeaseId lease, int hops) {
    at.asks(lease, cpus(1), new Placement.Anywhere(), Map.of(), 0, hops, Use.TASKS);
  }

  @Test
  void nodeThatCanNeverRunItPassesItOnEvenAfterTheLastHop() {
    scheduler.knows(THERE, cpus(8), cpus(0));
    LeaseId big =
        scheduler.asks(OWNER, cpus(8), new Placement.Anywhere(), Map.of(), 0, HOPS, Use.TASKS);
    assertThat(scheduler.answers.get(big)).isInstanceOf(LeaseRedirected.class);
  }

  @Test
  void requestFollowsItsArguments() {
    scheduler.knows(THERE, cpus(2), cpus(2));
    Map<NodeId, Long> bytes = Map.of(THERE, 50L << 20, HERE, 1L << 20);
    LeaseId lease =
        scheduler.asks(OWNER, cpus(1), new Placement.Anywhere(), bytes, 0, 0, Use.TASKS);
    assertThat(scheduler.answers.get(lease)).isEqualTo(new LeaseRedirected(lease, THERE, 1));
    LeaseId there =
        scheduler.asks(OWNER, cpus(1), new Placement.Anywhere(), bytes, 0, 1, Use.TASKS);
    assertThat(scheduler.granted(there)).isTrue(); // once is enough
    ObjectId near = new ObjectId(OTHER, 1, 0);
    LeaseId asked =
        scheduler.asks(
            OWNER, cpus(1), new Placement.Near(near), Map.of(THERE, 10L), 0, 0, Use.TASKS);
    assertThat(scheduler.answers.get(asked)).isEqualTo(new LeaseRedirected(asked, THERE, 1));
  }

  @Test
  void spreadUsesAllNodesWithRoom() {
    Scheduler wide = new Scheduler(cpus(1000));
    wide.knows(THERE, cpus(1000), cpus(1000));
    wide.knows(ELSEWHERE, cpus(1000), cpus(1000));
    Map<Object, Integer> places = new HashMap<>();
    for (int i = 0; i < 300; i++) {
      LeaseId lease = wide.asks(OWNER, cpus(1), new Placement.Spread(), Map.of(), 0, 0, Use.TASKS);
      Object place =
          wide.answers.get(lease) instanceof LeaseRedirected redirected ? redirected.to() : HERE;
      places.merge(place, 1, Integer::sum);
    }
    assertThat(places).containsOnlyKeys(HERE, THERE, ELSEWHERE);
    assertThat(places.values()).allMatch(count -> count > 60);
  }

  @Test
  void placementOnANodeGoesThereAndNowhereElse() {
    scheduler.knows(THERE, cpus(1), Resources.NONE);
    LeaseId lease =
        scheduler.asks(OWNER, cpus(1), new Placement.On(THERE), Map.of(), 0, HOPS, Use.TASKS);
    assertThat(scheduler.answers.get(lease)).isInstanceOf(LeaseRedirected.class);
    scheduler.asks(OWNER, cpus(2));
    LeaseId here =
        scheduler.asks(OWNER, cpus(1), new Placement.On(HERE), Map.of(), 0, 0, Use.TASKS);
    assertThat(scheduler.answers.get(here)).isInstanceOf(LeaseQueued.class);
    LeaseId stranger =
        scheduler.asks(OWNER, cpus(1), new Placement.On(ELSEWHERE), Map.of(), 0, 0, Use.TASKS);
    scheduler.now += INFEASIBLE;
    scheduler.ticks();
    assertThat(scheduler.answers.get(stranger)).isInstanceOf(LeaseRefused.class);
  }

  @Test
  void impossibleRequestIsRefusedAfterAWhileNamingTheNearestNode() {
    scheduler.knows(THERE, cpus(3), cpus(3));
    LeaseId lease = scheduler.asks(OWNER, cpus(4));
    scheduler.ticks();
    assertThat(scheduler.answers.get(lease)).isInstanceOf(LeaseQueued.class);
    scheduler.now += INFEASIBLE;
    scheduler.ticks();
    Failure failure = ((LeaseRefused) scheduler.answers.get(lease)).failure();
    assertThat(failure.kind()).isEqualTo(Failure.Kind.INFEASIBLE);
    assertThat(failure.message()).contains("4 CPU").contains(THERE.toString()).contains("3 CPU");
    scheduler.assertAllIsFree();
  }

  @Test
  void impossibleRequestIsGrantedByANodeThatJoinsInTime() {
    LeaseId lease = scheduler.asks(OWNER, cpus(4));
    scheduler.knows(THERE, cpus(4), cpus(4));
    scheduler.ticks();
    assertThat(scheduler.answers.get(lease)).isEqualTo(new LeaseRedirected(lease, THERE, 1));
  }

  @Test
  void nodeThatOffersNothingRunsNotEvenWhatNeedsNothing() {
    Scheduler driver = new Scheduler(Resources.NONE);
    LeaseId waits = driver.asks(OWNER, Resources.NONE);
    assertThat(driver.granted(waits)).isFalse();
    driver.knows(THERE, cpus(4), cpus(4));
    driver.ticks();
    assertThat(driver.answers.get(waits)).isEqualTo(new LeaseRedirected(waits, THERE, 1));
    LeaseId sent = driver.asks(OWNER, Resources.NONE);
    assertThat(driver.answers.get(sent)).isEqualTo(new LeaseRedirected(sent, THERE, 1));
  }

  @Test
  void blockedTaskLendsItsShareAndTakesItBackAtOnce() {
    LeaseId parent = scheduler.asks(OWNER, cpus(2));
    LeaseId child = scheduler.asks(OTHER, cpus(2));
    scheduler.hears(new SchedulerMessage.TaskBlocked(parent));
    assertThat(scheduler.granted(child)).isTrue();
    scheduler.hears(new SchedulerMessage.TaskUnblocked(parent));
    assertThat(scheduler.machine.free()).containsEntry(Resources.CPU, -20_000L);
    LeaseId next = scheduler.asks(OTHER, cpus(1));
    scheduler.returns(child);
    assertThat(scheduler.granted(next)).isFalse();
    scheduler.returns(parent);
    assertThat(scheduler.granted(next)).isTrue();
    scheduler.returns(next);
    scheduler.assertAllIsFree();
  }

  @Test
  @Tag("C258")
  @DisplayName("258 a lease that waits for arguments lends its share, and waits for that as well")
  void leaseThatWaitsForArgumentsLendsItsShareAndGetsItBackWhenItFits() {
    LeaseId slow = scheduler.asks(OWNER, cpus(2));
    LeaseId quick = scheduler.asks(OTHER, cpus(2));
    scheduler.hears(new SchedulerMessage.ArgumentsAwaited(slow));
    assertThat(scheduler.granted(quick)).isTrue();
    LeaseId third = scheduler.asks(OTHER, cpus(2));
    scheduler.hears(new SchedulerMessage.ArgumentsArrived(slow, scheduler.worker(slow)));
    assertThat(scheduler.resumes(slow)).as("others use it").isZero();
    scheduler.returns(quick);
    assertThat(scheduler.resumes(slow)).isEqualTo(1);
    assertThat(scheduler.granted(third)).as("it goes before new ones").isFalse();
    scheduler.returns(slow);
    assertThat(scheduler.granted(third)).isTrue();
    scheduler.returns(third);
    scheduler.assertAllIsFree();
  }

  @Test
  void leasesBeyondTheBoundKeepTheirSharesWhileTheyWaitForArguments() {
    List<LeaseId> leases = new ArrayList<>();
    for (int i = 0; i <= AWAY; i++) {
      LeaseId lease = scheduler.asks(OWNER, cpus(2));
      assertThat(scheduler.granted(lease)).isTrue();
      scheduler.hears(new SchedulerMessage.ArgumentsAwaited(lease));
      leases.add(lease);
    }
    LeaseId other = scheduler.asks(OTHER, cpus(1));
    assertThat(scheduler.granted(other)).isFalse();
    LeaseId last = leases.getLast();
    scheduler.hears(new SchedulerMessage.ArgumentsArrived(last, scheduler.worker(last)));
    assertThat(scheduler.resumes(last)).as("it never lent its share").isEqualTo(1);
    leases.forEach(scheduler::returns);
    scheduler.returns(other);
    scheduler.assertAllIsFree();
  }

  @Test
  void whoWaitsForItsShareIsToldAlsoWhenTheLeaseEnds() {
    LeaseId slow = scheduler.asks(OWNER, cpus(2));
    scheduler.hears(new SchedulerMessage.ArgumentsAwaited(slow));
    LeaseId quick = scheduler.asks(OTHER, cpus(2));
    WorkerId worker = scheduler.worker(slow);
    scheduler.hears(new SchedulerMessage.ArgumentsArrived(slow, worker));
    scheduler.returns(slow);
    assertThat(scheduler.resumes(slow)).isEqualTo(1);
    scheduler.hears(new SchedulerMessage.ArgumentsArrived(slow, worker));
    assertThat(scheduler.resumes(slow)).as("an unknown lease").isEqualTo(2);
    scheduler.returns(quick);
    scheduler.assertAllIsFree();
  }

  @Test
  void whoWantsItsShareBackHasIdleLeasesReclaimed() {
    LeaseId slow = scheduler.asks(OWNER, cpus(2));
    scheduler.hears(new SchedulerMessage.ArgumentsAwaited(slow));
    LeaseId kept = scheduler.asks(OTHER, cpus(2));
    scheduler.now += TENURE;
    scheduler.hears(new SchedulerMessage.ArgumentsArrived(slow, scheduler.worker(slow)));
    assertThat(scheduler.answers.get(kept)).isInstanceOf(LeaseReclaimed.class);
    scheduler.returns(kept);
    assertThat(scheduler.resumes(slow)).isEqualTo(1);
    scheduler.returns(slow);
    scheduler.assertAllIsFree();
  }

  @Test
  void leaseThatIsReturnedWhileBlockedIsFreedOnce() {
    LeaseId lease = scheduler.asks(OWNER, cpus(1));
    scheduler.hears(new SchedulerMessage.TaskBlocked(lease));
    scheduler.returns(lease);
    scheduler.hears(new SchedulerMessage.TaskUnblocked(lease));
    scheduler.returns(lease);
    scheduler.assertAllIsFree();
  }

  @Test
  void leasesAreReclaimedAfterTheirTenureWhileOthersWait() {
    LeaseId held = scheduler.asks(OWNER, cpus(2));
    LeaseId waiting = scheduler.asks(OTHER, cpus(1));
    scheduler.ticks();
    assertThat(scheduler.granted(held)).isTrue();
    scheduler.now += TENURE;
    scheduler.ticks();
    assertThat(scheduler.answers.get(held)).isInstanceOf(LeaseReclaimed.class);
    scheduler.returns(held);
    assertThat(scheduler.granted(waiting)).isTrue();
  }

  @Test
  void actorsLeaseIsNotReclaimed() {
    LeaseId actor =
        scheduler.asks(OWNER, cpus(2), new Placement.Anywhere(), Map.of(), 0, 0, Use.ACTOR);
    scheduler.asks(OTHER, cpus(1));
    scheduler.now += TENURE;
    scheduler.ticks();
    assertThat(scheduler.granted(actor)).isTrue();
  }

  @Test
  void repeatedRequestGetsTheSameAnswer() {
    scheduler.startsWorkers = false;
    RequestLease request =
        new RequestLease(
            new LeaseId(OWNER, 9),
            new JobId(HERE, 1),
            cpus(1),
            new Placement.Anywhere(),
            Map.of(),
            0,
            0,
            0,
            Use.TASKS);
    scheduler.hears(request);
    scheduler.hears(request); // its worker is being started
    assertThat(scheduler.machine.free()).containsEntry(Resources.CPU, 10_000L);
    WorkerId worker = scheduler.ready();
    scheduler.hears(request);
    assertThat(scheduler.worker(request.lease())).isEqualTo(worker);
    scheduler.returns(request.lease());
    scheduler.returns(request.lease());
    scheduler.assertAllIsFree();
  }

  @Test
  void requestThatIsWithdrawnWhileItsWorkerStartsLeavesTheWorkerToOthers() {
    scheduler.startsWorkers = false;
    LeaseId one = scheduler.asks(OWNER, cpus(2));
    LeaseId two = scheduler.asks(OTHER, cpus(2));
    scheduler.returns(one);
    WorkerId worker = scheduler.ready();
    assertThat(scheduler.worker(two)).isEqualTo(worker);
    scheduler.returns(two);
    scheduler.ready();
    scheduler.assertAllIsFree();
  }

  @Test
  void ownersDeathFreesItsLeasesAndItsPlacesInTheQueue() {
    LeaseId dead = scheduler.asks(OTHER, cpus(2));
    scheduler.asks(OTHER, cpus(1));
    LeaseId alive = scheduler.asks(OWNER, cpus(2));
    assertThat(scheduler.granted(dead)).isTrue();
    scheduler.hears(new SchedulerMessage.NodeGone(THERE));
    assertThat(scheduler.granted(alive)).isTrue();
    scheduler.returns(alive);
    scheduler.assertAllIsFree();
  }

  @Test
  void requestOfADeadOwnerIsGrantedNothing() {
    scheduler.hears(new SchedulerMessage.WorkerGone(OTHER));
    LeaseId lease = scheduler.asks(OTHER, cpus(1));
    assertThat(scheduler.answers.get(lease)).isNull();
    scheduler.hears(new SchedulerMessage.NodeGone(THERE));
    assertThat(scheduler.answers.get(scheduler.asks(new WorkerId(THERE, 5), cpus(1)))).isNull();
    scheduler.assertAllIsFree();
  }

  @Test
  void ownersDeathEndsItsActorsAndTheirEndFreesTheLease() {
    LeaseId actor =
        scheduler.asks(OTHER, cpus(1), new Placement.Anywhere(), Map.of(), 0, 0, Use.ACTOR);
    WorkerId worker = scheduler.worker(actor);
    scheduler.hears(new SchedulerMessage.NodeGone(THERE));
    assertThat(scheduler.effects)
        .anyMatch(e -> e instanceof LeaseEffect.EndActor end && end.worker().equals(worker));
    scheduler.hears(new SchedulerMessage.WorkerGone(worker));
    scheduler.assertAllIsFree();
  }

  @Test
  @Tag("C250")
  @DisplayName("250 a dead worker's lease is freed, and the worker is not leased again")
  void deadWorkersLeaseIsFreedAndTheWorkerNotLeasedAgain() {
    LeaseId lease = scheduler.asks(OWNER, cpus(1));
    WorkerId dead = scheduler.worker(lease);
    scheduler.hears(new SchedulerMessage.WorkerGone(dead));
    scheduler.does(new LeaseInput.WorkerReady(dead)); // it had been parked, and is late
    LeaseId next = scheduler.asks(OWNER, cpus(1));
    assertThat(scheduler.worker(next)).isNotEqualTo(dead);
    scheduler.returns(next);
    scheduler.assertAllIsFree();
  }

  @Test
  void idleWorkersBeyondTheBoundAreRetired() {
    Scheduler wide = new Scheduler(cpus(5));
    List<LeaseId> leases = IntStream.range(0, 5).mapToObj(i -> wide.asks(OWNER, cpus(1))).toList();
    leases.forEach(wide::returns);
    assertThat(wide.effects.stream().filter(LeaseEffect.RetireWorker.class::isInstance)).hasSize(3);
  }

  @Test
  void stoppingNodeGrantsNothingAndSendsWhatWaitsElsewhere() {
    scheduler.asks(OWNER, cpus(2));
    LeaseId waiting = scheduler.asks(OWNER, cpus(1));
    scheduler.knows(THERE, cpus(2), cpus(0));
    scheduler.does(new LeaseInput.Stop("the test says so"));
    assertThat(scheduler.answers.get(waiting)).isEqualTo(new LeaseRedirected(waiting, THERE, 1));
    LeaseId big = scheduler.asks(OWNER, cpus(3));
    Failure failure = ((LeaseRefused) scheduler.answers.get(big)).failure();
    assertThat(failure.kind()).isEqualTo(Failure.Kind.CLOSED);
    assertThat(failure.message()).contains("the test says so");
  }

  @Test
  void loadIsToldOnlyWhenItChanged() {
    scheduler.ticks();
    scheduler.ticks();
    scheduler.asks(OWNER, cpus(1));
    scheduler.ticks();
    List<NodeLoad> told =
        scheduler.effects.stream()
            .filter(LeaseEffect.Publish.class::isInstance)
            .map(effect -> ((LeaseEffect.Publish) effect).load())
            .toList();
    assertThat(told).extracting(NodeLoad::free).containsExactly(cpus(2), cpus(1));
    assertThat(told.get(1).version()).isGreaterThan(told.get(0).version());
  }

  @Test
  void olderReportOfANodeIsIgnored() {
    scheduler.asks(OWNER, cpus(2));
    scheduler.hears(new NodeLoad(THERE, 5, cpus(2), Resources.NONE, 0, Long.MAX_VALUE));
    scheduler.hears(new NodeLoad(THERE, 4, cpus(2), cpus(2), 0, Long.MAX_VALUE));
    LeaseId lease = scheduler.asks(OWNER, cpus(1));
    assertThat(scheduler.answers.get(lease)).isInstanceOf(LeaseQueued.class);
  }

  @Test
  void randomHistoriesKeepTheSum() {
    for (int seed = 0; seed < 300; seed++) {
      Random random = new Random(seed);
      Scheduler any = new Scheduler(cpus(3).with("gpu", 1.5));
      any.startsWorkers = false;
      List<LeaseId> leases = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        any.now += random.nextInt(5);
        LeaseId one = leases.isEmpty() ? null : leases.get(random.nextInt(leases.size()));
        switch (random.nextInt(one == null ? 1 : 10)) {
          case 0, 1 ->
              leases.add(
                  any.asks(
                      random.nextBoolean() ? OWNER : OTHER,
                      cpus(random.nextInt(30) / 10.0).with("gpu", random.nextInt(3) / 2.0)));
          case 2 -> any.ready();
          case 3 -> any.returns(one);
          case 4 -> any.hears(new SchedulerMessage.TaskBlocked(one));
          case 5 -> any.hears(new SchedulerMessage.TaskUnblocked(one));
          case 6 -> any.ticks();
          case 7 -> any.hears(new SchedulerMessage.ArgumentsAwaited(one));
          case 8 -> any.hears(new SchedulerMessage.ArgumentsArrived(one, OTHER));
          default -> {
            if (any.granted(one) && random.nextInt(4) == 0) {
              any.hears(new SchedulerMessage.WorkerGone(any.worker(one)));
            }
          }
        }
      }
      leases.forEach(any::returns);
      any.assertAllIsFree();
    }
  }

  // ---- room in the store ----

  private static final long MIB = 1 << 20;

  /** With arguments of 8 MiB, of which these nodes have all. */
  private LeaseId asksWithArguments(int hops, NodeId... holders) {
    Map<NodeId, Long> bytes = new HashMap<>();
    for (NodeId holder : holders) {
      bytes.put(holder, 8 * MIB);
    }
    return asksWithArguments(hops, bytes);
  }

  /** With arguments of 8 MiB, of which nodes have so much. */
  private LeaseId asksWithArguments(int hops, Map<NodeId, Long> bytes) {
    LeaseId lease = new LeaseId(OWNER, ++scheduler.lastLease);
    scheduler.hears(
        new RequestLease(
            lease,
            new JobId(HERE, 1),
            cpus(1),
            new Placement.Anywhere(),
            bytes,
            8 * MIB,
            0,
            hops,
            Use.TASKS));
    return lease;
  }

  private void knowsRoom(NodeId node, Resources free, long roomBytes) {
    scheduler.hears(new NodeLoad(node, ++scheduler.now, cpus(2), free, 0, roomBytes));
  }

  @Test
  @Tag("C264")
  @DisplayName("264 a task whose arguments do not fit into the store here goes where they do")
  void taskGoesWhereItsArgumentsFit() {
    scheduler.does(new LeaseInput.Tick(4 * MIB));
    knowsRoom(THERE, Resources.NONE, 64 * MIB); // has the arguments, and no CPU
    knowsRoom(ELSEWHERE, cpus(2), 16 * MIB);
    LeaseId lease = asksWithArguments(0, THERE);
    assertThat(scheduler.answers.get(lease)).isEqualTo(new LeaseRedirected(lease, ELSEWHERE, 1));

    LeaseId here = asksWithArguments(0, HERE, THERE);
    assertThat(scheduler.granted(here)).as("what is here needs no room").isTrue();
  }

  @Test
  void argumentsThatFitNowhereWaitHere() {
    scheduler.does(new LeaseInput.Tick(4 * MIB));
    knowsRoom(THERE, Resources.NONE, 64 * MIB);
    knowsRoom(ELSEWHERE, cpus(2), 4 * MIB);
    assertThat(scheduler.granted(asksWithArguments(0, THERE))).isTrue();
    assertThat(scheduler.granted(asksWithArguments(4, THERE))).as("no hops are left").isTrue();
    LeaseId third = asksWithArguments(0, THERE);
    assertThat(scheduler.answers.get(third))
        .as("with no CPU here, one there is worth more than nothing")
        .isEqualTo(new LeaseRedirected(third, ELSEWHERE, 1));
  }

  @Test
  void holderOfSomeArgumentsIsPassedOverWhenTheOthersDoNotFitThere() {
    knowsRoom(THERE, cpus(2), MIB);
    LeaseId lease = asksWithArguments(0, Map.of(THERE, 6 * MIB, HERE, 2 * MIB));
    assertThat(scheduler.granted(lease)).isTrue();
  }

  @Test
  void roomIsReportedInPowersOfTwo() {
    scheduler.does(new LeaseInput.Tick(100 * MIB));
    scheduler.does(new LeaseInput.Tick(70 * MIB));
    scheduler.does(new LeaseInput.Tick(30 * MIB));
    scheduler.does(new LeaseInput.Tick(0));
    assertThat(scheduler.effects)
        .filteredOn(LeaseEffect.Publish.class::isInstance)
        .extracting(effect -> ((LeaseEffect.Publish) effect).load().storeRoomBytes())
        .containsExactly(64 * MIB, 16 * MIB, 0L);
  }

  @Test
  void stoppingNodeSaysSoAlsoWhenNothingWaits() {
    scheduler.ticks();
    scheduler.does(new LeaseInput.Stop("the test says so"));
    assertThat(scheduler.effects.getLast())
        .isInstanceOfSatisfying(
            LeaseEffect.Publish.class,
            told -> assertThat(told.load().total()).isEqualTo(Resources.NONE));
  }

  @Test
  void stoppingNodePassesOnToWhoHasRoom() {
    scheduler.knows(ELSEWHERE, cpus(2), cpus(0));
    scheduler.knows(THERE, cpus(2), cpus(2));
    scheduler.does(new LeaseInput.Stop("the test says so"));
    LeaseId lease = scheduler.asks(OWNER, cpus(1));
    assertThat(scheduler.answers.get(lease)).isEqualTo(new LeaseRedirected(lease, THERE, 1));
  }

  // ---- a node that is to leave ----

  @Test
  void drainingNodeSendsEveryoneAwayAndOffersNothing() {
    scheduler.asks(OTHER, cpus(2));
    LeaseId waiting = scheduler.asks(OTHER, cpus(1));
    scheduler.knows(ELSEWHERE, cpus(2), cpus(1));
    scheduler.does(new LeaseInput.Drain());
    assertThat(scheduler.answers.get(waiting))
        .isEqualTo(new LeaseRedirected(waiting, ELSEWHERE, 1));
    assertThat(scheduler.machine.load().total()).isEqualTo(Resources.NONE);
    LeaseId own = scheduler.asks(OWNER, cpus(1));
    assertThat(scheduler.answers.get(own)).isEqualTo(new LeaseRedirected(own, ELSEWHERE, 1));
    LeaseId often =
        scheduler.asks(OTHER, cpus(1), new Placement.Anywhere(), Map.of(), 0, HOPS, Use.TASKS);
    assertThat(scheduler.answers.get(often))
        .as("it cannot wait here")
        .isEqualTo(new LeaseRedirected(often, ELSEWHERE, HOPS + 1));
  }

  @Test
  void withoutAnotherNodeForeignTasksWaitAtHomeAndOwnOnesRun() {
    LeaseId runs = scheduler.asks(OTHER, cpus(1));
    LeaseId waiting = scheduler.asks(OTHER, cpus(2));
    LeaseId own = scheduler.asks(OWNER, cpus(2));
    scheduler.does(new LeaseInput.Drain());
    assertThat(scheduler.answers.get(waiting)).isEqualTo(new LeaseRedirected(waiting, THERE, 1));
    assertThat(scheduler.answers.get(own)).as("it waits on").isInstanceOf(LeaseQueued.class);
    assertThat(scheduler.granted(scheduler.asks(OWNER, cpus(1)))).isTrue();
    scheduler.returns(runs);
    assertThat(scheduler.granted(own)).as("one still holds half").isFalse();
  }

  @Test
  void whatCanRunNowhereElseIsRefusedByADrainingNode() {
    scheduler.knows(THERE, cpus(2), cpus(2));
    scheduler.does(new LeaseInput.Drain());
    LeaseId pinned =
        scheduler.asks(OTHER, cpus(1), new Placement.On(HERE), Map.of(), 0, 0, Use.TASKS);
    Failure failure = ((LeaseRefused) scheduler.answers.get(pinned)).failure();
    assertThat(failure.kind()).isEqualTo(Failure.Kind.INFEASIBLE);
    assertThat(failure.message()).contains(HERE.toString()).contains("drains");
    scheduler.does(new LeaseInput.Stop("the test says so"));
    scheduler.does(new LeaseInput.Drain());
    LeaseId late = scheduler.asks(OWNER, cpus(3));
    assertThat(((LeaseRefused) scheduler.answers.get(late)).failure().kind())
        .as("a stop is the end, also when a drain comes after it")
        .isEqualTo(Failure.Kind.CLOSED);
  }

  // ---- actors ----

  private LeaseId asksForActor(Placement placement, Map<NodeId, Long> bytes) {
    return scheduler.asks(OWNER, Resources.NONE, placement, bytes, 0, 0, Use.ACTOR);
  }

  @Test
  void actorThatHoldsNoCpuIsPutWhereOneIsFree() {
    assertThat(scheduler.granted(asksForActor(new Placement.Anywhere(), Map.of())))
        .as("here")
        .isTrue();
    scheduler.asks(OWNER, cpus(2));
    scheduler.knows(THERE, cpus(2), cpus(1));
    LeaseId away = asksForActor(new Placement.Anywhere(), Map.of());
    assertThat(scheduler.answers.get(away)).isEqualTo(new LeaseRedirected(away, THERE, 1));
    ObjectId large = new ObjectId(OWNER, 1, 0);
    assertThat(scheduler.granted(asksForActor(new Placement.Near(large), Map.of(HERE, 1L))))
        .as("near what is here")
        .isTrue();
    scheduler.knows(THERE, cpus(2), Resources.NONE);
    assertThat(scheduler.granted(asksForActor(new Placement.Anywhere(), Map.of())))
        .as("none is free anywhere")
        .isTrue();
  }

  @Test
  void actorsAreSpreadAlsoOverFullNodes() {
    scheduler.asks(OWNER, cpus(2));
    Set<Boolean> here = new HashSet<>();
    for (int i = 0; i < 50; i++) {
      scheduler.knows(THERE, cpus(2), Resources.NONE);
      here.add(scheduler.granted(asksForActor(new Placement.Spread(), Map.of())));
    }
    assertThat(here).containsExactlyInAnyOrder(true, false);
  }
}
