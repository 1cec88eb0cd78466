package io.dfut.scenarios;

/** {@link WaitScenarios} on a cluster of two nodes. */
@RunsOn(Place.TWO_NODES)
final class WaitTwoNodesTest extends WaitScenarios {}
