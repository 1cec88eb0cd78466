package io.dfut.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.internal.protocol.NodeMessage.Part;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PiecesTest {
  private final Pieces pieces = new Pieces();

  private static byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  private Optional<byte[]> addAll(List<Part> parts) {
    Optional<byte[]> last = Optional.empty();
    for (Part part : parts) {
      assertThat(last).as("whole before its last piece").isEmpty();
      last = pieces.add(part);
    }
    return last;
  }

  @Test
  void piecesMakeTheWholeAgain() {
    for (int length : new int[] {1, 999, 1000, 1001, 5000}) {
      byte[] whole = bytes(length);
      assertThat(addAll(Pieces.cut(length, whole, 1000))).hasValue(whole);
    }
  }

  @Test
  void aMessageThatLostAPieceIsDroppedAndTheNextOneArrives() {
    List<Part> torn = Pieces.cut(1, bytes(3000), 1000);
    pieces.add(torn.get(0));
    assertThat(pieces.add(torn.get(2))).isEmpty();
    byte[] whole = bytes(2500);
    assertThat(addAll(Pieces.cut(2, whole, 1000))).hasValue(whole);
  }

  @Test
  void piecesOfTwoMessagesAreNotMixed() {
    pieces.add(Pieces.cut(1, bytes(2000), 1000).get(0));
    assertThat(pieces.add(Pieces.cut(2, bytes(2000), 1000).get(1))).isEmpty();
  }
}
