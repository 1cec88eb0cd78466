package io.dfut.rules;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.dfut.internal.ownership.Claim;
import io.dfut.internal.ownership.WorkerMachine;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.ClassSource;
import io.dfut.internal.task.Functions;
import io.dfut.internal.task.Sharing;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/** What may depend on what in the core. */
final class ArchitectureTest {
  private static final JavaClasses CORE =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPaths(Path.of("target", "classes"));

  /** The machines, and the messages between them. */
  private static final DescribedPredicate<JavaClass> PURE =
      resideInAnyPackage(
              "io.dfut.internal.machine..",
              "io.dfut.internal.ownership..",
              "io.dfut.internal.lease..",
              "io.dfut.internal.protocol..",
              "io.dfut.internal.task..")
          .and(not(belongToAnyOf(ClassSource.class, Functions.class, CallSite.class)))
          .as("the machines");

  @Test
  void coreKnowsNothingOfTheModulesAboveIt() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.dfut.internal.store..",
            "io.dfut.internal.cluster..",
            "io.dfut.cluster..",
            "io.dfut.launcher..",
            "io.dfut.samples..")
        .check(CORE);
  }

  @Test
  void machinesAreFreeOfPekkoThreadsAndInput() {
    noClasses()
        .that(PURE)
        .should()
        .dependOnClassesThat(
            resideInAnyPackage(
                    "org.apache.pekko..",
                    "com.typesafe..",
                    "java.net..",
                    "java.nio.channels..",
                    "java.nio.file..")
                .or(belongToAnyOf(Thread.class, ThreadLocal.class, Runtime.class)))
        .check(CORE);
    // A claim is what executors of one JVM race for; what is shared is shared by all its threads.
    noClasses()
        .that(PURE.and(not(belongToAnyOf(Claim.class, Sharing.class))))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("java.util.concurrent..")
        .check(CORE);
  }

  @Test
  void machinesReadNoClock() {
    Set<String> clocks = Set.of("nanoTime", "currentTimeMillis", "now", "systemUTC", "random");
    noClasses()
        .that(PURE)
        .should()
        .accessTargetWhere(
            new DescribedPredicate<JavaAccess<?>>("it is a clock or a source of randomness") {
              @Override
              public boolean test(JavaAccess<?> access) {
                return clocks.contains(access.getTarget().getName())
                    && access.getTargetOwner().getPackageName().startsWith("java.");
              }
            })
        .check(CORE);
  }

  @Test
  void onlyItsWorkerActorTouchesAnOwnershipTable() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.dfut.internal.ownership")
        .and()
        .doNotHaveFullyQualifiedName("io.dfut.internal.runtime.WorkerActor")
        .should()
        .dependOnClassesThat()
        .belongToAnyOf(WorkerMachine.class)
        .check(CORE);
  }

  @Test
  void javaSerialisationIsNotUsed() {
    // The codec may ask whether a class has its own readObject, which names the class only.
    noClasses().should().accessClassesThat().belongToAnyOf(ObjectInputStream.class).check(CORE);
    noClasses().should().beAssignableTo(ObjectInputStream.class).check(CORE);
  }

  @Test
  void internalPackageItselfIsEmpty() {
    noClasses().should().resideInAPackage("io.dfut.internal").allowEmptyShould(true).check(CORE);
  }

  // ---- Javadoc: a scan of the sources, since classes have none ----

  private static final Pattern TYPE =
      Pattern.compile(
          "^  ?(public|protected) .*\\b(class|interface|record|enum|@interface) \\w+.*"
              + "|^public .*\\b(class|interface|record|enum|@interface) \\w+.*");

  private static final Pattern METHOD =
      Pattern.compile("^  (public|protected) (?!record|class|interface|enum).*\\(.*");

  @Test
  void publicTypesAndMethodsOfTheFaceAreDocumented() throws IOException {
    List<String> undocumented = new ArrayList<>();
    try (Stream<Path> files = Files.list(Path.of("src", "main", "java", "io", "dfut"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".java")).sorted().toList()) {
        undocumented.addAll(undocumented(Files.readAllLines(file), file.getFileName().toString()));
      }
    }
    Assertions.assertEquals(List.of(), undocumented);
  }

  @Test
  void undocumentedMethodIsSeen() {
    Assertions.assertEquals(
        List.of("A.java:3: public void m() {}"),
        undocumented(
            List.of("/** A. */", "public final class A {", "  public void m() {}", "}"), "A.java"));
  }

  private static List<String> undocumented(List<String> lines, String file) {
    List<String> found = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if ((TYPE.matcher(line).matches() || METHOD.matcher(line).matches())
          && !isDocumented(lines, i)) {
        found.add(file + ":" + (i + 1) + ": " + line.strip());
      }
    }
    return found;
  }

  /** A comment stands before it, or annotations and before them a comment; overriding is exempt. */
  private static boolean isDocumented(List<String> lines, int declaration) {
    int i = declaration - 1;
    int parentheses = 0;
    while (i >= 0) {
      String above = lines.get(i).strip();
      if (above.startsWith("@Override")) {
        return true;
      }
      if (above.endsWith("*/")) {
        return true;
      }
      boolean annotation = above.startsWith("@") || parentheses > 0 || above.endsWith(")");
      if (!annotation) {
        return false;
      }
      parentheses += count(above, ')') - count(above, '(');
      i--;
    }
    return false;
  }

  private static int count(String text, char c) {
    return (int) text.chars().filter(each -> each == c).count();
  }
}
