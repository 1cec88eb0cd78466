package io.dfut.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import io.dfut.ActorDiedException;
import io.dfut.ActorHandle;
import io.dfut.Checkpointed;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.InfeasibleResourcesException;
import io.dfut.SharedDFut;
import io.dfut.TaskCancelledException;
import io.dfut.WorkerCrashedException;
import io.dfut.internal.cluster.LinkFaults.Link;
import io.dfut.internal.protocol.NodeMessage.CollectGarbage;
import io.dfut.internal.protocol.SchedulerMessage.NodeLoad;
import io.dfut.internal.protocol.WorkerMessage.ActorLost;
import io.dfut.internal.protocol.WorkerMessage.CheckpointRefused;
import io.dfut.internal.protocol.WorkerMessage.LeaseQueued;
import io.dfut.internal.protocol.WorkerMessage.LeaseReclaimed;
import io.dfut.internal.protocol.WorkerMessage.LeaseRedirected;
import io.dfut.internal.protocol.WorkerMessage.TaskHandedBack;
import io.dfut.internal.protocol.WorkerMessage.Waited;
import io.dfut.internal.protocol.WorkerMessage.WorkerDied;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.awaitility.core.ConditionTimeoutException;

/**
 * A small program of the driver of one node that makes it and another node say everything to each
 * other that nodes say, and checks every result. Told once from each of the two nodes; a third one,
 * which ends at the end, is where leases can be redirected to, and whose copies are lost.
 *
 * @param here the driver's node
 * @param foreign a resource of one unit that {@code there} and {@code third} have, and {@code here}
 *     has not
 * @param bound of everything that must happen at all
 */
record EveryMessage(
    DFutSystem here,
    DFutSystem there,
    DFutSystem third,
    String foreign,
    LinkFaults faults,
    Duration bound) {

  /** Lives in its owner's table. */
  private static final int SMALL = 10_000;

  /** Lives in a store. */
  private static final int LARGE = 200_000;

  /** Of a node's store. */
  static final int STORE_BYTES = 16 << 20;

  private Link out() {
    return Link.of(here.node(), there.node());
  }

  private Link back() {
    return Link.of(there.node(), here.node());
  }

  // ---- what the driver does ----

  /** References as arguments, as results, and in an actor's hands. */
  void tellOfReferences() {
    values();
    references();
    actors();
  }

  /** Everything that takes three nodes that stay. */
  void tell() {
    DFut<String> waiting = waitForLong();
    tellOfReferences();
    inPieces();
    namedActors();
    actorThatComesBack();
    savedStates();
    callsOfTheDead();
    cancellation();
    sharedWorkers();
    handingBack();
    missingArgument();
    redirection();
    garbage();
    assertThat(here.inspectCluster(bound).nodes())
        .containsOnlyKeys(here.node(), there.node(), third.node());
    assertThat(waiting.get(bound)).isEqualTo("waited for");
    waiting.close();
  }

  private void values() {
    here.scope(
        () -> {
          DFut<byte[]> small = here.put(bytes(1, SMALL));
          DFut<byte[]> large = here.put(bytes(2, LARGE));
          DFut<Integer> hash =
              here.task(EveryMessage::hashes).on(there.node()).submit(small, large);
          assertThat(hash.get(bound)).isEqualTo(hashes(bytes(1, SMALL), bytes(2, LARGE)));
          DFut<byte[]> made = here.task(EveryMessage::bytes).on(there.node()).submit(3, LARGE);
          assertThat(made.get(bound)).isEqualTo(bytes(3, LARGE));
        });
  }

  record Parcel(String label, SharedDFut<byte[]> content) {}

  private void references() {
    here.scope(
        () -> {
          Gate gate = Gate.closed();
          for (int length : new int[] {SMALL, LARGE}) {
            SharedDFut<byte[]> pending =
                here.task(EveryMessage::bytesAfter)
                    .on(there.node())
                    .submit(gate, 4, length)
                    .share();
            DFut<Integer> opened =
                here.task(EveryMessage::open)
                    .on(there.node())
                    .submit(new Parcel("p", here.put(bytes(5, length)).share()));
            DFut<Integer> nested =
                here.task(EveryMessage::delegate)
                    .on(there.node())
                    .submit(here.put(bytes(6, length)).share());
            DFut<SharedDFut<byte[]>> result =
                here.task(EveryMessage::putAndShare).on(there.node()).submit(7, length);
            gate.open();
            assertThat(opened.get(bound)).isEqualTo(Arrays.hashCode(bytes(5, length)));
            assertThat(nested.get(bound)).isEqualTo(Arrays.hashCode(bytes(6, length)));
            assertThat(result.get(bound).get(bound)).isEqualTo(bytes(7, length));
            assertThat(pending.get(bound)).isEqualTo(bytes(4, length));
          }
        });
  }

  /** A push that is larger than an envelope. */
  private void inPieces() {
    here.scope(
        () -> {
          List<DFut<byte[]>> parts =
              IntStream.range(0, 40).mapToObj(i -> here.put(bytes(i, SMALL))).toList();
          DFut<Integer> count =
              here.task(EveryMessage::count).on(there.node()).submit(DFut.all(parts));
          assertThat(count.get(bound)).isEqualTo(40 * SMALL);
        });
  }

  private void actors() {
    here.scope(
        () -> {
          ActorHandle<Keeper> far = here.actor(Keeper::new).on(there.node()).create();
          ActorHandle<Keeper> near = here.actor(Keeper::new).on(here.node()).create();
          DFut<byte[]> object = here.put(bytes(8, LARGE));
          SharedDFut<byte[]> shared = object.share();
          far.task(Keeper::keep).submit(shared).get(bound);
          object.close();
          shared.close();
          far.task(Keeper::handTo).submit(near).get(bound);
          assertThat(near.task(Keeper::read).submit().get(bound))
              .isEqualTo(Arrays.hashCode(bytes(8, LARGE)));
          far.task(Keeper::drop).submit().get(bound);
          assertThat(near.task(Keeper::read).submit().get(bound))
              .isEqualTo(Arrays.hashCode(bytes(8, LARGE)));
          near.task(Keeper::drop).submit().get(bound);
        });
  }

  private void namedActors() {
    here.scope(
        () -> {
          String name = "keeper of " + here.node();
          ActorHandle<Keeper> created =
              here.actor(Keeper::new).named(name).on(there.node()).create();
          created.task(Keeper::keep).submit(here.put(bytes(9, SMALL)).share()).get(bound);
          Optional<ActorHandle<Keeper>> found = here.getActor(Keeper.class, name);
          assertThat(found).isPresent();
          assertThat(found.get().task(Keeper::read).submit().get(bound))
              .isEqualTo(Arrays.hashCode(bytes(9, SMALL)));
          here.kill(created);
          await("the name of the dead is free")
              .atMost(bound)
              .until(() -> here.getActor(Keeper.class, name).isEmpty());
        });
  }

  /** Who borrows an actor that is made anew asks its owner where it is. */
  private void actorThatComesBack() {
    here.scope(
        () -> {
          ActorHandle<Keeper> phoenix =
              here.actor(Keeper::new).maxRestarts(-1).maxTaskRetries(-1).on(here.node()).create();
          ActorHandle<Caller> caller = here.actor(Caller::new, phoenix).on(there.node()).create();
          caller.task(Caller::call).submit().get(bound);
          here.kill(phoenix, true);
          await("the borrower hears of the end, and asks")
              .atMost(bound)
              .until(() -> faults.seen(ActorLost.class, back()) > 0);
          caller.task(Caller::call).submit().get(bound);
        });
  }

  /** An actor says when its state is due, and is told when nobody keeps it any more. */
  private void savedStates() {
    here.scope(
        () -> {
          ActorHandle<Saver> saver =
              here.actor(Saver::new)
                  .maxRestarts(1)
                  .maxTaskRetries(-1)
                  .checkpointEvery(1)
                  .on(there.node())
                  .create();
          assertThat(saver.task(Saver::count).submit().get(bound)).isEqualTo(1);
          await("its state is saved")
              .atMost(bound)
              .until(() -> saver.task(Saver::saves).submit().get(bound) > 0);
          here.kill(saver, true);
          await("it is not restored")
              .atMost(bound)
              .until(() -> saver.task(Saver::wasRestored).submit().get(bound));
          assertThat(saver.task(Saver::count).submit().get(bound)).isEqualTo(2);
          await("it asks still, though it is the last")
              .atMost(bound)
              .until(() -> faults.seen(CheckpointRefused.class, out()) > 0);
        });
  }

  /**
   * Calls an actor that is being killed on its own node until one of the calls comes there after
   * its end, and before the news of that has come here.
   */
  private void callsOfTheDead() {
    long deadline = System.nanoTime() + bound.toNanos();
    while (faults.seen(WorkerDied.class, back()) == 0) {
      assertThat(System.nanoTime()).as("no call was in time").isLessThan(deadline);
      here.scope(
          () -> {
            ActorHandle<Keeper> victim = here.actor(Keeper::new).on(there.node()).create();
            victim.task(Keeper::drop).submit().get(bound);
            DFut<Void> killed = here.task(EveryMessage::kill).on(there.node()).submit(victim);
            List<DFut<Void>> calls = new ArrayList<>();
            while (!killed.isReady() && calls.size() < 500) {
              calls.add(victim.task(Keeper::drop).submit());
            }
            killed.get(bound);
            for (DFut<Void> call : calls) {
              Throwable thrown = catchThrowable(() -> call.get(bound));
              assertThat(thrown)
                  .satisfiesAnyOf(
                      none -> assertThat(none).isNull(),
                      died -> assertThat(died).isInstanceOf(ActorDiedException.class),
                      crashed -> assertThat(crashed).isInstanceOf(WorkerCrashedException.class));
            }
          });
    }
  }

  private void cancellation() {
    here.scope(
        () -> {
          Gate never = Gate.closed();
          DFut<Integer> own = here.task(EveryMessage::after).on(there.node()).submit(never, 1);
          DFut<Integer> other = here.task(EveryMessage::after).on(there.node()).submit(never, 2);
          never.awaitArrived(2);
          assertThat(own.cancel()).isTrue();
          DFut<Boolean> asked =
              here.task(EveryMessage::cancel).on(there.node()).submit(other.share());
          assertThat(asked.get(bound)).isTrue();
          for (DFut<Integer> cancelled : List.of(own, other)) {
            assertThatThrownBy(() -> cancelled.get(bound))
                .isInstanceOf(TaskCancelledException.class);
          }
        });
  }

  /** More tasks than the other node has slots, and its own driver wants one, too. */
  private void sharedWorkers() {
    Gate gate = Gate.closed();
    here.scope(
        () -> {
          List<DFut<Integer>> many =
              IntStream.range(0, 8)
                  .mapToObj(i -> here.task(EveryMessage::after).on(there.node()).submit(gate, i))
                  .toList();
          gate.awaitArrived(2);
          there.scope(
              () -> {
                DFut<Integer> theirs =
                    there.task(EveryMessage::after).on(there.node()).submit(gate, 8);
                await("a lease is asked back")
                    .atMost(bound)
                    .until(() -> faults.seen(LeaseReclaimed.class, back()) > 0);
                gate.open();
                assertThat(theirs.get(bound)).isEqualTo(8);
              });
          for (int i = 0; i < many.size(); i++) {
            assertThat(many.get(i).get(bound)).isEqualTo(i);
          }
          DFut<Integer> tooLarge =
              here.task(EveryMessage::after).on(there.node()).cpus(99).submit(gate, 9);
          assertThatThrownBy(() -> tooLarge.get(bound))
              .isInstanceOf(InfeasibleResourcesException.class);
        });
  }

  /** Tasks that were sent to wait behind others, which then take long. */
  private void handingBack() {
    long deadline = System.nanoTime() + bound.toNanos();
    while (faults.seen(TaskHandedBack.class, back()) == 0) {
      assertThat(System.nanoTime()).as("no task was handed back").isLessThan(deadline);
      Gate gate = Gate.closed();
      here.scope(
          () -> {
            List<DFut<Integer>> tasks = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
              tasks.add(here.task(EveryMessage::increment).on(there.node()).submit(i - 1));
            }
            for (int i = 20; i < 24; i++) {
              tasks.add(here.task(EveryMessage::after).on(there.node()).submit(gate, i));
            }
            gate.awaitArrived(1);
            try {
              await("a task is handed back")
                  .atMost(Duration.ofMillis(300))
                  .until(() -> faults.seen(TaskHandedBack.class, back()) > 0);
            } catch (ConditionTimeoutException e) {
              // none waited behind another one: once more
            }
            gate.open();
            for (int i = 0; i < tasks.size(); i++) {
              assertThat(tasks.get(i).get(bound)).isEqualTo(i);
            }
          });
    }
  }

  /** A task of the other node finds no copy of its argument here. */
  private void missingArgument() {
    here.scope(
        () -> {
          DFut<byte[]> made = here.task(EveryMessage::bytes).on(here.node()).submit(11, LARGE);
          await("it is made").atMost(bound).until(made::isReady);
          storeOf(here).free(new ObjectKey(made.id(), 0));
          DFut<Integer> hash =
              here.task(EveryMessage::hashes)
                  .on(there.node())
                  .submit(here.put(bytes(10, SMALL)), made);
          assertThat(hash.get(bound)).isEqualTo(hashes(bytes(10, SMALL), bytes(11, LARGE)));
        });
  }

  /** Copies vanish behind their owner's back by a fault, not by a call. */
  private static ObjectStore storeOf(DFutSystem system) {
    try {
      Field node = system.getClass().getDeclaredField("node");
      node.setAccessible(true);
      Method store = node.get(system).getClass().getDeclaredMethod("store");
      store.setAccessible(true);
      return (ObjectStore) store.invoke(node.get(system));
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * A task waits at the other node for what that has one of, until the third node has it to spare.
   */
  private void redirection() {
    long deadline = System.nanoTime() + bound.toNanos();
    while (faults.seen(LeaseRedirected.class, back()) == 0) {
      assertThat(System.nanoTime()).as("no request was redirected").isLessThan(deadline);
      Gate busyThere = Gate.closed();
      Gate busyThird = Gate.closed();
      here.scope(
          () -> {
            DFut<Integer> holder = holding(busyThere, there);
            // So many wait at the third node that the request goes to the other one.
            Link fromThird = Link.of(third.node(), here.node());
            int reports = faults.seen(NodeLoad.class, fromThird);
            List<DFut<Integer>> theirs =
                IntStream.range(0, 3)
                    .mapToObj(
                        i ->
                            third
                                .task(EveryMessage::after)
                                .on(third.node())
                                .resource(foreign, 1)
                                .submit(busyThird, i))
                    .toList();
            busyThird.awaitArrived(1);
            await("the third node reports that it is busy")
                .atMost(bound)
                .until(() -> faults.seen(NodeLoad.class, fromThird) > reports);
            int queued = queued();
            DFut<Integer> waiting =
                here.task(EveryMessage::increment).resource(foreign, 1).submit(4);
            await("a request waits").atMost(bound).until(() -> queued() > queued);
            busyThird.open();
            assertThat(waiting.get(bound)).isEqualTo(5);
            busyThere.open();
            assertThat(holder.get(bound)).isZero();
            for (int i = 0; i < 3; i++) {
              assertThat(theirs.get(i).get(bound)).isEqualTo(i);
              theirs.get(i).close();
            }
          });
    }
  }

  private int queued() {
    return faults.seen(LeaseQueued.class, back())
        + faults.seen(LeaseQueued.class, Link.of(third.node(), here.node()));
  }

  /** Takes the resource of a node until the gate is opened. */
  private DFut<Integer> holding(Gate gate, DFutSystem node) {
    DFut<Integer> holder =
        here.task(EveryMessage::after).on(node.node()).resource(foreign, 1).submit(gate, 0);
    gate.awaitArrived(1);
    return holder;
  }

  /** A put waits for room, until somebody is asked to look for garbage. */
  private void garbage() {
    here.scope(
        () -> {
          int blocks = 7;
          int blockBytes = STORE_BYTES / 8;
          List<DFut<byte[]>> held =
              IntStream.range(0, blocks).mapToObj(i -> here.put(bytes(i, blockBytes))).toList();
          CompletableFuture<Integer> waiting =
              CompletableFuture.supplyAsync(
                  () -> {
                    try (DFut<byte[]> last = here.put(bytes(blocks, 2 * blockBytes))) {
                      return Arrays.hashCode(last.get(bound));
                    }
                  },
                  Thread::startVirtualThread);
          await("the other node is asked to collect garbage")
              .atMost(bound)
              .until(() -> faults.seen(CollectGarbage.class, out()) > 0);
          held.forEach(DFut::close);
          assertThat(waiting.orTimeout(bound.toSeconds(), TimeUnit.SECONDS).join())
              .isEqualTo(Arrays.hashCode(bytes(blocks, 2 * blockBytes)));
        });
  }

  /** A task there waits without a bound for what another task there has yet to make. */
  private DFut<String> waitForLong() {
    Gate gate = Gate.closed();
    DFut<byte[]> slow = here.task(EveryMessage::bytesAfter).on(there.node()).submit(gate, 1, SMALL);
    DFut<String> waiting;
    try (SharedDFut<byte[]> shared = slow.share()) {
      waiting = here.task(EveryMessage::waitFor).on(there.node()).submit(shared);
    }
    await("somebody has waited for a while")
        .atMost(bound)
        .until(() -> faults.seen(Waited.class, back()) > 0 && faults.seen(Waited.class, out()) > 0);
    gate.open();
    slow.close();
    return waiting;
  }

  // ---- when the third node ends ----

  /** What was made on the third node. */
  record Remote(DFut<byte[]> copied, DFut<byte[]> alone, ActorHandle<Keeper> keeper) {}

  /** Values on the third node: a copy of one is there, too; of the other somebody there knows. */
  Remote madeOnTheThird() {
    Gate busy = Gate.closed();
    DFut<Integer> holder = holding(busy, there);
    DFut<byte[]> copied = here.task(EveryMessage::bytes).resource(foreign, 1).submit(10, LARGE);
    DFut<byte[]> alone = here.task(EveryMessage::bytes).resource(foreign, 1).submit(11, LARGE);
    DFut<Integer> hash = here.task(EveryMessage::hash).on(there.node()).submit(copied);
    assertThat(hash.get(bound)).isEqualTo(Arrays.hashCode(bytes(10, LARGE)));
    ActorHandle<Keeper> keeper = here.actor(Keeper::new).on(there.node()).create();
    try (SharedDFut<byte[]> shared = alone.share();
        DFut<Void> kept = keeper.task(Keeper::keep).submit(shared)) {
      kept.get(bound);
    }
    try (DFut<Boolean> known = keeper.task(Keeper::know).submit()) {
      assertThat(known.get(bound)).isTrue();
    }
    busy.open();
    assertThat(holder.get(bound)).isZero();
    holder.close();
    hash.close();
    return new Remote(copied, alone, keeper);
  }

  /** The copy stands in, and what had no copy is made again. */
  void afterTheThird(Remote remote) {
    assertThat(remote.copied().get(bound)).isEqualTo(bytes(10, LARGE));
    try (DFut<Integer> read = remote.keeper().task(Keeper::read).submit()) {
      assertThat(read.get(bound)).isEqualTo(Arrays.hashCode(bytes(11, LARGE)));
    }
    assertThat(remote.alone().get(bound)).isEqualTo(bytes(11, LARGE));
    remote.copied().close();
    remote.alone().close();
    remote.keeper().close();
  }

  // ---- what tasks and actors do ----

  static byte[] bytes(int seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  static byte[] bytesAfter(Gate gate, int seed, int length) throws InterruptedException {
    gate.pass();
    return bytes(seed, length);
  }

  static int after(Gate gate, int value) throws InterruptedException {
    gate.pass();
    return value;
  }

  static int increment(int value) {
    return value + 1;
  }

  static int hash(byte[] bytes) {
    return Arrays.hashCode(bytes);
  }

  static int hashes(byte[] one, byte[] other) {
    return 31 * Arrays.hashCode(one) + Arrays.hashCode(other);
  }

  static int count(List<byte[]> parts) {
    return parts.stream().mapToInt(part -> part.length).sum();
  }

  static int open(Parcel parcel) {
    return Arrays.hashCode(parcel.content().get());
  }

  static int read(SharedDFut<byte[]> reference) {
    return Arrays.hashCode(reference.get());
  }

  /** Hands what it was lent on to a task on its owner's node. */
  static int delegate(SharedDFut<byte[]> reference) {
    try (DFut<Integer> inner =
        DFutContext.current()
            .task(EveryMessage::read)
            .on(reference.id().owner().node())
            .submit(reference)) {
      return inner.get();
    }
  }

  static SharedDFut<byte[]> putAndShare(int seed, int length) {
    return DFutContext.current().put(bytes(seed, length)).share();
  }

  static String waitFor(SharedDFut<byte[]> reference) {
    reference.get();
    return "waited for";
  }

  static boolean cancel(SharedDFut<Integer> reference) {
    return DFutContext.current().cancel(reference);
  }

  static void kill(ActorHandle<Keeper> actor) {
    DFutContext.current().kill(actor);
  }

  /** Calls another actor. */
  static final class Caller extends DFutActor<Void> {
    private final ActorHandle<Keeper> other;

    Caller(ActorHandle<Keeper> other) {
      this.other = other;
    }

    void call() {
      try (DFut<Void> done = other.task(Keeper::drop).submit()) {
        done.get();
      }
    }
  }

  /** Counts, from where it was saved. */
  static final class Saver extends DFutActor<Void> implements Checkpointed<Integer> {
    private int n;
    private int saves;

    @Override
    public Integer checkpoint() {
      saves++;
      return n;
    }

    @Override
    public void restore(Integer saved) {
      n = saved;
    }

    int count() {
      return ++n;
    }

    int saves() {
      return saves;
    }

    boolean wasRestored() {
      return isRestored();
    }
  }

  /** Keeps a reference. */
  static final class Keeper extends DFutActor<Void> {
    private SharedDFut<byte[]> kept;

    void keep(SharedDFut<byte[]> reference) {
      kept = reference;
    }

    /** Hears where the value is, without fetching it. */
    boolean know() {
      try (DFut<byte[]> borrowed = kept.borrow()) {
        return dfut().await(List.of(borrowed), 1, Duration.ofSeconds(10)).ready().size() == 1;
      }
    }

    int read() {
      return Arrays.hashCode(kept.get());
    }

    void handTo(ActorHandle<Keeper> other) {
      try (other;
          DFut<Void> done = other.task(Keeper::keep).submit(kept)) {
        done.get();
      }
    }

    void drop() {
      if (kept != null) {
        kept.close();
      }
    }
  }

  /** Something that tasks wait at until the driver opens it; the value is only a name. */
  record Gate(String name) {
    private static final Map<String, State> GATES = new ConcurrentHashMap<>();
    private static final AtomicLong LAST = new AtomicLong();
    private static final Duration ARRIVAL = Duration.ofSeconds(30);

    private static final class State {
      final CountDownLatch open = new CountDownLatch(1);
      final AtomicInteger arrived = new AtomicInteger();
    }

    static Gate closed() {
      Gate gate = new Gate("gate-" + LAST.incrementAndGet());
      GATES.put(gate.name, new State());
      return gate;
    }

    /** Lets all go, so that nothing holds up the end of a test that failed. */
    static void openAll() {
      GATES.values().forEach(state -> state.open.countDown());
    }

    void pass() throws InterruptedException {
      State state = GATES.get(name);
      state.arrived.incrementAndGet();
      state.open.await();
    }

    void open() {
      GATES.get(name).open.countDown();
    }

    void awaitArrived(int times) {
      await(times + " times at " + name).until(() -> GATES.get(name).arrived.get() >= times);
    }
  }
}
