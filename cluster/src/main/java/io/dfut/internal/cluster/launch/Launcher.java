package io.dfut.internal.cluster.launch;

import io.dfut.DFutException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/** What {@code ./dfut} runs. */
public final class Launcher {
  /** As shells have it for a wrong command line. */
  private static final int EXIT_USAGE = 2;

  private static final int EXIT_FAILED = 1;

  private Launcher() {}

  /** See {@link CommandLine#USAGE}. */
  public static void main(String[] args) throws Throwable {
    try {
      switch (CommandLine.parse(args)) {
        case Command.Start start -> new NodeCommand(start).run();
        case Command.Run run -> Programs.run(run);
        case Command.Demo demo -> new DemoCommand(demo).run();
        case Command.Sample sample -> Programs.sample(sample.name(), sample.arguments());
        case Command.Inspect inspect -> new InspectCommand(inspect).run();
        case Command.Stop stop -> new StopCommand(stop).run();
        case Command.Bench bench -> Programs.bench(bench.arguments());
        case Command.Sim sim -> Programs.sim(sim.arguments());
        case Command.Chaos chaos -> Programs.chaos(chaos.arguments());
        case Command.Train train -> Training.run();
        case Command.Help help -> System.out.print(CommandLine.USAGE);
        case Command.Version version -> System.out.println("dfut " + version());
      }
    } catch (Programs.ProgramFailure e) {
      throw e.getCause(); // the program ends as it would on its own
    } catch (UsageException e) {
      exit(EXIT_USAGE, e.getMessage() + "; ./dfut --help tells more");
    } catch (IllegalArgumentException e) {
      exit(EXIT_USAGE, e.getMessage());
    } catch (IllegalStateException | DFutException e) {
      exit(EXIT_FAILED, e.getMessage());
    }
  }

  /** Ends this JVM, whatever threads a start that failed may have left. */
  static void exit(int code, String message) {
    System.err.println("dfut: " + message);
    System.exit(code);
  }

  /** Maven puts it into the jar; without a jar there is none. */
  private static String version() {
    Properties properties = new Properties();
    try (InputStream in =
        Launcher.class.getResourceAsStream("/META-INF/maven/io.dfut/dfut-cluster/pom.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      // then it is not known
    }
    return properties.getProperty("version", "(not packaged)")
        + ", Java "
        + System.getProperty("java.version");
  }
}
