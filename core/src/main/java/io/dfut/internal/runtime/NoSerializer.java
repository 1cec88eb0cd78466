package io.dfut.internal.runtime;

import org.apache.pekko.serialization.JSerializer;

/**
 * Takes the place of the network's serialisers in a system that has no network. All are equal,
 * since Pekko wants one identifier to mean one serialiser.
 */
final class NoSerializer extends JSerializer {
  private static final int IDENTIFIER = 57096;

  NoSerializer() {}

  @Override
  public int identifier() {
    return IDENTIFIER;
  }

  @Override
  public boolean includeManifest() {
    return false;
  }

  @Override
  public byte[] toBinary(Object message) {
    throw refusal();
  }

  @Override
  public Object fromBinaryJava(byte[] bytes, Class<?> manifest) {
    throw refusal();
  }

  private static UnsupportedOperationException refusal() {
    return new UnsupportedOperationException(
        "a system in one JVM serialises no messages; name a serialiser of your own under"
            + " pekko.actor.serializers, or set pekko.actor.serialize-messages = on");
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof NoSerializer;
  }

  @Override
  public int hashCode() {
    return IDENTIFIER;
  }
}
