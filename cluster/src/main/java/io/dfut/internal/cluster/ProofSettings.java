package io.dfut.internal.cluster;

import io.dfut.internal.config.ConfigReader;
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
  private static final String LOCK_DIRECTORY_RANGE =
      "auto, off, or the absolute path of a directory that exists";

  private static final String PREFIX = "dfut.cluster.proof-of-death.";

  /** Memory, so never a file system of another host. */
  private static final Path SHARED_MEMORY = Path.of("/dev/shm");

  static ProofSettings of(ConfigReader read) {
    ProofSettings settings =
        new ProofSettings(
            read.flag(PREFIX + "enabled"),
            directory(
                read.string(
                    PREFIX + "lock-directory", ProofSettings::isDirectory, LOCK_DIRECTORY_RANGE)),
            read.positive(PREFIX + "lock-poll"),
            new ProofMachine.Timing(
                read.positive(PREFIX + "pause"), read.positive(PREFIX + "refusal-lasts")));
    if (settings.timing().refusal().compareTo(settings.timing().pause()) < 0) {
      throw read.refuse(
          PREFIX + "refusal-lasts",
          "at least " + PREFIX + "pause, " + settings.timing().pause() + ", to be heard again",
          null);
    }
    return settings;
  }

  private static boolean isDirectory(String configured) {
    return switch (configured) {
      case "off", "false", "no", "auto" -> true;
      default ->
          configured.startsWith("/")
              && configured.indexOf('\0') < 0
              && Files.isDirectory(Path.of(configured));
    };
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
