package io.dfut.scenarios;

/** {@link CheckpointScenarios} on a cluster of two nodes. */
@RunsOn(Place.TWO_NODES)
final class CheckpointTwoNodesTest extends CheckpointScenarios {}
