package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.read.ListAppender;
import io.dfut.testkit.HangWatch;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.slf4j.LoggerFactory;

/**
 * What every scenario asserts besides its own outcome: that nothing hangs, that nothing is left on
 * any node once its handles are released, and that nothing was logged as an error. The system is
 * shared by all suites that run in the same place; after a scenario that failed a new one is
 * started, so that one failure does not make others.
 */
final class Checks implements BeforeEachCallback, InvocationInterceptor, AfterEachCallback {
  private static final ExtensionContext.Namespace SHARED =
      ExtensionContext.Namespace.create(Checks.class);

  private static final Duration UNTIL_EMPTY = Duration.ofSeconds(10);

  private final ListAppender<ILoggingEvent> log = new ListAppender<>();

  /** Keeps the system of one place; closed by JUnit when all tests have run. */
  private static final class Shared implements AutoCloseable {
    private final Place place;
    private Habitat habitat;

    Shared(Place place) {
      this.place = place;
    }

    synchronized Habitat get() {
      if (habitat == null) {
        habitat = place.open();
      }
      return habitat;
    }

    synchronized void replace() {
      close();
      habitat = null;
    }

    @Override
    public synchronized void close() {
      if (habitat != null) {
        habitat.close();
      }
    }
  }

  private static Shared shared(ExtensionContext context) {
    RunsOn runsOn = context.getRequiredTestClass().getAnnotation(RunsOn.class);
    return context
        .getRoot()
        .getStore(SHARED)
        .getOrComputeIfAbsent(runsOn.value(), Shared::new, Shared.class);
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    Scenarios scenarios = (Scenarios) context.getRequiredTestInstance();
    scenarios.enter(shared(context).get(), log);
    log.start();
    rootLogger().addAppender(log);
  }

  /** Every scenario is one scope of the driver: what it opens is closed at its end. */
  @Override
  public void interceptTestMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    Scenarios scenarios = (Scenarios) context.getRequiredTestInstance();
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    scenarios.dfut.scope(
        () -> {
          try {
            invocation.proceed();
            HangWatch.assertNoHang(scenarios.dfut, UNTIL_EMPTY);
          } catch (Throwable e) {
            thrown.set(e);
          }
        });
    if (thrown.get() != null) {
      throw thrown.get();
    }
  }

  @Override
  public void afterEach(ExtensionContext context) {
    rootLogger().detachAppender(log);
    boolean good = false;
    try {
      if (context.getExecutionException().isEmpty()) {
        Scenarios scenarios = (Scenarios) context.getRequiredTestInstance();
        for (Node node : scenarios.nodes()) {
          node.inspect().assertNoLeaks(UNTIL_EMPTY);
        }
        assertThat(errors()).as("lines logged as errors").isEmpty();
        assertThat(scenarios.habitat().errorsElsewhere()).as("errors in other JVMs").isEmpty();
        good = true;
      }
    } finally {
      Gate.openAll(); // before the system closes: what still waits would hold that up
      if (!good) {
        shared(context).replace();
      }
      Gate.forgetAll();
      Tally.forgetAll();
    }
  }

  private List<String> errors() {
    return List.copyOf(log.list).stream()
        .filter(event -> event.getLevel().isGreaterOrEqual(Level.ERROR))
        .map(Checks::describe)
        .toList();
  }

  private static String describe(ILoggingEvent event) {
    String thrown =
        event.getThrowableProxy() == null
            ? ""
            : "\n" + ThrowableProxyUtil.asString(event.getThrowableProxy());
    return event.getLoggerName() + ": " + event.getFormattedMessage() + thrown;
  }

  private static Logger rootLogger() {
    return (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  }
}
