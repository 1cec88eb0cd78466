package io.dfut.internal.store;

import com.typesafe.config.Config;
import io.dfut.NodeId;
import io.dfut.internal.spi.ObjectStore;
import io.dfut.internal.spi.ObjectStoreProvider;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;

/** Opens {@link SlabObjectStore}s; found as a service. Thread-safe. */
public final class SlabObjectStoreProvider implements ObjectStoreProvider {
  /**
   * Several stores may live in one actor system, as an embedded system may start more than one
   * runtime.
   */
  private static final AtomicLong STORES = new AtomicLong();

  /** For the service loader. */
  public SlabObjectStoreProvider() {}

  @Override
  public void check(Config dfut, boolean networked) {
    StoreSettings settings = StoreSettings.of(dfut);
    if (networked) {
      transport(settings);
    }
  }

  @Override
  public ObjectStore open(ActorSystem<?> system, Config dfut, NodeId self, boolean networked) {
    StoreSettings settings = StoreSettings.of(dfut);
    return open(
        system,
        settings,
        self,
        networked ? Optional.of(transport(settings)) : Optional.empty(),
        SpillFiles.DISKS);
  }

  /** What TCP is used with. */
  static DataTransport transport(StoreSettings settings) {
    return settings
        .tls()
        .map(TlsEngines::new)
        .<DataTransport>map(TlsTransport::new)
        .orElseGet(PlainTransport::new);
  }

  /** The same over a given transport, and with given disks. */
  static SlabObjectStore open(
      ActorSystem<?> system,
      StoreSettings settings,
      NodeId self,
      Optional<DataTransport> transport,
      SpillFiles.Disk disk) {
    SlabObjectStore store = new SlabObjectStore(self, settings, transport, disk);
    Duration reapEvery = transport.isPresent() ? reapEvery(settings) : Duration.ZERO;
    ActorRef<ObjectStoreActor.Command> actor =
        system.systemActorOf(
            ObjectStoreActor.create(store, reapEvery),
            "dfut-object-store-" + STORES.incrementAndGet(),
            Props.empty());
    store.start(
        new SlabObjectStore.Shell() {
          @Override
          public void setTimer(long atNanos) {
            actor.tell(new ObjectStoreActor.Command.SetTimer(atNanos));
          }

          @Override
          public void broken(RuntimeException why) {
            actor.tell(new ObjectStoreActor.Command.Broken(why));
          }

          @Override
          public void closed() {
            actor.tell(new ObjectStoreActor.Command.Closed());
          }
        });
    return store;
  }

  /**
   * A fifth of the shortest timeout, so that none is overshot by much; not so often that an idle
   * node is kept busy.
   */
  private static Duration reapEvery(StoreSettings settings) {
    long shortest =
        Stream.of(settings.handshakeTimeout(), settings.chunkTimeout(), settings.idleTimeout())
            .mapToLong(Duration::toMillis)
            .min()
            .orElseThrow();
    return Duration.ofMillis(Math.clamp(shortest / 5, 20, 1000));
  }
}
