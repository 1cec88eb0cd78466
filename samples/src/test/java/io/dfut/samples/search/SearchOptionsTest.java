package io.dfut.samples.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SearchOptionsTest {
  @Test
  void withoutOptionsAsksTheJdkSomething() {
    SearchOptions options = SearchOptions.parse();
    assertThat(options.cluster()).isEmpty();
    assertThat(options.input()).isEmpty();
    assertThat(options.queries()).isNotEmpty();
  }

  @Test
  void readsWhatIsGiven() {
    SearchOptions options =
        SearchOptions.parse(
            "--cluster",
            "127.0.0.1:25520",
            "--input",
            "some.zip",
            "--limit-files",
            "10",
            "--groups",
            "7",
            "--partitions",
            "2",
            "--top",
            "5",
            "--query",
            "one two",
            "--query",
            "three");
    assertThat(options.cluster()).contains("127.0.0.1:25520");
    assertThat(options.input()).contains(Path.of("some.zip"));
    assertThat(options.filesMax()).hasValue(10);
    assertThat(options.groups()).hasValue(7);
    assertThat(options.partitions()).isEqualTo(2);
    assertThat(options.hitsMax()).isEqualTo(5);
    assertThat(options.queries()).containsExactly("one two", "three");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--loud",
        "file.zip",
        "--input",
        "--query",
        "--query !",
        "--limit-files 0",
        "--limit-files many",
        "--partitions 4",
        "--groups -1",
        "--groups 99999999999",
        "--local --cluster a:1"
      })
  void refusesWhatMakesNoSenseInOneLine(String line) {
    assertThatThrownBy(() -> SearchOptions.parse(line.split(" ")))
        .isInstanceOf(InputException.class)
        .satisfies(e -> assertThat(e.getMessage().lines()).hasSize(1));
  }
}
