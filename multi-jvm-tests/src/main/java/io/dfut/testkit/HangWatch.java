package io.dfut.testkit;

import io.dfut.ClusterInspection;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.Inspection.Pending;
import io.dfut.Inspection.WaitsFor;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Finds futures that nobody will ever settle. Each future without a value must have a reason to
 * wait, and whoever it waits for must know of that: an argument that is pending itself, a node that
 * has the request for a worker in its queue, a worker that has the task, an owner to whom the
 * object is pending, a promise that is to be completed by hand, or a node that does not answer,
 * whose death others will find out. All nodes are looked at, drivers' included.
 *
 * <p>This tells a wait that will never end because something was lost from one that takes long. It
 * does not tell whether a task's own code ever ends: what runs has a reason. Give such tests a time
 * limit of JUnit's.
 */
public final class HangWatch {
  /** A node that does not answer within this time does not answer at all. */
  private static final Duration LOOK = Duration.ofSeconds(2);

  private static final long LOOK_AGAIN_NANOS = 50_000_000;

  private HangWatch() {}

  /**
   * Fails when a future is pending now that has no reason to wait. Messages may be under way: it is
   * given some time in which it gets a value or a reason. Returns as soon as all have one.
   *
   * @param within that time
   * @throws AssertionError which names the futures, what made them, and what they wait for
   */
  public static void assertNoHang(DFutSystem dfut, Duration within) {
    Supplier<ClusterInspection> look = () -> dfut.inspectCluster(LOOK);
    List<Pending> hung = hung(look, within);
    if (!hung.isEmpty()) {
      throw new AssertionError(describe(hung, within));
    }
  }

  static String describe(List<Pending> hung, Duration within) {
    return "neither a value nor a reason to wait within "
        + within
        + ":"
        + hung.stream()
            .map(pending -> "\n  " + pending + lack(pending.waitsFor()))
            .collect(Collectors.joining());
  }

  private static String lack(WaitsFor waitsFor) {
    return switch (waitsFor) {
      case WaitsFor.Objects objects -> ", none of which is pending";
      case WaitsFor.Lease lease -> ", where no such request is";
      case WaitsFor.Answer answer -> ", where it is not";
      case WaitsFor.Owner owner -> ", to whom it is not pending";
      case WaitsFor.Inline inline -> "";
      case WaitsFor.Completion completion -> "";
      case WaitsFor.Nothing nothing -> "";
    };
  }

  /** What everything that is pending waits for, a line each. */
  static String waits(DFutSystem dfut) {
    ClusterInspection now = dfut.inspectCluster(LOOK);
    return now.pending().stream()
        .map(pending -> "  " + pending + "\n")
        .collect(Collectors.joining());
  }

  /**
   * What is pending at the first look and has neither changed nor had a reason at any later one.
   */
  static List<Pending> hung(Supplier<ClusterInspection> look, Duration within) {
    long deadlineNanos = System.nanoTime() + within.toNanos();
    Set<Pending> suspects = new Look(look.get()).unexplained();
    while (!suspects.isEmpty() && System.nanoTime() - deadlineNanos < 0) {
      LockSupport.parkNanos(LOOK_AGAIN_NANOS);
      suspects.retainAll(new Look(look.get()).unexplained());
    }
    return List.copyOf(suspects);
  }

  static List<Pending> hung(DFutSystem dfut, Duration within) {
    return hung(() -> dfut.inspectCluster(LOOK), within);
  }

  /** What was seen of all nodes at about one time. */
  private static final class Look {
    private record InTable(WorkerId worker, ObjectId object) {}

    private record AtWorker(WorkerId worker, TaskId task, int attempt) {}

    private record Queued(NodeId node, WorkerId owner) {}

    private final Set<NodeId> silent;
    private final Map<InTable, Pending> pending = new HashMap<>();
    private final Set<AtWorker> attempts = new HashSet<>();
    private final Set<Queued> queued = new HashSet<>();

    Look(ClusterInspection seen) {
      silent = seen.silent();
      for (Inspection node : seen.nodes().values()) {
        node.pending().forEach(one -> pending.put(new InTable(one.worker(), one.object()), one));
        node.attempts()
            .forEach(one -> attempts.add(new AtWorker(one.worker(), one.task(), one.attempt())));
        node.leases().stream()
            .filter(lease -> lease.worker().isEmpty())
            .forEach(lease -> queued.add(new Queued(node.node(), lease.owner())));
      }
    }

    Set<Pending> unexplained() {
      return pending.values().stream()
          .filter(one -> !isExplained(one))
          .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private boolean isExplained(Pending one) {
      return switch (one.waitsFor()) {
        case WaitsFor.Objects(List<ObjectId> objects) ->
            objects.stream().anyMatch(object -> isPending(one.worker(), object));
        case WaitsFor.Lease(List<NodeId> nodes) ->
            nodes.stream()
                .anyMatch(
                    node ->
                        silent.contains(node) || queued.contains(new Queued(node, one.worker())));
        case WaitsFor.Answer(WorkerId worker, int attempt) ->
            silent.contains(worker.node())
                || attempts.contains(new AtWorker(worker, one.object().task(), attempt));
        case WaitsFor.Owner(WorkerId owner) ->
            silent.contains(owner.node()) || isPending(owner, one.object());
        case WaitsFor.Inline inline -> true;
        case WaitsFor.Completion completion -> true;
        case WaitsFor.Nothing nothing -> false;
      };
    }

    private boolean isPending(WorkerId worker, ObjectId object) {
      return pending.containsKey(new InTable(worker, object));
    }
  }
}
