package io.dfut.scenarios;

/** {@link CancelScenarios} on a cluster of two nodes. */
@RunsOn(Place.TWO_NODES)
final class CancelTwoNodesTest extends CancelScenarios {}
