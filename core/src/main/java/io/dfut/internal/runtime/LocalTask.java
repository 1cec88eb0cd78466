package io.dfut.internal.runtime;

import io.dfut.internal.ownership.Claim;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.List;

/**
 * What owner and executors in one JVM share about a task: who starts it, and where its results are
 * waited for.
 */
final class LocalTask extends Claim {
  final TaskSpec spec;
  final List<ResultCell> results;

  /** Where the values it takes are waited for, in the order of its dependencies. */
  final List<ResultCell> dependencies;

  /** When it was submitted, if it has a time to end in. */
  final long sinceNanos;

  LocalTask(TaskSpec spec, List<ResultCell> results, List<ResultCell> dependencies) {
    this.spec = spec;
    this.results = results;
    this.dependencies = dependencies;
    this.sinceNanos = spec.timeoutNanos() == 0 ? 0 : System.nanoTime();
  }

  /**
   * Completes the results past the table, when all have values that travel by themselves: failures
   * may be retried, and stored values and references are the table's business first.
   */
  void completeDirectly(List<Outcome> outcomes, int attempt) {
    for (int i = 0; i < outcomes.size(); i++) {
      if (!(outcomes.get(i) instanceof Outcome.Inline inline) || !inline.contained().isEmpty()) {
        return;
      }
    }
    if (!decide(attempt)) {
      return; // it was cancelled: nobody is to see a value that others are not given
    }
    for (int i = 0; i < results.size(); i++) {
      results.get(i).complete(outcomes.get(i));
    }
  }
}
