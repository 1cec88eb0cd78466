package io.dfut.internal.store;

import io.dfut.internal.store.DataPlane.Served;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What other JVMs of this host read in this store's memory: a pin for each, which ends when the
 * reader releases it, or when the reader's process is gone. Thread-safe.
 *
 * <p>A hold belongs to the reader's {@link Share}, not to a connection: a connection may break, and
 * a node may be taken for dead, while threads of it go on reading. Only the lock of its directory
 * tells, which the kernel frees with the process.
 *
 * <p>A reader that was admitted once may read what the {@link Catalogue} shows without asking; it
 * sets a mark instead.
 *
 * <p>The reader numbers its holds. If it does not know whether one was granted, it releases it all
 * the same; that release may come before the hold, so it is remembered.
 */
final class Holds implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Holds.class);

  /** Readers at once; one more is refused and pulls. */
  static final int READERS_MAX = 1_024;

  /** Holds at once, of all readers. */
  static final int HOLDS_MAX = 100_000;

  /**
   * Releases that came before their holds, for each reader. An older one is forgotten; its hold, if
   * it still comes, then lasts as long as the reader's process.
   */
  static final int EARLY_MAX = 256;

  private static final class Reader {
    final String proof;
    final RunDirectory.Watch watch;

    /** What it reads without having asked. */
    final Marks marks;

    final Map<Long, Served> holds = new HashMap<>();
    final LinkedHashSet<Long> early = new LinkedHashSet<>();

    Reader(String proof, RunDirectory.Watch watch, Marks marks) {
      this.proof = proof;
      this.watch = watch;
      this.marks = marks;
    }
  }

  /** By directory. Added with a reader's first hold; removed when it is gone. */
  private final Map<String, Reader> readers = new HashMap<>();

  /** Directories that are not proven, so that they are not looked for again and again. Bounded. */
  private final Set<Share> strangers = new HashSet<>();

  /** What may be read without asking; empty where no memory is shared. */
  private final Optional<Catalogue> catalogue;

  private int count;
  private boolean closed;

  Holds(Optional<Catalogue> catalogue) {
    this.catalogue = catalogue;
  }

  /** Whether this reader sees our memory and can be watched; false when it has to pull. */
  synchronized boolean admit(Share reader) {
    if (closed || strangers.contains(reader)) {
      return false;
    }
    Reader known = readers.get(reader.directory());
    if (known != null) {
      return known.proof.equals(reader.proof());
    }
    if (readers.size() >= READERS_MAX) {
      return false;
    }
    try {
      if (reader.isProven()) {
        Path directory = Path.of(reader.directory());
        Marks marks = Marks.of(directory);
        RunDirectory.Watch watch = RunDirectory.Watch.of(directory);
        readers.put(reader.directory(), new Reader(reader.proof(), watch, marks));
        catalogue.ifPresent(c -> c.add(marks)); // before it is told anything, and so can set one
        return true;
      }
    } catch (IOException | RuntimeException e) {
      log.debug("the directory of {} cannot be watched", reader, e);
    }
    if (strangers.size() < READERS_MAX) {
      strangers.add(reader);
    }
    return false;
  }

  /** Takes over a pin for an admitted reader; false when it must not have it. */
  synchronized boolean add(Share share, long number, Served pin) {
    Reader reader = readers.get(share.directory());
    if (closed
        || reader == null
        || count >= HOLDS_MAX
        || reader.early.remove(number)
        || reader.holds.putIfAbsent(number, pin) != null) {
      return false;
    }
    count++;
    return true;
  }

  /** Ends holds; those that are unknown may still come. */
  void release(Share share, List<Long> numbers) {
    List<Served> ended = new ArrayList<>();
    synchronized (this) {
      Reader reader = readers.get(share.directory());
      if (reader == null || !reader.proof.equals(share.proof())) {
        return;
      }
      for (long number : numbers) {
        Served pin = reader.holds.remove(number);
        if (pin != null) {
          ended.add(pin);
          count--;
        } else if (reader.early.add(number) && reader.early.size() > EARLY_MAX) {
          reader.early.removeFirst();
        }
      }
    }
    ended.forEach(Served::close);
  }

  /** Ends the holds of readers whose process is gone. To be called now and then. */
  void reap() {
    List<Served> ended = new ArrayList<>();
    synchronized (this) {
      for (Iterator<Map.Entry<String, Reader>> i = readers.entrySet().iterator(); i.hasNext(); ) {
        Map.Entry<String, Reader> entry = i.next();
        Reader reader = entry.getValue();
        if (reader.watch.isGone()) {
          log.debug("{} is gone; it held {} objects", entry.getKey(), reader.holds.size());
          ended.addAll(reader.holds.values());
          count -= reader.holds.size();
          catalogue.ifPresent(c -> c.remove(reader.marks));
          reader.watch.close();
          i.remove();
        }
      }
    }
    ended.forEach(Served::close);
  }

  /** How many objects are held, asked for or not; for tests. */
  synchronized int count() {
    int marked = 0;
    for (Reader reader : readers.values()) {
      marked += catalogue.map(c -> reader.marks.count(c.id())).orElse(0);
    }
    return count + marked;
  }

  /** Grants nothing any more. Pins are not given back: the store closes, its files are unlinked. */
  @Override
  public synchronized void close() {
    closed = true;
    readers.values().forEach(reader -> reader.watch.close());
    readers.clear();
    count = 0;
  }
}
