package io.dfut.internal.runtime;

import io.dfut.internal.codec.ValueCodecs;
import io.dfut.internal.spi.ObjectKey;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.lang.ref.WeakReference;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Buffers that show stored objects, and what keeps those pinned: the segment under the buffers. The
 * JDK's buffers hand that very instance on to every buffer that is made of them, and ours keeps it,
 * too; once it is unreachable nobody can read any more, and the object is unpinned. There is one
 * such segment, and one pin, for an object, however often its value is asked for. Thread-safe.
 *
 * <p>Unreachable is not yet collected: a heap that is not full is in no hurry, and meanwhile the
 * store is full of what nobody can read. So the objects that are pinned like that may together take
 * only a share of the store. Beyond it values are copied, which uses the heap up and so makes it
 * collect the views that are garbage. What is larger than {@link #COPY_BYTES_MAX} is never copied
 * for that: {@link GarbageRequests} sees to it when the store is full.
 */
final class Views {
  /** More would burden the heap beyond use, and fewer than a few such values fit into a store. */
  static final long COPY_BYTES_MAX = 64 << 20;

  private static final Cleaner CLEANER = Cleaner.create();

  private final long bytesMax;

  /**
   * The segments that buffers show. Added when an object is first shown; removed when its segment
   * was collected, or replaced when it is shown again after that.
   */
  private final ConcurrentHashMap<ObjectKey, View> views = new ConcurrentHashMap<>();

  /** Of all objects that are pinned here. */
  private final AtomicLong bytes = new AtomicLong();

  /**
   * @param bytesMax what the objects that are shown may take together before others are copied
   */
  Views(long bytesMax) {
    this.bytesMax = bytesMax;
  }

  /**
   * One hold on a pin. Run by the cleaner; refers to the segment only weakly, so that it can go.
   */
  private final class View extends WeakReference<MemorySegment> implements Runnable {
    private final ObjectKey key;
    private final long size;
    private final SharedPin pin;

    View(ObjectKey key, MemorySegment segment, SharedPin pin) {
      super(segment);
      this.key = key;
      this.size = segment.byteSize();
      this.pin = pin;
      bytes.addAndGet(size);
    }

    @Override
    public void run() {
      views.remove(key, this);
      bytes.addAndGet(-size);
      pin.close();
    }
  }

  /**
   * The buffer that is the object's value, showing the store's memory; empty when it has to be a
   * copy.
   *
   * @param pin on the encoding of a buffer; the caller's, who may close it after the call
   */
  Optional<Object> show(ObjectKey key, SharedPin pin) {
    MemorySegment encoded = pin.bytes();
    MemorySegment segment = segment(key, encoded, pin);
    return segment == null ? Optional.empty() : Optional.of(ValueCodecs.buffer(encoded, segment));
  }

  private MemorySegment segment(ObjectKey key, MemorySegment encoded, SharedPin pin) {
    View view = views.get(key);
    MemorySegment shown = view == null ? null : view.get();
    if (shown != null) {
      return shown;
    }
    // Two threads may show the object for the first time at once: then there are two views, the
    // later one is found by others, and each goes with its own segment.
    MemorySegment fresh = ValueCodecs.rawBytes(encoded).orElseThrow();
    long size = fresh.byteSize();
    if (size <= COPY_BYTES_MAX && !fits(size)) {
      return null;
    }
    view = new View(key, fresh, pin.another());
    views.put(key, view);
    CLEANER.register(fresh, view);
    return fresh;
  }

  /** One always fits, unless none shall; a few that come at once may exceed the bound together. */
  private boolean fits(long size) {
    long now = bytes.get();
    return bytesMax > 0 && (now == 0 || now + size <= bytesMax);
  }

  /** Bytes of the objects that are pinned because a buffer that shows them was not collected. */
  long bytes() {
    return bytes.get();
  }
}
