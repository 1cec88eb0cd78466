package io.dfut.internal.cluster.launch;

import io.dfut.internal.cluster.HostAndPort;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;

/** What the command line asks for. Made by {@link CommandLine}. */
sealed interface Command {
  /**
   * The user's own code.
   *
   * @param jars beside the library's own
   * @param allow prefixes of classes that other nodes may have run and created here; when empty,
   *     the packages of the jars
   */
  record Application(List<Path> jars, List<String> allow) {
    public Application {
      jars = List.copyOf(jars);
      allow = List.copyOf(allow);
    }
  }

  /**
   * Be a node until told to stop.
   *
   * @param withParent stop, too, when standard input ends: whoever started this is gone
   */
  record Start(
      Optional<String> host,
      OptionalInt port,
      List<HostAndPort> join,
      Optional<String> cpus,
      Optional<String> memory,
      SortedMap<String, Double> resources,
      Application application,
      boolean withParent)
      implements Command {}

  /**
   * Run a program.
   *
   * @param cluster any node of the cluster to run on; empty for this JVM alone
   */
  record Run(
      Optional<HostAndPort> cluster,
      Application application,
      String mainClass,
      List<String> arguments)
      implements Command {}

  /** Run the search on a cluster of three JVMs, or in this one. */
  record Demo(boolean local, List<String> arguments) implements Command {}

  /** Run one of our samples. */
  record Sample(String name, List<String> arguments) implements Command {}

  /**
   * Look into all nodes of a cluster.
   *
   * @param cluster any of them
   */
  record Inspect(HostAndPort cluster) implements Command {}

  /**
   * Have a node leave its cluster.
   *
   * @param node its address
   */
  record Stop(HostAndPort node) implements Command {}

  /** Run one of our benchmarks. */
  record Bench(List<String> arguments) implements Command {}

  /** Run the simulator, which reads its own options. */
  record Sim(List<String> arguments) implements Command {}

  /** Run programs on nodes that are killed meanwhile; it reads its own options. */
  record Chaos(List<String> arguments) implements Command {}

  /** Start and stop everything once, so that a class cache can be made of what was loaded. */
  record Train() implements Command {}

  /** Tell what there is. */
  record Help() implements Command {}

  /** Tell which version this is. */
  record Version() implements Command {}
}
