package io.dfut.internal.codec;

import io.dfut.ActorId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.SerializationException;
import io.dfut.ValueCodec;
import io.dfut.WorkerId;
import io.dfut.internal.task.Sharing;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.AbstractMap;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Reads what {@link GraphWriter} wrote, or what somebody else did. Used once, by one thread.
 *
 * <p><b>What hostile bytes cannot do.</b> A class is loaded only after the filter admitted its
 * name, and never initialised before. Depth is a stack of our own with a bound. Each item takes a
 * byte at least, so all items that are still owed together ({@link #owed}) cannot be more than the
 * bytes that are left: this bounds the arrays that wait for items, however they nest. Hashing a
 * container costs as much as there are objects reachable through it, which references can make
 * exponential; {@link #hashWork} bounds the sum.
 */
final class GraphReader {
  /** Whoever keeps many references keeps their owners once. */
  private static final Sharing<WorkerId> OWNERS = new Sharing<>(10_000);

  /** Stands for an object that is not known yet: its items come first. */
  private static final Object PENDING = new Object();

  private static final int CLASS_NAME_CHARS_MAX = 4096;
  private static final long HASH_WORK_FLOOR = 1_000_000;

  /** Up to here a table is made for the count that was claimed; the rest grows with what comes. */
  private static final int PRESIZED_MAX = 4096;

  private final ValueCodecs codecs;
  private final References.Source refs;
  private final In in;
  private final long hashWorkMax;
  private long hashWork;

  private Object[] objects = new Object[16];

  /** How many objects hashing the object of that number may touch. */
  private long[] weights = new long[16];

  private int objectCount;

  private final List<Shape> classes = new ArrayList<>();
  private final List<Class<?>> classNames = new ArrayList<>();
  private final List<AutoCloseable> handles = new ArrayList<>();

  private Frame[] stack = new Frame[8];
  private int depth;

  /** Items that open frames still have to read. */
  private long owed;

  private static final class Frame {
    int tag;
    Shape shape;
    int number;

    /** What is being filled, or {@code null} where it is built last. */
    Object instance;

    /** A record's primitive components, a throwable's trace, the class of an enum set. */
    Object extra;

    Object[] items;
    int next;
    long weight;
  }

  GraphReader(ValueCodecs codecs, References.Source refs, In in) {
    this.codecs = codecs;
    this.refs = refs;
    this.in = in;
    this.hashWorkMax = HASH_WORK_FLOOR + 64 * in.remaining();
  }

  Object read() throws ReflectiveOperationException {
    Object value = item(null);
    while (depth > 0) {
      int current = depth;
      Frame frame = stack[current - 1];
      if (value != PENDING) {
        frame.items[frame.next++] = value;
      }
      value = PENDING;
      while (frame.next < frame.items.length) {
        owed--;
        Object item = item(frame);
        if (item == PENDING) {
          break;
        }
        frame.items[frame.next++] = item;
      }
      if (depth == current) {
        value = finish(frame);
        depth--;
        boolean hashesByIdentity =
            frame.tag == Tag.OBJECT_ARRAY || (frame.shape != null && frame.shape.identityHash);
        long weight = hashesByIdentity ? 1 : frame.weight;
        if (frame.number >= 0) {
          weights[frame.number] = weight;
        }
        if (depth > 0) {
          addWeight(stack[depth - 1], weight);
        }
        frame.instance = null;
        frame.items = null;
        frame.extra = null;
      }
    }
    if (in.remaining() > 0) {
      throw new Malformed(in.remaining() + " bytes follow the value");
    }
    return value;
  }

  /** Releases the handles that were made for a value that was not finished. */
  void abandon() {
    for (AutoCloseable handle : handles) {
      try {
        handle.close();
      } catch (Exception e) {
        // The reason why the value was not finished is what the caller has to know.
      }
    }
  }

  private static void addWeight(Frame frame, long weight) {
    frame.weight = Math.min(Long.MAX_VALUE / 4, frame.weight + weight);
  }

  private void hashing(Frame frame) {
    hashWork += frame.weight;
    if (hashWork > hashWorkMax) {
      throw new Malformed("its sets and maps would take unreasonably long to hash");
    }
  }

  private int number() {
    if (objectCount == objects.length) {
      objects = Arrays.copyOf(objects, objectCount * 2);
      weights = Arrays.copyOf(weights, objectCount * 2);
    }
    objects[objectCount] = PENDING;
    weights[objectCount] = 1;
    return objectCount++;
  }

  private Object push(
      int tag, Shape shape, int number, Object instance, Object extra, Object[] items)
      throws ReflectiveOperationException {
    if (items.length == 0) {
      Frame frame = new Frame();
      frame.tag = tag;
      frame.shape = shape;
      frame.number = number;
      frame.instance = instance;
      frame.extra = extra;
      frame.items = items;
      return finish(frame);
    }
    owed += items.length;
    if (owed > in.remaining()) {
      throw new Malformed(
          "it claims " + owed + " items where " + in.remaining() + " bytes are left");
    }
    if (depth == codecs.limits().depthMax()) {
      throw new Malformed("it nests more than " + depth + " objects in one another");
    }
    if (depth == stack.length) {
      stack = Arrays.copyOf(stack, depth * 2);
    }
    Frame frame = stack[depth];
    if (frame == null) {
      frame = new Frame();
      stack[depth] = frame;
    }
    frame.tag = tag;
    frame.shape = shape;
    frame.number = number;
    frame.instance = instance;
    frame.extra = extra;
    frame.items = items;
    frame.next = 0;
    frame.weight = 1;
    depth++;
    if (number >= 0 && instance != null) {
      objects[number] = shape != null && shape.builtLast() ? PENDING : instance;
    }
    return PENDING;
  }

  /** The next item, or {@link #PENDING} when it has been pushed. */
  private Object item(Frame parent) throws ReflectiveOperationException {
    int tag = in.u1();
    if (tag == Tag.REF) {
      long number = in.varint();
      if (number < 0 || number >= objectCount) {
        throw new Malformed("it refers to object " + number + " of " + objectCount);
      }
      Object value = objects[(int) number];
      if (value == PENDING) {
        throw new Malformed("an object that is not complete is part of itself");
      }
      if (parent != null) {
        addWeight(parent, weights[(int) number]);
      }
      return value;
    }
    if (parent != null) {
      parent.weight++;
    }
    switch (tag) {
      case Tag.NULL:
        return null;
      case Tag.FALSE:
        return Boolean.FALSE;
      case Tag.TRUE:
        return Boolean.TRUE;
      case Tag.INT:
        return in.zigzagInt();
      case Tag.STRING:
        String string = in.string();
        if (string.length() > GraphWriter.STRING_NUMBERED_CHARS) {
          // Not objects[number()]: that would store into the array from before number() grew it.
          int numbered = number();
          objects[numbered] = string;
        }
        return string;
      case Tag.ENUM:
        return constant();
      case Tag.OBJECT:
        return object();
      case Tag.OBJECT_ARRAY:
        return array();
      case Tag.USER:
        return user();
      case Tag.SHARED:
      case Tag.ACTOR:
        return handle(tag);
      default:
        break;
    }
    if (!Tag.numbered(tag)) {
      return leaf(tag);
    }
    int number = number();
    if (tag < Tag.TUPLE_FIRST) {
      Object value = leaf(tag);
      objects[number] = value;
      return value;
    }
    if (tag < Tag.SEQUENCE_FIRST) {
      if (tag > Tag.REVERSED_COMPARATOR) {
        throw new Malformed("there is no tag " + tag);
      }
      boolean isPair = tag >= Tag.SIMPLE_ENTRY && tag <= Tag.MAP_ENTRY;
      Object instance = tag == Tag.ATOMIC_REFERENCE ? new AtomicReference<>() : null;
      return push(tag, null, number, instance, null, new Object[isPair ? 2 : 1]);
    }
    return container(tag, number);
  }

  // ---------------------------------------------------------------- classes

  private Shape described() throws ReflectiveOperationException {
    long number = in.varint();
    if (number < 0 || number > classes.size()) {
      throw new Malformed("it refers to class " + number + " of " + classes.size());
    }
    if (number < classes.size()) {
      return classes.get((int) number);
    }
    String name = in.string(CLASS_NAME_CHARS_MAX);
    int kind = in.u1();
    int hash = in.u4();
    // Enums and throwables of the JDK are admitted whatever the filter says; nothing else of it is
    // described by name.
    Class<?> type =
        codecs.load(
            name, kind == Shape.Kind.ENUM.ordinal() || kind == Shape.Kind.THROWABLE.ordinal());
    if (kind == Shape.Kind.ENUM.ordinal() && !type.isEnum()) {
      throw differs(name);
    }
    Shape shape = Shape.of(type);
    if (shape.kind == Shape.Kind.REPLACED) {
      shape = shape.unreplaced;
    }
    if (shape.kind == Shape.Kind.REFUSED) {
      throw new SerializationException("class " + name + " " + shape.refusal);
    }
    if (shape.kind.ordinal() != kind || shape.hash != hash || !shape.type.getName().equals(name)) {
      throw differs(name);
    }
    classes.add(shape);
    return shape;
  }

  private static SerializationException differs(String name) {
    return new SerializationException(
        "class "
            + name
            + " here does not have the fields or constants that the value was written with: the"
            + " nodes run different builds; give all of them the same one");
  }

  private Class<?> named() throws ReflectiveOperationException {
    long number = in.varint();
    if (number < 0 || number > classNames.size()) {
      throw new Malformed("it refers to class " + number + " of " + classNames.size());
    }
    if (number < classNames.size()) {
      return classNames.get((int) number);
    }
    Class<?> type = codecs.load(in.string(CLASS_NAME_CHARS_MAX), true);
    classNames.add(type);
    return type;
  }

  // ---------------------------------------------------------------- items of one kind

  private Object constant() throws ReflectiveOperationException {
    Shape shape = described();
    if (shape.kind != Shape.Kind.ENUM) {
      throw new Malformed("class " + shape.type.getName() + " is no enum");
    }
    long ordinal = in.varint();
    if (ordinal < 0 || ordinal >= shape.constants.length) {
      throw new Malformed("enum " + shape.type.getName() + " has no constant " + ordinal);
    }
    return shape.constants[(int) ordinal];
  }

  private Object object() throws ReflectiveOperationException {
    int number = number();
    Shape shape = described();
    switch (shape.kind) {
      case RECORD -> {
        Object[] arguments = new Object[shape.components];
        for (FieldSlot slot : shape.primitives) {
          arguments[slot.index()] = primitive(slot.type());
        }
        return push(
            Tag.OBJECT, shape, number, null, arguments, new Object[shape.references.length]);
      }
      case FIELDS, COLLECTION, MAP -> {
        Object instance = create(shape.constructor);
        primitives(shape, instance);
        int items = 0;
        if (shape.kind != Shape.Kind.FIELDS) {
          int count = in.count(shape.kind == Shape.Kind.MAP ? 2 : 1);
          items = shape.kind == Shape.Kind.MAP ? Math.multiplyExact(count, 2) : count;
        }
        return push(
            Tag.OBJECT, shape, number, instance, null, items(shape.references.length + items));
      }
      case THROWABLE -> {
        Object[] primitives = new Object[shape.primitives.length];
        for (int i = 0; i < primitives.length; i++) {
          primitives[i] = primitive(shape.primitives[i].type());
        }
        int suppressed = in.count(1);
        StackTraceElement[] trace = new StackTraceElement[in.count(7)];
        for (int i = 0; i < trace.length; i++) {
          trace[i] = (StackTraceElement) leaf(Tag.STACK_TRACE_ELEMENT);
        }
        Object[] extra = {primitives, trace};
        return push(
            Tag.OBJECT,
            shape,
            number,
            null,
            extra,
            items(shape.references.length + 2 + suppressed));
      }
      default -> throw new Malformed("class " + shape.type.getName() + " is no class of objects");
    }
  }

  private Object[] items(int count) {
    if (count > in.remaining()) {
      throw new Malformed(
          "it claims " + count + " items where " + in.remaining() + " bytes are left");
    }
    return new Object[count];
  }

  private static Object create(Constructor<?> constructor, Object... arguments)
      throws ReflectiveOperationException {
    try {
      return constructor.newInstance(arguments);
    } catch (InvocationTargetException e) {
      throw thrown("constructor of " + constructor.getDeclaringClass().getName(), e.getCause());
    }
  }

  private static SerializationException thrown(String what, Throwable cause) {
    if (cause instanceof VirtualMachineError fatal && !(fatal instanceof StackOverflowError)) {
      throw fatal;
    }
    return new SerializationException("the " + what + " refused what was read: " + cause, cause);
  }

  private void primitives(Shape shape, Object instance) throws IllegalAccessException {
    for (FieldSlot slot : shape.primitives) {
      switch (slot.type()) {
        case 'I' -> slot.field().setInt(instance, in.zigzagInt());
        case 'J' -> slot.field().setLong(instance, in.zigzag());
        default -> slot.field().set(instance, primitive(slot.type()));
      }
    }
  }

  private Object primitive(char type) {
    return switch (type) {
      case 'I' -> in.zigzagInt();
      case 'J' -> in.zigzag();
      case 'Z' -> in.u1() != 0;
      case 'B' -> (byte) in.u1();
      case 'S' -> (short) in.u2();
      case 'C' -> (char) in.u2();
      case 'F' -> Float.intBitsToFloat(in.u4());
      case 'D' -> Double.longBitsToDouble(in.u8());
      default -> throw new IllegalStateException("no primitive type " + type);
    };
  }

  private Object array() throws ReflectiveOperationException {
    int number = number();
    Class<?> component = named();
    if (component.isPrimitive()) {
      throw new Malformed("an array of " + component + " is not written as an array of objects");
    }
    int count = in.count(1);
    if (owed + count > in.remaining()) {
      throw new Malformed(
          "it claims " + (owed + count) + " items where " + in.remaining() + " bytes are left");
    }
    Object[] array = (Object[]) Array.newInstance(component, count);
    objects[number] = array;
    return push(Tag.OBJECT_ARRAY, null, number, array, null, array);
  }

  private Object user() {
    int number = number();
    String name = in.string(CLASS_NAME_CHARS_MAX);
    String className = in.string(CLASS_NAME_CHARS_MAX);
    byte[] bytes = in.bytes(in.count(1));
    Object value = userValue(codecs, name, className, bytes);
    objects[number] = value;
    return value;
  }

  static Object userValue(ValueCodecs codecs, String name, String className, byte[] bytes) {
    codecs.checkAdmitted(className);
    ValueCodec codec = codecs.userCodec(name);
    ByteArrayInputStream stream = new ByteArrayInputStream(bytes);
    Object value;
    try {
      value = codec.decode(new DataInputStream(stream));
    } catch (IOException | RuntimeException | StackOverflowError e) {
      throw new SerializationException(
          "ValueCodec " + name + " cannot read a value of class " + className + ": " + e, e);
    }
    if (stream.available() > 0) {
      throw new SerializationException(
          "ValueCodec "
              + name
              + " left "
              + stream.available()
              + " bytes of a value of class "
              + className
              + " unread");
    }
    return value;
  }

  private Object handle(int tag) {
    int number = number();
    String host = in.string(CLASS_NAME_CHARS_MAX);
    long port = in.varint();
    long incarnation = in.u8();
    WorkerId owner =
        OWNERS.of(
            new WorkerId(
                new NodeId(host, (int) Math.min(port, 1 << 20), incarnation), in.varint()));
    long sequence = in.zigzag();
    AutoCloseable handle;
    if (tag == Tag.SHARED) {
      long index = in.varint();
      if (index < 0 || index > Integer.MAX_VALUE) {
        throw new Malformed("an object cannot be result " + index + " of its task");
      }
      handle = refs.shared(new ObjectId(owner, sequence, (int) index));
    } else {
      String className = in.string(CLASS_NAME_CHARS_MAX);
      long most = in.varint();
      if (most < 0 || most > Integer.MAX_VALUE) {
        throw new Malformed("an actor cannot have " + most + " pending calls");
      }
      handle =
          refs.actor(new References.Actor(new ActorId(owner, sequence), className, (int) most));
    }
    handles.add(handle);
    objects[number] = handle;
    return handle;
  }

  private Object container(int tag, int number) throws ReflectiveOperationException {
    boolean isMap = tag >= Tag.MAP_FIRST;
    Class<?> enumType = null;
    if (tag == Tag.ENUM_SET || tag == Tag.ENUM_MAP) {
      enumType = named();
      if (!enumType.isEnum()) {
        throw new Malformed("class " + enumType.getName() + " is no enum");
      }
    }
    int count = in.count(isMap ? 2 : 1);
    Object instance = instance(tag, count, enumType);
    int items = (isMap ? Math.multiplyExact(count, 2) : count) + (Tag.sorted(tag) ? 1 : 0);
    return push(tag, null, number, instance, null, items(items));
  }

  /** The empty container, or {@code null} where it is built last. */
  private static Object instance(int tag, int count, Class<?> enumType) {
    return switch (tag) {
      case Tag.ARRAY_LIST -> new ArrayList<>();
      case Tag.LINKED_LIST -> new java.util.LinkedList<>();
      case Tag.ARRAY_DEQUE -> new ArrayDeque<>();
      case Tag.HASH_SET -> HashSet.newHashSet(Math.min(count, PRESIZED_MAX));
      case Tag.LINKED_HASH_SET -> new LinkedHashSet<>();
      case Tag.VECTOR -> new java.util.Vector<>();
      case Tag.STACK -> new java.util.Stack<>();
      case Tag.COPY_ON_WRITE_LIST -> new java.util.concurrent.CopyOnWriteArrayList<>();
      case Tag.CONCURRENT_QUEUE -> new java.util.concurrent.ConcurrentLinkedQueue<>();
      case Tag.CONCURRENT_DEQUE -> new java.util.concurrent.ConcurrentLinkedDeque<>();
      case Tag.CONCURRENT_KEY_SET -> ConcurrentHashMap.newKeySet();
      case Tag.LINKED_BLOCKING_QUEUE -> new java.util.concurrent.LinkedBlockingQueue<>();
      case Tag.LINKED_BLOCKING_DEQUE -> new java.util.concurrent.LinkedBlockingDeque<>();
      case Tag.ARRAYS_AS_LIST -> Arrays.asList(new Object[count]);
      case Tag.ENUM_SET -> emptyEnumSet(enumType);
      case Tag.HASH_MAP -> HashMap.newHashMap(Math.min(count, PRESIZED_MAX));
      case Tag.LINKED_HASH_MAP -> LinkedHashMap.newLinkedHashMap(Math.min(count, PRESIZED_MAX));
      case Tag.CONCURRENT_MAP -> new ConcurrentHashMap<>();
      case Tag.HASHTABLE -> new java.util.Hashtable<>();
      case Tag.PROPERTIES -> new java.util.Properties();
      case Tag.ENUM_MAP -> emptyEnumMap(enumType);
      default -> {
        if (!Tag.builtLast(tag)) {
          throw new Malformed("there is no tag " + tag);
        }
        yield null;
      }
    };
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // checked to be an enum
  private static Object emptyEnumSet(Class<?> type) {
    return EnumSet.noneOf((Class) type);
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // checked to be an enum
  private static Object emptyEnumMap(Class<?> type) {
    return new EnumMap((Class) type);
  }

  // ---------------------------------------------------------------- all items are there

  private Object finish(Frame frame) throws ReflectiveOperationException {
    Object value = frame.shape != null ? finishObject(frame) : finishKnown(frame);
    if (frame.number >= 0) {
      objects[frame.number] = value;
    }
    return value;
  }

  private Object finishObject(Frame frame) throws ReflectiveOperationException {
    Shape shape = frame.shape;
    Object[] items = frame.items;
    switch (shape.kind) {
      case RECORD -> {
        Object[] arguments = (Object[]) frame.extra;
        FieldSlot[] slots = shape.references;
        for (int i = 0; i < slots.length; i++) {
          arguments[slots[i].index()] = items[i];
        }
        return resolve(shape, create(shape.constructor, arguments));
      }
      case THROWABLE -> {
        return finishThrowable(frame);
      }
      default -> {
        Object instance = frame.instance;
        setReferences(shape, instance, items);
        int own = shape.references.length;
        if (shape.kind == Shape.Kind.COLLECTION) {
          hashing(frame);
          addAll(instance, Arrays.asList(items).subList(own, items.length));
        } else if (shape.kind == Shape.Kind.MAP) {
          hashing(frame);
          putAll(instance, items, own);
        }
        return resolve(shape, instance);
      }
    }
  }

  private static Object resolve(Shape shape, Object instance) throws ReflectiveOperationException {
    if (shape.readResolve == null) {
      return instance;
    }
    try {
      return shape.readResolve.invoke(instance);
    } catch (InvocationTargetException e) {
      throw thrown("readResolve of " + shape.type.getName(), e.getCause());
    }
  }

  private static void setReferences(Shape shape, Object instance, Object[] items)
      throws IllegalAccessException {
    FieldSlot[] slots = shape.references;
    for (int i = 0; i < slots.length; i++) {
      slots[i].field().set(instance, items[i]);
    }
  }

  private Object finishThrowable(Frame frame) throws ReflectiveOperationException {
    Shape shape = frame.shape;
    Object[] items = frame.items;
    Object[] extra = (Object[]) frame.extra;
    int own = shape.references.length;
    Throwable cause = (Throwable) items[own + 1];
    Throwable instance;
    if (shape.constructor != null && (cause != null || shape.constructorWithoutCause == null)) {
      instance = (Throwable) create(shape.constructor, items[own], cause);
    } else {
      instance = (Throwable) create(shape.constructorWithoutCause, items[own]);
      if (cause != null) {
        instance.initCause(cause);
      }
    }
    Object[] primitives = (Object[]) extra[0];
    for (int i = 0; i < primitives.length; i++) {
      shape.primitives[i].field().set(instance, primitives[i]);
    }
    setReferences(shape, instance, items);
    for (int i = own + 2; i < items.length; i++) {
      instance.addSuppressed((Throwable) items[i]);
    }
    instance.setStackTrace((StackTraceElement[]) extra[1]);
    return instance;
  }

  @SuppressWarnings(
      "unchecked") // a program's own collection may refuse an element; that is reported
  private static void addAll(Object collection, List<Object> elements) {
    for (Object element : elements) {
      ((Collection<Object>) collection).add(element);
    }
  }

  @SuppressWarnings("unchecked") // the same for a map
  private static <M> M putAll(M map, Object[] items, int from) {
    for (int i = from; i < items.length; i += 2) {
      ((Map<Object, Object>) map).put(items[i], items[i + 1]);
    }
    return map;
  }

  @SuppressWarnings(
      "unchecked") // elements are what they are; who uses them finds out, as with any unchecked
  // collection
  private Object finishKnown(Frame frame) {
    Object[] items = frame.items;
    List<Object> elements = Arrays.asList(items);
    if (frame.tag >= Tag.MAP_FIRST || Tag.hashedElements(frame.tag)) {
      hashing(frame);
    }
    switch (frame.tag) {
      case Tag.OBJECT_ARRAY:
        return items;
      case Tag.OPTIONAL:
        return Optional.ofNullable(items[0]);
      case Tag.ATOMIC_REFERENCE:
        ((AtomicReference<Object>) frame.instance).set(items[0]);
        return frame.instance;
      case Tag.SIMPLE_ENTRY:
        return new AbstractMap.SimpleEntry<>(items[0], items[1]);
      case Tag.SIMPLE_IMMUTABLE_ENTRY:
        return new AbstractMap.SimpleImmutableEntry<>(items[0], items[1]);
      case Tag.MAP_ENTRY:
        return Map.entry(items[0], items[1]);
      case Tag.REVERSED_COMPARATOR:
        return Collections.reverseOrder((Comparator<Object>) items[0]);
      case Tag.LIST_OF:
        return elements.contains(null)
            ? Collections.unmodifiableList(new ArrayList<>(elements))
            : List.of(items);
      case Tag.SET_OF:
        return Set.of(items);
      case Tag.ARRAYS_AS_LIST:
        Collections.copy((List<Object>) frame.instance, elements);
        return frame.instance;
      case Tag.EMPTY_LIST:
        return Collections.emptyList();
      case Tag.SINGLETON_LIST:
        return Collections.singletonList(only(items, 1)[0]);
      case Tag.EMPTY_SET:
        return Collections.emptySet();
      case Tag.SINGLETON_SET:
        return Collections.singleton(only(items, 1)[0]);
      case Tag.UNMODIFIABLE_LIST:
        return Collections.unmodifiableList(new ArrayList<>(elements));
      case Tag.UNMODIFIABLE_SET:
        return Collections.unmodifiableSet(new LinkedHashSet<>(elements));
      case Tag.UNMODIFIABLE_COLLECTION:
        return Collections.unmodifiableCollection(new ArrayList<>(elements));
      case Tag.UNMODIFIABLE_SORTED_SET:
        return Collections.unmodifiableSortedSet(
            fill(new java.util.TreeSet<>(comparator(items)), items));
      case Tag.TREE_SET:
        return fill(new java.util.TreeSet<>(comparator(items)), items);
      case Tag.SKIP_LIST_SET:
        return fill(new ConcurrentSkipListSet<>(comparator(items)), items);
      case Tag.PRIORITY_QUEUE:
        return fill(new java.util.PriorityQueue<>(comparator(items)), items);
      case Tag.COPY_ON_WRITE_SET:
        return new java.util.concurrent.CopyOnWriteArraySet<>(elements);
      case Tag.MAP_OF:
        return mapOf(items);
      case Tag.EMPTY_MAP:
        return Collections.emptyMap();
      case Tag.SINGLETON_MAP:
        return Collections.singletonMap(only(items, 2)[0], items[1]);
      case Tag.UNMODIFIABLE_MAP:
        return Collections.unmodifiableMap(putAll(new LinkedHashMap<Object, Object>(), items, 0));
      case Tag.TREE_MAP:
        return putAll(new java.util.TreeMap<>(comparator(items)), items, 1);
      case Tag.SKIP_LIST_MAP:
        return putAll(new ConcurrentSkipListMap<>(comparator(items)), items, 1);
      case Tag.UNMODIFIABLE_SORTED_MAP:
        return Collections.unmodifiableSortedMap(
            putAll(new java.util.TreeMap<Object, Object>(comparator(items)), items, 1));
      default:
        if (frame.tag >= Tag.MAP_FIRST) {
          return putAll(frame.instance, items, 0);
        }
        ((Collection<Object>) frame.instance).addAll(elements);
        return frame.instance;
    }
  }

  private static Object[] only(Object[] items, int count) {
    if (items.length != count) {
      throw new Malformed(items.length + " items where there can be only " + count);
    }
    return items;
  }

  @SuppressWarnings("unchecked") // whatever it compares was in one container with it
  private static Comparator<Object> comparator(Object[] items) {
    return (Comparator<Object>) items[0];
  }

  private static <C extends Collection<Object>> C fill(C collection, Object[] items) {
    for (int i = 1; i < items.length; i++) {
      collection.add(items[i]);
    }
    return collection;
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // an array of a generic type
  private static Map<Object, Object> mapOf(Object[] items) {
    Map.Entry<Object, Object>[] entries = new Map.Entry[items.length / 2];
    for (int i = 0; i < entries.length; i++) {
      entries[i] = Map.entry(items[2 * i], items[2 * i + 1]);
    }
    return Map.ofEntries(entries);
  }

  // ---------------------------------------------------------------- objects without items

  private Object leaf(int tag) throws ReflectiveOperationException {
    switch (tag) {
      case Tag.BYTE:
        return (byte) in.u1();
      case Tag.SHORT:
        return (short) in.u2();
      case Tag.CHAR:
        return (char) in.u2();
      case Tag.LONG:
        return in.zigzag();
      case Tag.FLOAT:
        return Float.intBitsToFloat(in.u4());
      case Tag.DOUBLE:
        return Double.longBitsToDouble(in.u8());
      case Tag.CLASS:
        return named();
      case Tag.BOOLEANS:
      case Tag.BYTES:
      case Tag.SHORTS:
      case Tag.CHARS:
      case Tag.INTS:
      case Tag.LONGS:
      case Tag.FLOATS:
      case Tag.DOUBLES:
        return Raw.array(tag, in.slice(in.varint()));
      case Tag.BYTE_BUFFER:
        ByteOrder order = in.u1() == 0 ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        return ByteBuffer.wrap(in.bytes(in.count(1))).asReadOnlyBuffer().order(order);
      case Tag.SEGMENT:
        return MemorySegment.ofArray(in.bytes(in.count(1))).asReadOnly();
      case Tag.DIRECT_BUFFER:
        return new SegmentBuffer(MemorySegment.ofArray(in.bytes(in.count(1))));
      case Tag.BIG_INTEGER:
        return new BigInteger(in.bytes(in.count(1)));
      case Tag.BIG_DECIMAL:
        int scale = in.zigzagInt();
        return new BigDecimal((BigInteger) leaf(Tag.BIG_INTEGER), scale);
      case Tag.MATH_CONTEXT:
        return new MathContext(in.string());
      case Tag.UUID:
        return new java.util.UUID(in.u8(), in.u8());
      case Tag.URI:
        return java.net.URI.create(in.string());
      case Tag.LOCALE:
        return java.util.Locale.forLanguageTag(in.string());
      case Tag.CURRENCY:
        return java.util.Currency.getInstance(in.string());
      case Tag.PATTERN:
        return java.util.regex.Pattern.compile(in.string(), (int) in.varint());
      case Tag.CHARSET:
        return java.nio.charset.Charset.forName(in.string());
      case Tag.ATOMIC_INTEGER:
        return new java.util.concurrent.atomic.AtomicInteger(in.zigzagInt());
      case Tag.ATOMIC_LONG:
        return new java.util.concurrent.atomic.AtomicLong(in.zigzag());
      case Tag.ATOMIC_BOOLEAN:
        return new java.util.concurrent.atomic.AtomicBoolean(in.u1() != 0);
      case Tag.DATE:
        return new java.util.Date(in.zigzag());
      case Tag.STRING_BUILDER:
        return new StringBuilder(in.string());
      case Tag.BIT_SET:
        return java.util.BitSet.valueOf(in.bytes(in.count(1)));
      case Tag.INET_ADDRESS:
        return address(null, in.bytes(in.u1()));
      case Tag.INET_SOCKET_ADDRESS:
        return socketAddress();
      case Tag.PATH:
        return java.nio.file.Path.of(in.string());
      case Tag.FILE:
        return new java.io.File(in.string());
      case Tag.OPTIONAL_INT:
        boolean hasInt = in.u1() != 0;
        int intValue = in.zigzagInt();
        return hasInt ? java.util.OptionalInt.of(intValue) : java.util.OptionalInt.empty();
      case Tag.OPTIONAL_LONG:
        boolean hasLong = in.u1() != 0;
        long longValue = in.zigzag();
        return hasLong ? java.util.OptionalLong.of(longValue) : java.util.OptionalLong.empty();
      case Tag.OPTIONAL_DOUBLE:
        boolean hasDouble = in.u1() != 0;
        double doubleValue = Double.longBitsToDouble(in.u8());
        return hasDouble
            ? java.util.OptionalDouble.of(doubleValue)
            : java.util.OptionalDouble.empty();
      case Tag.PLAIN_OBJECT:
        return new Object();
      case Tag.NATURAL_ORDER:
        return Comparator.naturalOrder();
      case Tag.REVERSE_ORDER:
        return Collections.reverseOrder();
      case Tag.CASE_INSENSITIVE_ORDER:
        return String.CASE_INSENSITIVE_ORDER;
      case Tag.STACK_TRACE_ELEMENT:
        return new StackTraceElement(
            text(), text(), text(), text(), text(), text(), in.zigzagInt());
      default:
        return time(tag);
    }
  }

  private Object socketAddress() {
    int port = (int) Math.min(in.varint() & Long.MAX_VALUE, 1 << 20);
    String host = in.string();
    byte[] bytes = in.bytes(in.u1());
    if (bytes.length == 0) {
      return java.net.InetSocketAddress.createUnresolved(host, port);
    }
    return new java.net.InetSocketAddress(address(host, bytes), port);
  }

  /** Asks no name service. */
  private static java.net.InetAddress address(String host, byte[] bytes) {
    try {
      return java.net.InetAddress.getByAddress(host, bytes);
    } catch (java.net.UnknownHostException e) {
      throw new Malformed(e.getMessage());
    }
  }

  private Object time(int tag) {
    switch (tag) {
      case Tag.INSTANT:
        return java.time.Instant.ofEpochSecond(in.zigzag(), in.varint());
      case Tag.DURATION:
        return java.time.Duration.ofSeconds(in.zigzag(), in.varint());
      case Tag.LOCAL_DATE:
        return java.time.LocalDate.ofEpochDay(in.zigzag());
      case Tag.LOCAL_TIME:
        return java.time.LocalTime.ofNanoOfDay(in.varint());
      case Tag.LOCAL_DATE_TIME:
        return dateTime();
      case Tag.OFFSET_TIME:
        return java.time.OffsetTime.of(java.time.LocalTime.ofNanoOfDay(in.varint()), offset());
      case Tag.OFFSET_DATE_TIME:
        return java.time.OffsetDateTime.of(dateTime(), offset());
      case Tag.ZONED_DATE_TIME:
        return java.time.ZonedDateTime.ofInstant(
            dateTime(), offset(), java.time.ZoneId.of(in.string()));
      case Tag.ZONE_ID:
        return java.time.ZoneId.of(in.string());
      case Tag.PERIOD:
        return java.time.Period.of(in.zigzagInt(), in.zigzagInt(), in.zigzagInt());
      case Tag.YEAR:
        return java.time.Year.of(in.zigzagInt());
      case Tag.YEAR_MONTH:
        return java.time.YearMonth.of(in.zigzagInt(), in.u1());
      case Tag.MONTH_DAY:
        return java.time.MonthDay.of(in.u1(), in.u1());
      default:
        throw new Malformed("there is no tag " + tag);
    }
  }

  private java.time.LocalDateTime dateTime() {
    return java.time.LocalDateTime.of(
        java.time.LocalDate.ofEpochDay(in.zigzag()), java.time.LocalTime.ofNanoOfDay(in.varint()));
  }

  private java.time.ZoneOffset offset() {
    return java.time.ZoneOffset.ofTotalSeconds(in.zigzagInt());
  }

  private String text() {
    return in.u1() == 0 ? null : in.string();
  }
}
