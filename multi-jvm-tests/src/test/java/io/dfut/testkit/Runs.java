package io.dfut.testkit;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Execution;

/**
 * The tests of a class, as JUnit runs them within a test.
 *
 * @param printed what was printed as errors meanwhile
 */
record Runs(EngineExecutionResults results, String printed) {
  static Runs of(Class<?> type) {
    PrintStream before = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      EngineExecutionResults results =
          EngineTestKit.engine("junit-jupiter").selectors(selectClass(type)).execute();
      return new Runs(results, printed.toString(StandardCharsets.UTF_8));
    } finally {
      System.setErr(before);
    }
  }

  long succeeded() {
    return results.testEvents().succeeded().count();
  }

  /** What tests and classes failed with. */
  List<Throwable> failures() {
    return results.allEvents().executions().finished().stream()
        .map(Execution::getTerminationInfo)
        .filter(end -> end.executed())
        .map(end -> end.getExecutionResult())
        .flatMap(result -> result.getThrowable().stream())
        .toList();
  }

  /** The only one. */
  Throwable failure() {
    if (failures().size() != 1) {
      throw new AssertionError(failures().size() + " failures: " + failures());
    }
    return failures().getFirst();
  }
}
