package io.dfut.scenarios;

/** {@link LifetimeScenarios} on a cluster of two nodes. */
@RunsOn(Place.TWO_NODES)
final class LifetimeTwoNodesTest extends LifetimeScenarios {}
