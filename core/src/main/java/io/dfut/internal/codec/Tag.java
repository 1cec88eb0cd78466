package io.dfut.internal.codec;

/**
 * The first byte of every item in an encoded object graph. The numbers are the format: a number is
 * never given to something else, and what every JVM knows has its number here, so that nothing
 * depends on which class was met first.
 */
final class Tag {
  private Tag() {}

  static final int NULL = 0;

  /** An object that came before, by its number in this message. */
  static final int REF = 1;

  static final int FALSE = 2;
  static final int TRUE = 3;
  static final int BYTE = 4;
  static final int SHORT = 5;
  static final int CHAR = 6;
  static final int INT = 7;
  static final int LONG = 8;
  static final int FLOAT = 9;
  static final int DOUBLE = 10;
  static final int STRING = 11;

  /**
   * An object of a class that the message describes: record, plain object, collection, map or
   * throwable of a program's own.
   */
  static final int OBJECT = 12;

  static final int ENUM = 13;
  static final int OBJECT_ARRAY = 14;
  static final int CLASS = 15;

  /** Encoded by a {@link io.dfut.ValueCodec}. */
  static final int USER = 16;

  static final int SHARED = 17;
  static final int ACTOR = 18;

  static final int BOOLEANS = 20;
  static final int BYTES = 21;
  static final int SHORTS = 22;
  static final int CHARS = 23;
  static final int INTS = 24;
  static final int LONGS = 25;
  static final int FLOATS = 26;
  static final int DOUBLES = 27;
  static final int BYTE_BUFFER = 28;
  static final int SEGMENT = 29;
  static final int DIRECT_BUFFER = 30;

  static final int BIG_INTEGER = 32;
  static final int BIG_DECIMAL = 33;
  static final int UUID = 34;
  static final int URI = 35;
  static final int LOCALE = 36;
  static final int CURRENCY = 37;
  static final int PATTERN = 38;
  static final int CHARSET = 39;
  static final int ATOMIC_INTEGER = 40;
  static final int ATOMIC_LONG = 41;
  static final int ATOMIC_BOOLEAN = 42;
  static final int DATE = 43;
  static final int STRING_BUILDER = 44;
  static final int BIT_SET = 45;
  static final int INSTANT = 46;
  static final int LOCAL_DATE = 47;
  static final int LOCAL_TIME = 48;
  static final int LOCAL_DATE_TIME = 49;
  static final int OFFSET_TIME = 50;
  static final int OFFSET_DATE_TIME = 51;
  static final int ZONED_DATE_TIME = 52;
  static final int ZONE_ID = 53;
  static final int DURATION = 54;
  static final int PERIOD = 55;
  static final int YEAR = 56;
  static final int YEAR_MONTH = 57;
  static final int MONTH_DAY = 58;
  static final int INET_ADDRESS = 59;
  static final int INET_SOCKET_ADDRESS = 60;
  static final int PATH = 61;
  static final int FILE = 62;
  static final int OPTIONAL_INT = 63;
  static final int OPTIONAL_LONG = 64;
  static final int OPTIONAL_DOUBLE = 65;
  static final int PLAIN_OBJECT = 66;
  static final int NATURAL_ORDER = 67;
  static final int REVERSE_ORDER = 68;
  static final int CASE_INSENSITIVE_ORDER = 69;
  static final int STACK_TRACE_ELEMENT = 70;
  static final int MATH_CONTEXT = 71;

  /** From here to below {@link #SEQUENCE_FIRST}: a fixed number of items. */
  static final int TUPLE_FIRST = 96;

  static final int OPTIONAL = 96;
  static final int ATOMIC_REFERENCE = 97;
  static final int SIMPLE_ENTRY = 98;
  static final int SIMPLE_IMMUTABLE_ENTRY = 99;
  static final int MAP_ENTRY = 100;
  static final int REVERSED_COMPARATOR = 101;

  /** From here to below {@link #MAP_FIRST}: a count and as many items. */
  static final int SEQUENCE_FIRST = 112;

  static final int ARRAY_LIST = 112;
  static final int LINKED_LIST = 113;
  static final int ARRAY_DEQUE = 114;
  static final int HASH_SET = 115;
  static final int LINKED_HASH_SET = 116;
  static final int TREE_SET = 117;
  static final int PRIORITY_QUEUE = 118;
  static final int VECTOR = 119;
  static final int STACK = 120;
  static final int COPY_ON_WRITE_LIST = 121;
  static final int COPY_ON_WRITE_SET = 122;
  static final int CONCURRENT_QUEUE = 123;
  static final int CONCURRENT_DEQUE = 124;
  static final int SKIP_LIST_SET = 125;
  static final int LIST_OF = 126;
  static final int SET_OF = 127;
  static final int ARRAYS_AS_LIST = 128;
  static final int EMPTY_LIST = 129;
  static final int SINGLETON_LIST = 130;
  static final int UNMODIFIABLE_LIST = 131;
  static final int UNMODIFIABLE_SET = 132;
  static final int UNMODIFIABLE_COLLECTION = 133;
  static final int UNMODIFIABLE_SORTED_SET = 134;
  static final int ENUM_SET = 135;
  static final int EMPTY_SET = 136;
  static final int SINGLETON_SET = 137;
  static final int CONCURRENT_KEY_SET = 138;
  static final int LINKED_BLOCKING_QUEUE = 139;
  static final int LINKED_BLOCKING_DEQUE = 140;

  /** From here: a count and twice as many items, key and value in turn. */
  static final int MAP_FIRST = 160;

  static final int HASH_MAP = 160;
  static final int LINKED_HASH_MAP = 161;
  static final int TREE_MAP = 162;
  static final int CONCURRENT_MAP = 163;
  static final int SKIP_LIST_MAP = 164;
  static final int HASHTABLE = 165;
  static final int PROPERTIES = 166;
  static final int MAP_OF = 167;
  static final int ENUM_MAP = 168;
  static final int EMPTY_MAP = 169;
  static final int SINGLETON_MAP = 170;
  static final int UNMODIFIABLE_MAP = 171;
  static final int UNMODIFIABLE_SORTED_MAP = 172;

  /**
   * Whether items of this tag get a number, so that meeting the object again gives the same object.
   */
  static boolean numbered(int tag) {
    return tag >= TUPLE_FIRST
        || (tag >= BOOLEANS && tag <= DIRECT_BUFFER)
        || tag == OBJECT
        || tag == OBJECT_ARRAY
        || tag == USER
        || tag == SHARED
        || tag == ACTOR
        || (tag >= ATOMIC_INTEGER && tag <= BIT_SET)
        || tag == PLAIN_OBJECT;
  }

  /**
   * Whether the object exists only once all its items are known; such an object cannot be part of a
   * cycle.
   */
  static boolean builtLast(int tag) {
    return switch (tag) {
      case OPTIONAL,
          SIMPLE_ENTRY,
          SIMPLE_IMMUTABLE_ENTRY,
          MAP_ENTRY,
          REVERSED_COMPARATOR,
          TREE_SET,
          PRIORITY_QUEUE,
          COPY_ON_WRITE_SET,
          SKIP_LIST_SET,
          LIST_OF,
          SET_OF,
          EMPTY_LIST,
          SINGLETON_LIST,
          UNMODIFIABLE_LIST,
          UNMODIFIABLE_SET,
          UNMODIFIABLE_COLLECTION,
          UNMODIFIABLE_SORTED_SET,
          EMPTY_SET,
          SINGLETON_SET,
          TREE_MAP,
          SKIP_LIST_MAP,
          MAP_OF,
          EMPTY_MAP,
          SINGLETON_MAP,
          UNMODIFIABLE_MAP,
          UNMODIFIABLE_SORTED_MAP ->
          true;
      default -> false;
    };
  }

  /**
   * Whether the first item is the comparator, and elements or keys are compared while the object is
   * built.
   */
  static boolean sorted(int tag) {
    return switch (tag) {
      case TREE_SET,
          PRIORITY_QUEUE,
          SKIP_LIST_SET,
          UNMODIFIABLE_SORTED_SET,
          TREE_MAP,
          SKIP_LIST_MAP,
          UNMODIFIABLE_SORTED_MAP ->
          true;
      default -> false;
    };
  }

  /** Whether a sequence's elements are hashed or tested for equality while it is built. */
  static boolean hashedElements(int tag) {
    return switch (tag) {
      case HASH_SET,
          LINKED_HASH_SET,
          COPY_ON_WRITE_SET,
          SET_OF,
          UNMODIFIABLE_SET,
          SINGLETON_SET,
          CONCURRENT_KEY_SET ->
          true;
      default -> false;
    };
  }
}
