package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.spi.ObjectStore.DataEndpoint;
import io.dfut.internal.spi.PeerInfo;
import io.dfut.internal.store.LifeLock;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The eyes of {@link ProofMachine}. It looks at the locks of peers on this host again and again. To
 * any other peer it keeps an idle connection, whose end is a reason to ask; and it asks ports when
 * it is told to. What it sees it says; it decides nothing. Thread-safe.
 *
 * <p>One thread looks at the locks. Waiting <em>in</em> a lock would take a thread for each peer
 * and gain a few milliseconds. Connections have virtual threads, which cost nothing while idle.
 */
final class Witness implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Witness.class);

  /** A peer without a watched lock. */
  private final class Line {
    final NodeId node;
    final PeerInfo peer;

    /** The open connection, if any. Guarded by this. */
    private Socket socket;

    private boolean ended;

    Line(PeerInfo peer) {
      this.node = peer.node();
      this.peer = peer;
    }

    synchronized void open() {
      if (ended || socket != null) {
        return;
      }
      Socket opening = new Socket();
      socket = opening;
      Thread.ofVirtual().name("dfut-line-" + node).start(() -> keep(opening));
    }

    private void keep(Socket line) {
      try (line) {
        line.connect(new InetSocketAddress(node.host(), node.port()), timeoutMillis);
        line.setKeepAlive(true);
        while (line.getInputStream().read() >= 0) {
          // Artery says nothing to who says nothing; only the end counts.
        }
      } catch (IOException e) {
        LOG.debug("the line to {} broke", node, e);
      }
      synchronized (this) {
        socket = null;
        if (ended) {
          return;
        }
      }
      says.accept(new ProofInput.LineBroke(node));
    }

    void ask() {
      Thread.ofVirtual()
          .name("dfut-ask-" + node)
          .start(() -> says.accept(new ProofInput.Asked(node, isRefusing())));
    }

    /** A node without a data plane has one port only, which is too little to prove anything. */
    private boolean isRefusing() {
      return refuses(new InetSocketAddress(node.host(), node.port()))
          && peer.store().map(DataEndpoint::address).filter(this::refuses).isPresent();
    }

    private boolean refuses(InetSocketAddress address) {
      try (Socket socket = new Socket()) {
        InetSocketAddress resolved =
            address.isUnresolved()
                ? new InetSocketAddress(address.getHostString(), address.getPort())
                : address;
        socket.connect(resolved, timeoutMillis);
        return false;
      } catch (ConnectException refused) {
        return true; // silence and missing routes are other exceptions
      } catch (IOException | RuntimeException e) {
        LOG.debug("asking {} at {}", node, address, e);
        return false;
      }
    }

    synchronized void end() {
      ended = true;
      if (socket != null) {
        try {
          socket.close();
        } catch (IOException e) {
          LOG.debug("closing the line to {}", node, e);
        }
      }
    }
  }

  /** Where locks of this host are; empty when they are not looked at. */
  private final Optional<Path> locks;

  private final Duration lockPoll;
  private final int timeoutMillis;
  private final Consumer<ProofInput> says;
  private final ScheduledExecutorService looking;

  /**
   * Locks of peers on this host. Added when watched; removed when forgotten, or when free. Only the
   * looking thread touches it.
   */
  private final Map<NodeId, LifeLock.Watch> watches = new HashMap<>();

  /** Begun with the first watch. */
  private Future<?> looks;

  /** Added when a lock cannot be watched; removed when forgotten. */
  private final Map<NodeId, Line> lines = new ConcurrentHashMap<>();

  /**
   * @param says told what was seen, on any thread; must not block
   */
  Witness(ProofSettings settings, Consumer<ProofInput> says) {
    this.locks = settings.locks();
    this.lockPoll = settings.lockPoll();
    // So that an answer still counts when it comes.
    this.timeoutMillis = Math.toIntExact(Math.max(1, settings.timing().refusal().toMillis() / 2));
    this.says = says;
    looking =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("dfut-witness").daemon().factory());
  }

  /** Begins to look at a peer that was met. */
  void watch(PeerInfo peer) {
    onLookingThread(
        () -> {
          if (locks.isPresent()
              && peer.life().isPresent()
              && watchLock(peer.node(), peer.life().get())) {
            return;
          }
          Line line = new Line(peer);
          lines.put(peer.node(), line);
          line.open();
        });
  }

  private boolean watchLock(NodeId node, PeerInfo.Life life) {
    try {
      watches.put(node, LifeLock.watch(locks.orElseThrow(), life.path(), life.proof()));
    } catch (IOException e) {
      LOG.debug("{} is not watched by its lock", node, e);
      return false;
    }
    says.accept(new ProofInput.LockWatched(node));
    if (looks == null) {
      looks =
          looking.scheduleWithFixedDelay(this::look, 0, lockPoll.toNanos(), TimeUnit.NANOSECONDS);
    }
    return true;
  }

  private void look() {
    for (Iterator<Map.Entry<NodeId, LifeLock.Watch>> each = watches.entrySet().iterator();
        each.hasNext(); ) {
      Map.Entry<NodeId, LifeLock.Watch> entry = each.next();
      switch (entry.getValue().look()) {
        case HELD -> {
          // it lives
        }
        case GIVEN_BACK -> {
          entry.getValue().close();
          each.remove();
        }
        case KILLED -> {
          says.accept(new ProofInput.LockFree(entry.getKey()));
          entry.getValue().close();
          each.remove();
        }
      }
    }
  }

  /** Ends all that is done about a peer. */
  void forget(NodeId node) {
    onLookingThread(
        () -> {
          LifeLock.Watch watch = watches.remove(node);
          if (watch != null) {
            watch.close();
          }
          Line line = lines.remove(node);
          if (line != null) {
            line.end();
          }
        });
  }

  void ask(NodeId node) {
    Line line = lines.get(node);
    if (line != null) {
      line.ask();
    } else {
      says.accept(new ProofInput.Asked(node, false)); // not met yet: nobody to ask
    }
  }

  void openLine(NodeId node) {
    Line line = lines.get(node);
    if (line != null) {
      line.open();
    }
  }

  private void onLookingThread(Runnable what) {
    try {
      looking.execute(what);
    } catch (RejectedExecutionException closed) {
      LOG.debug("the witness is closed");
    }
  }

  @Override
  public void close() {
    onLookingThread(
        () -> {
          watches.values().forEach(LifeLock.Watch::close);
          watches.clear();
          lines.values().forEach(Line::end);
          lines.clear();
        });
    looking.shutdown(); // the periodic look ends with it, after what was handed over
  }
}
