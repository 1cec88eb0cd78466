package io.dfut.internal.sim;

import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/** What {@code ./dfut sim} runs. */
public final class SimMain {
  private static final int EXIT_BROKEN = 1;

  /** As shells have it for a wrong command line. */
  private static final int EXIT_USAGE = 2;

  private static final long PROGRESS_MILLIS = Long.getLong("dfut.sim.progress-millis", 10_000);

  /** How long it is looked for a smaller run that fails. */
  private static final long SHRINK_NANOS = 60_000_000_000L;

  private static final String EXPLORER = "io.dfut.internal.explore.Explore";

  private final SimOptions options;
  private final PrintStream out;
  private final PrintStream err;

  private SimMain(SimOptions options, PrintStream out, PrintStream err) {
    this.options = options;
    this.out = out;
    this.err = err;
  }

  /** See {@link SimOptions#USAGE}. */
  public static void main(String[] arguments) throws Throwable {
    if (arguments.length > 0 && arguments[0].equals("--exhaustive")) {
      explore(Arrays.copyOfRange(arguments, 1, arguments.length));
      return;
    }
    int code = run(System.out, System.err, arguments);
    if (code != 0) {
      System.exit(code);
    }
  }

  /** By name, so that either builds without the other. */
  private static void explore(String[] arguments) throws Throwable {
    try {
      Class.forName(EXPLORER).getMethod("main", String[].class).invoke(null, (Object) arguments);
    } catch (ClassNotFoundException e) {
      System.err.println("dfut: --exhaustive: this build has no explorer (" + EXPLORER + ")");
      System.exit(EXIT_USAGE);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  /**
   * Does what the arguments say.
   *
   * @return the code that the process ends with
   */
  static int run(PrintStream out, PrintStream err, String... arguments)
      throws InterruptedException {
    SimOptions options;
    try {
      options = SimOptions.parse(arguments);
    } catch (IllegalArgumentException e) {
      err.println("dfut: " + e.getMessage() + "; ./dfut sim --help tells more");
      return EXIT_USAGE;
    }
    if (options.help()) {
      out.print(SimOptions.USAGE);
      return 0;
    }
    SimMain main = new SimMain(options, out, err);
    if (options.hash()) {
      return main.hashes();
    }
    return options.only().isPresent() ? main.one(options.only().getAsLong()) : main.range();
  }

  // ---- one seed ----

  private int one(long seed) {
    out.println(
        "seed " + seed + ", " + options.recipe().options() + ": " + options.recipe().profile(seed));
    Counters seen = new Counters();
    try {
      long steps = options.recipe().sim(seed, seen, true).run();
      out.printf("%d steps; seen %s%n", steps, seen);
      out.println("every promise was kept");
      return 0;
    } catch (AssertionError violation) {
      out.println(violation.getMessage());
      violation.getCause().printStackTrace(out);
      return EXIT_BROKEN;
    }
  }

  private int hashes() {
    long first = options.only().orElse(options.first());
    long seeds = options.only().isPresent() ? 1 : options.seeds();
    for (long seed = first; seed < first + seeds; seed++) {
      Sim sim = options.recipe().sim(seed, new Counters(), false).hashing();
      long steps = sim.run();
      out.printf("seed %d: %d steps, trace %016x%n", seed, steps, sim.traceHash());
    }
    return 0;
  }

  // ---- a range ----

  private int range() throws InterruptedException {
    Campaign campaign =
        new Campaign(options.recipe(), options.first(), options.seeds(), options.threads());
    AtomicBoolean done = new AtomicBoolean();
    Thread interrupted =
        new Thread(
            () -> {
              if (done.compareAndSet(false, true)) {
                stopped(campaign);
              }
            });
    Runtime.getRuntime().addShutdownHook(interrupted);
    Thread reporter = Thread.ofVirtual().start(() -> report(campaign));
    Optional<Campaign.Found> found = campaign.run();
    reporter.interrupt();
    if (!done.compareAndSet(false, true)) {
      return EXIT_BROKEN; // it was stopped, and has said so
    }
    Runtime.getRuntime().removeShutdownHook(interrupted);
    summary(campaign, found.isPresent());
    return found.map(this::broken).orElse(0);
  }

  private void report(Campaign campaign) {
    try {
      while (true) {
        Thread.sleep(PROGRESS_MILLIS); // a line now and then, for people
        err.println(progress(campaign));
      }
    } catch (InterruptedException e) {
      // it is done
    }
  }

  private String progress(Campaign campaign) {
    Campaign.Progress so = campaign.progress();
    return String.format(
        "sim: %d of %d seeds, %d steps, %.0f seeds/s; go on from seed %d",
        so.seeds(), options.seeds(), so.steps(), so.seedsPerSecond(), so.goOnFrom());
  }

  private void stopped(Campaign campaign) {
    summary(campaign, false);
    long from = campaign.progress().goOnFrom();
    long left = options.first() + options.seeds() - from;
    out.printf(
        "stopped; to go on: ./dfut sim --from-seed %d --seeds %d %s%n",
        from, left, options.recipe().options());
    out.flush();
  }

  private void summary(Campaign campaign, boolean broken) {
    Campaign.Progress so = campaign.progress();
    out.printf(
        "commit %s; %s; seeds %d to %d: %d seeds, %d steps (%d a seed) in %.1f s, %.0f seeds/s,"
            + " %.0f steps/s; %s%n",
        System.getProperty("dfut.sim.commit", "unknown"),
        options.recipe().options(),
        options.first(),
        so.goOnFrom() - 1,
        so.seeds(),
        so.steps(),
        so.stepsPerSeed(),
        so.seconds(),
        so.seedsPerSecond(),
        so.steps() / Math.max(so.seconds(), 1e-3),
        broken ? "a promise was broken" : "every promise was kept");
    campaign.seen().sorted().forEach((what, count) -> out.printf("  %-40s %d%n", what, count));
  }

  private void shrunk(Shrink.Failing smallest) {
    out.println("the smallest run found that breaks one, too, of " + smallest.steps() + " steps:");
    out.println("  ./dfut sim --seed " + smallest.seed() + " " + smallest.recipe().options());
  }

  private int broken(Campaign.Found found) {
    out.println(found.violation().getMessage());
    out.println("seed " + found.seed() + ", profile " + options.recipe().profile(found.seed()));
    out.println("to repeat it with a log of its messages:");
    out.println("  ./dfut sim --seed " + found.seed() + " " + options.recipe().options());
    if (options.shrinks()) {
      shrunk(new Shrink(SHRINK_NANOS).smallest(options.recipe(), found.seed(), found.violation()));
    }
    return EXIT_BROKEN;
  }
}
