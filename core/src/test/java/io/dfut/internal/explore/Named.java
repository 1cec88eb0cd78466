package io.dfut.internal.explore;

/** A constant of a model: a {@link Fingerprint} takes its name and does not look inside. */
public interface Named {
  String name();
}
