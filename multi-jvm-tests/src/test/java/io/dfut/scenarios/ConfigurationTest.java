package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import io.dfut.DFutSystem;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/**
 * Every key of every module's {@code reference.conf} with values that it cannot have. The keys are
 * read from there, so that a new one fails the test until it is said here what it cannot be.
 */
@Timeout(120)
final class ConfigurationTest {
  /** Stands in every value of a wrong type, to be found in the message. */
  private static final String MARKER = "marker";

  /** Names in it are the user's own. */
  private static final String RESOURCES = "dfut.resources";

  /** What a key cannot be: texts for a wrong type, and values that are out of its range. */
  private static final Map<String, List<String>> WRONG = wrong();

  private static Map<String, List<String>> wrong() {
    Map<String, List<String>> wrong = new TreeMap<>();
    String table =
        """
        dfut.cpus                                        marker | -1 | 1.00001
        dfut.resources                                   marker | [1]
        dfut.namespace                                   "" | [1]
        dfut.tasks.allow                                 marker | [""] | 5
        dfut.values.allow                                marker | [""] | 5
        dfut.worker.max-pending-tasks                    marker | 0 | -1 | 3000000000
        dfut.worker.inline                               marker | 2
        dfut.worker.inline-depth-max                     marker | -1 | 1001
        dfut.ownership.handover-grace                    marker | -1 s | 40000 d
        dfut.ownership.message-transit                   marker | 0 | -1 s | 40000 d
        dfut.lineage.max-bytes                           marker | -1
        dfut.lease.idle-timeout                          marker | -1 s | 40000 d
        dfut.lease.spillback-hops-max                    marker | -1 | 101
        dfut.lease.behind-max                            marker | -1 s | 40000 d
        dfut.lease.tasks-in-flight-max                   marker | 0 | 1001
        dfut.lease.tasks-in-flight-remote-max            marker | 0 | 10001
        dfut.lease.requests-max                          marker | 0 | 10001
        dfut.lease.tenure-min                            marker | -1 s | 40000 d
        dfut.lease.awaiting-arguments-max                marker | -1 | 1000001
        dfut.scheduler.infeasible-timeout                marker | -1 s | 40000 d
        dfut.scheduler.tick                              marker | 0 | -1 s | 40000 d
        dfut.scheduler.pack-threshold                    marker | -0.1 | 1.1
        dfut.scheduler.idle-workers-max                  marker | -1 | 1000001
        dfut.actors.directory-timeout                    marker | 0 | -1 s | 40000 d
        dfut.close-timeout                               marker | 0 | -1 s | 40000 d
        dfut.drain.timeout                               marker | 0 | -1 s | 40000 d
        dfut.tasks.stop-report-after                     marker | 0 | -1 s | 40000 d
        dfut.tasks.out-of-memory-retries                 marker | -2 | 2147483648
        dfut.store.memory                                marker | 0 | -1 | 1 KiB | 1 TiB
        dfut.store.shared-memory                         marker | "" | "relative/path"
        dfut.store.inline-limit                          marker | -1 | 1 MiB
        dfut.store.views-share                           marker | -0.1 | 1.1
        dfut.store.put-timeout                           marker | 0 | -1 s | 2 h
        dfut.store.collect-garbage                       marker | 2
        dfut.store.spill.directories                     marker | 5 | ["/nowhere/at/all"]
        dfut.store.spill.threshold                       marker | -0.1 | 1.1
        dfut.store.spill.batch                           marker | 0 | -1
        dfut.store.spill.batch-objects                   marker | 0 | 1000001
        dfut.store.spill.threads                         marker | 0 | 65
        dfut.store.spill.min-free                        marker | -1
        dfut.store.spill.retry                           marker | 0 | -1 s | 2 h
        dfut.store.waiters-max                           marker | 0 | 10000001
        dfut.store.pull.max-bytes-in-flight              marker | 0 | -1
        dfut.store.pull.chunk                            marker | 1 KiB | 17 MiB
        dfut.store.pull.connections-per-peer             marker | 0 | 65
        dfut.store.pull.timeout                          marker | 0 | -1 s | 2 h
        dfut.store.pull.peer-wait                        marker | -1 s | 1 h
        dfut.store.data.host                             "" | [1]
        dfut.store.data.port                             marker | -1 | 65536
        dfut.store.data.public-port                      marker | -1 | 65536
        dfut.store.data.connections-max                  marker | 0 | 100001
        dfut.store.data.connect-timeout                  marker | 0 | -1 s | 1 h
        dfut.store.data.handshake-timeout                marker | 0 | -1 s | 1 h
        dfut.store.data.chunk-timeout                    marker | 0 | -1 s | 1 h
        dfut.store.data.idle-timeout                     marker | 0 | -1 s | 2 d
        dfut.store.data.unix-sockets                     marker | 5
        dfut.tls.enabled                                 marker | 2
        dfut.tls.key-store                               [1]
        dfut.tls.key-store-password-file                 [1]
        dfut.tls.trust-store                             [1]
        dfut.tls.trust-store-password-file               [1]
        dfut.tls.check-host-names                        marker | 2
        dfut.tls.protocols                               marker | []
        dfut.tls.cipher-suites                           marker | [""]
        dfut.insecure                                    marker | yes | on
        dfut.cluster.host                                "" | [1]
        dfut.cluster.port                                marker | -1 | 65536
        dfut.cluster.join                                marker | ["marker"] | ["host:0"] | [":1"]
        dfut.cluster.join-timeout                        marker | 0 | -1 s | 40000 d
        dfut.cluster.nodes-min                           marker | 0 | 10001
        dfut.cluster.meet-timeout                        marker | 0 | -1 s | 40000 d
        dfut.cluster.leave-timeout                       marker | 0 | -1 s | 40000 d
        dfut.cluster.system-name                         "" | "a b" | [1]
        dfut.cluster.hello-pause                         marker | 0 | -1 s | 40000 d
        dfut.cluster.outbox-messages-max                 marker | 0 | 3000000000
        dfut.cluster.batch-messages-max                  marker | 0 | 3000000000
        dfut.cluster.proof-of-death.enabled              marker | 2
        dfut.cluster.proof-of-death.lock-directory       marker | "/nowhere/at/all"
        dfut.cluster.proof-of-death.lock-poll            marker | 0 | -1 s | 40000 d
        dfut.cluster.proof-of-death.pause                marker | 0 | -1 s | 40000 d
        dfut.cluster.proof-of-death.refusal-lasts        marker | 0 | -1 s | 40000 d
        dfut.cluster.wire-version                        marker | 1
        """;
    for (String line : table.lines().toList()) {
      String[] columns = line.split("\\s+", 2);
      wrong.put(columns[0], Stream.of(columns[1].split("\\|")).map(String::strip).toList());
    }
    return wrong;
  }

  /** All keys but those that are Pekko's. */
  private static Set<String> keys() {
    Set<String> keys = new TreeSet<>();
    collect("dfut", ConfigFactory.defaultReferenceUnresolved().getObject("dfut"), keys);
    keys.removeIf(key -> key.startsWith("dfut.pekko."));
    return keys;
  }

  private static void collect(String path, ConfigObject section, Set<String> keys) {
    for (Map.Entry<String, ConfigValue> entry : section.entrySet()) {
      String key = path + "." + ConfigUtil.joinPath(entry.getKey());
      if (entry.getValue() instanceof ConfigObject inner && !inner.isEmpty()) {
        collect(key, inner, keys);
      } else {
        keys.add(key);
      }
    }
  }

  /**
   * Every node has its own of these for as long as it runs. The threads of pools come and go, also
   * those of nodes that an earlier test has closed.
   */
  private static Set<Thread> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().matches("dfut-(scheduler-.*|witness|data-accept.*)"))
        .collect(Collectors.toSet());
  }

  private static void assertNothingWasStartedSince(Set<Thread> before) {
    await("the end of what was refused")
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(before).containsAll(threads()));
  }

  @Test
  void itIsSaidOfEveryKeyWhatItCannotBe() {
    assertThat(WRONG.keySet()).isEqualTo(keys());
    assertThat(keys()).hasSizeGreaterThan(70);
  }

  @Test
  @Tag("C317")
  @DisplayName("317: every key refuses a wrong type and what is out of its range")
  void everyKeyRefusesWhatItCannotBe() {
    Set<Thread> before = threads();
    SoftAssertions all = new SoftAssertions();
    WRONG.forEach(
        (key, values) -> {
          refuses(all, key, values, DFutSystem::start);
          if (!key.startsWith("dfut.cluster.") && !key.equals("dfut.insecure")) {
            refuses(all, key, values, DFutSystem::local);
          }
        });
    all.assertAll();
    assertNothingWasStartedSince(before);
  }

  private static void refuses(
      SoftAssertions all, String key, List<String> values, Function<Config, DFutSystem> start) {
    List<String> each = new ArrayList<>(values);
    if (!key.equals(RESOURCES)) {
      each.add("{ " + MARKER + " = 1 }");
    }
    for (String value : each) {
      Config config = ConfigFactory.parseString(key + " = " + value);
      String shown = value.startsWith("{") ? MARKER : value.replaceAll("[\\[\\]\"]", "").strip();
      all.assertThatThrownBy(() -> start.apply(config).close())
          .as("%s = %s", key, value)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(key)
          .hasMessageContaining(shown)
          .hasMessageMatching("(?s).*(must be|allowed: |cannot be set|names no directory).*");
    }
  }

  @Test
  void whatContradictsItselfIsRefusedNamingTheKeys() {
    Set<Thread> before = threads();
    SoftAssertions all = new SoftAssertions();
    Map<String, List<String>> contradictions =
        Map.of(
            "dfut.cluster.port = 25999, dfut.store.data.port = 25999",
            List.of("dfut.store.data.port is 25999", "dfut.cluster.port"),
            "dfut.cluster.proof-of-death { pause = 2 s, refusal-lasts = 1 s }",
            List.of("refusal-lasts is \"1 s\"", "proof-of-death.pause"),
            "dfut.tls.enabled = on",
            List.of("dfut.tls.key-store is not set"),
            "pekko.remote.artery.transport = tls-tcp",
            List.of("pekko.remote.artery.transport is tls-tcp", "dfut.tls.enabled is off"),
            "dfut.cluster.host = \"0.0.0.0\"",
            List.of("dfut.cluster.host is 0.0.0.0", "dfut.tls.enabled is off", "dfut.insecure"),
            "dfut.store.data.host = \"0.0.0.0\"",
            List.of("dfut.store.data.host is 0.0.0.0", "dfut.tls.enabled is off", "dfut.insecure"),
            "pekko.remote.artery.bind.hostname = \"0.0.0.0\"",
            List.of("pekko.remote.artery.bind.hostname is 0.0.0.0", "dfut.insecure"),
            "pekko.actor.allow-java-serialization = on",
            List.of("pekko.actor.allow-java-serialization is on", "switch it off"),
            "dfut.resources.\"role:press\" = 1",
            List.of("dfut.resources.\"role:press\" is 1", "pekko.cluster.roles"));
    contradictions.forEach(
        (text, expected) -> {
          for (String part : expected) {
            all.assertThatThrownBy(() -> DFutSystem.start(ConfigFactory.parseString(text)).close())
                .as(text)
                .isInstanceOfAny(IllegalArgumentException.class, IllegalStateException.class)
                .hasMessageContaining(part);
          }
        });
    all.assertAll();
    assertNothingWasStartedSince(before);
  }

  @Test
  void anUnknownKeyIsWarnedOfWithItsPlaceAndWhatMayBeMeant() {
    Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    root.addAppender(log);
    Config config =
        ConfigFactory.parseString(
            """
            dfut.cpus = 1
            dfut.cluster.prot = 25520
            dfut.tls.key-store-password = "a secret"
            dfut.shop.orders = 5
            dfut.resources.anything = 1
            """);
    try {
      DFutSystem.local(config).close();
    } finally {
      root.detachAppender(log);
    }
    List<String> warnings =
        List.copyOf(log.list).stream()
            .filter(event -> event.getLevel() == Level.WARN)
            .map(ILoggingEvent::getFormattedMessage)
            .toList();
    assertThat(warnings)
        .as("one line each: %s", warnings)
        .hasSize(3)
        .anyMatch(line -> line.matches("dfut.cluster.prot is no key .*String: 2.*cluster.port .*"))
        .anyMatch(line -> line.startsWith("dfut.tls.key-store-password is no key of DFut"))
        .anyMatch(line -> line.startsWith("dfut.shop is no key of DFut"));
    assertThat(warnings.stream().collect(Collectors.joining()))
        .as("what stands at a key that is not known may be anything")
        .doesNotContain("a secret");
  }

  @Test
  void whatIsPekkosIsRefusedToo() {
    assertThatThrownBy(
            () ->
                DFutSystem.start(
                    ConfigFactory.parseString("dfut.pekko.cluster.gossip-interval = marker")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("gossip-interval")
        .hasMessageContaining("marker");
  }
}
