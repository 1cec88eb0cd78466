package io.dfut.scenarios;

/** {@link ActorLifeScenarios} on a cluster of two nodes. */
@RunsOn(Place.TWO_NODES)
final class ActorLifeTwoNodesTest extends ActorLifeScenarios {}
