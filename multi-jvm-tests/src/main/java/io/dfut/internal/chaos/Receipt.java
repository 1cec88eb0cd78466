package io.dfut.internal.chaos;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What an {@link Account} answers.
 *
 * @param incarnation which one of the actor
 * @param index how many calls of this caller it has run, this one included
 * @param balance the sum of their amounts
 */
record Receipt(long incarnation, int index, long balance) {
  /**
   * Checks what one caller was answered. Each incarnation has run its calls from some one on,
   * without a gap, each once: the balance that it answers is the sum of just those. And once a
   * later one has answered, the earlier does no more.
   *
   * @param amounts of the calls, in the order in which they were submitted
   * @param receipts empty for calls that failed, as they may where calls are not repeated
   * @throws Violation when it cannot have been so
   */
  static void check(String what, List<Long> amounts, List<Optional<Receipt>> receipts) {
    Set<Long> incarnations = new HashSet<>();
    Optional<Long> current = Optional.empty();
    for (int i = 0; i < receipts.size(); i++) {
      if (receipts.get(i).isEmpty()) {
        continue;
      }
      Receipt receipt = receipts.get(i).get();
      if (!current.equals(Optional.of(receipt.incarnation()))) {
        if (!incarnations.add(receipt.incarnation())) {
          throw new Violation(
              "%s: call %d was answered by an earlier incarnation than the one before: %s"
                  .formatted(what, i, receipts));
        }
        current = Optional.of(receipt.incarnation());
      }
      int from = i - receipt.index() + 1;
      if (from < 0) {
        throw new Violation(
            "%s: call %d is the caller's call %d there, so one came twice: %s"
                .formatted(what, i, receipt.index(), receipts));
      }
      long sum = amounts.subList(from, i + 1).stream().mapToLong(Long::longValue).sum();
      if (sum != receipt.balance()) {
        throw new Violation(
            "%s: the balance after call %d is %d, and the calls from %d on make %d: %s"
                .formatted(what, i, receipt.balance(), from, sum, receipts));
      }
    }
  }
}
