package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.SharedDFut;
import io.dfut.StoreFullException;
import io.dfut.TaskFailedException;
import io.dfut.internal.cluster.launch.JvmProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
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
    return node("full");
  }

  private static JvmProcess node(String name, String... join) {
    return JvmProcess.of(name, NodeProgram.class, join)
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

  private static String address(JvmProcess node) {
    return node.awaitLine(line -> line.startsWith("ready "), PATIENCE).substring("ready ".length());
  }

  private static DFutSystem connect(JvmProcess node) {
    return DFutSystem.connect(
        address(node), ConfigFactory.parseString("dfut.values.allow = [\"io.dfut.\"]"));
  }

  private static String nodeOf(byte[] argument) {
    return DFutContext.current().node().address();
  }

  /** Submits where it runs, so that it is that node's scheduler which is asked first. */
  private static List<String> nodesOf(List<SharedDFut<byte[]>> arguments) {
    List<String> nodes = new ArrayList<>();
    for (SharedDFut<byte[]> argument : arguments) {
      try (DFut<byte[]> borrowed = argument.borrow();
          DFut<String> node =
              DFutContext.current().task(FullStoreIT::nodeOf).cpus(0.25).submit(borrowed)) {
        nodes.add(node.get(PATIENCE));
      }
    }
    return nodes;
  }

  @Test
  @Tag("C264")
  @DisplayName("264 tasks whose arguments do not fit into a full store run on another node")
  void tasksGoWhereTheirArgumentsFit() {
    try (JvmProcess full = node();
        JvmProcess roomy = node("roomy", address(full));
        DFutSystem dfut = connect(full)) {
      await("both are known")
          .atMost(PATIENCE)
          .until(
              () ->
                  dfut.nodes().stream()
                      .map(NodeId::address)
                      .toList()
                      .containsAll(List.of(address(full), address(roomy))));
      NodeId there =
          dfut.nodes().stream()
              .filter(node -> node.address().equals(address(full)))
              .findAny()
              .orElseThrow();
      List<DFut<byte[]>> held = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        held.add(dfut.task(Bodies::bytes).on(there).submit(i, LENGTH));
      }
      held.forEach(future -> await("it is made").atMost(PATIENCE).until(future::isReady));
      List<DFut<byte[]>> arguments =
          IntStream.range(0, 4).mapToObj(i -> dfut.put(Bodies.bytes(i, LENGTH))).toList();
      try (DFut<List<String>> nodes =
          dfut.task(FullStoreIT::nodesOf)
              .cpus(0.5)
              .on(there)
              .submit(arguments.stream().map(DFut::share).toList())) {
        assertThat(nodes.get(PATIENCE)).containsOnly(address(roomy));
      }
    }
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
