package io.dfut.scenarios;

/** {@link WaitScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class WaitLocalTest extends WaitScenarios {}
