package io.dfut.internal.api;

import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Amounts of named resources in exact fixed point: a ten-thousandth is the unit, so that sums never
 * drift. Zero amounts are left out. Immutable.
 *
 * @param units ten-thousandths by name, all positive
 */
public record Resources(SortedMap<String, Long> units) {
  /** Units in 1.0. */
  public static final long UNITS = 10_000;

  /** The name of the resource that every node has. */
  public static final String CPU = "CPU";

  public static final Resources NONE = new Resources(new TreeMap<>());
  public static final Resources ONE_CPU = NONE.with(CPU, 1);

  public Resources {
    TreeMap<String, Long> copy = new TreeMap<>(units);
    copy.values().removeIf(amount -> amount == 0);
    for (Map.Entry<String, Long> entry : copy.entrySet()) {
      if (entry.getValue() < 0) {
        throw new IllegalArgumentException(
            "negative amount of " + entry.getKey() + ": " + entry.getValue());
      }
    }
    units = java.util.Collections.unmodifiableSortedMap(copy);
  }

  /**
   * How the names of resources begin that stand for the Pekko roles of a node: labels, which tasks
   * ask for as for resources.
   */
  public static final String ROLE = "role:";

  /** So much of a role that it is never used up. */
  private static final double ROLE_AMOUNT = 1_000_000;

  /** How the roles begin that are this library's own. */
  private static final String OWN_ROLE = "dfut-";

  /** The same with a resource for each role of a node that is not ours. */
  public Resources withRoles(Collection<String> roles) {
    Resources all = this;
    for (String role : roles) {
      if (!role.startsWith(OWN_ROLE)) {
        all = all.with(ROLE + role, ROLE_AMOUNT);
      }
    }
    return all;
  }

  /** The same with another amount of one resource. */
  public Resources with(String name, double amount) {
    Objects.requireNonNull(name, "resource name");
    if (name.isBlank()) {
      throw new IllegalArgumentException("the resource's name is blank");
    }
    TreeMap<String, Long> changed = new TreeMap<>(units);
    changed.put(name, units(name, amount));
    return new Resources(changed);
  }

  private static long units(String name, double amount) {
    if (!Double.isFinite(amount) || amount < 0) {
      throw new IllegalArgumentException(
          "amount of " + name + " is " + amount + "; it must be a number of 0 or more");
    }
    if (amount > 1e12) {
      throw new IllegalArgumentException(
          "amount of " + name + " is " + amount + "; it must be at most 1e12");
    }
    long units = Math.round(amount * UNITS);
    if (Math.abs(units - amount * UNITS) > 1e-3) {
      throw new IllegalArgumentException(
          "amount of " + name + " is " + amount + "; the finest step is 0.0001");
    }
    return units;
  }

  /** The amount of one resource in units, 0 when there is none. */
  public long unitsOf(String name) {
    return units.getOrDefault(name, 0L);
  }

  /** Whether nothing is asked for. */
  public boolean isNothing() {
    return units.isEmpty();
  }

  /** Whether this much of everything is within {@code other}. */
  public boolean fitsIn(Resources other) {
    for (Map.Entry<String, Long> entry : units.entrySet()) {
      if (entry.getValue() > other.unitsOf(entry.getKey())) {
        return false;
      }
    }
    return true;
  }

  /** {@code 2 CPU, 0.5 gpu}, or {@code nothing}. */
  @Override
  public String toString() {
    if (units.isEmpty()) {
      return "nothing";
    }
    StringBuilder text = new StringBuilder();
    units.forEach(
        (name, amount) -> {
          if (!text.isEmpty()) {
            text.append(", ");
          }
          text.append(decimal(amount)).append(' ').append(name);
        });
    return text.toString();
  }

  /** Units as a person writes them. */
  public static String decimal(long units) {
    return java.math.BigDecimal.valueOf(units, 4).stripTrailingZeros().toPlainString();
  }
}
