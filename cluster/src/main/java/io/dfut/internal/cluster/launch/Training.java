package io.dfut.internal.cluster.launch;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import java.util.ArrayList;
import java.util.List;

/**
 * Starts and uses what a node or a program starts and uses, so that the class cache that the
 * launcher makes of this run has it. Nothing here matters to a result.
 */
final class Training {
  private static final int TASKS = 300;

  private Training() {}

  private static int add(int a, int b) {
    return a + b;
  }

  static void run() {
    try (DFutSystem local = DFutSystem.local()) {
      work(local);
    }
    Config node =
        ConfigFactory.parseString(
            """
            dfut.tasks.allow = ["io.dfut."]
            dfut.values.allow = ["io.dfut."]
            dfut.cluster.host = "127.0.0.1"
            dfut.cluster.port = 0
            """);
    try (DFutSystem first = DFutSystem.start(node);
        DFutSystem second = DFutSystem.connect(first.node().address(), node)) {
      work(second);
    }
  }

  private static void work(DFutContext context) {
    List<DFut<Integer>> sums = new ArrayList<>();
    for (int i = 0; i < TASKS; i++) {
      sums.add(context.task(Training::add).submit(i, i));
    }
    sums.forEach(DFut::get);
    try (DFut<byte[]> large = context.put(new byte[1 << 20])) {
      large.get();
    }
  }
}
