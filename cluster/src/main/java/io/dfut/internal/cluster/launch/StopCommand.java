package io.dfut.internal.cluster.launch;

import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.internal.runtime.Systems;

/** {@code ./dfut stop}: joins as a driver, has a node drain, and waits until it has left. */
final class StopCommand {
  private final Command.Stop stop;

  StopCommand(Command.Stop stop) {
    this.stop = stop;
  }

  void run() {
    Programs.requireListener(stop.node());
    NodeId node;
    try (DFutSystem dfut = DFutSystem.connect(stop.node().toString())) {
      node =
          dfut.nodes().stream()
              .filter(one -> one.address().equals(stop.node().toString()))
              .findFirst()
              .orElseThrow(
                  () ->
                      new IllegalStateException(
                          stop.node()
                              + " is no node of this cluster: it has left, or is a driver, which"
                              + " its own program closes; the nodes are "
                              + dfut.nodes()));
      System.out.printf("node %s drains%n", node);
      System.out.flush();
      Systems.drain(dfut, node).join(); // its own bound ends this
    }
    System.out.printf("node %s has left%n", node);
    System.out.flush();
  }
}
