package io.dfut.internal.runtime;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives the count of a handle back when the garbage collector finds that nobody has the handle any
 * more. Thread-safe.
 *
 * <p>A {@link java.lang.ref.Cleaner} would do, but keeps all of its references in one list under
 * one lock, and those of closed handles until a collection. This one is kept by the cell of its
 * object, which the table keeps for as long as the handle counts, and a closed handle has none.
 */
final class Unreachable extends PhantomReference<Handle<?>> {
  private static final Logger LOG = LoggerFactory.getLogger(Unreachable.class);
  private static final ReferenceQueue<Handle<?>> QUEUE = new ReferenceQueue<>();

  /**
   * Those of objects with several handles, whose cell keeps another one. Added with the handle,
   * removed when it is closed or unreachable.
   */
  private static final Set<Unreachable> OTHERS = ConcurrentHashMap.newKeySet();

  static {
    Thread.ofPlatform().name("unreachable-handles").daemon().start(Unreachable::watch);
  }

  private final Handle.Count count;

  Unreachable(Handle<?> handle, Handle.Count count) {
    super(handle, QUEUE);
    this.count = count;
    if (!count.cell.keep(this)) {
      OTHERS.add(this);
    }
  }

  /** The count was given back. */
  void dismiss() {
    clear();
    if (!count.cell.dismiss(this)) {
      OTHERS.remove(this);
    }
  }

  private static void watch() {
    while (true) {
      try {
        Unreachable next = (Unreachable) QUEUE.remove();
        next.count.unreachable();
        next.dismiss();
      } catch (InterruptedException e) {
        LOG.debug("nobody interrupts this thread for a reason", e);
      } catch (RuntimeException e) {
        LOG.error("a handle that nobody has any more could not be released", e);
      }
    }
  }
}
