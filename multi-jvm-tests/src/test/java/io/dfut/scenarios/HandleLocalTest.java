package io.dfut.scenarios;

/** {@link HandleScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class HandleLocalTest extends HandleScenarios {}
