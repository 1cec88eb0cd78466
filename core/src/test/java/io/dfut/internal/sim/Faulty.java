package io.dfut.internal.sim;

import io.dfut.NodeId;
import io.dfut.internal.ownership.Tables;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * What goes wrong in a run, and when: workers and nodes crash; a node freezes and goes on, in time
 * or after the others have declared it dead; a node that is gone comes back as another incarnation.
 * Each fault is counted with what was under way when it struck.
 */
final class Faulty {
  /** A thing that goes wrong. */
  enum Fault {
    WORKER_CRASH,
    NODE_CRASH,
    FREEZE,
    /** A node is frozen for so long that it is declared dead. */
    SUSPICION;

    String word() {
      return name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
    }
  }

  /** The shortest and the longest freeze, of a node that is not declared dead for it. */
  private static final double FREEZE_MIN_NANOS = 1e5;

  private static final double FREEZE_MAX_NANOS = 4e9; // below the handover grace

  private static final double SUSPICION_MAX_NANOS = 5e6;

  /** How long one that is declared dead goes on before it learns of it. */
  private static final int LATE_LIFE_MAX_NANOS = 2_000_000;

  private static final int RESTART_MAX_NANOS = 20_000_000;

  private final Sim sim;
  private final Random random;
  private final Profile.Faults faults;
  private final Map<Fault, Integer> left = new EnumMap<>(Fault.class);
  private final long cutOff;
  private long lastNanos;

  Faulty(Sim sim) {
    this.sim = sim;
    this.random = sim.random;
    this.faults = sim.profile.faults();
    this.lastNanos = sim.now();
    left.put(Fault.WORKER_CRASH, faults.workerCrashes());
    left.put(Fault.NODE_CRASH, faults.nodeCrashes());
    left.put(Fault.FREEZE, faults.freezes());
    left.put(Fault.SUSPICION, faults.suspicions());
    left.values().removeIf(count -> count == 0);
    this.cutOff =
        faults.endless() && !left.isEmpty() ? 300 + random.nextInt(1_200) : Long.MAX_VALUE;
  }

  /** Whether a run whose faults never end has lasted for long enough. */
  boolean isCutOff(long steps) {
    return steps >= cutOff;
  }

  /** When something went wrong, or right again, the last time. */
  long lastNanos() {
    return lastNanos;
  }

  /** Does something bad, now and then. */
  boolean act() {
    if (left.isEmpty()
        || random.nextInt(faults.steps()) > 0
        || sim.drivers().stream().allMatch(SimWorker::isDone)) {
      return false;
    }
    List<Fault> possible = List.copyOf(left.keySet());
    Fault fault = possible.get(random.nextInt(possible.size()));
    if (!faults.endless()) {
      left.compute(fault, (same, count) -> count == 1 ? null : count - 1);
    }
    lastNanos = sim.now();
    switch (fault) {
      case WORKER_CRASH -> crashWorker();
      case NODE_CRASH -> crashNode();
      case FREEZE -> freeze();
      case SUSPICION -> suspect();
    }
    return true;
  }

  private <T> T any(List<T> some) {
    return some.get(random.nextInt(some.size()));
  }

  // ---- crashes ----

  private void crashWorker() {
    List<SimWorker> some =
        sim.workers().stream()
            .filter(worker -> worker.node.isMember() && !sim.drivers().contains(worker))
            .toList();
    if (some.isEmpty()) {
      return;
    }
    SimWorker victim = any(some);
    struck(Fault.WORKER_CRASH, victim.node);
    sim.log(() -> "CRASH of " + victim.id);
    sim.network.cutTailsFrom(from -> victim.id.equals(Sim.workerOf(from)));
    sim.workerEnded(victim, "it crashed");
  }

  private void crashNode() {
    List<SimNode> some = mortal();
    if (!some.isEmpty()) {
      SimNode victim = any(some);
      struck(Fault.NODE_CRASH, victim);
      end(victim, "it crashed");
    }
  }

  /** Nodes that may die: not all drivers do. */
  private List<SimNode> mortal() {
    Set<SimNode> withDrivers = new java.util.LinkedHashSet<>();
    sim.drivers().stream()
        .filter(driver -> !driver.isDone() && driver.node.isMember())
        .forEach(driver -> withDrivers.add(driver.node));
    Set<SimNode> homes = new java.util.LinkedHashSet<>();
    sim.drivers().stream().filter(d -> d.node.isMember()).forEach(d -> homes.add(d.node));
    boolean driversToo = faults.driversToo() && homes.size() > 1;
    List<SimNode> mortal = new ArrayList<>();
    for (SimNode node : sim.nodes()) {
      if (node.isMember() && (!homes.contains(node) || driversToo)) {
        mortal.add(node);
      }
    }
    if (driversToo && mortal.size() > 1 && withDrivers.size() == 1) {
      mortal.removeAll(withDrivers); // the last driver that still has something to do
    }
    return mortal;
  }

  /** The node is no more. The others hear it, unless they think so already. */
  private void end(SimNode node, String cause) {
    sim.log(() -> "END of " + node.id + ": " + cause);
    lastNanos = sim.now();
    node.dead = true;
    node.frozen = false;
    node.unreported.clear();
    node.overdue.clear();
    sim.network.cutTailsFrom(from -> sim.isAt(from, node.id));
    sim.workersOf(node).forEach(sim::remove);
    node.store.close();
    if (!node.declaredDead) {
      node.declaredDead = true;
      sim.tellOfDeath(node, cause);
    }
    if (faults.restarts()) {
      sim.after(null, random.nextInt(RESTART_MAX_NANOS), () -> restart(node.id));
    }
  }

  /** The same address, another node: empty, and told to the others like any that joins. */
  private void restart(NodeId before) {
    lastNanos = sim.now();
    SimNode fresh = sim.newNode(new NodeId(before.host(), before.port(), before.incarnation() + 1));
    sim.log(() -> "RESTART as " + fresh.id);
    sim.count("restarted");
    countMoments("restart", fresh);
    for (SimNode other : sim.nodes()) {
      if (other == fresh) {
        continue;
      }
      if (!other.isMember()) {
        fresh.knownDead.add(other.id); // it never meets them
        continue;
      }
      sim.after(
          other,
          0,
          () -> {
            if (other.isMember() && fresh.isMember()) {
              sim.greet(other, fresh);
              sim.greet(fresh, other);
            }
          });
    }
  }

  // ---- freezes ----

  private void freeze() {
    List<SimNode> some = new ArrayList<>();
    for (SimNode node : sim.nodes()) {
      if (node.isMember() && !node.frozen) {
        some.add(node);
      }
    }
    if (some.isEmpty()) {
      return;
    }
    SimNode victim = any(some);
    struck(Fault.FREEZE, victim);
    sim.log(() -> "FREEZE of " + victim.id);
    victim.frozen = true;
    sim.after(null, (long) logarithmic(FREEZE_MIN_NANOS, FREEZE_MAX_NANOS), () -> thaw(victim));
  }

  private double logarithmic(double least, double most) {
    return least * Math.pow(most / least, random.nextDouble());
  }

  private void thaw(SimNode node) {
    if (!node.frozen) {
      return; // it has crashed since
    }
    sim.log(() -> "THAW of " + node.id);
    lastNanos = sim.now();
    node.frozen = false;
    for (Runnable overdue : List.copyOf(node.overdue)) {
      sim.after(node, random.nextInt(50_000), overdue);
    }
    node.overdue.clear();
  }

  private void suspect() {
    List<SimNode> some = new ArrayList<>(mortal());
    some.removeIf(node -> node.frozen);
    if (some.isEmpty()) {
      return;
    }
    SimNode victim = any(some);
    struck(Fault.SUSPICION, victim);
    sim.log(() -> "FREEZE for good of " + victim.id);
    victim.frozen = true;
    sim.after(
        null,
        (long) logarithmic(FREEZE_MIN_NANOS, SUSPICION_MAX_NANOS),
        () -> {
          if (!victim.dead) {
            declareDead(victim);
          }
        });
  }

  private void declareDead(SimNode node) {
    if (!mortal().contains(node)) { // meanwhile the others died
      thaw(node);
      return;
    }
    sim.log(() -> "DECLARED DEAD: " + node.id);
    lastNanos = sim.now();
    countMoments("declared dead", node);
    node.declaredDead = true;
    sim.tellOfDeath(node, "it did not answer");
    sim.after(
        null,
        (long) logarithmic(FREEZE_MIN_NANOS, FREEZE_MAX_NANOS),
        () -> {
          if (random.nextInt(4) > 0) {
            lateLife(node);
          }
          int more = node.frozen ? 0 : random.nextInt(LATE_LIFE_MAX_NANOS);
          sim.after(null, more, () -> end(node, "it learned that it is not a member any more"));
        });
  }

  /** It goes on as if nothing had been, for a while. */
  private void lateLife(SimNode node) {
    sim.count("late life");
    countMoments("late life", node);
    thaw(node);
  }

  /** For a frozen node that was declared dead: what was in its sockets, perhaps. */
  void keepForThaw(SimNode node, Network.Envelope envelope) {
    node.overdue.add(() -> sim.network.send(envelope));
  }

  // ---- counting ----

  private void struck(Fault fault, SimNode victim) {
    sim.count(fault.word());
    countMoments(fault.word(), victim);
  }

  /** What was under way: a fault that never struck at a moment proves nothing about it. */
  private void countMoments(String fault, SimNode victim) {
    Set<Tables.Moment> moments = EnumSet.noneOf(Tables.Moment.class);
    for (SimWorker worker : sim.workers()) {
      if (worker.node.isMember()) {
        moments.addAll(Tables.moments(worker.machine));
      }
    }
    moments.forEach(
        moment -> sim.count(fault + " while " + moment.name().toLowerCase(java.util.Locale.ROOT)));
    if (!victim.unreported.isEmpty()) {
      sim.count(fault + " between seal and report");
    }
    if (victim.frozen) {
      sim.count(fault + " while frozen");
    }
    for (SimNode other : sim.nodes()) {
      if (other != victim && other.frozen) {
        sim.count(fault + " while another is frozen");
        break;
      }
    }
    if (sim.workersOf(victim).stream().anyMatch(SimWorker::isActor)) {
      sim.count(fault + " with an actor");
    }
    if (sim.workersOf(victim).stream().anyMatch(SimWorker::isBlocked)) {
      sim.count(fault + " with a blocked task");
    }
    if (sim.workersOf(victim).stream().anyMatch(worker -> !worker.machine.isEmpty())) {
      sim.count(fault + " with an owner");
    }
  }
}
