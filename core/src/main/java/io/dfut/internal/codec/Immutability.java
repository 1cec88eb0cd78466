package io.dfut.internal.codec;

import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Tells values that nobody can change. One plan per class, made at the first value and kept as long
 * as the class. Thread-safe.
 */
final class Immutability {
  /** Values looked at for one answer; beyond it the value is copied instead. */
  private static final int LOOKS_MAX = 100_000;

  private static final int DEPTH_MAX = 16;

  private static final Plan ALWAYS = new Plan(Look.ALWAYS, null);
  private static final Plan NEVER = new Plan(Look.NEVER, null);
  private static final Plan OPTIONAL = new Plan(Look.OPTIONAL, null);
  private static final Plan COLLECTION = new Plan(Look.COLLECTION, null);
  private static final Plan MAP = new Plan(Look.MAP, null);

  private enum Look {
    ALWAYS,
    NEVER,
    OPTIONAL,
    COLLECTION,
    MAP,
    COMPONENTS
  }

  /**
   * How to tell.
   *
   * @param components of a record: those whose types do not tell, {@code null} otherwise
   */
  private record Plan(Look look, Field[] components) {}

  private static final ClassValue<Plan> PLANS =
      new ClassValue<>() {
        @Override
        protected Plan computeValue(Class<?> type) {
          return plan(type);
        }
      };

  private Immutability() {}

  static boolean isImmutable(Object value) {
    if (value == null
        || value instanceof String
        || value instanceof Integer
        || value instanceof Long) {
      return true;
    }
    Plan plan = PLANS.get(value.getClass());
    if (plan == ALWAYS) {
      return true;
    }
    return plan != NEVER && new Looks().allow(value, 0);
  }

  /** One walk through one value. */
  private static final class Looks {
    private int left = LOOKS_MAX;

    boolean allow(Object value, int depth) {
      if (value == null) {
        return true;
      }
      Plan plan = PLANS.get(value.getClass());
      if (plan.look == Look.ALWAYS) {
        return true;
      }
      if (plan.look == Look.NEVER || depth == DEPTH_MAX) {
        return false;
      }
      switch (plan.look) {
        case OPTIONAL:
          return allow(((Optional<?>) value).orElse(null), depth + 1);
        case COLLECTION:
          return allowAll((Collection<?>) value, depth + 1);
        case MAP:
          return allowAll(((Map<?, ?>) value).keySet(), depth + 1)
              && allowAll(((Map<?, ?>) value).values(), depth + 1);
        default:
          try {
            for (Field component : plan.components) {
              if (--left < 0 || !allow(component.get(value), depth + 1)) {
                return false;
              }
            }
            return true;
          } catch (IllegalAccessException e) {
            return false; // no module opens it: copied
          }
      }
    }

    private boolean allowAll(Collection<?> values, int depth) {
      left -= values.size();
      if (left < 0) {
        return false;
      }
      for (Object each : values) {
        if (!allow(each, depth)) {
          return false;
        }
      }
      return true;
    }
  }

  private static Plan plan(Class<?> type) {
    if (isImmutableByType(type, new HashSet<>())) {
      return ALWAYS;
    }
    if (type == BigInteger.class || type == BigDecimal.class) {
      return ALWAYS; // not by declared type: they can be extended
    }
    if (type == Optional.class) {
      return OPTIONAL;
    }
    // Only these: an unmodifiable view can be changed through what it shows.
    if (type.getName().startsWith("java.util.ImmutableCollections$")) {
      switch (type.getSimpleName()) {
        case "ListN", "List12", "SetN", "Set12":
          return COLLECTION;
        case "MapN", "Map1":
          return MAP;
        default:
          return NEVER;
      }
    }
    return type.isRecord() ? record(type) : NEVER;
  }

  private static Plan record(Class<?> type) {
    List<Field> components = new ArrayList<>();
    try {
      for (RecordComponent component : type.getRecordComponents()) {
        Class<?> declared = component.getType();
        if (isImmutableByType(declared, new HashSet<>())) {
          continue;
        }
        boolean mayDiffer =
            !Modifier.isFinal(declared.getModifiers())
                || declared.isRecord()
                || declared == Optional.class;
        if (declared.isArray() || !mayDiffer) {
          return NEVER;
        }
        Field field = type.getDeclaredField(component.getName());
        field.setAccessible(true);
        components.add(field);
      }
    } catch (NoSuchFieldException | InaccessibleObjectException | SecurityException e) {
      return NEVER;
    }
    return new Plan(Look.COMPONENTS, components.toArray(new Field[0]));
  }

  /**
   * Whether no value of the type, whatever its class, can be changed. {@code assumed} are types in
   * question already.
   */
  private static boolean isImmutableByType(Class<?> type, Set<Class<?>> assumed) {
    if (type.isPrimitive() || isKnown(type) || !assumed.add(type)) {
      return true;
    }
    if (Enum.class.isAssignableFrom(type) && type != Enum.class) {
      return true;
    }
    if (type.isRecord()) {
      for (RecordComponent component : type.getRecordComponents()) {
        if (!isImmutableByType(component.getType(), assumed)) {
          return false;
        }
      }
      return true;
    }
    if (type.isSealed()
        && (type.isInterface() || Modifier.isAbstract(type.getModifiers()))
        && !hasFields(type)) {
      for (Class<?> permitted : type.getPermittedSubclasses()) {
        if (!isImmutableByType(permitted, assumed)) {
          return false;
        }
      }
      return true;
    }
    return false;
  }

  private static boolean hasFields(Class<?> type) {
    if (type.isInterface()) {
      return false;
    }
    for (Field field : type.getDeclaredFields()) {
      if (!Modifier.isStatic(field.getModifiers())) {
        return true;
      }
    }
    return type.getSuperclass() != Object.class;
  }

  private static final Set<Class<?>> KNOWN =
      Set.of(
          Boolean.class,
          Byte.class,
          Short.class,
          Character.class,
          Integer.class,
          Long.class,
          Float.class,
          Double.class,
          Void.class,
          String.class,
          Class.class,
          java.util.UUID.class,
          java.net.URI.class,
          java.util.Locale.class,
          java.util.Currency.class,
          java.util.regex.Pattern.class,
          java.math.MathContext.class,
          java.util.OptionalInt.class,
          java.util.OptionalLong.class,
          java.util.OptionalDouble.class,
          java.time.Instant.class,
          java.time.LocalDate.class,
          java.time.LocalTime.class,
          java.time.LocalDateTime.class,
          java.time.OffsetTime.class,
          java.time.OffsetDateTime.class,
          java.time.ZonedDateTime.class,
          java.time.ZoneId.class,
          java.time.ZoneOffset.class,
          java.time.Duration.class,
          java.time.Period.class,
          java.time.Year.class,
          java.time.YearMonth.class,
          java.time.MonthDay.class);

  private static boolean isKnown(Class<?> type) {
    if (KNOWN.contains(type)) {
      return true;
    }
    // ZoneId is sealed; one of its classes is not public.
    return type.getName().equals("java.time.ZoneRegion");
  }
}
