package io.dfut.internal.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Reads one key at a time, with a complaint that names the key, its value, where that stands, and
 * what it may be. Immutable.
 *
 * @param root the whole configuration, resolved
 */
public record ConfigReader(Config root) {
  /** Longer ones do not fit into the nanoseconds that machines count in. */
  public static final Duration DURATION_MAX = Duration.ofDays(36_500);

  /** A text. */
  public String string(String path, Predicate<String> allowed, String what) {
    String text = get(path, () -> root.getString(path), what);
    if (!allowed.test(text)) {
      throw refuse(path, what, null);
    }
    return text;
  }

  /** A list of texts, none of them blank. */
  public List<String> strings(String path, String what) {
    List<String> values = get(path, () -> root.getStringList(path), what);
    for (String value : values) {
      if (value.isBlank()) {
        throw refuse(path, what + ", none of them blank", null);
      }
    }
    return List.copyOf(values);
  }

  /** On or off. */
  public boolean flag(String path) {
    return get(path, () -> root.getBoolean(path), "on or off");
  }

  /** A whole number. */
  public int integer(String path, int least, int most) {
    String what = "a whole number from " + least + " to " + most;
    int value = get(path, () -> root.getInt(path), what);
    if (value < least || value > most) {
      throw refuse(path, what, null);
    }
    return value;
  }

  /** A size. */
  public long bytes(String path, long least, long most) {
    String what = "a size from " + least + " to " + most + " bytes, such as 100 KiB";
    long value = get(path, () -> root.getBytes(path), what);
    if (value < least || value > most) {
      throw refuse(path, what, null);
    }
    return value;
  }

  /** A number from 0 to 1. */
  public double share(String path) {
    String what = "a number from 0 to 1";
    double value = get(path, () -> root.getDouble(path), what);
    if (!(value >= 0 && value <= 1)) {
      throw refuse(path, what, null);
    }
    return value;
  }

  /** A time that may be zero. */
  public Duration duration(String path) {
    return duration(path, Duration.ZERO, "a duration from 0 to " + DURATION_MAX.toDays() + " d");
  }

  /** A time above zero. */
  public Duration positive(String path) {
    return duration(
        path,
        Duration.ofNanos(1),
        "a duration above 0, up to " + DURATION_MAX.toDays() + " d, such as 10 s");
  }

  private Duration duration(String path, Duration least, String what) {
    Duration value = get(path, () -> root.getDuration(path), what);
    if (value.compareTo(least) < 0 || value.compareTo(DURATION_MAX) > 0) {
      throw refuse(path, what, null);
    }
    return value;
  }

  /** The names in a section. */
  public Set<String> names(String path, String what) {
    return get(path, () -> root.getObject(path), what).keySet();
  }

  /** Whatever a getter gives; its complaint becomes ours. */
  public <T> T get(String path, Supplier<T> getter, String what) {
    try {
      return getter.get();
    } catch (ConfigException e) {
      throw refuse(path, what, e);
    }
  }

  /** The complaint about a value. */
  public IllegalArgumentException refuse(String path, String what, Throwable cause) {
    return new IllegalArgumentException(
        path + " is " + shown(path) + "; it must be " + what, cause);
  }

  /** A value with its origin. */
  private String shown(String path) {
    // Along the path, since a section above it may be no section.
    Config at = root;
    List<String> names = ConfigUtil.splitPath(path);
    for (int i = 0; i < names.size() - 1; i++) {
      String key = ConfigUtil.quoteString(names.get(i));
      if (!at.hasPath(key)) {
        return "not set";
      }
      ConfigValue value = at.getValue(key);
      if (!(value instanceof ConfigObject section)) {
        return "not set, as " + ConfigUtil.joinPath(names.subList(0, i + 1)) + " is " + text(value);
      }
      at = section.toConfig();
    }
    String last = ConfigUtil.quoteString(names.getLast());
    if (!at.hasPathOrNull(last)) {
      return "not set";
    }
    return at.getIsNull(last) ? "null" : text(at.getValue(last));
  }

  private static String text(ConfigValue value) {
    return value.render(ConfigRenderOptions.concise()) + " (" + value.origin().description() + ")";
  }
}
