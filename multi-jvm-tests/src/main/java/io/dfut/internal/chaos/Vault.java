package io.dfut.internal.chaos;

import io.dfut.Checkpointed;
import io.dfut.DFutActor;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Keeps numbers, and saves them. One that comes back has those that it had at some earlier time, or
 * none; one that is given a number once more, as it died before it could answer, may have it
 * already.
 */
final class Vault extends DFutActor<Void> implements Checkpointed<Vault.State> {
  /**
   * What is saved.
   *
   * @param ballast follows from the numbers
   */
  record State(List<Integer> numbers, long[] ballast) {}

  /**
   * What it has.
   *
   * @param incarnation which one of the actor answers
   */
  record Content(long incarnation, List<Integer> numbers) {
    /**
     * Checks what the calls that gave the numbers from 0 on, one after the other, were answered.
     *
     * @throws Violation when it cannot have been so
     */
    static void check(String what, List<Content> answers) {
      for (int i = 0; i < answers.size(); i++) {
        List<Integer> numbers = answers.get(i).numbers();
        boolean rises = numbers.stream().sorted().distinct().toList().equals(numbers);
        if (!rises || numbers.isEmpty() || numbers.getFirst() < 0 || numbers.getLast() != i) {
          throw new Violation(
              "%s: after number %d it has %s, before %s".formatted(what, i, numbers, answers));
        }
        Content before = i == 0 ? new Content(0, List.of()) : answers.get(i - 1);
        boolean lives = before.incarnation() == answers.get(i).incarnation();
        if (lives && !numbers.subList(0, numbers.size() - 1).equals(before.numbers())) {
          throw new Violation(
              "%s: number %d changed others of the same incarnation: %s after %s"
                  .formatted(what, i, numbers, before.numbers()));
        }
      }
    }
  }

  private final long incarnation = new SecureRandom().nextLong();
  private final int ballast;
  private final List<Integer> numbers = new ArrayList<>();

  /**
   * Made, or made anew.
   *
   * @param ballast so many numbers more are in each state
   */
  public Vault(int ballast) {
    this.ballast = ballast;
  }

  /** Gives it a number. */
  public Content keep(int number, int millis) throws InterruptedException {
    Bodies.begin(millis);
    if (!numbers.contains(number)) {
      numbers.add(number);
    }
    return new Content(incarnation, List.copyOf(numbers));
  }

  @Override
  public State checkpoint() {
    return new State(List.copyOf(numbers), Bodies.numbers(numbers.hashCode(), ballast));
  }

  @Override
  public void restore(State state) {
    long[] expected = Bodies.numbers(state.numbers().hashCode(), ballast);
    if (Arrays.equals(expected, state.ballast())) {
      numbers.addAll(state.numbers());
    } else {
      numbers.add(-1); // which nobody gave
    }
  }
}
