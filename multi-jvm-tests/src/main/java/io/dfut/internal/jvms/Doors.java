package io.dfut.internal.jvms;

import java.util.List;

/**
 * The two doors of one process in a {@link Network}: that of its control messages and that of its
 * data plane. Not thread-safe, but for the looks.
 */
public final class Doors {
  private final Network network;
  private final Network.Door control;
  private final Network.Door data;

  /**
   * Opens them.
   *
   * @param name the process's
   */
  public Doors(Network network, String name) {
    this.network = network;
    this.control = network.door(name, 0);
    this.data = network.door(name, 0);
  }

  /** Where others go to. */
  public String address() {
    return "127.0.0.1:" + control.port();
  }

  /**
   * Has them lead to ports that are free now.
   *
   * @return the settings, as {@code path=value}, with which the process listens there and tells
   *     others of the doors
   */
  public List<String> lead() {
    int controlTarget = Host.freePort();
    int dataTarget = Host.freePort();
    control.leadTo(controlTarget);
    data.leadTo(dataTarget);
    return List.of(
        "dfut.cluster.host=127.0.0.1",
        "dfut.cluster.port=" + control.port(),
        "pekko.remote.artery.bind.hostname=127.0.0.1",
        "pekko.remote.artery.bind.port=" + controlTarget,
        "pekko.remote.artery.bind.bind-timeout=60s",
        "dfut.store.data.port=" + dataTarget,
        "dfut.store.data.public-port=" + data.port(),
        "dfut.store.data.unix-sockets=off");
  }

  /** Whether something went from store to store within this time. */
  public boolean hasMovedDataWithin(long nanos) {
    return data.hasMovedWithin(nanos);
  }

  /** The process is gone, and will not come back at this address. */
  public void close() {
    network.forget(control);
    network.forget(data);
  }
}
