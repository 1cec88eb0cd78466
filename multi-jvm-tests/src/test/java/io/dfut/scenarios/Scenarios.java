package io.dfut.scenarios;

import io.dfut.DFutSystem;
import io.dfut.NodeId;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Timeout;

/**
 * A suite of conformance scenarios, written against a system that {@link RunsOn} gives: each suite
 * has a subclass for every place it must hold in. A scenario carries its number as a tag; {@code
 * docs/conformance.md} says which there are.
 *
 * <p>A hang is a failure: the scenario runs on a thread of its own, and is given up when its time
 * is over even where that thread cannot be interrupted.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class Scenarios {
  /** The bound of everything that has no bound of its own: a failure, but no hang. */
  static final Duration SOON = Duration.ofSeconds(10);

  private Habitat habitat;

  /** The driver. */
  DFutSystem dfut;

  final void enter(Habitat newHabitat) {
    habitat = newHabitat;
    dfut = newHabitat.driver();
  }

  final Habitat habitat() {
    return habitat;
  }

  final List<Node> nodes() {
    return habitat.nodes();
  }

  /** The node farthest from the driver. */
  final NodeId far() {
    return habitat.far();
  }

  /** A node that offers work; where several do, each call gives the next. */
  final NodeId next() {
    return habitat.next();
  }

  /** Waits for a condition; the reason says what is broken when it never holds. */
  static ConditionFactory eventually(String reason) {
    return Awaitility.await(reason).atMost(SOON).pollInterval(Duration.ofMillis(5));
  }
}
