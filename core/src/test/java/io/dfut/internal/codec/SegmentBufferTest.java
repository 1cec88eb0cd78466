package io.dfut.internal.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class SegmentBufferTest {
  private final byte[] bytes = new byte[64];
  private final UnsafeBuffer twin = new UnsafeBuffer(bytes);
  private final SegmentBuffer buffer = new SegmentBuffer(MemorySegment.ofArray(bytes));

  SegmentBufferTest() {
    new Random(7).nextBytes(bytes);
  }

  @Test
  void readsWhatAnUnsafeBufferReads() {
    for (int i = 0; i <= 56; i++) {
      for (ByteOrder order : List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN)) {
        assertThat(buffer.getLong(i, order)).isEqualTo(twin.getLong(i, order));
        assertThat(buffer.getInt(i, order)).isEqualTo(twin.getInt(i, order));
        assertThat(buffer.getShort(i, order)).isEqualTo(twin.getShort(i, order));
        assertThat(buffer.getChar(i, order)).isEqualTo(twin.getChar(i, order));
        assertThat((Object) buffer.getDouble(i, order)).isEqualTo(twin.getDouble(i, order));
        assertThat((Object) buffer.getFloat(i, order)).isEqualTo(twin.getFloat(i, order));
      }
      assertThat(buffer.getLong(i)).isEqualTo(twin.getLong(i));
      assertThat(buffer.getInt(i)).isEqualTo(twin.getInt(i));
      assertThat(buffer.getShort(i)).isEqualTo(twin.getShort(i));
      assertThat(buffer.getChar(i)).isEqualTo(twin.getChar(i));
      assertThat((Object) buffer.getDouble(i)).isEqualTo(twin.getDouble(i));
      assertThat((Object) buffer.getFloat(i)).isEqualTo(twin.getFloat(i));
      assertThat(buffer.getByte(i)).isEqualTo(twin.getByte(i));
    }
  }

  @Test
  void copiesIntoArraysAndBuffers() {
    byte[] array = new byte[8];
    buffer.getBytes(3, array);
    assertThat(array).isEqualTo(java.util.Arrays.copyOfRange(bytes, 3, 11));
    UnsafeBuffer target = new UnsafeBuffer(new byte[10]);
    buffer.getBytes(5, target, 1, 9);
    assertThat(target.getByte(1)).isEqualTo(bytes[5]);
    ByteBuffer byteBuffer = ByteBuffer.allocate(10);
    buffer.getBytes(5, byteBuffer, 4);
    assertThat(byteBuffer.position()).isEqualTo(4);
    buffer.getBytes(5, byteBuffer, 8, 2);
    assertThat(byteBuffer.get(9)).isEqualTo(bytes[6]);
  }

  @Test
  void readsStringsAndNumbersAsText() {
    twin.putStringAscii(0, "hello");
    twin.putStringUtf8(12, "grün", ByteOrder.BIG_ENDIAN);
    twin.putStringWithoutLengthAscii(30, "-0042");
    twin.putByte(40, (byte) 0xE9);
    assertThat(buffer.getStringAscii(0)).isEqualTo("hello");
    assertThat(buffer.getStringUtf8(12, ByteOrder.BIG_ENDIAN)).isEqualTo("grün");
    assertThat(buffer.parseIntAscii(30, 5)).isEqualTo(-42);
    assertThat(buffer.parseLongAscii(30, 5)).isEqualTo(-42);
    assertThat(buffer.parseNaturalIntAscii(31, 4)).isEqualTo(42);
    assertThatThrownBy(() -> buffer.parseNaturalLongAscii(30, 5))
        .isInstanceOf(NumberFormatException.class);
    StringBuilder text = new StringBuilder();
    assertThat(buffer.getStringAscii(0, text)).isEqualTo(5);
    assertThat(buffer.getStringWithoutLengthAscii(40, 1, text)).isEqualTo(1);
    assertThat(text.toString()).isEqualTo("hello?");
  }

  @Test
  void everyReadBeyondTheEndThrows() {
    for (int index : new int[] {-1, 64, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      assertThatThrownBy(() -> buffer.getByte(index)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> buffer.getLong(index)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> buffer.getStringAscii(index))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> buffer.boundsCheck(index, 1))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> buffer.getBytes(index, new byte[2]))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
    assertThatThrownBy(() -> buffer.getLong(57)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> buffer.getStringWithoutLengthUtf8(60, 5))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> buffer.getStringWithoutLengthUtf8(0, -1))
        .isInstanceOf(IndexOutOfBoundsException.class);
    buffer.checkLimit(64);
    assertThatThrownBy(() -> buffer.checkLimit(65)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void itGivesAwayNeitherAddressNorArrayAndCannotBePointedElsewhere() {
    assertThat(buffer.byteArray()).isNull();
    assertThat(buffer.byteBuffer()).isNull();
    assertThatThrownBy(buffer::addressOffset).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> buffer.wrap(new byte[1]))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> new UnsafeBuffer().wrap(buffer))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThat(buffer.segment().isReadOnly()).isTrue();
  }

  @Test
  void comparesByUnsignedBytesThenByLength() {
    DirectBuffer low = new SegmentBuffer(MemorySegment.ofArray(new byte[] {1, 2}));
    DirectBuffer high = new SegmentBuffer(MemorySegment.ofArray(new byte[] {1, (byte) 200}));
    DirectBuffer longer = new SegmentBuffer(MemorySegment.ofArray(new byte[] {1, 2, 0}));
    assertThat(low)
        .isLessThan(high)
        .isLessThan(longer)
        .isEqualByComparingTo(new UnsafeBuffer(new byte[] {1, 2}));
    assertThat(low)
        .isEqualTo(new SegmentBuffer(MemorySegment.ofArray(new byte[] {1, 2})))
        .isNotEqualTo(high)
        .hasSameHashCodeAs(new SegmentBuffer(MemorySegment.ofArray(new byte[] {1, 2})));
  }
}
