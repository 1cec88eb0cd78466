package io.dfut.internal.store;

import io.dfut.internal.store.DataFrames.ProtocolException;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;

/** TLS over TCP. Thread-safe. */
final class TlsTransport implements DataTransport {
  private final PlainTransport plain = new PlainTransport();
  private final TlsEngines engines;

  TlsTransport(TlsEngines engines) {
    this.engines = engines;
  }

  @Override
  public DataChannel connect(String host, InetSocketAddress address, Duration timeout)
      throws IOException {
    return new Tls(plain.open(address, timeout), engines.client(host, address.getPort()));
  }

  /** The handshake takes place with the first read or write: under the deadline of that. */
  @Override
  public DataChannel accept(SocketChannel socket) throws IOException {
    return new Tls(plain.prepare(socket), engines.server());
  }

  /**
   * One connection. The engine encrypts into and decrypts within buffers of its own kind, and reads
   * and writes the caller's buffers, which may be store memory, without another step between.
   */
  private static final class Tls implements DataChannel {
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    /** Records that go to the socket, or come from it, in one call. */
    private static final int RECORDS = 8;

    /** What is read and thrown away after a refusal, so that the peer gets to read the reason. */
    private static final int DRAINED_MAX = 64 * 1024;

    /** How the JDK's exceptions say that the other side ended the handshake. */
    private static final String ALERT = "Received fatal alert: ";

    private final SocketChannel socket;
    private final String remote;
    private final SSLEngine engine;
    private final int recordBytes;

    /** What came from the socket; ready to be read. */
    private final ByteBuffer in;

    /** What goes to the socket; ready to be written to, and empty between calls. */
    private final ByteBuffer out;

    /** A record for which the caller's buffer had no room; ready to be read. */
    private final ByteBuffer rest;

    private boolean shookHands;

    /** Whether the peer has said anything that it could only say when it had accepted us. */
    private boolean heard;

    Tls(SocketChannel socket, SSLEngine engine) throws IOException {
      this.socket = socket;
      this.remote = String.valueOf(socket.getRemoteAddress());
      this.engine = engine;
      this.recordBytes = engine.getSession().getPacketBufferSize();
      // On the heap: what the ciphers are quickest with, and no direct memory that only a
      // collection
      // gives back.
      this.in = ByteBuffer.allocate(RECORDS * recordBytes).flip();
      this.out = ByteBuffer.allocate(RECORDS * recordBytes);
      this.rest = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize()).flip();
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
      try {
        shakeHands();
        int began = target.position();
        while (!rest.hasRemaining()) {
          // Into the rest only what the caller has no room for: that is copied once more.
          SSLEngineResult result = engine.unwrap(in, target);
          if (result.getStatus() == SSLEngineResult.Status.BUFFER_OVERFLOW) {
            if (target.position() > began) {
              break;
            }
            result = engine.unwrap(in, rest.clear());
            rest.flip();
          }
          serve(result.getHandshakeStatus());
          switch (result.getStatus()) {
            case OK -> {}
            case CLOSED -> {
              return target.position() > began ? target.position() - began : -1;
            }
            case BUFFER_UNDERFLOW -> {
              if (target.position() > began) {
                return heard(target.position() - began);
              }
              if (!fill()) {
                return -1;
              }
            }
            case BUFFER_OVERFLOW ->
                throw new IllegalStateException("a record larger than any: " + result);
          }
          if (!target.hasRemaining()) {
            break;
          }
        }
        if (target.position() == began && rest.hasRemaining()) {
          int moved = Math.min(rest.remaining(), target.remaining());
          target.put(rest.slice(rest.position(), moved));
          rest.position(rest.position() + moved);
        }
        return heard(target.position() - began);
      } catch (SSLException e) {
        throw refusal(e);
      }
    }

    private int heard(int bytes) {
      heard |= bytes > 0;
      return bytes;
    }

    @Override
    public void write(ByteBuffer... sources) throws IOException {
      try {
        shakeHands();
        while (hasRemaining(sources)) {
          SSLEngineResult result = engine.wrap(sources, out);
          if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
            throw new EOFException("closed by " + remote);
          }
          if (result.getStatus() == SSLEngineResult.Status.BUFFER_OVERFLOW
              || out.remaining() < recordBytes) {
            flush();
          }
          if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
            runTasks();
          }
        }
        flush();
      } catch (SSLException e) {
        throw refusal(e);
      }
    }

    private static boolean hasRemaining(ByteBuffer[] sources) {
      for (ByteBuffer source : sources) {
        if (source.hasRemaining()) {
          return true;
        }
      }
      return false;
    }

    private void flush() throws IOException {
      out.flip();
      while (out.hasRemaining()) {
        socket.write(out);
      }
      out.clear();
    }

    /** Reads more from the socket; false at its end. */
    private boolean fill() throws IOException {
      in.compact();
      try {
        return socket.read(in) >= 0;
      } finally {
        in.flip();
      }
    }

    private void runTasks() {
      for (Runnable task = engine.getDelegatedTask();
          task != null;
          task = engine.getDelegatedTask()) {
        task.run();
      }
    }

    /** What the engine wants beside moving the caller's bytes, such as new keys after many. */
    private void serve(HandshakeStatus status) throws IOException {
      HandshakeStatus now = status;
      while (now == HandshakeStatus.NEED_TASK || now == HandshakeStatus.NEED_WRAP) {
        if (now == HandshakeStatus.NEED_TASK) {
          runTasks();
        } else {
          SSLEngineResult result = engine.wrap(NOTHING, out);
          flush();
          if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
            return;
          }
        }
        now = engine.getHandshakeStatus();
      }
    }

    private void shakeHands() throws IOException {
      if (shookHands) {
        return;
      }
      engine.beginHandshake();
      while (true) {
        HandshakeStatus status = engine.getHandshakeStatus();
        switch (status) {
          case NEED_TASK, NEED_WRAP -> serve(status);
          case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
            SSLEngineResult result = engine.unwrap(in, rest.clear());
            rest.flip();
            if (result.getStatus() == SSLEngineResult.Status.CLOSED
                || (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW && !fill())) {
              throw new EOFException("closed by " + remote + " in the middle of the TLS handshake");
            }
          }
          case FINISHED, NOT_HANDSHAKING -> {
            shookHands = true;
            return;
          }
        }
      }
    }

    /**
     * Tells the peer what is wrong, and waits for it to close if it has not been heard yet: closing
     * while something that it sent is unread would reset the connection, and it might not learn
     * why. The deadline of the caller's read or write bounds that.
     */
    private ProtocolException refusal(SSLException e) {
      try {
        serve(engine.getHandshakeStatus()); // sends the alert
        socket.shutdownOutput();
        if (!heard) {
          ByteBuffer drained = ByteBuffer.allocate(DRAINED_MAX);
          while (drained.hasRemaining() && socket.read(drained) >= 0) {
            // nothing of it is looked at
          }
        }
      } catch (IOException | RuntimeException closedMeanwhile) {
        e.addSuppressed(closedMeanwhile);
      }
      ProtocolException refusal = new ProtocolException("TLS: " + reason(e));
      refusal.initCause(e);
      return refusal;
    }

    private static String reason(SSLException e) {
      String text = String.valueOf(e.getMessage());
      int alert = text.indexOf(ALERT);
      if (alert >= 0) {
        return "the other side refused it with \""
            + text.substring(alert + ALERT.length())
            + "\"; its log says why";
      }
      if (text.contains("ecognized SSL message")) {
        return "the other side does not speak TLS; dfut.tls.enabled must be the same on"
            + " all nodes";
      }
      if (text.contains("Empty client certificate chain")) {
        return "the other side shows no certificate that dfut.tls.trust-store accepts";
      }
      Throwable cause = e;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      return String.valueOf(cause.getMessage());
    }

    @Override
    public void endOutput() throws IOException {
      engine.closeOutbound();
      serve(HandshakeStatus.NEED_WRAP);
      socket.shutdownOutput();
    }

    @Override
    public String remote() {
      return remote;
    }

    @Override
    public void close() throws IOException {
      socket.close(); // each chunk has its length and checksum: a cut is noticed without a notice
    }
  }
}
