package io.dfut.scenarios;

/** {@link LifetimeScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class LifetimeLocalTest extends LifetimeScenarios {}
