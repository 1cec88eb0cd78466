package io.dfut.scenarios;

/** {@link ReferenceScenarios} on three JVMs. */
@RunsOn(Place.THREE_JVMS)
final class ReferencesIT extends ReferenceScenarios {}
