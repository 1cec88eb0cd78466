package io.dfut.scenarios;

/** {@link ActorLifeScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class ActorLifeLocalTest extends ActorLifeScenarios {}
