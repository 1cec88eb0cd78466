package io.dfut.internal.sim;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/**
 * How a seed becomes a run: from which family its profile is drawn, and what is set by hand.
 *
 * @param length of the programs
 * @param settings parts of the profile by name, which replace what the seed draws
 */
record Recipe(Family family, Length length, Map<String, String> settings) {
  /** What may happen. */
  enum Family {
    /** Delays and orders only. */
    CALM,
    /** Faults too. */
    CRASHING,
    /** Even seeds are calm, odd ones are not. */
    ALL;

    String word() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** How much is done. */
  enum Length {
    SHORT,
    LONG
  }

  Recipe {
    settings = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(settings));
  }

  static Recipe of(Family family) {
    return new Recipe(family, Length.SHORT, Map.of());
  }

  Recipe with(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(settings);
    more.put(name, value);
    return new Recipe(family, length, more);
  }

  Profile profile(long seed) {
    return profile(new Random(seed), seed);
  }

  private Profile profile(Random random, long seed) {
    boolean calm = family == Family.CALM || family == Family.ALL && seed % 2 == 0;
    Profile profile = calm ? Profile.calm(random) : Profile.crashing(random);
    if (length == Length.LONG) {
      profile = profile.longer(random);
    }
    for (Map.Entry<String, String> setting : settings.entrySet()) {
      profile = profile.with(setting.getKey(), setting.getValue());
    }
    return profile;
  }

  /** A run that can be started. */
  Sim sim(long seed, Counters seen, boolean logging) {
    return sim(seed, seen, logging, MapStore::new);
  }

  Sim sim(long seed, Counters seen, boolean logging, SimStore.Factory stores) {
    Random random = new Random(seed);
    return new Sim(seed, profile(random, seed), random, seen, logging, stores);
  }

  /** The part of a command line that says this. */
  String options() {
    StringBuilder text = new StringBuilder("--profile ").append(family.word());
    if (length == Length.LONG) {
      text.append(" --long");
    }
    if (!settings.isEmpty()) {
      text.append(" --with ");
      text.append(
          String.join(
              ",",
              settings.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList()));
    }
    return text.toString();
  }
}
