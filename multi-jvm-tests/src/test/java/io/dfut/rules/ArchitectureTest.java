package io.dfut.rules;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.io.InputStream;
import java.io.ObjectInputStream;

/**
 * Who may know whom. These rules hold the shape of the whole together; see docs/architecture.md.
 */
@AnalyzeClasses(packages = "io.dfut", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String STORE = "io.dfut.internal.store..";
  private static final String CLUSTER = "io.dfut.internal.cluster..";
  private static final String SAMPLES = "io.dfut.samples..";

  private static final DescribedPredicate<JavaClass> OF_CORE =
      DescribedPredicate.describe(
          "of core",
          type ->
              type.getPackageName().startsWith("io.dfut")
                  && !resideInAnyPackage(STORE, CLUSTER, SAMPLES).test(type));

  /** The machines, and what they are made of. */
  private static final DescribedPredicate<JavaClass> MACHINES =
      resideInAnyPackage(
              "io.dfut.internal.ownership..",
              "io.dfut.internal.lease..",
              "io.dfut.internal.machine..",
              "io.dfut.internal.protocol..")
          .as("machines");

  @ArchTest
  static final ArchRule CORE_KNOWS_NOTHING_ABOVE_IT =
      noClasses()
          .that(OF_CORE)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(STORE, CLUSTER, SAMPLES);

  @ArchTest
  static final ArchRule THE_STORE_KNOWS_NOTHING_ABOVE_IT =
      noClasses()
          .that()
          .resideInAPackage(STORE)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(CLUSTER, SAMPLES);

  @ArchTest
  static final ArchRule THE_CLUSTER_KNOWS_NOTHING_ABOVE_IT =
      noClasses()
          .that()
          .resideInAPackage(CLUSTER)
          .should()
          .dependOnClassesThat()
          .resideInAPackage(SAMPLES);

  @ArchTest
  static final ArchRule SAMPLES_USE_THE_PUBLIC_FACE_ONLY =
      noClasses()
          .that()
          .resideInAPackage(SAMPLES)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.dfut.internal..");

  @ArchTest
  static final ArchRule MACHINES_KNOW_NO_ACTORS =
      noClasses()
          .that(MACHINES)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.pekko..", "scala..");

  @ArchTest
  static final ArchRule MACHINES_KNOW_NO_RUNTIME =
      noClasses()
          .that(MACHINES)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.dfut.internal.runtime..", "io.dfut.internal.codec..");

  @ArchTest
  static final ArchRule MACHINES_DO_NO_IO =
      noClasses()
          .that(MACHINES)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("java.io..", "java.nio..", "java.net..", "org.slf4j..");

  @ArchTest
  static final ArchRule MACHINES_HAVE_NO_THREADS =
      noClasses()
          .that(MACHINES)
          .and()
          .doNotHaveSimpleName("Claim") // the one thing that owner and executors of a JVM share
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("java.util.concurrent..")
          .orShould()
          .dependOnClassesThat()
          .belongToAnyOf(Thread.class, ThreadLocal.class);

  @ArchTest
  static final ArchRule MACHINES_READ_NO_CLOCK =
      noClasses()
          .that(MACHINES)
          .should()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .dependOnClassesThat()
          .belongToAnyOf(java.time.Clock.class, java.time.Instant.class);

  @ArchTest
  static final ArchRule MACHINES_DRAW_ONLY_WHAT_THEY_ARE_GIVEN =
      noClasses()
          .that(MACHINES)
          .should()
          .dependOnClassesThat()
          .belongToAnyOf(java.util.Random.class, java.security.SecureRandom.class)
          .orShould()
          .callMethod(Math.class, "random");

  @ArchTest
  static final ArchRule ONLY_A_WORKERS_ACTOR_TOUCHES_ITS_TABLE =
      classes()
          .that()
          .haveFullyQualifiedName("io.dfut.internal.ownership.WorkerMachine")
          .should()
          .onlyHaveDependentClassesThat(
              DescribedPredicate.describe(
                  "are the worker's actor",
                  type ->
                      type.getFullName().startsWith("io.dfut.internal.runtime.WorkerActor")
                          || type.getPackageName().equals("io.dfut.internal.ownership")));

  @ArchTest
  static final ArchRule ONLY_THE_SCHEDULERS_ACTOR_TOUCHES_ITS_MACHINE =
      classes()
          .that()
          .haveFullyQualifiedName("io.dfut.internal.lease.LeaseMachine")
          .should()
          .onlyHaveDependentClassesThat(
              DescribedPredicate.describe(
                  "are the scheduler's actor, or the node that makes it",
                  type ->
                      type.getFullName().startsWith("io.dfut.internal.runtime.SchedulerActor")
                          || type.getFullName().startsWith("io.dfut.internal.runtime.NodeRuntime")
                          || type.getPackageName().equals("io.dfut.internal.lease")));

  @ArchTest
  static final ArchRule NOTHING_IS_DESERIALISED_BY_JAVA =
      noClasses()
          .should()
          .callConstructor(ObjectInputStream.class, InputStream.class)
          .orShould()
          .callMethod(ObjectInputStream.class, "readObject")
          .orShould()
          .beAssignableTo(ObjectInputStream.class);
}
