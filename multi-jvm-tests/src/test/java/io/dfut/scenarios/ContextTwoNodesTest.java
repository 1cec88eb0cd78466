package io.dfut.scenarios;

/** {@link ContextScenarios} on a cluster of two nodes. */
@RunsOn(Place.TWO_NODES)
final class ContextTwoNodesTest extends ContextScenarios {}
