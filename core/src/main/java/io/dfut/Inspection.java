package io.dfut;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

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
   * @param madeBy the task that makes it, or {@code put} or {@code promise}, and where it was
   *     submitted
   */
  public record Row(
      WorkerId worker,
      ObjectId object,
      Role role,
      String state,
      Map<String, Integer> counts,
      long bytes,
      String madeBy) {}

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
   * The node's object store.
   *
   * @param capacityBytes how much it may hold
   * @param usedBytes how much it holds
   * @param pinnedBytes how much of that cannot be evicted
   * @param objects how many objects it holds
   * @param pulls how many objects were pulled from other nodes so far
   * @param pulledBytes how many bytes
   */
  public record Store(
      long capacityBytes,
      long usedBytes,
      long pinnedBytes,
      long objects,
      long pulls,
      long pulledBytes) {}

  private final NodeId node;
  private final List<Row> rows;
  private final List<Lease> leases;
  private final List<Actor> actors;
  private final Store store;
  private final long tasksRun;
  private final Supplier<Inspection> again;

  /** Made by the runtime. */
  public Inspection(
      NodeId node,
      List<Row> rows,
      List<Lease> leases,
      List<Actor> actors,
      Store store,
      long tasksRun,
      Supplier<Inspection> again) {
    this.node = node;
    this.rows = List.copyOf(rows);
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
   * Waits until the node's tables, leases and store are empty.
   *
   * @throws AssertionError when something is left after the time; lists what, with holders and
   *     reasons
   */
  public void assertNoLeaks(Duration within) {
    long deadline = System.nanoTime() + within.toNanos();
    Inspection now = again.get();
    while (!now.isEmpty()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("left on " + node + " after " + within + ":\n" + now.leftovers());
      }
      java.util.concurrent.locks.LockSupport.parkNanos(5_000_000);
      now = again.get();
    }
  }

  private boolean isEmpty() {
    return rows.isEmpty()
        && leases.isEmpty()
        && actors.isEmpty()
        && store.objects() == 0
        && store.pinnedBytes() == 0;
  }

  private String leftovers() {
    StringBuilder text = new StringBuilder();
    rows.forEach(row -> text.append("  ").append(row).append('\n'));
    leases.forEach(lease -> text.append("  ").append(lease).append('\n'));
    actors.forEach(actor -> text.append("  ").append(actor).append('\n'));
    return text.append("  ").append(store).toString();
  }

  @Override
  public String toString() {
    return "node " + node + ", " + tasksRun + " tasks run\n" + leftovers();
  }
}
