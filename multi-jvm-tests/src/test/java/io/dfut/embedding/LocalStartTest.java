package io.dfut.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFutSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.serialization.JSerializer;
import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.serialization.SerializationExtension;
import org.apache.pekko.serialization.jackson.JacksonCborSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a system in one JVM makes at its start, with the cluster module on the class path. */
@Timeout(60)
final class LocalStartTest {
  /** Bound to a serialiser. */
  public interface Wired {}

  private static final String BOUND =
      """
      pekko.actor.serialization-bindings {
        "io.dfut.embedding.LocalStartTest$Wired" = jackson-cbor
      }
      """;

  private record Message(int number) implements Wired {}

  /** An application's. */
  public static final class Mine extends JSerializer {
    @Override
    public int identifier() {
      return 1234;
    }

    @Override
    public boolean includeManifest() {
      return false;
    }

    @Override
    public byte[] toBinary(Object message) {
      return new byte[0];
    }

    @Override
    public Object fromBinaryJava(byte[] bytes, Class<?> manifest) {
      return new Message(bytes.length);
    }
  }

  private static int square(int number) {
    return number * number;
  }

  private static Serialization serialization(DFutSystem system) {
    return SerializationExtension.get(Adapter.toClassic(system.actorSystem()));
  }

  @Test
  void serialisersOfTheNetworkAreLeftOut() {
    try (DFutSystem dfut = DFutSystem.local(ConfigFactory.parseString(BOUND))) {
      assertThatThrownBy(() -> serialization(dfut).serialize(new Message(1)).get())
          .hasMessageContaining("Message");
    }
  }

  @Test
  void theyAreThereWhereMessagesAreToBeSerialised() {
    try (DFutSystem dfut =
        DFutSystem.local(
            ConfigFactory.parseString("pekko.actor.serialize-messages = on\n" + BOUND))) {
      assertThat(serialization(dfut).findSerializerFor(new Message(1)))
          .isInstanceOf(JacksonCborSerializer.class);
      assertThat(dfut.task(LocalStartTest::square).submit(7).get()).isEqualTo(49);
    }
  }

  @Test
  void theApplicationsOwnIsKept() {
    try (DFutSystem dfut =
        DFutSystem.local(
            ConfigFactory.parseString(
                """
                pekko.actor.serializers.mine = "io.dfut.embedding.LocalStartTest$Mine"
                pekko.actor.serialization-bindings {
                  "io.dfut.embedding.LocalStartTest$Wired" = mine
                }
                """))) {
      assertThat(serialization(dfut).findSerializerFor(new Message(1))).isInstanceOf(Mine.class);
    }
  }
}
