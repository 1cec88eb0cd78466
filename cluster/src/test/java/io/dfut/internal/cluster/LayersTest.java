package io.dfut.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class LayersTest {
  private static Config layer(String users) {
    return Layers.layer(ConfigFactory.parseString(users).withFallback(ConfigFactory.load()));
  }

  @Test
  void whatWeWantOfPekkoGoesOverItsDefaults() {
    Config layered = layer("");

    assertThat(layered.getString("pekko.actor.provider")).isEqualTo("cluster");
    assertThat(layered.getDuration("pekko.cluster.gossip-interval"))
        .isEqualTo(Duration.ofMillis(200));
    assertThat(layered.getString("pekko.cluster.split-brain-resolver.active-strategy"))
        .isEqualTo("keep-majority");
  }

  @Test
  void whatTheUserSetForPekkoGoesOverOurs() {
    Config layered = layer("pekko.cluster.gossip-interval = 1 s, pekko.loglevel = INFO");

    assertThat(layered.getDuration("pekko.cluster.gossip-interval"))
        .isEqualTo(Duration.ofSeconds(1));
    assertThat(layered.getString("pekko.loglevel"))
        .as("also where it is the same as Pekko's default")
        .isEqualTo("INFO");
  }

  @Test
  void whatTheUserSetForOursGoesOverOurDefaults() {
    assertThat(layer("dfut.pekko.loglevel = DEBUG").getString("pekko.loglevel")).isEqualTo("DEBUG");
  }

  @Test
  void keysWithDotsInThemSurvive() {
    Config layered =
        layer("pekko.actor.serialization-bindings { \"com.acme.Message\" = jackson-cbor }");

    assertThat(layered.getString("pekko.actor.serialization-bindings.\"com.acme.Message\""))
        .isEqualTo("jackson-cbor");
    assertThat(
            layered.getString(
                "pekko.actor.serialization-bindings.\"io.dfut.internal.cluster.Wire\""))
        .isEqualTo("dfut-wire");
  }

  @Test
  void aSettingThatCannotBeIsRefusedByName() {
    assertThatThrownBy(() -> ClusterSettings.of(layer("dfut.cluster.port = 70000")))
        .hasMessage(
            "dfut.cluster.port is 70000 (String: 1); it must be a whole number from 0 to 65535");
    assertThatThrownBy(() -> ClusterSettings.of(layer("dfut.cluster.join-timeout = 0 s")))
        .hasMessageContaining("dfut.cluster.join-timeout is \"0 s\" (String: 1); it must be");
    assertThatThrownBy(() -> ClusterSettings.of(layer("dfut.cluster.system-name = \"a b\"")))
        .hasMessageContaining("dfut.cluster.system-name is \"a b\" (String: 1); it must be");
    assertThatThrownBy(() -> ClusterSettings.of(layer("dfut.cluster.join = [here]")))
        .hasMessageContaining("dfut.cluster.join is \"here\"; it must be host:port");
  }
}
