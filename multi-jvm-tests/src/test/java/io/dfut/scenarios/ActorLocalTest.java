package io.dfut.scenarios;

/** {@link ActorScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class ActorLocalTest extends ActorScenarios {}
