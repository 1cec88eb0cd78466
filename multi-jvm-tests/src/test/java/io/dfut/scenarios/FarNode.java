package io.dfut.scenarios;

import com.typesafe.config.ConfigFactory;
import io.dfut.ActorHandle;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.SharedDFut;
import io.dfut.internal.cluster.JvmExit;
import io.dfut.internal.cluster.launch.JvmProcess;
import io.dfut.internal.codec.ClassFilter;
import io.dfut.internal.codec.References;
import io.dfut.internal.codec.ValueCodecs;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;

/** A node in a JVM of its own, which can be looked at and killed. Thread-safe. */
final class FarNode implements AutoCloseable {
  /** For a JVM to start, on a machine that has other things to do. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final String READY = "ready ";

  // What it can be asked for, over its line.
  private static final int LOOK = 1;
  private static final int LEAVE = 2;

  private final JvmProcess process;
  private Socket line;
  private NodeId node;

  private FarNode(JvmProcess process) {
    this.process = process;
  }

  /**
   * Starts the JVM, without waiting for it.
   *
   * @param join the address of a node of the cluster
   * @param settings what differs from {@link Habitat#config}, as {@code path=value}
   */
  static FarNode start(String name, int cpus, String join, List<String> settings) {
    String[] properties = settings.stream().map(setting -> "-D" + setting).toArray(String[]::new);
    return new FarNode(
        JvmProcess.of(name, Program.class, join, Integer.toString(cpus))
            .flags("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
            .flags("-D" + Signals.PORT + "=" + Signals.port())
            .flags(properties)
            .start());
  }

  /** Waits until it is a member of the cluster. */
  synchronized FarNode ready() {
    if (line == null) {
      String said = process.awaitLine(text -> text.startsWith(READY), PATIENCE);
      int port = Integer.parseInt(said.substring(READY.length()));
      try {
        line = new Socket(InetAddress.getLoopbackAddress(), port);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      node = inspect().node();
    }
    return this;
  }

  NodeId node() {
    return ready().node;
  }

  synchronized Inspection inspect() {
    try {
      line.getOutputStream().write(LOOK);
      DataInputStream answer = new DataInputStream(line.getInputStream());
      return Snapshot.decode(answer.readNBytes(answer.readInt())).asInspection(this::inspect);
    } catch (IOException e) {
      throw new UncheckedIOException(process + " cannot be looked at", e);
    }
  }

  /** What it has logged as errors. */
  List<String> errors() {
    return process.lines().stream().filter(text -> text.contains(" ERROR ")).toList();
  }

  /** Has it leave the cluster in an orderly way, and do so a second time; returns its exit code. */
  synchronized OptionalInt leave() {
    try {
      line.getOutputStream().write(LEAVE);
    } catch (IOException e) {
      throw new UncheckedIOException(process + " cannot be told to leave", e);
    }
    return process.awaitExit(PATIENCE);
  }

  /** Ends it as a crash would. */
  void kill() {
    process.kill();
  }

  @Override
  public void close() {
    process.close();
  }

  @Override
  public String toString() {
    return process + " with " + node;
  }

  /** What can be seen of a node, on its way to the test. */
  record Snapshot(
      NodeId node,
      List<Inspection.Row> rows,
      List<Inspection.Pending> pending,
      List<Inspection.Attempt> attempts,
      List<Inspection.Lease> leases,
      List<Inspection.Actor> actors,
      Inspection.Store store,
      long tasksRun) {
    private static final ValueCodecs CODECS =
        new ValueCodecs(
            ClassFilter.everything(), FarNode.class.getClassLoader(), ValueCodecs.Limits.DEFAULT);

    /** A snapshot holds ids, but no handles. */
    private static final class NoHandles implements References.Sink, References.Source {
      @Override
      public ObjectId shared(SharedDFut<?> handle) {
        throw new IllegalStateException("a handle: " + handle);
      }

      @Override
      public References.Actor actor(ActorHandle<?> handle) {
        throw new IllegalStateException("a handle: " + handle);
      }

      @Override
      public SharedDFut<?> shared(ObjectId id) {
        throw new IllegalStateException("a reference: " + id);
      }

      @Override
      public ActorHandle<?> actor(References.Actor actor) {
        throw new IllegalStateException("a reference: " + actor);
      }
    }

    static Snapshot of(Inspection now) {
      return new Snapshot(
          now.node(),
          now.rows(),
          now.pending(),
          now.attempts(),
          now.leases(),
          now.actors(),
          now.store(),
          now.tasksRun());
    }

    byte[] encode() {
      return CODECS.encode(this, new NoHandles()).toByteArray();
    }

    static Snapshot decode(byte[] bytes) {
      return (Snapshot) CODECS.decode(MemorySegment.ofArray(bytes), new NoHandles());
    }

    Inspection asInspection(java.util.function.Supplier<Inspection> again) {
      return new Inspection(node, rows, pending, attempts, leases, actors, store, tasksRun, again);
    }
  }

  /** What runs in the other JVM. Ends with the test's JVM. */
  static final class Program {
    private Program() {}

    /** The address of a node to join, and the number of slots. */
    public static void main(String[] args) throws IOException {
      JvmExit.watchStatus();
      DFutSystem system =
          DFutSystem.start(
              ConfigFactory.parseString(Habitat.joining(args[0]))
                  .withFallback(Habitat.config(Integer.parseInt(args[1]))));
      ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
      Thread.ofPlatform().name("lookout").daemon().start(() -> answer(server, system));
      System.out.println(READY + server.getLocalPort());
      while (System.in.read() >= 0) {
        // only the end counts
      }
      Runtime.getRuntime().halt(0);
    }

    private static void answer(ServerSocket server, DFutSystem system) {
      try (Socket line = server.accept()) {
        InputStream questions = line.getInputStream();
        DataOutputStream answers = new DataOutputStream(line.getOutputStream());
        for (int question = questions.read(); question >= 0; question = questions.read()) {
          if (question == LEAVE) {
            system.close();
            system.close();
            System.exit(0);
          }
          byte[] snapshot = Snapshot.of(system.inspect()).encode();
          answers.writeInt(snapshot.length);
          answers.write(snapshot);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
