package io.dfut.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.ObjectId;
import io.dfut.ObjectLostException;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An argument's only copy vanishes, and its owner does not know. */
@Timeout(120)
final class LostArgumentTest {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int LENGTH = 1_000_000;
  private static final AtomicInteger MADE = new AtomicInteger();
  private static final AtomicInteger MEASURED = new AtomicInteger();

  private DFutSystem driver;
  private DFutSystem other;

  @BeforeEach
  void start() {
    MADE.set(0);
    MEASURED.set(0);
    driver = node("");
    other = node('"' + driver.node().address() + '"');
  }

  @AfterEach
  void stop() {
    other.close();
    driver.close();
  }

  private static DFutSystem node(String join) {
    return DFutSystem.start(
        ConfigFactory.parseString(
            """
            dfut.cpus = 2
            dfut.store.memory = 64 MiB
            dfut.store.shared-memory = off
            dfut.tasks.allow = ["io.dfut."]
            dfut.values.allow = ["io.dfut."]
            dfut.cluster.host = "127.0.0.1"
            dfut.cluster.port = 0
            dfut.cluster.join = [%s]
            """
                .formatted(join)));
  }

  static byte[] make(int length) {
    MADE.incrementAndGet();
    return new byte[length];
  }

  static int measure(List<byte[]> some) {
    MEASURED.incrementAndGet();
    return some.stream().mapToInt(one -> one.length).sum();
  }

  /** No public call can do that. */
  private static void loseCopy(DFutSystem node, ObjectId object, int attempt) throws Exception {
    Field runtime = node.getClass().getDeclaredField("node");
    runtime.setAccessible(true);
    Object inside = runtime.get(node);
    Method store = inside.getClass().getDeclaredMethod("store");
    store.setAccessible(true);
    ObjectKey key = new ObjectKey(object, attempt);
    ObjectStore at = (ObjectStore) store.invoke(inside);
    assertThat(at.contains(key)).isTrue();
    at.free(key);
  }

  @Test
  void itIsMadeAgainAndCostsTheTaskNoRetry() throws Exception {
    DFut<byte[]> one = driver.task(LostArgumentTest::make).on(other.node()).submit(LENGTH);
    DFut<byte[]> two = driver.task(LostArgumentTest::make).on(other.node()).submit(LENGTH);
    await("both are made").atMost(SOON).until(() -> one.isReady() && two.isReady());
    loseCopy(other, one.id(), 0);
    try (DFut<Integer> sum =
        driver
            .task(LostArgumentTest::measure)
            .on(driver.node())
            .maxRetries(0)
            .submit(DFut.all(List.of(one, two)))) {
      assertThat(sum.get(SOON)).isEqualTo(2 * LENGTH);
    }
    assertThat(MADE).as("the lost one twice, the other once").hasValue(3);
    assertThat(MEASURED).hasValue(1);
    one.close();
    two.close();
    driver.inspect().assertNoLeaks(Duration.ofSeconds(20));
    other.inspect().assertNoLeaks(Duration.ofSeconds(20));
  }

  @Test
  void whatCannotBeMadeAgainFailsItsTaskWithThatReason() throws Exception {
    DFut<byte[]> put = driver.put(new byte[LENGTH]);
    loseCopy(driver, put.id(), 0);
    try (DFut<Integer> sum =
        driver.task(LostArgumentTest::measure).on(other.node()).submit(DFut.all(List.of(put)))) {
      assertThatThrownBy(() -> sum.get(SOON))
          .isInstanceOfSatisfying(
              ObjectLostException.class,
              e ->
                  assertThat(e.reason()).isEqualTo(ObjectLostException.Reason.PUT_WITHOUT_LINEAGE));
    }
    assertThat(MEASURED).hasValue(0);
    put.close();
  }
}
