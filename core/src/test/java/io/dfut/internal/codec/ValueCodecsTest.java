package io.dfut.internal.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.ActorHandle;
import io.dfut.ActorId;
import io.dfut.Arg;
import io.dfut.DFut;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.ObjectView;
import io.dfut.SerializationException;
import io.dfut.SharedDFut;
import io.dfut.WorkerId;
import io.dfut.internal.codec.TemperatureCodec.Temperature;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.MonthDay;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.Period;
import java.time.Year;
import java.time.YearMonth;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class ValueCodecsTest {
  // ---------------------------------------------------------------- values of all sorts

  enum Colour {
    RED,
    GREEN {
      @Override
      String mood() {
        return "calm";
      }
    };

    String mood() {
      return "loud";
    }
  }

  sealed interface Shape2D {
    record Circle(double radius) implements Shape2D {}

    record Rectangle(int width, long height) implements Shape2D {}

    enum Nothing implements Shape2D {
      HERE
    }
  }

  record Person(String name, int age, Optional<Instant> born, List<String> tags) {}

  record Everything(
      boolean z,
      byte b,
      short s,
      char c,
      int i,
      long j,
      float f,
      double d,
      Integer boxed,
      String text,
      int[] ints) {}

  record Box<T>(T content) {}

  record Link(int value, Link next) {}

  static class Base {
    private final int hidden;
    protected String name;

    Base(int hidden, String name) {
      this.hidden = hidden;
      this.name = name;
    }
  }

  static final class Derived extends Base {
    private final int hidden;
    private final List<Object> parts = new ArrayList<>();
    private final transient Object scratch;

    Derived(int lower, int upper, String name) {
      super(lower, name);
      this.hidden = upper;
      this.scratch = new ReentrantLock();
    }
  }

  static final class WithDefault {
    String text;
    transient List<String> cache = new ArrayList<>();
  }

  static final class Node {
    int value;
    Node next;
    Node previous;
    Set<Node> neighbours = new HashSet<>();
  }

  static final class Words extends ArrayList<String> {
    String language = "none";
  }

  static final class Lookup extends HashMap<String, Integer> {
    int misses;
  }

  static final class Money implements Serializable {
    final long cents;

    Money(long cents) {
      this.cents = cents;
    }

    private Object writeReplace() {
      return new Proxy(cents + " cents");
    }

    private record Proxy(String text) implements Serializable {
      private Object readResolve() {
        return new Money(Long.parseLong(text.substring(0, text.indexOf(' '))));
      }
    }
  }

  static final class WritesItself implements Serializable {
    transient int hidden = 7;

    private void writeObject(java.io.ObjectOutputStream out) throws IOException {
      out.writeInt(hidden);
    }
  }

  static class OrderFailed extends IllegalStateException {
    final int order;
    final List<String> items;

    OrderFailed(int order, List<String> items) {
      super("order " + order);
      this.order = order;
      this.items = items;
    }
  }

  private static final ValueCodecs CODECS = codecs(ClassFilter.everything());

  private static ValueCodecs codecs(ClassFilter filter) {
    return new ValueCodecs(
        filter, ValueCodecsTest.class.getClassLoader(), ValueCodecs.Limits.DEFAULT);
  }

  private static byte[] bytes(Object value) {
    return CODECS.encode(value, NO_REFERENCES).toByteArray();
  }

  private static Object decode(byte[] bytes) {
    return CODECS.decode(MemorySegment.ofArray(bytes), NO_SOURCE);
  }

  @SuppressWarnings("unchecked") // the value is of the type that was encoded, or the test fails
  private static <T> T roundTrip(T value) {
    return (T) decode(bytes(value));
  }

  private static final References.Sink NO_REFERENCES =
      new References.Sink() {
        @Override
        public ObjectId shared(SharedDFut<?> handle) {
          throw new AssertionError("a reference was found: " + handle);
        }

        @Override
        public References.Actor actor(ActorHandle<?> handle) {
          throw new AssertionError("an actor was found: " + handle);
        }
      };

  private static final References.Source NO_SOURCE =
      new References.Source() {
        @Override
        public SharedDFut<?> shared(ObjectId id) {
          throw new SerializationException("no references here");
        }

        @Override
        public ActorHandle<?> actor(References.Actor actor) {
          throw new SerializationException("no actors here");
        }
      };

  @TestFactory
  Stream<DynamicTest> valuesArriveEqualAndOfTheSameClass() {
    Map<String, Integer> linked = new LinkedHashMap<>();
    linked.put("z", 1);
    linked.put(null, 2);
    TreeMap<String, Integer> sorted = new TreeMap<>(Comparator.reverseOrder());
    sorted.putAll(Map.of("a", 1, "b", 2));
    EnumMap<Colour, String> byColour = new EnumMap<>(Colour.class);
    byColour.put(Colour.GREEN, "g");
    return Stream.of(
            true,
            false,
            (byte) -3,
            (short) -300,
            'ß',
            -70_000,
            Long.MIN_VALUE,
            Float.NaN,
            Math.PI,
            "",
            "ascii",
            "grün",
            "日本 \uD83D\uDE00",
            "lone surrogate \uD800",
            "x".repeat(100_000),
            "ж".repeat(100_000),
            BigInteger.TWO.pow(300).negate(),
            new BigDecimal("-1.2300"),
            java.math.MathContext.DECIMAL64,
            UUID.randomUUID(),
            URI.create("https://example.org/a?b#c"),
            Locale.CANADA_FRENCH,
            java.util.Currency.getInstance("EUR"),
            StandardCharsets.UTF_16,
            new java.util.Date(12345),
            BitSet.valueOf(new long[] {5, 0, 9}),
            Instant.now(),
            Instant.MIN,
            LocalDate.now(),
            LocalTime.now(),
            LocalDateTime.now(),
            OffsetTime.now(),
            OffsetDateTime.now(),
            ZonedDateTime.of(2025, 10, 26, 2, 30, 0, 7, ZoneId.of("Europe/Berlin"))
                .withLaterOffsetAtOverlap(),
            ZoneId.of("Asia/Tokyo"),
            ZoneOffset.ofHours(-3),
            Duration.ofNanos(-1),
            Period.of(1, -2, 3),
            Year.of(-44),
            YearMonth.of(2025, 2),
            MonthDay.of(2, 29),
            DayOfWeek.MONDAY,
            TimeUnit.DAYS,
            InetSocketAddress.createUnresolved("example.org", 80),
            new InetSocketAddress(java.net.InetAddress.getLoopbackAddress(), 8080),
            java.nio.file.Path.of("a", "b"),
            new java.io.File("c"),
            Optional.empty(),
            Optional.of(List.of(1)),
            OptionalInt.of(-4),
            OptionalInt.empty(),
            java.util.OptionalLong.of(5),
            java.util.OptionalDouble.of(0.5),
            String.class,
            int.class,
            int[][].class,
            Person[].class,
            Colour.RED,
            Colour.GREEN,
            new Shape2D.Circle(1.5),
            List.of(new Shape2D.Circle(1), new Shape2D.Rectangle(2, 3), Shape2D.Nothing.HERE),
            new Person("Ada", 36, Optional.of(Instant.EPOCH), List.of("a", "b")),
            new Person(null, -1, null, null),
            new Box<>(new Box<>(List.of(Map.of("k", new Box<>(1L))))),
            new Link(1, new Link(2, null)),
            new ObjectId(new WorkerId(new NodeId("local", 0, 7), 3), 4, 5),
            new ArrayList<>(Arrays.asList(1, null, "x", 2.0, 'c')),
            new LinkedList<>(List.of(1, 2)),
            new CopyOnWriteArrayList<>(List.of(1, 2)),
            new java.util.Vector<>(List.of(1)),
            new HashSet<>(Set.of("a", "b")),
            new LinkedHashSet<>(List.of(3, 1, 2)),
            new TreeSet<>(List.of(3, 1, 2)),
            EnumSet.of(Colour.GREEN),
            EnumSet.noneOf(Colour.class),
            ConcurrentHashMap.newKeySet(),
            linked,
            new HashMap<>(Map.of(1, List.of(2))),
            sorted,
            byColour,
            new ConcurrentHashMap<>(Map.of("a", 1)),
            new java.util.concurrent.ConcurrentSkipListMap<>(Map.of("a", 1)),
            List.of(),
            List.of(1, 2, 3),
            Set.of(1, 2, 3),
            Map.of("a", 1),
            Map.entry("a", 1),
            new java.util.AbstractMap.SimpleEntry<>("a", null),
            Arrays.asList(1, null),
            Collections.emptyList(),
            Collections.emptyMap(),
            Collections.emptySet(),
            Collections.singletonList(null),
            Collections.singleton(4),
            Collections.singletonMap("k", null),
            Collections.unmodifiableList(new LinkedList<>(List.of(1))),
            Collections.unmodifiableMap(new TreeMap<>(Map.of("k", 1))),
            Collections.unmodifiableSet(new LinkedHashSet<>(List.of(1))),
            IntStream.range(0, 300).boxed().toList(),
            Stream.of("a", null).toList())
        .map(
            value ->
                DynamicTest.dynamicTest(
                    value.getClass().getName(),
                    () -> {
                      Object copy = roundTrip(value);
                      assertThat(copy).isEqualTo(value);
                      boolean isUnmodifiableWithNull =
                          value instanceof List<?> list && new ArrayList<>(list).contains(null);
                      if (!isUnmodifiableWithNull
                          && !value
                              .getClass()
                              .getName()
                              .startsWith("java.util.Collections$UnmodifiableList")) {
                        assertThat(copy).hasSameClassAs(value);
                      }
                    }));
  }

  @Test
  void nullArrives() {
    assertThat(roundTrip((Object) null)).isNull();
    assertThat(CODECS.encode(null, NO_REFERENCES).bytes()).isEqualTo(2);
  }

  /** Such strings are numbered, so the reader's table of objects grows while they are read. */
  @Test
  void manyLongStringsArrive() {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      names.add("a name of more than thirty-two characters, number " + i);
    }
    assertThat(roundTrip(names)).isEqualTo(names);
  }

  @TestFactory
  Stream<DynamicTest> primitiveAndNestedArraysArrive() {
    return Stream.<Object>of(
            new boolean[] {true, false},
            new byte[] {1, -1},
            new short[] {1, -300},
            new char[] {'a', '日'},
            new int[] {1, -70_000, Integer.MIN_VALUE},
            new long[] {1, Long.MIN_VALUE},
            new float[] {1.5f, Float.NEGATIVE_INFINITY},
            new double[] {Math.E},
            new int[0],
            new byte[300_000],
            new int[][] {{1}, null, {2, 3}},
            new Object[] {1, "a", new int[] {2}, new Object[] {null}},
            new String[] {"a", null},
            new Person[] {new Person("x", 1, Optional.empty(), List.of())},
            new List<?>[] {List.of(1)},
            new Box<?>[][] {{new Box<>(1)}, {}},
            new Colour[] {Colour.GREEN})
        .map(
            array ->
                DynamicTest.dynamicTest(
                    array.getClass().getTypeName(),
                    () -> {
                      for (Object value : List.of(array, roundTrip(new Box<>(array)).content())) {
                        Object copy = roundTrip(value);
                        assertThat(copy).hasSameClassAs(array);
                        assertThat(Objects.deepEquals(copy, array)).isTrue();
                        assertThat(copy).isNotSameAs(array);
                      }
                    }));
  }

  @Test
  void aRecordOfEveryPrimitiveTypeArrives() {
    Everything value =
        new Everything(
            true,
            (byte) -1,
            Short.MIN_VALUE,
            '\uFFFF',
            Integer.MIN_VALUE,
            Long.MAX_VALUE,
            -0f,
            Double.MIN_VALUE,
            null,
            "t",
            new int[] {4});
    Everything copy = roundTrip(value);
    assertThat(copy.ints()).containsExactly(4);
    assertThat(
            new Everything(
                copy.z,
                copy.b,
                copy.s,
                copy.c,
                copy.i,
                copy.j,
                copy.f,
                copy.d,
                copy.boxed,
                copy.text,
                value.ints))
        .isEqualTo(value);
  }

  @Test
  void plainObjectsArriveWithAllFieldsOfTheirHierarchy() {
    Derived value = new Derived(1, 2, "n");
    value.parts.add(new Box<>("part"));
    Derived copy = roundTrip(value);
    assertThat(((Base) copy).hidden).isEqualTo(1);
    assertThat(copy.hidden).isEqualTo(2);
    assertThat(copy.name).isEqualTo("n");
    assertThat(copy.parts).isEqualTo(value.parts);
    assertThat(copy.scratch).isNull();
  }

  @Test
  void aConstructorWithoutArgumentsIsRunSoThatTransientFieldsAreThere() {
    WithDefault value = new WithDefault();
    value.text = "t";
    value.cache.add("dropped");
    WithDefault copy = roundTrip(value);
    assertThat(copy.text).isEqualTo("t");
    assertThat(copy.cache).isEmpty();
  }

  @Test
  void atomicsBuildersAndComparatorsArrive() {
    assertThat(roundTrip(new AtomicInteger(4))).hasValue(4);
    assertThat(roundTrip(new AtomicLong(-4)).get()).isEqualTo(-4);
    assertThat(roundTrip(new AtomicReference<>(List.of(1))).get()).isEqualTo(List.of(1));
    assertThat(roundTrip(new StringBuilder("sb")).toString()).isEqualTo("sb");
    assertThat(
            roundTrip(
                    java.util.regex.Pattern.compile("a+", java.util.regex.Pattern.CASE_INSENSITIVE))
                .matcher("AA")
                .matches())
        .isTrue();
    assertThat(roundTrip(new ArrayDeque<>(List.of(1, 2)))).containsExactly(1, 2);
    PriorityQueue<String> queue = new PriorityQueue<>(String.CASE_INSENSITIVE_ORDER.reversed());
    queue.addAll(List.of("b", "A", "c"));
    PriorityQueue<String> copy = roundTrip(queue);
    assertThat(List.of(copy.remove(), copy.remove(), copy.remove())).containsExactly("c", "b", "A");
  }

  @Test
  void viewsOfCollectionsTravelAsWhatTheyShow() {
    Map<String, Integer> map = new LinkedHashMap<>(Map.of("a", 1));
    assertThat((Object) roundTrip(map.values())).isEqualTo(List.of(1));
    assertThat(roundTrip(map.keySet())).isEqualTo(Set.of("a"));
    assertThat(roundTrip(new ArrayList<>(List.of(1, 2, 3)).subList(1, 3))).isEqualTo(List.of(2, 3));
    assertThat(roundTrip(new TreeMap<>(Map.of(1, "a", 2, "b")).headMap(2)))
        .isEqualTo(Map.of(1, "a"));
    assertThat(roundTrip(Collections.nCopies(3, "x"))).containsExactly("x", "x", "x");
  }

  record Concrete(java.util.WeakHashMap<String, String> map) {}

  @Test
  void aViewThatTheFieldCannotHoldAgainIsRefusedBeforeItTravels() {
    assertThatThrownBy(() -> bytes(new Concrete(new java.util.WeakHashMap<>())))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("Concrete.map")
        .hasMessageContaining("travels as a java.util.LinkedHashMap");
  }

  @Test
  void subclassesOfCollectionsArriveWithTheirElementsAndFields() {
    Words words = new Words();
    words.add("hello");
    words.language = "en";
    Words copy = roundTrip(words);
    assertThat(copy).containsExactly("hello");
    assertThat(copy.language).isEqualTo("en");

    Lookup lookup = new Lookup();
    lookup.put("k", 1);
    lookup.misses = 3;
    Lookup lookupCopy = roundTrip(lookup);
    assertThat(lookupCopy).containsEntry("k", 1);
    assertThat(lookupCopy.misses).isEqualTo(3);
  }

  @Test
  void writeReplaceAndReadResolveAreHonoured() {
    assertThat(roundTrip(new Money(42)).cents).isEqualTo(42);
    Money money = new Money(7);
    List<Money> copy = roundTrip(List.of(money, money));
    assertThat(copy.get(0)).isSameAs(copy.get(1));
    assertThat(copy.get(0).cents).isEqualTo(7);
  }

  @Test
  void aClassWithAJavaFormOfItsOwnAndTransientFieldsIsRefused() {
    refusedWith(new Box<>(new WritesItself()), "WritesItself", "Box.content", "writeObject");
  }

  // ---------------------------------------------------------------- throwables

  @Test
  void exceptionsArriveWithMessageCauseSuppressedTraceAndFields() {
    OrderFailed value = new OrderFailed(7, List.of("a"));
    value.initCause(new IOException("disk", new InterruptedException()));
    value.addSuppressed(new NumberFormatException("n"));
    OrderFailed copy = roundTrip(value);
    assertThat(copy)
        .hasMessage("order 7")
        .hasStackTraceContaining("Caused by: java.io.IOException: disk");
    assertThat(copy.order).isEqualTo(7);
    assertThat(copy.items).containsExactly("a");
    assertThat(copy.getStackTrace()).isEqualTo(value.getStackTrace());
    assertThat(copy.getCause()).isExactlyInstanceOf(IOException.class).hasMessage("disk");
    assertThat(copy.getCause().getCause())
        .isExactlyInstanceOf(InterruptedException.class)
        .hasMessage(null);
    assertThat(copy.getSuppressed()).hasSize(1);
    assertThat(copy.getSuppressed()[0])
        .isExactlyInstanceOf(NumberFormatException.class)
        .hasMessage("n");
  }

  @TestFactory
  Stream<DynamicTest> exceptionsOfTheJdkAndOfThisLibraryArrive() {
    return Stream.of(
            new NullPointerException(),
            new IllegalArgumentException("m", new RuntimeException("c")),
            new UncheckedIOException("u", new IOException("i")),
            new ExecutionException("e", new IOException("i")),
            new ClassNotFoundException("x", new IOException("i")),
            new AssertionError("a", new IOException("i")),
            new AssertionError("a"),
            new StackOverflowError("s"),
            new ArrayIndexOutOfBoundsException(3),
            new java.util.concurrent.TimeoutException("t"),
            new SerializationException("s", new IOException("i")))
        .map(
            value ->
                DynamicTest.dynamicTest(
                    value.getClass().getName(),
                    () -> {
                      Throwable copy = roundTrip(value);
                      assertThat(copy)
                          .isExactlyInstanceOf(value.getClass())
                          .hasMessage(value.getMessage());
                      if (value.getCause() != null) {
                        assertThat(copy.getCause()).hasSameClassAs(value.getCause());
                      }
                    }));
  }

  @Test
  void anExceptionWhoseStateCannotBeSeenIsRefused() {
    refusedWith(
        new java.time.format.DateTimeParseException("m", "text", 3),
        "DateTimeParseException",
        "the value itself",
        "fields");
  }

  // ---------------------------------------------------------------- identity, cycles, depth

  @Test
  void anObjectThatIsMetTwiceArrivesAsOneObject() {
    List<String> shared = new ArrayList<>(List.of("x"));
    Map<String, Object> copy =
        roundTrip(new HashMap<>(Map.of("a", shared, "b", shared, "c", new Box<>(shared))));
    assertThat(copy.get("a")).isSameAs(copy.get("b")).isSameAs(((Box<?>) copy.get("c")).content());
  }

  @Test
  void aLargeStringThatIsMetOftenTravelsOnce() {
    String large = "x".repeat(10_000);
    assertThat(bytes(Collections.nCopies(100, large)).length).isLessThan(11_000);
  }

  @Test
  void cyclesThroughFieldsListsMapsAndArraysArrive() {
    Node first = new Node();
    Node second = new Node();
    first.next = second;
    second.previous = first;
    second.next = second;
    first.neighbours.add(second);
    second.neighbours.add(first); // hashed by identity: no harm in hashing it before it is complete
    Node copy = roundTrip(first);
    assertThat(copy.next.previous).isSameAs(copy);
    assertThat(copy.next.next).isSameAs(copy.next);
    assertThat(copy.neighbours).containsExactly(copy.next);
    assertThat(copy.next.neighbours).containsExactly(copy);

    List<Object> list = new ArrayList<>();
    Object[] array = {list};
    list.add(array);
    list.add(new HashMap<>(Map.of("self", list)));
    List<Object> listCopy = roundTrip(list);
    assertThat(((Object[]) listCopy.get(0))[0]).isSameAs(listCopy);
    assertThat(((Map<?, ?>) listCopy.get(1)).get("self")).isSameAs(listCopy);
  }

  @Test
  void aCycleThroughARecordIsRefusedWithTheWayOut() {
    List<Object> list = new ArrayList<>();
    Box<List<Object>> box = new Box<>(list);
    list.add(box);
    refusedWith(box, "Box", "Box.content[0]", "break the cycle");
  }

  @Test
  void aCycleThroughAKeyThatMustBeHashedIsRefused() {
    Map<Object, Object> map = new HashMap<>();
    List<Object> key = new ArrayList<>();
    map.put(key, "v");
    key.add(map);
    refusedWith(map, "java.util.HashMap", ".key 0[0]", "hashed or compared");
  }

  @Test
  void aListOfAHundredThousandNodesArrives() {
    Node head = null;
    for (int i = 0; i < 100_000; i++) {
      Node node = new Node();
      node.value = i;
      node.next = head;
      if (head != null) {
        head.previous = node;
      }
      head = node;
    }
    Node copy = roundTrip(head);
    int count = 0;
    for (Node node = copy; node != null; node = node.next) {
      assertThat(node.value).isEqualTo(99_999 - count++);
      assertThat(node.next == null || node.next.previous == node).isTrue();
    }
    assertThat(count).isEqualTo(100_000);

    Link link = null;
    for (int i = 0; i < 100_000; i++) {
      link = new Link(i, link);
    }
    count = 0;
    for (Link l = roundTrip(link); l != null; l = l.next()) {
      count++;
    }
    assertThat(count).isEqualTo(100_000);
  }

  @Test
  void nestingBeyondTheBoundIsRefusedAtBothEnds() {
    ValueCodecs shallow =
        new ValueCodecs(
            ClassFilter.everything(),
            ValueCodecsTest.class.getClassLoader(),
            new ValueCodecs.Limits(100));
    Link link = null;
    for (int i = 0; i < 101; i++) {
      link = new Link(i, link);
    }
    Link deep = link;
    assertThatThrownBy(() -> shallow.encode(deep, NO_REFERENCES))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("more than 100 objects")
        .hasMessageContaining("Link.next")
        .hasMessageContaining("…");
    byte[] bytes = bytes(deep);
    assertThatThrownBy(() -> shallow.decode(MemorySegment.ofArray(bytes), NO_SOURCE))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("more than 100 objects");
  }

  // ---------------------------------------------------------------- what cannot travel

  private static void refusedWith(Object value, String... parts) {
    assertThatThrownBy(() -> bytes(value))
        .isInstanceOf(SerializationException.class)
        .hasMessageContainingAll(parts);
  }

  record Service(String name, List<Object> parts) {}

  @TestFactory
  Stream<DynamicTest> whatIsTiedToThisJvmIsRefusedWithItsClassThePathAndTheWayOut() {
    Runnable lambda = () -> {};
    Comparator<String> reference = String::compareTo;
    return Stream.<Object>of(
            Thread.currentThread(),
            new ReentrantLock(),
            new java.util.concurrent.CountDownLatch(1),
            InputStream.nullInputStream(),
            new java.io.StringWriter(),
            ValueCodecsTest.class.getClassLoader(),
            new CompletableFuture<>(),
            Stream.of(1),
            List.of(1).iterator(),
            new ThreadLocal<>(),
            new java.lang.ref.WeakReference<>("r"),
            String.class.getModule(),
            new Random(),
            new IdentityHashMap<>(),
            java.nio.IntBuffer.allocate(1),
            Runtime.getRuntime(),
            new Thread() {},
            new Object() {
              final Object lock = new ReentrantLock();
            },
            lambda,
            new TreeSet<>(reference),
            java.lang.reflect.Proxy.newProxyInstance(
                ValueCodecsTest.class.getClassLoader(),
                new Class<?>[] {Runnable.class},
                (p, m, a) -> null))
        .map(
            value ->
                DynamicTest.dynamicTest(
                    value.getClass().getName(),
                    () -> {
                      Service holder = new Service("s", List.of(1, value));
                      refusedWith(holder, "Service.parts[1]", "class ");
                      assertThatThrownBy(() -> bytes(holder))
                          .message()
                          .containsPattern(
                              "make what travels a record|functions travel as tasks|use a ");
                    }));
  }

  @Test
  void aFutureInsideAValueIsRefusedNamingShare() {
    DFut<String> future = new FakeFuture<>();
    refusedWith(new Box<>(Map.of("f", future)), "Box.content.value 0", "share()");
    refusedWith(new Box<>(Arg.of(future)), "Box.content.value", "share()");
    refusedWith(new Box<>(DFut.all(List.of(future))), "Box.content.futures[0]", "share()");
    refusedWith(future, "the value itself", "share()");
  }

  // ---------------------------------------------------------------- references

  private static ObjectId object(int sequence) {
    return new ObjectId(
        new WorkerId(new NodeId("host.example", 25520, 0xABCDEF0123456789L), 6), sequence, 2);
  }

  @Test
  void referencesAreWrittenByIdCollectedOnceAndAskedOfTheSource() {
    FakeShared one = new FakeShared(object(1));
    FakeShared oneAgain = new FakeShared(object(1));
    FakeShared two = new FakeShared(object(2));
    FakeActor actor = new FakeActor(new ActorId(object(3).owner(), 3), "com.acme.Counter");
    List<Object> asked = new ArrayList<>();
    Encoded encoded =
        CODECS.encode(
            List.of(two, new Box<>(one), oneAgain, one, actor),
            new References.Sink() {
              @Override
              public ObjectId shared(SharedDFut<?> handle) {
                asked.add(handle);
                return handle.id();
              }

              @Override
              public References.Actor actor(ActorHandle<?> handle) {
                asked.add(handle);
                return written(handle);
              }
            });
    assertThat(asked).containsExactly(two, one, oneAgain, actor);
    assertThat(encoded.references()).containsExactly(object(2), object(1), actor.id().object());

    List<String> made = new ArrayList<>();
    List<?> copy =
        (List<?>)
            CODECS.decode(
                MemorySegment.ofArray(encoded.toByteArray()),
                new References.Source() {
                  @Override
                  public SharedDFut<?> shared(ObjectId id) {
                    made.add("shared " + id);
                    return new FakeShared(id);
                  }

                  @Override
                  public ActorHandle<?> actor(References.Actor actor) {
                    made.add(actor.className() + " " + actor.id() + " " + actor.maxPendingCalls());
                    return new FakeActor(actor.id(), actor.className());
                  }
                });
    assertThat(made)
        .containsExactly(
            "shared " + object(2),
            "shared " + object(1),
            "shared " + object(1),
            "com.acme.Counter " + actor.id() + " 7");
    assertThat(copy.get(3)).isSameAs(((Box<?>) copy.get(1)).content()).isNotSameAs(copy.get(2));
  }

  @Test
  void handlesOfAValueThatCouldNotBeReadAreClosed() {
    byte[] bytes =
        CODECS
            .encode(
                new ArrayList<>(Arrays.asList(new FakeShared(object(1)), "end")),
                new References.Sink() {
                  @Override
                  public ObjectId shared(SharedDFut<?> handle) {
                    return handle.id();
                  }

                  @Override
                  public References.Actor actor(ActorHandle<?> handle) {
                    throw new AssertionError();
                  }
                })
            .toByteArray();
    List<FakeShared> made = new ArrayList<>();
    assertThatThrownBy(
            () ->
                CODECS.decode(
                    MemorySegment.ofArray(bytes).asSlice(0, bytes.length - 1),
                    new References.Source() {
                      @Override
                      public SharedDFut<?> shared(ObjectId id) {
                        made.add(new FakeShared(id));
                        return made.getLast();
                      }

                      @Override
                      public ActorHandle<?> actor(References.Actor actor) {
                        throw new AssertionError();
                      }
                    }))
        .isInstanceOf(SerializationException.class);
    assertThat(made).hasSize(1).allMatch(handle -> handle.closed);
  }

  // ---------------------------------------------------------------- raw kinds

  @Test
  void buffersAndSegmentsComeBackAsReadOnlyViewsOfTheSameMemory() {
    try (Arena arena = Arena.ofConfined()) {
      ByteBuffer buffer = ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN);
      buffer.put(2, (byte) 42).position(2).limit(6);
      Encoded encoded = CODECS.encode(buffer, NO_REFERENCES);
      MemorySegment memory = arena.allocate(encoded.bytes(), 8);
      encoded.writeTo(memory);
      assertThat(buffer.position()).isEqualTo(2);

      ByteBuffer view = (ByteBuffer) CODECS.decode(memory, NO_SOURCE);
      assertThat(view.isReadOnly()).isTrue();
      assertThat(view.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
      assertThat(view.position()).isZero();
      assertThat(view.remaining()).isEqualTo(4);
      assertThat(view.get(0)).isEqualTo((byte) 42);
      memory.set(java.lang.foreign.ValueLayout.JAVA_BYTE, memory.byteSize() - 4, (byte) 7);
      assertThat(view.get(0)).isEqualTo((byte) 7);
      assertThat(ValueCodecs.showsItsBytes(memory)).isTrue();
    }
    MemorySegment segment = MemorySegment.ofArray(new long[] {1, 2, 3});
    MemorySegment segmentCopy = (MemorySegment) decode(bytes(segment));
    assertThat(segmentCopy.isReadOnly()).isTrue();
    assertThat(segmentCopy.mismatch(segment)).isEqualTo(-1);
  }

  @Test
  void agronaBuffersComeBackAsSegmentBuffersThatThrowWhenTheMemoryIsGone() {
    UnsafeBuffer buffer = new UnsafeBuffer(new byte[20], 4, 12);
    buffer.putLong(0, 0x0102030405060708L);
    buffer.putInt(8, 9);
    Encoded encoded = CODECS.encode(buffer, NO_REFERENCES);
    DirectBuffer view;
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(encoded.bytes(), 8);
      encoded.writeTo(memory);
      view = (DirectBuffer) CODECS.decode(memory, NO_SOURCE);
      assertThat(view).isInstanceOf(SegmentBuffer.class);
      assertThat(view.capacity()).isEqualTo(12);
      assertThat(view.getLong(0)).isEqualTo(0x0102030405060708L);
      assertThat(view.getInt(8)).isEqualTo(9);
    }
    assertThatThrownBy(() -> view.getLong(0)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(view::addressOffset).isInstanceOf(UnsupportedOperationException.class);
    UnsafeBuffer direct = new UnsafeBuffer(ByteBuffer.allocateDirect(16), 3, 5);
    direct.putByte(1, (byte) 8);
    assertThat(((DirectBuffer) decode(bytes(direct))).getByte(1)).isEqualTo((byte) 8);
  }

  @Test
  void rawBytesAreFoundWithoutDecoding() {
    MemorySegment encoded = MemorySegment.ofArray(bytes(new int[] {1, 256}));
    MemorySegment raw = ValueCodecs.rawBytes(encoded).orElseThrow();
    assertThat(raw.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE))
        .containsExactly(1, 0, 0, 0, 0, 1, 0, 0);
    assertThat(raw.isReadOnly()).isTrue();
    assertThat(
            ValueCodecs.rawBytes(MemorySegment.ofArray(bytes(new byte[] {5})))
                .orElseThrow()
                .byteSize())
        .isEqualTo(1);
    assertThat(ValueCodecs.rawBytes(MemorySegment.ofArray(bytes("text")))).isEmpty();
    assertThat(ValueCodecs.rawBytes(MemorySegment.ofArray(bytes(List.of())))).isEmpty();
    assertThat(ValueCodecs.showsItsBytes(encoded)).isFalse();
  }

  @Test
  void buffersInsideValuesAreCopied() {
    Box<ByteBuffer> copy = roundTrip(new Box<>(ByteBuffer.wrap(new byte[] {1, 2, 3}, 1, 2)));
    assertThat(copy.content().remaining()).isEqualTo(2);
    assertThat(copy.content().get(0)).isEqualTo((byte) 2);
    Box<MemorySegment> segment = roundTrip(new Box<>(MemorySegment.ofArray(new byte[] {9})));
    assertThat(segment.content().byteSize()).isEqualTo(1);
    Box<DirectBuffer> direct = roundTrip(new Box<>(new UnsafeBuffer(new byte[] {4, 5})));
    assertThat(direct.content().getByte(1)).isEqualTo((byte) 5);
  }

  @Test
  void anEncodingDoesNotSeeWhatHappensToTheValueLater() {
    List<Object> list = new ArrayList<>(List.of(new byte[100_000], new StringBuilder("before")));
    Encoded encoded = CODECS.encode(list, NO_REFERENCES);
    ((byte[]) list.get(0))[0] = 1;
    ((StringBuilder) list.get(1)).append("after");
    list.clear();
    List<?> copy = (List<?>) decode(encoded.toByteArray());
    assertThat(((byte[]) copy.get(0))[0]).isZero();
    assertThat(copy.get(1).toString()).isEqualTo("before");
  }

  @Test
  void offHeapMemoryIsDecodedAsHeapMemoryIs() {
    Object value = IntStream.range(0, 20_000).mapToObj(i -> new Box<>("item " + i)).toList();
    Encoded encoded = CODECS.encode(value, NO_REFERENCES);
    assertThat(encoded.bytes()).isGreaterThan(256 * 1024);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(encoded.bytes());
      encoded.writeTo(memory);
      assertThat(CODECS.decode(memory, NO_SOURCE)).isEqualTo(value);
    }
  }

  @Test
  void memoryThatIsGoneIsNotTakenForBadBytes() {
    Encoded encoded =
        CODECS.encode(List.of(new FakeShared(object(1)), "x".repeat(200_000)), idsOnly());
    Arena arena = Arena.ofShared();
    MemorySegment memory = arena.allocate(encoded.bytes());
    encoded.writeTo(memory);
    References.Source closing =
        new References.Source() {
          @Override
          public SharedDFut<?> shared(ObjectId id) {
            arena.close();
            return new FakeShared(id);
          }

          @Override
          public ActorHandle<?> actor(References.Actor actor) {
            throw new AssertionError();
          }
        };
    assertThatThrownBy(() -> CODECS.decode(memory, closing))
        .isExactlyInstanceOf(IllegalStateException.class);
  }

  private static References.Sink idsOnly() {
    return new References.Sink() {
      @Override
      public ObjectId shared(SharedDFut<?> handle) {
        return handle.id();
      }

      @Override
      public References.Actor actor(ActorHandle<?> handle) {
        return written(handle);
      }
    };
  }

  @Test
  void writingIntoTooSmallATargetFails() {
    for (Object value : List.of("text", new int[4], List.of(1))) {
      Encoded encoded = CODECS.encode(value, NO_REFERENCES);
      assertThatThrownBy(
              () -> encoded.writeTo(MemorySegment.ofArray(new byte[(int) encoded.bytes() - 1])))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  // ---------------------------------------------------------------- the user's codecs

  @Test
  void aUsersCodecCarriesItsClassAloneAndInsideOtherValues() {
    assertThat(roundTrip(new Temperature(36.6)).celsius).isEqualTo(36.6);
    Temperature shared = new Temperature(1);
    List<Temperature> copy = roundTrip(List.of(shared, shared));
    assertThat(copy.get(0)).isSameAs(copy.get(1));
    assertThat(copy.get(0).celsius).isEqualTo(1);
  }

  @Test
  void aUsersCodecThatFailsIsNamed() {
    refusedWith(
        new Box<>(new Temperature(Double.NaN)),
        "test.temperature",
        "Temperature",
        "Box.content",
        "not measured");
    byte[] bytes = bytes(new Temperature(1));
    assertThatThrownBy(() -> decode(Arrays.copyOf(bytes, bytes.length - 1)))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("test.temperature");
    assertThatThrownBy(() -> decode(Arrays.copyOf(bytes, bytes.length + 1)))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("1 bytes");
  }

  @Test
  void aCodecThatThisNodeDoesNotHaveIsNamed() {
    byte[] bytes = replace(bytes(new Temperature(1)), "test.temperature", "test.temperaturf");
    assertThatThrownBy(() -> decode(bytes))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("test.temperaturf")
        .hasMessageContaining("class path");
  }

  // ---------------------------------------------------------------- hostile input

  static final class Innocent {
    int a = 1;
  }

  static final class EvilOne1 {
    static {
      INITIALISED.incrementAndGet();
    }

    int a = 1;
  }

  enum GoodEnum {
    A
  }

  enum EvilEnum {
    A;

    static {
      INITIALISED.incrementAndGet();
    }
  }

  private static final AtomicInteger INITIALISED = new AtomicInteger();

  private static ClassFilter refusing(String part) {
    return new ClassFilter() {
      @Override
      public boolean admits(String className) {
        return !className.contains(part);
      }

      @Override
      public String refusal(String className) {
        return "class " + className + " is not admitted on node n; add it to dfut.values.allow";
      }
    };
  }

  @Test
  void aClassThatIsNotAdmittedIsRefusedBeforeItIsLoaded() {
    List<String> looked = new ArrayList<>();
    ClassLoader loader = ValueCodecsTest.class.getClassLoader();
    ValueCodecs strict =
        new ValueCodecs(
            refusing("Evil"),
            name -> {
              looked.add(name);
              return Class.forName(name, false, loader);
            },
            loader,
            ValueCodecs.Limits.DEFAULT);
    String prefix = "ValueCodecsTest$";
    for (byte[] hostile :
        List.of(
            replace(bytes(new Innocent()), prefix + "Innocent", prefix + "EvilOne1"),
            replace(bytes(GoodEnum.A), prefix + "GoodEnum", prefix + "EvilEnum"),
            replace(bytes(new Innocent[1]), prefix + "Innocent", prefix + "EvilOne1"),
            replace(bytes(Innocent[][].class), prefix + "Innocent", prefix + "EvilOne1"))) {
      assertThatThrownBy(() -> strict.decode(MemorySegment.ofArray(hostile), NO_SOURCE))
          .isInstanceOf(SerializationException.class)
          .hasMessageContaining("Evil")
          .hasMessageContaining("dfut.values.allow");
    }
    assertThat(looked).noneMatch(name -> name.contains("Evil"));
    assertThat(INITIALISED).hasValue(0);
    assertThat(strict.decode(MemorySegment.ofArray(bytes(new Innocent())), NO_SOURCE))
        .isInstanceOf(Innocent.class);
  }

  @Test
  void anAdmittedClassThatDoesNotFitIsNotInitialised() {
    byte[] hostile =
        replace(bytes(GoodEnum.A), "ValueCodecsTest$GoodEnum", "ValueCodecsTest$EvilOne1");
    assertThatThrownBy(() -> decode(hostile))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("EvilOne1");
    assertThat(INITIALISED).hasValue(0);
  }

  @Test
  void gadgetsOfTheJdkAreNeverMade() {
    // The name goes into the description of a class with fields: the filter admits everything, the
    // kind does not fit.
    for (String gadget :
        List.of(
            "java.util.concurrent.ThreadPoolExecutor",
            "java.net.URLClassLoader",
            "java.lang.ProcessBuilder")) {
      Out out = new Out();
      out.u1(ValueCodecs.VERSION);
      out.u1(64);
      out.u1(Tag.OBJECT);
      out.varint(0);
      out.string(gadget);
      out.u1(io.dfut.internal.codec.Shape.Kind.FIELDS.ordinal());
      out.u4(0);
      byte[] hostile = Arrays.copyOf(out.chunk(), (int) out.bytes());
      assertThatThrownBy(() -> decode(hostile))
          .isInstanceOf(SerializationException.class)
          .hasMessageContaining(gadget);
    }
  }

  @Test
  void anotherFormatVersionIsRefusedNamingBoth() {
    byte[] bytes = bytes("x");
    bytes[0] = 9;
    assertThatThrownBy(() -> decode(bytes))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("version 9")
        .hasMessageContaining("version " + ValueCodecs.VERSION);
  }

  @Test
  void javaSerialisationIsRefused() {
    assertThatThrownBy(() -> decode(new byte[] {(byte) 0xAC, (byte) 0xED, 0, 5, 0x73}))
        .isInstanceOf(SerializationException.class);
  }

  @Test
  void aClassWithOtherFieldsIsRefusedAsAnotherBuild() {
    byte[] bytes = replace(bytes(new Box<>(1)), "ValueCodecsTest$Box", "ValueCodecsTest$Lnk");
    assertThatThrownBy(() -> decode(bytes)).hasMessageContaining("class path");
    byte[] other = replace(bytes(new Shape2D.Circle(1)), "$Circle", "$CircIe");
    assertThatThrownBy(() -> decode(other))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("$CircIe");
    byte[] twin = replace(bytes(new TwinA(1)), "TwinA", "TwinB");
    assertThatThrownBy(() -> decode(twin))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("different builds");
  }

  record TwinA(int a) {}

  record TwinB(int b) {}

  @Test
  void hostileLengthsAreRefusedBeforeMemoryIsTaken() {
    for (int tag = 0; tag < 256; tag++) {
      for (long length :
          new long[] {100, 1 << 20, Integer.MAX_VALUE - 8L, Integer.MAX_VALUE, 1L << 40, -1}) {
        Out out = new Out();
        out.u1(ValueCodecs.VERSION);
        out.u1(64);
        out.u1(tag);
        out.varint(length);
        out.varint(length);
        out.varint(length);
        byte[] hostile = Arrays.copyOf(out.chunk(), (int) out.bytes());
        long before = allocated();
        try {
          decode(hostile);
        } catch (SerializationException e) {
          // what it should be; some tags take the length for a number
        }
        assertThat(allocated() - before)
            .as("bytes taken for tag " + tag + ", length " + length)
            .isLessThan(4 << 20);
      }
    }
  }

  @Test
  void listsThatClaimAllThatIsLeftCannotBeNestedIntoMuchMemory() {
    int bytes = 200_000;
    Out out = new Out();
    out.u1(ValueCodecs.VERSION);
    out.u1(64);
    while (out.bytes() < bytes - 10) {
      out.u1(Tag.ARRAY_LIST);
      out.varint(bytes - out.bytes() - 10);
    }
    byte[] hostile = new byte[bytes];
    MemorySegment target = MemorySegment.ofArray(hostile);
    new Encodings.OfChunks(out.chunks(), out.bytes(), List.of()).writeTo(target);
    long before = allocated();
    assertThatThrownBy(() -> decode(hostile)).isInstanceOf(SerializationException.class);
    assertThat(allocated() - before).isLessThan(20 << 20);
  }

  @Test
  void setsWhoseHashWouldTakeForeverAreRefused() {
    // The root's hash is the sum of two sets' hashes, each the sum of the same two others', and so
    // on: 2^60 steps.
    Out out = new Out();
    out.u1(ValueCodecs.VERSION);
    out.u1(64);
    nested(out, 0, new int[] {0});
    byte[] hostile = Arrays.copyOf(out.chunk(), (int) out.bytes());
    assertThatThrownBy(() -> decode(hostile))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("hash");
  }

  /**
   * Writes a set of two sets: {@code left(left', right')}, {@code right(left', right', 1)}, sharing
   * the primed ones.
   */
  private static void nested(Out out, int depth, int[] next) {
    out.u1(Tag.HASH_SET);
    next[0]++;
    if (depth == 60) {
      out.varint(0);
      return;
    }
    out.varint(2);
    int left = next[0];
    nested(out, depth + 1, next);
    out.u1(Tag.HASH_SET); // right: the left one's elements again, and one more
    next[0]++;
    out.varint(2);
    out.u1(Tag.REF);
    out.varint(left);
    out.u1(Tag.INT);
    out.zigzag(depth);
  }

  private static long allocated() {
    return ((com.sun.management.ThreadMXBean)
            java.lang.management.ManagementFactory.getThreadMXBean())
        .getCurrentThreadAllocatedBytes();
  }

  @Test
  void truncatedEncodingsAreRefused() {
    byte[] bytes = bytes(corpus());
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> decode(cut)).isInstanceOf(SerializationException.class);
    }
    assertThatThrownBy(() -> decode(Arrays.copyOf(bytes, bytes.length + 1)))
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("1 bytes follow");
  }

  private static Object corpus() {
    Node node = new Node();
    node.next = node;
    return new ArrayList<>(
        Arrays.asList(
            new Person("Ada", 36, Optional.of(Instant.EPOCH), List.of("a", "b")),
            node,
            new int[] {1, 2, 3},
            new Object[] {1, null, 2L},
            Map.of("k", Set.of(1, 2)),
            new TreeMap<>(Map.of("a", new BigDecimal("1.5"))),
            Colour.GREEN,
            new OrderFailed(1, List.of()),
            "a string of more than thirty-two characters",
            ZonedDateTime.of(2025, 1, 1, 1, 1, 1, 1, ZoneId.of("Europe/Paris")),
            EnumSet.of(Colour.RED),
            new Temperature(4),
            new Derived(1, 2, "d"),
            UUID.nameUUIDFromBytes(new byte[1]),
            new Money(3),
            ByteBuffer.allocate(5)));
  }

  @Test
  void onlySerializationExceptionsComeOutOfTwentyThousandMutations() {
    long seed = 20_250_117;
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    byte[] whole = bytes(corpus());
    byte[][] originals =
        Stream.concat(Stream.of(whole), ((List<?>) corpus()).stream().map(ValueCodecsTest::bytes))
            .toArray(byte[][]::new);
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] original = originals[random.nextInt(originals.length)];
      byte[] mutated =
          Arrays.copyOf(
              original,
              random.nextInt(4) == 0 ? 1 + random.nextInt(original.length) : original.length);
      for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
        int at = random.nextInt(mutated.length);
        mutated[at] =
            random.nextBoolean()
                ? (byte) random.nextInt()
                : (byte) (mutated[at] ^ (1 << random.nextInt(8)));
      }
      try {
        decode(mutated);
      } catch (SerializationException e) {
        refused++;
      } catch (Throwable e) {
        throw new AssertionError(
            "mutation " + i + " of seed " + seed + ": " + Arrays.toString(mutated), e);
      }
    }
    assertThat(refused).isGreaterThan(5_000);
  }

  @Test
  void twoCodecsWriteTheSameBytesWhateverTheyMetBefore() {
    byte[] first = bytes(corpus());
    ValueCodecs fresh = codecs(ClassFilter.everything());
    fresh.encode(new Box<>(List.of(new Shape2D.Circle(1))), NO_REFERENCES);
    byte[] second = fresh.encode(corpus(), NO_REFERENCES).toByteArray();
    // Everything but the exception's line numbers and the iteration order of Map.of and Set.of is
    // the same here.
    assertThat(second.length).isCloseTo(first.length, org.assertj.core.data.Offset.offset(8));
    byte[] record = bytes(new Person("a", 1, Optional.empty(), List.of()));
    assertThat(
            fresh
                .encode(new Person("a", 1, Optional.empty(), List.of()), NO_REFERENCES)
                .toByteArray())
        .isEqualTo(record);
  }

  private static byte[] replace(byte[] bytes, String from, String to) {
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    assertThat(text).contains(from);
    assertThat(from).hasSameSizeAs(to);
    return text.replace(from, to).getBytes(StandardCharsets.ISO_8859_1);
  }

  // ---------------------------------------------------------------- stand-ins for handles

  private static final class FakeFuture<T> implements DFut<T> {
    @Override
    public ObjectId id() {
      return object(0);
    }

    @Override
    public T get() {
      throw new UnsupportedOperationException();
    }

    @Override
    public T get(Duration timeout) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isReady() {
      return false;
    }

    @Override
    public SharedDFut<T> share() {
      throw new UnsupportedOperationException();
    }

    @Override
    public ObjectView view() {
      throw new UnsupportedOperationException();
    }

    @Override
    public CompletionStage<T> toCompletionStage() {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean cancel() {
      return false;
    }

    @Override
    public void close() {}
  }

  private static final class FakeShared implements SharedDFut<Object> {
    private final ObjectId id;
    private boolean closed;

    FakeShared(ObjectId id) {
      this.id = id;
    }

    @Override
    public ObjectId id() {
      return id;
    }

    @Override
    public Object get() {
      throw new UnsupportedOperationException();
    }

    @Override
    public Object get(Duration timeout) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isReady() {
      return false;
    }

    @Override
    public CompletionStage<Object> toCompletionStage() {
      throw new UnsupportedOperationException();
    }

    @Override
    public DFut<Object> borrow() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private static References.Actor written(ActorHandle<?> handle) {
    return new References.Actor(handle.id(), ((FakeActor) handle).className, 7);
  }

  private static final class FakeActor implements ActorHandle<Object> {
    private final ActorId id;
    private final String className;

    FakeActor(ActorId id, String className) {
      this.id = id;
      this.className = className;
    }

    @Override
    public ActorId id() {
      return id;
    }

    @Override
    public void close() {}
  }
}
