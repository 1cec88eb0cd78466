package io.dfut.internal.chaos;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Histories of a vault that can have been, and that cannot. */
final class VaultTest {
  private static Vault.Content has(long incarnation, Integer... numbers) {
    return new Vault.Content(incarnation, List.of(numbers));
  }

  private static void assertImpossible(String why, Vault.Content... answers) {
    assertThatThrownBy(() -> Vault.Content.check("the history", List.of(answers)))
        .isInstanceOf(Violation.class)
        .hasMessageContaining("the history")
        .hasMessageContaining(why);
  }

  @Test
  void oneThatForgetsWhenItComesBackIsPossible() {
    assertThatCode(
            () ->
                Vault.Content.check(
                    "the history",
                    List.of(has(7, 0), has(7, 0, 1), has(8, 0, 2), has(9, 3), has(9, 3, 4))))
        .doesNotThrowAnyException();
  }

  @Test
  void whatALivingOneForgetsIsSeen() {
    assertImpossible("the same incarnation", has(7, 0), has(7, 1));
  }

  @Test
  void whatNobodyGaveIsSeen() {
    assertImpossible("after number 1", has(7, 0), has(8, -1, 1));
    assertImpossible("after number 1", has(7, 0), has(8, 0, 2));
    assertImpossible("after number 1", has(7, 0), has(8, 1, 1));
    assertImpossible("after number 1", has(7, 0), has(8, 1, 0));
  }
}
