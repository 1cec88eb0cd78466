package io.dfut.scenarios;

/** {@link FailureScenarios} on a cluster of two nodes. */
@RunsOn(Place.TWO_NODES)
final class FailureTwoNodesTest extends FailureScenarios {}
