package io.dfut.scenarios;

/** {@link ContextScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class ContextLocalTest extends ContextScenarios {}
