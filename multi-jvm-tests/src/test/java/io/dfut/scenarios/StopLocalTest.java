package io.dfut.scenarios;

/** {@link StopScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class StopLocalTest extends StopScenarios {}
