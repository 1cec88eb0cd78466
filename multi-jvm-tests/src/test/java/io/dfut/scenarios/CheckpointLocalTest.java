package io.dfut.scenarios;

/** {@link CheckpointScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class CheckpointLocalTest extends CheckpointScenarios {}
