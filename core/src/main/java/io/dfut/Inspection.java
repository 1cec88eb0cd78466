package io.dfut;

import io.dfut.internal.inspect.ReferenceGraph;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * A snapshot of one node: the rows of its workers' tables, its store, its leases and its actors.
 * Immutable and thread-safe.
 */
public final class Inspection {
  /** Whether a row is an owner's or a borrower's. */
  public enum Role {
    /** The worker owns the object. */
    OWNER,
    /** The worker borrows the object. */
    BORROWER
  }

  /**
   * One row of one worker's table.
   *
   * @param worker whose table it is
   * @param object the object
   * @param role whether the worker owns it
   * @param state the state of its value, as text
   * @param counts how often it is held, by reason; only reasons that hold it
   * @param bytes the size of the value, 0 while it is not known
   * @param madeBy the task that makes it, or {@code put} or {@code promise}, or the task or value
   *     that a borrower has it from, and where it was submitted
   * @param contains the objects that its value refers to, with repetition; an owner's row only
   * @param lineage the objects that the kept description of its task takes, with repetition; an
   *     owner's row only
   * @param borrowers the workers that the owner knows to hold it
   * @param actor the worker that lives only as long as somebody refers to this object: that of an
   *     actor which is neither detached nor to be found by a name; an owner's row only
   */
  public record Row(
      WorkerId worker,
      ObjectId object,
      Role role,
      String state,
      Map<String, Integer> counts,
      long bytes,
      String madeBy,
      List<ObjectId> contains,
      List<ObjectId> lineage,
      Set<WorkerId> borrowers,
      Optional<WorkerId> actor) {
    /** Copies what could change. */
    public Row {
      contains = List.copyOf(contains);
      lineage = List.copyOf(lineage);
      borrowers = Set.copyOf(borrowers);
    }
  }

  /** What a future without a value waits for, as far as the worker knows that waits. */
  public sealed interface WaitsFor {
    /**
     * Other objects: arguments, the actor to be called, or what the call before it waits for.
     *
     * @param objects those that may have no value yet
     */
    record Objects(List<ObjectId> objects) implements WaitsFor {
      /** Copies what could change. */
      public Objects {
        objects = List.copyOf(objects);
      }

      @Override
      public String toString() {
        return "waits for " + join(objects);
      }
    }

    /**
     * A worker to run its task.
     *
     * @param nodes which were asked for one, and have not answered with one
     */
    record Lease(List<NodeId> nodes) implements WaitsFor {
      /** Copies what could change. */
      public Lease {
        nodes = List.copyOf(nodes);
      }

      @Override
      public String toString() {
        return "queued at node " + join(nodes);
      }
    }

    /**
     * The end of an attempt.
     *
     * @param worker where it is
     * @param attempt which one, from 0
     */
    record Answer(WorkerId worker, int attempt) implements WaitsFor {
      @Override
      public String toString() {
        return "is at worker " + worker + ", attempt " + attempt;
      }
    }

    /** A task of the same worker, which runs its task while it waits for it. */
    record Inline() implements WaitsFor {
      @Override
      public String toString() {
        return "is run by the task that waits for it";
      }
    }

    /**
     * Word of the object's owner, which was asked.
     *
     * @param owner the owner
     */
    record Owner(WorkerId owner) implements WaitsFor {
      @Override
      public String toString() {
        return "waits for word of its owner " + owner;
      }
    }

    /** Somebody who completes the promise. */
    record Completion() implements WaitsFor {
      @Override
      public String toString() {
        return "waits until its promise is completed";
      }
    }

    /** Nothing that is known. Unless it changes within moments, nobody will ever settle it. */
    record Nothing() implements WaitsFor {
      @Override
      public String toString() {
        return "waits for nothing that is known";
      }
    }

    private static String join(List<?> things) {
      return things.stream().map(String::valueOf).collect(Collectors.joining(", "));
    }
  }

  /**
   * A future without a value.
   *
   * @param worker in whose table it is
   * @param object the object
   * @param madeBy as in its {@link Row}
   * @param waitsFor why it has none
   */
  public record Pending(WorkerId worker, ObjectId object, String madeBy, WaitsFor waitsFor) {
    @Override
    public String toString() {
      return object + " (" + madeBy + ") in the table of " + worker + " " + waitsFor;
    }
  }

  /**
   * An attempt of a task that is at a worker of this node: pushed, and not ended.
   *
   * @param worker which has it
   * @param task the task
   * @param attempt which one, from 0
   * @param name what people call the task
   * @param stage how far it is
   */
  public record Attempt(WorkerId worker, TaskId task, int attempt, String name, Stage stage) {
    @Override
    public String toString() {
      return name + " (" + task + ", attempt " + attempt + ") " + stage + " at " + worker;
    }
  }

  /** How far an {@link Attempt} is. */
  public enum Stage {
    /** Its arguments, or those of a call before it, are on their way. */
    ARGUMENTS("awaits its arguments"),
    /** It waits for its turn. */
    QUEUED("is queued"),
    /** Its body runs, or is blocked in a call of ours. */
    RUNNING("runs");

    private final String text;

    Stage(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /** Why one object keeps another. */
  public enum Hold {
    /** Its value refers to it. */
    CONTAINS("contains"),
    /** It is an actor that has a handle on it, in a field perhaps. */
    ACTOR_HOLDS("is an actor that holds"),
    /** It may have to be made again from it. */
    LINEAGE("may have to be made again from");

    private final String text;

    Hold(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /**
   * One object keeps another.
   *
   * @param from which keeps
   * @param hold why
   * @param to which is kept
   */
  public record Link(ObjectId from, Hold hold, ObjectId to) {}

  /**
   * Objects that are kept by nothing but each other: no handle outside, no task and no message
   * leads to them, and yet they are never freed, since every one of them is counted.
   *
   * @param rows the objects, as their owners have them; {@code madeBy} says where each came from
   * @param links which keeps which, and why
   */
  public record Cycle(List<Row> rows, List<Link> links) {
    /** Copies what could change. */
    public Cycle {
      rows = List.copyOf(rows);
      links = List.copyOf(links);
    }

    /** A line for each link, with the line of code that made the object. */
    @Override
    public String toString() {
      StringBuilder text = new StringBuilder("objects that only keep each other:");
      for (Row row : rows) {
        for (Link link : links) {
          if (link.from().equals(row.object())) {
            text.append("\n  ").append(link.from()).append(" (").append(row.madeBy()).append(") ");
            text.append(link.hold()).append(' ').append(link.to());
          }
        }
      }
      return text.toString();
    }
  }

  /**
   * One lease on this node's workers.
   *
   * @param owner who holds it
   * @param worker the leased worker, if it is granted
   * @param resources what it holds
   * @param state granted, blocked or queued
   */
  public record Lease(WorkerId owner, Optional<WorkerId> worker, String resources, String state) {}

  /**
   * One actor on this node.
   *
   * @param id the actor
   * @param worker the worker that it is
   * @param className its class
   * @param name its name, if it has one
   * @param queued calls and messages that wait
   */
  public record Actor(
      ActorId id, WorkerId worker, String className, Optional<String> name, int queued) {}

  /**
   * The node's object store. What was pulled, served, evicted, spilled and restored is counted from
   * the start of the node; the rest is what is there now.
   *
   * @param capacityBytes how much it may hold in memory
   * @param usedBytes how much it holds there
   * @param pinnedBytes how much of that can neither be evicted nor is on disk as well
   * @param objects how many objects it holds in memory
   * @param readInPlace how many objects in the memory of other nodes of this host are read there
   * @param pulls how many objects were pulled from other nodes
   * @param pulledBytes how many bytes
   * @param servedBytes how many bytes other nodes pulled from here
   * @param evictedBytes how many bytes of copies that others have as well made room
   * @param spilledObjects how many objects were written to disk
   * @param spilledBytes how many bytes
   * @param spillFailures how many times no directory took a file
   * @param spillNanos how long writing to disk took, in nanoseconds, all threads together
   * @param restoredObjects how many objects were read back from disk
   * @param restoredBytes how many bytes
   * @param restoreNanos how long reading back took, in nanoseconds, all threads together
   * @param diskFiles how many spill files there are
   * @param diskBytes how much spill files take
   */
  public record Store(
      long capacityBytes,
      long usedBytes,
      long pinnedBytes,
      long objects,
      long readInPlace,
      long pulls,
      long pulledBytes,
      long servedBytes,
      long evictedBytes,
      long spilledObjects,
      long spilledBytes,
      long spillFailures,
      long spillNanos,
      long restoredObjects,
      long restoredBytes,
      long restoreNanos,
      long diskFiles,
      long diskBytes) {
    boolean isEmpty() {
      return objects == 0 && pinnedBytes == 0 && readInPlace == 0 && diskBytes == 0;
    }

    /** A line in words. */
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "store: %d of %d bytes used, %d pinned, by %d objects; %d objects read in place;"
              + " pulled %d (%d bytes), served %d bytes, evicted %d bytes;"
              + " spilled %d (%d bytes, %.1f ms), %d failures, restored %d (%d bytes, %.1f ms),"
              + " %d bytes on disk",
          usedBytes,
          capacityBytes,
          pinnedBytes,
          objects,
          readInPlace,
          pulls,
          pulledBytes,
          servedBytes,
          evictedBytes,
          spilledObjects,
          spilledBytes,
          spillNanos / 1e6,
          spillFailures,
          restoredObjects,
          restoredBytes,
          restoreNanos / 1e6,
          diskBytes);
    }
  }

  private final NodeId node;
  private final List<Row> rows;
  private final List<Pending> pending;
  private final List<Attempt> attempts;
  private final List<Lease> leases;
  private final List<Actor> actors;
  private final Store store;
  private final long tasksRun;
  private final Supplier<Inspection> again;

  /** Made by the runtime. */
  public Inspection(
      NodeId node,
      List<Row> rows,
      List<Pending> pending,
      List<Attempt> attempts,
      List<Lease> leases,
      List<Actor> actors,
      Store store,
      long tasksRun,
      Supplier<Inspection> again) {
    this.node = node;
    this.rows = List.copyOf(rows);
    this.pending = List.copyOf(pending);
    this.attempts = List.copyOf(attempts);
    this.leases = List.copyOf(leases);
    this.actors = List.copyOf(actors);
    this.store = store;
    this.tasksRun = tasksRun;
    this.again = again;
  }

  /** The node that was looked at. */
  public NodeId node() {
    return node;
  }

  /** The rows of all workers on the node. */
  public List<Row> rows() {
    return rows;
  }

  /**
   * The rows with the largest values, largest first: what to look at when memory runs out.
   *
   * @param most how many, at least 0
   */
  public List<Row> largest(int most) {
    if (most < 0) {
      throw new IllegalArgumentException("most is " + most + "; it must be at least 0");
    }
    return rows.stream()
        .sorted(Comparator.comparingLong(Row::bytes).reversed().thenComparing(Row::object))
        .limit(most)
        .toList();
  }

  /**
   * The reference cycles among the objects of this node: what counting cannot free. An example is
   * an actor whose field holds a result that refers to the actor. What a worker on another node
   * owns or borrows, and what is counted for reasons that this snapshot does not show, is taken to
   * be in use; {@link ClusterInspection#cycles()} finds cycles that lead through several nodes.
   *
   * <p>The tables are looked at one after the other. While references are being passed on, ask
   * twice: what is reported again is a cycle.
   */
  public List<Cycle> cycles() {
    return ReferenceGraph.cycles(rows);
  }

  /** The futures of all workers on the node that have no value, and what each waits for. */
  public List<Pending> pending() {
    return pending;
  }

  /** The attempts that are at workers of the node. */
  public List<Attempt> attempts() {
    return attempts;
  }

  /** The leases granted or queued on the node. */
  public List<Lease> leases() {
    return leases;
  }

  /** The actors that live on the node. */
  public List<Actor> actors() {
    return actors;
  }

  /** The node's object store. */
  public Store store() {
    return store;
  }

  /** How many task bodies were started on this node since it started, actor calls included. */
  public long tasksRun() {
    return tasksRun;
  }

  /**
   * Waits until the node's tables, leases and store are empty. What a buffer from {@code get()}
   * shows stays in the store until the buffer is collected, so this makes the JVM collect garbage
   * while nothing but the store holds anything.
   *
   * @throws AssertionError when something is left after the time; lists what, with holders, reasons
   *     and {@link #cycles() cycles}
   */
  public void assertNoLeaks(Duration within) {
    long deadline = System.nanoTime() + within.toNanos();
    Collecting collecting = new Collecting();
    Inspection now = again.get();
    while (!now.isEmpty()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("left on " + node + " after " + within + ":\n" + now.leftovers());
      }
      collecting.look(now);
      java.util.concurrent.locks.LockSupport.parkNanos(5_000_000);
      now = again.get();
    }
  }

  /** Makes the JVM collect garbage now and then while a store alone is not empty. */
  static final class Collecting {
    /** Long enough for what needs no collection, and between two. */
    private static final long PAUSE_NANOS = 250_000_000;

    private long nextNanos = System.nanoTime() + PAUSE_NANOS;

    void look(Inspection node) {
      boolean views = node.rows.isEmpty() && node.leases.isEmpty() && !node.store.isEmpty();
      if (views && System.nanoTime() - nextNanos > 0) {
        System.gc();
        nextNanos = System.nanoTime() + PAUSE_NANOS;
      }
    }
  }

  boolean isEmpty() {
    return rows.isEmpty() && leases.isEmpty() && actors.isEmpty() && store.isEmpty();
  }

  private String leftovers() {
    StringBuilder text = new StringBuilder(held());
    cycles().forEach(cycle -> text.append("\n").append(cycle));
    return text.toString();
  }

  private String held() {
    StringBuilder text = new StringBuilder();
    rows.forEach(row -> text.append("  ").append(row).append('\n'));
    leases.forEach(lease -> text.append("  ").append(lease).append('\n'));
    actors.forEach(actor -> text.append("  ").append(actor).append('\n'));
    return text.append("  ").append(store).toString();
  }

  private String title() {
    return "node " + node + ", " + tasksRun + " tasks run\n";
  }

  String withoutCycles() {
    return title() + held();
  }

  @Override
  public String toString() {
    return title() + leftovers();
  }
}
