package io.dfut.internal.cluster.launch;

import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigValueFactory;
import io.dfut.internal.cluster.HostAndPort;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;

/** Reads the command line. Not thread-safe: one use each. */
final class CommandLine {
  static final String USAGE =
      """
      usage: ./dfut COMMAND [OPTION...]

      demo [--local] [--input FILE|DIR] [OPTION...]
          Starts a cluster of three JVMs on this machine, searches the JDK's sources with it, and
          stops it again. With --local, the same in one JVM. `./dfut sample search --help` tells
          of further options.

      start [OPTION...]
          Starts a node and runs it until Ctrl-C, SIGTERM or `stop`; it drains first.
            --port P               its port (default: a free one)
            --host H               its address for other machines (default 127.0.0.1)
            --join HOST:PORT       a node to join through; may be repeated (default: a new cluster)
            --cpus N               what it offers to tasks (default: the machine's)
            --memory SIZE          of its object store, such as 512M or 2G (default: a share)
            --resource NAME=N      a further resource that it offers; may be repeated
            --app JAR...           the application's jars
            --allow PREFIX...      classes that others may have run here, such as com.acme.
                                   (default: the packages of the application's jars)
            --with-parent          stop, too, when standard input ends

      run [--local | --cluster HOST:PORT] [--app JAR...] [--allow PREFIX...] MAIN [ARGUMENT...]
          Runs a program; what it starts with DFutSystem.local() is the cluster, if one is named.

      sample NAME [ARGUMENT...]
          Runs one of the samples, such as quickstart or search.

      inspect HOST:PORT
          Shows what the nodes of a cluster hold: objects with their owners, holders and the lines
          that made them, leases, actors, stores, and references that only keep each other.

      stop HOST:PORT
          Has that node leave its cluster and waits until it has: it takes no new work, its tasks run
          to their end, what it stores and its actors move to others, for up to dfut.drain.timeout.
          SIGTERM to the node does the same.

      bench NAME [OPTION...]
          Runs a benchmark: refs (what references cost), store (what moving values costs), tasks
          (what tasks and actor calls within one JVM cost), remote (the same between two JVMs),
          growth (how costs grow with slots, JVMs, tasks in flight, their length, and owners) or
          recovery (how soon work goes on after a node was killed).
          `./dfut bench refs --help` tells of its options; docs/benchmarks.md what it measures.

      sim [--seeds N] [--from-seed S] [--profile P] [--seed X] [OPTION...]
          Runs random programs on a simulated cluster of the real machines, one for each seed, and
          checks every promise. `./dfut sim --help` tells of its options; docs/simulation.md tells
          what is simulated and checked.

      chaos [--minutes N] [--nodes N] [--seed S] [OPTION...]
          Runs random programs with known answers on JVMs that it starts, and that it kills, freezes
          and cuts off meanwhile; fails on any wrong answer, anything that does not end, and anything
          that is left. `./dfut chaos --help` tells of its options; docs/reliability.md of its runs.

      --help, --version

      Further settings: JAVA_HOME, and DFUT_JAVA_OPTS for the JVM; -Dkey=value in there for any key
      of DFut, for example DFUT_JAVA_OPTS="-Ddfut.cluster.join-timeout=30s".
      """;

  private static final List<String> COMMANDS =
      List.of(
          "demo",
          "start",
          "run",
          "sample",
          "inspect",
          "stop",
          "bench",
          "sim",
          "chaos",
          "--help",
          "--version");

  private final Deque<String> rest;

  private CommandLine(String... arguments) {
    rest = new ArrayDeque<>(List.of(arguments));
  }

  /**
   * Reads a command line.
   *
   * @throws UsageException when it cannot be understood
   */
  static Command parse(String... arguments) {
    return new CommandLine(arguments).command();
  }

  private Command command() {
    if (rest.isEmpty()) {
      throw new UsageException("no command; there are " + String.join(", ", COMMANDS));
    }
    String name = rest.pop();
    return switch (name) {
      case "start" -> start();
      case "run" -> run();
      case "demo" -> demo();
      case "sample" -> sample();
      case "inspect" -> inspect();
      case "stop" -> stop();
      case "bench" -> bench();
      case "sim" -> new Command.Sim(List.copyOf(rest));
      case "chaos" -> new Command.Chaos(List.copyOf(rest));
      case "train" -> new Command.Train();
      case "--help", "-h", "help" -> new Command.Help();
      case "--version", "-version", "version" -> new Command.Version();
      default ->
          throw new UsageException(
              "unknown command \""
                  + name
                  + "\""
                  + nearest(name, COMMANDS)
                  + "; there are "
                  + String.join(", ", COMMANDS));
    };
  }

  private Command start() {
    Optional<String> host = Optional.empty();
    OptionalInt port = OptionalInt.empty();
    List<HostAndPort> join = new ArrayList<>();
    Optional<String> cpus = Optional.empty();
    Optional<String> memory = Optional.empty();
    SortedMap<String, Double> resources = new TreeMap<>();
    List<Path> jars = new ArrayList<>();
    List<String> allow = new ArrayList<>();
    boolean withParent = false;
    while (!rest.isEmpty()) {
      String option = rest.pop();
      switch (option) {
        case "--host" -> host = Optional.of(value(option));
        case "--port" -> port = OptionalInt.of(port(option, value(option)));
        case "--join" -> join.add(address(option, value(option)));
        case "--cpus" -> cpus = Optional.of(amount(option, value(option)));
        case "--memory" -> memory = Optional.of(size(option, value(option)));
        case "--resource" -> resource(option, value(option), resources);
        case "--app" -> jars(option, jars);
        case "--allow" -> allow.addAll(values(option));
        case "--with-parent" -> withParent = true;
        default ->
            throw unknown(
                option,
                List.of(
                    "--host",
                    "--port",
                    "--join",
                    "--cpus",
                    "--memory",
                    "--resource",
                    "--app",
                    "--allow",
                    "--with-parent"));
      }
    }
    return new Command.Start(
        host,
        port,
        join,
        cpus,
        memory,
        resources,
        new Command.Application(jars, allow),
        withParent);
  }

  private Command run() {
    boolean local = false;
    Optional<HostAndPort> cluster = Optional.empty();
    List<Path> jars = new ArrayList<>();
    List<String> allow = new ArrayList<>();
    while (!rest.isEmpty() && rest.peek().startsWith("-")) {
      String option = rest.pop();
      switch (option) {
        case "--local" -> local = true;
        case "--cluster" -> cluster = Optional.of(address(option, value(option)));
        case "--app" -> jars(option, jars);
        // One each here: what follows may be the main class.
        case "--allow" -> allow.add(value(option));
        default -> throw unknown(option, List.of("--local", "--cluster", "--app", "--allow"));
      }
    }
    if (local && cluster.isPresent()) {
      throw new UsageException("--local and --cluster exclude each other");
    }
    if (rest.isEmpty()) {
      throw new UsageException("run needs the name of a class with a main method");
    }
    String mainClass = rest.pop();
    return new Command.Run(
        cluster, new Command.Application(jars, allow), mainClass, List.copyOf(rest));
  }

  private Command demo() {
    boolean local = false;
    List<String> arguments = new ArrayList<>();
    while (!rest.isEmpty()) {
      String argument = rest.pop();
      switch (argument) {
        case "--local" -> local = true;
        case "--cluster" ->
            throw new UsageException(
                "demo starts a cluster of its own; for another: ./dfut sample search --cluster …");
        default -> arguments.add(argument);
      }
    }
    return new Command.Demo(local, arguments);
  }

  private Command inspect() {
    if (rest.size() != 1) {
      throw new UsageException("inspect needs the address of a node, HOST:PORT, and nothing else");
    }
    return new Command.Inspect(address("inspect", rest.pop()));
  }

  private Command stop() {
    if (rest.size() != 1) {
      throw new UsageException("stop needs the address of a node, HOST:PORT, and nothing else");
    }
    return new Command.Stop(address("stop", rest.pop()));
  }

  private Command sample() {
    if (rest.isEmpty() || rest.peek().startsWith("-")) {
      throw new UsageException("sample needs the name of one, such as quickstart or search");
    }
    String name = rest.pop();
    return new Command.Sample(name, List.copyOf(rest));
  }

  private Command bench() {
    if (rest.isEmpty() || rest.peek().startsWith("-")) {
      throw new UsageException("bench needs the name of one, such as refs");
    }
    return new Command.Bench(List.copyOf(rest));
  }

  private String value(String option) {
    if (rest.isEmpty() || rest.peek().startsWith("--")) {
      throw new UsageException(option + " needs a value after it");
    }
    return rest.pop();
  }

  /** Everything up to the next option, at least one. */
  private List<String> values(String option) {
    List<String> values = new ArrayList<>(List.of(value(option)));
    while (!rest.isEmpty() && !rest.peek().startsWith("--")) {
      values.add(rest.pop());
    }
    return values;
  }

  /** Jars up to the next that is none, so that a main class may follow. */
  private void jars(String option, List<Path> jars) {
    do {
      String text = value(option);
      try {
        Path jar = Path.of(text);
        if (!Files.isReadable(jar)) {
          throw new UsageException(option + " " + text + ": there is no such file to read");
        }
        jars.add(jar);
      } catch (InvalidPathException e) {
        throw new UsageException(option + " \"" + text + "\" is no path", e);
      }
    } while (!rest.isEmpty() && rest.peek().endsWith(".jar"));
  }

  private static int port(String option, String text) {
    try {
      int port = Integer.parseInt(text);
      if (port >= 0 && port <= 65_535) {
        return port;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new UsageException(option + " is \"" + text + "\"; it must be a number from 0 to 65535");
  }

  private static HostAndPort address(String option, String text) {
    try {
      return HostAndPort.parse(text, option);
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage(), e);
    }
  }

  private static String amount(String option, String text) {
    number(option, text);
    return text;
  }

  private static double number(String option, String text) {
    try {
      double number = Double.parseDouble(text);
      if (Double.isFinite(number) && number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new UsageException(option + " is \"" + text + "\"; it must be a number of 0 or more");
  }

  private static String size(String option, String text) {
    try {
      if (ConfigFactory.empty()
              .withValue("size", ConfigValueFactory.fromAnyRef(text))
              .getBytes("size")
          > 0) {
        return text;
      }
    } catch (ConfigException e) {
      // said below
    }
    throw new UsageException(option + " is \"" + text + "\"; it must be a size such as 512M or 2G");
  }

  private static void resource(String option, String text, SortedMap<String, Double> resources) {
    int equals = text.indexOf('=');
    if (equals < 1) {
      throw new UsageException(
          option + " is \"" + text + "\"; it must be NAME=AMOUNT, for example gpu=1");
    }
    resources.put(
        text.substring(0, equals),
        number(option + " " + text.substring(0, equals), text.substring(equals + 1)));
  }

  private static UsageException unknown(String option, List<String> known) {
    String what = option.startsWith("-") ? "unknown option " : "unexpected argument ";
    return new UsageException(
        what + option + nearest(option, known) + "; there are " + String.join(", ", known));
  }

  /** A guess at what was meant, for a slip of one or two letters. */
  private static String nearest(String typed, List<String> known) {
    return known.stream()
        .filter(candidate -> distance(typed, candidate) <= 2)
        .findFirst()
        .map(candidate -> ", did you mean " + candidate + "?")
        .orElse("");
  }

  private static int distance(String a, String b) {
    int[] above = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      above[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int swapped = above[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(swapped, 1 + Math.min(above[j], row[j - 1]));
      }
      above = row;
    }
    return above[b.length()];
  }
}
