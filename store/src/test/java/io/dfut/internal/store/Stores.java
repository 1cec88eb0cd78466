package io.dfut.internal.store;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.internal.spi.ObjectStore.Pinned;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;

/** Opens stores in one actor system and closes them all. */
final class Stores implements AutoCloseable {
  private final ActorTestKit kit = ActorTestKit.create();
  private final List<SlabObjectStore> opened = new ArrayList<>();

  static Config config(String overrides) {
    return ConfigFactory.parseString(overrides)
        .withFallback(
            ConfigFactory.parseString(
                    "memory = 16 MiB, spill.directories = [], shared-memory = off")
                .atPath("store"))
        .withFallback(ConfigFactory.load().getConfig("dfut"));
  }

  /** One without a network. */
  SlabObjectStore open(int node, String overrides) {
    return open(node, overrides, Optional.empty(), SpillFiles.DISKS);
  }

  /** One without a network, with such disks. */
  SlabObjectStore open(int node, String overrides, SpillFiles.Disk disk) {
    return open(node, overrides, Optional.empty(), disk);
  }

  /** One whose peers are all the others that were opened with a transport. */
  SlabObjectStore open(int node, String overrides, DataTransport transport) {
    return open(node, overrides, Optional.of(transport), SpillFiles.DISKS);
  }

  private SlabObjectStore open(
      int node, String overrides, Optional<DataTransport> transport, SpillFiles.Disk disk) {
    StoreSettings settings = StoreSettings.of(config(overrides));
    SlabObjectStore store =
        SlabObjectStoreProvider.open(kit.system(), settings, Keys.node(node), transport, disk);
    opened.add(store);
    return store;
  }

  ActorTestKit kit() {
    return kit;
  }

  static Pinned get(CompletionStage<Pinned> stage) throws Exception {
    return stage.toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  /** Nothing may be pinned by a reader or wait any more. */
  static void assertNoLeaks(SlabObjectStore store) {
    store.checkInvariants();
    assertThat(store.contents().values())
        .allSatisfy(why -> assertThat(why).isIn("primary", "secondary"));
  }

  @Override
  public void close() {
    opened.forEach(SlabObjectStore::close);
    kit.shutdownTestKit();
  }
}
