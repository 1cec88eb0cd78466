package io.dfut.scenarios;

/** {@link SchedulingScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class SchedulingLocalTest extends SchedulingScenarios {}
