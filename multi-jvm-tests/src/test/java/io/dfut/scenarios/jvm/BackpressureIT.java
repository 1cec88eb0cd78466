package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.internal.cluster.launch.JvmProcess;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A driver that submits far more than its heap could hold. */
@Timeout(240)
final class BackpressureIT {
  /** With {@code -Ddfut.test.tasks=10000000} it takes about a minute. */
  private static final int TASKS = Integer.getInteger("dfut.test.tasks", 1_000_000);

  private static final int PENDING_MAX = 20_000;

  @Test
  void aDriverThatSubmitsWithoutEndWaitsInsteadOfFillingTheHeap() {
    try (JvmProcess driver =
        JvmProcess.of(
                "submitter",
                EndlessSubmitterProgram.class,
                Integer.toString(TASKS),
                Integer.toString(PENDING_MAX))
            .flags("-Xmx64m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
            .start()) {
      String held = driver.awaitLine(line -> line.startsWith("held at "), Duration.ofSeconds(60));
      assertThat(Integer.parseInt(held.substring("held at ".length())))
          .isBetween(PENDING_MAX - 1, PENDING_MAX);
      String done = driver.awaitLine(line -> line.startsWith("done: "), Duration.ofSeconds(200));
      System.out.println("64 MiB of heap, " + done);
      assertThat(done).startsWith("done: " + TASKS + " tasks").endsWith("last " + (TASKS - 1));
    }
  }
}
