package io.dfut.internal.codec;

import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutBehaviorContext;
import io.dfut.DFutContext;
import io.dfut.SharedDFut;
import java.io.Externalizable;
import java.io.File;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.concurrent.ConcurrentHashMap;
import org.agrona.DirectBuffer;

/**
 * How values of one class are taken apart and put together again, or why they are not. Made once
 * per class and kept as long as the class; says nothing that depends on the order in which classes
 * were met. Immutable and thread-safe.
 */
final class Shape {
  /** What is done with a value of the class. The numbers travel, in a class's description. */
  enum Kind {
    /** Known to every JVM by its {@link Tag}. */
    KNOWN,
    /** Fields, set on an instance that exists before they are read. */
    FIELDS,
    /** Components, handed to the canonical constructor. */
    RECORD,
    /**
     * A program's own subclass of a JDK collection: its own fields, then the elements, through
     * {@code add}.
     */
    COLLECTION,
    /**
     * A program's own subclass of a JDK map: its own fields, then keys and values, through {@code
     * put}.
     */
    MAP,
    /** Message, cause, suppressed, stack trace, and the fields below the JDK's. */
    THROWABLE,
    ENUM,
    OBJECT_ARRAY,
    /** What its {@code writeReplace} gives travels in its place. */
    REPLACED,
    SHARED,
    ACTOR,
    REFUSED
  }

  private static final FieldSlot[] NO_FIELDS = {};

  private static final ClassValue<Shape> SHAPES =
      new ClassValue<>() {
        @Override
        protected Shape computeValue(Class<?> type) {
          return derive(type);
        }
      };

  static Shape of(Class<?> type) {
    return SHAPES.get(type);
  }

  final Class<?> type;
  final Kind kind;
  final int tag;

  /** Fields of primitive types, written first and without tags. */
  FieldSlot[] primitives = NO_FIELDS;

  /** All other fields: items. */
  FieldSlot[] references = NO_FIELDS;

  /**
   * {@code FIELDS}, {@code COLLECTION}, {@code MAP}: no arguments, or {@code null} where instances
   * are allocated without running a constructor of the class. {@code RECORD}: the canonical one.
   * {@code THROWABLE}: message and cause.
   */
  Constructor<?> constructor;

  /** {@code THROWABLE}: for one without a cause. */
  Constructor<?> constructorWithoutCause;

  /** {@code RECORD}: number of components. */
  int components;

  /** {@code ENUM}: by ordinal. */
  Object[] constants;

  Method writeReplace;
  Method readResolve;

  /**
   * {@code REPLACED}: for the case that {@code writeReplace} gives an instance of the same class.
   */
  Shape unreplaced;

  /**
   * Names and types of what travels: two builds of a class that differ in it do not understand each
   * other.
   */
  int hash;

  /**
   * Whether hashCode is {@code Object}'s: such an object may be hashed before its fields are set.
   */
  boolean identityHash;

  /**
   * The class that arrives where it is not {@link #type}: a view of a collection travels as a
   * collection.
   */
  Class<?> travelsAs;

  /** {@code REFUSED}: what is wrong with the class, and the way out; completes "class X ". */
  String refusal;

  private Shape(Class<?> type, Kind kind, int tag) {
    this.type = type;
    this.kind = kind;
    this.tag = tag;
  }

  /** Whether an instance exists only once all its items are known. */
  boolean builtLast() {
    return switch (kind) {
      case RECORD, THROWABLE -> true;
      case FIELDS, COLLECTION, MAP -> readResolve != null;
      case KNOWN -> Tag.builtLast(tag);
      default -> false;
    };
  }

  boolean numbered() {
    return kind != Kind.KNOWN || Tag.numbered(tag);
  }

  /** Whether the item is hashed, compared, or tested for equality while its container is built. */
  boolean isKeyed(int item) {
    int element = item - references.length;
    return switch (kind) {
      case COLLECTION -> element >= 0 && !List.class.isAssignableFrom(type);
      case MAP -> element >= 0 && element % 2 == 0;
      case KNOWN -> {
        if (Tag.sorted(tag)) {
          yield tag < Tag.MAP_FIRST || item % 2 == 1;
        }
        yield tag >= Tag.MAP_FIRST ? item % 2 == 0 : Tag.hashedElements(tag);
      }
      default -> false;
    };
  }

  private static Shape known(Class<?> type, int tag) {
    return new Shape(type, Kind.KNOWN, tag);
  }

  private static Shape refused(Class<?> type, String why) {
    Shape shape = new Shape(type, Kind.REFUSED, -1);
    shape.refusal = why;
    return shape;
  }

  // ---------------------------------------------------------------- derivation

  private static Shape derive(Class<?> type) {
    if (Enum.class.isAssignableFrom(type) && type != Enum.class) {
      Class<?> declaring = type.isEnum() ? type : type.getSuperclass();
      return declaring == type ? deriveEnum(type) : of(declaring);
    }
    Integer exact = Known.EXACT.get(type);
    if (exact != null) {
      return known(type, exact);
    }
    if (type.isArray()) {
      return new Shape(type, Kind.OBJECT_ARRAY, Tag.OBJECT_ARRAY);
    }
    if (DFut.class.isAssignableFrom(type)) {
      return refused(
          type,
          "is a DFut, which is a handle of the context that made it and cannot be part of a value:"
              + " pass future.share() instead, or hand the DFut itself to submit as an argument");
    }
    if (SharedDFut.class.isAssignableFrom(type)) {
      return new Shape(type, Kind.SHARED, Tag.SHARED);
    }
    if (ActorHandle.class.isAssignableFrom(type)) {
      return new Shape(type, Kind.ACTOR, Tag.ACTOR);
    }
    if (DFutContext.class.isAssignableFrom(type)
        || DFutBehaviorContext.class.isAssignableFrom(type)) {
      return refused(
          type,
          "belongs to the running system: inside a task or actor ask DFutContext.current()"
              + " instead");
    }
    if (type.isHidden() || (type.isSynthetic() && type.getName().contains("$$Lambda"))) {
      return refused(
          type,
          "is a lambda or method reference; functions travel as tasks, not inside values: pass the"
              + " data and name the function in the task, or use an enum or record that implements"
              + " the interface");
    }
    if (Proxy.isProxyClass(type)) {
      return refused(type, "is a dynamic proxy" + WAYS_OUT);
    }
    Optional<String> held = Known.cannotTravel(type);
    if (held.isPresent()) {
      return refused(type, held.get() + WAYS_OUT);
    }
    int byInterface = Known.byInterface(type);
    if (byInterface >= 0) {
      return known(type, byInterface);
    }
    if (Buffer.class.isAssignableFrom(type)) {
      return refused(type, "is a typed buffer: use a ByteBuffer or a primitive array");
    }
    try {
      if (Throwable.class.isAssignableFrom(type)) {
        return deriveThrowable(type);
      }
      return isJdk(type) ? deriveJdk(type) : deriveProgram(type);
    } catch (InaccessibleObjectException | SecurityException e) {
      Module module = type.getModule();
      return refused(
          type,
          "is in module "
              + module.getName()
              + ", which does not let this library see its fields: add \"opens "
              + type.getPackageName()
              + ";\" to its module-info, or implement a ValueCodec");
    } catch (ReflectiveOperationException e) {
      return refused(type, "cannot be inspected (" + e + ")" + WAYS_OUT);
    }
  }

  static final String WAYS_OUT =
      ": make what travels a record, mark the field transient, or implement a ValueCodec for the"
          + " class";

  private static Shape deriveEnum(Class<?> type) {
    Shape shape = new Shape(type, Kind.ENUM, Tag.ENUM);
    shape.constants = type.getEnumConstants();
    int hash = 17;
    for (Object constant : shape.constants) {
      hash = 31 * hash + ((Enum<?>) constant).name().hashCode();
    }
    shape.hash = hash;
    return shape;
  }

  static boolean isJdk(Class<?> type) {
    String module = type.getModule().getName();
    return module != null && (module.startsWith("java.") || module.startsWith("jdk."));
  }

  /**
   * A JDK class that is not known exactly: a view or wrapper of a collection travels as what it
   * shows.
   */
  private static Shape deriveJdk(Class<?> type) {
    String name = type.getName();
    if (Collection.class.isAssignableFrom(type)) {
      return Known.collection(type, name);
    }
    if (name.equals("java.util.IdentityHashMap")) {
      return refused(type, "compares keys by identity, which does not travel: use a HashMap");
    }
    if (Map.class.isAssignableFrom(type)) {
      return Known.map(type, name);
    }
    if (Map.Entry.class.isAssignableFrom(type)) {
      return known(
          type,
          name.equals("java.util.KeyValueHolder") ? Tag.MAP_ENTRY : Tag.SIMPLE_IMMUTABLE_ENTRY);
    }
    if (name.equals("java.util.Collections$ReverseComparator2")) {
      return known(type, Tag.REVERSED_COMPARATOR);
    }
    return refused(
        type,
        "is a JDK class (module " + type.getModule().getName() + ") that cannot travel" + WAYS_OUT);
  }

  private static Shape deriveProgram(Class<?> type) throws ReflectiveOperationException {
    if (type.isInterface()
        || Modifier.isAbstract(type.getModifiers())
        || type.isPrimitive()
        || type.isAnnotation()) {
      return refused(type, "is not a class of which there are values");
    }
    boolean serializable = Serializable.class.isAssignableFrom(type);
    if (serializable) {
      Method replace = special(type, "writeReplace");
      if (replace != null) {
        Shape shape = new Shape(type, Kind.REPLACED, -1);
        shape.writeReplace = replace;
        shape.unreplaced = deriveUnreplaced(type);
        return shape;
      }
    }
    return deriveUnreplaced(type);
  }

  private static Shape deriveUnreplaced(Class<?> type) throws ReflectiveOperationException {
    if (type.isRecord()) {
      return deriveRecord(type);
    }
    if (Externalizable.class.isAssignableFrom(type)) {
      return refused(
          type,
          "writes itself for Java serialisation (Externalizable), which is not used here"
              + WAYS_OUT);
    }
    boolean customForm = false;
    Class<?> top = type;
    List<Class<?>> chain = new ArrayList<>();
    for (; !isJdk(top); top = top.getSuperclass()) {
      chain.add(0, top);
      customForm |= writesItself(top);
    }
    Kind kind = Kind.FIELDS;
    if (hasState(top)) {
      if (Collection.class.isAssignableFrom(top)) {
        kind = Kind.COLLECTION;
      } else if (Map.class.isAssignableFrom(top)) {
        kind = Kind.MAP;
      } else {
        return refused(
            type, "extends " + top.getName() + ", whose state cannot be seen" + WAYS_OUT);
      }
    } else if (isStatefulCollection(top)) {
      kind = Collection.class.isAssignableFrom(top) ? Kind.COLLECTION : Kind.MAP;
    }
    Shape shape = new Shape(type, kind, Tag.OBJECT);
    boolean hasTransient = shape.fields(chain);
    if (customForm && hasTransient) {
      return refused(
          type,
          "writes itself for Java serialisation (writeObject, readObject), which is not used here,"
              + " and has transient fields that would be lost"
              + WAYS_OUT);
    }
    Constructor<?> constructor = noArguments(type);
    if (constructor == null && kind != Kind.FIELDS) {
      return refused(
          type,
          "extends "
              + top.getName()
              + " and has no constructor without arguments: give it one, or implement a ValueCodec"
              + " for the class");
    }
    shape.constructor =
        constructor != null
            ? constructor
            : WithoutConstructor.of(type, top.getDeclaredConstructor());
    shape.readResolve =
        Serializable.class.isAssignableFrom(type) ? special(type, "readResolve") : null;
    shape.identityHash =
        kind == Kind.FIELDS && type.getMethod("hashCode").getDeclaringClass() == Object.class;
    shape.describe();
    return shape;
  }

  private static Constructor<?> noArguments(Class<?> type) {
    for (Constructor<?> constructor : type.getDeclaredConstructors()) {
      if (constructor.getParameterCount() == 0) {
        constructor.setAccessible(true);
        return constructor;
      }
    }
    return null;
  }

  private static Shape deriveRecord(Class<?> type) throws ReflectiveOperationException {
    Shape shape = new Shape(type, Kind.RECORD, Tag.OBJECT);
    RecordComponent[] components = type.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    List<FieldSlot> primitives = new ArrayList<>();
    List<FieldSlot> references = new ArrayList<>();
    for (int i = 0; i < components.length; i++) {
      types[i] = components[i].getType();
      Field field = type.getDeclaredField(components[i].getName());
      field.setAccessible(true);
      (types[i].isPrimitive() ? primitives : references)
          .add(new FieldSlot(field, code(types[i]), i));
    }
    shape.primitives = primitives.toArray(NO_FIELDS);
    shape.references = references.toArray(NO_FIELDS);
    shape.components = components.length;
    shape.constructor = accessible(type.getDeclaredConstructor(types));
    shape.readResolve =
        Serializable.class.isAssignableFrom(type) ? special(type, "readResolve") : null;
    shape.describe();
    return shape;
  }

  private static Shape deriveThrowable(Class<?> type) throws ReflectiveOperationException {
    if (Modifier.isAbstract(type.getModifiers())) {
      return refused(type, "is not a class of which there are values");
    }
    Shape shape = new Shape(type, Kind.THROWABLE, Tag.OBJECT);
    List<Class<?>> chain = new ArrayList<>();
    Class<?> top = type;
    for (; !isJdk(top); top = top.getSuperclass()) {
      chain.add(0, top);
    }
    for (Class<?> jdk = top; jdk != Throwable.class; jdk = jdk.getSuperclass()) {
      if (hasOwnState(jdk)) {
        return refused(
            type,
            (jdk == type ? "has" : "extends " + jdk.getName() + ", which has")
                + " fields of its own that cannot be seen: pass its message, or an exception of"
                + " your own");
      }
    }
    shape.fields(chain);
    for (Constructor<?> candidate : top.getDeclaredConstructors()) {
      Class<?>[] types = candidate.getParameterTypes();
      if (Modifier.isPrivate(candidate.getModifiers())
          || (top == type && !Modifier.isPublic(candidate.getModifiers()))
          || types.length == 0
          || !(types[0] == String.class
              || (types[0] == Object.class && top == AssertionError.class))) {
        continue;
      }
      if (types.length == 1) {
        shape.constructorWithoutCause = WithoutConstructor.of(type, candidate);
      } else if (types.length == 2 && Throwable.class.isAssignableFrom(types[1])) {
        shape.constructor = WithoutConstructor.of(type, candidate);
      }
    }
    if (shape.constructor == null && shape.constructorWithoutCause == null) {
      return refused(
          type,
          "cannot be made again from a message: pass its message, or an exception of your own");
    }
    shape.identityHash = type.getMethod("hashCode").getDeclaringClass() == Object.class;
    shape.describe();
    return shape;
  }

  /** Collects fields of these classes; whether there are transient ones. */
  private boolean fields(List<Class<?>> chain) {
    boolean hasTransient = false;
    List<FieldSlot> primitiveSlots = new ArrayList<>();
    List<FieldSlot> referenceSlots = new ArrayList<>();
    for (Class<?> each : chain) {
      Field[] declared = each.getDeclaredFields();
      // The specification gives no order.
      java.util.Arrays.sort(declared, BY_NAME);
      for (Field field : declared) {
        if (Modifier.isStatic(field.getModifiers())) {
          continue;
        }
        if (Modifier.isTransient(field.getModifiers())) {
          hasTransient = true;
          continue;
        }
        field.setAccessible(true);
        (field.getType().isPrimitive() ? primitiveSlots : referenceSlots)
            .add(new FieldSlot(field, code(field.getType()), 0));
      }
    }
    primitives = primitiveSlots.toArray(NO_FIELDS);
    references = referenceSlots.toArray(NO_FIELDS);
    return hasTransient;
  }

  private static final Comparator<Field> BY_NAME =
      new Comparator<>() {
        @Override
        public int compare(Field a, Field b) {
          return a.getName().compareTo(b.getName());
        }
      };

  private void describe() {
    int description = kind.ordinal();
    for (FieldSlot[] slots : new FieldSlot[][] {primitives, references}) {
      for (FieldSlot slot : slots) {
        description = 31 * description + slot.name().hashCode();
        description = 31 * description + slot.field().getType().getName().hashCode();
        description = 31 * description + slot.index();
      }
    }
    hash = description;
  }

  private static char code(Class<?> type) {
    return type.isPrimitive() ? type.descriptorString().charAt(0) : 'L';
  }

  private static <T extends AccessibleObject> T accessible(T member) {
    member.setAccessible(true);
    return member;
  }

  /** Whether a JDK class or one above it keeps anything that its elements do not show. */
  private static boolean hasState(Class<?> jdk) {
    for (Class<?> each = jdk; each != null && each != Object.class; each = each.getSuperclass()) {
      if (hasOwnState(each)) {
        return true;
      }
    }
    return false;
  }

  private static boolean hasOwnState(Class<?> jdk) {
    for (Field field : jdk.getDeclaredFields()) {
      if (!Modifier.isStatic(field.getModifiers()) && !Modifier.isTransient(field.getModifiers())) {
        return true;
      }
    }
    return false;
  }

  /**
   * Concrete collections may have nothing but transient fields ({@code ArrayDeque}); the abstract
   * ones hold nothing.
   */
  private static boolean isStatefulCollection(Class<?> jdk) {
    return (Collection.class.isAssignableFrom(jdk) || Map.class.isAssignableFrom(jdk))
        && !Modifier.isAbstract(jdk.getModifiers());
  }

  private static boolean writesItself(Class<?> type) {
    return declares(type, "writeObject", ObjectOutputStream.class)
        || declares(type, "readObject", ObjectInputStream.class);
  }

  private static boolean declares(Class<?> type, String name, Class<?> parameter) {
    try {
      return Modifier.isPrivate(type.getDeclaredMethod(name, parameter).getModifiers());
    } catch (NoSuchMethodException e) {
      return false;
    }
  }

  /**
   * {@code writeReplace} or {@code readResolve} as the serialisation specification finds them, or
   * {@code null}.
   */
  private static Method special(Class<?> type, String name) {
    for (Class<?> each = type; each != null && !isJdk(each); each = each.getSuperclass()) {
      try {
        Method method = each.getDeclaredMethod(name);
        boolean visible =
            each == type
                || Modifier.isPublic(method.getModifiers())
                || Modifier.isProtected(method.getModifiers())
                || (!Modifier.isPrivate(method.getModifiers())
                    && each.getPackageName().equals(type.getPackageName()));
        if (method.getReturnType() == Object.class
            && visible
            && !Modifier.isStatic(method.getModifiers())) {
          return accessible(method);
        }
        return null;
      } catch (NoSuchMethodException e) {
        // Look further up.
      }
    }
    return null;
  }

  /**
   * Instances for which no constructor of the class runs, only one of a class above it. This is
   * what {@code sun.reflect.ReflectionFactory} is there for (JEP 260 keeps it supported); called by
   * reflection since javac warns of every use of {@code sun.*}.
   */
  private static final class WithoutConstructor {
    private static final Object FACTORY;
    private static final Method MAKE;

    static {
      try {
        Class<?> type = Class.forName("sun.reflect.ReflectionFactory");
        FACTORY = type.getMethod("getReflectionFactory").invoke(null);
        MAKE = type.getMethod("newConstructorForSerialization", Class.class, Constructor.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    static Constructor<?> of(Class<?> type, Constructor<?> above)
        throws ReflectiveOperationException {
      return above.getDeclaringClass() == type
          ? above
          : (Constructor<?>) MAKE.invoke(FACTORY, type, above);
    }
  }

  /** The JDK's classes. */
  private static final class Known {
    static final Map<Class<?>, Integer> EXACT = exact();

    private static Map<Class<?>, Integer> exact() {
      Map<Class<?>, Integer> map = new HashMap<>(256);
      map.put(Boolean.class, Tag.TRUE);
      map.put(Byte.class, Tag.BYTE);
      map.put(Short.class, Tag.SHORT);
      map.put(Character.class, Tag.CHAR);
      map.put(Integer.class, Tag.INT);
      map.put(Long.class, Tag.LONG);
      map.put(Float.class, Tag.FLOAT);
      map.put(Double.class, Tag.DOUBLE);
      map.put(String.class, Tag.STRING);
      map.put(Class.class, Tag.CLASS);
      map.put(boolean[].class, Tag.BOOLEANS);
      map.put(byte[].class, Tag.BYTES);
      map.put(short[].class, Tag.SHORTS);
      map.put(char[].class, Tag.CHARS);
      map.put(int[].class, Tag.INTS);
      map.put(long[].class, Tag.LONGS);
      map.put(float[].class, Tag.FLOATS);
      map.put(double[].class, Tag.DOUBLES);
      map.put(BigInteger.class, Tag.BIG_INTEGER);
      map.put(BigDecimal.class, Tag.BIG_DECIMAL);
      map.put(MathContext.class, Tag.MATH_CONTEXT);
      map.put(java.util.UUID.class, Tag.UUID);
      map.put(java.net.URI.class, Tag.URI);
      map.put(java.util.Locale.class, Tag.LOCALE);
      map.put(java.util.Currency.class, Tag.CURRENCY);
      map.put(java.util.regex.Pattern.class, Tag.PATTERN);
      map.put(java.util.concurrent.atomic.AtomicInteger.class, Tag.ATOMIC_INTEGER);
      map.put(java.util.concurrent.atomic.AtomicLong.class, Tag.ATOMIC_LONG);
      map.put(java.util.concurrent.atomic.AtomicBoolean.class, Tag.ATOMIC_BOOLEAN);
      map.put(java.util.concurrent.atomic.AtomicReference.class, Tag.ATOMIC_REFERENCE);
      map.put(java.util.Date.class, Tag.DATE);
      map.put(StringBuilder.class, Tag.STRING_BUILDER);
      map.put(java.util.BitSet.class, Tag.BIT_SET);
      map.put(java.time.Instant.class, Tag.INSTANT);
      map.put(java.time.LocalDate.class, Tag.LOCAL_DATE);
      map.put(java.time.LocalTime.class, Tag.LOCAL_TIME);
      map.put(java.time.LocalDateTime.class, Tag.LOCAL_DATE_TIME);
      map.put(java.time.OffsetTime.class, Tag.OFFSET_TIME);
      map.put(java.time.OffsetDateTime.class, Tag.OFFSET_DATE_TIME);
      map.put(java.time.ZonedDateTime.class, Tag.ZONED_DATE_TIME);
      map.put(java.time.Duration.class, Tag.DURATION);
      map.put(java.time.Period.class, Tag.PERIOD);
      map.put(java.time.Year.class, Tag.YEAR);
      map.put(java.time.YearMonth.class, Tag.YEAR_MONTH);
      map.put(java.time.MonthDay.class, Tag.MONTH_DAY);
      map.put(InetSocketAddress.class, Tag.INET_SOCKET_ADDRESS);
      map.put(File.class, Tag.FILE);
      map.put(Optional.class, Tag.OPTIONAL);
      map.put(java.util.OptionalInt.class, Tag.OPTIONAL_INT);
      map.put(java.util.OptionalLong.class, Tag.OPTIONAL_LONG);
      map.put(java.util.OptionalDouble.class, Tag.OPTIONAL_DOUBLE);
      map.put(Object.class, Tag.PLAIN_OBJECT);
      map.put(StackTraceElement.class, Tag.STACK_TRACE_ELEMENT);
      map.put(java.util.AbstractMap.SimpleEntry.class, Tag.SIMPLE_ENTRY);
      map.put(java.util.AbstractMap.SimpleImmutableEntry.class, Tag.SIMPLE_IMMUTABLE_ENTRY);
      map.put(Collections.reverseOrder().getClass(), Tag.REVERSE_ORDER);
      map.put(Comparator.naturalOrder().getClass(), Tag.NATURAL_ORDER);
      map.put(String.CASE_INSENSITIVE_ORDER.getClass(), Tag.CASE_INSENSITIVE_ORDER);

      map.put(ArrayList.class, Tag.ARRAY_LIST);
      map.put(java.util.LinkedList.class, Tag.LINKED_LIST);
      map.put(java.util.ArrayDeque.class, Tag.ARRAY_DEQUE);
      map.put(java.util.HashSet.class, Tag.HASH_SET);
      map.put(java.util.LinkedHashSet.class, Tag.LINKED_HASH_SET);
      map.put(java.util.TreeSet.class, Tag.TREE_SET);
      map.put(java.util.PriorityQueue.class, Tag.PRIORITY_QUEUE);
      map.put(java.util.Vector.class, Tag.VECTOR);
      map.put(java.util.Stack.class, Tag.STACK);
      map.put(java.util.concurrent.CopyOnWriteArrayList.class, Tag.COPY_ON_WRITE_LIST);
      map.put(java.util.concurrent.CopyOnWriteArraySet.class, Tag.COPY_ON_WRITE_SET);
      map.put(java.util.concurrent.ConcurrentLinkedQueue.class, Tag.CONCURRENT_QUEUE);
      map.put(java.util.concurrent.ConcurrentLinkedDeque.class, Tag.CONCURRENT_DEQUE);
      map.put(java.util.concurrent.ConcurrentSkipListSet.class, Tag.SKIP_LIST_SET);
      map.put(ConcurrentHashMap.KeySetView.class, Tag.CONCURRENT_KEY_SET);
      map.put(java.util.concurrent.LinkedBlockingQueue.class, Tag.LINKED_BLOCKING_QUEUE);
      map.put(java.util.concurrent.LinkedBlockingDeque.class, Tag.LINKED_BLOCKING_DEQUE);
      map.put(HashMap.class, Tag.HASH_MAP);
      map.put(java.util.LinkedHashMap.class, Tag.LINKED_HASH_MAP);
      map.put(java.util.TreeMap.class, Tag.TREE_MAP);
      map.put(ConcurrentHashMap.class, Tag.CONCURRENT_MAP);
      map.put(java.util.concurrent.ConcurrentSkipListMap.class, Tag.SKIP_LIST_MAP);
      map.put(java.util.Hashtable.class, Tag.HASHTABLE);
      map.put(java.util.Properties.class, Tag.PROPERTIES);
      map.put(EnumMap.class, Tag.ENUM_MAP);
      return map;
    }

    /**
     * Types of which only the interface or an abstract class is public; -1 when it is none of them.
     */
    static int byInterface(Class<?> type) {
      if (ByteBuffer.class.isAssignableFrom(type)) {
        return Tag.BYTE_BUFFER;
      }
      if (MemorySegment.class.isAssignableFrom(type)) {
        return Tag.SEGMENT;
      }
      if (DirectBuffer.class.isAssignableFrom(type)) {
        return Tag.DIRECT_BUFFER;
      }
      if (!isJdk(type)) {
        return -1;
      }
      if (java.time.ZoneId.class.isAssignableFrom(type)) {
        return Tag.ZONE_ID;
      }
      if (Path.class.isAssignableFrom(type)) {
        return Tag.PATH;
      }
      if (Charset.class.isAssignableFrom(type)) {
        return Tag.CHARSET;
      }
      return InetAddress.class.isAssignableFrom(type) ? Tag.INET_ADDRESS : -1;
    }

    static Shape collection(Class<?> type, String name) {
      if (name.startsWith("java.util.ImmutableCollections$")) {
        return known(type, Set.class.isAssignableFrom(type) ? Tag.SET_OF : Tag.LIST_OF);
      }
      if (EnumSet.class.isAssignableFrom(type)) {
        return known(type, Tag.ENUM_SET);
      }
      switch (name) {
        case "java.util.Arrays$ArrayList":
          return known(type, Tag.ARRAYS_AS_LIST);
        case "java.util.Collections$EmptyList":
          return known(type, Tag.EMPTY_LIST);
        case "java.util.Collections$EmptySet":
          return known(type, Tag.EMPTY_SET);
        case "java.util.Collections$SingletonList":
          return known(type, Tag.SINGLETON_LIST);
        case "java.util.Collections$SingletonSet":
          return known(type, Tag.SINGLETON_SET);
        default:
          break;
      }
      boolean unmodifiable = name.startsWith("java.util.Collections$Unmodifiable");
      if (SortedSet.class.isAssignableFrom(type)) {
        return unmodifiable
            ? known(type, Tag.UNMODIFIABLE_SORTED_SET)
            : as(type, Tag.TREE_SET, java.util.TreeSet.class);
      }
      if (Set.class.isAssignableFrom(type)) {
        return unmodifiable
            ? known(type, Tag.UNMODIFIABLE_SET)
            : as(type, Tag.LINKED_HASH_SET, java.util.LinkedHashSet.class);
      }
      if (List.class.isAssignableFrom(type)) {
        return unmodifiable
            ? known(type, Tag.UNMODIFIABLE_LIST)
            : as(type, Tag.ARRAY_LIST, ArrayList.class);
      }
      if (unmodifiable) {
        return known(type, Tag.UNMODIFIABLE_COLLECTION);
      }
      if (java.util.concurrent.BlockingQueue.class.isAssignableFrom(type)) {
        return as(type, Tag.LINKED_BLOCKING_DEQUE, java.util.concurrent.LinkedBlockingDeque.class);
      }
      return java.util.Queue.class.isAssignableFrom(type)
          ? as(type, Tag.CONCURRENT_DEQUE, java.util.concurrent.ConcurrentLinkedDeque.class)
          : as(type, Tag.ARRAY_LIST, ArrayList.class);
    }

    static Shape map(Class<?> type, String name) {
      if (name.startsWith("java.util.ImmutableCollections$")) {
        return known(type, Tag.MAP_OF);
      }
      switch (name) {
        case "java.util.Collections$EmptyMap":
          return known(type, Tag.EMPTY_MAP);
        case "java.util.Collections$SingletonMap":
          return known(type, Tag.SINGLETON_MAP);
        default:
          break;
      }
      boolean unmodifiable = name.startsWith("java.util.Collections$Unmodifiable");
      if (SortedMap.class.isAssignableFrom(type)) {
        return unmodifiable
            ? known(type, Tag.UNMODIFIABLE_SORTED_MAP)
            : as(type, Tag.TREE_MAP, java.util.TreeMap.class);
      }
      return unmodifiable
          ? known(type, Tag.UNMODIFIABLE_MAP)
          : as(type, Tag.LINKED_HASH_MAP, java.util.LinkedHashMap.class);
    }

    private static Shape as(Class<?> type, int tag, Class<?> travelsAs) {
      Shape shape = known(type, tag);
      shape.travelsAs = travelsAs;
      return shape;
    }

    private static final Class<?>[] HOLDERS = {
      Thread.class,
      ThreadGroup.class,
      ThreadLocal.class,
      java.util.concurrent.Executor.class,
      java.util.concurrent.Future.class,
      java.util.concurrent.CompletionStage.class,
      java.util.Timer.class,
      java.util.TimerTask.class,
      java.util.concurrent.locks.Lock.class,
      java.util.concurrent.locks.ReadWriteLock.class,
      java.util.concurrent.locks.AbstractOwnableSynchronizer.class,
      java.util.concurrent.locks.Condition.class,
      java.util.concurrent.locks.StampedLock.class,
      java.util.concurrent.Semaphore.class,
      java.util.concurrent.CountDownLatch.class,
      java.util.concurrent.CyclicBarrier.class,
      java.util.concurrent.Phaser.class,
      java.util.concurrent.Exchanger.class,
      java.io.InputStream.class,
      java.io.OutputStream.class,
      java.io.Reader.class,
      java.io.Writer.class,
      java.io.RandomAccessFile.class,
      java.io.FileDescriptor.class,
      java.nio.channels.Channel.class,
      java.net.Socket.class,
      java.net.ServerSocket.class,
      java.net.DatagramSocket.class,
      java.util.stream.BaseStream.class,
      java.util.Scanner.class,
      Arena.class,
      ClassLoader.class,
      Module.class,
      ModuleLayer.class,
      Executable.class,
      Field.class,
      java.lang.invoke.MethodHandle.class,
      VarHandle.class,
      MethodHandles.Lookup.class,
      java.lang.ref.Reference.class,
      java.lang.ref.Cleaner.class,
      Process.class,
      ProcessHandle.class,
      Runtime.class,
      ScopedValue.class,
      java.security.SecureRandom.class,
      java.security.Key.class,
    };
    private static final String[] HELD = {
      "thread",
      "thread group",
      "thread-local",
      "executor",
      "future",
      "future",
      "timer",
      "timer",
      "lock",
      "lock",
      "lock",
      "lock",
      "lock",
      "semaphore",
      "latch",
      "barrier",
      "phaser",
      "exchanger",
      "stream",
      "stream",
      "stream",
      "stream",
      "file",
      "file",
      "channel",
      "socket",
      "socket",
      "socket",
      "stream",
      "scanner",
      "memory arena",
      "class loader",
      "module",
      "module layer",
      "reflective object",
      "reflective object",
      "method handle",
      "method handle",
      "method handle",
      "reference to an object of this JVM",
      "cleaner",
      "process",
      "process",
      "runtime",
      "scoped value",
      "source of secrets",
      "secret key",
    };

    /** What keeps the class in this JVM, if anything; completes "class X ". */
    static Optional<String> cannotTravel(Class<?> type) {
      for (int i = 0; i < HOLDERS.length; i++) {
        if (HOLDERS[i].isAssignableFrom(type)) {
          return Optional.of("is a " + HELD[i] + ", which cannot leave its JVM");
        }
      }
      if (type.getName().startsWith("org.apache.pekko.actor.")
          && !Throwable.class.isAssignableFrom(type)) {
        return Optional.of(
            "belongs to a Pekko actor system; an ActorHandle can be part of a value, an ActorRef"
                + " cannot");
      }
      return Optional.empty();
    }
  }
}
