package io.dfut.scenarios;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
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
  private ListAppender<ILoggingEvent> log;

  /** The driver. */
  DFutSystem dfut;

  final void enter(Habitat newHabitat, ListAppender<ILoggingEvent> newLog) {
    habitat = newHabitat;
    log = newLog;
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

  /** What this JVM has logged as warnings since the scenario began. */
  final List<String> warnings() {
    return List.copyOf(log.list).stream()
        .filter(event -> event.getLevel() == Level.WARN)
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }

  /** Waits for a condition; the reason says what is broken when it never holds. */
  static ConditionFactory eventually(String reason) {
    return Awaitility.await(reason).atMost(SOON).pollInterval(Duration.ofMillis(5));
  }
}
