package io.dfut.scenarios;

/** {@link FailureScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class FailureLocalTest extends FailureScenarios {}
