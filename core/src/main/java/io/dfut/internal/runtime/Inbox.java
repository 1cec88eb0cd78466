package io.dfut.internal.runtime;

import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * The combining inbox of a machine: whoever posts an input takes the machine's turn if nobody has
 * it, and does all that is waiting; whoever does not get the turn leaves its input to the one who
 * has it. The machine so has one driver at a time and, within a JVM, costs no thread switch: this
 * is most of the difference between a round trip of 33 µs and one of 1.4. The actor is one of the
 * drivers: it feeds remote messages in, and takes over when a turn has become long.
 *
 * <p>Thread-safe. Everything that happened before a post is visible to the step that handles it.
 */
final class Inbox<I> {
  /**
   * After so many inputs the rest is the actor's, so that no user thread works for others for long.
   */
  private static final int TURN_MAX = 1024;

  /**
   * Inboxes that the current thread has to look at before it returns, the one whose turn it has
   * first: posts nest, but turns do not. The queue stays with the thread, since to set and remove
   * it costs more than a step; between turns it is empty and keeps nothing alive.
   */
  private static final ThreadLocal<ArrayDeque<Inbox<?>>> TURNS =
      ThreadLocal.withInitial(() -> new ArrayDeque<>(4));

  private final MpscQueue<I> queue = new MpscQueue<>();
  private final AtomicBoolean turn = new AtomicBoolean();
  private final Consumer<? super I> step;
  private final Runnable takeOver;

  /**
   * @param step handles one input; never run by two threads at a time
   * @param takeOver makes the actor call {@link #drain}
   */
  Inbox(Consumer<? super I> step, Runnable takeOver) {
    this.step = step;
    this.takeOver = takeOver;
  }

  /** Adds an input and sees to it that it is handled. Never blocks. */
  void post(I input) {
    ArrayDeque<Inbox<?>> turns = TURNS.get();
    if (turns.isEmpty() && queue.isEmpty() && turn.compareAndSet(false, true)) {
      turns.add(this); // nothing waits and nobody has the turn: there is no need to queue it
      work(turns, input);
    } else {
      enqueue(input);
      drain();
    }
  }

  /** Adds an input for whoever drains next. */
  void enqueue(I input) {
    queue.offer(input);
  }

  /** Handles what is waiting, unless another thread is doing that. */
  void drain() {
    ArrayDeque<Inbox<?>> turns = TURNS.get();
    turns.add(this);
    if (turns.size() == 1) { // else a step of this thread posted: after that step
      work(turns, null);
    }
  }

  /**
   * Takes turns at this inbox and those that its steps post to.
   *
   * @param first an input that was not queued, when this thread has the turn for it; else null
   */
  private void work(ArrayDeque<Inbox<?>> turns, I first) {
    try {
      takeTurn(first);
      turns.poll();
      for (Inbox<?> next = turns.peek(); next != null; next = turns.peek()) {
        next.takeTurn(null);
        turns.poll();
      }
    } finally {
      for (Inbox<?> left = turns.poll(); left != null; left = turns.poll()) {
        left.takeOver.run(); // a step threw: what waits behind it, and elsewhere, is not lost
      }
    }
  }

  private void takeTurn(I first) {
    int handled = 0;
    I input = first;
    while (input != null || (!queue.isEmpty() && turn.compareAndSet(false, true))) {
      try {
        if (input == null) {
          input = queue.poll();
        }
        while (input != null) {
          step.accept(input);
          handled++;
          input = handled < TURN_MAX ? queue.poll() : null;
        }
      } finally {
        turn.set(false);
      }
      if (handled >= TURN_MAX && !queue.isEmpty()) {
        takeOver.run();
        return;
      }
    }
  }

  /** Whether something waits; a hint. */
  boolean isEmpty() {
    return queue.isEmpty();
  }
}
