package io.dfut.scenarios;

/** {@link TaskScenarios} on a cluster of two nodes. */
@RunsOn(Place.TWO_NODES)
final class TaskTwoNodesTest extends TaskScenarios {}
