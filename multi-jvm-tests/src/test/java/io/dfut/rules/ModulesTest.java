package io.dfut.rules;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.ObjectInputStream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/**
 * Imports run one way: samples, chaos, test kit → cluster → store → core. Here all modules can be
 * seen.
 */
final class ModulesTest {
  private static final String STORE = "io.dfut.internal.store..";
  private static final String CLUSTER = "io.dfut.internal.cluster..";
  private static final String SAMPLES = "io.dfut.samples..";
  private static final String CHAOS = "io.dfut.internal.chaos..";
  private static final String JVMS = "io.dfut.internal.jvms..";
  private static final String TEST_KIT = "io.dfut.testkit..";

  private static final JavaClasses ALL =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(place -> !place.contains("-tests.jar")) // the core's, once packed
          .importPackages("io.dfut");

  @Test
  void allModulesAreSeen() {
    for (String name :
        new String[] {"io.dfut.internal.store.StoreTable", "io.dfut.internal.ownership.Claim"}) {
      Assertions.assertTrue(ALL.contain(name), name);
    }
    Assertions.assertTrue(
        ALL.stream().anyMatch(c -> c.getPackageName().startsWith("io.dfut.internal.cluster")));
    Assertions.assertTrue(
        ALL.stream().anyMatch(c -> c.getPackageName().startsWith("io.dfut.samples")));
  }

  @Test
  void coreKnowsNoneOfTheOthers() {
    noClasses()
        .that()
        .resideOutsideOfPackages(STORE, CLUSTER, SAMPLES, CHAOS, JVMS, TEST_KIT)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(STORE, CLUSTER, SAMPLES)
        .check(ALL);
  }

  @Test
  void storeKnowsOnlyTheCore() {
    noClasses()
        .that()
        .resideInAPackage(STORE)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(CLUSTER, SAMPLES)
        .check(ALL);
  }

  @Test
  void clusterDoesNotKnowTheSamples() {
    noClasses()
        .that()
        .resideInAPackage(CLUSTER)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(SAMPLES)
        .check(ALL);
  }

  @Test
  void nobodyKnowsChaos() {
    noClasses()
        .that()
        .resideOutsideOfPackage(CHAOS)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(CHAOS)
        .check(ALL);
  }

  @Test
  void nobodyKnowsTheTestKitOrWhatStartsJvms() {
    noClasses()
        .that()
        .resideOutsideOfPackages(CHAOS, JVMS, TEST_KIT)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(JVMS, TEST_KIT)
        .check(ALL);
  }

  /** Whoever starts chaos, or a sample, has no JUnit. */
  @Test
  void onlyTheTestKitKnowsJunit() {
    noClasses()
        .that()
        .resideOutsideOfPackage(TEST_KIT)
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.junit..")
        .check(ALL);
    noClasses()
        .that()
        .resideInAPackage(CHAOS)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(TEST_KIT)
        .check(ALL);
  }

  @Test
  void samplesUseThePublicFaceOnly() {
    noClasses()
        .that()
        .resideInAPackage(SAMPLES)
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.dfut.internal..")
        .check(ALL);
  }

  @Test
  void javaSerialisationIsUsedNowhere() {
    noClasses().should().accessClassesThat().belongToAnyOf(ObjectInputStream.class).check(ALL);
    noClasses().should().beAssignableTo(ObjectInputStream.class).check(ALL);
  }
}
