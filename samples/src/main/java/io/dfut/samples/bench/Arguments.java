package io.dfut.samples.bench;

import java.util.Iterator;
import java.util.List;

/** Goes through a command line. */
final class Arguments {
  private final Iterator<String> rest;
  private String option = "";

  Arguments(List<String> all) {
    this.rest = all.iterator();
  }

  boolean hasNext() {
    return rest.hasNext();
  }

  /** The next option. */
  String next() {
    option = rest.next();
    return option;
  }

  /** What follows the option. */
  String value() {
    if (!rest.hasNext()) {
      throw new OptionException("%s needs a value after it: --help shows which".formatted(option));
    }
    return rest.next();
  }

  /** What follows it: a whole number from 1. */
  int number(int max) {
    String text = value();
    try {
      int number = Integer.parseInt(text);
      if (number >= 1 && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      // The same answer as for a number out of range.
    }
    throw new OptionException(
        "%s %s is not possible: give a whole number from 1 to %d".formatted(option, text, max));
  }

  OptionException unknown() {
    return new OptionException("unknown option %s: --help lists those there are".formatted(option));
  }
}
