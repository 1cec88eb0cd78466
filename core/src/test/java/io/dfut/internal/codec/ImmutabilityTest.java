package io.dfut.internal.codec;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class ImmutabilityTest {
  record Flat(int number, String text, Instant at) {}

  record Generic<T>(T content) {}

  record Chain(int value, Chain next) {}

  record Knot(Object content, Knot next) {}

  record Left(Object content, Right right) {}

  record Right(Object content, Left left) {}

  record WithArray(int[] array) {}

  record WithList(List<String> list) {}

  sealed interface Choice {
    record Text(String text) implements Choice {}

    enum None implements Choice {
      NONE
    }
  }

  sealed interface Open {
    record Closed(int number) implements Open {}

    non-sealed interface Anything extends Open {}
  }

  record Chosen(Choice choice) {}

  record Opened(Open open) {}

  static class Plain {
    final int number = 1;
  }

  static final class Bigger extends BigInteger {
    Bigger() {
      super("1");
    }
  }

  private static final ObjectId ID = new ObjectId(new WorkerId(new NodeId("local", 0, 1), 2), 3, 4);

  @Test
  void nullIsImmutable() {
    assertThat(ValueCodecs.isImmutable(null)).isTrue();
  }

  @TestFactory
  Stream<DynamicTest> valuesThatNobodyCanChangeAreImmutable() {
    return Stream.<Object>of(
            1,
            2L,
            'c',
            (byte) 1,
            (short) 1,
            1f,
            1.0,
            true,
            "text",
            TimeUnit.DAYS,
            Choice.None.NONE,
            BigInteger.ONE,
            BigDecimal.ONE,
            Instant.EPOCH,
            Duration.ZERO,
            ZoneId.of("Europe/Paris"),
            ZoneId.of("Z"),
            UUID.randomUUID(),
            URI.create("a:b"),
            String.class,
            Optional.empty(),
            Optional.of("x"),
            Optional.of(Optional.of(1)),
            ID,
            new ActorId(ID.owner(), 1),
            new Flat(1, "t", Instant.EPOCH),
            new Generic<>("t"),
            new Generic<>(null),
            new Generic<>(BigInteger.TEN),
            new Chain(1, new Chain(2, null)),
            new Knot(1, new Knot("x", null)),
            new Left(1, new Right(2, new Left(3, null))),
            new Chosen(new Choice.Text("t")),
            new Opened(new Open.Closed(1)),
            List.of(),
            List.of(1, "a"),
            List.of(1, 2, 3),
            Set.of(1),
            Map.of("k", List.of(1)),
            new WithList(List.of("a")),
            Stream.of(1, null, 2).toList())
        .map(
            value ->
                DynamicTest.dynamicTest(
                    value.getClass() + " " + value,
                    () -> assertThat(ValueCodecs.isImmutable(value)).isTrue()));
  }

  @TestFactory
  Stream<DynamicTest> valuesThatSomebodyMightChangeAreNot() {
    List<Object> mutable = new ArrayList<>();
    return Stream.<Object>of(
            new Object(),
            new Plain(),
            new Bigger(),
            new int[0],
            new String[0],
            mutable,
            Arrays.asList(1),
            Collections.unmodifiableList(mutable),
            List.of(mutable),
            Map.of(1, mutable),
            Map.of(new Generic<>(mutable), 1),
            Optional.of(mutable),
            new WithArray(null),
            new WithArray(new int[0]),
            new WithList(new ArrayList<>()),
            new Generic<>(mutable),
            new Generic<>(new Generic<>(new int[0])),
            new Knot(1, new Knot(mutable, null)),
            new Left(1, new Right(mutable, null)),
            new Opened(new Open.Anything() {}),
            new StringBuilder(),
            new java.util.Date())
        .map(
            value ->
                DynamicTest.dynamicTest(
                    value.getClass() + "",
                    () -> assertThat(ValueCodecs.isImmutable(value)).isFalse()));
  }

  @Test
  void aLongChainIsToldByItsType() {
    Chain chain = null;
    for (int i = 0; i < 100_000; i++) {
      chain = new Chain(i, chain);
    }
    assertThat(ValueCodecs.isImmutable(chain)).isTrue();
  }

  @Test
  void aValueThatWouldTakeLongToLookThroughIsCopiedInstead() {
    Knot knot = null;
    for (int i = 0; i < 100_000; i++) {
      knot = new Knot(i, knot);
    }
    assertThat(ValueCodecs.isImmutable(knot)).isFalse();
    List<?> doubling = List.of(1, 1);
    for (int i = 0; i < 40; i++) {
      doubling = List.of(doubling, doubling);
    }
    assertThat(ValueCodecs.isImmutable(doubling)).isFalse();
  }
}
