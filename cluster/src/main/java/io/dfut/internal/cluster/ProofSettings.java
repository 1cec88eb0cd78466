package io.dfut.internal.cluster;

import com.typesafe.config.Config;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * What is configured below {@code dfut.cluster.proof-of-death}, checked. Immutable.
 *
 * @param locks the directory for life locks; empty for none
 */
record ProofSettings(
    boolean enabled, Optional<Path> locks, Duration lockPoll, ProofMachine.Timing timing) {
  private static final String PREFIX = "proof-of-death.";

  /** Memory, so never a file system of another host. */
  private static final Path SHARED_MEMORY = Path.of("/dev/shm");

  static ProofSettings of(Config cluster) {
    return new ProofSettings(
        cluster.getBoolean(PREFIX + "enabled"),
        directory(cluster.getString(PREFIX + "lock-directory")),
        ClusterSettings.positive(cluster, PREFIX + "lock-poll"),
        new ProofMachine.Timing(
            ClusterSettings.positive(cluster, PREFIX + "pause"),
            ClusterSettings.positive(cluster, PREFIX + "refusal-lasts")));
  }

  private static Optional<Path> directory(String configured) {
    return switch (configured) {
      case "off", "false", "no" -> Optional.empty();
      case "auto" ->
          Optional.of(
              Files.isWritable(SHARED_MEMORY)
                  ? SHARED_MEMORY
                  : Path.of(System.getProperty("java.io.tmpdir")));
      default -> Optional.of(Path.of(configured));
    };
  }
}
