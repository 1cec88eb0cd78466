package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import com.sun.source.util.JavacTask;
import com.typesafe.config.Config;
import io.dfut.DFut;
import io.dfut.testing.JavaSource;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.ToolProvider;
import org.agrona.DirectBuffer;
import org.apache.pekko.actor.typed.ActorSystem;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the compiler must refuse to somebody who uses the library. */
final class DoesNotCompileTest {
  private static final String CLASS_PATH =
      Stream.of(
              DFut.class,
              ActorSystem.class,
              Config.class,
              JsonSerialize.class,
              DirectBuffer.class,
              scala.Option.class)
          .map(DoesNotCompileTest::placeOf)
          .distinct()
          .collect(Collectors.joining(File.pathSeparator));

  private static String placeOf(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
    } catch (URISyntaxException e) {
      throw new AssertionError("a class path entry that is no file", e);
    }
  }

  /** The errors that the compiler finds in a method body. */
  private static List<String> errorsOf(String body) {
    String source =
        """
        import io.dfut.*;
        import java.util.List;
        class Snippet {
          static int six(int a, int b, int c, int d, int e, int f) { return a; }
          static int seven(int a, int b, int c, int d, int e, int f, int g) { return a; }
          static int square(int a) { return a * a; }
          static int add(int a, int b) { return a + b; }
          void body(DFutContext dfut, DFut<Integer> number, DFut<String> text) {
            %s
          }
        }
        """
            .formatted(body);
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
    JavacTask task =
        (JavacTask)
            compiler.getTask(
                null,
                null,
                found,
                List.of("-proc:none", "-classpath", CLASS_PATH, "-Xlint:none"),
                null,
                List.of(new JavaSource("Snippet.java", source)));
    try {
      task.analyze(); // no class files
    } catch (IOException e) {
      throw new AssertionError("a source in memory could not be read", e);
    }
    return found.getDiagnostics().stream()
        .filter(diagnostic -> diagnostic.getKind() == Diagnostic.Kind.ERROR)
        .map(diagnostic -> diagnostic.getMessage(java.util.Locale.ROOT))
        .toList();
  }

  private static void refused(String statement) {
    assertThat(errorsOf(statement)).as(statement).isNotEmpty();
  }

  @Test
  @Tag("C002")
  @DisplayName("002 a seventh argument, a missing one and a wrong type do not compile")
  void wrongArgumentsDoNotCompile() {
    assertThat(
            errorsOf(
                """
                DFut<Integer> a = dfut.task(Snippet::square).submit(1);
                DFut<Integer> b = dfut.task(Snippet::square).submit(number);
                DFut<Integer> c = dfut.task(Snippet::add).submit(1, number);
                DFut<Integer> d = dfut.task(Snippet::six).submit(1, 2, 3, 4, 5, 6);
                """))
        .as("what is right compiles, so the others fail for the right reason")
        .isEmpty();
    refused("dfut.task(Snippet::seven);");
    refused("dfut.task(Snippet::six).submit(1, 2, 3, 4, 5, 6, 7);");
    refused("dfut.task(Snippet::add).submit(1);");
    refused("dfut.task(Snippet::square).submit(\"1\");");
    refused("dfut.task(Snippet::square).submit(text);");
    refused("dfut.task(Snippet::add).submit(1, text);");
    refused("DFut<String> wrong = dfut.task(Snippet::square).submit(1);");
    refused("dfut.task(Snippet::square).submit(number.share());");
  }
}
