package io.dfut.internal.store;

import io.dfut.NodeId;
import io.dfut.internal.machine.Invariant;
import io.dfut.internal.machine.Machine;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore.Stats;
import io.dfut.internal.spi.ObjectStore.Urgency;
import io.dfut.internal.store.StoreEffect.Absent;
import io.dfut.internal.store.StoreEffect.AttachedGranted;
import io.dfut.internal.store.StoreEffect.CloseSlab;
import io.dfut.internal.store.StoreEffect.CutPull;
import io.dfut.internal.store.StoreEffect.Decided;
import io.dfut.internal.store.StoreEffect.Detach;
import io.dfut.internal.store.StoreEffect.PinGranted;
import io.dfut.internal.store.StoreEffect.PresentAlready;
import io.dfut.internal.store.StoreEffect.Refusal;
import io.dfut.internal.store.StoreEffect.Refused;
import io.dfut.internal.store.StoreEffect.RoomWanted;
import io.dfut.internal.store.StoreEffect.SetTimer;
import io.dfut.internal.store.StoreEffect.StartAttach;
import io.dfut.internal.store.StoreEffect.StartPull;
import io.dfut.internal.store.StoreEffect.WriteGranted;
import io.dfut.internal.store.StoreInput.Abort;
import io.dfut.internal.store.StoreInput.Close;
import io.dfut.internal.store.StoreInput.Create;
import io.dfut.internal.store.StoreInput.Fetch;
import io.dfut.internal.store.StoreInput.Free;
import io.dfut.internal.store.StoreInput.GiveUp;
import io.dfut.internal.store.StoreInput.PeerDown;
import io.dfut.internal.store.StoreInput.PeerUp;
import io.dfut.internal.store.StoreInput.Pin;
import io.dfut.internal.store.StoreInput.Promote;
import io.dfut.internal.store.StoreInput.PullEnded;
import io.dfut.internal.store.StoreInput.PullOutcome;
import io.dfut.internal.store.StoreInput.Seal;
import io.dfut.internal.store.StoreInput.TimerFired;
import io.dfut.internal.store.StoreInput.Unpin;
import io.dfut.internal.store.StoreInput.UnpinAttached;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * What this node's store holds, who holds on to it, who waits for room, and what is on its way
 * here. Not thread-safe: one thread at a time steps it, under the lock of {@link SlabObjectStore}
 * or in a simulator.
 *
 * <h2>What is kept</h2>
 *
 * One entry per key (object and attempt), in one of three phases:
 *
 * <pre>
 *            Create, room                        Seal
 *   absent ───────────────► Writing ───────────────────────────► Sealed (primary)
 *     │  ▲                     │ Abort                             │   ▲
 *     │  └─────────────────────┘                              Free │   │ Promote, Create
 *     │      Fetch                          PullEnded(Complete)    ▼   │
 *     └────────────────────► Pulling ──────────────────────────► Sealed (secondary)
 *        ▲                     │ no source left, freed, nobody      │ evicted, or freed and no reader
 *        └─────────────────────┴────────────────────────────────────┘
 * </pre>
 *
 * An object in the memory of another node of this host is read there: instead of pulling it, the
 * table asks its source to hold it, and the entry is <em>attached</em> from then until its last
 * reader lets go. It has no block and takes no room, is not a copy (its owner is not told, {@code
 * Promote} and {@code contains} say no), and stays readable when the source dies, since the mapping
 * outlives the file. If the source does not hold it, the pull follows.
 *
 * <p>A pulling entry waits in the queue of its urgency, or waits for a peer that is not known yet,
 * or runs. Beside the entries stand the puts that wait for room. A <em>wait</em> is somebody who
 * gets an answer later; it stands with the entry that will answer it or in the queue of puts, has a
 * deadline, and is answered exactly once.
 *
 * <h2>Who changes it</h2>
 *
 * Writers and readers of this node through the facade; the data plane, which reports how pulls
 * ended; the runtime, which frees, promotes and tells of peers; time. The table never touches
 * memory. It hands out {@linkplain Block blocks} and is told when their user let go; only then is a
 * block given to somebody else. That is the reason for the rule that looks like pedantry everywhere
 * below: freeing an object that is being written, pulled or read only marks it, and the memory
 * comes back with {@code Seal}, {@code Abort}, {@code PullEnded} or the last {@code Unpin}. A cut
 * pull may still write for a while; the block is its own until its end is reported.
 *
 * <h2>Which orders are possible, and why the result is right</h2>
 *
 * <ul>
 *   <li><b>Two puts of one key, or a put and a fetch</b>: the second finds the entry and waits with
 *       it, so there is one entry and one set of bytes. When the first fails, those who waited
 *       start afresh.
 *   <li><b>Free before seal</b>: the writer seals into a doomed entry, which is dropped on the
 *       spot. A put that waited for that writer revives it, since a put is a later wish than the
 *       free.
 *   <li><b>Free while read</b>: nobody new finds the entry by {@code Pin}; the last reader's {@code
 *       Unpin} drops it. A fetch still gets it (the bytes are right, and pulling them again would
 *       leave a copy that nobody frees) and becomes one of those last readers.
 *   <li><b>Free or put of what is attached</b>: the entry goes at once, its readers go on, and the
 *       source hears of the last one. A later fetch asks afresh.
 *   <li><b>Free twice, free of an unknown key</b>: nothing to do. A late free cannot hit another
 *       object, since the key has the attempt.
 *   <li><b>Giving up against being answered</b>: the table says which came first ({@link Decided});
 *       the facade acts on that alone.
 *   <li><b>A source dies</b>: its running pulls are cut; each reports its end and goes on from the
 *       next source at the byte where the checked prefix ends. The next source compares the
 *       prefix's checksum and refuses if it would continue other bytes.
 *   <li><b>A report of a pull that was forgotten, a timer that fires late or twice</b>: found by
 *       number or by deadline, else ignored.
 *   <li><b>Effects of two steps carried out in the other order</b>: see {@link StoreEffect}. A pull
 *       that is cut before it was started runs to its end and is then dropped; the waste is one
 *       transfer.
 * </ul>
 *
 * <h2>Room</h2>
 *
 * Used bytes are the blocks of all entries and never exceed the capacity (I14). Unpinned
 * secondaries are evicted, least recently used first, only when that can make enough room. Requests
 * for room are served in this order: puts; pulls for {@code get}; for {@code await}; for arguments.
 * A more urgent pull that has to wait stops all less urgent ones, which could otherwise fill the
 * store while the task that must finish first waits; a put that has to wait stops pulls for {@code
 * await} and arguments, but not those for {@code get}, for somebody who is blocked in {@code get}
 * may be the one who holds the memory. What can be attached needs no room and is not stopped.
 * Within a level the order is that of arrival, except that a request that cannot be served now is
 * overtaken by smaller ones, in sum by no more than its own size: the holder of memory may need a
 * little more to finish, and yet nobody starves. Every wait ends at its deadline with the names of
 * the biggest holders.
 *
 * <p>Pin count = readers + one for the primary's duty (I6), and an entry is evictable exactly when
 * it is sealed and that count is zero.
 *
 * <p>Paper: §4.2 (the distributed memory layer: large values live in a node's shared object store,
 * primaries pinned by their owner until freed) and §4.3 (a lost copy is fetched from another
 * location, else rebuilt). Where it differs: keys carry the attempt, and the order of requests for
 * room is ours.
 */
final class StoreTable implements Machine<StoreInput, StoreEffect> {
  /**
   * How many requests that cannot be served are looked past in one step, per level: what a step
   * costs is bounded by it.
   */
  static final int LOOKAHEAD = 16;

  /**
   * How many dead nodes are remembered, so that a location that is told late does not make anybody
   * wait for them.
   */
  static final int DEAD_MAX = 4096;

  /** How many holders an error names. */
  static final int HOLDERS_NAMED = 5;

  private static final Urgency[] URGENCIES = Urgency.values();

  /**
   * The table's bounds.
   *
   * @param peerWaitNanos how long a pull waits for a node to become known when no other source is
   * @param pullsPerPeer pulls that run at once from one node
   * @param waitsMax puts and fetches that wait at once, all together
   * @param attaches whether objects of nodes of this host are read in place where they can be
   */
  record Limits(
      long capacityBytes,
      long slabBytes,
      long putTimeoutNanos,
      long pullTimeoutNanos,
      long peerWaitNanos,
      long pullBytesInFlight,
      int pullsPerPeer,
      int waitsMax,
      boolean attaches) {}

  /** Somebody who is answered later. */
  private static final class Wait {
    final long waiter;
    final ObjectKey key;
    final long bytes;
    final long sinceNanos;

    /** What was asked; null for a put. */
    final Fetch fetch;

    long deadlineNanos;

    /** What was given to others that came later; never more than its own size. */
    long overtakenBytes;

    Wait(long waiter, ObjectKey key, long bytes, long sinceNanos, long deadlineNanos, Fetch fetch) {
      this.waiter = waiter;
      this.key = key;
      this.bytes = bytes;
      this.sinceNanos = sinceNanos;
      this.deadlineNanos = deadlineNanos;
      this.fetch = fetch;
    }

    boolean isPut() {
      return fetch == null;
    }
  }

  private abstract static sealed class Entry {
    final ObjectKey key;
    final long bytes;

    Entry(ObjectKey key, long bytes) {
      this.key = key;
      this.bytes = bytes;
    }
  }

  /** A writer of this node has the block until it seals or aborts. */
  private static final class Writing extends Entry {
    final Block block;

    /** Freed before it was sealed. */
    boolean doomed;

    /**
     * Those who want the same key. Added on Create and Fetch; removed on Seal, Abort, their
     * deadline or giving up.
     */
    final LinkedHashMap<Long, Wait> waits = new LinkedHashMap<>();

    Writing(ObjectKey key, long bytes, Block block) {
      super(key, bytes);
      this.block = block;
    }
  }

  private enum Stage {
    QUEUED,
    AWAITING_PEER,
    RUNNING
  }

  /** On its way here, or waiting to be. */
  private static final class Pulling extends Entry {
    Stage stage = Stage.QUEUED;
    Urgency urgency;

    /** The number of the pull that runs. */
    long transfer;

    /** Where it runs from. */
    NodeId source;

    /**
     * Nodes that are said to have it, most preferred first. Removed when they turn out not to, or
     * die.
     */
    final LinkedHashSet<NodeId> sources = new LinkedHashSet<>();

    /** Sources in whose memory it cannot be read; so that each is asked once. */
    final HashSet<NodeId> notAttached = new HashSet<>(0);

    /** Sources that failed, and how; so that each is tried once. */
    final LinkedHashMap<NodeId, String> failed = new LinkedHashMap<>();

    /** Held from the first start to the end, also between two sources; null before. */
    Block block;

    long verifiedBytes;

    /** Freed while it ran. */
    boolean doomed;

    /** We ended the running pull: its failure says nothing about the source. */
    boolean cut;

    long overtakenBytes;

    /**
     * Who wants it. Added on Fetch and Create; removed at the end, at their deadline or on giving
     * up.
     */
    final LinkedHashMap<Long, Wait> waits = new LinkedHashMap<>();

    Pulling(ObjectKey key, long bytes, Urgency urgency) {
      super(key, bytes);
      this.urgency = urgency;
    }
  }

  /** Written once, read by anybody. */
  private static final class Sealed extends Entry {
    final Block block;

    /** Which sealing of this store it was. */
    final long seal;

    int readers;
    boolean primary;

    /** Freed: dropped with its last reader. */
    boolean doomed;

    Sealed(ObjectKey key, long bytes, Block block, long seal) {
      super(key, bytes);
      this.block = block;
      this.seal = seal;
    }

    int pins() {
      return readers + (primary ? 1 : 0);
    }
  }

  /**
   * Sealed in the memory of another node of this host, and read there. It takes no room here, is
   * nobody's copy, and has readers as long as it is.
   */
  private static final class Attached extends Entry {
    /** Also the number of the attach that brought it. */
    final long attachment;

    final NodeId source;
    final long seal;
    int readers;

    Attached(ObjectKey key, long bytes, NodeId source, long attachment, long seal) {
      super(key, bytes);
      this.source = source;
      this.attachment = attachment;
      this.seal = seal;
    }
  }

  private final NodeId self;
  private final Limits limits;
  private final BlockAllocator allocator;

  /** Everything that has memory or is about to. See the essay for when entries come and go. */
  private final HashMap<ObjectKey, Entry> entries = new HashMap<>();

  /**
   * Sealed entries without a pin, the least recently used first. Added at the last unpin; removed
   * on a pin, promotion, eviction, free.
   */
  private final LinkedHashMap<ObjectKey, Sealed> evictable = new LinkedHashMap<>();

  /**
   * Puts that wait for room, oldest first. Added on Create; removed when room is given, at the
   * deadline or on giving up.
   */
  private final LinkedHashMap<Long, Wait> waitingPuts = new LinkedHashMap<>();

  /** All waits by waiter, wherever they stand. */
  private final HashMap<Long, Wait> waits = new HashMap<>();

  /** The same by deadline. */
  private final TreeSet<Wait> deadlines =
      new TreeSet<>(
          Comparator.<Wait>comparingLong(w -> w.deadlineNanos).thenComparingLong(w -> w.waiter));

  /** Pulls that may start, by urgency, oldest first. */
  private final EnumMap<Urgency, LinkedHashSet<Pulling>> queues = new EnumMap<>(Urgency.class);

  /**
   * Pulls none of whose sources is known. Added when that is found; removed on PeerUp and PeerDown,
   * which look again.
   */
  private final LinkedHashSet<Pulling> awaitingPeer = new LinkedHashSet<>();

  /** Pulls that run, by number. Added with StartPull; removed on PullEnded. */
  private final LinkedHashMap<Long, Pulling> running = new LinkedHashMap<>();

  private final HashMap<NodeId, Integer> runningByPeer = new HashMap<>();

  /** Nodes that can be pulled from. Added on PeerUp; removed on PeerDown. */
  private final HashSet<NodeId> peers = new HashSet<>();

  /** Nodes that will never be back; the oldest are forgotten beyond {@link #DEAD_MAX}. */
  private final LinkedHashSet<NodeId> dead = new LinkedHashSet<>();

  /**
   * Attached objects by number. Added when an attach succeeds; removed with the last reader. One
   * that was freed, or whose key is written here, is no longer among the entries, but still here.
   */
  private final HashMap<Long, Attached> attached = new HashMap<>();

  /**
   * Nodes of other hosts, or without shared memory. Added when an attach tells; bounded by peers.
   */
  private final HashSet<NodeId> unshared = new HashSet<>();

  private boolean closed;

  /**
   * Whether room or a source may have become available, or a request was added, since requests were
   * last looked at.
   */
  private boolean look;

  /** Whether somebody waits for room that evicting cannot give, when requests were looked at. */
  private boolean roomWanted;

  /** Whether that was said. */
  private boolean roomWantedSaid;

  private long lastTransfer;
  private long lastSeal;

  /** When the timer is set to fire; {@code Long.MAX_VALUE} when it is not set. */
  private long timerNanos = Long.MAX_VALUE;

  /** The blocks of all entries. */
  private long usedBytes;

  private long evictableBytes;

  /** The sizes of all pulls that hold a block. */
  private long inFlightBytes;

  private long sealedCount;
  private long primaryCount;
  private long evictedBytes;
  private long pulledBytes;
  private long pulls;

  StoreTable(NodeId self, Limits limits) {
    this.self = Objects.requireNonNull(self, "self");
    this.limits = Objects.requireNonNull(limits, "limits");
    this.allocator = new BlockAllocator(limits.capacityBytes(), limits.slabBytes());
    for (Urgency urgency : URGENCIES) {
      queues.put(urgency, new LinkedHashSet<>());
    }
  }

  @Override
  public void step(StoreInput input, long nowNanos, Consumer<? super StoreEffect> effects) {
    switch (input) {
      case Create create -> onCreate(create, nowNanos, effects);
      case Seal seal -> onSeal(seal.key(), nowNanos, effects);
      case Abort abort -> onAbort(abort.key(), nowNanos, effects);
      case Pin pin -> onPin(pin, effects);
      case Unpin unpin -> onUnpin(unpin.key());
      case UnpinAttached unpin -> onUnpinAttached(unpin.attachment(), effects);
      case Fetch fetch -> onFetch(fetch, nowNanos, effects);
      case GiveUp giveUp -> onGiveUp(giveUp, effects);
      case Promote promote -> onPromote(promote, effects);
      case Free free -> onFree(free.key(), effects);
      case PeerUp up -> onPeerUp(up.node());
      case PeerDown down -> onPeerDown(down.node(), effects);
      case PullEnded ended -> onPullEnded(ended, nowNanos, effects);
      case TimerFired fired -> onTimer(nowNanos, effects);
      case Close close -> onClose(effects);
    }
    while (look && !closed) {
      look = false;
      roomWanted = false;
      serve(nowNanos, effects);
    }
    if (roomWanted() && !roomWantedSaid) {
      effects.accept(new RoomWanted());
    }
    roomWantedSaid = roomWanted();
    if (!deadlines.isEmpty() && deadlines.first().deadlineNanos < timerNanos) {
      timerNanos = deadlines.first().deadlineNanos;
      effects.accept(new SetTimer(timerNanos));
    }
    Invariant.check(
        usedBytes == allocator.usedBytes(),
        "used bytes are not the sum of the allocations",
        usedBytes);
    Invariant.check(
        usedBytes <= limits.capacityBytes() && evictableBytes >= 0 && evictableBytes <= usedBytes,
        "used bytes out of bounds",
        usedBytes);
  }

  // ---------------------------------------------------------------------------------------------------------- put

  private void onCreate(Create create, long nowNanos, Consumer<? super StoreEffect> effects) {
    long deadline = nowNanos + limits.putTimeoutNanos();
    Wait wait = new Wait(create.waiter(), create.key(), create.bytes(), nowNanos, deadline, null);
    if (mayWait(wait, effects)) {
      admitPut(wait, effects);
    }
  }

  private boolean mayWait(Wait wait, Consumer<? super StoreEffect> effects) {
    if (closed) {
      effects.accept(new Refused(wait.waiter, new Refusal.Closed()));
      return false;
    }
    if (waits.size() >= limits.waitsMax()) {
      effects.accept(new Refused(wait.waiter, new Refusal.TooManyWait(limits.waitsMax())));
      return false;
    }
    Invariant.check(waits.put(wait.waiter, wait) == null, "a waiter is used twice", wait.waiter);
    deadlines.add(wait);
    return true;
  }

  /** Puts a wait where it will be answered: it is new, or what it waited for has failed. */
  private void admitPut(Wait wait, Consumer<? super StoreEffect> effects) {
    switch (entries.get(wait.key)) {
      case Sealed sealed -> {
        makePrimary(sealed);
        settle(wait);
        effects.accept(new PresentAlready(wait.waiter, wait.key, sealed.bytes));
      }
      case Writing writing -> writing.waits.put(wait.waiter, wait);
      case Pulling pulling -> pulling.waits.put(wait.waiter, wait);
      case Attached elsewhere -> {
        entries.remove(wait.key); // its readers go on; a put wants the bytes here
        admitPut(wait, effects);
      }
      case null -> {
        if (neverFits(wait.bytes)) {
          settle(wait);
          effects.accept(new Refused(wait.waiter, full(wait, wait.sinceNanos)));
        } else {
          waitingPuts.put(wait.waiter, wait);
          look = true;
        }
      }
    }
  }

  private boolean neverFits(long bytes) {
    return BlockAllocator.roomFor(bytes) > limits.capacityBytes();
  }

  private void onSeal(ObjectKey key, long nowNanos, Consumer<? super StoreEffect> effects) {
    Invariant.check(entries.get(key) instanceof Writing, "sealed without a writer", key);
    Writing writing = (Writing) entries.get(key);
    Sealed sealed = new Sealed(key, writing.bytes, writing.block, ++lastSeal);
    entries.put(key, sealed);
    sealedCount++;
    sealed.primary = true;
    primaryCount++;
    if (writing.doomed) {
      doom(sealed); // before those who wait: a put among them revives it
    }
    answerAll(sealed, writing.waits.values(), nowNanos, effects);
    dropIfDoomed(sealed);
  }

  private void onAbort(ObjectKey key, long nowNanos, Consumer<? super StoreEffect> effects) {
    Invariant.check(entries.get(key) instanceof Writing, "aborted without a writer", key);
    Writing writing = (Writing) entries.remove(key);
    release(writing.block);
    for (Wait wait : writing.waits.values()) {
      if (wait.isPut()) {
        admitPut(wait, effects);
      } else {
        admitFetch(wait, nowNanos, effects);
      }
    }
  }

  /** Gives a sealed entry to those who waited for it. */
  private void answerAll(
      Sealed sealed, Iterable<Wait> waiting, long nowNanos, Consumer<? super StoreEffect> effects) {
    for (Wait wait : waiting) {
      if (wait.isPut()) {
        admitPut(wait, effects);
      } else {
        admitFetch(wait, nowNanos, effects);
      }
    }
  }

  // --------------------------------------------------------------------------------------------------------- read

  private void onPin(Pin pin, Consumer<? super StoreEffect> effects) {
    if (!closed && entries.get(pin.key()) instanceof Sealed sealed && !sealed.doomed) {
      addReader(sealed);
      effects.accept(
          new PinGranted(pin.waiter(), sealed.key, sealed.block, sealed.bytes, sealed.seal));
    } else if (!closed && entries.get(pin.key()) instanceof Attached elsewhere) {
      grant(pin.waiter(), elsewhere, effects);
    } else {
      effects.accept(new Absent(pin.waiter()));
    }
  }

  private static void grant(
      long waiter, Attached elsewhere, Consumer<? super StoreEffect> effects) {
    elsewhere.readers++;
    effects.accept(
        new AttachedGranted(
            waiter, elsewhere.key, elsewhere.attachment, elsewhere.bytes, elsewhere.seal));
  }

  private void onUnpinAttached(long attachment, Consumer<? super StoreEffect> effects) {
    Attached elsewhere = attached.get(attachment);
    Invariant.check(elsewhere != null, "unpinned more often than attached", attachment);
    if (--elsewhere.readers == 0) {
      attached.remove(attachment);
      entries.remove(elsewhere.key, elsewhere);
      effects.accept(new Detach(attachment));
    }
  }

  private void onUnpin(ObjectKey key) {
    Invariant.check(entries.get(key) instanceof Sealed, "unpinned without a sealed entry", key);
    Sealed sealed = (Sealed) entries.get(key);
    Invariant.check(sealed.readers > 0, "unpinned more often than pinned", key);
    sealed.readers--;
    if (sealed.pins() == 0) {
      if (sealed.doomed) {
        drop(sealed);
      } else {
        becomeEvictable(sealed);
      }
    }
  }

  private void onPromote(Promote promote, Consumer<? super StoreEffect> effects) {
    boolean here = !closed && entries.get(promote.key()) instanceof Sealed sealed && !sealed.doomed;
    if (here) {
      makePrimary((Sealed) entries.get(promote.key()));
    }
    effects.accept(new Decided(promote.waiter(), here));
  }

  private void onFree(ObjectKey key, Consumer<? super StoreEffect> effects) {
    switch (entries.get(key)) {
      case Sealed sealed -> {
        doom(sealed);
        dropIfDoomed(sealed);
      }
      case Writing writing -> writing.doomed = true;
      case Pulling pulling -> {
        String why = "it was freed while it was on its way";
        for (Wait wait : List.copyOf(pulling.waits.values())) {
          if (!wait.isPut()) {
            pulling.waits.remove(wait.waiter);
            refuseLost(wait, why, effects);
          }
        }
        if (pulling.stage == Stage.RUNNING) {
          pulling.doomed = true;
          effects.accept(new CutPull(pulling.transfer));
        } else {
          forget(pulling, why, effects);
        }
      }
      case Attached elsewhere -> entries.remove(key); // its last reader lets it go
      case null -> {}
    }
  }

  // --------------------------------------------------------------------------------------------------------- pull

  private void onFetch(Fetch fetch, long nowNanos, Consumer<? super StoreEffect> effects) {
    long deadline = nowNanos + limits.pullTimeoutNanos();
    Wait wait = new Wait(fetch.waiter(), fetch.key(), fetch.bytes(), nowNanos, deadline, fetch);
    if (mayWait(wait, effects)) {
      admitFetch(wait, nowNanos, effects);
    }
  }

  private void admitFetch(Wait wait, long nowNanos, Consumer<? super StoreEffect> effects) {
    switch (entries.get(wait.key)) {
      case Sealed sealed -> {
        settle(wait);
        addReader(sealed);
        effects.accept(
            new PinGranted(wait.waiter, sealed.key, sealed.block, sealed.bytes, sealed.seal));
      }
      case Attached elsewhere -> {
        settle(wait);
        grant(wait.waiter, elsewhere, effects);
      }
      case Writing writing -> writing.waits.put(wait.waiter, wait);
      case Pulling pulling -> {
        if (pulling.doomed) {
          refuseLost(wait, "it was freed while it was on its way", effects);
        } else if (pulling.bytes != wait.bytes) {
          refuseLost(
              wait,
              wait.bytes
                  + " bytes were asked for, while one of "
                  + pulling.bytes
                  + " is on its way",
              effects);
        } else {
          pulling.waits.put(wait.waiter, wait);
          addSources(pulling, wait.fetch.sources());
          hurry(pulling, wait.fetch.urgency());
        }
      }
      case null -> {
        if (neverFits(wait.bytes) && !limits.attaches()) {
          settle(wait);
          effects.accept(new Refused(wait.waiter, full(wait, wait.sinceNanos)));
        } else {
          Pulling pulling = new Pulling(wait.key, wait.bytes, wait.fetch.urgency());
          pulling.waits.put(wait.waiter, wait);
          addSources(pulling, wait.fetch.sources());
          entries.put(wait.key, pulling);
          queue(pulling);
        }
      }
    }
  }

  private void addSources(Pulling pulling, List<NodeId> sources) {
    for (NodeId source : sources) {
      if (!source.equals(self)
          && !pulling.failed.containsKey(source)
          && pulling.sources.add(source)) {
        if (pulling.stage == Stage.AWAITING_PEER) {
          queue(pulling); // look again, the new source may be known
        }
      }
    }
  }

  private void hurry(Pulling pulling, Urgency urgency) {
    if (urgency.compareTo(pulling.urgency) < 0) {
      boolean queued = pulling.stage == Stage.QUEUED;
      if (queued) {
        queues.get(pulling.urgency).remove(pulling);
      }
      pulling.urgency = urgency;
      if (queued) {
        queue(pulling);
      }
    }
  }

  private void queue(Pulling pulling) {
    awaitingPeer.remove(pulling);
    pulling.stage = Stage.QUEUED;
    queues.get(pulling.urgency).add(pulling);
    look = true;
  }

  private void onPeerUp(NodeId node) {
    if (!dead.contains(node) && peers.add(node)) {
      for (Pulling pulling : List.copyOf(awaitingPeer)) {
        for (Wait wait : pulling.waits.values()) {
          reschedule(
              wait,
              wait.sinceNanos
                  + (wait.isPut() ? limits.putTimeoutNanos() : limits.pullTimeoutNanos()));
        }
        queue(pulling);
      }
      look = true;
    }
  }

  private void onPeerDown(NodeId node, Consumer<? super StoreEffect> effects) {
    peers.remove(node);
    unshared.remove(node);
    dead.remove(node);
    dead.add(node);
    if (dead.size() > DEAD_MAX) {
      Iterator<NodeId> oldest = dead.iterator();
      oldest.next();
      oldest.remove();
    }
    for (Pulling pulling : running.values()) {
      if (pulling.source.equals(node)) {
        effects.accept(new CutPull(pulling.transfer));
      }
    }
    List.copyOf(awaitingPeer).forEach(this::queue);
    look = true;
  }

  private void onPullEnded(PullEnded ended, long nowNanos, Consumer<? super StoreEffect> effects) {
    Pulling pulling = running.remove(ended.transfer());
    if (pulling == null) {
      return;
    }
    look = true;
    NodeId source = pulling.source;
    runningByPeer.merge(source, -1, (a, b) -> a + b == 0 ? null : a + b);
    boolean cut = pulling.cut;
    pulling.cut = false;
    if (ended.outcome() instanceof PullOutcome.Attached) {
      onAttached(pulling, effects);
      return;
    }
    if (pulling.doomed || closed) {
      forget(
          pulling,
          closed ? "the store is closed" : "it was freed while it was on its way",
          effects);
      return;
    }
    if (pulling.waits.isEmpty()) {
      // Also when it was cut too late, and everything has arrived: with nobody to tell the owner of
      // this copy, nobody would free it with the others.
      forget(pulling, "nobody wants it", effects);
      return;
    }
    switch (ended.outcome()) {
      case PullOutcome.Complete complete -> {
        inFlightBytes -= pulling.bytes;
        Sealed sealed = new Sealed(pulling.key, pulling.bytes, pulling.block, ++lastSeal);
        entries.put(pulling.key, sealed);
        sealedCount++;
        pulledBytes += pulling.bytes;
        pulls++;
        becomeEvictable(sealed);
        answerAll(sealed, pulling.waits.values(), nowNanos, effects);
        return;
      }
      case PullOutcome.Attached attachedAlready ->
          throw new IllegalStateException("invariant broken: attached twice: " + pulling.key);
      case PullOutcome.NotAttached not -> {
        Invariant.check(pulling.block == null, "attached with a block", pulling.key);
        pulling.notAttached.add(source);
        if (not.never() && peers.contains(source)) {
          unshared.add(source);
        }
      }
      case PullOutcome.NotThere gone -> failSource(pulling, source, gone.why());
      case PullOutcome.PrefixDiffers differs -> {
        Invariant.check(pulling.verifiedBytes > 0, "an empty prefix differs", pulling.key);
        pulling.verifiedBytes = 0;
      }
      case PullOutcome.Failed failed -> {
        Invariant.check(
            failed.verifiedBytes() >= 0 && failed.verifiedBytes() <= pulling.bytes,
            "verified bytes out of bounds",
            failed.verifiedBytes());
        pulling.verifiedBytes = failed.verifiedBytes();
        if (!cut) {
          failSource(pulling, source, failed.why());
        }
      }
    }
    queue(pulling);
  }

  /** The source holds it for us. Without a reader it is let go on the spot. */
  private void onAttached(Pulling pulling, Consumer<? super StoreEffect> effects) {
    Invariant.check(pulling.block == null, "attached with a block", pulling.key);
    List<Wait> wanting = List.copyOf(pulling.waits.values());
    pulling.waits.clear();
    Attached elsewhere =
        new Attached(pulling.key, pulling.bytes, pulling.source, pulling.transfer, ++lastSeal);
    Invariant.check(
        entries.remove(pulling.key, pulling), "an attach without an entry", pulling.key);
    for (Wait wait : wanting) {
      if (!wait.isPut()) {
        Invariant.check(!pulling.doomed && !closed, "nobody was refused", pulling.key);
        settle(wait);
        grant(wait.waiter, elsewhere, effects);
      }
    }
    if (elsewhere.readers == 0) {
      effects.accept(new Detach(elsewhere.attachment));
    } else {
      attached.put(elsewhere.attachment, elsewhere);
      entries.put(elsewhere.key, elsewhere);
    }
    for (Wait wait : wanting) {
      if (wait.isPut()) {
        admitPut(wait, effects);
      }
    }
  }

  private static void failSource(Pulling pulling, NodeId source, String why) {
    pulling.sources.remove(source);
    pulling.failed.put(source, why);
  }

  /**
   * Ends a pull that does not run: its memory is given back, fetches are refused, puts start
   * afresh.
   */
  private void forget(Pulling pulling, String why, Consumer<? super StoreEffect> effects) {
    queues.get(pulling.urgency).remove(pulling);
    awaitingPeer.remove(pulling);
    Invariant.check(entries.remove(pulling.key) == pulling, "a pull without an entry", pulling.key);
    if (pulling.block != null) {
      inFlightBytes -= pulling.bytes;
      release(pulling.block);
    }
    for (Wait wait : pulling.waits.values()) {
      if (wait.isPut()) {
        admitPut(wait, effects);
      } else {
        refuseLost(wait, why, effects);
      }
    }
  }

  private void refuseLost(Wait wait, String why, Consumer<? super StoreEffect> effects) {
    settle(wait);
    effects.accept(new Refused(wait.waiter, new Refusal.SourceLost(wait.key, why)));
  }

  // ------------------------------------------------------------------------------------------------ room and order

  /** Gives room and sources to those who wait, in the order that the essay tells. */
  private void serve(long nowNanos, Consumer<? super StoreEffect> effects) {
    boolean putWaits = servePuts(effects);
    boolean held = false;
    for (Urgency urgency : URGENCIES) {
      if (!held) {
        held = servePulls(urgency, nowNanos, effects) || putWaits;
      }
      if (held) {
        attachOnly(urgency, effects);
      }
    }
  }

  private boolean servePuts(Consumer<? super StoreEffect> effects) {
    if (waitingPuts.isEmpty()) {
      return false;
    }
    List<Wait> passed = new ArrayList<>();
    for (Iterator<Wait> i = waitingPuts.values().iterator();
        i.hasNext() && passed.size() < LOOKAHEAD; ) {
      Wait wait = i.next();
      if (entries.containsKey(wait.key)) {
        i.remove(); // somebody else began with this key meanwhile
        admitPut(wait, effects);
        continue;
      }
      boolean mayOvertake = passed.stream().allMatch(p -> p.overtakenBytes + wait.bytes <= p.bytes);
      Optional<Block> block = mayOvertake ? take(wait.bytes, effects) : Optional.empty();
      if (block.isPresent()) {
        passed.forEach(p -> p.overtakenBytes += wait.bytes);
        i.remove();
        settle(wait);
        entries.put(wait.key, new Writing(wait.key, wait.bytes, block.get()));
        effects.accept(new WriteGranted(wait.waiter, wait.key, block.get()));
      } else {
        passed.add(wait);
      }
    }
    return !passed.isEmpty();
  }

  /** Starts what can start; true when some pull must wait for room or for others to end. */
  private boolean servePulls(
      Urgency urgency, long nowNanos, Consumer<? super StoreEffect> effects) {
    if (queues.get(urgency).isEmpty()) {
      return false;
    }
    List<Pulling> passed = new ArrayList<>();
    int busy = 0;
    // A copy, as those that end here leave the queue. Only as much of it as can be looked at.
    for (Pulling pulling : new ArrayList<>(queues.get(urgency))) {
      if (passed.size() >= LOOKAHEAD || busy >= 4 * LOOKAHEAD) {
        break;
      }
      pulling.sources.removeIf(
          node -> {
            boolean gone = dead.contains(node);
            if (gone) {
              pulling.failed.putIfAbsent(node, "the node is gone");
            }
            return gone;
          });
      if (pulling.sources.isEmpty()) {
        forget(
            pulling,
            pulling.failed.isEmpty() ? "no source was named" : "tried " + pulling.failed,
            effects);
        continue;
      }
      NodeId source = null;
      boolean known = false;
      boolean attach = false;
      for (NodeId candidate : pulling.sources) {
        if (peers.contains(candidate)) {
          known = true;
          if (runningByPeer.getOrDefault(candidate, 0) < limits.pullsPerPeer()) {
            attach = mayAttach(pulling, candidate);
            if (attach || source == null) {
              source = candidate;
            }
            if (attach || !limits.attaches()) {
              break;
            }
          }
        }
      }
      if (!known) {
        awaitPeer(pulling, nowNanos);
      } else if (source == null) {
        busy++;
      } else if (attach) {
        startAttach(pulling, source, effects);
      } else if (pulling.block == null && neverFits(pulling.bytes)) {
        forgetTooLarge(pulling, effects);
      } else if (pulling.block != null || takeForPull(pulling, passed, effects)) {
        start(pulling, source, effects);
      } else {
        passed.add(pulling);
      }
    }
    return !passed.isEmpty();
  }

  /** Starts what needs no room, although somebody more urgent waits for some. */
  private void attachOnly(Urgency urgency, Consumer<? super StoreEffect> effects) {
    if (!limits.attaches() || queues.get(urgency).isEmpty()) {
      return;
    }
    int looked = 0;
    for (Pulling pulling : new ArrayList<>(queues.get(urgency))) {
      if (++looked > 4 * LOOKAHEAD) {
        return;
      }
      for (NodeId candidate : pulling.sources) {
        if (peers.contains(candidate)
            && mayAttach(pulling, candidate)
            && runningByPeer.getOrDefault(candidate, 0) < limits.pullsPerPeer()) {
          startAttach(pulling, candidate, effects);
          break;
        }
      }
    }
  }

  private boolean mayAttach(Pulling pulling, NodeId source) {
    return limits.attaches()
        && pulling.block == null
        && pulling.bytes > 0
        && !unshared.contains(source)
        && !pulling.notAttached.contains(source);
  }

  private void awaitPeer(Pulling pulling, long nowNanos) {
    queues.get(pulling.urgency).remove(pulling);
    pulling.stage = Stage.AWAITING_PEER;
    awaitingPeer.add(pulling);
    for (Wait wait : pulling.waits.values()) {
      reschedule(wait, Math.min(wait.deadlineNanos, nowNanos + limits.peerWaitNanos()));
    }
  }

  private boolean takeForPull(
      Pulling pulling, List<Pulling> passed, Consumer<? super StoreEffect> effects) {
    // One that is larger than the bound would never start; it goes alone.
    if (inFlightBytes > 0 && inFlightBytes + pulling.bytes > limits.pullBytesInFlight()) {
      return false;
    }
    if (!passed.stream().allMatch(p -> p.overtakenBytes + pulling.bytes <= p.bytes)) {
      return false;
    }
    Optional<Block> block = take(pulling.bytes, effects);
    if (block.isEmpty()) {
      return false;
    }
    passed.forEach(p -> p.overtakenBytes += pulling.bytes);
    pulling.block = block.get();
    inFlightBytes += pulling.bytes;
    return true;
  }

  private void run(Pulling pulling, NodeId source) {
    queues.get(pulling.urgency).remove(pulling);
    pulling.stage = Stage.RUNNING;
    pulling.source = source;
    pulling.transfer = ++lastTransfer;
    running.put(pulling.transfer, pulling);
    runningByPeer.merge(source, 1, Integer::sum);
  }

  private void startAttach(Pulling pulling, NodeId source, Consumer<? super StoreEffect> effects) {
    run(pulling, source);
    effects.accept(new StartAttach(pulling.transfer, source, pulling.key, pulling.bytes));
  }

  /** It was to be read in place, which turned out not to be possible, and here it has no room. */
  private void forgetTooLarge(Pulling pulling, Consumer<? super StoreEffect> effects) {
    for (Wait wait : List.copyOf(pulling.waits.values())) {
      if (!wait.isPut()) {
        pulling.waits.remove(wait.waiter);
        settle(wait);
        effects.accept(new Refused(wait.waiter, full(wait, wait.sinceNanos)));
      }
    }
    forget(pulling, "it is larger than the store", effects);
  }

  private void start(Pulling pulling, NodeId source, Consumer<? super StoreEffect> effects) {
    run(pulling, source);
    effects.accept(
        new StartPull(
            pulling.transfer,
            source,
            pulling.key,
            pulling.block,
            pulling.bytes,
            pulling.verifiedBytes));
  }

  /** Takes room, evicting if that helps. */
  private Optional<Block> take(long bytes, Consumer<? super StoreEffect> effects) {
    long room = BlockAllocator.roomFor(bytes);
    if (usedBytes - evictableBytes + room > limits.capacityBytes()) {
      roomWanted = true;
      return Optional.empty(); // evicting everything would not be enough, so nothing is evicted
    }
    Optional<Block> block = allocator.allocate(bytes, slab -> effects.accept(new CloseSlab(slab)));
    while (block.isEmpty() && !evictable.isEmpty()) {
      Sealed oldest = evictable.values().iterator().next();
      evictedBytes += oldest.bytes;
      drop(oldest);
      block = allocator.allocate(bytes, slab -> effects.accept(new CloseSlab(slab)));
    }
    block.ifPresent(b -> usedBytes += b.bytes());
    roomWanted |= block.isEmpty();
    return block;
  }

  /** Whether somebody waits for room that only letting go of objects can give. */
  boolean roomWanted() {
    return roomWanted && !waits.isEmpty();
  }

  private void release(Block block) {
    allocator.free(block);
    usedBytes -= block.bytes();
    look = true;
  }

  // ------------------------------------------------------------------------------------------------ sealed entries

  private void addReader(Sealed sealed) {
    if (sealed.pins() == 0) {
      noLongerEvictable(sealed);
    }
    sealed.readers++;
  }

  private void makePrimary(Sealed sealed) {
    if (sealed.pins() == 0) {
      noLongerEvictable(sealed);
    }
    sealed.doomed = false;
    if (!sealed.primary) {
      sealed.primary = true;
      primaryCount++;
    }
  }

  private void becomeEvictable(Sealed sealed) {
    Invariant.check(evictable.put(sealed.key, sealed) == null, "evictable twice", sealed.key);
    evictableBytes += sealed.block.bytes();
    look = true;
  }

  private void noLongerEvictable(Sealed sealed) {
    if (evictable.remove(sealed.key) != null) {
      evictableBytes -= sealed.block.bytes();
    }
  }

  private void doom(Sealed sealed) {
    sealed.doomed = true;
    if (sealed.primary) {
      sealed.primary = false;
      primaryCount--;
    }
  }

  private void dropIfDoomed(Sealed sealed) {
    if (sealed.doomed && sealed.pins() == 0) {
      drop(sealed);
    }
  }

  private void drop(Sealed sealed) {
    Invariant.check(sealed.pins() == 0, "dropped while pinned", sealed.key);
    noLongerEvictable(sealed);
    Invariant.check(entries.remove(sealed.key) == sealed, "dropped without an entry", sealed.key);
    sealedCount--;
    release(sealed.block);
  }

  // ----------------------------------------------------------------------------------------------
  // waits and deadlines

  private void settle(Wait wait) {
    Invariant.check(waits.remove(wait.waiter) == wait, "answered twice", wait.waiter);
    deadlines.remove(wait);
  }

  private void reschedule(Wait wait, long deadlineNanos) {
    deadlines.remove(wait);
    wait.deadlineNanos = deadlineNanos;
    deadlines.add(wait);
  }

  private void onGiveUp(GiveUp giveUp, Consumer<? super StoreEffect> effects) {
    Wait wait = waits.get(giveUp.waiter());
    if (wait != null) {
      settle(wait);
      leave(wait, effects);
    }
    effects.accept(new Decided(giveUp.asker(), wait != null));
  }

  /** Takes a settled wait away from where it stands; a pull that nobody wants any more ends. */
  private void leave(Wait wait, Consumer<? super StoreEffect> effects) {
    if (waitingPuts.remove(wait.waiter) != null) {
      look = true; // what it held back may go now
      return;
    }
    switch (entries.get(wait.key)) {
      case Writing writing -> writing.waits.remove(wait.waiter);
      case Pulling pulling -> {
        pulling.waits.remove(wait.waiter);
        if (pulling.waits.isEmpty() && pulling.stage != Stage.RUNNING) {
          forget(pulling, "nobody wants it", effects);
          look = true;
        } else if (pulling.waits.isEmpty() && !pulling.cut && !pulling.doomed) {
          pulling.cut = true;
          effects.accept(new CutPull(pulling.transfer));
        }
      }
      case Attached elsewhere ->
          throw new IllegalStateException(
              "invariant broken: waits for an attached entry: " + wait.key);
      case Sealed sealed ->
          throw new IllegalStateException(
              "invariant broken: waits for a sealed entry: " + wait.key);
      case null ->
          throw new IllegalStateException("invariant broken: waits for nothing: " + wait.key);
    }
  }

  private void onTimer(long nowNanos, Consumer<? super StoreEffect> effects) {
    timerNanos = Long.MAX_VALUE;
    while (!deadlines.isEmpty() && deadlines.first().deadlineNanos <= nowNanos) {
      Wait wait = deadlines.first();
      if (entries.get(wait.key) instanceof Pulling pulling && pulling.stage == Stage.RUNNING) {
        // Bytes are coming; while they do, the data plane's own timeouts bound it. One that waits
        // again, after its source
        // failed, is bounded again: with its room it would otherwise wait for an unknown node for
        // ever.
        reschedule(wait, nowNanos + limits.pullTimeoutNanos());
        continue;
      }
      Refusal why =
          entries.get(wait.key) instanceof Pulling pulling
                  && pulling.stage == Stage.AWAITING_PEER
                  && !wait.isPut()
              ? new Refusal.SourceLost(
                  wait.key,
                  "not (yet) known here: " + pulling.sources + "; tried " + pulling.failed)
              : full(wait, nowNanos);
      settle(wait);
      leave(wait, effects);
      effects.accept(new Refused(wait.waiter, why));
    }
  }

  private Refusal full(Wait wait, long nowNanos) {
    List<String> holders =
        entries.values().stream()
            .filter(e -> blockOf(e) != null)
            .sorted(
                Comparator.<Entry>comparingLong(e -> -e.bytes)
                    .thenComparing(e -> e.key.id())
                    .thenComparingInt(e -> e.key.attempt()))
            .limit(HOLDERS_NAMED)
            .map(e -> e.key + " (" + e.bytes + " bytes, " + describe(e) + ")")
            .toList();
    return new Refusal.Full(
        wait.key,
        wait.bytes,
        limits.capacityBytes(),
        usedBytes,
        usedBytes - evictableBytes,
        nowNanos - wait.sinceNanos,
        !wait.isPut(),
        holders);
  }

  private void onClose(Consumer<? super StoreEffect> effects) {
    if (closed) {
      return;
    }
    closed = true;
    for (long transfer : running.keySet()) {
      effects.accept(new CutPull(transfer));
    }
    for (Wait wait : new TreeMap<>(waits).values()) {
      settle(wait);
      effects.accept(new Refused(wait.waiter, new Refusal.Closed()));
    }
    waitingPuts.clear();
    for (Entry entry : List.copyOf(entries.values())) {
      switch (entry) {
        case Writing writing -> writing.waits.clear();
        case Pulling pulling -> {
          pulling.waits.clear();
          if (pulling.stage != Stage.RUNNING) {
            forget(pulling, "the store is closed", effects);
          }
        }
        case Sealed sealed -> {}
        case Attached elsewhere -> {}
      }
    }
  }

  // ------------------------------------------------------------------------------------------------------- queries

  private static Block blockOf(Entry entry) {
    return switch (entry) {
      case Writing writing -> writing.block;
      case Pulling pulling -> pulling.block;
      case Sealed sealed -> sealed.block;
      case Attached elsewhere -> null;
    };
  }

  private static String describe(Entry entry) {
    return switch (entry) {
      case Writing writing -> "being written";
      case Pulling pulling ->
          pulling.stage == Stage.RUNNING ? "being pulled" : "waiting to be pulled";
      case Attached elsewhere ->
          "read in place on " + elsewhere.source + ", pinned by " + elsewhere.readers;
      case Sealed sealed ->
          (sealed.doomed ? "freed" : sealed.primary ? "primary" : "secondary")
              + (sealed.readers > 0 ? ", pinned by " + sealed.readers : "");
    };
  }

  /** Whether there is a sealed copy that has not been freed. */
  boolean contains(ObjectKey key) {
    return entries.get(key) instanceof Sealed sealed && !sealed.doomed;
  }

  /** The size of the sealed copy that is here, 0 for none. */
  long bytesOf(ObjectKey key) {
    return entries.get(key) instanceof Sealed sealed && !sealed.doomed ? sealed.bytes : 0;
  }

  /** All keys and why they are here. */
  Map<ObjectKey, String> contents() {
    Map<ObjectKey, String> contents = new HashMap<>();
    entries.forEach((key, entry) -> contents.put(key, describe(entry)));
    return contents;
  }

  /** How many objects of other nodes are read in place. */
  int attachedCount() {
    return attached.size();
  }

  /** Counters of the moment; what the data plane served is not known here. */
  Stats stats(long servedBytes) {
    return new Stats(
        limits.capacityBytes(),
        usedBytes,
        usedBytes - evictableBytes,
        sealedCount,
        primaryCount,
        evictedBytes,
        pulledBytes,
        pulls,
        servedBytes);
  }

  /** Bytes of the slabs that are open. */
  long committedBytes() {
    return allocator.committedBytes();
  }

  /** How many wait, for whatever. */
  int waitCount() {
    return waits.size();
  }

  /**
   * Checks everything that must hold between the parts (I4, I6, I13, I14). For tests, since it
   * looks at all of them.
   */
  void checkInvariants() {
    allocator.checkInvariants();
    long used = 0;
    long unpinned = 0;
    long flying = 0;
    long sealedSeen = 0;
    long primariesSeen = 0;
    int waiting = waitingPuts.size();
    Set<Block> blocks = new HashSet<>();
    ArrayDeque<Pulling> runningSeen = new ArrayDeque<>();
    for (Map.Entry<ObjectKey, Entry> e : entries.entrySet()) {
      Entry entry = e.getValue();
      Invariant.check(entry.key.equals(e.getKey()), "entry under another key", e.getKey());
      Block block = blockOf(entry);
      if (block != null) {
        used += block.bytes();
        Invariant.check(block.bytes() >= entry.bytes, "block smaller than its object", entry.key);
        Invariant.check(blocks.add(block), "two entries in one block", block);
      }
      switch (entry) {
        case Writing writing -> waiting += writing.waits.size();
        case Pulling pulling -> {
          waiting += pulling.waits.size();
          flying += block == null ? 0 : pulling.bytes;
          Invariant.check(
              (pulling.stage == Stage.QUEUED) == queues.get(pulling.urgency).contains(pulling),
              "queue",
              entry.key);
          Invariant.check(
              (pulling.stage == Stage.AWAITING_PEER) == awaitingPeer.contains(pulling),
              "peer",
              entry.key);
          Invariant.check(
              (pulling.stage == Stage.RUNNING) == (running.get(pulling.transfer) == pulling),
              "running",
              entry.key);
          if (pulling.stage == Stage.RUNNING) {
            runningSeen.add(pulling);
          }
          Invariant.check(
              pulling.stage == Stage.RUNNING || !pulling.waits.isEmpty(),
              "a pull that nobody wants",
              entry.key);
        }
        case Attached elsewhere ->
            Invariant.check(attached.get(elsewhere.attachment) == elsewhere, "attached", entry.key);
        case Sealed sealed -> {
          sealedSeen++;
          primariesSeen += sealed.primary ? 1 : 0;
          Invariant.check(sealed.readers >= 0, "negative readers", entry.key);
          Invariant.check(
              (sealed.pins() == 0) == (evictable.get(entry.key) == sealed),
              "pins and eviction disagree",
              entry.key);
          Invariant.check(
              !sealed.doomed || !sealed.primary && sealed.readers > 0,
              "freed and still here",
              entry.key);
          unpinned += sealed.pins() == 0 ? block.bytes() : 0;
        }
      }
    }
    Invariant.check(
        attached.values().stream().allMatch(a -> a.readers > 0), "attached for nobody", attached);
    Invariant.check(unshared.size() <= peers.size(), "unshared nodes that are no peers", unshared);
    Invariant.check(used == usedBytes, "used bytes", usedBytes);
    Invariant.check(unpinned == evictableBytes, "evictable bytes", evictableBytes);
    Invariant.check(flying == inFlightBytes, "bytes in flight", inFlightBytes);
    Invariant.check(sealedSeen == sealedCount, "sealed entries", sealedCount);
    Invariant.check(primariesSeen == primaryCount, "primaries", primaryCount);
    Invariant.check(waiting == waits.size() && waiting == deadlines.size(), "waits", waits.size());
    Invariant.check(runningSeen.size() == running.size(), "running pulls", running.size());
    int byPeer = runningByPeer.values().stream().mapToInt(Integer::intValue).sum();
    Invariant.check(byPeer == running.size(), "running pulls by peer", byPeer);
    Invariant.check(
        runningByPeer.values().stream().allMatch(n -> n > 0 && n <= limits.pullsPerPeer()),
        "pulls per peer",
        byPeer);
    Invariant.check(
        deadlines.isEmpty() || timerNanos <= deadlines.first().deadlineNanos,
        "no timer",
        timerNanos);
    Invariant.check(
        inFlightBytes <= limits.pullBytesInFlight()
            || entries.values().stream()
                    .filter(e -> e instanceof Pulling p && p.block != null && p.bytes > 0)
                    .count()
                == 1,
        "too much in flight",
        inFlightBytes);
  }
}
