package io.dfut.samples.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How costs grow with what there is of something: curves, each measured in a fresh JVM. */
final class GrowthBench {
  /**
   * A curve.
   *
   * @param flags of the JVM that measures it
   */
  private record Curve(
      String name, String title, String xLabel, String yLabel, boolean logX, List<String> flags) {}

  private static final List<Curve> CURVES =
      List.of(
          new Curve(
              "workers",
              "Tasks a second by the slots of one JVM",
              "slots (dfut.cpus)",
              "tasks a second",
              true,
              List.of()),
          new Curve(
              "jvms",
              "Empty tasks a second by the number of nodes",
              "nodes of one slot, each a JVM",
              "tasks a second",
              false,
              List.of()),
          new Curve(
              "in-flight",
              "Time from submit to the value, by tasks in flight",
              "tasks in flight",
              "microseconds (p50)",
              true,
              List.of()),
          new Curve(
              "length",
              "Share of two processors' time that goes into the tasks' own work",
              "microseconds of work a task",
              "efficiency",
              true,
              List.of()),
          new Curve(
              "owners",
              "Empty tasks a second by how many tasks submit them",
              "tasks that submit",
              "tasks a second",
              true,
              List.of()),
          new Curve(
              "pending",
              "Heap by pending tasks",
              "pending tasks",
              "MiB of live heap",
              false,
              List.of("-Xmx4g")));

  private final GrowthOptions options;
  private final PrintStream out;

  GrowthBench(GrowthOptions options, PrintStream out) {
    this.options = options;
    this.out = out;
  }

  void run() {
    List<Curve> wanted = CURVES.stream().filter(curve -> options.wants(curve.name())).toList();
    if (wanted.isEmpty()) {
      throw new OptionException("no curve is called " + String.join(" or ", options.only()));
    }
    out.println(
        "%d cores, Java %s; each curve in a JVM of its own"
            .formatted(Runtime.getRuntime().availableProcessors(), Runtime.version().feature()));
    try {
      if (options.svg().isPresent()) {
        Files.createDirectories(options.svg().get());
      }
      for (Curve curve : wanted) {
        Plot plot = measure(curve);
        print(curve, plot);
        if (options.svg().isPresent()) {
          Files.writeString(options.svg().get().resolve(curve.name() + ".svg"), plot.svg());
        }
      }
    } catch (IOException e) {
      throw new OptionException("the benchmark cannot go on: " + e.getMessage(), e);
    }
  }

  private Plot measure(Curve curve) throws IOException {
    Map<String, List<Plot.Point>> series = new LinkedHashMap<>();
    for (String line :
        OtherJvm.run(
            GrowthRounds.class,
            curve.flags(),
            List.of("" + options.seconds(), curve.name()),
            Turns.RESULT)) {
      String[] parts = line.split(" ", 3);
      series
          .computeIfAbsent(parts[2], name -> new ArrayList<>())
          .add(new Plot.Point(Double.parseDouble(parts[0]), Double.parseDouble(parts[1])));
    }
    return new Plot(
        curve.title(),
        curve.xLabel(),
        curve.yLabel(),
        curve.logX(),
        series.entrySet().stream()
            .map(entry -> new Plot.Series(entry.getKey(), entry.getValue()))
            .toList());
  }

  private void print(Curve curve, Plot plot) {
    out.printf("%n%s: %s, by %s%n", curve.name(), curve.yLabel(), curve.xLabel());
    for (Plot.Series series : plot.series()) {
      StringBuilder line = new StringBuilder(String.format("  %-24s", series.name()));
      series
          .points()
          .forEach(
              point ->
                  line.append(String.format(Locale.ROOT, "  %.0f: %.4g", point.x(), point.y())));
      out.println(line);
    }
  }
}
