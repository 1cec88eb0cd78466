package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.Arg;
import io.dfut.DFut;
import io.dfut.Func1;
import io.dfut.SerializationException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What becomes of values on their way into tasks and back. */
abstract class ValueScenarios extends Scenarios {
  private static byte echoByte(byte value) {
    return value;
  }

  private static short echoShort(short value) {
    return value;
  }

  private static int echoInt(int value) {
    return value;
  }

  private static long echoLong(long value) {
    return value;
  }

  private static float echoFloat(float value) {
    return value;
  }

  private static double echoDouble(double value) {
    return value;
  }

  private static boolean echoBoolean(boolean value) {
    return value;
  }

  private static char echoChar(char value) {
    return value;
  }

  private static String echoString(String value) {
    return value;
  }

  private <T> void comesBack(Func1<T, T> echo, T value) {
    T back = dfut.task(echo).submit(value).get(SOON);
    assertThat(back).isEqualTo(value).hasSameClassAs(value);
  }

  @Test
  @Tag("C001")
  @DisplayName("001 scalars and strings come back equal and of the same type")
  void scalarsAndStringsComeBackTheSame() {
    comesBack(ValueScenarios::echoByte, Byte.MIN_VALUE);
    comesBack(ValueScenarios::echoShort, Short.MAX_VALUE);
    comesBack(ValueScenarios::echoInt, Integer.MIN_VALUE);
    comesBack(ValueScenarios::echoLong, Long.MAX_VALUE);
    comesBack(ValueScenarios::echoFloat, Float.NaN);
    comesBack(ValueScenarios::echoDouble, -0.0);
    comesBack(ValueScenarios::echoBoolean, true);
    comesBack(ValueScenarios::echoChar, '\uffff');
    comesBack(ValueScenarios::echoString, "grüß dich, 世界 \ud83c\udf0d\0");
  }

  sealed interface Shape {
    record Circle(double radius) implements Shape {}

    record Box(Circle inner, int[] sides) implements Shape {
      @Override
      public boolean equals(Object other) {
        return other instanceof Box(Circle otherInner, int[] otherSides)
            && inner.equals(otherInner)
            && java.util.Arrays.equals(sides, otherSides);
      }

      @Override
      public int hashCode() {
        return inner.hashCode();
      }
    }
  }

  enum Colour {
    RED,
    GREEN {
      @Override
      boolean isGreen() {
        return true;
      }
    };

    boolean isGreen() {
      return false;
    }
  }

  record Order(String name, long cents, Optional<Instant> paid, List<Shape> items) {}

  private static List<Object> richValues() {
    Map<String, List<Integer>> map = new LinkedHashMap<>();
    map.put("b", List.of(2, 3));
    map.put("a", List.of());
    map.put(null, null);
    Shape.Box box = new Shape.Box(new Shape.Circle(0.5), new int[] {1, -2});
    return List.of(
        List.of(1, 2, 3),
        map,
        List.of(List.of(List.of("deep")), List.of()),
        new Order("x", 1_00L, Optional.of(Instant.EPOCH), List.of(box, box.inner())),
        box,
        Colour.RED,
        Colour.GREEN,
        Optional.empty(),
        Optional.of(Set.of(Colour.GREEN)));
  }

  @Test
  @Tag("C003")
  @DisplayName("003 collections, records, sealed variants, enums and optionals come back equal")
  void richValuesComeBackEqual() {
    for (Object value : richValues()) {
      assertThat(dfut.task(Tasks::echo).submit(value).get(SOON)).isEqualTo(value);
      assertThat(dfut.put(value).get(SOON)).isEqualTo(value);
      assertThat(dfut.task(Tasks::echo).submit(dfut.put(value)).get(SOON)).isEqualTo(value);
    }
    assertThat(dfut.put(Colour.GREEN).get(SOON)).isSameAs(Colour.GREEN);
    List<String> order = new ArrayList<>();
    dfut.put(new LinkedHashMap<>(Map.of("only", 1))).get().keySet().forEach(order::add);
    assertThat(order).containsExactly("only");
  }

  private static String text(ByteBuffer buffer) {
    return buffer.position()
        + "/"
        + buffer.remaining()
        + " "
        + StandardCharsets.US_ASCII.decode(buffer.duplicate());
  }

  @Test
  @Tag("C003")
  @DisplayName("003 buffers come back from their position to their limit")
  void buffersComeBackWithWhatRemained() {
    byte[] foo = "foo".getBytes(StandardCharsets.US_ASCII);
    ByteBuffer heap = ByteBuffer.wrap(foo);
    ByteBuffer direct = ByteBuffer.allocateDirect(10).put(new byte[4]).put(foo).flip().position(4);
    for (ByteBuffer buffer : List.of(heap, direct)) {
      int position = buffer.position();
      ByteBuffer back = (ByteBuffer) dfut.task(Tasks::echo).submit(buffer).get(SOON);
      assertThat(text(back)).isEqualTo("0/3 foo");
      assertThat(text(dfut.put(buffer).get(SOON))).isEqualTo("0/3 foo");
      assertThat(dfut.task(ValueScenarios::text).submit(buffer).get(SOON)).isEqualTo("0/3 foo");
      assertThat(buffer.position()).as("the caller's own position").isEqualTo(position);
    }
  }

  private static List<Integer> lastAfter(Gate gate, List<Integer> values)
      throws InterruptedException {
    gate.pass();
    return values;
  }

  @Test
  @Tag("C003")
  @DisplayName("003 what the caller changes after submit or put is not seen by anybody")
  void laterMutationIsNotSeen() {
    Gate gate = Gate.closed();
    List<Integer> values = new ArrayList<>(List.of(1, 2, 3));
    DFut<List<Integer>> put = dfut.put(values);
    DFut<List<Integer>> echoed = dfut.task(ValueScenarios::lastAfter).submit(gate, values);
    values.set(0, 100);
    gate.open();
    assertThat(echoed.get(SOON)).containsExactly(1, 2, 3);
    assertThat(put.get(SOON)).containsExactly(1, 2, 3);
    put.get(SOON).clear();
    assertThat(put.get(SOON)).as("what one reader did to its copy").containsExactly(1, 2, 3);
  }

  private static String nothing() {
    return null;
  }

  private static boolean isNull(String value) {
    return value == null;
  }

  @Test
  @Tag("C004")
  @DisplayName("004 null is a value: put, returned and as an argument")
  void nullIsAValue() {
    DFut<String> put = dfut.put(null);
    DFut<String> returned = dfut.task(ValueScenarios::nothing).submit();
    assertThat(put.get(SOON)).isNull();
    assertThat(put.isReady()).isTrue();
    assertThat(returned.get(SOON)).isNull();
    assertThat(returned.isReady()).isTrue();
    assertThat(returned.get(SOON)).isNull();
    assertThat(dfut.task(ValueScenarios::isNull).submit(Arg.of(null)).get(SOON)).isTrue();
    assertThat(dfut.task(ValueScenarios::isNull).submit(returned).get(SOON)).isTrue();
    assertThat(dfut.task(ValueScenarios::isNull).submit(put).get(SOON)).isTrue();
    assertThat(dfut.task(Tasks::echo).submit(Arg.of(null)).get(SOON)).isNull();
  }

  static final class Link {
    int number;
    Link next;
    Object left;
    Object right;

    static Link chain(int length) {
      Link first = null;
      for (int i = length; i > 0; i--) {
        Link link = new Link();
        link.number = i;
        link.next = first;
        first = link;
      }
      return first;
    }

    static int length(Link first) {
      IdentityHashMap<Link, Boolean> seen = new IdentityHashMap<>();
      for (Link link = first; link != null && seen.put(link, true) == null; link = link.next) {
        // only counted
      }
      return seen.size();
    }

    static long sum(Link first) {
      long sum = 0;
      for (Link link = first; link != null; link = link.next) {
        sum += link.number;
      }
      return sum;
    }
  }

  private static String inspectGraph(Link link) {
    return (link.next.next == link) + " " + (link.left == link.right) + " " + Link.length(link);
  }

  @Test
  @Tag("C273")
  @DisplayName("273 cycles and shared parts keep their shape")
  void cyclesAndSharedPartsKeepTheirShape() {
    Link first = Link.chain(2);
    first.next.next = first;
    first.left = new ArrayList<>(List.of("shared"));
    first.right = first.left;
    assertThat(dfut.task(ValueScenarios::inspectGraph).submit(first).get(SOON))
        .isEqualTo("true true 2");
    Link back = (Link) dfut.task(Tasks::echo).submit(first).get(SOON);
    assertThat(back).isNotSameAs(first);
    assertThat(inspectGraph(back)).isEqualTo("true true 2");
    assertThat(back.left).isEqualTo(List.of("shared")).isNotSameAs(first.left);
  }

  @Test
  @Tag("C273")
  @DisplayName("273 a chain of 100 000 links travels; one too deep is refused, not overflowed")
  void longChainsTravelOrAreRefused() {
    int length = 100_000;
    long sum = (long) length * (length + 1) / 2;
    assertThat(dfut.task(Link::sum).submit(Link.chain(length)).get(SOON)).isEqualTo(sum);
    assertThat(Link.sum((Link) dfut.task(Tasks::echo).submit(Link.chain(length)).get(SOON)))
        .isEqualTo(sum);
    Link tooLong = Link.chain(1_200_000);
    assertThatThrownBy(() -> dfut.put(tooLong))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining(Link.class.getName());
    assertThat(dfut.task(Link::sum).submit(Link.chain(3)).get(SOON)).isEqualTo(6);
  }

  record Outer(String label, Inner inner) {}

  record Inner(int number, Thread worker) {}

  private static Outer cannotTravel(String label) {
    return new Outer(label, new Inner(1, Thread.ofVirtual().unstarted(() -> {})));
  }

  @Test
  @Tag("C139")
  @DisplayName("139 a result that cannot travel fails with its class and the way to it")
  void resultThatCannotTravelNamesClassAndPath() {
    DFut<Outer> result = dfut.task(ValueScenarios::cannotTravel).submit("x");
    assertThatThrownBy(() -> result.get(SOON))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("java.lang.VirtualThread")
        .hasMessageContaining("inner")
        .hasMessageContaining("worker");
    assertThat(dfut.task(Tasks::increment).submit(1).get(Duration.ofSeconds(5))).isEqualTo(2);
  }
}
