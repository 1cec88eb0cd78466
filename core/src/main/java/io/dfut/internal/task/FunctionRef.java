package io.dfut.internal.task;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A user's function. On the wire it is a description (class, method, signature, captured values,
 * the hash of the class file); within its JVM the function object itself stays beside the
 * description, and is called directly when it captured nothing that could be changed. Immutable and
 * thread-safe.
 */
public final class FunctionRef {
  /**
   * The description.
   *
   * @param className the class that has the method
   * @param methodName the method, {@code <init>} for a constructor
   * @param signature its erased descriptor, as in a class file
   * @param invocation one of the {@code REF_…} kinds of {@link java.lang.invoke.MethodHandleInfo}
   * @param callType the descriptor of the function's call after captured values: what adapts boxes
   *     and subtypes
   * @param classHash of the class file, so that differing builds are refused; 0 when it cannot be
   *     read
   * @param captured the captured values, receiver first
   */
  public record Descriptor(
      String className,
      String methodName,
      String signature,
      int invocation,
      String callType,
      long classHash,
      List<Argument.Value> captured) {
    public Descriptor {
      Objects.requireNonNull(className, "className");
      Objects.requireNonNull(methodName, "methodName");
      captured = List.copyOf(captured);
    }

    /** {@code Quickstart.square}, for people. */
    public String display() {
      String simple = className.substring(className.lastIndexOf('.') + 1);
      return methodName.equals("<init>") ? "new " + simple : simple + "." + methodName;
    }
  }

  private final Descriptor descriptor;
  private final Object local;
  private final boolean foreign;

  /** Made when it is first asked for, and then shared by all tasks of the function. */
  private String display;

  private FunctionRef(Descriptor descriptor, Object local, boolean foreign) {
    this.descriptor = Objects.requireNonNull(descriptor, "descriptor");
    this.local = local;
    this.foreign = foreign;
  }

  /** From the wire: it is checked for admission before it is called. */
  public static FunctionRef described(Descriptor descriptor) {
    return new FunctionRef(descriptor, null, true);
  }

  /** A function of this JVM whose captured values must be copied for each call. */
  public static FunctionRef copied(Descriptor descriptor) {
    return new FunctionRef(descriptor, null, false);
  }

  /** A function that may be called as it is within this JVM. */
  public static FunctionRef local(Descriptor descriptor, Object function) {
    return new FunctionRef(descriptor, Objects.requireNonNull(function, "function"), false);
  }

  /** Whether another JVM named it, so that it must be admitted. */
  public boolean isForeign() {
    return foreign;
  }

  public Descriptor descriptor() {
    return descriptor;
  }

  /** The function object, where it may be called as it is. */
  public Optional<Object> local() {
    return Optional.ofNullable(local);
  }

  @Override
  public String toString() {
    String known = display;
    if (known == null) {
      known = descriptor.display();
      display = known; // a race makes an equal one
    }
    return known;
  }
}
