package io.dfut.internal.cluster;

import io.dfut.internal.store.TlsEngines;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.remote.artery.tcp.SSLEngineProvider;
import scala.Option;

/**
 * Has Artery encrypt by {@code dfut.tls}, as the data plane does. Made by Pekko, which names it
 * nowhere but in {@code pekko.remote.artery.ssl.ssl-engine-provider}. Thread-safe.
 */
public final class TlsEngineProvider implements SSLEngineProvider {
  private final TlsEngines engines;

  /**
   * Called by Pekko.
   *
   * @throws IllegalArgumentException when TLS is not on, or cannot be used; names the key
   */
  public TlsEngineProvider(ActorSystem system) {
    engines =
        TlsEngines.of(system.settings().config().getConfig("dfut"))
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "dfut.tls.enabled is off; it must be on where Artery is to encrypt by it"));
  }

  @Override
  public SSLEngine createServerSSLEngine(String hostname, int port) {
    return engines.server();
  }

  @Override
  public SSLEngine createClientSSLEngine(String hostname, int port) {
    return engines.client(hostname, port);
  }

  /** The handshake has looked at everything. */
  @Override
  public Option<Throwable> verifyClientSession(String hostname, SSLSession session) {
    return Option.empty();
  }

  /** The handshake has looked at everything. */
  @Override
  public Option<Throwable> verifyServerSession(String hostname, SSLSession session) {
    return Option.empty();
  }
}
