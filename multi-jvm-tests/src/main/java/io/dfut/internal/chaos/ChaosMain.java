package io.dfut.internal.chaos;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.security.SecureRandom;

/** What {@code ./dfut chaos} runs. */
public final class ChaosMain {
  private static final int EXIT_BROKEN = 1;

  /** As shells have it for a wrong command line. */
  private static final int EXIT_USAGE = 2;

  private static final int SEEDS = 1_000_000_000;

  private ChaosMain() {}

  /** See {@link ChaosOptions#USAGE}. */
  public static void main(String[] arguments) {
    System.exit(run(System.out, System.err, arguments));
  }

  /**
   * Does what the arguments say.
   *
   * @return the code that the process ends with
   */
  public static int run(PrintStream out, PrintStream err, String... arguments) {
    ChaosOptions options;
    try {
      options = ChaosOptions.parse(new SecureRandom().nextInt(SEEDS), arguments);
    } catch (IllegalArgumentException e) {
      err.println("dfut: " + e.getMessage() + "; ./dfut chaos --help tells more");
      return EXIT_USAGE;
    }
    if (options.help()) {
      out.print(ChaosOptions.USAGE);
      return 0;
    }
    ChaosRun run = new ChaosRun(options, out);
    boolean kept = run.run();
    out.println(run.summary());
    if (options.json().isPresent()) {
      try {
        Files.writeString(options.json().get(), run.summary().json() + "\n");
      } catch (IOException e) {
        err.println("dfut: the summary cannot be written to " + options.json().get() + ": " + e);
        return EXIT_USAGE;
      }
    }
    return kept ? 0 : EXIT_BROKEN;
  }
}
