package io.dfut.scenarios;

/** {@link StopScenarios} on a cluster of two nodes. */
@RunsOn(Place.TWO_NODES)
final class StopTwoNodesTest extends StopScenarios {}
