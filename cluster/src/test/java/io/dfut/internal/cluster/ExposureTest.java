package io.dfut.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExposureTest {
  private static final String CANONICAL = "pekko.remote.artery.canonical.hostname";

  private static Config config(String more) {
    return ConfigFactory.parseString(more)
        .withFallback(
            ConfigFactory.parseString(CANONICAL + " = \"127.0.0.1\"")
                .withFallback(Layers.layer(ConfigFactory.load())));
  }

  @Test
  void loopbackNeedsNothing() {
    Exposure.check(config(""));
    Exposure.check(config(CANONICAL + " = localhost, dfut.store.data.host = \"::1\""));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        CANONICAL + " = \"0.0.0.0\"",
        CANONICAL + " = \"10.0.0.7\"",
        CANONICAL + " = \"a name that nobody knows\"",
        "pekko.remote.artery.bind.hostname = \"0.0.0.0\"",
        "dfut.store.data.host = \"::\"",
      })
  void whatOthersCanReachNeedsTlsOrAWord(String exposed) {
    assertThatThrownBy(() -> Exposure.check(config(exposed)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("which other hosts can reach")
        .hasMessageContaining("dfut.tls")
        .hasMessageContaining("dfut.insecure = yes-i-mean-it");
    assertThatThrownBy(() -> Exposure.check(config(exposed + "\ndfut.insecure = off")))
        .isInstanceOf(IllegalStateException.class);
    assertThatCode(() -> Exposure.check(config(exposed + "\ndfut.insecure = yes-i-mean-it")))
        .doesNotThrowAnyException();
    assertThatCode(
            () ->
                Exposure.check(
                    config(
                        exposed
                            + "\ndfut.tls.enabled = on"
                            + "\npekko.remote.artery.transport = tls-tcp")))
        .doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(strings = {"dfut.tls.enabled = on", "pekko.remote.artery.transport = tls-tcp"})
  void halfIsRefusedNamingBoth(String half) {
    assertThatThrownBy(() -> Exposure.check(config(half)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("dfut.tls.enabled is")
        .hasMessageContaining("pekko.remote.artery.transport is");
  }

  @Test
  void anotherTransportIsNotSecuredInSilence() {
    Config config = config("pekko.remote.artery.transport = aeron-udp");
    assertThat(Exposure.secure(config)).isSameAs(config);
  }

  @Test
  void limitsOfTheProcessAreNamedWithTheFigures() {
    ProcessLimits.descriptors(1024, 100);
    assertThatThrownBy(() -> ProcessLimits.descriptors(150, 100))
        .hasMessageContaining("may open 150 files and sockets, and has 100")
        .hasMessageContaining("ulimit -n");
    ProcessLimits.directMemory(0, 1 << 20, 4 << 20); // nothing is set
    ProcessLimits.directMemory(8 << 20, 1 << 20, 4 << 20);
    assertThatThrownBy(() -> ProcessLimits.directMemory(4 << 20, 1 << 20, 4 << 20))
        .hasMessageContaining("-XX:MaxDirectMemorySize is 4194304, of which 1048576 are used");
  }
}
