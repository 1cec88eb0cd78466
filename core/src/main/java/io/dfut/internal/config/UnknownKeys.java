package io.dfut.internal.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds keys below {@code dfut} that nothing reads: a misspelt one would be obeyed by nobody, and
 * nobody would notice. What there is stands in the modules' {@code reference.conf}.
 */
public final class UnknownKeys {
  /** Sections with names of the user's own, or another library's. */
  private static final Set<List<String>> OPEN =
      Set.of(List.of("resources"), List.of("pekko"), List.of("run"));

  /** A section of a module that may be missing on the class path: then its keys are no mistake. */
  private static final Set<String> MODULES = Set.of("store", "tls", "cluster", "pekko", "insecure");

  /** How many letters may be wrong in a name that is suggested. */
  private static final int DISTANCE_MAX = 2;

  private UnknownKeys() {}

  /**
   * A sentence for each key that is unknown, with its value's origin and the nearest known one.
   *
   * @param root the whole configuration, resolved
   */
  public static List<String> in(Config root) {
    Config known = ConfigFactory.defaultReferenceUnresolved();
    List<String> found = new ArrayList<>();
    if (root.hasPath("dfut")
        && known.hasPath("dfut")
        && root.getValue("dfut") instanceof ConfigObject ours) {
      search(List.of(), ours, known.getObject("dfut"), found);
    }
    return List.copyOf(found);
  }

  private static void search(
      List<String> above, ConfigObject given, ConfigObject known, List<String> found) {
    if (OPEN.contains(above)) {
      return;
    }
    for (Map.Entry<String, ConfigValue> entry : given.entrySet()) {
      List<String> path = new ArrayList<>(above);
      path.add(entry.getKey());
      ConfigValue value = entry.getValue();
      ConfigValue standard = known.get(entry.getKey());
      if (standard == null) {
        if (!isNone(path, value)) {
          found.add(sentence(path, value, known));
        }
      } else if (value instanceof ConfigObject inner && standard instanceof ConfigObject section) {
        search(path, inner, section, found);
      }
    }
  }

  /** Whether it is a property of a tool of ours, or a key of a module that is not there. */
  private static boolean isNone(List<String> path, ConfigValue value) {
    return path.size() == 1
        && (MODULES.contains(path.getFirst())
            || (value.valueType() == ConfigValueType.OBJECT && isOfSystemProperties(value)));
  }

  private static boolean isOfSystemProperties(ConfigValue value) {
    return value instanceof ConfigObject section
        ? section.values().stream().allMatch(UnknownKeys::isOfSystemProperties)
        : value.origin().description().contains("system properties");
  }

  private static String sentence(List<String> path, ConfigValue value, ConfigObject known) {
    List<String> siblings = new ArrayList<>(path.subList(0, path.size() - 1));
    Optional<String> nearest =
        known.keySet().stream()
            .filter(name -> distance(name, path.getLast()) <= DISTANCE_MAX)
            .min(java.util.Comparator.comparingInt(name -> distance(name, path.getLast())));
    nearest.ifPresent(siblings::add);
    return "dfut."
        + ConfigUtil.joinPath(path)
        + " is no key of DFut and has no effect ("
        + value.origin().description()
        + ")"
        + nearest.map(name -> "; is dfut." + ConfigUtil.joinPath(siblings) + " meant?").orElse("");
  }

  /** Letters to insert, delete or replace. */
  private static int distance(String one, String other) {
    int[] row = new int[other.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= other.length(); j++) {
        int replaced = diagonal + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[other.length()];
  }
}
