package io.dfut.testkit;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.DynamicTestInvocationContext;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.platform.commons.support.AnnotationSupport;
import org.junit.platform.commons.support.HierarchyTraversalMode;
import org.junit.platform.commons.support.ReflectionSupport;

/** What {@link DFutCluster} and {@link DFutLocal} do. */
final class DFutExtension
    implements BeforeAllCallback,
        BeforeEachCallback,
        AfterEachCallback,
        InvocationInterceptor,
        ParameterResolver {
  private static final ExtensionContext.Namespace OURS =
      ExtensionContext.Namespace.create(DFutExtension.class);

  /** How long a future must be without a reason, for a test that goes on to be interrupted. */
  private static final Duration CONFIRM = Duration.ofSeconds(5);

  /** Before what nobody holds is collected. */
  private static final Duration UNTIL_COLLECTING = Duration.ofSeconds(1);

  // ---- the place that a class has ----

  private interface Starter {
    Place start();
  }

  /** The place of a class; closed by JUnit after its last test. */
  private static final class Held implements AutoCloseable {
    private final Starter starter;
    final Duration patience;
    final boolean leakCheck;
    private Place place;

    /** What was pending when a test failed: when it has ended, its handles are released. */
    volatile Optional<String> pending = Optional.empty();

    /**
     * All that was ever injected: what stands in a field and is none of these is the test's own.
     */
    final Set<Object> given = Collections.newSetFromMap(new IdentityHashMap<>());

    Held(Starter starter, Duration patience, boolean leakCheck) {
      this.starter = starter;
      this.patience = patience;
      this.leakCheck = leakCheck;
    }

    synchronized Place place() {
      if (place == null) {
        place = starter.start();
        given.add(place.driver());
        place.nodes().ifPresent(given::add);
      }
      return place;
    }

    synchronized Optional<Place> started() {
      return Optional.ofNullable(place);
    }

    /** As whole as at the start. */
    synchronized void repair() {
      if (place != null && !place.repair()) {
        close();
      }
      place();
    }

    @Override
    public synchronized void close() {
      if (place != null) {
        place.close();
        place = null;
      }
    }
  }

  private static Held held(ExtensionContext context) {
    return context.getStore(OURS).get(Held.class, Held.class); // or of an enclosing class
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    Class<?> type = context.getRequiredTestClass();
    Optional<DFutCluster> cluster = AnnotationSupport.findAnnotation(type, DFutCluster.class);
    Optional<DFutLocal> local = AnnotationSupport.findAnnotation(type, DFutLocal.class);
    if (cluster.isPresent() && local.isPresent()) {
      throw new ExtensionConfigurationException(
          type.getName() + " is annotated with both @DFutCluster and @DFutLocal; take one");
    }
    cluster.map(annotation -> of(annotation, type)).ifPresent(made -> hold(context, made));
    local.map(DFutExtension::of).ifPresent(made -> hold(context, made));
    inject(type, Optional.empty(), held(context));
  }

  private static void hold(ExtensionContext context, Held held) {
    context.getStore(OURS).put(Held.class, held);
    held.place();
  }

  private static Held of(DFutCluster annotation, Class<?> type) {
    if (annotation.nodes() < 1) {
      throw new ExtensionConfigurationException(
          "nodes is " + annotation.nodes() + "; it must be at least 1");
    }
    List<String> allow =
        annotation.allow().length > 0
            ? List.of(annotation.allow())
            : List.of(
                type.getPackageName().isEmpty() ? type.getName() : type.getPackageName() + ".");
    Duration patience = duration("patience", annotation.patience());
    ClusterPlace.Plan plan =
        new ClusterPlace.Plan(
            annotation.nodes(),
            annotation.cpus(),
            settings(annotation.settings()),
            allow,
            List.of(annotation.jvmFlags()),
            annotation.partitions(),
            duration("startTimeout", annotation.startTimeout()),
            patience);
    return new Held(() -> new ClusterPlace(plan), patience, annotation.leakCheck());
  }

  private static Held of(DFutLocal annotation) {
    Config config =
        settings(annotation.settings())
            .withFallback(ConfigFactory.parseString("dfut.cpus = " + annotation.cpus()));
    return new Held(
        () -> new LocalPlace(config),
        duration("patience", annotation.patience()),
        annotation.leakCheck());
  }

  private static Config settings(String[] settings) {
    try {
      return ConfigFactory.parseString(String.join("\n", settings));
    } catch (ConfigException e) {
      throw new ExtensionConfigurationException(
          "settings are no HOCON: " + List.of(settings) + ": " + e.getMessage(), e);
    }
  }

  private static Duration duration(String name, String text) {
    try {
      return ConfigFactory.parseMap(java.util.Map.of(name, text)).getDuration(name);
    } catch (ConfigException e) {
      throw new ExtensionConfigurationException(
          name + " is \"" + text + "\"; it must be a time such as \"30 s\"", e);
    }
  }

  // ---- injection ----

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return type == DFutSystem.class || type == DFutNodes.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return value(type, held(context).place())
        .orElseThrow(
            () ->
                new ParameterResolutionException(
                    type.getSimpleName()
                        + " is for @DFutCluster; with @DFutLocal there is one JVM"));
  }

  private static Optional<Object> value(Class<?> type, Place place) {
    if (type == DFutSystem.class) {
      return Optional.of(place.driver());
    }
    return type == DFutNodes.class ? place.nodes().map(Object.class::cast) : Optional.empty();
  }

  private static void inject(Class<?> type, Optional<Object> instance, Held held) {
    List<Field> fields =
        ReflectionSupport.findFields(
            type,
            field ->
                !Modifier.isFinal(field.getModifiers())
                    && (Modifier.isStatic(field.getModifiers()) || instance.isPresent()),
            HierarchyTraversalMode.TOP_DOWN);
    for (Field field : fields) {
      value(field.getType(), held.place()).ifPresent(value -> set(field, instance, value, held));
    }
  }

  private static void set(Field field, Optional<Object> instance, Object value, Held held) {
    try {
      field.setAccessible(true);
      Object before = field.get(instance.orElse(null));
      if (before == null || held.given.contains(before)) {
        field.set(instance.orElse(null), value);
      }
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }

  // ---- each test ----

  @Override
  public void beforeEach(ExtensionContext context) {
    Held held = held(context);
    held.repair();
    held.pending = Optional.empty();
    for (Object instance : context.getRequiredTestInstances().getAllInstances()) {
      inject(instance.getClass(), Optional.of(instance), held);
    }
  }

  @Override
  public void interceptTestMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    watched(invocation, context);
  }

  @Override
  public void interceptTestTemplateMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    watched(invocation, context);
  }

  @Override
  public void interceptDynamicTest(
      Invocation<Void> invocation, DynamicTestInvocationContext test, ExtensionContext context)
      throws Throwable {
    watched(invocation, context);
  }

  private static void watched(Invocation<Void> invocation, ExtensionContext context)
      throws Throwable {
    Held held = held(context);
    Place place = held.place();
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Runnable test =
        () -> {
          try {
            underWatch(invocation, place, held.patience);
          } catch (Throwable e) {
            held.pending = Optional.of(pending(place));
            thrown.set(e);
          }
        };
    if (isRunning(place)) {
      place.driver().scope(test);
    } else {
      test.run();
    }
    if (thrown.get() != null) {
      throw thrown.get();
    }
  }

  private static void underWatch(Invocation<Void> invocation, Place place, Duration patience)
      throws Throwable {
    Watch watch = new Watch(place, patience);
    try {
      invocation.proceed();
    } catch (Throwable e) {
      Optional<AssertionError> hang = watch.end();
      if (hang.isEmpty()) {
        throw e;
      }
      hang.get().addSuppressed(e);
      throw hang.get();
    }
    Optional<AssertionError> hang = watch.end();
    if (hang.isPresent()) {
      throw hang.get();
    }
    if (isRunning(place)) { // a test may close it
      place.letGo();
      HangWatch.assertNoHang(place.driver(), patience);
    }
  }

  private static boolean isRunning(Place place) {
    return !place.driver().actorSystem().getWhenTerminated().toCompletableFuture().isDone();
  }

  /** Interrupts a test in which a future turns out to be one that nobody will ever settle. */
  private static final class Watch {
    private final Place place;
    private final Duration patience;
    private final Thread test = Thread.currentThread();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Thread thread;

    /** Set before the test is interrupted, and not after its end. Guarded by this. */
    private AssertionError hang;

    Watch(Place place, Duration patience) {
      this.place = place;
      this.patience = patience;
      this.thread = Thread.ofVirtual().name("dfut-hang-watch").start(this::look);
    }

    private void look() {
      try {
        while (!ended.await(patience.toNanos(), TimeUnit.NANOSECONDS)) {
          Duration within = CONFIRM.compareTo(patience) < 0 ? CONFIRM : patience;
          List<Inspection.Pending> hung = hung(within);
          if (!hung.isEmpty()) {
            found(new AssertionError(HangWatch.describe(hung, within)));
            return;
          }
        }
      } catch (InterruptedException e) {
        // the test has ended
      }
    }

    private List<Inspection.Pending> hung(Duration within) {
      try {
        return place.isCut() ? List.of() : HangWatch.hung(place.driver(), within);
      } catch (RuntimeException e) {
        return List.of(); // the system was closed, or a table did not answer in time
      }
    }

    private synchronized void found(AssertionError error) {
      if (ended.getCount() > 0) {
        hang = error;
        test.interrupt();
      }
    }

    /** The test has ended; gives why it was interrupted, if it was. */
    synchronized Optional<AssertionError> end() {
      ended.countDown();
      thread.interrupt();
      if (hang != null) {
        Thread.interrupted(); // the test need not have noticed
      }
      return Optional.ofNullable(hang);
    }
  }

  @Override
  public void afterEach(ExtensionContext context) {
    Held held = held(context);
    held.started().ifPresent(place -> check(context, held, place)); // unless it could not be
  }

  private static void check(ExtensionContext context, Held held, Place place) {
    Optional<Throwable> failure = context.getExecutionException();
    boolean good = false;
    try {
      place.letGo();
      if (failure.isEmpty() && held.leakCheck && isRunning(place)) {
        assertNoLeaks(place.driver(), held.patience);
      }
      good = failure.isEmpty();
    } finally {
      if (!good) {
        String pending = held.pending.orElseGet(() -> pending(place));
        System.err.println(
            "==== "
                + context.getRequiredTestClass().getSimpleName()
                + ": "
                + context.getDisplayName()
                + " failed\n---- pending\n"
                + pending
                + place.tails());
        held.close(); // what is left would make other tests fail
      }
    }
  }

  private static void assertNoLeaks(DFutSystem driver, Duration within) {
    long deadlineNanos = System.nanoTime() + within.toNanos();
    while (true) {
      Duration left = Duration.ofNanos(deadlineNanos - System.nanoTime());
      boolean last = left.compareTo(UNTIL_COLLECTING) <= 0;
      try {
        driver.inspectCluster(within).assertNoLeaks(last ? left : UNTIL_COLLECTING);
        return;
      } catch (AssertionError e) {
        if (last) {
          throw new AssertionError(
              e.getMessage().replaceFirst("left after \\S+", "left after " + within), e);
        }
        System.gc(); // handles that a test has dropped are given back then
      }
    }
  }

  private static String pending(Place place) {
    try {
      return isRunning(place) ? HangWatch.waits(place.driver()) : "  the driver is closed\n";
    } catch (RuntimeException e) {
      return "  not known: " + e + "\n";
    }
  }
}
