package io.dfut.internal.store;

import io.dfut.BackpressureException;
import io.dfut.NodeId;
import io.dfut.StoreFullException;
import io.dfut.SystemClosedException;
import io.dfut.internal.codec.Encoded;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore;
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
import io.dfut.internal.store.StoreEffect.StartAttach;
import io.dfut.internal.store.StoreEffect.StartPull;
import io.dfut.internal.store.StoreEffect.StartRestore;
import io.dfut.internal.store.StoreEffect.StartSpill;
import io.dfut.internal.store.StoreEffect.WriteGranted;
import io.dfut.internal.store.StoreInput.PullOutcome;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.concurrent.BlockContext;

/**
 * The store of a node as its runtime uses it. Thread-safe.
 *
 * <p>Each call is one step of the {@link StoreTable}, made by the caller's own thread under a lock;
 * a pin therefore costs well below a microsecond and no hop to another thread. Everything that
 * takes long happens outside of the lock: opening slabs, writing and reading bytes, sockets, and
 * the completion of others' futures. The effects of a step are carried out by the thread that made
 * it, those that cannot run foreign code first.
 *
 * <p>Futures that {@link #fetch} returned are completed on whatever thread made the step that
 * answers them; what hangs on them must not block. Whoever no longer wants one cancels it, or
 * completes it otherwise: its pull ends if nobody else wants it, and a pin that was under way is
 * undone.
 */
final class SlabObjectStore implements ObjectStore {
  private static final Logger log = LoggerFactory.getLogger(SlabObjectStore.class);

  /**
   * The waiter that stands for the caller of the step itself, where the answer always comes in the
   * same step.
   */
  private static final long CALLER = 0;

  /** What the store needs of the actor that stands beside it. */
  interface Shell {
    /**
     * Asks for {@link SlabObjectStore#timerFired} at this time, instead of what was asked for
     * before.
     */
    void setTimer(long atNanos);

    /** The table broke one of its invariants: that is our bug, and the store cannot go on. */
    void broken(RuntimeException why);

    /** The store was closed. */
    void closed();
  }

  /**
   * Until the actor is there: nothing is asked of the store yet, but the system may end already.
   */
  private static final class NoShell implements Shell {
    @Override
    public void setTimer(long atNanos) {}

    @Override
    public void broken(RuntimeException why) {}

    @Override
    public void closed() {}
  }

  private final NodeId self;
  private final StoreTable table;
  private final ReentrantLock lock = new ReentrantLock();
  private final Optional<SharedDirectory> shared;
  private final StoreMemory memory;
  private final Optional<SpillFiles> spill;
  private final Attachments attachments;
  private final Holds holds;
  private final Optional<DataPlane> dataPlane;
  private final AtomicLong lastWaiter = new AtomicLong(CALLER);

  /** Puts that wait. Added by the put; removed when answered. */
  private final ConcurrentHashMap<Long, CompletableFuture<Answer>> puts = new ConcurrentHashMap<>();

  /**
   * Fetches that wait. Added by the fetch; removed when answered or when the future was completed
   * by somebody else.
   */
  private final ConcurrentHashMap<Long, CompletableFuture<Pinned>> fetches =
      new ConcurrentHashMap<>();

  /** How peers are reached. Added on peerUp; removed on peerDown. */
  private final ConcurrentHashMap<NodeId, DataEndpoint> endpoints = new ConcurrentHashMap<>();

  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile Shell shell = new NoShell();
  private volatile Runnable onRoomWanted = () -> {};

  /** Opens a store; {@link #start} must follow before it is used. */
  SlabObjectStore(
      NodeId self,
      StoreSettings settings,
      Optional<DataTransport> transport,
      SpillFiles.Disk disk) {
    this.self = self;
    this.shared = SharedDirectory.open(settings, transport.isPresent());
    this.memory = new StoreMemory(shared);
    this.attachments = new Attachments(shared.map(SharedDirectory::marks));
    Optional<Catalogue> catalogue = shared.map(SharedDirectory::catalogue);
    this.holds = new Holds(catalogue);
    Optional<SpillFiles> files = Optional.empty();
    boolean opened = false;
    try {
      files = settings.openSpillFiles(disk, memory::segment);
      this.spill = files;
      this.table =
          new StoreTable(
              self,
              settings.limits(
                  transport.isPresent(),
                  files.isPresent(),
                  transport.isPresent() && shared.isPresent()),
              catalogue.map(c -> c.ofBlocks(memory::isInFile)).orElse(DirectReaders.NONE));
      Optional<DataPlane.Sharing> sharing =
          shared.map(s -> new DataPlane.Sharing(s.share(), holds, attachments));
      this.dataPlane =
          transport.map(
              t -> new DataPlane(self, settings, t, newToken(), this::pinToServe, sharing));
      opened = true;
    } finally {
      if (!opened) { // the port is taken, say
        files.ifPresent(SpillFiles::close);
        shared.ifPresent(SharedDirectory::close);
      }
    }
  }

  /** Connects the store with its shell. */
  void start(Shell with) {
    shell = with;
  }

  private static String newToken() {
    byte[] secret = new byte[32];
    new SecureRandom().nextBytes(secret);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(secret);
  }

  // --------------------------------------------------------------------------------------------------------- steps

  /** Collects what a step wants done, and the answer to the one who made it. */
  private static final class Effects implements Consumer<StoreEffect> {
    Answer toCaller;
    List<StoreEffect> others = List.of();

    @Override
    public void accept(StoreEffect effect) {
      if (effect instanceof Answer answer && answer.waiter() == CALLER) {
        toCaller = answer;
      } else {
        if (others.isEmpty()) {
          others = new ArrayList<>(2);
        }
        others.add(effect);
      }
    }
  }

  /**
   * One step; what it wants done is done when this returns. The answer to {@link #CALLER}, if it is
   * one with an answer.
   */
  private Answer step(StoreInput input) {
    Effects effects = new Effects();
    lock.lock();
    try {
      table.step(input, System.nanoTime(), effects);
    } catch (RuntimeException e) {
      log.error("the store table of {} failed at {}", self, input, e);
      shell.broken(e);
      throw e;
    } finally {
      lock.unlock();
    }
    for (StoreEffect effect : effects.others) {
      carryOut(effect);
    }
    for (StoreEffect effect : effects.others) {
      if (effect instanceof Answer answer) {
        deliver(answer);
      }
    }
    return effects.toCaller;
  }

  private void carryOut(StoreEffect effect) {
    switch (effect) {
      case Answer answer -> {} // last of all, as it may run foreign code
      case StartPull start -> startPull(start);
      case StartAttach start -> startAttach(start);
      case Detach detach -> detach(detach.attachment());
      case CutPull cut -> dataPlane.ifPresent(plane -> plane.cut(cut.transfer()));
      case StartSpill start ->
          spill
              .orElseThrow()
              .write(
                  start.file(),
                  start.items(),
                  () -> step(new StoreInput.SpillProgressed(start.file())),
                  failure -> step(new StoreInput.SpillEnded(start.file(), failure)));
      case StartRestore start ->
          spill
              .orElseThrow()
              .restore(
                  start.spot(),
                  start.block(),
                  outcome -> step(new StoreInput.PullEnded(start.transfer(), outcome)));
      case DeleteSpill delete -> spill.orElseThrow().delete(delete.file());
      case CloseSlab close -> memory.closeSlab(close.slab());
      case SetTimer set -> shell.setTimer(set.atNanos());
      case RoomWanted wanted -> onRoomWanted.run();
    }
  }

  private void startPull(StartPull start) {
    DataEndpoint from = endpoints.get(start.source());
    if (from == null || dataPlane.isEmpty()) {
      step(
          new StoreInput.PullEnded(
              start.transfer(), new PullOutcome.Failed(start.fromBytes(), "the node is gone")));
      return;
    }
    dataPlane
        .get()
        .pull(
            start,
            from,
            () -> memory.segment(start.block()),
            outcome -> step(new StoreInput.PullEnded(start.transfer(), outcome)));
  }

  private void startAttach(StartAttach start) {
    DataEndpoint from = endpoints.get(start.source());
    if (from == null || dataPlane.isEmpty()) {
      step(
          new StoreInput.PullEnded(
              start.transfer(), new PullOutcome.Failed(0, "the node is gone")));
      return;
    }
    if (attachments.attachUnasked(start.transfer(), start.source(), start.key(), start.bytes())) {
      step(new StoreInput.PullEnded(start.transfer(), new PullOutcome.Attached()));
      return;
    }
    dataPlane
        .get()
        .attach(
            start.transfer(),
            start.source(),
            from,
            start.key(),
            start.bytes(),
            outcome -> {
              step(new StoreInput.PullEnded(start.transfer(), outcome));
              tellReleases(); // if it failed in a way that leaves it in doubt
            });
  }

  private void detach(long attachment) {
    attachments.detach(attachment);
    tellReleases();
  }

  private void tellReleases() {
    for (NodeId source : attachments.sourcesToTell()) {
      DataEndpoint from = endpoints.get(source);
      if (from != null) {
        dataPlane.ifPresent(plane -> plane.tellReleases(source, from));
      } else {
        attachments.forget(source); // it is gone, and with it what it held
      }
    }
  }

  private void deliver(Answer answer) {
    CompletableFuture<Answer> put = puts.remove(answer.waiter());
    if (put != null) {
      put.complete(answer);
      return;
    }
    CompletableFuture<Pinned> fetch = fetches.remove(answer.waiter());
    switch (answer) {
      case PinGranted granted -> give(new Held(granted), fetch);
      case AttachedGranted granted -> give(new Held(granted), fetch);
      case Refused refused -> {
        if (fetch != null) {
          fetch.completeExceptionally(exceptionFor(refused.why()));
        }
      }
      case WriteGranted unexpected ->
          throw new IllegalStateException("nobody writes: " + unexpected);
      case PresentAlready unexpected ->
          throw new IllegalStateException("nobody put: " + unexpected);
      case OnDisk unexpected -> throw new IllegalStateException("nobody serves: " + unexpected);
      case StoreEffect.Absent unexpected ->
          throw new IllegalStateException("nobody asked: " + unexpected);
      case Decided unexpected -> throw new IllegalStateException("nobody asked: " + unexpected);
    }
  }

  private static void give(Held held, CompletableFuture<Pinned> fetch) {
    if (fetch == null || !fetch.complete(held)) {
      held.close(); // given up meanwhile
    }
  }

  /** What a timer does; harmless at any time. */
  void timerFired() {
    step(new StoreInput.TimerFired());
  }

  /**
   * Ends connections that are past their deadline, holds of processes that are gone, and mappings
   * of slabs that are closed.
   */
  void reap() {
    dataPlane.ifPresent(plane -> plane.reap(System.nanoTime()));
    if (shared.isPresent() && !closed.get()) {
      holds.reap();
      attachments.reap();
      tellReleases();
    }
  }

  // ----------------------------------------------------------------------------------------------------------- put

  @Override
  public long putPrimary(ObjectKey key, Encoded value, String label) {
    long bytes = value.bytes();
    long waiter = lastWaiter.incrementAndGet();
    CompletableFuture<Answer> reply = new CompletableFuture<>();
    puts.put(waiter, reply);
    step(new StoreInput.Create(waiter, key, bytes, label));
    return switch (reply.isDone() ? reply.join() : await(reply, waiter, key)) {
      case WriteGranted granted -> write(granted, value, bytes);
      case PresentAlready present -> present.bytes();
      case Refused refused -> throw unchecked(refused.why());
      case Answer unexpected ->
          throw new IllegalStateException("not an answer to a put: " + unexpected);
    };
  }

  private Answer await(CompletableFuture<Answer> reply, long waiter, ObjectKey key) {
    if (Thread.currentThread() instanceof BlockContext) {
      giveUp(waiter, key, reply);
      throw new BackpressureException(
          "no room for "
              + key
              + " on node "
              + self
              + " just now, and a dispatcher's thread must not wait for it;"
              + " put on a thread of your own, or try again later");
    }
    try {
      return reply.get(); // bounded by the deadline that the table keeps
    } catch (InterruptedException e) {
      giveUp(waiter, key, reply);
      Thread.currentThread().interrupt();
      throw new StoreFullException(
          "interrupted while waiting for room for " + key + " on node " + self, e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e); // replies are values
    }
  }

  private void giveUp(long waiter, ObjectKey key, CompletableFuture<Answer> reply) {
    boolean waited = ((Decided) step(new StoreInput.GiveUp(CALLER, waiter))).yes();
    if (waited) {
      puts.remove(waiter);
    } else {
      // Another thread has made the step that answers and is about to deliver it.
      reply.thenAccept(
          answer -> {
            if (answer instanceof WriteGranted) {
              step(new StoreInput.Abort(key));
            }
          });
    }
  }

  private long write(WriteGranted granted, Encoded value, long bytes) {
    boolean written = false;
    try {
      value.writeTo(memory.segment(granted.block()).asSlice(0, bytes));
      written = true;
    } catch (OutOfMemoryError e) {
      throw new StoreFullException(
          "the system has no memory for "
              + granted.key()
              + " of "
              + bytes
              + " bytes on node "
              + self
              + ", although dfut.store.memory would allow it; lower that, or give the machine more",
          e);
    } catch (IllegalStateException e) {
      throw closed.get() ? closedException() : e;
    } finally {
      step(written ? new StoreInput.Seal(granted.key()) : new StoreInput.Abort(granted.key()));
    }
    return bytes;
  }

  // ---------------------------------------------------------------------------------------------------------- read

  /** Runs what is left to do when a segment of {@link Held#own} cannot be reached any more. */
  private static final Cleaner CLEANER = Cleaner.create();

  /** A pin. Counts down once, whoever closes it and how often; later if it was made own. */
  private final class Held implements Pinned, DataPlane.Served {
    private final ObjectKey key;

    /** Where it is; null when it is attached. */
    private final Block block;

    private final long attachment;
    private final long bytes;
    private final long seal;
    private final AtomicBoolean released = new AtomicBoolean();

    /** The pin itself until it is closed, and each own segment. */
    private final AtomicInteger uses = new AtomicInteger(1);

    Held(PinGranted granted) {
      this.key = granted.key();
      this.block = granted.block();
      this.attachment = 0;
      this.bytes = granted.bytes();
      this.seal = granted.seal();
    }

    Held(AttachedGranted granted) {
      this.key = granted.key();
      this.block = null;
      this.attachment = granted.attachment();
      this.bytes = granted.bytes();
      this.seal = granted.seal();
    }

    @Override
    public long size() {
      return bytes;
    }

    @Override
    public boolean isOnDisk() {
      return false;
    }

    @Override
    public long seal() {
      return seal;
    }

    @Override
    public ByteBuffer range(long from, int length) {
      return bytes().asSlice(from, length).asByteBuffer();
    }

    @Override
    public boolean isCopy() {
      return block != null;
    }

    @Override
    public Optional<DataPlane.Place> place() {
      return block == null
          ? Optional.empty()
          : memory
              .file(block)
              .map(
                  file ->
                      new DataPlane.Place(
                          file.getFileName().toString(), block.slabBytes(), block.offset()));
    }

    @Override
    public MemorySegment bytes() {
      if (released.get()) {
        throw new IllegalStateException("the view of " + key + " is closed");
      }
      return block == null
          ? attachments.get(attachment).segment()
          : memory.segment(block).asSlice(0, bytes).asReadOnly();
    }

    @Override
    public MemorySegment own() {
      if (uses.updateAndGet(n -> n == 0 ? 0 : n + 1) == 0 || released.get()) {
        throw new IllegalStateException("the view of " + key + " is closed");
      }
      boolean mapped = false;
      try {
        Optional<MemorySegment> own = mapOwn();
        mapped = own.isPresent();
        return mapped ? own.get() : Pinned.super.own();
      } finally {
        if (!mapped) {
          endUse();
        }
      }
    }

    /** Keeps the pin until the segment cannot be reached; empty where there is no file to map. */
    private Optional<MemorySegment> mapOwn() {
      if (bytes == 0) {
        return Optional.empty();
      }
      try {
        MemorySegment own;
        Runnable end = this::endUse;
        if (block == null) {
          own = attachments.get(attachment).mapOwn();
          SharedDirectory ours = shared.orElseThrow();
          // The source holds it for us as long as our lock is held, also when our store is closed.
          ours.retain();
          end =
              () -> {
                endUse();
                ours.release();
              };
        } else {
          Optional<Path> file = memory.file(block);
          if (file.isEmpty()) {
            return Optional.empty();
          }
          own = SharedDirectory.mapOwn(file.get(), block.offset(), bytes);
        }
        // Slices and buffers of it have the same scope.
        CLEANER.register(own.scope(), end);
        return Optional.of(own);
      } catch (IOException | OutOfMemoryError e) { // the source is gone, or too many mappings
        log.debug("{} cannot be mapped, it is copied", key, e);
        return Optional.empty();
      }
    }

    private void endUse() {
      if (uses.decrementAndGet() == 0) {
        step(block == null ? new StoreInput.UnpinAttached(attachment) : new StoreInput.Unpin(key));
      }
    }

    @Override
    public void close() {
      if (released.compareAndSet(false, true)) {
        endUse();
      }
    }

    @Override
    public String toString() {
      return "Pinned[" + key + ", " + bytes + " bytes]";
    }
  }

  @Override
  public Optional<Pinned> pin(ObjectKey key) {
    return Optional.ofNullable(held(step(new StoreInput.Pin(CALLER, key))));
  }

  private Optional<DataPlane.Served> pinToServe(ObjectKey key) {
    Answer answer = step(new StoreInput.Serve(CALLER, key));
    return answer instanceof OnDisk onDisk
        ? openToServe(onDisk)
        : Optional.ofNullable(held(answer));
  }

  private Optional<DataPlane.Served> openToServe(OnDisk onDisk) {
    try {
      return Optional.of(new HeldOnDisk(onDisk, spill.orElseThrow().open(onDisk.spot())));
    } catch (SpillFiles.UnreadableException e) {
      lostOnDisk(onDisk, e);
      return Optional.empty();
    } catch (IOException dropped) {
      return Optional.empty(); // freed meanwhile
    }
  }

  private void lostOnDisk(OnDisk onDisk, SpillFiles.UnreadableException why) {
    log.warn("a spilled object cannot be sent, its copy here is lost: {}", why.getMessage());
    step(new StoreInput.DiskLost(onDisk.key(), onDisk.spot(), why.getMessage()));
  }

  /** An object on disk that is sent to a peer. */
  private final class HeldOnDisk implements DataPlane.Served {
    private final OnDisk onDisk;
    private final SpillFiles.Reading reading;
    private ByteBuffer buffer;

    HeldOnDisk(OnDisk onDisk, SpillFiles.Reading reading) {
      this.onDisk = onDisk;
      this.reading = reading;
    }

    @Override
    public long size() {
      return onDisk.spot().bytes();
    }

    @Override
    public boolean isOnDisk() {
      return true;
    }

    @Override
    public long seal() {
      return NO_SEAL;
    }

    @Override
    public Optional<DataPlane.Place> place() {
      return Optional.empty();
    }

    @Override
    public ByteBuffer range(long from, int bytes) throws IOException {
      if (buffer == null || buffer.capacity() < bytes) {
        buffer = ByteBuffer.allocateDirect(bytes);
      }
      ByteBuffer target = buffer.clear().limit(bytes);
      try {
        reading.range(from, target);
      } catch (SpillFiles.UnreadableException e) {
        lostOnDisk(onDisk, e);
        throw e;
      }
      return target.flip();
    }

    @Override
    public void close() {
      try {
        reading.close();
      } catch (IOException e) {
        log.debug("closing a spill file", e);
      }
    }
  }

  private Held held(Answer answer) {
    return switch (answer) {
      case PinGranted granted -> new Held(granted);
      case AttachedGranted granted -> new Held(granted);
      case Answer absent -> null;
    };
  }

  @Override
  public CompletionStage<Pinned> fetch(
      ObjectKey key, long bytes, List<NodeId> sources, Urgency urgency) {
    long waiter = lastWaiter.incrementAndGet();
    CompletableFuture<Pinned> future = new CompletableFuture<>();
    fetches.put(waiter, future);
    step(new StoreInput.Fetch(waiter, key, bytes, sources, urgency));
    if (!future.isDone()) {
      future.whenComplete(
          (pinned, failure) -> {
            if (fetches.remove(waiter) != null) { // not we, but the one who waited has completed it
              step(new StoreInput.GiveUp(CALLER, waiter));
            }
          });
    }
    return future;
  }

  @Override
  public Bundle fetchAll(List<Wanted> wanted) {
    long number = lastWaiter.incrementAndGet();
    List<StoreInput.Fetch> asked = new ArrayList<>(wanted.size());
    Map<ObjectKey, CompletableFuture<Pinned>> futures = new HashMap<>();
    for (Wanted one : wanted) {
      long waiter = lastWaiter.incrementAndGet();
      CompletableFuture<Pinned> future = new CompletableFuture<>();
      fetches.put(waiter, future);
      futures.put(one.key(), future);
      asked.add(
          new StoreInput.Fetch(waiter, one.key(), one.bytes(), one.sources(), Urgency.ARGUMENT));
    }
    step(new StoreInput.FetchBundle(number, asked));
    return new Bundle() {
      @Override
      public CompletionStage<Pinned> pinned(ObjectKey key) {
        return futures.get(key);
      }

      @Override
      public void close() {
        step(new StoreInput.EndBundle(number));
        for (StoreInput.Fetch fetch : asked) {
          CompletableFuture<Pinned> unanswered = fetches.remove(fetch.waiter());
          if (unanswered != null) { // an answer that is on its way finds nobody, and lets go
            unanswered.cancel(false);
          }
        }
      }
    };
  }

  @Override
  public boolean promote(ObjectKey key) {
    return ((Decided) step(new StoreInput.Promote(CALLER, key))).yes();
  }

  @Override
  public void free(ObjectKey key) {
    step(new StoreInput.Free(key));
  }

  // ------------------------------------------------------------------------------------------------------- queries

  @Override
  public boolean contains(ObjectKey key) {
    lock.lock();
    try {
      return table.contains(key);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onRoomWanted(Runnable action) {
    onRoomWanted = action;
  }

  @Override
  public boolean roomWanted() {
    lock.lock();
    try {
      return table.roomWanted();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long roomBytes() {
    lock.lock();
    try {
      return table.roomBytes();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Stats stats() {
    long served = dataPlane.map(DataPlane::servedBytes).orElse(0L);
    long writing = spill.map(SpillFiles::writeNanos).orElse(0L);
    long reading = spill.map(SpillFiles::readNanos).orElse(0L);
    lock.lock();
    try {
      return table.stats(served, writing, reading);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Map<ObjectKey, String> contents() {
    lock.lock();
    try {
      return table.contents();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Set<ObjectKey> primaries() {
    lock.lock();
    try {
      return table.primaries();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long bytesOf(Collection<ObjectKey> keys) {
    lock.lock();
    try {
      return keys.stream().mapToLong(table::bytesOf).sum();
    } finally {
      lock.unlock();
    }
  }

  /** Checks the table's invariants; for tests. */
  void checkInvariants() {
    lock.lock();
    try {
      table.checkInvariants();
    } finally {
      lock.unlock();
    }
  }

  /** What is read in other nodes' memory; for tests. */
  Attachments attachments() {
    return attachments;
  }

  /** What other nodes read here; for tests. */
  Holds holds() {
    return holds;
  }

  /** The data plane, if there is one; for tests. */
  Optional<DataPlane> dataPlane() {
    return dataPlane;
  }

  // --------------------------------------------------------------------------------------------------------- peers

  @Override
  public Optional<DataEndpoint> endpoint() {
    return dataPlane.map(DataPlane::endpoint);
  }

  @Override
  public void peerUp(NodeId node, DataEndpoint endpoint) {
    if (dataPlane.isPresent() && !node.equals(self)) {
      endpoints.put(node, endpoint);
      step(new StoreInput.PeerUp(node));
    }
  }

  @Override
  public void peerDown(NodeId node) {
    endpoints.remove(node);
    step(new StoreInput.PeerDown(node));
    dataPlane.ifPresent(plane -> plane.forget(node));
    attachments.forget(node);
    // If it was killed on this host, what it had in memory and on disk is removed by nobody else.
    Thread.ofVirtual().name("dfut-sweep").start(RunDirectory::sweepBesideOpenOnes);
  }

  // -------------------------------------------------------------------------------------------------------- errors

  private SystemClosedException closedException() {
    return new SystemClosedException("the object store of node " + self + " is closed");
  }

  private RuntimeException unchecked(Refusal why) {
    return exceptionFor(why) instanceof RuntimeException e
        ? e
        : new IllegalStateException("a put is not refused by " + why);
  }

  private Exception exceptionFor(Refusal why) {
    return switch (why) {
      case Refusal.Closed closedNow -> closedException();
      case Refusal.TooManyWait many ->
          new BackpressureException(
              many.waitsMax()
                  + " puts and fetches wait for the store of node "
                  + self
                  + "; try again later, or raise dfut.store.waiters-max");
      case Refusal.SourceLost lost ->
          new SourceLostException(
              lost.key() + " cannot be pulled to node " + self + ": " + lost.why());
      case Refusal.Full full -> new StoreFullException(describe(full));
    };
  }

  private String describe(Refusal.Full full) {
    StringBuilder text =
        new StringBuilder("the store of node " + self + " has no room for ")
            .append(full.key())
            .append(": asked ")
            .append(full.askedBytes())
            .append(" bytes, capacity ")
            .append(full.capacityBytes())
            .append(", used ")
            .append(full.usedBytes())
            .append(", free ")
            .append(full.capacityBytes() - full.usedBytes())
            .append(", pinned ")
            .append(full.pinnedBytes());
    text.append("; ").append(full.spilling());
    if (full.askedBytes() > full.capacityBytes()) {
      return text.append("; it is larger than the whole store, raise dfut.store.memory").toString();
    }
    text.append("; waited ").append(full.waitedNanos() / 1_000_000).append(" ms (dfut.store.");
    text.append(full.isPull() ? "pull.timeout" : "put-timeout").append(')');
    if (!full.holders().isEmpty()) {
      text.append("; held most by ").append(String.join(", ", full.holders()));
    }
    return text.append("; close handles that are no longer needed, or raise dfut.store.memory")
        .toString();
  }

  // --------------------------------------------------------------------------------------------------------- close

  private void closeMemory() {
    holds.close();
    boolean unmapped = false;
    try {
      attachments.close();
      unmapped = true;
    } finally {
      if (!unmapped) { // somebody is in the middle of a read: sources must go on holding for us
        shared.ifPresent(SharedDirectory::retain);
      }
      try {
        memory.close();
      } finally {
        try {
          shared.ifPresent(SharedDirectory::close);
        } finally {
          shell.closed();
        }
      }
    }
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      try {
        step(new StoreInput.Close());
      } finally { // also when the table is broken, which may be why it is closed
        try {
          dataPlane.ifPresent(DataPlane::close);
        } finally {
          try {
            spill.ifPresent(SpillFiles::close);
          } finally {
            closeMemory();
          }
        }
      }
    }
  }
}
