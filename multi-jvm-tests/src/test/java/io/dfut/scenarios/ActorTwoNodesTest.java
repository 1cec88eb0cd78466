package io.dfut.scenarios;

/** {@link ActorScenarios} on a cluster of two nodes. */
@RunsOn(Place.TWO_NODES)
final class ActorTwoNodesTest extends ActorScenarios {}
