package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.StoreFullException;
import io.dfut.TaskFailedException;
import io.dfut.internal.cluster.launch.JvmProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A store that is full of what another JVM has handles on. */
@Timeout(240)
final class FullStoreIT {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final int LENGTH = 10_000_000;

  /** The node's store holds six of them. */
  private static final int MANY = 20;

  private static JvmProcess node() {
    return JvmProcess.of("full", NodeProgram.class)
        .flags(
            "-Xmx192m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Ddfut.cpus=1",
            "-Ddfut.store.put-timeout=8s",
            "-Ddfut.store.spill.min-free=1000PiB", // no disk takes anything
            "-Ddfut.store.memory=64MiB")
        .start();
  }

  private static DFutSystem connect(JvmProcess node) {
    String address =
        node.awaitLine(line -> line.startsWith("ready "), PATIENCE).substring("ready ".length());
    return DFutSystem.connect(
        address, ConfigFactory.parseString("dfut.values.allow = [\"io.dfut.\"]"));
  }

  @Test
  void handlesThatTheDriverForgotGiveTheirRoomBack() {
    try (JvmProcess node = node();
        DFutSystem dfut = connect(node)) {
      for (int i = 0; i < MANY; i++) {
        DFut<byte[]> forgotten = dfut.task(Bodies::bytes).submit(i, LENGTH);
        assertThat(forgotten.get(PATIENCE)).isEqualTo(Bodies.bytes(i, LENGTH));
      }
    }
  }

  @Test
  void whatIsHeldIsNotGivenUpForAnything() {
    try (JvmProcess node = node();
        DFutSystem dfut = connect(node)) {
      List<DFut<byte[]>> held = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        held.add(dfut.task(Bodies::bytes).submit(i, LENGTH));
      }
      for (int i = 0; i < 6; i++) {
        assertThat(held.get(i).get(PATIENCE)).isEqualTo(Bodies.bytes(i, LENGTH));
      }
      DFut<byte[]> tooMany = dfut.task(Bodies::bytes).submit(7, LENGTH);
      assertThatThrownBy(() -> tooMany.get(PATIENCE))
          .isInstanceOfAny(StoreFullException.class, TaskFailedException.class)
          .hasStackTraceContaining(held.getFirst().id().toString());
      for (int i = 0; i < 6; i++) {
        assertThat(held.get(i).get(PATIENCE)).isEqualTo(Bodies.bytes(i, LENGTH));
      }
      held.forEach(DFut::close);
      tooMany.close();
      dfut.inspect().assertNoLeaks(Duration.ofSeconds(10));
    }
  }
}
