package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Bodies that do not stop when they are told to. */
final class StubbornTaskTest {
  private static final AtomicBoolean BEGUN = new AtomicBoolean();
  private static final AtomicBoolean GIVES_UP = new AtomicBoolean();

  private static boolean stubborn() {
    BEGUN.set(true);
    while (!GIVES_UP.get()) {
      if (Thread.interrupted()) {
        continue; // it does not care
      }
      LockSupport.parkNanos(1_000_000);
    }
    return true;
  }

  @Test
  void bodyThatGoesOnIsReportedUntilItEnds() {
    Logger logger = (Logger) LoggerFactory.getLogger("io.dfut.internal.runtime.TaskContext");
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    logger.addAppender(log);
    try (DFutSystem dfut =
        DFutSystem.local(ConfigFactory.parseString("dfut.tasks.stop-report-after = 50 ms"))) {
      DFut<Boolean> running = dfut.task(StubbornTaskTest::stubborn).submit();
      eventually().untilTrue(BEGUN);
      assertThat(running.cancel()).isTrue();
      eventually().until(() -> reports(log).size() >= 2);
      assertThat(reports(log).getFirst())
          .contains("stubborn", "attempt 0", "still runs, at ", "isCancelled()");
      GIVES_UP.set(true);
      eventually().until(() -> dfut.inspect().leases().isEmpty());
      int reported = reports(log).size();
      eventually().during(Duration.ofSeconds(1)).until(() -> reports(log).size() == reported);
    } finally {
      GIVES_UP.set(true);
      logger.detachAppender(log);
    }
  }

  private static org.awaitility.core.ConditionFactory eventually() {
    return Awaitility.await().atMost(Duration.ofSeconds(30));
  }

  private static List<String> reports(ListAppender<ILoggingEvent> log) {
    return List.copyOf(log.list).stream()
        .filter(event -> event.getLevel() == Level.WARN)
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }
}
