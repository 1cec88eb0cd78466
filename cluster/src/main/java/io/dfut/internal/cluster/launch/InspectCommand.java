package io.dfut.internal.cluster.launch;

import io.dfut.ClusterInspection;
import io.dfut.DFutSystem;
import java.time.Duration;

/** {@code ./dfut inspect}: joins as a driver, looks into all nodes, and leaves. */
final class InspectCommand {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Command.Inspect inspect;

  InspectCommand(Command.Inspect inspect) {
    this.inspect = inspect;
  }

  void run() {
    Programs.requireListener(inspect.cluster());
    ClusterInspection found;
    try (DFutSystem dfut = DFutSystem.connect(inspect.cluster().toString())) {
      found = dfut.inspectCluster(PATIENCE);
    }
    System.out.print(found);
    System.out.flush();
    if (!found.silent().isEmpty()) {
      throw new IllegalStateException(
          "no answer within " + PATIENCE.toSeconds() + " s from " + found.silent());
    }
  }
}
