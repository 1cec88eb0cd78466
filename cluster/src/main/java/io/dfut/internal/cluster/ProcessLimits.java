package io.dfut.internal.cluster;

import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.management.UnixOperatingSystemMXBean;
import com.typesafe.config.Config;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;

/**
 * Whether the process may take what a node needs. Found out before anything is started: later it
 * would be some thread of Pekko's that gets the error, and half of a node would be there.
 */
final class ProcessLimits {
  /** A node of few peers has some dozens: ports, peers' connections, locks, slabs. */
  static final int DESCRIPTORS_MIN = 64;

  /** Buffers of Artery, each of {@code maximum-frame-size}, for a few peers. */
  static final int FRAMES_MIN = 16;

  private ProcessLimits() {}

  /**
   * Looks at file descriptors and direct memory.
   *
   * @throws IllegalStateException naming what there is, what is needed and the way out
   */
  static void check(Config config) {
    if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system) {
      descriptors(system.getMaxFileDescriptorCount(), system.getOpenFileDescriptorCount());
    }
    HotSpotDiagnosticMXBean hotspot =
        ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
    if (hotspot != null) {
      directMemory(
          Long.parseLong(hotspot.getVMOption("MaxDirectMemorySize").getValue()),
          used(),
          FRAMES_MIN * config.getBytes("pekko.remote.artery.advanced.maximum-frame-size"));
    }
  }

  private static long used() {
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .filter(pool -> pool.getName().equals("direct"))
        .mapToLong(BufferPoolMXBean::getMemoryUsed)
        .sum();
  }

  static void descriptors(long most, long open) {
    if (most - open < DESCRIPTORS_MIN) {
      throw new IllegalStateException(
          "this process may open "
              + most
              + " files and sockets, and has "
              + open
              + "; a node needs "
              + DESCRIPTORS_MIN
              + " more at least: raise the limit (ulimit -n)");
    }
  }

  /**
   * @param most 0 when nothing is set: then it is as much as the heap
   */
  static void directMemory(long most, long used, long needed) {
    if (most > 0 && most - used < needed) {
      throw new IllegalStateException(
          "-XX:MaxDirectMemorySize is "
              + most
              + ", of which "
              + used
              + " are used; messages between nodes need "
              + needed
              + " more at least: raise it");
    }
  }
}
