package io.dfut.scenarios;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * Lets a {@link Gate} and a {@link Tally} mean the same in the JVMs that a test has started: what
 * their tasks do is asked of the test's JVM, over a connection each. Thread-safe.
 */
final class Signals {
  /** Where the test's JVM answers; given to the JVMs that it starts. */
  static final String PORT = "dfut.scenarios.signals";

  private static int served;

  private Signals() {}

  /** Whether this is a JVM that a test has started. */
  static boolean areElsewhere() {
    return Integer.getInteger(PORT) != null;
  }

  /**
   * Asks the test's JVM; the answer may take as long as a gate stays closed.
   *
   * @throws IllegalStateException when the scenario is over there
   */
  static int ask(String question) throws InterruptedException {
    try (SocketChannel channel =
        SocketChannel.open(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.getInteger(PORT)))) {
      new DataOutputStream(Channels.newOutputStream(channel)).writeUTF(question);
      return new DataInputStream(Channels.newInputStream(channel)).readInt();
    } catch (ClosedByInterruptException e) {
      Thread.interrupted(); // it is said by the exception
      throw new InterruptedException(question);
    } catch (IOException e) {
      throw new IllegalStateException("no answer to " + question, e);
    }
  }

  /** The port where this JVM, the test's, answers. It does from the first call on. */
  static synchronized int port() {
    if (served == 0) {
      try {
        ServerSocketChannel server =
            ServerSocketChannel.open()
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        served = ((InetSocketAddress) server.getLocalAddress()).getPort();
        Thread.ofPlatform().name("signals").daemon().start(() -> serve(server));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return served;
  }

  private static void serve(ServerSocketChannel server) {
    while (true) {
      try {
        SocketChannel channel = server.accept();
        Thread.ofVirtual().start(() -> answer(channel));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static void answer(SocketChannel channel) {
    try (channel) {
      String question = new DataInputStream(Channels.newInputStream(channel)).readUTF();
      int space = question.indexOf(' ');
      int answer = answer(question.substring(0, space), question.substring(space + 1));
      new DataOutputStream(Channels.newOutputStream(channel)).writeInt(answer);
    } catch (IOException | IllegalStateException e) {
      // The one who asked was killed, or the scenario is over: the closed connection tells.
    } catch (InterruptedException e) {
      throw new IllegalStateException("nobody interrupts this thread", e);
    }
  }

  private static int answer(String verb, String name) throws InterruptedException {
    return switch (verb) {
      case "pass" -> {
        new Gate(name).pass();
        yield 0;
      }
      case "add" -> new Tally(name).add();
      default -> throw new IllegalStateException("nobody can be asked to " + verb);
    };
  }
}
