package io.dfut.testkit;

import io.dfut.DFutSystem;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The tests of this class have a cluster: nodes in JVMs of their own, with the class path of the
 * test, and a driver in the JVM of the test, which offers no work. A {@link DFutSystem} (the
 * driver) and {@link DFutNodes} are injected as parameters of constructors, tests and life cycle
 * methods, and into fields of these types that are not final.
 *
 * <p>The cluster is started before the first test of the class and stopped after the last. Between
 * two tests, nodes that are frozen or cut off are let go on, and nodes that have ended are started
 * again. After a test that failed, the next one has a new cluster.
 *
 * <p>Each test method is a {@linkplain io.dfut.DFutContext#scope(Runnable) scope} of the driver:
 * the handles that it makes are released at its end. A test fails, also when its assertions hold,
 *
 * <ul>
 *   <li>when a future has neither a value nor a reason to wait ({@link HangWatch}): at the end of
 *       the test and, while it runs, whenever it has run for another {@link #patience};
 *   <li>when something is left on any node ({@link io.dfut.ClusterInspection#assertNoLeaks}) a
 *       {@link #patience} after its end.
 * </ul>
 *
 * <p>What all nodes said last is printed when a test fails. The tests of a class run one after the
 * other.
 */
@Documented
@Inherited
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(DFutExtension.class)
@Execution(ExecutionMode.SAME_THREAD)
public @interface DFutCluster {
  /** How many nodes. */
  int nodes() default 3;

  /** The worker slots of each node. */
  int cpus() default 2;

  /**
   * Settings of all nodes and of the driver, each a line of HOCON such as {@code "dfut.store.memory
   * = 100 MiB"}.
   */
  String[] settings() default {};

  /**
   * Which classes may be tasks, actors and values, as prefixes of their names. By default the
   * package of the test class, with the packages below.
   */
  String[] allow() default {};

  /** Further flags of the nodes' JVMs, later ones win. They have {@code -Xmx256m} without. */
  String[] jvmFlags() default {};

  /**
   * Whether nodes and driver reach each other through proxies in the JVM of the test, which {@link
   * DFutNodes#partition} and {@link DFutNodes#isolate} need. Linux only.
   */
  boolean partitions() default false;

  /** How long a start may take until the driver knows all nodes. */
  String startTimeout() default "60 s";

  /** How long anything else may take: see above. */
  String patience() default "30 s";

  /**
   * Whether each test has to leave nothing behind. Turn it off for a class whose tests share
   * futures or actors.
   */
  boolean leakCheck() default true;
}
