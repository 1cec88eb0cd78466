package io.dfut.internal.store;

import java.time.Duration;
import org.apache.pekko.actor.NoSerializationVerificationNeeded;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;

/**
 * The actor beside a node's {@link SlabObjectStore}: its clock and its supervisor. What happens to
 * the table comes from the threads that write, read and pull, in steps of their own; what comes
 * with time comes from here. When the actor stops, with its system or because the table broke an
 * invariant, the store is closed.
 */
final class ObjectStoreActor {
  private ObjectStoreActor() {}

  /** What the actor is told. */
  sealed interface Command extends NoSerializationVerificationNeeded {
    /** The table wants to be woken at this time of {@link System#nanoTime}. */
    record SetTimer(long atNanos) implements Command {}

    /** The table broke: stop. */
    record Broken(RuntimeException why) implements Command {}

    /** The store was closed. */
    record Closed() implements Command {}
  }

  private enum Due implements TimedCommand {
    WAITS,
    CONNECTIONS
  }

  private sealed interface TimedCommand extends Command permits Due {}

  /**
   * The behaviour.
   *
   * @param reapEvery how often overdue connections are looked for; zero where there is no network
   */
  static Behavior<Command> create(SlabObjectStore store, Duration reapEvery) {
    return Behaviors.withTimers(
        timers -> {
          Alarm alarm = new Alarm(timers);
          if (!reapEvery.isZero()) {
            timers.startTimerWithFixedDelay(Due.CONNECTIONS, Due.CONNECTIONS, reapEvery);
          }
          return Behaviors.receive(Command.class)
              .onMessage(Command.SetTimer.class, set -> run(() -> alarm.set(set.atNanos())))
              .onMessageEquals(Due.WAITS, () -> run(() -> alarm.fired(store)))
              .onMessageEquals(Due.CONNECTIONS, () -> run(store::reap))
              .onMessage(
                  Command.Broken.class,
                  broken -> {
                    throw broken.why();
                  })
              .onMessageEquals(new Command.Closed(), Behaviors::stopped)
              .onSignal(PostStop.class, signal -> run(store::close))
              .build();
        });
  }

  /**
   * The earliest time that was asked for and has not come. Steps of the table are made by many
   * threads, so what they ask for arrives in any order; the table asks for earlier times only,
   * until one has come.
   */
  private static final class Alarm {
    private final TimerScheduler<Command> timers;
    private boolean isSet;
    private long atNanos;

    Alarm(TimerScheduler<Command> timers) {
      this.timers = timers;
    }

    void set(long wantedNanos) {
      if (isSet && wantedNanos - atNanos >= 0) {
        return;
      }
      isSet = true;
      atNanos = wantedNanos;
      // Rounded up: a timer that fires early would be set again at once, and again.
      long millis = Math.max(1, (wantedNanos - System.nanoTime() + 999_999) / 1_000_000);
      timers.startSingleTimer(Due.WAITS, Due.WAITS, Duration.ofMillis(millis));
    }

    void fired(SlabObjectStore store) {
      isSet = false;
      store.timerFired();
    }
  }

  private static Behavior<Command> run(Runnable action) {
    action.run();
    return Behaviors.same();
  }
}
