package io.dfut.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.dfut.internal.cluster.launch.JvmProcess;
import io.dfut.internal.cluster.launch.Launcher;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** The cache that nodes start with. */
final class ClassCacheIT {
  @Test
  void theCacheIsMadeOnceAndTheJvmTakesIt() throws Exception {
    ClassCache cache = ClassCache.forThisClassPath();
    String[] flags = cache.flags(ClusterPlace.FLAGS);
    assumeTrue(flags.length > 0, "the launcher is in a jar, as it is once this is packaged");
    Path file = Path.of(flags[0].substring("-XX:AOTCache=".length()));
    Object made = Files.getLastModifiedTime(file);
    assertThat(cache.flags(ClusterPlace.FLAGS)).isEqualTo(flags);
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(made);

    try (JvmProcess jvm =
        JvmProcess.of("cached", Launcher.class, "--version")
            .classPath(cache.classPath())
            .flags(ClusterPlace.FLAGS.toArray(String[]::new))
            .flags(flags)
            .flags("-XX:AOTMode=on") // it does not start when it cannot use it
            .start()) {
      assertThat(jvm.awaitExit(Duration.ofSeconds(60)))
          .as("%s", jvm.lines())
          .isEqualTo(OptionalInt.of(0));
    }
  }
}
