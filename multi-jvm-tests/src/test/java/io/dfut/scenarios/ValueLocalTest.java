package io.dfut.scenarios;

/** {@link ValueScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class ValueLocalTest extends ValueScenarios {}
