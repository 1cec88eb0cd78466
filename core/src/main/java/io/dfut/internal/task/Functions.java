package io.dfut.internal.task;

import io.dfut.Func0;
import io.dfut.Func1;
import io.dfut.Func2;
import io.dfut.Func3;
import io.dfut.Func4;
import io.dfut.Func5;
import io.dfut.Func6;
import io.dfut.Func7;
import io.dfut.JobId;
import io.dfut.Proc0;
import io.dfut.Proc1;
import io.dfut.Proc2;
import io.dfut.Proc3;
import io.dfut.Proc4;
import io.dfut.Proc5;
import io.dfut.Proc6;
import io.dfut.Proc7;
import io.dfut.SerializationException;
import io.dfut.TaskNotAllowedException;
import io.dfut.internal.codec.ClassFilter;
import java.io.Serializable;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleInfo;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * From a lambda or method reference to a description that can be sent, and from a description to
 * something that can be called. Thread-safe.
 */
public final class Functions {
  private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

  /** What a lambda class says of itself; null for a class that is not a lambda's. */
  private static final ClassValue<Method[]> WRITE_REPLACE =
      new ClassValue<>() {
        @Override
        protected Method[] computeValue(Class<?> type) {
          try {
            Method method = type.getDeclaredMethod("writeReplace");
            method.setAccessible(true);
            return new Method[] {method};
          } catch (NoSuchMethodException | RuntimeException e) {
            return new Method[] {null};
          }
        }
      };

  /** A callable form of a description. */
  public interface Invoker {
    /** Calls it with captured values, then arguments. */
    Object invoke(Object[] captured, Object[] arguments) throws Throwable;
  }

  /** Descriptions without their captured values: what an invoker depends on. */
  private record InvokerKey(
      JobId job,
      String className,
      String methodName,
      String signature,
      int invocation,
      boolean foreign) {}

  private final ClassSource classes;
  private final ClassFilter admitted;
  private final boolean hashes;
  private final String node;
  private final Map<Class<?>, FunctionRef> stateless = new ConcurrentHashMap<>();
  private final Map<InvokerKey, Invoker> invokers = new ConcurrentHashMap<>();

  /**
   * @param admitted which classes' methods may be called because a description says so
   * @param networked whether descriptions leave the JVM: only then is a hash of the class file
   *     worth its time
   * @param node this node, for messages
   */
  public Functions(ClassSource classes, ClassFilter admitted, boolean networked, String node) {
    this.classes = classes;
    this.admitted = admitted;
    this.hashes = networked;
    this.node = node;
  }

  // ---- describing ----

  /**
   * Describes a function.
   *
   * @param immutable tells which captured values need no copy
   * @param encode makes a captured value ready to travel
   * @throws SerializationException when the function is neither lambda nor method reference
   */
  public FunctionRef describe(
      Serializable function, Predicate<Object> immutable, Function<Object, Argument.Value> encode) {
    Class<?> type = function.getClass();
    FunctionRef known = stateless.get(type);
    if (known != null) {
      return known;
    }
    SerializedLambda lambda = serialized(function);
    String className = lambda.getImplClass().replace('/', '.');
    List<Argument.Value> captured = new ArrayList<>(lambda.getCapturedArgCount());
    boolean shareable = true;
    for (int i = 0; i < lambda.getCapturedArgCount(); i++) {
      Object value = lambda.getCapturedArg(i);
      shareable &= immutable.test(value);
      captured.add(encode.apply(value));
    }
    FunctionRef.Descriptor descriptor =
        new FunctionRef.Descriptor(
            className,
            lambda.getImplMethodName(),
            lambda.getImplMethodSignature(),
            lambda.getImplMethodKind(),
            lambda.getInstantiatedMethodType(),
            hashes ? hashOf(className, type.getClassLoader()) : 0,
            captured);
    FunctionRef described =
        shareable ? FunctionRef.local(descriptor, function) : FunctionRef.copied(descriptor);
    if (captured.isEmpty()) {
      stateless.put(type, described);
    }
    return described;
  }

  private long hashOf(String className, ClassLoader loader) {
    try {
      return classes.hash(Class.forName(className, false, loader));
    } catch (ClassNotFoundException e) {
      return 0;
    }
  }

  private static SerializedLambda serialized(Serializable function) {
    Class<?> type = function.getClass();
    Method writeReplace = WRITE_REPLACE.get(type)[0];
    try {
      if (writeReplace != null
          && writeReplace.invoke(function) instanceof SerializedLambda lambda) {
        return lambda;
      }
    } catch (ReflectiveOperationException | RuntimeException e) {
      throw new SerializationException(
          "the function of class " + type.getName() + " cannot be described: " + e, e);
    }
    throw new SerializationException(
        "the function of class "
            + type.getName()
            + " is neither a lambda nor a method reference, so it cannot be named on another node."
            + " Pass a method reference (Foo::bar) or a lambda that calls it.");
  }

  // ---- calling ----

  /**
   * Something to call for a description that came from anywhere.
   *
   * @throws TaskNotAllowedException when the class is not admitted, is not there, or is another
   *     build
   */
  public Invoker invoker(JobId job, FunctionRef function) {
    FunctionRef.Descriptor descriptor = function.descriptor();
    InvokerKey key =
        new InvokerKey(
            job,
            descriptor.className(),
            descriptor.methodName(),
            descriptor.signature(),
            descriptor.invocation(),
            function.isForeign());
    Invoker known = invokers.get(key);
    if (known != null) {
      return known;
    }
    Invoker made = link(job, function);
    invokers.put(key, made);
    return made;
  }

  private Invoker link(JobId job, FunctionRef function) {
    FunctionRef.Descriptor descriptor = function.descriptor();
    String className = descriptor.className();
    if (function.isForeign() && !admitted.admits(className)) {
      throw new TaskNotAllowedException(
          "task "
              + className
              + "."
              + descriptor.methodName()
              + " is not admitted on node "
              + node
              + "; add \""
              + packageOf(className)
              + "\" to dfut.tasks.allow there");
    }
    Class<?> type;
    try {
      type = classes.load(job, className);
    } catch (ClassNotFoundException | LinkageError e) {
      throw new TaskNotAllowedException(
          "class "
              + className
              + " of task "
              + descriptor.display()
              + " is not on node "
              + node
              + " (looked in "
              + classes.describe()
              + "); start the node with --app and the application's jar",
          e);
    }
    if (descriptor.classHash() != 0 && hashes) {
      long here = classes.hash(type);
      if (here != 0 && here != descriptor.classHash()) {
        throw new TaskNotAllowedException(
            "class "
                + className
                + " of task "
                + descriptor.display()
                + " on node "
                + node
                + " is another build than the submitter's (hash "
                + Long.toHexString(here)
                + " here, "
                + Long.toHexString(descriptor.classHash())
                + " there); a renumbered lambda would run the wrong body. Give all nodes the same"
                + " jar.");
      }
    }
    try {
      MethodHandle handle = find(type, descriptor);
      int parameters = handle.type().parameterCount();
      MethodHandle generic = handle.asFixedArity().asType(MethodType.genericMethodType(parameters));
      MethodHandle spread = generic.asSpreader(Object[].class, parameters);
      return (captured, arguments) -> {
        Object[] all = new Object[captured.length + arguments.length];
        System.arraycopy(captured, 0, all, 0, captured.length);
        System.arraycopy(arguments, 0, all, captured.length, arguments.length);
        return (Object) spread.invokeExact(all);
      };
    } catch (ReflectiveOperationException | TypeNotPresentException | LinkageError e) {
      throw new TaskNotAllowedException(
          "method "
              + descriptor.methodName()
              + descriptor.signature()
              + " of task "
              + descriptor.display()
              + " is not in class "
              + className
              + " on node "
              + node
              + "; give all nodes the same jar",
          e);
    }
  }

  /** The shortest prefix that admits a class without admitting everything. */
  static String packageOf(String className) {
    int dot = className.lastIndexOf('.');
    return dot < 0 ? className : className.substring(0, dot + 1);
  }

  private static MethodHandle find(Class<?> type, FunctionRef.Descriptor descriptor)
      throws ReflectiveOperationException {
    MethodType signature =
        MethodType.fromMethodDescriptorString(descriptor.signature(), type.getClassLoader());
    if (descriptor.invocation() == MethodHandleInfo.REF_newInvokeSpecial) {
      Constructor<?> constructor = type.getDeclaredConstructor(signature.parameterArray());
      open(constructor);
      return LOOKUP.unreflectConstructor(constructor);
    }
    Method method = declared(type, descriptor.methodName(), signature);
    open(method);
    return LOOKUP.unreflect(method);
  }

  private static void open(Executable member) {
    boolean isPublic =
        Modifier.isPublic(member.getModifiers())
            && Modifier.isPublic(member.getDeclaringClass().getModifiers());
    if (!isPublic) {
      member.setAccessible(true);
    }
  }

  private static Method declared(Class<?> type, String name, MethodType signature)
      throws NoSuchMethodException {
    for (Class<?> c = type; c != null; c = c.getSuperclass()) {
      for (Method method : c.getDeclaredMethods()) {
        if (method.getName().equals(name)
            && method.getReturnType() == signature.returnType()
            && java.util.Arrays.equals(method.getParameterTypes(), signature.parameterArray())) {
          return method;
        }
      }
    }
    return type.getMethod(name, signature.parameterArray()); // an interface's default method
  }

  /** Calls a function object of this JVM. */
  @SuppressWarnings("unchecked") // the user's typed submit matched the arguments
  public static Object call(Object function, Object[] a) throws Exception {
    return switch (function) {
      case Func0<?> f -> f.apply();
      case Func1<?, ?> f -> ((Func1<Object, ?>) f).apply(a[0]);
      case Func2<?, ?, ?> f -> ((Func2<Object, Object, ?>) f).apply(a[0], a[1]);
      case Func3<?, ?, ?, ?> f -> ((Func3<Object, Object, Object, ?>) f).apply(a[0], a[1], a[2]);
      case Func4<?, ?, ?, ?, ?> f ->
          ((Func4<Object, Object, Object, Object, ?>) f).apply(a[0], a[1], a[2], a[3]);
      case Func5<?, ?, ?, ?, ?, ?> f ->
          ((Func5<Object, Object, Object, Object, Object, ?>) f)
              .apply(a[0], a[1], a[2], a[3], a[4]);
      case Func6<?, ?, ?, ?, ?, ?, ?> f ->
          ((Func6<Object, Object, Object, Object, Object, Object, ?>) f)
              .apply(a[0], a[1], a[2], a[3], a[4], a[5]);
      case Func7<?, ?, ?, ?, ?, ?, ?, ?> f ->
          ((Func7<Object, Object, Object, Object, Object, Object, Object, ?>) f)
              .apply(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
      default -> {
        run(function, a);
        yield null;
      }
    };
  }

  @SuppressWarnings("unchecked") // as above
  private static void run(Object procedure, Object[] a) throws Exception {
    switch (procedure) {
      case Proc0 p -> p.run();
      case Proc1<?> p -> ((Proc1<Object>) p).run(a[0]);
      case Proc2<?, ?> p -> ((Proc2<Object, Object>) p).run(a[0], a[1]);
      case Proc3<?, ?, ?> p -> ((Proc3<Object, Object, Object>) p).run(a[0], a[1], a[2]);
      case Proc4<?, ?, ?, ?> p ->
          ((Proc4<Object, Object, Object, Object>) p).run(a[0], a[1], a[2], a[3]);
      case Proc5<?, ?, ?, ?, ?> p ->
          ((Proc5<Object, Object, Object, Object, Object>) p).run(a[0], a[1], a[2], a[3], a[4]);
      case Proc6<?, ?, ?, ?, ?, ?> p ->
          ((Proc6<Object, Object, Object, Object, Object, Object>) p)
              .run(a[0], a[1], a[2], a[3], a[4], a[5]);
      case Proc7<?, ?, ?, ?, ?, ?, ?> p ->
          ((Proc7<Object, Object, Object, Object, Object, Object, Object>) p)
              .run(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
      default -> throw new IllegalStateException("no function: " + procedure.getClass());
    }
  }
}
