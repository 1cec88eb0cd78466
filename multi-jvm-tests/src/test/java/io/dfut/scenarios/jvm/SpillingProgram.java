package io.dfut.scenarios.jvm;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The program of a driver that owns more than fits into memory, here and on another node. It does
 * not end by itself and does nothing for its end. Further settings come as system properties.
 */
public final class SpillingProgram {
  /** Values that it puts into its own store. */
  static final int PUT = 12;

  /** Results that it has on the other node. */
  static final int MADE = 30;

  static final int BYTES = 4_000_000;

  private static final Duration SOON = Duration.ofSeconds(60);

  private SpillingProgram() {}

  /** The cluster's address, and that of the other node. Says {@code owns} when all is there. */
  public static void main(String[] args) throws InterruptedException {
    DFutSystem dfut = DFutSystem.connect(args[0], ConfigFactory.empty());
    NodeId other =
        dfut.nodes().stream().filter(n -> n.address().equals(args[1])).findFirst().orElseThrow();
    List<DFut<byte[]>> owned = new ArrayList<>();
    for (int i = 0; i < PUT; i++) {
      owned.add(dfut.put(Bodies.bytes(i, BYTES)));
    }
    for (int i = 0; i < MADE; i++) {
      owned.add(dfut.task(Bodies::bytes).on(other).submit(i, BYTES));
    }
    int ready = dfut.await(owned, owned.size(), SOON).ready().size();
    System.out.println("owns " + ready);
    if (new CountDownLatch(1).await(4, TimeUnit.MINUTES)) {
      throw new IllegalStateException("nobody counts that down");
    }
  }
}
