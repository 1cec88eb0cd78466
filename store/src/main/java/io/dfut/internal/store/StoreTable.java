package io.dfut.internal.store;

import io.dfut.NodeId;
import io.dfut.internal.machine.Invariant;
import io.dfut.internal.machine.Machine;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore.Stats;
import io.dfut.internal.spi.ObjectStore.Urgency;
import io.dfut.internal.store.Bundles.Bundle;
import io.dfut.internal.store.StoreEffect.Absent;
import io.dfut.internal.store.StoreEffect.Answer;
import io.dfut.internal.store.StoreEffect.AttachedGranted;
import io.dfut.internal.store.StoreEffect.CloseSlab;
import io.dfut.internal.store.StoreEffect.CutPull;
import io.dfut.internal.store.StoreEffect.Decided;
import io.dfut.internal.store.StoreEffect.DeleteSpill;
import io.dfut.internal.store.StoreEffect.Detach;
import io.dfut.internal.store.StoreEffect.OnDisk;
import io.dfut.internal.store.StoreEffect.PinGranted;
import io.dfut.internal.store.StoreEffect.PresentAlready;
import io.dfut.internal.store.StoreEffect.Refusal;
import io.dfut.internal.store.StoreEffect.Refused;
import io.dfut.internal.store.StoreEffect.RoomWanted;
import io.dfut.internal.store.StoreEffect.SetTimer;
import io.dfut.internal.store.StoreEffect.SpillItem;
import io.dfut.internal.store.StoreEffect.StartAttach;
import io.dfut.internal.store.StoreEffect.StartPull;
import io.dfut.internal.store.StoreEffect.StartRestore;
import io.dfut.internal.store.StoreEffect.StartSpill;
import io.dfut.internal.store.StoreEffect.WriteGranted;
import io.dfut.internal.store.StoreInput.Abort;
import io.dfut.internal.store.StoreInput.Close;
import io.dfut.internal.store.StoreInput.Create;
import io.dfut.internal.store.StoreInput.DiskLost;
import io.dfut.internal.store.StoreInput.EndBundle;
import io.dfut.internal.store.StoreInput.Fetch;
import io.dfut.internal.store.StoreInput.FetchBundle;
import io.dfut.internal.store.StoreInput.Free;
import io.dfut.internal.store.StoreInput.GiveUp;
import io.dfut.internal.store.StoreInput.PeerDown;
import io.dfut.internal.store.StoreInput.PeerUp;
import io.dfut.internal.store.StoreInput.Pin;
import io.dfut.internal.store.StoreInput.Promote;
import io.dfut.internal.store.StoreInput.PullEnded;
import io.dfut.internal.store.StoreInput.PullOutcome;
import io.dfut.internal.store.StoreInput.Seal;
import io.dfut.internal.store.StoreInput.Serve;
import io.dfut.internal.store.StoreInput.SpillEnded;
import io.dfut.internal.store.StoreInput.SpillProgressed;
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
 * One entry per key (object and attempt), in one of these phases, or attached (below):
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
 *
 *   Sealed (primary) ── SpillEnded ─► Sealed, also on disk ── evicted ─► Spilled ── Free ─► absent
 *                                              ▲                           │ Fetch
 *                                              └── PullEnded(Complete) ── Pulling, from disk
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
 *   <li><b>Free or eviction of what is read without asking</b> ({@link DirectReaders}): it is
 *       withdrawn first, so that nobody begins; those who read it then are counted as one reader,
 *       and looked for again every {@link #LEAVING_LOOK_NANOS} until they are gone.
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
 * <h2>Bundles</h2>
 *
 * The arguments of one task are fetched all or not at all ({@link Bundles}): a bundle's fetches
 * begin, oldest bundle first, when three quarters of what the store could free hold it beside the
 * active ones, and it is answered in one step. The rest is for what the tasks make. One alone is
 * always tried, so that each has its turn. A bundle is active until its task lets go; before it is
 * complete it can be stopped, the newest first, when the room of all has become less than they
 * need, or somebody more urgent misses room that spilling will not give. A bundle that waits has no
 * deadline: it waits for tasks to end, as it would for a worker.
 *
 * <h2>Disk</h2>
 *
 * A primary that nobody reads can be written to disk; it stays in memory as well until its room is
 * needed, and then goes without a further write, like a secondary. So reading what was spilled a
 * moment ago costs nothing, and what was restored is not written again. Spilling starts when more
 * than a threshold of the store is primaries that are nowhere else, and goes on to half of that, in
 * batches; or when somebody waits for room that evicting cannot give. A wait for room does not end
 * before as much time as it may take has passed since something was last written, a file or a part
 * of one: it is slow, not stuck. A write that does not go on proves nothing: its disk hangs. A file
 * that cannot be written is tried again after a while. A spilled object that cannot be read back,
 * or whose checksum is wrong, is a lost copy: those who want it get it from another node, or hear
 * that it is lost, and its owner makes it again.
 *
 * <p>Being written to disk is a use of the block like reading, but no reader: it does not keep the
 * object from being freed, only its block from being given away before the end.
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

  /** A file takes at least such a part of the store, as long as that is not more than a batch. */
  private static final int SPILL_AT_LEAST_ONE_OF = 8;

  /** How often it is looked whether direct readers of what was withdrawn have left. */
  static final long LEAVING_LOOK_NANOS = 50_000_000;

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
   * @param spill how memory is relieved by disks; empty for not at all
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
      boolean attaches,
      Optional<SpillLimits> spill) {}

  /**
   * When and how objects go to disk.
   *
   * @param thresholdBytes more primaries than that, in memory only, are brought down to half of it
   * @param batchBytes small objects are written together up to that; a larger one is written alone
   * @param batchObjects as many are written together at most
   * @param jobsMax files that are written at once, and objects that are read back at once
   * @param retryNanos how long nothing is written after a file could not be
   */
  record SpillLimits(
      long thresholdBytes, long batchBytes, int batchObjects, int jobsMax, long retryNanos) {}

  /** Somebody who is answered later. */
  private static final class Wait {
    final long waiter;
    final ObjectKey key;
    final long bytes;
    final long sinceNanos;

    /** What was asked; null for a put. */
    final Fetch fetch;

    /** What made the object; empty for a fetch. */
    final String label;

    long deadlineNanos;

    /** What was given to others that came later; never more than its own size. */
    long overtakenBytes;

    Wait(
        long waiter,
        ObjectKey key,
        long bytes,
        long sinceNanos,
        long deadlineNanos,
        Fetch fetch,
        String label) {
      this.waiter = waiter;
      this.key = key;
      this.bytes = bytes;
      this.sinceNanos = sinceNanos;
      this.deadlineNanos = deadlineNanos;
      this.fetch = fetch;
      this.label = label;
    }

    boolean isPut() {
      return fetch == null;
    }
  }

  private abstract static sealed class Entry {
    final ObjectKey key;
    final long bytes;

    /** What made the object, as far as it is known here. */
    final String label;

    Entry(ObjectKey key, long bytes, String label) {
      this.key = key;
      this.bytes = bytes;
      this.label = label;
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

    Writing(ObjectKey key, long bytes, String label, Block block) {
      super(key, bytes, label);
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

    /** Where it runs from; null from disk. */
    NodeId source;

    /** Whether it was the primary here until its file turned out to be bad: it is again, then. */
    boolean wasPrimary;

    /** Where it is on disk, and so the primary; null when it has to come from another node. */
    SpillSpot spot;

    /**
     * Nodes that are said to have it, most preferred first. Removed when they turn out not to, or
     * die.
     */
    final LinkedHashSet<NodeId> sources = new LinkedHashSet<>();

    /** Sources in whose memory it cannot be read; so that each is asked once. */
    final HashSet<NodeId> notAttached = new HashSet<>(0);

    /** Sources that have it on disk only; so that each is asked once while others may do better. */
    final HashSet<NodeId> onDisk = new HashSet<>(0);

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

    Pulling(ObjectKey key, long bytes, String label, Urgency urgency) {
      super(key, bytes, label);
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

    /** Where it is on disk as well; null if it is not. Only a primary is. */
    SpillSpot spot;

    /** Whether it is being written to disk. */
    boolean spilling;

    /** Whether it may be read without asking this table. */
    boolean published;

    Sealed(ObjectKey key, long bytes, String label, Block block, long seal) {
      super(key, bytes, label);
      this.block = block;
      this.seal = seal;
    }

    int pins() {
      return readers + (primary ? 1 : 0);
    }

    /** Nobody uses the block: neither a reader nor whoever writes it to disk. */
    boolean isUnused() {
      return readers == 0 && !spilling;
    }

    boolean isEvictable() {
      return isUnused() && !doomed && (!primary || spot != null);
    }

    boolean isSpillable() {
      return isUnused() && !doomed && primary && spot == null;
    }

    /** Whether losing the block would lose the object, as far as this node knows. */
    boolean isDirty() {
      return primary && spot == null;
    }
  }

  /** A primary that is on disk only. */
  private static final class Spilled extends Entry {
    final SpillSpot spot;

    Spilled(ObjectKey key, long bytes, String label, SpillSpot spot) {
      super(key, bytes, label);
      this.spot = spot;
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
      super(key, bytes, "");
      this.source = source;
      this.attachment = attachment;
      this.seal = seal;
    }
  }

  private final NodeId self;
  private final Limits limits;
  private final DirectReaders direct;
  private final BlockAllocator allocator;

  /** Everything that has memory or is about to. See the essay for when entries come and go. */
  private final HashMap<ObjectKey, Entry> entries = new HashMap<>();

  /**
   * Sealed entries whose memory can be had at once: secondaries, and primaries that are on disk as
   * well, that nobody uses. The least recently used first. Kept by {@link #file}.
   */
  private final LinkedHashMap<ObjectKey, Sealed> evictable = new LinkedHashMap<>();

  /**
   * Primaries that nobody uses and that are in memory only: what can be written to disk. The least
   * recently used first. Kept by {@link #file}; empty without disks.
   */
  private final LinkedHashMap<ObjectKey, Sealed> spillable = new LinkedHashMap<>();

  /** What is being written to disk, by file. Added with StartSpill; removed on SpillEnded. */
  private final LinkedHashMap<Long, List<Sealed>> spills = new LinkedHashMap<>();

  /**
   * What was withdrawn from direct readers while they read it. Each has one reader that stands for
   * them. Added on withdrawal; removed when a later look finds nobody.
   */
  private final LinkedHashSet<Sealed> leaving = new LinkedHashSet<>();

  /** When to look again; never while there are none. */
  private long leavingLookNanos = Long.MAX_VALUE;

  private final SpillBook disk = new SpillBook();

  /** Fetches that are of use only together. */
  private final Bundles bundles = new Bundles();

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

  /** How much more memory somebody waits for than can be had, when requests were looked at. */
  private long missingBytes;

  /** The same, for puts and those who wait in {@code get} and {@code await}. */
  private long urgentMissingBytes;

  /** Whether nothing is written to disk until a time, since a file could not be. */
  private boolean spillPaused;

  private long spillPausedUntilNanos;

  /** When something was last written to disk; long ago when nothing was. */
  private long spilledAtNanos = Long.MIN_VALUE;

  /** Why the last file could not be written; empty when it could. */
  private String spillFailure = "";

  private int restoring;
  private long lastTransfer;
  private long lastSeal;
  private long lastSpill;

  /** When the timer is set to fire; {@code Long.MAX_VALUE} when it is not set. */
  private long timerNanos = Long.MAX_VALUE;

  /** The blocks of all entries. */
  private long usedBytes;

  private long evictableBytes;

  /** The sizes of all pulls that hold a block. */
  private long inFlightBytes;

  /** The blocks of primaries that are in memory only. */
  private long dirtyBytes;

  /** The blocks of what is being written to disk. */
  private long spillingBytes;

  /** The blocks of what can be written to disk. */
  private long spillableBytes;

  private long spilledBytes;
  private long spilledObjects;
  private long spillFailures;
  private long restoredBytes;
  private long restoredObjects;
  private long sealedCount;
  private long primaryCount;
  private long evictedBytes;
  private long pulledBytes;
  private long pulls;

  StoreTable(NodeId self, Limits limits) {
    this(self, limits, DirectReaders.NONE);
  }

  /**
   * @param direct who reads blocks without asking
   */
  StoreTable(NodeId self, Limits limits, DirectReaders direct) {
    this.self = Objects.requireNonNull(self, "self");
    this.limits = Objects.requireNonNull(limits, "limits");
    this.direct = Objects.requireNonNull(direct, "direct");
    this.allocator = new BlockAllocator(limits.capacityBytes(), limits.slabBytes());
    for (Urgency urgency : URGENCIES) {
      queues.put(urgency, new LinkedHashSet<>());
    }
  }

  @Override
  public void step(StoreInput input, long nowNanos, Consumer<? super StoreEffect> out) {
    Consumer<StoreEffect> effects =
        effect -> {
          if (!(effect instanceof Answer answer) || !bundles.collect(answer, out)) {
            out.accept(effect);
          }
        };
    switch (input) {
      case Create create -> onCreate(create, nowNanos, effects);
      case Seal seal -> onSeal(seal.key(), nowNanos, effects);
      case Abort abort -> onAbort(abort.key(), nowNanos, effects);
      case Pin pin -> onPin(pin.waiter(), pin.key(), effects);
      case Serve serve -> onServe(serve, effects);
      case Unpin unpin -> onUnpin(unpin.key());
      case UnpinAttached unpin -> onUnpinAttached(unpin.attachment(), effects);
      case Fetch fetch -> onFetch(fetch, nowNanos, effects);
      case FetchBundle begun -> onFetchBundle(begun, effects);
      case EndBundle ended -> bundles.find(ended.bundle()).ifPresent(b -> endBundle(b, effects));
      case GiveUp giveUp -> onGiveUp(giveUp, effects);
      case Promote promote -> onPromote(promote, effects);
      case Free free -> onFree(free.key(), effects);
      case PeerUp up -> onPeerUp(up.node());
      case PeerDown down -> onPeerDown(down.node(), effects);
      case PullEnded ended -> onPullEnded(ended, nowNanos, effects);
      case SpillEnded ended -> onSpillEnded(ended, nowNanos, effects);
      case SpillProgressed progressed -> {
        if (spills.containsKey(progressed.file())) {
          spilledAtNanos = nowNanos;
        }
      }
      case DiskLost lost -> onDiskLost(lost, effects);
      case TimerFired fired -> {
        onTimer(nowNanos, effects);
        lookAtLeaving(nowNanos);
      }
      case Close close -> onClose(effects);
    }
    serveAll(nowNanos, effects);
    if (bundles.isUnsettled() && !closed) {
      stopBundles(nowNanos, effects);
      startBundles(nowNanos, effects);
    }
    if (limits.spill().isPresent() && !closed) {
      spill(limits.spill().get(), nowNanos, effects);
    }
    if (roomWanted() && !roomWantedSaid) {
      effects.accept(new RoomWanted());
    }
    roomWantedSaid = roomWanted();
    long wakeNanos = deadlines.isEmpty() ? Long.MAX_VALUE : deadlines.first().deadlineNanos;
    if (spillPaused) {
      wakeNanos = Math.min(wakeNanos, spillPausedUntilNanos);
    }
    if (!leaving.isEmpty()) {
      if (leavingLookNanos == Long.MAX_VALUE) {
        leavingLookNanos = nowNanos + LEAVING_LOOK_NANOS;
      }
      wakeNanos = Math.min(wakeNanos, leavingLookNanos);
    }
    if (wakeNanos < timerNanos) {
      timerNanos = wakeNanos;
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

  private void serveAll(long nowNanos, Consumer<? super StoreEffect> effects) {
    while (look && !closed) {
      look = false;
      roomWanted = false;
      missingBytes = 0;
      serve(nowNanos, effects);
    }
  }

  // ---------------------------------------------------------------------------------------------------------- put

  private void onCreate(Create create, long nowNanos, Consumer<? super StoreEffect> effects) {
    long deadline = nowNanos + limits.putTimeoutNanos();
    Wait wait =
        new Wait(
            create.waiter(),
            create.key(),
            create.bytes(),
            nowNanos,
            deadline,
            null,
            create.label());
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
      case Spilled spilled -> {
        settle(wait);
        effects.accept(new PresentAlready(wait.waiter, wait.key, spilled.bytes));
      }
      case Writing writing -> writing.waits.put(wait.waiter, wait);
      case Pulling pulling when pulling.spot != null && !pulling.doomed -> {
        settle(wait);
        effects.accept(new PresentAlready(wait.waiter, wait.key, pulling.bytes));
      }
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
    Sealed sealed = new Sealed(key, writing.bytes, writing.label, writing.block, ++lastSeal);
    entries.put(key, sealed);
    sealedCount++;
    makePrimary(sealed);
    if (writing.doomed) {
      doom(sealed, effects); // before those who wait: a put among them revives it
    } else {
      publish(sealed);
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

  private void onPin(long waiter, ObjectKey key, Consumer<? super StoreEffect> effects) {
    if (!closed && entries.get(key) instanceof Sealed sealed && !sealed.doomed) {
      addReader(sealed);
      effects.accept(new PinGranted(waiter, sealed.key, sealed.block, sealed.bytes, sealed.seal));
    } else if (!closed && entries.get(key) instanceof Attached elsewhere) {
      grant(waiter, elsewhere, effects);
    } else {
      effects.accept(new Absent(waiter));
    }
  }

  /** A peer reads from disk what is there only: that needs no room here. */
  private void onServe(Serve serve, Consumer<? super StoreEffect> effects) {
    Optional<SpillSpot> spot = closed ? Optional.empty() : spotOf(entries.get(serve.key()));
    if (spot.isPresent()) {
      effects.accept(new OnDisk(serve.waiter(), serve.key(), spot.get()));
    } else {
      onPin(serve.waiter(), serve.key(), effects);
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
    removeReader((Sealed) entries.get(key));
  }

  private void onPromote(Promote promote, Consumer<? super StoreEffect> effects) {
    boolean here = !closed && contains(promote.key());
    if (here && entries.get(promote.key()) instanceof Sealed sealed) {
      makePrimary(sealed);
    }
    effects.accept(new Decided(promote.waiter(), here));
  }

  private void onFree(ObjectKey key, Consumer<? super StoreEffect> effects) {
    switch (entries.get(key)) {
      case Sealed sealed -> {
        doom(sealed, effects);
        dropIfDoomed(sealed);
      }
      case Spilled spilled -> {
        entries.remove(key);
        dropFromDisk(spilled.spot, effects);
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
          if (pulling.spot == null) {
            effects.accept(new CutPull(pulling.transfer));
          }
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
    Wait wait = new Wait(fetch.waiter(), fetch.key(), fetch.bytes(), nowNanos, deadline, fetch, "");
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
      case Spilled spilled -> {
        if (spilled.bytes != wait.bytes) {
          refuseLost(
              wait,
              wait.bytes + " bytes were asked for, while it has " + spilled.bytes + " on disk",
              effects);
        } else {
          Pulling pulling = pull(wait, spilled.label);
          pulling.spot = spilled.spot;
        }
      }
      case null -> {
        if (neverFits(wait.bytes) && !limits.attaches()) {
          settle(wait);
          effects.accept(new Refused(wait.waiter, full(wait, wait.sinceNanos)));
        } else {
          pull(wait, "");
        }
      }
    }
  }

  private Pulling pull(Wait wait, String label) {
    Pulling pulling = new Pulling(wait.key, wait.bytes, label, wait.fetch.urgency());
    pulling.waits.put(wait.waiter, wait);
    addSources(pulling, wait.fetch.sources());
    entries.put(wait.key, pulling);
    queue(pulling);
    return pulling;
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
          reschedule(wait, wait.sinceNanos + patienceNanos(wait));
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
      if (node.equals(pulling.source)) {
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
    if (source == null) {
      restoring--;
    } else {
      runningByPeer.merge(source, -1, (a, b) -> a + b == 0 ? null : a + b);
    }
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
    if (source == null) {
      onRestored(pulling, ended.outcome(), nowNanos, effects);
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
        pulledBytes += pulling.bytes;
        pulls++;
        Sealed sealed = sealed(pulling);
        if (pulling.wasPrimary) {
          makePrimary(sealed);
        }
        file(sealed);
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
      case PullOutcome.OnDisk slow -> pulling.onDisk.add(source);
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

  private Sealed sealed(Pulling pulling) {
    inFlightBytes -= pulling.bytes;
    Sealed sealed =
        new Sealed(pulling.key, pulling.bytes, pulling.label, pulling.block, ++lastSeal);
    entries.put(pulling.key, sealed);
    sealedCount++;
    publish(sealed);
    return sealed;
  }

  private void onRestored(
      Pulling pulling, PullOutcome outcome, long nowNanos, Consumer<? super StoreEffect> effects) {
    switch (outcome) {
      case PullOutcome.Complete complete -> {
        restoredBytes += pulling.bytes;
        restoredObjects++;
        Sealed sealed = sealed(pulling);
        sealed.primary = true; // it was all the time
        sealed.spot = pulling.spot;
        file(sealed);
        answerAll(sealed, pulling.waits.values(), nowNanos, effects);
      }
      case PullOutcome.NotThere gone -> lostOnDisk(pulling, gone.why(), effects);
      case PullOutcome.Failed failed -> lostOnDisk(pulling, failed.why(), effects);
      case PullOutcome.OnDisk wrong -> throw notFromDisk(pulling, wrong);
      case PullOutcome.PrefixDiffers wrong -> throw notFromDisk(pulling, wrong);
      case PullOutcome.Attached wrong -> throw notFromDisk(pulling, wrong);
      case PullOutcome.NotAttached wrong -> throw notFromDisk(pulling, wrong);
    }
  }

  private static IllegalStateException notFromDisk(Pulling pulling, PullOutcome outcome) {
    return new IllegalStateException(
        "invariant broken: " + outcome + " of what is read from disk: " + pulling.key);
  }

  /** The copy on disk is lost: another node may have one. */
  private void lostOnDisk(Pulling pulling, String why, Consumer<? super StoreEffect> effects) {
    dropFromDisk(pulling.spot, effects);
    pulling.spot = null;
    pulling.wasPrimary = true;
    pulling.failed.put(self, why);
    if (pulling.waits.isEmpty()) {
      forget(pulling, why, effects);
    } else {
      queue(pulling);
    }
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
    look = true; // it may have held others back, also without having room itself
    giveRoomBack(pulling);
    if (pulling.spot != null) {
      dropFromDisk(pulling.spot, effects);
    }
    for (Wait wait : pulling.waits.values()) {
      if (wait.isPut()) {
        admitPut(wait, effects);
      } else {
        refuseLost(wait, why, effects);
      }
    }
  }

  private void giveRoomBack(Pulling pulling) {
    if (pulling.block != null) {
      inFlightBytes -= pulling.bytes;
      release(pulling.block);
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
      if (urgency == Urgency.ARGUMENT) {
        urgentMissingBytes = missingBytes;
      }
      if (!held) {
        held = servePulls(urgency, nowNanos, effects) || putWaits;
      }
      if (held) {
        attachOnly(urgency, effects);
      }
    }
  }

  // ------------------------------------------------------------------------------------------------------ bundles

  private void onFetchBundle(FetchBundle begun, Consumer<? super StoreEffect> effects) {
    int fetches = begun.fetches().size();
    if (closed || bundles.waitingFetches() + fetches > limits.waitsMax()) {
      Refusal why = closed ? new Refusal.Closed() : new Refusal.TooManyWait(limits.waitsMax());
      begun.fetches().forEach(fetch -> effects.accept(new Refused(fetch.waiter(), why)));
    } else {
      bundles.begin(begun.bundle(), begun.fetches());
    }
  }

  private void endBundle(Bundle bundle, Consumer<? super StoreEffect> effects) {
    bundles.forget(bundle);
    if (!bundle.complete) {
      giveBack(bundle, effects);
    }
  }

  /** Ends what an incomplete bundle waits for, and gives back what it has got. */
  private void giveBack(Bundle bundle, Consumer<? super StoreEffect> effects) {
    for (Fetch fetch : bundle.fetches) {
      switch (bundle.answers.get(fetch.waiter())) {
        case PinGranted pin -> onUnpin(pin.key());
        case AttachedGranted pin -> onUnpinAttached(pin.attachment(), effects);
        case null -> {
          Wait wait = waits.get(fetch.waiter());
          if (wait != null) { // else the bundle waited
            settle(wait);
            leave(wait, effects);
          }
        }
        default -> {}
      }
    }
  }

  /** Stops the newest as long as somebody more urgent, or those before it, need its room. */
  private void stopBundles(long nowNanos, Consumer<? super StoreEffect> effects) {
    Optional<Bundle> newest;
    while ((newest = bundles.newestIncomplete()).isPresent()
        && (isUrgentlyMissing()
            || (bundles.activeCount() > 1
                && neededBy(Optional.empty()) > roomForBundles() + bundleSlack()))) {
      giveBack(newest.get(), effects);
      bundles.deactivate(newest.get());
      look = true;
      serveAll(nowNanos, effects);
    }
  }

  /** Begins the oldest as long as there is room for all of it; one alone may always try. */
  private void startBundles(long nowNanos, Consumer<? super StoreEffect> effects) {
    Optional<Bundle> first;
    while ((first = bundles.firstWaiting()).isPresent()
        && !isUrgentlyMissing()
        && (!bundles.isAnyActive() || neededBy(first) <= roomForBundles())) {
      Bundle bundle = first.get();
      bundles.activate(bundle);
      bundle.fetches.forEach(fetch -> onFetch(fetch, nowNanos, effects));
      serveAll(nowNanos, effects);
      if (isUrgentlyMissing()) {
        return; // the next step sees to that
      }
    }
  }

  /** Whether a put, a get or an await waits for room that spilling will not give. */
  private boolean isUrgentlyMissing() {
    return urgentMissingBytes > spillingBytes + (spillPaused ? 0 : spillableBytes);
  }

  /** What may be in use for bundles: a part of what nobody else uses, or will not use for long. */
  private long roomForBundles() {
    long held = 0;
    for (Map.Entry<ObjectKey, Long> needed : keysOfBundles(Optional.empty()).entrySet()) {
      Entry entry = entries.get(needed.getKey());
      Block block = entry == null ? null : blockOf(entry);
      boolean countedAnyway =
          entry instanceof Sealed sealed
              && (sealed.isEvictable()
                  || sealed.spilling
                  || (sealed.isSpillable() && limits.spill().isPresent() && !spillPaused));
      held += block == null || countedAnyway ? 0 : block.bytes();
    }
    return (limits.capacityBytes() - Math.max(0, stayingBytes() - held)) / 4 * 3;
  }

  /** What is in use and does not make room for others, now or when it has been written to disk. */
  private long stayingBytes() {
    return usedBytes - evictableBytes - spillingBytes - (spillPaused ? 0 : spillableBytes);
  }

  /** What could be taken in, if all that may be evicted and spilled made room. */
  long roomBytes() {
    return closed ? 0 : Math.max(0, limits.capacityBytes() - stayingBytes());
  }

  /** The active ones are stopped a little later than the next would not be started. */
  private long bundleSlack() {
    return limits.capacityBytes() / 8;
  }

  /** The room that the active bundles take, and one more, when all of their objects are here. */
  private long neededBy(Optional<Bundle> andThis) {
    return keysOfBundles(andThis).values().stream().mapToLong(Long::longValue).sum();
  }

  private Map<ObjectKey, Long> keysOfBundles(Optional<Bundle> andThis) {
    Map<ObjectKey, Long> keys = new HashMap<>();
    for (Bundle bundle : bundles.active()) {
      addKeys(bundle, keys);
    }
    andThis.ifPresent(bundle -> addKeys(bundle, keys));
    return keys;
  }

  private void addKeys(Bundle bundle, Map<ObjectKey, Long> keys) {
    for (Fetch fetch : bundle.fetches) {
      if (!(entries.get(fetch.key()) instanceof Attached)) {
        keys.put(fetch.key(), BlockAllocator.roomFor(fetch.bytes()));
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
        entries.put(wait.key, new Writing(wait.key, wait.bytes, wait.label, block.get()));
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
      if (pulling.spot != null) {
        if (restoring >= limits.spill().orElseThrow().jobsMax()) {
          busy++;
        } else if (pulling.block != null || takeForPull(pulling, passed, effects)) {
          startRestore(pulling, effects);
        } else {
          passed.add(pulling);
        }
        continue;
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
            boolean better =
                source == null
                    || (pulling.onDisk.contains(source) && !pulling.onDisk.contains(candidate));
            if (attach || better) {
              source = candidate;
            }
            if (attach) {
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
        && pulling.spot == null
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

  /**
   * @param source null for this node's disk
   */
  private void run(Pulling pulling, NodeId source) {
    queues.get(pulling.urgency).remove(pulling);
    pulling.stage = Stage.RUNNING;
    pulling.source = source;
    pulling.transfer = ++lastTransfer;
    running.put(pulling.transfer, pulling);
    if (source == null) {
      restoring++;
    } else {
      runningByPeer.merge(source, 1, Integer::sum);
    }
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
            pulling.verifiedBytes,
            pulling.sources.size() > 1 && !pulling.onDisk.contains(source)));
  }

  private void startRestore(Pulling pulling, Consumer<? super StoreEffect> effects) {
    run(pulling, null);
    effects.accept(new StartRestore(pulling.transfer, pulling.key, pulling.spot, pulling.block));
  }

  /** Takes room, evicting if that helps. */
  private Optional<Block> take(long bytes, Consumer<? super StoreEffect> effects) {
    long room = BlockAllocator.roomFor(bytes);
    long missing = usedBytes - evictableBytes + room - limits.capacityBytes();
    if (missing > 0) {
      roomWanted = true;
      missingBytes = Math.max(missingBytes, missing);
      return Optional.empty(); // evicting everything would not be enough, so nothing is evicted
    }
    Optional<Block> block = allocator.allocate(bytes, slab -> effects.accept(new CloseSlab(slab)));
    while (block.isEmpty() && !evictable.isEmpty()) {
      evict(evictable.values().iterator().next());
      block = allocator.allocate(bytes, slab -> effects.accept(new CloseSlab(slab)));
    }
    block.ifPresent(b -> usedBytes += b.bytes());
    if (block.isEmpty()) {
      roomWanted = true;
      missingBytes = Math.max(missingBytes, room); // there is enough, but not in one piece
    }
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

  // -------------------------------------------------------------------------------------------------------- disk

  /** Starts to write what should be on disk, as far as that may go on at once. */
  private void spill(SpillLimits spill, long nowNanos, Consumer<? super StoreEffect> effects) {
    long dirty = dirtyBytes - spillingBytes;
    long wanted = dirty > spill.thresholdBytes() ? dirty - spill.thresholdBytes() / 2 : 0;
    wanted = Math.max(wanted, missingBytes - spillingBytes);
    spillPaused &= nowNanos < spillPausedUntilNanos;
    while (wanted > 0 && !spillPaused && spills.size() < spill.jobsMax() && !spillable.isEmpty()) {
      wanted -= startSpill(spill, wanted, effects);
    }
    roomWanted &= spills.isEmpty(); // what is being written gives room by itself
  }

  /** Writes the least recently used, a batch at most; says how much memory that will give. */
  private long startSpill(SpillLimits spill, long wanted, Consumer<? super StoreEffect> effects) {
    // A little more than is wanted now, if it is little: a file costs more than a small object.
    long enough =
        Math.max(
            wanted, Math.min(spill.batchBytes(), limits.capacityBytes() / SPILL_AT_LEAST_ONE_OF));
    List<Sealed> batch = new ArrayList<>();
    long bytes = 0;
    for (Sealed next : spillable.values()) {
      if (!batch.isEmpty()
          && (bytes >= enough
              || bytes + next.block.bytes() > spill.batchBytes()
              || batch.size() >= spill.batchObjects())) {
        break;
      }
      batch.add(next);
      bytes += next.block.bytes();
    }
    for (Sealed sealed : batch) {
      sealed.spilling = true;
      file(sealed);
    }
    spillingBytes += bytes;
    spills.put(++lastSpill, batch);
    effects.accept(
        new StartSpill(
            lastSpill, batch.stream().map(b -> new SpillItem(b.key, b.block, b.bytes)).toList()));
    return bytes;
  }

  private void onSpillEnded(
      SpillEnded ended, long nowNanos, Consumer<? super StoreEffect> effects) {
    List<Sealed> batch = spills.remove(ended.file());
    Invariant.check(batch != null, "a spill ended that does not run", ended.file());
    boolean written = ended.failure().isEmpty();
    if (written) {
      spilledAtNanos = nowNanos;
      spillFailure = "";
      long bytes = batch.stream().mapToLong(one -> one.bytes).sum();
      int wanted = (int) batch.stream().filter(one -> one.primary).count();
      if (wanted == 0) {
        effects.accept(new DeleteSpill(ended.file()));
      } else {
        disk.written(ended.file(), bytes, wanted);
      }
    } else {
      spillFailures++;
      spillFailure = ended.failure().get();
      spillPaused = true;
      spillPausedUntilNanos = nowNanos + limits.spill().orElseThrow().retryNanos();
    }
    long offset = 0;
    for (int i = 0; i < batch.size(); i++) {
      Sealed sealed = batch.get(i);
      spillingBytes -= sealed.block.bytes();
      sealed.spilling = false;
      if (written && sealed.primary) {
        dirtyBytes -= sealed.block.bytes();
        sealed.spot = new SpillSpot(ended.file(), i, offset, sealed.bytes);
        spilledBytes += sealed.bytes;
        spilledObjects++;
      }
      offset += sealed.bytes;
      file(sealed);
      dropIfDoomed(sealed);
    }
    look = true;
  }

  private void onDiskLost(DiskLost lost, Consumer<? super StoreEffect> effects) {
    switch (entries.get(lost.key())) {
      case Spilled spilled when spilled.spot.equals(lost.spot()) -> {
        entries.remove(lost.key());
        dropFromDisk(spilled.spot, effects);
      }
      // One that is being read finds out by itself.
      case Pulling pulling
          when pulling.stage == Stage.QUEUED && lost.spot().equals(pulling.spot) -> {
        queues.get(pulling.urgency).remove(pulling);
        lostOnDisk(pulling, lost.why(), effects);
      }
      case null, default -> {}
    }
  }

  /** A primary is not on disk any more, and so not the primary. */
  private void dropFromDisk(SpillSpot spot, Consumer<? super StoreEffect> effects) {
    primaryCount--;
    if (disk.drop(spot)) {
      effects.accept(new DeleteSpill(spot.file()));
    }
  }

  /** Where an object is that is on disk and not in memory; empty for all others. */
  private static Optional<SpillSpot> spotOf(Entry entry) {
    return switch (entry) {
      case Spilled spilled -> Optional.of(spilled.spot);
      case Pulling pulling when !pulling.doomed -> Optional.ofNullable(pulling.spot);
      case null, default -> Optional.empty();
    };
  }

  // ------------------------------------------------------------------------------------------------ sealed entries

  private void addReader(Sealed sealed) {
    sealed.readers++;
    file(sealed);
  }

  private void makePrimary(Sealed sealed) {
    sealed.doomed = false;
    if (!sealed.primary) {
      sealed.primary = true;
      primaryCount++;
      dirtyBytes += sealed.block.bytes();
    }
    file(sealed);
  }

  /** Puts an entry among those that can be evicted or spilled, or takes it away from there. */
  private void file(Sealed sealed) {
    if (sealed.isEvictable()) {
      if (evictable.putIfAbsent(sealed.key, sealed) == null) {
        evictableBytes += sealed.block.bytes();
        look = true;
      }
    } else if (evictable.remove(sealed.key) != null) {
      evictableBytes -= sealed.block.bytes();
    }
    if (limits.spill().isPresent() && sealed.isSpillable()) {
      if (spillable.putIfAbsent(sealed.key, sealed) == null) {
        spillableBytes += sealed.block.bytes();
      }
    } else if (spillable.remove(sealed.key) != null) {
      spillableBytes -= sealed.block.bytes();
    }
  }

  private void removeReader(Sealed sealed) {
    Invariant.check(sealed.readers > 0, "unpinned more often than pinned", sealed.key);
    sealed.readers--;
    file(sealed);
    dropIfDoomed(sealed);
  }

  // ------------------------------------------------------------------------------------------------ direct readers

  private void publish(Sealed sealed) {
    sealed.published = direct.publish(sealed.key, sealed.block, sealed.bytes);
  }

  /** No direct reader begins any more; those that read count as one reader until they have left. */
  private void withdraw(Sealed sealed) {
    if (sealed.published) {
      sealed.published = false;
      if (!direct.withdraw(sealed.key)) {
        leaving.add(sealed);
        addReader(sealed);
      }
    }
  }

  private void lookAtLeaving(long nowNanos) {
    if (nowNanos < leavingLookNanos) {
      return;
    }
    leavingLookNanos = Long.MAX_VALUE;
    for (Sealed sealed : List.copyOf(leaving)) {
      if (direct.withdraw(sealed.key)) {
        leaving.remove(sealed);
        if (!sealed.doomed) { // it was to be evicted: its room is had when it is wanted again
          publish(sealed);
        }
        removeReader(sealed);
      }
    }
  }

  /**
   * Gives an evictable entry's memory back, unless a direct reader has it. One that is on disk as
   * well stays there.
   */
  private void evict(Sealed sealed) {
    withdraw(sealed);
    if (!sealed.isEvictable()) {
      return;
    }
    if (sealed.primary) {
      entries.put(sealed.key, new Spilled(sealed.key, sealed.bytes, sealed.label, sealed.spot));
      leaveMemory(sealed);
    } else {
      evictedBytes += sealed.bytes;
      drop(sealed);
    }
  }

  private void doom(Sealed sealed, Consumer<? super StoreEffect> effects) {
    sealed.doomed = true;
    withdraw(sealed);
    if (sealed.primary) {
      if (sealed.spot == null) {
        primaryCount--;
        dirtyBytes -= sealed.block.bytes();
      } else {
        dropFromDisk(sealed.spot, effects);
        sealed.spot = null;
      }
      sealed.primary = false;
    }
    file(sealed);
  }

  private void dropIfDoomed(Sealed sealed) {
    if (sealed.doomed && sealed.isUnused()) {
      drop(sealed);
    }
  }

  private void drop(Sealed sealed) {
    Invariant.check(sealed.pins() == 0, "dropped while pinned", sealed.key);
    Invariant.check(entries.remove(sealed.key) == sealed, "dropped without an entry", sealed.key);
    leaveMemory(sealed);
  }

  private void leaveMemory(Sealed sealed) {
    if (evictable.remove(sealed.key) != null) {
      evictableBytes -= sealed.block.bytes();
    }
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
        if (pulling.waits.isEmpty() && pulling.spot != null) {
          leaveOnDisk(pulling);
        } else if (pulling.waits.isEmpty() && pulling.stage != Stage.RUNNING) {
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
      case Spilled spilled ->
          throw new IllegalStateException(
              "invariant broken: waits for what is on disk: " + wait.key);
      case null ->
          throw new IllegalStateException("invariant broken: waits for nothing: " + wait.key);
    }
  }

  /** Nobody wants it in memory any more. One that is being read is let come. */
  private void leaveOnDisk(Pulling pulling) {
    if (pulling.stage == Stage.RUNNING) {
      return;
    }
    queues.get(pulling.urgency).remove(pulling);
    entries.put(pulling.key, new Spilled(pulling.key, pulling.bytes, pulling.label, pulling.spot));
    giveRoomBack(pulling);
    look = true;
  }

  private long patienceNanos(Wait wait) {
    return wait.isPut() ? limits.putTimeoutNanos() : limits.pullTimeoutNanos();
  }

  /** Whether room is all that a wait waits for. */
  private boolean waitsForRoom(Wait wait) {
    return waitingPuts.containsKey(wait.waiter)
        || entries.get(wait.key) instanceof Pulling pulling && pulling.stage == Stage.QUEUED;
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
      long patienceNanos = patienceNanos(wait);
      if (spilledAtNanos > nowNanos - patienceNanos && waitsForRoom(wait)) {
        reschedule(wait, spilledAtNanos + patienceNanos); // slow, but not stuck
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
            .map(StoreTable::holder)
            .toList();
    return new Refusal.Full(
        wait.key,
        wait.bytes,
        limits.capacityBytes(),
        usedBytes,
        usedBytes - evictableBytes,
        nowNanos - wait.sinceNanos,
        !wait.isPut(),
        holders,
        spillState());
  }

  private static String holder(Entry entry) {
    return entry.key
        + " ("
        + entry.bytes
        + " bytes, "
        + describe(entry)
        + (entry.label.isEmpty() ? "" : ", made by " + entry.label)
        + ")";
  }

  private String spillState() {
    if (limits.spill().isEmpty()) {
      return "spilling to disk is off";
    }
    if (!spillFailure.isEmpty()) {
      return "spilling to disk fails: " + spillFailure;
    }
    return spills.isEmpty()
        ? "nothing more can be spilled to disk, as what is in memory is in use"
        : spillingBytes + " bytes are being spilled to disk";
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
    for (Bundle bundle : bundles.drainWaiting()) {
      bundle.fetches.forEach(
          fetch -> effects.accept(new Refused(fetch.waiter(), new Refusal.Closed())));
    }
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
        case Spilled spilled -> {}
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
      case Spilled spilled -> null;
      case Attached elsewhere -> null;
    };
  }

  private static String describe(Entry entry) {
    return switch (entry) {
      case Writing writing -> "being written";
      case Pulling pulling ->
          (pulling.stage == Stage.RUNNING ? "being " : "waiting to be ")
              + (pulling.spot == null ? "pulled" : "read from disk");
      case Spilled spilled -> "primary, on disk";
      case Attached elsewhere ->
          "read in place on " + elsewhere.source + ", pinned by " + elsewhere.readers;
      case Sealed sealed ->
          (sealed.doomed ? "freed" : sealed.primary ? "primary" : "secondary")
              + (sealed.readers > 0 ? ", pinned by " + sealed.readers : "")
              + (sealed.spilling ? ", being written to disk" : "")
              + (sealed.spot != null ? ", also on disk" : "");
    };
  }

  /** Whether there is a sealed copy that has not been freed, in memory or on disk. */
  boolean contains(ObjectKey key) {
    Entry entry = entries.get(key);
    return entry instanceof Sealed sealed ? !sealed.doomed : spotOf(entry).isPresent();
  }

  /** The size of the sealed copy that is here, 0 for none. */
  long bytesOf(ObjectKey key) {
    return contains(key) ? entries.get(key).bytes : 0;
  }

  /** All keys and why they are here. */
  Map<ObjectKey, String> contents() {
    Map<ObjectKey, String> contents = new HashMap<>();
    entries.forEach((key, entry) -> contents.put(key, describe(entry)));
    return contents;
  }

  /** The keys that nobody but their owners may take away, in memory or on disk. */
  Set<ObjectKey> primaries() {
    Set<ObjectKey> primaries = new HashSet<>();
    entries.forEach(
        (key, entry) -> {
          boolean keeps =
              switch (entry) {
                case Sealed sealed -> sealed.primary && !sealed.doomed;
                case Spilled spilled -> true;
                case Pulling pulling -> pulling.spot != null; // read back from disk
                case Writing writing -> false;
                case Attached elsewhere -> false;
              };
          if (keeps) {
            primaries.add(key);
          }
        });
    return primaries;
  }

  /** Counters of the moment, without what only the shell knows. */
  Stats stats() {
    return stats(0, 0, 0);
  }

  /** How many objects of other nodes are read in place. */
  int attachedCount() {
    return attached.size();
  }

  /** Counters of the moment; what the data plane served and how long disks took is told. */
  Stats stats(long servedBytes, long spillNanos, long restoreNanos) {
    return new Stats(
        limits.capacityBytes(),
        usedBytes,
        usedBytes - evictableBytes,
        sealedCount,
        primaryCount,
        evictedBytes,
        pulledBytes,
        pulls,
        servedBytes,
        spilledBytes,
        spilledObjects,
        spillFailures,
        restoredBytes,
        restoredObjects,
        disk.bytes(),
        disk.count(),
        spillNanos,
        restoreNanos,
        attached.size());
  }

  /** Bytes of the slabs that are open. */
  long committedBytes() {
    return allocator.committedBytes();
  }

  /** How many wait, for whatever. */
  int waitCount() {
    return waits.size() + bundles.waitingFetches();
  }

  /** How many bundles of fetches are active: on their way, or in use by their task. */
  int activeBundles() {
    return bundles.activeCount();
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
    long dirtySeen = 0;
    long spillableSeen = 0;
    bundles.checkInvariants(waits::containsKey);
    long spillingSeen = 0;
    int restoringSeen = 0;
    Map<Long, Integer> liveSeen = new HashMap<>();
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
            restoringSeen += pulling.source == null ? 1 : 0;
          }
          if (pulling.spot != null) {
            primariesSeen++;
            liveSeen.merge(pulling.spot.file(), 1, Integer::sum);
            Invariant.check(
                pulling.stage != Stage.AWAITING_PEER, "on disk, and waits for a peer", entry.key);
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
              !sealed.published || !sealed.doomed && !leaving.contains(sealed),
              "published, and withdrawn",
              entry.key);
          Invariant.check(
              !leaving.contains(sealed) || sealed.readers > 0, "nobody is leaving", entry.key);
          Invariant.check(
              sealed.isEvictable() == (evictable.get(entry.key) == sealed),
              "use and eviction disagree",
              entry.key);
          Invariant.check(
              (sealed.isSpillable() && limits.spill().isPresent())
                  == (spillable.get(entry.key) == sealed),
              "use and spilling disagree",
              entry.key);
          Invariant.check(
              !sealed.doomed || !sealed.primary && !sealed.isUnused(),
              "freed and still here",
              entry.key);
          Invariant.check(
              sealed.spot == null || sealed.primary, "a secondary is on disk", entry.key);
          unpinned += sealed.isEvictable() ? block.bytes() : 0;
          dirtySeen += sealed.isDirty() ? block.bytes() : 0;
          spillingSeen += sealed.spilling ? block.bytes() : 0;
          spillableSeen += sealed.isSpillable() && limits.spill().isPresent() ? block.bytes() : 0;
          if (sealed.spot != null) {
            liveSeen.merge(sealed.spot.file(), 1, Integer::sum);
          }
        }
        case Spilled spilled -> {
          primariesSeen++;
          liveSeen.merge(spilled.spot.file(), 1, Integer::sum);
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
    Invariant.check(byPeer == running.size() - restoring, "running pulls by peer", byPeer);
    Invariant.check(restoringSeen == restoring, "objects read from disk", restoring);
    Invariant.check(dirtySeen == dirtyBytes, "bytes in memory only", dirtyBytes);
    Invariant.check(spillableSeen == spillableBytes, "bytes that can go", spillableBytes);
    Invariant.check(spillingSeen == spillingBytes, "bytes being written", spillingBytes);
    Invariant.check(spillingSeen == 0 || !spills.isEmpty(), "written by nobody", spillingBytes);
    Invariant.check(liveSeen.size() == disk.count(), "spill files", disk.count());
    liveSeen.forEach(
        (file, live) -> Invariant.check(disk.liveIn(file) == live, "objects of a file", file));
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
