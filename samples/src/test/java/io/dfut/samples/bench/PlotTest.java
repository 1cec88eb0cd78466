package io.dfut.samples.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

final class PlotTest {
  private static List<MatchResult> all(String pattern, String svg) {
    return Pattern.compile(pattern).matcher(svg).results().toList();
  }

  private static double at(MatchResult circle, int group) {
    return Double.parseDouble(circle.group(group));
  }

  @Test
  void pointsStandWhereTheirNumbersSay() {
    Plot plot =
        new Plot(
            "a < b & c",
            "x",
            "y",
            true,
            List.of(
                new Plot.Series(
                    "one",
                    List.of(
                        new Plot.Point(1, 0), new Plot.Point(10, 500), new Plot.Point(100, 1_000))),
                new Plot.Series("two", List.of(new Plot.Point(10, 250)))));
    String svg = plot.svg();
    assertThat(svg).contains("a &lt; b &amp; c").contains(">one</text>").contains(">two</text>");
    List<MatchResult> circles = all("<circle cx=\"([0-9.]+)\" cy=\"([0-9.]+)\"", svg);
    assertThat(circles).hasSize(4);
    assertThat(at(circles.get(1), 1) - at(circles.get(0), 1))
        .as("equal factors are equal steps")
        .isEqualTo(at(circles.get(2), 1) - at(circles.get(1), 1));
    assertThat(at(circles.get(0), 2) - at(circles.get(1), 2))
        .isEqualTo(at(circles.get(1), 2) - at(circles.get(2), 2));
    assertThat(at(circles.get(3), 2))
        .isEqualTo((at(circles.get(0), 2) + at(circles.get(1), 2)) / 2);
    assertThat(all(">(0|200|400|600|800|1000)</text>", svg)).hasSize(6);
  }

  @Test
  void onePointAndNothingAtAllCanBeDrawn() {
    Plot one =
        new Plot(
            "t", "x", "y", false, List.of(new Plot.Series("s", List.of(new Plot.Point(3, 0)))));
    assertThat(one.svg()).contains("<circle").doesNotContain("NaN").doesNotContain("Infinity");
  }
}
