package io.dfut.internal.explore;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Explores the small scenarios until nothing is left to explore, from the command line: {@code
 * [--depth N] [--scenario NAME] [--states-max N] [--crashes N] [--repeats N] [--threads N]}. Ends
 * with 0 when no violation was found, 1 with a violation, whose path it prints, 2 when the
 * arguments make no sense.
 */
public final class Explore {
  private static final String USAGE =
      "usage: [--depth N] [--scenario NAME] [--states-max N] [--crashes N] [--repeats N]"
          + " [--threads N]; scenarios: ";

  private Explore() {}

  public static void main(String[] arguments) {
    System.exit(run(arguments, System.out));
  }

  /** What a command line asks for. */
  private static final class Options {
    int depthMax = Short.MAX_VALUE;
    long statesMax = 60_000_000;
    Optional<Integer> crashes = Optional.empty();
    Optional<Integer> repeats = Optional.empty();
    int threads = 1;
    Optional<String> scenario = Optional.empty();
  }

  static int run(String[] arguments, PrintStream out) {
    Options options = new Options();
    String problem = read(arguments, options);
    if (!problem.isEmpty()) {
      out.println(problem);
      out.println(
          USAGE + Scenarios.all().stream().map(Scenario::name).collect(Collectors.joining(", ")));
      return 2;
    }
    List<Explorer.Report> reports = new ArrayList<>();
    for (Scenario each : Scenarios.all()) {
      if (options.scenario.isPresent() && !options.scenario.get().equals(each.name())) {
        continue;
      }
      Scenario scenario =
          each.withFaults(
              options.crashes.orElse(each.crashes()), options.repeats.orElse(each.repeats()));
      out.printf("%s: %s%n", scenario.name(), scenario.tells());
      Explorer.Report report =
          Explorer.explore(
              scenario.name(),
              () -> new Cluster(scenario),
              new Explorer.Limits(options.depthMax, options.statesMax, options.threads),
              out);
      out.println("  " + report.summary());
      out.println("  new states by depth: " + report.frontiers());
      report.violation().ifPresent(out::println);
      reports.add(report);
    }
    out.println();
    reports.forEach(report -> out.println(report.summary()));
    return reports.stream().anyMatch(report -> report.violation().isPresent()) ? 1 : 0;
  }

  /** The shortest path to a violation in this scenario, within so many states; else empty. */
  public static String violation(String name, int crashes, int repeats, int statesMax) {
    Scenario scenario =
        Scenarios.all().stream()
            .filter(each -> each.name().equals(name))
            .findFirst()
            .orElseThrow()
            .withFaults(crashes, repeats);
    return Explorer.explore(
            name,
            () -> new Cluster(scenario),
            new Explorer.Limits(Short.MAX_VALUE, statesMax, 1),
            System.out)
        .violation()
        .map(Explorer.Violation::toString)
        .orElse("");
  }

  /** What is wrong with the arguments; empty when nothing is. */
  private static String read(String[] arguments, Options options) {
    for (int i = 0; i < arguments.length; i += 2) {
      String option = arguments[i];
      if (i + 1 == arguments.length) {
        return option + " needs a value";
      }
      String value = arguments[i + 1];
      try {
        switch (option) {
          case "--depth" -> options.depthMax = atLeast(1, value);
          case "--states-max" -> options.statesMax = atLeast(1, value);
          case "--crashes" -> options.crashes = Optional.of(atLeast(0, value));
          case "--repeats" -> options.repeats = Optional.of(atLeast(0, value));
          case "--threads" -> options.threads = atLeast(1, value);
          case "--scenario" -> {
            if (Scenarios.all().stream().noneMatch(scenario -> scenario.name().equals(value))) {
              return "--scenario: there is no " + value;
            }
            options.scenario = Optional.of(value);
          }
          default -> {
            return "unknown option " + option;
          }
        }
      } catch (NumberFormatException e) {
        return option + ": not a whole number that makes sense: " + value;
      }
    }
    return "";
  }

  private static int atLeast(int least, String value) {
    int number = Integer.parseInt(value);
    if (number < least) {
      throw new NumberFormatException(value);
    }
    return number;
  }
}
