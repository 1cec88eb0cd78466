package io.dfut.scenarios;

/** {@link ReferenceScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class ReferenceLocalTest extends ReferenceScenarios {}
