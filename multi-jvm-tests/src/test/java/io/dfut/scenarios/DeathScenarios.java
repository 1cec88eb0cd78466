package io.dfut.scenarios;

import io.dfut.DFutSystem;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Scenarios on one {@link DyingCluster}, in which nothing may be left after each. What ran is noted
 * in files of the test's own.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class DeathScenarios {
  @TempDir Path folder;
  DyingCluster cluster;
  DFutSystem dfut;
  private String test;

  @BeforeAll
  void start() {
    cluster = new DyingCluster();
    dfut = cluster.dfut;
  }

  @BeforeEach
  void remember(TestInfo info) {
    test = info.getTestMethod().orElseThrow().getName();
  }

  @AfterEach
  void nothingIsLeft() {
    Gate.openAll();
    cluster.assertNothingIsLeft();
  }

  @AfterAll
  void close() {
    Gate.openAll();
    if (cluster != null) {
      cluster.close();
    }
    Gate.forgetAll();
  }

  /** Where this test notes the runs of a body. */
  final Runs runs(String of) {
    return Runs.in(folder, test + "-" + of);
  }
}
