package io.dfut.internal.codec;

import java.lang.reflect.Field;

/**
 * One field that travels.
 *
 * @param field made accessible
 * @param type {@code 'I'}, {@code 'J'}, … as in a descriptor, {@code 'L'} for every reference
 * @param index the place among a record's components, counted from zero; unused otherwise
 */
record FieldSlot(Field field, char type, int index) {
  String name() {
    return field.getName();
  }
}
