package io.dfut.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.internal.cluster.launch.JvmProcess;
import java.time.Duration;
import java.util.OptionalInt;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a JVM that ends says of that in a hook. */
@Timeout(60)
final class JvmExitTest {
  private static final Duration SOON = Duration.ofSeconds(30);

  /** What runs in the other JVM. */
  static final class Program {
    private Program() {}

    /** How it ends, and whether the status is watched. */
    public static void main(String[] args) throws InterruptedException {
      if (args[1].equals("watched")) {
        JvmExit.watchStatus();
      }
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> System.out.println("ends" + JvmExit.withStatus() + JvmExit.calledBy())));
      switch (args[0]) {
        case "stray" -> Thread.ofPlatform().name("stray").start(() -> System.exit(8));
        case "fatal" ->
            ActorSystem.create(
                Behaviors.setup(
                    context -> {
                      throw new OutOfMemoryError("in an actor");
                    }),
                "fatal");
        default -> System.out.println("waits");
      }
      Thread.currentThread().join();
    }
  }

  private static JvmProcess start(String how, String watched) {
    return JvmProcess.of(how, Program.class, how, watched)
        .flags("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
        .start();
  }

  private static void assertSays(String how, String watched, int code, String... words) {
    try (JvmProcess process = start(how, watched)) {
      String said = process.awaitLine(line -> line.startsWith("ends"), SOON);
      assertThat(said).contains(words);
      assertThat(process.awaitExit(SOON)).isEqualTo(OptionalInt.of(code));
    }
  }

  @Test
  void whoExitsIsNamedWithTheStatus() {
    assertSays(
        "stray",
        "watched",
        8,
        "ends with status 8",
        "JvmExitTest$Program",
        "called System.exit on thread stray");
  }

  @Test
  void whoExitsIsNamedWithoutTheStatusWhereThatIsNotWatched() {
    assertSays("stray", "not", 8, "endsOptional", "called System.exit on thread stray");
  }

  @Test
  void pekkosEndAfterAFatalErrorIsTold() {
    assertSays("fatal", "watched", 255, "ends with status -1", "out of memory");
  }

  @Test
  void aSignalIsNoExit() {
    try (JvmProcess process = start("waits", "watched")) {
      process.awaitLine("waits"::equals, SOON);
      process.terminate();
      assertThat(process.awaitLine(line -> line.startsWith("ends"), SOON))
          .isEqualTo("endsOptional.empty");
    }
  }
}
