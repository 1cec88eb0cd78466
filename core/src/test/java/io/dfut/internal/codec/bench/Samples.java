package io.dfut.internal.codec.bench;

import java.io.IOException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;

/** The values of the comparison. */
final class Samples {
  private Samples() {}

  record Point(int x, int y) {}

  record Line(String article, int count, double price) {}

  enum Status {
    OPEN,
    PAID
  }

  record Order(long id, String customer, Status status, Instant placed, List<Line> lines) {}

  record Pair<A, B>(A first, B second) {}

  sealed interface Figure {
    record Circle(double radius) implements Figure {}

    record Square(double side) implements Figure {}
  }

  record Figures(List<Figure> figures, Figure first) {}

  record Dated(Optional<LocalDate> date, ZonedDateTime time, Instant at) {}

  static final class Chain {
    int value;
    Chain next;
  }

  static final class Plain {
    private final String name;
    private final Map<String, Object> parts = new TreeMap<>();

    Plain(String name) {
      this.name = name;
    }
  }

  static final class OrderFailed extends RuntimeException {
    final int order;

    OrderFailed(int order, Throwable cause) {
      super("order " + order, cause);
      this.order = order;
    }
  }

  static Order order(int seed) {
    Random random = new Random(seed);
    List<Line> lines = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      lines.add(
          new Line("article-" + random.nextInt(1000), random.nextInt(50), random.nextDouble()));
    }
    return new Order(
        random.nextLong(),
        "customer-" + seed,
        Status.PAID,
        Instant.ofEpochSecond(seed, 1000),
        lines);
  }

  static Object hot(String name) {
    return switch (name) {
      case "point" -> new Point(3, 70_000);
      case "order" -> order(1);
      case "orders100" -> {
        List<Order> orders = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
          orders.add(order(i));
        }
        yield orders;
      }
      case "map100" -> {
        Map<String, Integer> map = new HashMap<>();
        for (int i = 0; i < 100; i++) {
          map.put("key-" + i, i * i);
        }
        yield map;
      }
      case "doubles10k" -> new Random(1).doubles(10_000).toArray();
      default -> throw new IllegalArgumentException(name);
    };
  }

  /** One value of each kind that has to arrive or to be refused. */
  static Map<String, Object> kinds() {
    Map<String, Object> kinds = new LinkedHashMap<>();
    kinds.put("record", order(1));
    kinds.put("list of records", new ArrayList<>(List.of(order(1), order(2))));
    kinds.put(
        "sealed hierarchy",
        new Figures(List.of(new Figure.Circle(1), new Figure.Square(2)), new Figure.Circle(3)));
    kinds.put("enum map", new EnumMap<>(Map.of(Status.OPEN, 1)));
    kinds.put(
        "optional, java.time",
        new Dated(
            Optional.of(LocalDate.EPOCH),
            ZonedDateTime.of(2025, 1, 2, 3, 4, 5, 6, ZoneId.of("Europe/Paris")),
            Instant.EPOCH));
    kinds.put("primitive array", new int[] {1, 2});
    kinds.put("nested array", new Object[] {1, new int[][] {{1}, null}});
    kinds.put("generics", new Pair<>(new Point(1, 2), new ArrayList<>(List.of(new Point(3, 4)))));
    kinds.put("null inside", new Pair<>(null, null));
    Plain plain = new Plain("p");
    plain.parts.put("point", new Point(1, 2));
    kinds.put("plain object", plain);
    List<Object> cycle = new ArrayList<>();
    cycle.add(cycle);
    kinds.put("cycle", cycle);
    kinds.put("throwable", new OrderFailed(4, new IOException("disk")));
    for (int length : new int[] {1_000, 100_000}) {
      Chain head = null;
      for (int i = 0; i < length; i++) {
        Chain link = new Chain();
        link.value = i;
        link.next = head;
        head = link;
      }
      kinds.put("chain of " + length, head);
    }
    kinds.put("lock", new Pair<>("lock", new java.util.concurrent.locks.ReentrantLock()));
    kinds.put("thread", new Pair<>("thread", new Thread("t")));
    Runnable lambda = () -> {};
    kinds.put("lambda", new Pair<>("lambda", lambda));
    return kinds;
  }
}
