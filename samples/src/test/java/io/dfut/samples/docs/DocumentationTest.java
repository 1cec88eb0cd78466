package io.dfut.samples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.Test;

/** The pages say what the code does: their programs compile and run, their quotations are exact. */
final class DocumentationTest {
  private static final Path ROOT = Pages.root();

  /** A link of Markdown to a file: not to a place on the page, nor to the web. */
  private static final Pattern LINK =
      Pattern.compile("]\\((?!https?:|#)([^)#\\s]+)(#[^)\\s]*)?\\)");

  // ---- quotations ----

  @Test
  void everyJavaBlockIsARegionOfTheExamples() {
    Map<String, String> regions =
        new HashMap<>(
            Pages.regions(
                Pages.read(
                    ROOT.resolve(
                        "samples/src/test/java/io/dfut/samples/docs/GettingStartedExamples.java"))));
    // Compiled and run there, since this module does not see the test kit.
    Pages.files(ROOT.resolve("multi-jvm-tests/src/test/java/io/dfut/testkit/guide"), ".java")
        .forEach(source -> regions.putAll(Pages.regions(Pages.read(source))));
    for (Path page : Pages.files(ROOT.resolve("docs"), ".md")) {
      for (Pages.Block block : Pages.blocks(Pages.read(page))) {
        if (!block.language().equals("java")
            || block.marker().orElse("").startsWith("not compiled: ")) {
          continue;
        }
        String name =
            block
                .marker()
                .filter(marker -> marker.startsWith("example: "))
                .map(marker -> marker.substring("example: ".length()))
                .orElseThrow(
                    () ->
                        new AssertionError(
                            page
                                + ": a java block without <!-- example: REGION --> or <!-- not"
                                + " compiled: REASON --> on the line before:\n"
                                + block.text()));
        assertThat(regions).as("regions of the examples").containsKey(name);
        assertThat(block.text()).as("%s, example %s", page, name).isEqualTo(regions.get(name));
      }
    }
  }

  @Test
  void linksOfThePagesLeadToFiles() {
    List<Path> pages =
        java.util.stream.Stream.concat(
                Pages.files(ROOT.resolve("docs"), ".md").stream(),
                java.util.stream.Stream.of("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
                    .map(ROOT::resolve))
            .filter(page -> !page.endsWith("0000-template.md"))
            .toList();
    for (Path page : pages) {
      Matcher link = LINK.matcher(Pages.read(page));
      while (link.find()) {
        assertThat(page.resolveSibling(link.group(1)).normalize())
            .as("%s links to %s", page, link.group(1))
            .exists();
      }
    }
  }

  /** The left column of the table of messages: what is between the dots must stand in the code. */
  @Test
  void messagesOfTheTroubleshootingTableAreTheCodes() {
    String strings = allStrings();
    String page = Pages.read(ROOT.resolve("docs/getting-started.md"));
    String table = page.substring(page.indexOf("## Troubleshooting"));
    List<String> messages =
        table
            .lines()
            .filter(line -> line.startsWith("| `"))
            .map(line -> line.substring(3, line.indexOf("` |")))
            .toList();
    assertThat(messages).hasSizeGreaterThan(15);
    for (String message : messages) {
      for (String part : message.split("…")) {
        assertThat(strings.contains(part.strip()))
            .as("\"%s\" of the message \"%s\" stands in the code", part.strip(), message)
            .isTrue();
      }
    }
  }

  /** The sources, with the parts of concatenated strings joined as they are at run time. */
  private static String allStrings() {
    return java.util.stream.Stream.of("core", "store", "cluster")
        .flatMap(module -> Pages.files(ROOT.resolve(module + "/src/main/java"), ".java").stream())
        .map(Pages::read)
        .map(source -> source.replace("\\\"", "\u0001"))
        .map(source -> source.replaceAll("\"\\s*\\+\\s*\"", ""))
        .map(source -> source.replace('\u0001', '"'))
        .collect(Collectors.joining("\n"));
  }

  @Test
  void everyPageIsListedInTheIndex() {
    String index = Pages.read(ROOT.resolve("docs/README.md"));
    for (Path page : Pages.files(ROOT.resolve("docs"), ".md")) {
      String link = ROOT.resolve("docs").relativize(page).toString().replace('\\', '/');
      if (!link.equals("README.md")) {
        assertThat(index).as("docs/README.md lists %s", link).contains("](" + link + ")");
      }
    }
    assertThat(Files.exists(ROOT.resolve("docs/README.md"))).isTrue();
  }

  // ---- the examples run ----

  private static void assertGives(Object expected, Function<DFutSystem, Object> program) {
    try (DFutSystem dfut = DFutSystem.local(2)) {
      assertThat(program.apply(dfut)).isEqualTo(expected);
    }
  }

  @Test
  void tasksTakeValuesAndFutures() {
    assertGives(28, GettingStartedExamples::tasks);
    assertGives(3, GettingStartedExamples::options);
    assertGives(42, GettingStartedExamples::casts);
    assertGives(6, dfut -> GettingStartedExamples.fanIn(dfut, List.of("a", "bc", "def")));
    assertGives(3, dfut -> GettingStartedExamples.scope(dfut, List.of("a", "bc")));
    assertGives(List.of(10, 10), GettingStartedExamples::byReference);
    assertGives(144L, dfut -> dfut.task(GettingStartedExamples::fibonacci).submit(12).get());
    assertGives("ABC3", GettingStartedExamples::severalResults);
    assertGives(6, GettingStartedExamples::values);
    assertGives(
        4,
        dfut ->
            GettingStartedExamples.firstOf(
                dfut,
                List.of(
                    dfut.<Integer>promise().future(),
                    dfut.task(GettingStartedExamples::length).submit("four"))));
  }

  @Test
  void aTasksExceptionIsTheCauseOfWhatGetThrows() {
    assertGives("no 3 today", GettingStartedExamples::errors);
  }

  @Test
  void actorsTakeCallsAndMessages() {
    assertGives(30, GettingStartedExamples::actor);
    assertGives(3, GettingStartedExamples::messages);
    assertGives(42L, GettingStartedExamples::checkpoint);
  }

  @Test
  void aBehaviourPipesAFutureToItself() throws InterruptedException {
    LinkedBlockingQueue<String> shown = new LinkedBlockingQueue<>();
    try (DFutSystem dfut = DFutSystem.local(2)) {
      ActorSystem<?> system = dfut.actorSystem();
      ActorRef<String> screen =
          system.systemActorOf(
              Behaviors.receiveMessage(
                  (String text) -> {
                    shown.add(text);
                    return Behaviors.same();
                  }),
              "screen",
              org.apache.pekko.actor.typed.Props.empty());
      ActorRef<GettingStartedExamples.Command> player =
          system.systemActorOf(
              GettingStartedExamples.player(),
              "player",
              org.apache.pekko.actor.typed.Props.empty());
      player.tell(new GettingStartedExamples.Command.Play("a chunk", screen));
      assertThat(shown.poll(20, TimeUnit.SECONDS)).isEqualTo("frame 7");
    }
  }

  @Test
  void aSystemEmbedsInAnApplicationsOwn() throws Exception {
    ActorSystem<Void> yours =
        ActorSystem.create(
            Behaviors.empty(),
            "yours",
            ConfigFactory.parseString("pekko.actor.provider = local, pekko.loglevel = WARNING")
                .withFallback(ConfigFactory.load()));
    try {
      assertThat(GettingStartedExamples.embedded(yours)).isEqualTo(8);
    } finally {
      yours.terminate();
      yours.getWhenTerminated().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void whatOnlyKeepsItselfIsNamed() {
    try (DFutSystem dfut = DFutSystem.local(1)) {
      assertThat(GettingStartedExamples.cycle(dfut))
          .singleElement()
          .satisfies(
              cycle ->
                  assertThat(cycle.toString())
                      .matches(
                          "objects that only keep each other:\n"
                              + "  \\S+ \\(.*Hoarder.* submitted at .*cycle.*java:\\d+\\)\\)"
                              + " is an actor that holds \\S+\n"
                              + "  \\S+ \\(put at .*cycle.*java:\\d+\\)\\) contains \\S+"));
    }
  }

  @Test
  void nothingIsLeftBehind() {
    GettingStartedExamples.leaks();
    try (DFutSystem dfut = DFutSystem.local(1)) {
      DFut<Integer> kept = dfut.put(1);
      assertThat(dfut.inspect().rows()).hasSize(1);
      kept.close();
      dfut.inspect().assertNoLeaks(Duration.ofSeconds(10));
    }
  }
}
