package io.dfut.scenarios;

/** {@link ValueScenarios} on a cluster of two nodes. */
@RunsOn(Place.TWO_NODES)
final class ValueTwoNodesTest extends ValueScenarios {}
