package io.dfut.internal.cluster;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** How many, then each. */
record ListOf<T>(Shape element) implements Shape {
  /** Room is taken for so many; a list grows as elements really come. */
  static final int ROOM_MAX = 64;

  @Override
  public void write(Object value, WireWriter out) throws IOException {
    List<?> list = (List<?>) value;
    out.writeCount(list.size());
    for (int i = 0; i < list.size(); i++) {
      element.write(list.get(i), out);
    }
  }

  @Override
  @SuppressWarnings("unchecked") // whoever makes the shape of a list says what its elements are
  public List<T> read(WireReader in) throws IOException {
    int count = in.readCount();
    if (count == 0) {
      return List.of();
    } else if (count == 1) {
      return List.of((T) element.read(in)); // most often, and need not be copied by its record
    }
    List<T> list = new ArrayList<>(Math.min(count, ROOM_MAX));
    for (int i = 0; i < count; i++) {
      list.add((T) element.read(in));
    }
    return list;
  }
}
