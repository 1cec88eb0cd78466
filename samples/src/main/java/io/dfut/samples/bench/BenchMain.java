package io.dfut.samples.bench;

import io.dfut.DFutException;
import io.dfut.samples.Programs;
import java.io.PrintStream;
import java.util.List;
import java.util.function.BiFunction;

/**
 * Runs one benchmark by its name. Exit code 0; 2 with one line when what was asked for cannot be
 * done, 1 when the system failed.
 */
public final class BenchMain {
  private static final List<String> NAMES =
      List.of("refs", "store", "tasks", "remote", "growth", "recovery");

  private BenchMain() {}

  /** The name, then the benchmark's own options. */
  public static void main(String[] args) {
    System.exit(run(System.out, System.err, args));
  }

  /** The program, without the end of the JVM. */
  static int run(PrintStream out, PrintStream err, String... args) {
    try {
      if (args.length == 0) {
        throw new OptionException("no name; there are " + String.join(", ", NAMES));
      }
      List<String> options = List.of(args).subList(1, args.length);
      switch (args[0]) {
        case "refs" -> refs(out, options);
        case "store" -> store(out, options);
        case "tasks" -> tasks(out, options, TasksBench::local);
        case "remote" -> tasks(out, options, TasksBench::remote);
        case "growth" -> growth(out, options);
        case "recovery" -> recovery(out, options);
        default ->
            throw new OptionException(
                "there is no benchmark \"%s\"; there are %s"
                    .formatted(args[0], String.join(", ", NAMES)));
      }
      return 0;
    } catch (OptionException e) {
      err.println("bench: " + e.getMessage());
      return 2;
    } catch (DFutException e) {
      err.println("bench: " + Programs.firstLine(e));
      return 1;
    }
  }

  private static void refs(PrintStream out, List<String> arguments) {
    RefsOptions options = RefsOptions.parse(arguments);
    if (options.help()) {
      out.print(RefsOptions.USAGE);
    } else {
      new RefsBench(options, out).run();
    }
  }

  private static void store(PrintStream out, List<String> arguments) {
    StoreOptions options = StoreOptions.parse(arguments);
    if (options.help()) {
      out.print(StoreOptions.USAGE);
    } else {
      new StoreBench(options, out).run();
    }
  }

  private static void growth(PrintStream out, List<String> arguments) {
    GrowthOptions options = GrowthOptions.parse(arguments);
    if (options.help()) {
      out.print(GrowthOptions.USAGE);
    } else {
      new GrowthBench(options, out).run();
    }
  }

  private static void recovery(PrintStream out, List<String> arguments) {
    RecoveryOptions options = RecoveryOptions.parse(arguments);
    if (options.help()) {
      out.print(RecoveryOptions.USAGE);
    } else {
      new RecoveryBench(options, out).run();
    }
  }

  private static void tasks(
      PrintStream out,
      List<String> arguments,
      BiFunction<TasksOptions, PrintStream, TasksBench> bench) {
    TasksOptions options = TasksOptions.parse(arguments);
    if (options.help()) {
      out.print(TasksOptions.USAGE);
    } else {
      bench.apply(options, out).run();
    }
  }
}
