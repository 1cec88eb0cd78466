package io.dfut.internal.runtime;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigValue;
import io.dfut.internal.api.Resources;
import io.dfut.internal.lease.LeaseLimits;
import io.dfut.internal.ownership.WorkerLimits;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * The configuration below {@code dfut}, read and checked once at start. Every complaint names the
 * key, its value, and what is allowed. Immutable.
 */
record Settings(
    Config config,
    Resources resources,
    String namespace,
    List<String> tasksAllow,
    List<String> valuesAllow,
    int maxPendingTasks,
    boolean inline,
    int inlineDepthMax,
    WorkerLimits workerLimits,
    LeaseLimits leaseLimits,
    Duration behindMax,
    Duration schedulerTick,
    Duration directoryTimeout,
    Duration closeTimeout,
    Duration drainTimeout,
    long inlineLimit,
    double viewsShare,
    boolean collectsGarbage) {

  /**
   * @param root the whole configuration, resolved
   * @throws IllegalArgumentException when a value cannot be what it is
   */
  static Settings read(Config root) {
    Reader read = new Reader(root);
    Resources resources = Resources.NONE;
    String cpus = read.string("dfut.cpus", text -> true, "a number of 0 or more, or auto");
    resources =
        cpus.equals("auto")
            ? resources.with(Resources.CPU, Runtime.getRuntime().availableProcessors())
            : read.amount("dfut.cpus", Resources.CPU, resources);
    for (Map.Entry<String, ConfigValue> entry : root.getObject("dfut.resources").entrySet()) {
      String path = "dfut.resources." + quoted(entry.getKey());
      if (entry.getKey().startsWith(Resources.ROLE)) {
        throw read.refuse(
            path, "a role among pekko.cluster.roles: names that begin so are those of roles", null);
      }
      resources = read.amount(path, entry.getKey(), resources);
    }
    return new Settings(
        root,
        resources,
        read.string("dfut.namespace", text -> !text.isBlank(), "a name"),
        read.strings("dfut.tasks.allow"),
        read.strings("dfut.values.allow"),
        read.integer("dfut.worker.max-pending-tasks", 1, Integer.MAX_VALUE),
        read.flag("dfut.worker.inline"),
        read.integer("dfut.worker.inline-depth-max", 0, 1000),
        new WorkerLimits(
            read.duration("dfut.lease.idle-timeout").toNanos(),
            read.integer("dfut.lease.tasks-in-flight-max", 1, 1000),
            read.integer("dfut.lease.tasks-in-flight-remote-max", 1, 10_000),
            read.integer("dfut.lease.requests-max", 1, 10_000),
            read.duration("dfut.ownership.handover-grace").toNanos(),
            read.positive("dfut.ownership.message-transit").toNanos(),
            read.bytes("dfut.lineage.max-bytes", 0, Long.MAX_VALUE)),
        new LeaseLimits(
            read.integer("dfut.lease.spillback-hops-max", 0, 100),
            read.duration("dfut.scheduler.infeasible-timeout").toNanos(),
            read.duration("dfut.lease.tenure-min").toNanos(),
            read.integer("dfut.scheduler.idle-workers-max", 0, 1_000_000),
            read.integer("dfut.lease.awaiting-arguments-max", 0, 1_000_000),
            read.share("dfut.scheduler.pack-threshold")),
        read.duration("dfut.lease.behind-max"),
        read.positive("dfut.scheduler.tick"),
        read.positive("dfut.actors.directory-timeout"),
        read.positive("dfut.close-timeout"),
        read.positive("dfut.drain.timeout"),
        read.bytes("dfut.store.inline-limit", 0, 192 * 1024),
        read.share("dfut.store.views-share"),
        read.flag("dfut.store.collect-garbage"));
  }

  private static String quoted(String key) {
    return com.typesafe.config.ConfigUtil.joinPath(key);
  }

  /** Reads one key at a time, with a complaint that helps. */
  private record Reader(Config root) {
    String string(String path, Predicate<String> allowed, String what) {
      String text = get(path, () -> root.getString(path), what);
      if (!allowed.test(text)) {
        throw refuse(path, what, null);
      }
      return text;
    }

    List<String> strings(String path) {
      List<String> values =
          get(path, () -> root.getStringList(path), "a list of class name prefixes");
      for (String value : values) {
        if (value.isBlank()) {
          throw refuse(path, "prefixes that are not blank", null);
        }
      }
      return List.copyOf(values);
    }

    boolean flag(String path) {
      return get(path, () -> root.getBoolean(path), "on or off");
    }

    int integer(String path, int least, int most) {
      String what = "a whole number from " + least + " to " + most;
      int value = get(path, () -> root.getInt(path), what);
      if (value < least || value > most) {
        throw refuse(path, what, null);
      }
      return value;
    }

    long bytes(String path, long least, long most) {
      String what = "a size from " + least + " to " + most + " bytes, such as 100 KiB";
      long value = get(path, () -> root.getBytes(path), what);
      if (value < least || value > most) {
        throw refuse(path, what, null);
      }
      return value;
    }

    double share(String path) {
      String what = "a number from 0 to 1";
      double value = get(path, () -> root.getDouble(path), what);
      if (!(value >= 0 && value <= 1)) {
        throw refuse(path, what, null);
      }
      return value;
    }

    Duration duration(String path) {
      Duration value = get(path, () -> root.getDuration(path), "a duration, such as 100 ms");
      if (value.isNegative()) {
        throw refuse(path, "a duration that is not negative", null);
      }
      return value;
    }

    Duration positive(String path) {
      Duration value = duration(path);
      if (value.isZero()) {
        throw refuse(path, "a duration above zero", null);
      }
      return value;
    }

    Resources amount(String path, String name, Resources into) {
      String what = "a number of 0 or more in steps of 0.0001";
      double value = get(path, () -> root.getDouble(path), what);
      try {
        return into.with(name, value);
      } catch (IllegalArgumentException e) {
        throw refuse(path, what, e);
      }
    }

    private <T> T get(String path, java.util.function.Supplier<T> getter, String what) {
      try {
        return getter.get();
      } catch (ConfigException e) {
        throw refuse(path, what, e);
      }
    }

    private IllegalArgumentException refuse(String path, String what, Throwable cause) {
      String value =
          root.hasPathOrNull(path)
              ? (root.getIsNull(path)
                  ? "null"
                  : root.getValue(path).render(com.typesafe.config.ConfigRenderOptions.concise()))
              : "not set";
      String where =
          root.hasPath(path) ? " (" + root.getValue(path).origin().description() + ")" : "";
      return new IllegalArgumentException(
          path + " is " + value + where + "; it must be " + what, cause);
    }
  }
}
