package io.dfut.internal.runtime;

import io.dfut.internal.task.TaskSpec;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;
import org.apache.pekko.actor.Cancellable;

/**
 * When an actor's state is due: counts what may have changed it, and says so once until the state
 * is taken. Not thread-safe: used under its actor's lock.
 */
final class CheckpointPolicy {
  private final TaskSpec.Checkpoints when;
  private final Function<Duration, Cancellable> timers;

  /** Whether anybody keeps the states. */
  private boolean isKept;

  /** Calls and messages that have ended since the state was last taken. */
  private long changes;

  /** The actor asked for it itself, or the time has come. */
  private boolean demanded;

  /** It has been said that the state is due. */
  private boolean said;

  private Optional<Cancellable> timer = Optional.empty();

  /**
   * @param isKept whether anybody keeps the states
   * @param timers starts a timer that ends in {@link #demand}
   */
  CheckpointPolicy(
      TaskSpec.Checkpoints when, boolean isKept, Function<Duration, Cancellable> timers) {
    this.when = when;
    this.isKept = isKept;
    this.timers = timers;
  }

  /** A call or message has ended. */
  void changed() {
    changes++;
    if (isKept && when.everyNanos() > 0 && timer.isEmpty()) {
      timer = Optional.of(timers.apply(Duration.ofNanos(when.everyNanos())));
    }
  }

  /** It is due whatever the counts say. */
  void demand() {
    demanded = true;
  }

  /** Whether the owner is to be told; it has been told then. */
  boolean sayDue() {
    boolean isDue = demanded || (when.everyCalls() > 0 && changes >= when.everyCalls());
    return isDue && say();
  }

  /** The same for any change, as this is the last chance. */
  boolean sayLast() {
    return isUnsaved() && say();
  }

  private boolean say() {
    boolean first = isKept && !said;
    said |= first;
    return first;
  }

  /** Whether there is a change that has not been saved, and somebody to save it. */
  boolean isUnsaved() {
    return isKept && (demanded || changes > 0);
  }

  /** The state is being taken. */
  void taken() {
    changes = 0;
    demanded = false;
    said = false;
    cancelTimer();
  }

  /** Nobody keeps the states any more. */
  void stop() {
    isKept = false;
    cancelTimer();
  }

  private void cancelTimer() {
    timer.ifPresent(Cancellable::cancel);
    timer = Optional.empty();
  }
}
