package io.dfut.samples.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What tasks and actor calls cost, beside what the substrate does: {@link TaskRounds} or {@link
 * RemoteRounds} in several fresh JVMs, since one JVM may be compiled well or badly for all of its
 * life.
 */
final class TasksBench {
  private static final String THREADS = TaskRounds.VIRTUAL_THREADS;
  private static final String ASK = TaskRounds.ASK;
  private static final String POOL = TaskRounds.FORK_JOIN;
  private static final String ARTERY_ASK = RemoteRounds.ASK;
  private static final String PING_PONG = RemoteRounds.PING_PONG;

  /**
   * What is measured.
   *
   * @param limit by which the ratio goes
   */
  private record Aim(String name, String unit, String limit, Figure.Budget budget) {}

  private static final List<Aim> LOCAL =
      List.of(
          new Aim("task.local.p50", "us", THREADS, Figure.Budget.atMost(20, 1)),
          new Aim("task.local.p99", "us", THREADS, Figure.Budget.NONE),
          new Aim("task.local.throughput", "M/s", ASK, Figure.Budget.atLeast(1, 0.3)),
          new Aim("task.local.allocated", "B", ASK, Figure.Budget.NONE),
          new Aim("task.fib20", "M/s", THREADS, Figure.Budget.atLeast(Double.NaN, 1)),
          new Aim("task.fib14.speedup", "x", POOL, Figure.Budget.atLeast(1.4, Double.NaN)),
          new Aim("task.chain1000", "us", ASK, Figure.Budget.atMost(Double.NaN, 0.5)),
          new Aim("actor.local.p50", "us", THREADS, Figure.Budget.atMost(20, 1)),
          new Aim("actor.local.p99", "us", THREADS, Figure.Budget.NONE),
          new Aim("actor.local.throughput", "M/s", ASK, Figure.Budget.atLeast(1, 0.3)),
          new Aim("actor.local.allocated", "B", ASK, Figure.Budget.NONE));

  private static final List<Aim> REMOTE =
      List.of(
          new Aim("task.remote.p50", "us", ARTERY_ASK, Figure.Budget.atMost(Double.NaN, 1.1)),
          new Aim("task.remote.p99", "us", ARTERY_ASK, Figure.Budget.NONE),
          new Aim("task.remote.throughput", "M/s", PING_PONG, Figure.Budget.atLeast(Double.NaN, 2)),
          new Aim("actor.remote.p50", "us", ARTERY_ASK, Figure.Budget.atMost(Double.NaN, 1.1)),
          new Aim("actor.remote.p99", "us", ARTERY_ASK, Figure.Budget.NONE),
          new Aim(
              "actor.remote.throughput", "M/s", PING_PONG, Figure.Budget.atLeast(Double.NaN, 2)));

  private final Class<?> program;
  private final List<Aim> aims;
  private final TasksOptions options;
  private final PrintStream out;

  private TasksBench(Class<?> program, List<Aim> aims, TasksOptions options, PrintStream out) {
    this.program = program;
    this.aims = aims;
    this.options = options;
    this.out = out;
  }

  /** Within one JVM. */
  static TasksBench local(TasksOptions options, PrintStream out) {
    return new TasksBench(TaskRounds.class, LOCAL, options, out);
  }

  /** From one JVM to another. */
  static TasksBench remote(TasksOptions options, PrintStream out) {
    return new TasksBench(RemoteRounds.class, REMOTE, options, out);
  }

  void run() {
    List<String> names = aims.stream().map(Aim::name).filter(options::wants).toList();
    if (names.isEmpty()) {
      throw new OptionException("no figure is called " + String.join(" or ", options.only()));
    }
    out.println(
        "%d cores, Java %s, medians of %d JVMs (least … most), beside the limit in the same rounds"
            .formatted(
                Runtime.getRuntime().availableProcessors(),
                Runtime.version().feature(),
                options.runs()));
    tellTheMachine();
    Map<String, Map<String, List<Double>>> found = new LinkedHashMap<>();
    List<Figure> figures = new ArrayList<>();
    try {
      for (int i = 0; i < options.runs(); i++) {
        measure(names, found);
      }
      tellTheMachine();
      for (Aim aim : aims) {
        if (names.contains(aim.name())) {
          figures.add(print(aim, found.get(aim.name())));
        }
      }
      if (options.json().isPresent()) {
        Files.write(options.json().get(), figures.stream().map(Figure::json).toList());
      }
    } catch (IOException e) {
      throw new OptionException("the benchmark cannot go on: " + e.getMessage(), e);
    }
  }

  private void tellTheMachine() {
    if (Runtime.getRuntime().availableProcessors() == 1) {
      return;
    }
    try {
      out.println(
          String.format(
              Locale.ROOT,
              "a cache line takes %.0f ns to another core and back",
              CoreToCore.roundTripNanos()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Adds what one JVM finds, by the figure's name and who was measured. */
  private void measure(List<String> names, Map<String, Map<String, List<Double>>> found)
      throws IOException {
    List<String> arguments = new ArrayList<>(List.of("" + options.seconds()));
    arguments.addAll(names);
    for (String line : OtherJvm.runPlain(program, arguments, Turns.RESULT)) {
      String[] parts = line.split(" ", 3);
      found
          .computeIfAbsent(parts[0], name -> new LinkedHashMap<>())
          .computeIfAbsent(parts[2], who -> new ArrayList<>())
          .add(Double.parseDouble(parts[1]));
    }
  }

  private Figure print(Aim aim, Map<String, List<Double>> found) {
    Figure figure =
        Figure.of(
            aim.name(),
            aim.unit(),
            array(found.get(Turns.OURS)),
            array(found.get(aim.limit())),
            aim.limit(),
            aim.budget());
    StringBuilder line = new StringBuilder(figure.line());
    found.forEach(
        (who, values) -> {
          if (!who.equals(Turns.OURS) && !who.equals(aim.limit())) {
            line.append(String.format(Locale.ROOT, "  (%s %.4f)", who, Turns.median(values)));
          }
        });
    out.println(line);
    return figure;
  }

  private static double[] array(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
