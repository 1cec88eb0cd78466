package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.Inspection;
import io.dfut.ObjectId;
import io.dfut.SharedDFut;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * What suites about the lives of objects share: looking at who holds one, readers that can tell
 * every value from every other, an actor that keeps references, and full stores.
 */
abstract class ObjectScenarios extends Scenarios {
  /** Lives in its owner's table. */
  static final int SMALL = 1_000;

  /** Lives in a store. */
  static final int LARGE = 200_000;

  /** What a reader saw of a value: another value would have given something else. */
  record Seen(int length, int hash) {
    static Seen of(byte[] bytes) {
      return new Seen(bytes.length, Arrays.hashCode(bytes));
    }
  }

  // ---- looking ----

  List<Inspection.Row> rows() {
    return nodes().stream().flatMap(node -> node.inspect().rows().stream()).toList();
  }

  /** What holds the object at its owner. */
  Map<String, Integer> countsOf(ObjectId id) {
    return rows().stream()
        .filter(row -> row.object().equals(id) && row.role() == Inspection.Role.OWNER)
        .findFirst()
        .map(Inspection.Row::counts)
        .orElse(Map.of());
  }

  /**
   * Everything that knows the object has forgotten it, as seconds after its last holder it must.
   */
  void gone(ObjectId... ids) {
    eventually("nobody can ask for it, but it is still there")
        .untilAsserted(
            () ->
                assertThat(rows().stream().filter(row -> List.of(ids).contains(row.object())))
                    .isEmpty());
  }

  /**
   * Closes handles that are the owner's last, and waits until the owner has noticed: from here on
   * the object is there for the sake of others alone.
   */
  void letGo(DFut<?> future, SharedDFut<?>... references) {
    future.close();
    for (SharedDFut<?> reference : references) {
      reference.close();
    }
    eventually("the owner still counts handles, or has freed what others hold")
        .untilAsserted(
            () -> assertThat(countsOf(future.id())).isNotEmpty().doesNotContainKey("handles"));
  }

  /** What a task makes that was lent a reference; from here on the task alone keeps the object. */
  <R> DFut<R> lent(DFut<byte[]> object, Function<SharedDFut<byte[]>, DFut<R>> submit) {
    SharedDFut<byte[]> shared = object.share();
    DFut<R> result = submit.apply(shared);
    letGo(object, shared);
    return result;
  }

  /** An actor with the object in its field; from here on it alone keeps the object. */
  ActorHandle<Keeper> keptByAnActor(DFut<byte[]> object) {
    SharedDFut<byte[]> shared = object.share();
    ActorHandle<Keeper> keeper = keeping(keeper(), shared);
    letGo(object, shared);
    return keeper;
  }

  /** The same in two fields. */
  ActorHandle<Keeper> keptTwiceByAnActor(DFut<byte[]> object) {
    SharedDFut<byte[]> shared = object.share();
    ActorHandle<Keeper> keeper = keeping(keeper(), shared);
    keeper.task(Keeper::keepSecond).submit(shared).get(SOON);
    letGo(object, shared);
    return keeper;
  }

  /**
   * Tells the story of an object of every kind: put and made by a task, in its owner's table and in
   * a store. When it is told nothing may be left of anything.
   */
  void ofEveryKind(BiConsumer<DFut<byte[]>, Seen> story) {
    int seed = 0;
    for (int length : new int[] {SMALL, LARGE}) {
      for (boolean put : new boolean[] {true, false}) {
        int used = ++seed;
        Seen seen = Seen.of(Tasks.bytes(used, length));
        dfut.scope(
            () ->
                story.accept(
                    put
                        ? dfut.put(Tasks.bytes(used, length))
                        : dfut.task(Tasks::bytes).submit(used, length),
                    seen));
        nothingIsLeft();
      }
    }
  }

  void nothingIsLeft() {
    eventually("something is left of the story")
        .untilAsserted(
            () -> {
              assertThat(rows()).isEmpty();
              assertThat(habitat().inStores(Inspection.Store::objects)).isZero();
            });
  }

  // ---- what tasks do ----

  static Seen see(byte[] value) {
    return Seen.of(value);
  }

  static Seen seeAfter(Gate gate, byte[] value) throws InterruptedException {
    gate.pass();
    return Seen.of(value);
  }

  static Seen read(SharedDFut<byte[]> reference) {
    return Seen.of(reference.get());
  }

  static Seen readAfter(Gate gate, SharedDFut<byte[]> reference) throws InterruptedException {
    gate.pass();
    return Seen.of(reference.get());
  }

  static SharedDFut<byte[]> giveBackAfter(Gate gate, SharedDFut<byte[]> reference)
      throws InterruptedException {
    gate.pass();
    return reference;
  }

  static byte[] bytesAfter(Gate gate, int seed, int length) throws InterruptedException {
    gate.pass();
    return Tasks.bytes(seed, length);
  }

  static SharedDFut<byte[]> putAndShare(int seed, int length) {
    return DFutContext.current().put(Tasks.bytes(seed, length)).share();
  }

  /** Keeps references in its fields. Closes what it lets go of, as whoever lives long should. */
  static final class Keeper extends DFutActor<Void> {
    private SharedDFut<byte[]> first;
    private SharedDFut<byte[]> second;

    public void keepFirst(SharedDFut<byte[]> reference) {
      first = reference;
    }

    public void keepSecond(SharedDFut<byte[]> reference) {
      second = reference;
    }

    public void keepContent(List<SharedDFut<byte[]>> container) {
      first = container.getFirst();
      container.subList(1, container.size()).forEach(SharedDFut::close);
    }

    public void putOwn(int seed, int length) {
      try (DFut<byte[]> own = dfut().put(Tasks.bytes(seed, length))) {
        first = own.share();
      }
    }

    public Seen readFirst() {
      return Seen.of(first.get());
    }

    public Seen readSecond() {
      return Seen.of(second.get());
    }

    public void dropFirst() {
      first.close();
      first = null;
    }

    public void dropSecond() {
      second.close();
      second = null;
    }

    public void forgetFirst() {
      first = null;
    }

    public SharedDFut<byte[]> giveFirst() {
      return first;
    }

    public void handTo(ActorHandle<Keeper> other) {
      try (other;
          DFut<Void> done = other.task(Keeper::keepFirst).submit(first)) {
        done.get();
      }
    }
  }

  ActorHandle<Keeper> keeper() {
    return dfut.actor(Keeper::new).on(next()).create();
  }

  static ActorHandle<Keeper> keeping(ActorHandle<Keeper> keeper, SharedDFut<byte[]> reference) {
    keeper.task(Keeper::keepFirst).submit(reference).get(SOON);
    return keeper;
  }

  static Seen readBy(ActorHandle<Keeper> keeper) {
    return keeper.task(Keeper::readFirst).submit().get(SOON);
  }

  static void dropBy(ActorHandle<Keeper> keeper) {
    keeper.task(Keeper::dropFirst).submit().get(SOON);
  }

  static SharedDFut<byte[]> startAndShare(Gate gate, int seed, int length) {
    return DFutContext.current()
        .task(ObjectScenarios::bytesAfter)
        .submit(gate, seed, length)
        .share();
  }

  // ---- full stores ----

  static final int MEBIBYTE = 1 << 20;

  static final int BLOCK = 4 * MEBIBYTE - 1_000; // with what it is wrapped in, even parts

  static byte[] block() {
    return new byte[BLOCK];
  }

  /** Blocks for all the room of a node that is not pinned, but for two of them. */
  static int blocksFor(Node node) {
    Inspection.Store store = node.inspect().store();
    return (int) ((store.capacityBytes() - store.pinnedBytes()) / (4 * MEBIBYTE)) - 2;
  }

  /** Fills every node's store, so that it throws out what it may, and empties it again. */
  void fillStores() {
    dfut.scope(
        () -> {
          List<DFut<byte[]>> blocks = new ArrayList<>();
          for (Node node : nodes()) {
            for (int i = blocksFor(node); i > 0; i--) {
              blocks.add(
                  node.node().equals(dfut.node())
                      ? dfut.put(block())
                      : dfut.task(ObjectScenarios::block).on(node.node()).submit());
            }
          }
          assertThat(dfut.await(blocks, blocks.size(), SOON).pending()).isEmpty();
          for (Node node : nodes()) {
            Inspection.Store store = node.inspect().store();
            assertThat(store.usedBytes()).isGreaterThan(store.capacityBytes() - 16 * MEBIBYTE);
          }
        });
    eventually("the blocks stay in the stores")
        .until(() -> habitat().inStores(Inspection.Store::usedBytes) < 150 * MEBIBYTE);
  }

  /** Waits until no store holds anything. */
  void storesAreEmpty() {
    eventually("an object that nobody can ask for stays in a store")
        .until(() -> habitat().inStores(Inspection.Store::objects) == 0);
  }

  static final int HUGE = 60 * MEBIBYTE; // so much that it would have to give way first
}
