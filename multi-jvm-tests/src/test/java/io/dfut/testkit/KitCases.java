package io.dfut.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.DPromise;
import io.dfut.GetTimeoutException;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.internal.runtime.Losses;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/** Tests that {@link KitTest} and {@link KitIT} run, many of which are to fail. */
final class KitCases {
  private static final Duration SOON = Duration.ofSeconds(20);

  private KitCases() {}

  static int one() {
    return 1;
  }

  static int after(Duration time) throws InterruptedException {
    new CountDownLatch(1).await(time.toMillis(), TimeUnit.MILLISECONDS);
    return 1;
  }

  static int say(String words) {
    System.out.println(words);
    return 1;
  }

  // ---- leaks ----

  @DFutLocal(cpus = 1, patience = "1 s")
  @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
  static class Leaking {
    static final List<DFutSystem> SYSTEMS = new ArrayList<>();
    static DFut<String> kept;

    @BeforeEach
    void keep(DFutSystem dfut) {
      SYSTEMS.add(dfut);
      if (SYSTEMS.size() == 1) {
        kept = dfut.put("kept");
      }
    }

    @Test
    @Order(1)
    void leaves() {}

    @Test
    @Order(2)
    void hasANewSystem() {
      assertThat(SYSTEMS.get(1)).isNotSameAs(SYSTEMS.get(0));
    }

    @Test
    @Order(3)
    void hasTheSameSystem(DFutSystem dfut) {
      assertThat(SYSTEMS.get(2)).isSameAs(SYSTEMS.get(1)).isSameAs(dfut);
    }
  }

  @DFutLocal(cpus = 1, patience = "1 s", leakCheck = false)
  static class LeakingUnchecked {
    static DFut<String> kept;

    @BeforeAll
    static void keep(DFutSystem dfut) {
      kept = dfut.put("kept");
    }

    @Test
    void leaves() {
      assertThat(kept.get()).isEqualTo("kept");
    }
  }

  @DFutLocal(cpus = 1, patience = "5 s")
  static class Dropping {
    static DFut<Integer> kept;

    @BeforeEach
    void drop(DFutSystem dfut) {
      dfut.put("dropped");
    }

    @Test
    void leavesWhatIsReleasedOrCollected(DFutSystem dfut) {
      kept = dfut.task(KitCases::one).submit();
      assertThat(kept.get()).isEqualTo(1);
    }
  }

  // ---- hangs ----

  /** A future whose request for a worker has vanished. */
  private static DFut<Integer> lost(DFutSystem dfut, Latch latch) {
    DFut<Integer> first = dfut.task(Latch::pass).submit(latch);
    await(dfut, first, Inspection.WaitsFor.Answer.class);
    DFut<Integer> second = dfut.task(KitCases::one).cpus(0.5).submit();
    await(dfut, second, Inspection.WaitsFor.Lease.class);
    Losses.loseRequest(dfut, 2);
    latch.open();
    assertThat(first.get(SOON)).isEqualTo(1);
    return second;
  }

  private static void await(
      DFutSystem dfut, DFut<?> future, Class<? extends Inspection.WaitsFor> reason) {
    Awaitility.await(future.id() + " " + reason)
        .atMost(SOON)
        .until(
            () ->
                dfut.inspect().pending().stream()
                    .anyMatch(
                        pending ->
                            pending.object().equals(future.id())
                                && reason.isInstance(pending.waitsFor())));
  }

  @DFutLocal(cpus = 1, patience = "2 s")
  static class HangingAtItsEnd {
    @Test
    void ends(DFutSystem dfut) {
      lost(dfut, new Latch("at its end"));
    }
  }

  @DFutLocal(cpus = 1, patience = "2 s")
  static class HangingInGet {
    @Test
    void blocks(DFutSystem dfut) {
      lost(dfut, new Latch("in get")).get();
    }
  }

  @DFutLocal(cpus = 1, patience = "100 ms", leakCheck = false)
  static class Slow {
    @Test
    void takesLong(DFutSystem dfut) {
      DFut<Integer> slow = dfut.task(KitCases::after).submit(Duration.ofSeconds(2));
      DFut<Integer> queued = dfut.task(KitCases::one).submit();
      assertThat(slow.get() + queued.get()).isEqualTo(2);
    }
  }

  // ---- injection ----

  @DFutLocal(cpus = 1)
  static class Injected {
    static DFutSystem shared;
    static DFutSystem atStart;
    private DFutSystem own;
    private final DFutSystem constructed;

    Injected(DFutSystem dfut) {
      constructed = dfut;
    }

    @BeforeAll
    static void start(DFutSystem dfut) {
      atStart = dfut;
    }

    private void assertAllAre(DFutSystem dfut) {
      assertThat(List.of(shared, atStart, own, constructed)).allMatch(one -> one == dfut);
    }

    @Test
    void seesThem(DFutSystem dfut) {
      assertAllAre(dfut);
    }

    @RepeatedTest(2)
    void seesThemAgain(DFutSystem dfut) {
      assertAllAre(dfut);
    }

    @TestFactory
    Stream<DynamicTest> seesThemInDynamicTests(DFutSystem dfut) {
      return Stream.of(DynamicTest.dynamicTest("dynamic", () -> assertAllAre(dfut)));
    }

    @Nested
    class Inner {
      DFutSystem inner;

      @Test
      void seesThem() {
        assertAllAre(inner);
      }
    }
  }

  @DFutLocal(cpus = 1)
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  static class OwnSystem {
    DFutSystem field;

    @BeforeAll
    void start() {
      field = DFutSystem.local(1);
    }

    @Test
    void keepsItsOwn(DFutSystem dfut) {
      assertThat(field).isNotSameAs(dfut);
      field.close();
    }
  }

  @DFutLocal(cpus = 1)
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  static class Closing {
    DFutSystem dfut;

    @RepeatedTest(2)
    void closes(DFutSystem given) {
      assertThat(dfut).isSameAs(given);
      assertThat(dfut.task(KitCases::one).submit().get()).isEqualTo(1);
      dfut.close();
    }
  }

  @DFutLocal
  static class WantsNodes {
    @Test
    void never(DFutNodes nodes) {}
  }

  // ---- mistakes ----

  @DFutLocal
  @DFutCluster
  static class Both {
    @Test
    void never() {}
  }

  @DFutLocal(patience = "soon")
  static class NoTime {
    @Test
    void never() {}
  }

  @DFutLocal(settings = "dfut.cpus = {")
  static class NoSettings {
    @Test
    void never() {}
  }

  @DFutCluster(nodes = 0)
  static class NoNodes {
    @Test
    void never() {}
  }

  // ---- failures on a cluster ----

  @DFutCluster(nodes = 1, cpus = 1)
  @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
  static class FailingOnACluster {
    static long pid;

    @Test
    @Order(1)
    void fails(DFutSystem dfut, DFutNodes nodes) {
      pid = nodes.get(0).pid();
      dfut.task(KitCases::say).submit("words of a node").get();
      DPromise<Integer> promise = dfut.promise();
      assertThat(promise.future().isReady()).as("a failure on purpose").isTrue();
    }

    @Test
    @Order(2)
    void hasANewCluster(DFutNodes nodes) {
      assertThat(nodes.get(0).pid()).isNotEqualTo(pid);
      assertThat(ProcessHandle.of(pid).filter(ProcessHandle::isAlive)).isEmpty();
    }
  }

  @DFutCluster(
      nodes = 3,
      cpus = 1,
      partitions = true,
      patience = "1 s",
      leakCheck = false,
      allow = "io.dfut.")
  static class CutForLong {
    static int oneAt(NodeId node) {
      return DFutContext.current().task(KitCases::one).on(node).submit().get();
    }

    @Test
    void goesOn(DFutSystem dfut, DFutNodes nodes) {
      nodes.partition(nodes.get(1), nodes.get(2));
      DFut<Integer> one =
          dfut.task(CutForLong::oneAt).on(nodes.get(1).nodeId()).submit(nodes.get(2).nodeId());
      assertThatThrownBy(() -> one.get(Duration.ofSeconds(4)))
          .isInstanceOf(GetTimeoutException.class);
      nodes.heal();
      assertThat(one.get(SOON)).isEqualTo(1);
    }
  }

  @DFutCluster(nodes = 1, cpus = 1, startTimeout = "20 s", settings = "dfut.lease.idle-timeout = x")
  static class NotStarting {
    @Test
    void never() {}
  }
}
