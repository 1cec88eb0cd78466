package io.dfut.internal.codec;

import io.dfut.ActorHandle;
import io.dfut.DFutException;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.SerializationException;
import io.dfut.SharedDFut;
import io.dfut.ValueCodec;
import io.dfut.WorkerId;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.lang.reflect.InvocationTargetException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Writes one object graph. Objects wait for their items on a stack of our own, not on the thread's:
 * a list of a hundred thousand nodes needs no deep recursion. Used once, by one thread.
 *
 * <p><b>Order.</b> Every object that can be met twice gets the next number when its tag is written,
 * before its items; the reader counts alike. An object whose items are still being written is
 * <em>open</em>. A cycle is a {@code REF} to an open object, and is refused here, where the path is
 * known, when the reader could not honour it: an object that is built from its items (a record,
 * {@code List.of}, …) does not exist yet when its own item refers to it, and a key must not be
 * hashed or compared before it is complete.
 */
final class GraphWriter {
  /**
   * Strings longer than this are numbered, so that a large string that is met often travels once.
   */
  static final int STRING_NUMBERED_CHARS = 32;

  private final ValueCodecs codecs;
  private final References.Sink refs;
  private final Out out;

  private final IdentityTable objects = new IdentityTable(32);

  /** For each numbered object its place on the stack, or -1 when it is complete. */
  private int[] openAt = new int[16];

  private IdentityTable classes;
  private IdentityTable classNames;
  private final Set<ObjectId> references = new LinkedHashSet<>();

  private Frame[] stack = new Frame[8];
  private int depth;

  private Class<?> lastType;
  private Shape lastShape;

  private static final class Frame {
    Shape shape;
    Object owner;
    int number;

    /** The items, or {@code null} where they are the owner's reference fields. */
    Object[] items;

    /** Own fields come before this many elements in {@code items}; only for paths. */
    int next;

    int count;

    /** The highest frame not above this one whose key in progress may not be hashed yet, or -1. */
    int fragileKeyAt;
  }

  GraphWriter(ValueCodecs codecs, References.Sink refs, Out out) {
    this.codecs = codecs;
    this.refs = refs;
    this.out = out;
  }

  List<ObjectId> references() {
    return List.copyOf(references);
  }

  void write(Object root) {
    try {
      item(root);
      while (depth > 0) {
        int current = depth;
        Frame frame = stack[current - 1];
        while (depth == current) {
          if (frame.next == frame.count) {
            openAt[frame.number] = -1;
            frame.owner = null;
            frame.items = null;
            depth--;
          } else {
            int index = frame.next++;
            item(frame.items != null ? frame.items[index] : field(frame, index));
          }
        }
      }
    } catch (DFutException e) {
      throw e;
    } catch (StackOverflowError e) {
      throw new SerializationException(
          "a method of the value itself recursed too deeply while " + path() + " was encoded", e);
    } catch (IllegalAccessException | RuntimeException e) {
      throw new SerializationException("encoding " + path() + " failed: " + e, e);
    }
  }

  private Object field(Frame frame, int index) throws IllegalAccessException {
    FieldSlot slot = frame.shape.references[index];
    Object value = slot.field().get(frame.owner);
    if (value != null) {
      Class<?> arrives = shape(value.getClass()).travelsAs;
      if (arrives != null && !slot.field().getType().isAssignableFrom(arrives)) {
        throw new SerializationException(
            "class "
                + value.getClass().getName()
                + " at "
                + path()
                + " travels as a "
                + arrives.getName()
                + ", which the field's type does not admit: declare it as an interface, or copy it"
                + " into a "
                + arrives.getSimpleName());
      }
    }
    return value;
  }

  private Shape shape(Class<?> type) {
    if (type != lastType) {
      lastShape = Shape.of(type);
      lastType = type;
    }
    return lastShape;
  }

  private void item(Object value) throws IllegalAccessException {
    if (value == null) {
      out.u1(Tag.NULL);
      return;
    }
    Class<?> type = value.getClass();
    if (type == String.class) {
      string((String) value);
      return;
    }
    if (type == Integer.class) {
      out.u1(Tag.INT);
      out.zigzag((Integer) value);
      return;
    }
    Optional<ValueCodec> own = codecs.userCodec(type);
    if (own.isPresent()) {
      user(value, own.get());
      return;
    }
    item(value, shape(type));
  }

  private void item(Object value, Shape shape) throws IllegalAccessException {
    if (shape.kind == Shape.Kind.REFUSED) {
      throw refused(shape.type.getName(), shape.refusal);
    }
    if (shape.kind == Shape.Kind.ENUM) {
      out.u1(Tag.ENUM);
      describe(shape);
      out.varint(((Enum<?>) value).ordinal());
      return;
    }
    if (!shape.numbered()) {
      out.u1(value instanceof Boolean b ? (b ? Tag.TRUE : Tag.FALSE) : shape.tag);
      leaf(shape.tag, value);
      return;
    }
    if (shape.kind == Shape.Kind.REPLACED) {
      replaced(value, shape);
      return;
    }
    if (isRepeated(value)) {
      return;
    }
    int number = objects.size() - 1;
    out.u1(shape.tag);
    switch (shape.kind) {
      case FIELDS, RECORD -> {
        describe(shape);
        primitives(shape, value);
        push(shape, value, number, null, shape.references.length);
      }
      case COLLECTION -> {
        describe(shape);
        primitives(shape, value);
        Object[] elements = ((Collection<?>) value).toArray();
        out.varint(elements.length);
        push(
            shape,
            value,
            number,
            withFields(shape, value, elements),
            shape.references.length + elements.length);
      }
      case MAP -> {
        describe(shape);
        primitives(shape, value);
        Object[] entries = entries((Map<?, ?>) value);
        out.varint(entries.length / 2);
        push(
            shape,
            value,
            number,
            withFields(shape, value, entries),
            shape.references.length + entries.length);
      }
      case THROWABLE -> throwable(shape, (Throwable) value, number);
      case OBJECT_ARRAY -> {
        Object[] array = (Object[]) value;
        name(shape.type.getComponentType());
        out.varint(array.length);
        push(shape, value, number, array, array.length);
      }
      case SHARED -> {
        ObjectId id = refs.shared((SharedDFut<?>) value);
        references.add(id);
        objectId(id.owner(), id.sequence());
        out.varint(id.index());
      }
      case ACTOR -> {
        ActorHandle<?> handle = (ActorHandle<?>) value;
        References.Actor actor = refs.actor(handle);
        references.add(actor.id().object());
        objectId(actor.id().owner(), actor.id().sequence());
        out.string(actor.className());
        out.varint(actor.maxPendingCalls());
      }
      case KNOWN -> known(shape, value, number);
      default ->
          throw new IllegalStateException("no way to write a " + shape.kind + ": " + shape.type);
    }
  }

  /**
   * Whether the object was written before; if so a reference to it is written now, else it gets a
   * number.
   */
  private boolean isRepeated(Object value) {
    int number = objects.findOrAdd(value);
    if (number < 0) {
      number = -1 - number;
      if (number == openAt.length) {
        openAt = Arrays.copyOf(openAt, number * 2);
      }
      openAt[number] = -1;
      return false;
    }
    int openFrame = openAt[number];
    if (openFrame >= 0) {
      checkCycle(value, openFrame);
    }
    out.u1(Tag.REF);
    out.varint(number);
    return true;
  }

  private void checkCycle(Object value, int openFrame) {
    Shape shape = stack[openFrame].shape;
    if (shape.builtLast()) {
      throw refused(
          shape.type.getName(),
          "contains itself, and such an object is made only after all that it contains: break the"
              + " cycle with a class that has a field to set later, or send ids instead of"
              + " references");
    }
    Frame top = stack[depth - 1];
    boolean isKey = isKeyed(top, top.next - 1) && !mayBeHashedEarly(top.shape, shape);
    if (isKey || top.fragileKeyAt >= openFrame) {
      throw refused(
          shape.type.getName(),
          "is reached again through an element of a set or a key of a map that has to be hashed or"
              + " compared before the cycle is complete: use a list, or a key that does not refer"
              + " back");
    }
  }

  private static boolean isKeyed(Frame frame, int index) {
    return frame.shape.isKeyed(index);
  }

  private static boolean mayBeHashedEarly(Shape container, Shape key) {
    return key.identityHash && !Tag.sorted(container.tag);
  }

  private void push(Shape shape, Object owner, int number, Object[] items, int count) {
    if (count == 0) {
      return;
    }
    if (depth == codecs.limits().depthMax()) {
      throw new SerializationException(
          "a value of class "
              + stack[0].shape.type.getName()
              + " nests more than "
              + depth
              + " objects in one another (at "
              + path()
              + "): keep such a chain in a list");
    }
    if (depth == stack.length) {
      stack = Arrays.copyOf(stack, depth * 2);
    }
    Frame frame = stack[depth];
    if (frame == null) {
      frame = new Frame();
      stack[depth] = frame;
    }
    frame.shape = shape;
    frame.owner = owner;
    frame.number = number;
    frame.items = items;
    frame.next = 0;
    frame.count = count;
    if (depth == 0) {
      frame.fragileKeyAt = -1;
    } else {
      Frame below = stack[depth - 1];
      boolean isFragile = isKeyed(below, below.next - 1) && !mayBeHashedEarly(below.shape, shape);
      frame.fragileKeyAt = isFragile ? depth - 1 : below.fragileKeyAt;
    }
    openAt[number] = depth;
    depth++;
  }

  // ---------------------------------------------------------------- items of one kind

  private void string(String value) throws IllegalAccessException {
    if (value.length() > STRING_NUMBERED_CHARS && isRepeated(value)) {
      return;
    }
    out.u1(Tag.STRING);
    out.string(value);
  }

  private void user(Object value, ValueCodec codec) {
    if (isRepeated(value)) {
      return;
    }
    byte[] bytes = userBytes(value, codec, path());
    out.u1(Tag.USER);
    out.string(codec.name());
    out.string(value.getClass().getName());
    out.varint(bytes.length);
    out.bytes(bytes);
  }

  static byte[] userBytes(Object value, ValueCodec codec, String path) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      codec.encode(value, new DataOutputStream(bytes));
    } catch (IOException | RuntimeException | StackOverflowError e) {
      throw new SerializationException(
          "ValueCodec "
              + codec.name()
              + " cannot write class "
              + value.getClass().getName()
              + " at "
              + path
              + ": "
              + e,
          e);
    }
    return bytes.toByteArray();
  }

  private void replaced(Object value, Shape shape) throws IllegalAccessException {
    int before = objects.find(value);
    if (before >= 0) {
      isRepeated(value);
      return;
    }
    Object replacement;
    try {
      replacement = shape.writeReplace.invoke(value);
    } catch (InvocationTargetException e) {
      throw new SerializationException(
          "writeReplace of class "
              + shape.type.getName()
              + " at "
              + path()
              + " failed: "
              + e.getCause(),
          e.getCause());
    }
    if (replacement != null && replacement.getClass() == shape.type) {
      item(replacement, shape.unreplaced);
    } else if (replacement != null
        && Shape.of(replacement.getClass()).kind == Shape.Kind.REPLACED) {
      throw refused(
          shape.type.getName(), "is replaced by something that is replaced again" + Shape.WAYS_OUT);
    } else {
      item(replacement);
    }
    int number = replacement == null ? -1 : objects.find(replacement);
    if (number >= 0) {
      objects.alias(value, number);
    }
  }

  private void throwable(Shape shape, Throwable value, int number) throws IllegalAccessException {
    describe(shape);
    primitives(shape, value);
    Throwable[] suppressed = value.getSuppressed();
    StackTraceElement[] trace = value.getStackTrace();
    out.varint(suppressed.length);
    out.varint(trace.length);
    for (StackTraceElement element : trace) {
      leaf(Tag.STACK_TRACE_ELEMENT, element);
    }
    Object[] items = new Object[2 + suppressed.length];
    items[0] = value.getMessage();
    items[1] = value.getCause();
    System.arraycopy(suppressed, 0, items, 2, suppressed.length);
    push(
        shape,
        value,
        number,
        withFields(shape, value, items),
        shape.references.length + items.length);
  }

  private static Object[] withFields(Shape shape, Object value, Object[] others)
      throws IllegalAccessException {
    FieldSlot[] slots = shape.references;
    if (slots.length == 0) {
      return others;
    }
    Object[] all = new Object[slots.length + others.length];
    for (int i = 0; i < slots.length; i++) {
      all[i] = slots[i].field().get(value);
    }
    System.arraycopy(others, 0, all, slots.length, others.length);
    return all;
  }

  private void primitives(Shape shape, Object value) throws IllegalAccessException {
    for (FieldSlot slot : shape.primitives) {
      switch (slot.type()) {
        case 'I' -> out.zigzag(slot.field().getInt(value));
        case 'J' -> out.zigzag(slot.field().getLong(value));
        case 'Z' -> out.u1(slot.field().getBoolean(value) ? 1 : 0);
        case 'B' -> out.u1(slot.field().getByte(value));
        case 'S' -> out.u2(slot.field().getShort(value));
        case 'C' -> out.u2(slot.field().getChar(value));
        case 'F' -> out.u4(Float.floatToRawIntBits(slot.field().getFloat(value)));
        case 'D' -> out.u8(Double.doubleToRawLongBits(slot.field().getDouble(value)));
        default -> throw new IllegalStateException("no primitive type " + slot.type());
      }
    }
  }

  /**
   * The class of an object: the number it got in this message, or the next number and its
   * description.
   */
  private void describe(Shape shape) {
    if (classes == null) {
      classes = new IdentityTable(8);
    }
    int number = classes.findOrAdd(shape);
    if (number >= 0) {
      out.varint(number);
      return;
    }
    out.varint(-1 - number);
    out.string(shape.type.getName());
    out.u1(shape.kind.ordinal());
    out.u4(shape.hash);
  }

  /** A class of which only the name matters. */
  private void name(Class<?> type) {
    if (classNames == null) {
      classNames = new IdentityTable(8);
    }
    int number = classNames.findOrAdd(type);
    if (number >= 0) {
      out.varint(number);
      return;
    }
    if (type.isHidden()) {
      throw refused(type.getName(), "is hidden: no other JVM can find it by its name");
    }
    out.varint(-1 - number);
    out.string(type.getName());
  }

  private void objectId(WorkerId owner, long sequence) {
    NodeId node = owner.node();
    out.string(node.host());
    out.varint(node.port());
    out.u8(node.incarnation());
    out.varint(owner.sequence());
    out.zigzag(sequence);
  }

  private void known(Shape shape, Object value, int number) throws IllegalAccessException {
    int tag = shape.tag;
    if (tag < Tag.TUPLE_FIRST) {
      leaf(tag, value);
      return;
    }
    if (tag < Tag.SEQUENCE_FIRST) {
      Object[] items =
          switch (tag) {
            case Tag.OPTIONAL -> new Object[] {((Optional<?>) value).orElse(null)};
            case Tag.ATOMIC_REFERENCE -> new Object[] {((AtomicReference<?>) value).get()};
            case Tag.REVERSED_COMPARATOR -> new Object[] {((Comparator<?>) value).reversed()};
            default ->
                new Object[] {
                  ((Map.Entry<?, ?>) value).getKey(), ((Map.Entry<?, ?>) value).getValue()
                };
          };
      push(shape, value, number, items, items.length);
      return;
    }
    Object[] items =
        tag < Tag.MAP_FIRST ? ((Collection<?>) value).toArray() : entries((Map<?, ?>) value);
    if (tag == Tag.ENUM_SET) {
      name(enumType((EnumSet<?>) value));
    } else if (tag == Tag.ENUM_MAP) {
      name(enumType((EnumMap<?, ?>) value, items));
    }
    if (Tag.sorted(tag)) {
      Object[] more = new Object[items.length + 1];
      more[0] =
          switch (value) {
            case SortedSet<?> set -> set.comparator();
            case SortedMap<?, ?> map -> map.comparator();
            case PriorityQueue<?> queue -> queue.comparator();
            default -> throw new IllegalStateException("not sorted: " + value.getClass());
          };
      System.arraycopy(items, 0, more, 1, items.length);
      out.varint(tag < Tag.MAP_FIRST ? items.length : items.length / 2);
      push(shape, value, number, more, more.length);
      return;
    }
    out.varint(tag < Tag.MAP_FIRST ? items.length : items.length / 2);
    push(shape, value, number, items, items.length);
  }

  /** A snapshot, so that the count is right even for a map that changes meanwhile. */
  private static Object[] entries(Map<?, ?> map) {
    Object[] items = new Object[map.size() * 2];
    int count = 0;
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      if (count == items.length) {
        items = Arrays.copyOf(items, count * 2 + 16);
      }
      items[count++] = entry.getKey();
      items[count++] = entry.getValue();
    }
    return count == items.length ? items : Arrays.copyOf(items, count);
  }

  private static <E extends Enum<E>> Class<?> enumType(EnumSet<E> set) {
    EnumSet<E> some = set.isEmpty() ? EnumSet.complementOf(set) : set;
    if (some.isEmpty()) {
      throw new IllegalArgumentException("an EnumSet of an enum without constants");
    }
    return some.iterator().next().getDeclaringClass();
  }

  private Class<?> enumType(EnumMap<?, ?> map, Object[] items) {
    if (items.length > 0) {
      return ((Enum<?>) items[0]).getDeclaringClass();
    }
    throw refused(
        EnumMap.class.getName(),
        "does not tell the type of its keys while it is empty: use a HashMap, or null");
  }

  /** What follows the tag of an object without items. */
  private void leaf(int tag, Object value) {
    switch (tag) {
      case Tag.TRUE,
          Tag.PLAIN_OBJECT,
          Tag.NATURAL_ORDER,
          Tag.REVERSE_ORDER,
          Tag.CASE_INSENSITIVE_ORDER -> {}
      case Tag.BYTE -> out.u1((Byte) value);
      case Tag.SHORT -> out.u2((Short) value);
      case Tag.CHAR -> out.u2((Character) value);
      case Tag.LONG -> out.zigzag((Long) value);
      case Tag.FLOAT -> out.u4(Float.floatToRawIntBits((Float) value));
      case Tag.DOUBLE -> out.u8(Double.doubleToRawLongBits((Double) value));
      case Tag.CLASS -> name((Class<?>) value);
      case Tag.BOOLEANS,
          Tag.BYTES,
          Tag.SHORTS,
          Tag.CHARS,
          Tag.INTS,
          Tag.LONGS,
          Tag.FLOATS,
          Tag.DOUBLES,
          Tag.SEGMENT,
          Tag.DIRECT_BUFFER ->
          raw(Raw.bytes(tag, value), value);
      case Tag.BYTE_BUFFER -> {
        out.u1(((ByteBuffer) value).order() == ByteOrder.BIG_ENDIAN ? 0 : 1);
        raw(Raw.bytes(tag, value), value);
      }
      case Tag.BIG_INTEGER -> {
        byte[] bytes = ((BigInteger) value).toByteArray();
        out.varint(bytes.length);
        out.bytes(bytes);
      }
      case Tag.BIG_DECIMAL -> {
        BigDecimal decimal = (BigDecimal) value;
        out.zigzag(decimal.scale());
        leaf(Tag.BIG_INTEGER, decimal.unscaledValue());
      }
      case Tag.UUID -> {
        java.util.UUID uuid = (java.util.UUID) value;
        out.u8(uuid.getMostSignificantBits());
        out.u8(uuid.getLeastSignificantBits());
      }
      case Tag.LOCALE -> out.string(((java.util.Locale) value).toLanguageTag());
      case Tag.PATTERN -> {
        java.util.regex.Pattern pattern = (java.util.regex.Pattern) value;
        out.string(pattern.pattern());
        out.varint(pattern.flags());
      }
      case Tag.CHARSET -> out.string(((java.nio.charset.Charset) value).name());
      case Tag.ATOMIC_INTEGER ->
          out.zigzag(((java.util.concurrent.atomic.AtomicInteger) value).get());
      case Tag.ATOMIC_LONG -> out.zigzag(((java.util.concurrent.atomic.AtomicLong) value).get());
      case Tag.ATOMIC_BOOLEAN ->
          out.u1(((java.util.concurrent.atomic.AtomicBoolean) value).get() ? 1 : 0);
      case Tag.DATE -> out.zigzag(((java.util.Date) value).getTime());
      case Tag.URI, Tag.CURRENCY, Tag.STRING_BUILDER, Tag.MATH_CONTEXT, Tag.FILE ->
          out.string(value.toString());
      case Tag.PATH -> {
        java.nio.file.Path path = (java.nio.file.Path) value;
        if (path.getFileSystem() != java.nio.file.FileSystems.getDefault()) {
          throw refused(
              path.getClass().getName(),
              "is a path of a file system that other JVMs do not have: pass its name");
        }
        out.string(path.toString());
      }
      case Tag.BIT_SET -> {
        byte[] bits = ((java.util.BitSet) value).toByteArray();
        out.varint(bits.length);
        out.bytes(bits);
      }
      case Tag.INET_ADDRESS -> {
        java.net.InetAddress address = (java.net.InetAddress) value;
        byte[] bytes = address.getAddress();
        out.u1(bytes.length);
        out.bytes(bytes);
      }
      case Tag.INET_SOCKET_ADDRESS -> {
        java.net.InetSocketAddress address = (java.net.InetSocketAddress) value;
        out.varint(address.getPort());
        out.string(address.getHostString());
        byte[] bytes = address.isUnresolved() ? new byte[0] : address.getAddress().getAddress();
        out.u1(bytes.length);
        out.bytes(bytes);
      }
      case Tag.OPTIONAL_INT -> {
        java.util.OptionalInt optional = (java.util.OptionalInt) value;
        out.u1(optional.isPresent() ? 1 : 0);
        out.zigzag(optional.orElse(0));
      }
      case Tag.OPTIONAL_LONG -> {
        java.util.OptionalLong optional = (java.util.OptionalLong) value;
        out.u1(optional.isPresent() ? 1 : 0);
        out.zigzag(optional.orElse(0));
      }
      case Tag.OPTIONAL_DOUBLE -> {
        java.util.OptionalDouble optional = (java.util.OptionalDouble) value;
        out.u1(optional.isPresent() ? 1 : 0);
        out.u8(Double.doubleToRawLongBits(optional.orElse(0)));
      }
      case Tag.STACK_TRACE_ELEMENT -> {
        StackTraceElement element = (StackTraceElement) value;
        text(element.getClassLoaderName());
        text(element.getModuleName());
        text(element.getModuleVersion());
        text(element.getClassName());
        text(element.getMethodName());
        text(element.getFileName());
        out.zigzag(element.getLineNumber());
      }
      default -> time(tag, value);
    }
  }

  private void time(int tag, Object value) {
    switch (tag) {
      case Tag.INSTANT -> {
        java.time.Instant instant = (java.time.Instant) value;
        out.zigzag(instant.getEpochSecond());
        out.varint(instant.getNano());
      }
      case Tag.DURATION -> {
        java.time.Duration duration = (java.time.Duration) value;
        out.zigzag(duration.getSeconds());
        out.varint(duration.getNano());
      }
      case Tag.LOCAL_DATE -> out.zigzag(((java.time.LocalDate) value).toEpochDay());
      case Tag.LOCAL_TIME -> out.varint(((java.time.LocalTime) value).toNanoOfDay());
      case Tag.LOCAL_DATE_TIME -> {
        java.time.LocalDateTime dateTime = (java.time.LocalDateTime) value;
        out.zigzag(dateTime.toLocalDate().toEpochDay());
        out.varint(dateTime.toLocalTime().toNanoOfDay());
      }
      case Tag.OFFSET_TIME -> {
        java.time.OffsetTime time = (java.time.OffsetTime) value;
        out.varint(time.toLocalTime().toNanoOfDay());
        out.zigzag(time.getOffset().getTotalSeconds());
      }
      case Tag.OFFSET_DATE_TIME -> {
        java.time.OffsetDateTime dateTime = (java.time.OffsetDateTime) value;
        time(Tag.LOCAL_DATE_TIME, dateTime.toLocalDateTime());
        out.zigzag(dateTime.getOffset().getTotalSeconds());
      }
      case Tag.ZONED_DATE_TIME -> {
        java.time.ZonedDateTime dateTime = (java.time.ZonedDateTime) value;
        time(Tag.LOCAL_DATE_TIME, dateTime.toLocalDateTime());
        out.zigzag(dateTime.getOffset().getTotalSeconds());
        out.string(dateTime.getZone().getId());
      }
      case Tag.ZONE_ID -> out.string(((java.time.ZoneId) value).getId());
      case Tag.PERIOD -> {
        java.time.Period period = (java.time.Period) value;
        out.zigzag(period.getYears());
        out.zigzag(period.getMonths());
        out.zigzag(period.getDays());
      }
      case Tag.YEAR -> out.zigzag(((java.time.Year) value).getValue());
      case Tag.YEAR_MONTH -> {
        java.time.YearMonth month = (java.time.YearMonth) value;
        out.zigzag(month.getYear());
        out.u1(month.getMonthValue());
      }
      case Tag.MONTH_DAY -> {
        java.time.MonthDay day = (java.time.MonthDay) value;
        out.u1(day.getMonthValue());
        out.u1(day.getDayOfMonth());
      }
      default ->
          throw new IllegalStateException("no way to write tag " + tag + ": " + value.getClass());
    }
  }

  /**
   * @param value whose bytes these are; it may pin them
   */
  private void raw(MemorySegment bytes, Object value) {
    out.varint(bytes.byteSize());
    out.segment(bytes);
    Reference.reachabilityFence(value);
  }

  /** A string that may be missing. */
  private void text(String value) {
    out.u1(value == null ? 0 : 1);
    if (value != null) {
      out.string(value);
    }
  }

  // ---------------------------------------------------------------- where we are

  private SerializationException refused(String className, String why) {
    return new SerializationException("class " + className + " at " + path() + " " + why);
  }

  /**
   * The way to the item in hand, as a reader of the program would write it; the middle of a long
   * one is left out.
   */
  String path() {
    if (depth == 0) {
      return "the value itself";
    }
    StringBuilder path = new StringBuilder();
    for (int i = 0; i < depth; i++) {
      Frame frame = stack[i];
      if (i == 0) {
        path.append(frame.shape.type.isArray() ? "array" : simpleName(frame.shape.type));
      }
      if (i == 8 && depth > 16) {
        path.append("…");
        i = depth - 8;
        frame = stack[i];
      }
      step(path, frame, frame.next - 1);
    }
    return path.toString();
  }

  private static String simpleName(Class<?> type) {
    String name = type.getName();
    return name.substring(name.lastIndexOf('.') + 1);
  }

  private static void step(StringBuilder path, Frame frame, int index) {
    Shape shape = frame.shape;
    if (index < 0) {
      return;
    }
    if (index < shape.references.length) {
      path.append('.').append(shape.references[index].name());
      return;
    }
    int item = index - shape.references.length;
    switch (shape.kind) {
      case THROWABLE ->
          path.append(
              item == 0
                  ? ".getMessage()"
                  : item == 1 ? ".getCause()" : ".getSuppressed()[" + (item - 2) + "]");
      case MAP -> entryStep(path, frame, item);
      case KNOWN -> {
        if (Tag.sorted(shape.tag) && item == 0) {
          path.append(".comparator()");
        } else if (shape.tag == Tag.OPTIONAL || shape.tag == Tag.ATOMIC_REFERENCE) {
          path.append(".get()");
        } else if (shape.tag < Tag.SEQUENCE_FIRST) {
          path.append(item == 0 ? ".getKey()" : ".getValue()");
        } else if (shape.tag >= Tag.MAP_FIRST) {
          entryStep(path, frame, Tag.sorted(shape.tag) ? item - 1 : item);
        } else {
          path.append('[').append(Tag.sorted(shape.tag) ? item - 1 : item).append(']');
        }
      }
      default -> path.append('[').append(item).append(']');
    }
  }

  private static void entryStep(StringBuilder path, Frame frame, int item) {
    path.append(item % 2 == 0 ? ".key " : ".value ").append(item / 2);
  }
}
