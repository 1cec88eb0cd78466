package io.dfut.internal.explore;

import java.util.List;

/**
 * What is explored in one go.
 *
 * @param name of the scenario
 * @param tells what happens in it, in a line
 * @param nodes the node of each worker: the driver, and two others
 * @param driver what the first worker does
 * @param crashes how many workers or nodes may die
 * @param repeats how many messages may come twice, or be overtaken
 */
record Scenario(
    String name, String tells, List<Integer> nodes, Script driver, int crashes, int repeats) {
  Scenario {
    nodes = List.copyOf(nodes);
  }

  Scenario withFaults(int otherCrashes, int otherRepeats) {
    return new Scenario(name, tells, nodes, driver, otherCrashes, otherRepeats);
  }
}
