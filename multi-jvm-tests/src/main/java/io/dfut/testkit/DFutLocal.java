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
 * The tests of this class have a system in their own JVM, {@link DFutSystem#local()}, injected and
 * checked as {@link DFutCluster} tells.
 */
@Documented
@Inherited
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(DFutExtension.class)
@Execution(ExecutionMode.SAME_THREAD)
public @interface DFutLocal {
  /** The worker slots. */
  int cpus() default 2;

  /** Settings, each a line of HOCON such as {@code "dfut.store.memory = 100 MiB"}. */
  String[] settings() default {};

  /** How long checks may take: see {@link DFutCluster}. */
  String patience() default "30 s";

  /** Whether each test has to leave nothing behind. */
  boolean leakCheck() default true;
}
