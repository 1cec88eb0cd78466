package io.dfut.internal.runtime;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigUtil;
import io.dfut.internal.api.Resources;
import io.dfut.internal.config.ConfigReader;
import io.dfut.internal.lease.LeaseLimits;
import io.dfut.internal.ownership.WorkerLimits;
import java.time.Duration;
import java.util.List;

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
    Duration stopReportAfter,
    Duration schedulerTick,
    Duration directoryTimeout,
    Duration closeTimeout,
    Duration drainTimeout,
    long inlineLimit,
    double viewsShare,
    boolean collectsGarbage) {
  private static final String PREFIXES = "a list of prefixes of class names";

  /**
   * @param root the whole configuration, resolved
   * @throws IllegalArgumentException when a value cannot be what it is
   */
  static Settings read(Config root) {
    ConfigReader read = new ConfigReader(root);
    Resources resources = Resources.NONE;
    String amounts = "a number of 0 or more in steps of 0.0001";
    String cpus = read.string("dfut.cpus", text -> true, amounts + ", or auto");
    resources =
        cpus.equals("auto")
            ? resources.with(Resources.CPU, Runtime.getRuntime().availableProcessors())
            : amount(read, "dfut.cpus", Resources.CPU, resources, amounts + ", or auto");
    for (String name : read.names("dfut.resources", "a section of names and amounts")) {
      String path = "dfut.resources." + ConfigUtil.joinPath(name);
      if (name.startsWith(Resources.ROLE)) {
        throw read.refuse(
            path, "a role among pekko.cluster.roles: names that begin so are those of roles", null);
      }
      resources = amount(read, path, name, resources, amounts);
    }
    return new Settings(
        root,
        resources,
        read.string("dfut.namespace", text -> !text.isBlank(), "a name"),
        read.strings("dfut.tasks.allow", PREFIXES),
        read.strings("dfut.values.allow", PREFIXES),
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
            read.bytes("dfut.lineage.max-bytes", 0, Long.MAX_VALUE),
            read.integer("dfut.tasks.out-of-memory-retries", -1, Integer.MAX_VALUE)),
        new LeaseLimits(
            read.integer("dfut.lease.spillback-hops-max", 0, 100),
            read.duration("dfut.scheduler.infeasible-timeout").toNanos(),
            read.duration("dfut.lease.tenure-min").toNanos(),
            read.integer("dfut.scheduler.idle-workers-max", 0, 1_000_000),
            read.integer("dfut.lease.awaiting-arguments-max", 0, 1_000_000),
            read.share("dfut.scheduler.pack-threshold")),
        read.duration("dfut.lease.behind-max"),
        read.positive("dfut.tasks.stop-report-after"),
        read.positive("dfut.scheduler.tick"),
        read.positive("dfut.actors.directory-timeout"),
        read.positive("dfut.close-timeout"),
        read.positive("dfut.drain.timeout"),
        read.bytes("dfut.store.inline-limit", 0, 192 * 1024),
        read.share("dfut.store.views-share"),
        read.flag("dfut.store.collect-garbage"));
  }

  private static Resources amount(
      ConfigReader read, String path, String name, Resources into, String what) {
    double value = read.get(path, () -> read.root().getDouble(path), what);
    try {
      return into.with(name, value);
    } catch (IllegalArgumentException e) {
      throw read.refuse(path, what, e);
    }
  }
}
