package io.dfut.testkit.guide;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.testkit.DFutCluster;
import io.dfut.testkit.DFutNode;
import io.dfut.testkit.DFutNodes;
import io.dfut.testkit.HangWatch;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

// region cluster
@DFutCluster(nodes = 3, cpus = 2)
class CounterIT {
  static final class Counter extends DFutActor<Void> {
    private int count;

    int add(int by) {
      return count += by;
    }

    NodeId where() {
      return DFutContext.current().node();
    }
  }

  DFutSystem dfut; // the driver, in this JVM
  DFutNodes nodes;

  @Test
  void theCounterComesBackWhenItsNodeDies() {
    ActorHandle<Counter> counter =
        dfut.actor(Counter::new).maxRestarts(1).maxTaskRetries(-1).create();
    assertEquals(2, counter.task(Counter::add).submit(2).get());
    NodeId first = counter.task(Counter::where).submit().get();

    nodes.get(first).kill(); // at once, as a crash would

    assertEquals(3, counter.task(Counter::add).submit(3).get(), "its fields are new");
    assertTrue(!counter.task(Counter::where).submit().get().equals(first));
  }

  // endregion

  // region nodes
  @Test
  void aNodeThatDrainsKeepsWhatItHasForOthers() {
    DFutNode node = nodes.get(0);
    DFut<byte[]> made = dfut.task(CounterIT::make).on(node.nodeId()).maxRetries(0).submit(1 << 20);
    dfut.await(List.of(made), 1, Duration.ofSeconds(10)); // it is there, and nowhere else
    node.stop(); // SIGTERM: it drains and leaves
    assertEquals(1 << 20, made.get().length);
    node.restart();
    assertTrue(dfut.nodes().contains(node.nodeId()), "with another id");
  }

  static byte[] make(int bytes) {
    return new byte[bytes];
  }

  // endregion

  @Test
  void nothingHangs() {
    // region hang-watch
    DFut<byte[]> made = dfut.task(CounterIT::make).submit(1_000);
    HangWatch.assertNoHang(dfut, Duration.ofSeconds(10)); // also without the extension
    // endregion
    assertEquals(1_000, made.get().length);
  }
}
