package io.dfut.scenarios;

/** {@link HandleScenarios} on a cluster of two nodes. */
@RunsOn(Place.TWO_NODES)
final class HandleTwoNodesTest extends HandleScenarios {}
