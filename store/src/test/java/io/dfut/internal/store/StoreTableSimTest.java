package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static io.dfut.internal.store.Keys.node;

import io.dfut.NodeId;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore.Urgency;
import io.dfut.internal.store.StoreEffect.Answer;
import io.dfut.internal.store.StoreEffect.CloseSlab;
import io.dfut.internal.store.StoreEffect.CutPull;
import io.dfut.internal.store.StoreEffect.Decided;
import io.dfut.internal.store.StoreEffect.DeleteSpill;
import io.dfut.internal.store.StoreEffect.OnDisk;
import io.dfut.internal.store.StoreEffect.PinGranted;
import io.dfut.internal.store.StoreEffect.PresentAlready;
import io.dfut.internal.store.StoreEffect.SetTimer;
import io.dfut.internal.store.StoreEffect.SpillItem;
import io.dfut.internal.store.StoreEffect.StartAttach;
import io.dfut.internal.store.StoreEffect.StartPull;
import io.dfut.internal.store.StoreEffect.StartRestore;
import io.dfut.internal.store.StoreEffect.StartSpill;
import io.dfut.internal.store.StoreEffect.WriteGranted;
import io.dfut.internal.store.StoreInput.PullOutcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/**
 * The table under random inputs, against a naive model of what those around it hold: who waits, who
 * writes, who reads, what each byte of memory contains, which primaries must be there. After a
 * random history everybody lets go, and nothing may be left.
 */
final class StoreTableSimTest {
  private static final int SEEDS = 4_000;
  private static final int STEPS = 250;

  @Test
  void randomHistoriesKeepEveryPromise() {
    Long given = Long.getLong("dfut.sim.seed");
    long first = given != null ? given : System.nanoTime();
    System.out.println(
        "StoreTableSimTest: seed " + first + (given != null ? "" : " and following"));
    Map<String, Integer> seen = new TreeMap<>();
    for (long seed = first; seed < first + (given != null ? 1 : SEEDS); seed++) {
      try {
        new Sim(seed, seen, seed % 3 == 0).run();
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ": replay with -Ddfut.sim.seed=" + seed, e);
      }
    }
    System.out.println("StoreTableSimTest: effects seen " + seen);
    if (given == null) {
      // A simulation that never gets somewhere shows nothing about it.
      for (String effect :
          List.of(
              "WriteGranted",
              "PresentAlready",
              "PinGranted",
              "Absent",
              "Full",
              "SourceLost",
              "StartPull",
              "StartAttach",
              "AttachedGranted",
              "Detach",
              "resumed",
              "restarted",
              "kept back on disk",
              "CutPull",
              "CloseSlab",
              "evicted",
              "StartSpill",
              "spill failed",
              "StartRestore",
              "restored",
              "unreadable",
              "OnDisk",
              "lost on disk",
              "DeleteSpill",
              "Decided",
              "read directly",
              "freed while read directly",
              "not evicted while read directly",
              "withdrawn and published again",
              "bundle waits",
              "bundle cancelled")) {
        Assertions.assertTrue(
            seen.getOrDefault(effect, 0) >= 50, effect + " seen too rarely: " + seen);
      }
    }
  }

  /** A pull that waited for room was freed, and bundles behind it were never looked at again. */
  @Test
  void bundlesGoOnWhenAPullThatHeldThemBackIsFreed() {
    new Sim(46_113_599_946_148L, new TreeMap<>(), false).run();
  }

  @Test
  void modelNoticesTwoObjectsInOnePlace() {
    Memory memory = new Memory();
    memory.take(new Block(0, 1024, 0, 128), key(1));
    Assertions.assertThrows(
        AssertionError.class, () -> memory.take(new Block(0, 1024, 64, 128), key(2)));
  }

  @Test
  void modelNoticesAReaderOfOtherBytes() {
    Memory memory = new Memory();
    memory.take(new Block(0, 1024, 0, 128), key(1));
    memory.written(new Block(0, 1024, 0, 128), key(1));
    Assertions.assertThrows(
        AssertionError.class, () -> memory.read(new Block(0, 1024, 0, 128), key(2)));
  }

  @Test
  void modelNoticesASlabThatIsClosedInUse() {
    Memory memory = new Memory();
    memory.take(new Block(0, 1024, 0, 128), key(1));
    Assertions.assertThrows(AssertionError.class, () -> memory.closed(0));
  }

  /** What each grain of memory holds, and who is using it. */
  private static final class Memory {
    private final Map<Integer, TreeMap<Long, ObjectKey>> content = new HashMap<>();
    private final Map<Integer, TreeMap<Long, ObjectKey>> writers = new HashMap<>();
    private final Map<Integer, TreeMap<Long, Map<ObjectKey, Integer>>> readers = new HashMap<>();
    private final Set<Integer> closed = new HashSet<>();

    private static List<Long> grains(Block block) {
      List<Long> grains = new ArrayList<>();
      for (long g = block.offset();
          g < block.offset() + block.bytes();
          g += BlockAllocator.GRAIN_BYTES) {
        grains.add(g);
      }
      return grains;
    }

    /** Somebody may write there from now on. */
    void take(Block block, ObjectKey key) {
      expect(!closed.contains(block.slab()), "a closed slab is used: " + block);
      for (long g : grains(block)) {
        expect(
            writers.computeIfAbsent(block.slab(), s -> new TreeMap<>()).put(g, key) == null,
            "two writers in " + block);
        Map<ObjectKey, Integer> reading =
            readers.computeIfAbsent(block.slab(), s -> new TreeMap<>()).get(g);
        expect(reading == null, "written while read: " + block);
        content.computeIfAbsent(block.slab(), s -> new TreeMap<>()).remove(g);
      }
    }

    void written(Block block, ObjectKey key) {
      for (long g : grains(block)) {
        content.get(block.slab()).put(g, key);
      }
      release(block);
    }

    void release(Block block) {
      grains(block).forEach(writers.get(block.slab())::remove);
    }

    void read(Block block, ObjectKey key) {
      expect(!closed.contains(block.slab()), "a closed slab is read: " + block);
      for (long g : grains(block)) {
        expect(
            key.equals(content.get(block.slab()).get(g)),
            "other bytes under " + key + " in " + block);
        readers
            .computeIfAbsent(block.slab(), s -> new TreeMap<>())
            .computeIfAbsent(g, x -> new HashMap<>())
            .merge(key, 1, Integer::sum);
      }
    }

    void unread(Block block, ObjectKey key) {
      TreeMap<Long, Map<ObjectKey, Integer>> slab = readers.get(block.slab());
      for (long g : grains(block)) {
        slab.get(g).merge(key, -1, (a, b) -> a + b == 0 ? null : a + b);
        slab.computeIfPresent(g, (x, reading) -> reading.isEmpty() ? null : reading);
      }
    }

    void closed(int slab) {
      expect(
          writers.getOrDefault(slab, new TreeMap<>()).isEmpty(),
          "a slab is closed under a writer: " + slab);
      expect(
          readers.getOrDefault(slab, new TreeMap<>()).isEmpty(),
          "a slab is closed under a reader: " + slab);
      expect(closed.add(slab), "a slab is closed twice: " + slab);
    }
  }

  private static void expect(boolean holds, String message) {
    if (!holds) {
      throw new AssertionError(message);
    }
  }

  private record Reading(ObjectKey key, Block block) {}

  /** Readers that the table does not see, but through what it asks. */
  private static final class Unseen implements DirectReaders {
    private final Random random;
    private final Memory memory;
    private final Map<String, Integer> seen;
    private final Map<ObjectKey, Block> published = new HashMap<>();
    private final Set<ObjectKey> withdrawn = new HashSet<>();
    private final List<Reading> reading = new ArrayList<>();

    /** Set by the simulation, to tell why something is withdrawn. */
    private boolean isFree;

    Unseen(long seed, Memory memory, Map<String, Integer> seen) {
      this.random = new Random(seed);
      this.memory = memory;
      this.seen = seen;
    }

    @Override
    public boolean publish(ObjectKey key, Block block, long bytes) {
      expect(!isRead(key), "published again while it is read: " + key);
      expect(bytes <= block.bytes(), "published beyond its block: " + key);
      if (random.nextInt(4) == 0) {
        return false;
      }
      if (withdrawn.remove(key)) {
        seen.merge("withdrawn and published again", 1, Integer::sum);
      }
      expect(published.put(key, block) == null, "published twice: " + key);
      return true;
    }

    @Override
    public boolean withdraw(ObjectKey key) {
      if (published.remove(key) != null && isRead(key)) {
        seen.merge(
            isFree ? "freed while read directly" : "not evicted while read directly",
            1,
            Integer::sum);
        withdrawn.add(key);
      }
      return !isRead(key);
    }

    private boolean isRead(ObjectKey key) {
      return reading.stream().anyMatch(r -> r.key().equals(key));
    }

    void act() {
      if (random.nextInt(6) == 0 && !published.isEmpty()) {
        ObjectKey key =
            published.keySet().stream()
                .sorted((a, b) -> a.id().compareTo(b.id()))
                .skip(random.nextInt(published.size()))
                .findFirst()
                .orElseThrow();
        memory.read(published.get(key), key);
        reading.add(new Reading(key, published.get(key)));
        seen.merge("read directly", 1, Integer::sum);
      } else if (random.nextInt(3) == 0) {
        leave();
      }
    }

    void leave() {
      if (!reading.isEmpty()) {
        Reading gone = reading.remove(random.nextInt(reading.size()));
        memory.unread(gone.block(), gone.key());
      }
    }
  }

  private static final class Sim {
    private static final long SECOND = 1_000_000_000L;

    private final Random random;
    private final Map<String, Integer> seen;
    private final StoreTable table;
    private final long capacity;
    private final int keys;
    private final long[] sizes;
    private final Memory memory = new Memory();

    private final Set<Long> waiting = new HashSet<>();
    private final Map<ObjectKey, Block> writing = new HashMap<>();
    private final List<Reading> reading = new ArrayList<>();
    private final Map<Long, StartPull> pulling = new TreeMap<>();
    private final Map<Long, StartSpill> spilling = new TreeMap<>();
    private final Map<Long, StartRestore> restoring = new TreeMap<>();

    /** What was written to disk, by file. */
    private final Map<Long, List<SpillItem>> disk = new TreeMap<>();

    private final Map<Long, StartAttach> attaching = new TreeMap<>();

    /** What sources hold for us, and the readers of each. */
    private final Map<Long, StartAttach> held = new TreeMap<>();

    private final List<Long> readingAttached = new ArrayList<>();
    private final Set<ObjectKey> primaries = new HashSet<>();
    private final Set<ObjectKey> freedWhileWritten = new HashSet<>();
    private long timerNanos = Long.MAX_VALUE;
    private long now = 1;
    private long lastWaiter;

    /** Bundles that have not ended, with the waiters of each. */
    private final Map<Long, Set<Long>> bundles = new TreeMap<>();

    private final Set<Long> bundled = new HashSet<>();
    private long lastBundle;
    private final Unseen unseen;
    private final boolean readsDirectly;

    Sim(long seed, Map<String, Integer> seen, boolean readsDirectly) {
      this.unseen = new Unseen(seed, memory, seen);
      this.readsDirectly = readsDirectly;
      this.random = new Random(seed);
      this.seen = seen;
      this.capacity = 64L * (4 + random.nextInt(60));
      this.keys = 2 + random.nextInt(12);
      this.sizes =
          random
              .longs(
                  keys,
                  0,
                  1 + capacity / (1 + random.nextInt(8)) + (random.nextInt(8) == 0 ? 200 : 0))
              .toArray();
      this.table =
          new StoreTable(
              node(1),
              new StoreTable.Limits(
                  capacity,
                  64L * (1 + random.nextInt(8)),
                  10 * SECOND,
                  60 * SECOND,
                  3 * SECOND,
                  1 + random.nextLong(capacity),
                  1 + random.nextInt(3),
                  3 + random.nextInt(30),
                  random.nextBoolean(),
                  random.nextBoolean()
                      ? Optional.empty()
                      : Optional.of(
                          new StoreTable.SpillLimits(
                              random.nextInt(4) == 0 ? capacity : random.nextLong(capacity),
                              64L * (1 + random.nextInt(16)),
                              1 + random.nextInt(4),
                              1 + random.nextInt(3),
                              SECOND))),
              readsDirectly ? unseen : DirectReaders.NONE);
    }

    void run() {
      int[] weights = random.ints(17, 1, 20).toArray(); // each seed has its own mix
      int sum = java.util.Arrays.stream(weights).sum();
      for (int i = 0; i < STEPS; i++) {
        int draw = random.nextInt(sum);
        int choice = 0;
        while (draw >= weights[choice]) {
          draw -= weights[choice++];
        }
        act(choice);
        if (readsDirectly) {
          unseen.act();
        }
      }
      settle();
    }

    private void act(int choice) {
      int k = random.nextInt(keys);
      switch (choice) {
        case 0 -> {
          waiting.add(++lastWaiter);
          step(new StoreInput.Create(lastWaiter, key(k), sizes[k], "put"));
        }
        case 1, 2 -> endSomeWrite(random.nextInt(5) > 0);
        case 3 -> {
          waiting.add(++lastWaiter);
          step(new StoreInput.Pin(lastWaiter, key(k)));
          expect(!waiting.contains(lastWaiter), "a pin is answered at once");
          if (table.contains(key(k)) && !isInMemory(key(k))) { // then the runtime fetches it
            waiting.add(++lastWaiter);
            step(new StoreInput.Fetch(lastWaiter, key(k), sizes[k], List.of(), Urgency.GET));
          }
        }
        case 4, 5 -> unpinSome();
        case 6 -> {
          waiting.add(++lastWaiter);
          List<NodeId> sources =
              random.ints(random.nextInt(4), 1, 6).mapToObj(Keys::node).distinct().toList();
          step(
              new StoreInput.Fetch(
                  lastWaiter, key(k), sizes[k], sources, Urgency.values()[random.nextInt(3)]));
        }
        case 7 -> {
          List<Long> single = waiting.stream().filter(w -> !bundled.contains(w)).sorted().toList();
          if (!single.isEmpty()) { // a bundle is given up as a whole
            long waiter = single.get(random.nextInt(single.size()));
            waiting.add(++lastWaiter);
            waiting.remove(waiter);
            step(new StoreInput.GiveUp(lastWaiter, waiter));
            expect(!waiting.contains(lastWaiter), "giving up is answered at once");
          }
        }
        case 8 -> {
          if (random.nextBoolean()) {
            waiting.add(++lastWaiter);
            promote(key(k));
          } else {
            free(key(k));
          }
        }
        case 9 -> {
          int n = 2 + random.nextInt(4);
          if (random.nextInt(10) > 0) {
            step(new StoreInput.PeerUp(node(n)));
          } else if (random.nextInt(3) == 0) {
            step(new StoreInput.PeerDown(node(n)));
          }
        }
        case 15 -> beginBundle();
        case 16 -> endSomeBundle(false);
        case 12 -> endSomeSpill(random.nextInt(5) > 0);
        case 13 -> endSomeRestore(random.nextInt(3) > 0);
        case 14 -> serve(key(k));
        case 10 -> {
          if (random.nextBoolean()) {
            endSomePull();
          } else {
            endSomeAttach();
          }
        }
        case 11 -> {
          now += random.nextLong(4 * SECOND);
          if (now >= timerNanos || random.nextInt(10) == 0) {
            timerNanos = Long.MAX_VALUE; // one that fires too early is set again
            step(new StoreInput.TimerFired());
          }
        }
        default -> throw new AssertionError(choice);
      }
    }

    private void beginBundle() {
      List<StoreInput.Fetch> fetches = new ArrayList<>();
      Set<Long> waiters = new HashSet<>();
      for (int k : random.ints(1 + random.nextInt(4), 0, keys).distinct().toArray()) {
        List<NodeId> sources =
            random.ints(1 + random.nextInt(3), 1, 6).mapToObj(Keys::node).distinct().toList();
        waiting.add(++lastWaiter);
        waiters.add(lastWaiter);
        fetches.add(new StoreInput.Fetch(lastWaiter, key(k), sizes[k], sources, Urgency.ARGUMENT));
      }
      bundles.put(++lastBundle, waiters);
      bundled.addAll(waiters);
      step(new StoreInput.FetchBundle(lastBundle, fetches));
    }

    private void endSomeBundle(boolean onlyComplete) {
      List<Long> some =
          bundles.keySet().stream()
              .filter(b -> !onlyComplete || bundles.get(b).stream().noneMatch(waiting::contains))
              .toList();
      if (some.isEmpty()) {
        return;
      }
      long bundle = some.get(random.nextInt(some.size()));
      Set<Long> waiters = bundles.remove(bundle);
      if (waiters.stream().anyMatch(waiting::contains)) {
        count("bundle cancelled");
      }
      waiting.removeAll(waiters);
      bundled.removeAll(waiters);
      step(new StoreInput.EndBundle(bundle));
    }

    /** No task has half of its arguments. */
    private void checkBundles() {
      for (Set<Long> waiters : bundles.values()) {
        long open = waiters.stream().filter(waiting::contains).count();
        expect(open == 0 || open == waiters.size(), "half a bundle is answered: " + waiters);
      }
      expect(table.activeBundles() <= bundles.size(), "a bundle is active that has ended");
      seen.merge("bundles at once", table.activeBundles(), Math::max);
      count(table.activeBundles() < bundles.size() ? "bundle waits" : "no bundle waits");
    }

    private boolean isInMemory(ObjectKey key) {
      return !table.contents().get(key).contains("disk")
          || table.contents().get(key).contains("also on disk");
    }

    private void promote(ObjectKey key) {
      List<StoreEffect> effects = step(new StoreInput.Promote(lastWaiter, key));
      if (effects.contains(new Decided(lastWaiter, true))) {
        primaries.add(key);
      }
    }

    private void free(ObjectKey key) {
      primaries.remove(key);
      if (writing.containsKey(key)) {
        freedWhileWritten.add(key);
      }
      unseen.isFree = true;
      step(new StoreInput.Free(key));
      unseen.isFree = false;
      expect(!table.contains(key), "freed and still offered: " + key);
      expect(
          !table.contents().getOrDefault(key, "").contains("in place"),
          "freed and still attached: " + key);
    }

    private void endSomeWrite(boolean well) {
      if (writing.isEmpty()) {
        return;
      }
      ObjectKey key =
          writing.keySet().stream().min((a, b) -> a.id().compareTo(b.id())).orElseThrow();
      Block block = writing.remove(key);
      boolean freed = freedWhileWritten.remove(key);
      if (well) {
        memory.written(block, key);
        if (!freed) {
          primaries.add(key);
        }
        step(new StoreInput.Seal(key));
      } else {
        memory.release(block);
        step(new StoreInput.Abort(key));
      }
    }

    private void endSomeAttach() {
      if (attaching.isEmpty()) {
        return;
      }
      long transfer =
          attaching.keySet().stream()
              .skip(random.nextInt(attaching.size()))
              .findFirst()
              .orElseThrow();
      StartAttach attach = attaching.remove(transfer);
      PullOutcome outcome =
          switch (random.nextInt(8)) {
            case 0 -> new PullOutcome.NotThere("not there");
            case 1 -> new PullOutcome.Failed(0, "reset");
            case 2 -> new PullOutcome.NotAttached(true, "another host");
            case 3, 4 -> new PullOutcome.NotAttached(false, "spilled");
            default -> new PullOutcome.Attached();
          };
      if (outcome instanceof PullOutcome.Attached) {
        held.put(transfer, attach);
      }
      step(new StoreInput.PullEnded(transfer, outcome));
    }

    private void unpinSome() {
      if (!readingAttached.isEmpty() && random.nextBoolean()) {
        long gone = readingAttached.remove(random.nextInt(readingAttached.size()));
        step(new StoreInput.UnpinAttached(gone));
      }
      if (!reading.isEmpty()) {
        Reading gone = reading.remove(random.nextInt(reading.size()));
        memory.unread(gone.block(), gone.key());
        step(new StoreInput.Unpin(gone.key()));
      }
    }

    private void endSomePull() {
      if (pulling.isEmpty()) {
        return;
      }
      long transfer =
          pulling.keySet().stream().skip(random.nextInt(pulling.size())).findFirst().orElseThrow();
      StartPull pull = pulling.remove(transfer);
      PullOutcome outcome =
          switch (random.nextInt(7)) {
            case 6 -> pull.fromMemory() ? new PullOutcome.OnDisk() : new PullOutcome.Complete();
            case 0 -> new PullOutcome.NotThere("not there");
            case 1, 2 ->
                new PullOutcome.Failed(
                    pull.fromBytes() + random.nextLong(pull.bytes() - pull.fromBytes() + 1),
                    "reset");
            case 3 ->
                pull.fromBytes() > 0
                    ? new PullOutcome.PrefixDiffers()
                    : new PullOutcome.NotThere("not there");
            default -> new PullOutcome.Complete();
          };
      if (outcome instanceof PullOutcome.Complete) {
        memory.written(pull.block(), pull.key());
      } else {
        memory.release(pull.block());
      }
      if (outcome instanceof PullOutcome.PrefixDiffers) {
        count("restarted");
      } else if (outcome instanceof PullOutcome.OnDisk) {
        count("kept back on disk");
      }
      step(new StoreInput.PullEnded(transfer, outcome));
    }

    private static <V> long oneOf(Map<Long, V> some, Random random) {
      return some.keySet().stream().skip(random.nextInt(some.size())).findFirst().orElseThrow();
    }

    private void endSomeSpill(boolean well) {
      if (spilling.isEmpty()) {
        return;
      }
      StartSpill spill = spilling.remove(oneOf(spilling, random));
      spill.items().forEach(item -> memory.unread(item.block(), item.key()));
      if (well) {
        disk.put(spill.file(), spill.items());
      } else {
        count("spill failed");
      }
      step(
          new StoreInput.SpillEnded(
              spill.file(), well ? Optional.empty() : Optional.of("disk full")));
    }

    private void endSomeRestore(boolean well) {
      if (restoring.isEmpty()) {
        return;
      }
      StartRestore restore = restoring.remove(oneOf(restoring, random));
      checkOnDisk(restore.key(), restore.spot());
      if (well) {
        memory.written(restore.block(), restore.key());
        count("restored");
      } else {
        memory.release(restore.block());
        primaries.remove(restore.key());
        count("unreadable");
      }
      step(
          new StoreInput.PullEnded(
              restore.transfer(),
              well ? new PullOutcome.Complete() : new PullOutcome.NotThere("wrong checksum")));
    }

    private void checkOnDisk(ObjectKey key, SpillSpot spot) {
      List<SpillItem> file = disk.get(spot.file());
      expect(file != null, "read from a file that is gone: " + spot);
      SpillItem there = file.get(spot.index());
      long offset = file.subList(0, spot.index()).stream().mapToLong(SpillItem::bytes).sum();
      expect(
          there.key().equals(key) && there.bytes() == spot.bytes() && offset == spot.offset(),
          key + " is said to be at " + spot + ", where " + there + " is");
    }

    private void serve(ObjectKey key) {
      waiting.add(++lastWaiter);
      List<StoreEffect> effects = step(new StoreInput.Serve(lastWaiter, key));
      expect(!waiting.contains(lastWaiter), "serving is answered at once");
      for (StoreEffect effect : effects) {
        if (effect instanceof OnDisk there && random.nextInt(2) == 0) {
          boolean isRead =
              restoring.values().stream().anyMatch(restore -> restore.key().equals(key));
          if (!isRead) {
            primaries.remove(key);
          }
          step(new StoreInput.DiskLost(key, there.spot(), "wrong checksum"));
          count("lost on disk");
        }
      }
    }

    private List<StoreEffect> step(StoreInput input) {
      List<StoreEffect> effects = new ArrayList<>();
      long evictedBefore = table.stats().evictedBytes();
      table.step(input, now, effects::add);
      table.checkInvariants();
      // Any order of effects must do; here it is a random one, but for slabs, whose memory is gone
      // when it is gone.
      java.util.Collections.shuffle(effects, random);
      effects.forEach(this::carryOut);
      if (table.stats().evictedBytes() > evictedBefore) {
        count("evicted");
      }
      checkBundles();
      for (ObjectKey primary : primaries) {
        expect(table.contains(primary), "primary lost: " + primary);
      }
      expect(table.stats().usedBytes() <= capacity, "more used than there is");
      expect(table.committedBytes() <= capacity, "more memory taken than there is");
      expect(
          table.stats().diskFiles() == disk.size()
              && table.stats().diskBytes()
                  == disk.values().stream().flatMap(List::stream).mapToLong(SpillItem::bytes).sum(),
          "disk " + disk + " and the table's " + table.stats());
      return effects;
    }

    private void carryOut(StoreEffect effect) {
      count(
          effect instanceof StoreEffect.Refused refused
              ? refused.why().getClass().getSimpleName()
              : effect.getClass().getSimpleName());
      if (effect instanceof Answer answer) {
        expect(waiting.remove(answer.waiter()), "answered twice or after giving up: " + answer);
      }
      switch (effect) {
        case WriteGranted granted -> {
          memory.take(granted.block(), granted.key());
          expect(
              writing.put(granted.key(), granted.block()) == null,
              "two writers of " + granted.key());
        }
        case PinGranted granted -> {
          memory.read(granted.block(), granted.key());
          reading.add(new Reading(granted.key(), granted.block()));
        }
        case PresentAlready present -> primaries.add(present.key());
        case StartPull start -> {
          if (start.fromBytes() > 0) {
            count("resumed");
          }
          memory.take(start.block(), start.key());
          expect(!writing.containsKey(start.key()), "pulled while written: " + start.key());
          expect(
              pulling.values().stream().noneMatch(p -> p.key().equals(start.key())),
              "pulled twice: " + start.key());
          pulling.put(start.transfer(), start);
        }
        case StartSpill spill -> {
          spill.items().forEach(item -> memory.read(item.block(), item.key()));
          expect(spilling.put(spill.file(), spill) == null, "a file is written twice");
          expect(!spill.items().isEmpty(), "an empty file");
        }
        case StartRestore restore -> {
          memory.take(restore.block(), restore.key());
          checkOnDisk(restore.key(), restore.spot());
          expect(
              restoring.values().stream().noneMatch(r -> r.key().equals(restore.key())),
              "restored twice: " + restore.key());
          restoring.put(restore.transfer(), restore);
        }
        case DeleteSpill delete -> {
          expect(disk.remove(delete.file()) != null, "deleted twice: " + delete);
          expect(
              restoring.values().stream().noneMatch(r -> r.spot().file() == delete.file()),
              "deleted while it is read: " + delete);
        }
        case OnDisk there -> checkOnDisk(there.key(), there.spot());
        case StoreEffect.AttachedGranted granted -> {
          expect(
              held.containsKey(granted.attachment())
                  && held.get(granted.attachment()).key().equals(granted.key()),
              "read without a hold: " + granted);
          readingAttached.add(granted.attachment());
        }
        case StartAttach start -> {
          expect(!writing.containsKey(start.key()), "attached while written: " + start.key());
          expect(
              attaching.values().stream().noneMatch(a -> a.key().equals(start.key()))
                  && pulling.values().stream().noneMatch(p -> p.key().equals(start.key())),
              "attached twice: " + start.key());
          attaching.put(start.transfer(), start);
        }
        case StoreEffect.Detach detach -> {
          expect(held.remove(detach.attachment()) != null, "let go twice: " + detach);
          expect(!readingAttached.contains(detach.attachment()), "let go while read: " + detach);
        }
        case CloseSlab close -> memory.closed(close.slab());
        case SetTimer set -> {
          expect(set.atNanos() < timerNanos, "a timer is set again for later");
          timerNanos = set.atNanos();
        }
        case CutPull cut -> expect(cut.transfer() > 0, "no such pull");
        case StoreEffect.RoomWanted wanted ->
            expect(!waiting.isEmpty() && table.roomWanted(), "room is wanted by nobody");
        case StoreEffect.Absent absent -> {}
        case Decided decided -> {}
        case StoreEffect.Refused refused -> {}
      }
    }

    private void count(String what) {
      seen.merge(what, 1, Integer::sum);
    }

    /** Everybody lets go; every wait ends by itself or at its deadline; nothing is left. */
    private void settle() {
      while (!unseen.reading.isEmpty()) {
        unseen.leave();
      }
      for (int round = 0; round < 10_000 && !isQuiet(); round++) {
        while (!writing.isEmpty()) {
          endSomeWrite(true);
        }
        while (!reading.isEmpty() || !readingAttached.isEmpty()) {
          unpinSome();
        }
        endSomePull();
        endSomeSpill(random.nextBoolean());
        endSomeRestore(true);
        endSomeAttach();
        endSomeBundle(true);
        if (pulling.isEmpty()
            && attaching.isEmpty()
            && spilling.isEmpty()
            && restoring.isEmpty()
            && timerNanos < Long.MAX_VALUE) {
          now = Math.max(now, timerNanos);
          timerNanos = Long.MAX_VALUE;
          step(new StoreInput.TimerFired());
        }
      }
      expect(
          isQuiet(),
          "waits, pulls or pins that never end: "
              + waiting
              + " "
              + pulling
              + " "
              + table.contents()
              + " timer "
              + timerNanos
              + " now "
              + now
              + " "
              + table.stats());
      for (int k = 0; k < keys; k++) {
        free(key(k));
      }
      if (!table.contents().isEmpty()) { // withdrawn from readers that have left
        now += StoreTable.LEAVING_LOOK_NANOS;
        timerNanos = Long.MAX_VALUE;
        step(new StoreInput.TimerFired());
      }
      expect(table.contents().isEmpty(), "left: " + table.contents());
      expect(table.stats().usedBytes() == 0, "bytes left: " + table.stats());
      expect(
          table.stats().primaries() == 0 && table.stats().objects() == 0,
          "objects left: " + table.stats());
      expect(table.waitCount() == 0 && table.activeBundles() == 0, "waits left");
      expect(disk.isEmpty(), "files left: " + disk);
      expect(held.isEmpty() && table.attachedCount() == 0, "still held for us: " + held);
    }

    private boolean isQuiet() {
      return waiting.isEmpty()
          && bundles.isEmpty()
          && writing.isEmpty()
          && reading.isEmpty()
          && pulling.isEmpty()
          && spilling.isEmpty()
          && restoring.isEmpty()
          && readingAttached.isEmpty()
          && attaching.isEmpty();
    }
  }
}
