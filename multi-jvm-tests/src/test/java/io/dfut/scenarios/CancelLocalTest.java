package io.dfut.scenarios;

/** {@link CancelScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class CancelLocalTest extends CancelScenarios {}
