package io.dfut.internal.chaos;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Histories of an account that can have been, and that cannot. */
final class ReceiptTest {
  private static final List<Long> AMOUNTS = List.of(1L, 10L, 100L, 1000L);

  private static Optional<Receipt> receipt(long incarnation, int index, long balance) {
    return Optional.of(new Receipt(incarnation, index, balance));
  }

  private static void check(List<Optional<Receipt>> receipts) {
    Receipt.check("the history", AMOUNTS, receipts);
  }

  private static void assertImpossible(String why, List<Optional<Receipt>> receipts) {
    assertThatThrownBy(() -> check(receipts))
        .isInstanceOf(Violation.class)
        .hasMessageContaining("the history")
        .hasMessageContaining(why);
  }

  @Test
  void oneThatDiesInTheMiddleIsPossible() {
    assertThatCode(
            () ->
                check(
                    List.of(
                        receipt(7, 1, 1),
                        receipt(7, 2, 11),
                        receipt(8, 1, 100),
                        receipt(8, 2, 1100))))
        .doesNotThrowAnyException();
  }

  @Test
  void callsThatFailedMayHaveRun() {
    assertThatCode(
            () ->
                check(
                    List.of(
                        receipt(7, 1, 1),
                        Optional.empty(),
                        receipt(8, 2, 110),
                        receipt(8, 3, 1110))))
        .doesNotThrowAnyException();
  }

  @Test
  void callThatRanTwiceIsSeen() {
    assertImpossible("came twice", List.of(receipt(7, 1, 1), receipt(7, 3, 12)));
    assertImpossible(
        "the balance", List.of(receipt(8, 1, 1), receipt(7, 2, 20), receipt(7, 3, 120)));
  }

  @Test
  void callThatWasLeftOutIsSeen() {
    assertImpossible(
        "the balance", List.of(receipt(7, 1, 1), receipt(7, 1, 11), receipt(7, 2, 101)));
  }

  @Test
  void callsThatChangedPlacesAreSeen() {
    assertImpossible(
        "the balance", List.of(receipt(7, 1, 1), receipt(7, 2, 101), receipt(7, 3, 111)));
  }

  @Test
  void incarnationThatAnswersAfterTheNextIsSeen() {
    assertImpossible(
        "earlier incarnation", List.of(receipt(7, 1, 1), receipt(8, 1, 10), receipt(7, 3, 111)));
  }
}
