package io.dfut.scenarios;

/** {@link TaskScenarios} in one JVM. */
@RunsOn(Place.LOCAL)
final class TaskLocalTest extends TaskScenarios {}
