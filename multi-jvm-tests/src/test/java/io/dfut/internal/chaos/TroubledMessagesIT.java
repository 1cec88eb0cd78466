package io.dfut.internal.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.NodeId;
import io.dfut.internal.cluster.TroubledWireSerializer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The programs of {@code chaos} on nodes whose messages to each other are lost or late. */
@Timeout(300)
final class TroubledMessagesIT {
  private static final Duration SOON = Duration.ofSeconds(60);

  /** What of all jobs was in trouble, as the nodes say it. */
  private static List<String> kinds(ChaosCluster cluster, String verb) {
    return cluster.said().stream()
        .filter(line -> line.startsWith(verb + " "))
        .map(line -> line.substring(verb.length() + 1))
        .distinct()
        .sorted()
        .toList();
  }

  private static List<String> runAll(String trouble, String verb, int rounds) throws IOException {
    Path folder = Files.createTempDirectory("dfut-trouble-");
    Ledger ledger = Ledger.start(folder.resolve("ledger"));
    List<String> settings =
        List.of(
            "pekko.actor.serializers.dfut-wire=" + TroubledWireSerializer.class.getName(),
            TroubledWireSerializer.KEY + "=" + trouble);
    try (ChaosCluster cluster = new ChaosCluster(3, folder, settings)) {
      Set<NodeId> before = Set.copyOf(cluster.driver().nodes());
      Tally tally = new Tally();
      for (int round = 0; round < rounds; round++) {
        int seed = round;
        CompletableFuture.allOf(
                Stream.of(Job.Kind.values())
                    .map(kind -> new Job(cluster.driver(), tally, kind, seed, kind + " " + seed))
                    .map(job -> CompletableFuture.runAsync(job::run, Thread::startVirtualThread))
                    .toArray(CompletableFuture<?>[]::new))
            .join();
      }
      cluster.driver().inspectCluster(SOON).assertNoLeaks(SOON);
      assertThat(Set.copyOf(cluster.driver().nodes())).as("nobody was down").isEqualTo(before);
      assertThat(cluster.fallen()).isEmpty();
      assertThat(tally.errorsAllowed()).isEmpty();
      assertThat(ledger.repeated()).as("bodies that ran again").isZero();
      assertThat(cluster.errors()).isEmpty();
      List<String> kinds = kinds(cluster, verb);
      System.out.println(verb + ": " + kinds);
      return kinds;
    }
  }

  @Test
  @Tag("C150")
  @DisplayName("150 between real JVMs each kind of message may be lost once, on every link")
  void lostMessagesChangeNoResult() throws IOException {
    assertThat(runAll(TroubledWireSerializer.LOSE, "lost", 1))
        .contains("TaskPushed", "TaskReturned", "Borrowed", "BorrowReleased", "LeaseGranted");
  }

  @Test
  @Tag("C306")
  @DisplayName(
      "306 control messages that come up to 3 s late, of one kind at a time, change no result")
  void lateMessagesChangeNoResult() throws IOException {
    assertThat(runAll(TroubledWireSerializer.DELAY, "delayed", 2)).hasSizeGreaterThanOrEqualTo(3);
  }
}
