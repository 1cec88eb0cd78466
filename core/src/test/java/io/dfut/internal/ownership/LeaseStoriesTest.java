package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.ELSEWHERE;
import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.SchedulerMessage.RequestLease;
import io.dfut.internal.protocol.SchedulerMessage.ReturnLease;
import io.dfut.internal.protocol.WorkerMessage.LeaseGranted;
import io.dfut.internal.protocol.WorkerMessage.LeaseQueued;
import io.dfut.internal.protocol.WorkerMessage.LeaseRedirected;
import io.dfut.internal.protocol.WorkerMessage.LeaseRefused;
import io.dfut.internal.task.Argument;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What an owner asks of schedulers, and what it does with the leases it gets. */
final class LeaseStoriesTest {
  private final Story story = new Story();
  private final Story.Actor executor = story.worker(HERE);
  private final Story.Actor driver = story.worker(HERE);

  @Test
  @Tag("C247")
  @DisplayName("247 one task asks for one lease, is pushed, and the lease goes back")
  void oneTaskTakesOneLease() {
    ObjectId future = driver.submit();
    LeaseId lease = requests().getFirst();
    driver.hears(new LeaseGranted(lease, executor.id));
    story.deliverAll();
    assertThat(executor.task().spec().id()).isEqualTo(future.task());
    executor.returns(value(1));
    story.deliverAll();
    driver.close(future);
    story.assertNothingIsLeft();
    assertThat(requests()).containsExactly(lease);
    assertThat(driver.asked.getLast()).isEqualTo(new ReturnLease(lease));
    assertThat(driver.asked).hasSize(2);
  }

  @Test
  @Tag("C248")
  @DisplayName("248 one lease serves three tasks, and a grant that comes late goes back unused")
  void oneLeaseServesThreeTasks() {
    ObjectId one = driver.submit();
    ObjectId two = driver.submit();
    ObjectId three = driver.submit();
    LeaseId lease = requests().get(0);
    LeaseId superfluous = requests().get(1);
    driver.hears(new LeaseGranted(lease, executor.id));
    runsAll();
    assertThat(driver.asked).contains(new ReturnLease(superfluous));
    assertThat(pushedTo()).containsOnly(executor.id).hasSize(3);

    Story.Actor late = story.worker(HERE);
    long before = driver.asked.size();
    driver.hears(new LeaseGranted(superfluous, late.id));
    assertThat(driver.asked).hasSize((int) before + 1);
    assertThat(driver.asked.getLast()).isEqualTo(new ReturnLease(superfluous));
    story.deliverAll();
    assertThat(late.tasks).isEmpty();
    driver.close(one, two, three);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C250")
  @DisplayName("250 the next task does not go to a worker that died")
  void nextTaskDoesNotGoToADeadWorker() {
    Story.Actor other = story.worker(HERE);
    driver.lend(executor);
    ObjectId lost = driver.submit(0).getFirst();
    story.deliverAll();
    driver.lend(other);
    story.kill(executor);
    assertThat(driver.failure(lost).kind()).isEqualTo(Failure.Kind.WORKER_CRASHED);
    ObjectId next = driver.submit();
    story.deliverAll();
    assertThat(pushedTo()).containsExactly(executor.id, other.id);
    other.returns(value(1));
    story.deliverAll();
    driver.close(lost, next);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C250")
  @DisplayName("250 an idle lease is kept for its time, and given back then")
  void idleLeaseIsGivenBackAfterItsTime() {
    driver.lend(executor);
    ObjectId future = driver.submit();
    story.deliverAll();
    runsAll();
    story.now += Story.LEASE_IDLE - 1;
    driver.does(new WorkerInput.TimerFired(new WorkerTimer.LeaseSweep()));
    assertThat(driver.asksFor(ReturnLease.class)).isZero();
    story.now++;
    driver.does(new WorkerInput.TimerFired(new WorkerTimer.LeaseSweep()));
    assertThat(driver.asked.getLast()).isEqualTo(new ReturnLease(requests().getFirst()));
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C251")
  @DisplayName("251 twenty tasks never have more requests under way than the bound")
  void requestsUnderWayStayWithinTheirBound() {
    List<ObjectId> futures = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      futures.add(driver.submit());
    }
    List<Story.Actor> workers = new ArrayList<>();
    for (int granted = 0; granted < requests().size(); granted++) {
      assertThat(requests()).hasSizeLessThanOrEqualTo(granted + Story.LEASE_REQUESTS);
      workers.add(story.worker(HERE));
      driver.hears(new LeaseGranted(requests().get(granted), workers.getLast().id));
    }
    assertThat(requests()).as("one for each task").hasSize(20);
    assertThat(pushedTo()).hasSize(20).doesNotHaveDuplicates();
    story.deliverAll();
    workers.forEach(worker -> worker.returns(value(1)));
    story.deliverAll();
    driver.close(futures.toArray(ObjectId[]::new));
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C252")
  @DisplayName("252 a redirected request is granted elsewhere, and its lease returned there")
  void leaseGoesBackToWhoGrantedIt() {
    Story.Actor far = story.worker(THERE);
    ObjectId future = driver.submit();
    LeaseId lease = requests().getFirst();
    driver.hears(new LeaseRedirected(lease, THERE, 1));
    driver.hears(new LeaseGranted(lease, far.id));
    story.deliverAll();
    far.returns(value(1));
    story.deliverAll();
    driver.close(future);
    story.assertNothingIsLeft();
    assertThat(toldTo(RequestLease.class)).containsExactly(HERE, THERE);
    assertThat(toldTo(ReturnLease.class)).containsExactly(THERE);
  }

  @Test
  @Tag("C254")
  @DisplayName("254 an idle lease takes tasks with other arguments, and none of another shape")
  void tasksOfOtherShapesDoNotShareALease() {
    driver.lend(executor);
    ObjectId first = driver.submit(inline("a"));
    story.deliverAll();
    runsAll();
    ObjectId like = driver.submit(inline("b"));
    runsAll();
    assertThat(requests()).as("the lease is shared").hasSize(1);

    driver.lend();
    driver.needs = Resources.NONE.with(Resources.CPU, 2);
    ObjectId bigger = driver.submit(inline("a"));
    assertThat(requests()).hasSize(2);
    driver.needs = Resources.ONE_CPU;
    driver.placement = new Placement.On(HERE);
    ObjectId placed = driver.submit(inline("a"));
    assertThat(requests()).hasSize(3);
    story.deliverAll();
    assertThat(executor.tasks).isEmpty();

    for (LeaseId lease : requests().subList(1, 3)) {
      driver.hears(new LeaseQueued(lease));
      driver.hears(new LeaseGranted(lease, executor.id));
    }
    runsAll();
    driver.close(first, like, bigger, placed);
    story.assertNothingIsLeft();
    assertThat(driver.asksFor(ReturnLease.class)).isEqualTo(3);
  }

  @Test
  @Tag("C254")
  @DisplayName("254 tasks that read much go by where it is, and take no lease that idles elsewhere")
  void tasksGoByWhereTheirStoredArgumentsAre() {
    ObjectId there = driver.put(large(THERE));
    ObjectId elsewhere = driver.put(large(ELSEWHERE));
    driver.lend(executor);
    ObjectId first = driver.submit();
    runsAll();
    driver.lend();
    List<ObjectId> tasks = new ArrayList<>(List.of(there, elsewhere, first));
    for (int i = 0; i < 2; i++) {
      tasks.add(driver.submit(Story.taken(there)));
      tasks.add(driver.submit(Story.taken(elsewhere)));
    }
    assertThat(executor.tasks).as("pushed to the idle lease").isEmpty();
    assertThat(
            driver.asked.stream()
                .filter(RequestLease.class::isInstance)
                .map(message -> ((RequestLease) message).bytesByNode().keySet())
                .skip(1))
        .containsExactly(Set.of(THERE), Set.of(ELSEWHERE), Set.of(THERE), Set.of(ELSEWHERE));
    List<LeaseId> asked = List.copyOf(requests());
    for (LeaseId lease : asked.subList(1, asked.size())) {
      driver.hears(new LeaseGranted(lease, executor.id));
    }
    runsAll();
    driver.close(tasks.toArray(ObjectId[]::new));
    story.assertNothingIsLeft();
  }

  @Test
  void leaseOfSpreadTasksIsNotKept() {
    Story.Actor far = story.worker(THERE);
    driver.placement = new Placement.Spread();
    driver.lend(executor, far);
    List<ObjectId> tasks = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      tasks.add(driver.submit());
      story.deliverAll();
      Stream.of(executor, far)
          .filter(worker -> !worker.tasks.isEmpty())
          .forEach(worker -> worker.returns(value(1)));
      story.deliverAll();
      assertThat(driver.asksFor(ReturnLease.class)).isEqualTo(i + 1);
    }
    assertThat(pushedTo()).containsExactly(executor.id, far.id, executor.id, far.id);
    driver.close(tasks.toArray(ObjectId[]::new));
    story.assertNothingIsLeft();
  }

  private static Outcome large(NodeId node) {
    return new Outcome.Stored(0, 2_000_000, List.of(node), List.of());
  }

  @Test
  @Tag("C266")
  @DisplayName(
      "266 a request that a leaving node refuses is made again, and the task does not fail")
  void requestThatALeavingNodeRefusesIsMadeAgain() {
    Failure leaves = Failure.of(Failure.Kind.CLOSED, "node " + THERE + " stops");
    ObjectId future = driver.submit();
    LeaseId lease = requests().getFirst();
    driver.hears(new LeaseRedirected(lease, THERE, 4));
    driver.hears(new LeaseRefused(lease, leaves));
    assertThat(driver.outcome(future)).isNull();
    assertThat(toldTo(RequestLease.class)).containsExactly(HERE, THERE, HERE);
    driver.hears(new LeaseGranted(requests().getLast(), executor.id));
    runsAll();
    assertThat(driver.outcome(future)).isInstanceOf(Outcome.Inline.class);

    driver.placement = new Placement.On(THERE);
    ObjectId pinned = driver.submit();
    driver.hears(new LeaseRedirected(requests().getLast(), THERE, 1));
    driver.hears(new LeaseRefused(requests().getLast(), leaves));
    assertThat(driver.failure(pinned)).as("it may run nowhere else").isEqualTo(leaves);
    driver.close(future, pinned);
    story.assertNothingIsLeft();
  }

  @Test
  void fastWorkerOfAnotherNodeIsSentMoreUntilItHandsBack() {
    Story.Actor far = story.worker(THERE);
    List<ObjectId> submitted = submitsMany();
    grantsOneTo(far);
    assertThat(far.tasks).hasSize(2);

    returnsEvery(far, 100_000, 30);
    assertThat(far.tasks).as("it is quick: as many as the limit says").hasSize(16);

    far.handsBack(far.tasks.getLast());
    story.deliverAll();
    returnsEvery(far, 100_000, 1);
    assertThat(far.tasks).as("no more is sent for the one that ended").hasSize(14);

    returnsEvery(far, 10_000_000, 40);
    assertThat(far.tasks).as("each would wait for long").hasSize(2);
    driver.close(submitted.toArray(ObjectId[]::new));
  }

  @Test
  void workerOfTheSameNodeIsSentMoreWhileItsTasksTakeMicroseconds() {
    List<ObjectId> submitted = submitsMany();
    grantsOneTo(executor);
    returnsEvery(executor, 1_000, 30);
    assertThat(executor.tasks).hasSize(16);
    returnsEvery(executor, 1_000_000, 40);
    assertThat(executor.tasks).as("each would wait for a millisecond").hasSize(2);
    driver.close(submitted.toArray(ObjectId[]::new));
  }

  @Test
  void whileAWorkerIsQuickNoOtherIsAskedFor() {
    driver.close(submitAndRun(40, 1_000));
    int asked = requests().size();
    ObjectId[] few = submit(5);
    assertThat(executor.tasks).as("all behind each other").hasSize(5);
    assertThat(requests()).hasSize(asked);
    story.deliverAll();
    driver.close(few);
  }

  @Test
  void whileAWorkerIsSlowAnotherIsAskedFor() {
    driver.close(submitAndRun(40, 100_000));
    int asked = requests().size();
    ObjectId[] few = submit(5);
    assertThat(executor.tasks).hasSize(1);
    assertThat(requests()).hasSizeGreaterThan(asked);
    story.deliverAll();
    driver.close(few);
  }

  private ObjectId[] submit(int count) {
    ObjectId[] submitted = new ObjectId[count];
    for (int i = 0; i < count; i++) {
      submitted[i] = driver.submit();
    }
    story.deliverAll();
    return submitted;
  }

  /** So many, on one worker that gives one back after the other. */
  private ObjectId[] submitAndRun(int count, long nanos) {
    ObjectId[] submitted = new ObjectId[count];
    for (int i = 0; i < count; i++) {
      submitted[i] = driver.submit();
    }
    grantsOneTo(executor);
    returnsEvery(executor, nanos, count);
    assertThat(executor.tasks).isEmpty();
    return submitted;
  }

  private List<ObjectId> submitsMany() {
    List<ObjectId> submitted = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      submitted.add(driver.submit());
    }
    return submitted;
  }

  /** One worker and no more for now. */
  private void grantsOneTo(Story.Actor worker) {
    driver.hears(new LeaseGranted(requests().get(0), worker.id));
    driver.hears(new LeaseQueued(requests().get(1)));
    story.deliverAll();
    driver.hears(new LeaseQueued(requests().getLast()));
    story.deliverAll();
  }

  private void returnsEvery(Story.Actor worker, long nanos, int times) {
    for (int i = 0; i < times; i++) {
      story.now += nanos;
      worker.returns(value(1));
      story.deliverAll();
    }
  }

  private static Argument inline(String value) {
    return new Argument.Value(InlineValue.direct(value, v -> new byte[0]), List.of());
  }

  /** The executor ends what is pushed to it, until there is no more. */
  private void runsAll() {
    story.deliverAll();
    while (!executor.tasks.isEmpty()) {
      executor.returns(value(1));
      story.deliverAll();
    }
  }

  /** The leases that the driver asked for, each once. */
  private List<LeaseId> requests() {
    return driver.asked.stream()
        .filter(RequestLease.class::isInstance)
        .map(message -> ((RequestLease) message).lease())
        .distinct()
        .toList();
  }

  /** The nodes whose schedulers the driver told such a thing. */
  private List<NodeId> toldTo(Class<?> type) {
    return driver.effects.stream()
        .filter(WorkerEffect.AskScheduler.class::isInstance)
        .map(WorkerEffect.AskScheduler.class::cast)
        .filter(ask -> type.isInstance(ask.message()))
        .map(WorkerEffect.AskScheduler::node)
        .toList();
  }

  /** Where the driver pushed tasks, in order. */
  private List<WorkerId> pushedTo() {
    return driver.effects.stream()
        .filter(WorkerEffect.Push.class::isInstance)
        .map(effect -> ((WorkerEffect.Push) effect).to())
        .toList();
  }
}
