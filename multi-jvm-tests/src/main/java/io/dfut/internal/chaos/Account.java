package io.dfut.internal.chaos;

import io.dfut.DFutActor;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.Map;

/**
 * Adds up what each caller pays. What it has in its fields is gone with its node; so its answers
 * say which incarnation gave them, and how much of the caller's calls that one has seen: all those
 * from some call on, each once and in order.
 */
final class Account extends DFutActor<Void> {
  private record Line(int last, Receipt receipt) {}

  private final long incarnation = new SecureRandom().nextLong();
  private final Map<String, Line> lines = new HashMap<>();

  /** Made anew on another node without arguments. */
  public Account() {}

  /**
   * Pays.
   *
   * @param number of the caller's calls, from 0
   */
  public Receipt pay(String caller, int number, long amount, int millis)
      throws InterruptedException {
    Bodies.begin(millis);
    Line line = lines.get(caller);
    if (line != null && number <= line.last()) {
      throw new IllegalStateException(
          "call %d of %s comes after call %d, at incarnation %x of the account"
              .formatted(number, caller, line.last(), incarnation));
    }
    Receipt receipt =
        line == null
            ? new Receipt(incarnation, 1, amount)
            : new Receipt(
                incarnation, line.receipt().index() + 1, line.receipt().balance() + amount);
    lines.put(caller, new Line(number, receipt));
    return receipt;
  }
}
