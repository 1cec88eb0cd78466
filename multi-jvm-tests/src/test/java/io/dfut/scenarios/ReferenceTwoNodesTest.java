package io.dfut.scenarios;

/** {@link ReferenceScenarios} on a cluster of two nodes. */
@RunsOn(Place.TWO_NODES)
final class ReferenceTwoNodesTest extends ReferenceScenarios {}
