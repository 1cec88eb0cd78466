package io.dfut.internal.cluster.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.internal.cluster.HostAndPort;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CommandLineTest {
  @TempDir Path folder;

  private static Command parse(String line) {
    return CommandLine.parse(line.isEmpty() ? new String[0] : line.split(" "));
  }

  private Path jar(String name, String... entries) throws IOException {
    Path jar = folder.resolve(name);
    try (OutputStream file = Files.newOutputStream(jar);
        ZipOutputStream zip = new ZipOutputStream(file)) {
      for (String entry : entries) {
        zip.putNextEntry(new ZipEntry(entry));
        zip.closeEntry();
      }
    }
    return jar;
  }

  @Test
  void aNodeNeedsNoOptions() {
    Command.Start start = (Command.Start) parse("start");

    assertThat(start.port()).isEqualTo(OptionalInt.empty());
    assertThat(start.join()).isEmpty();
    assertThat(start.application().allow()).isEmpty();
    assertThat(start.withParent()).isFalse();
  }

  @Test
  void aNodeTakesAllItsOptions() throws IOException {
    Path one = jar("one.jar");
    Path two = jar("two.jar");

    Command.Start start =
        (Command.Start)
            parse(
                "start --host 10.0.0.7 --port 25520 --join a:1 --join [::1]:2 --cpus 2.5"
                    + " --memory 512M --resource gpu=1 --resource tape=0.5 --app "
                    + one
                    + " "
                    + two
                    + " --allow com.acme. org.acme. --with-parent");

    assertThat(start)
        .isEqualTo(
            new Command.Start(
                Optional.of("10.0.0.7"),
                OptionalInt.of(25_520),
                List.of(new HostAndPort("a", 1), new HostAndPort("::1", 2)),
                Optional.of("2.5"),
                Optional.of("512M"),
                new java.util.TreeMap<>(Map.of("gpu", 1.0, "tape", 0.5)),
                new Command.Application(List.of(one, two), List.of("com.acme.", "org.acme.")),
                true));
  }

  @Test
  void whatFollowsTheMainClassIsTheProgramsOwn() {
    assertThat(parse("run --cluster h:1 --allow com.acme. com.acme.Main --local x"))
        .isEqualTo(
            new Command.Run(
                Optional.of(new HostAndPort("h", 1)),
                new Command.Application(List.of(), List.of("com.acme.")),
                "com.acme.Main",
                List.of("--local", "x")));
  }

  @Test
  void jarsEndWhereTheMainClassBegins() throws IOException {
    Path jar = jar("app.jar");

    Command.Run run = (Command.Run) parse("run --app " + jar + " com.acme.Main");

    assertThat(run.application().jars()).containsExactly(jar);
    assertThat(run.mainClass()).isEqualTo("com.acme.Main");
  }

  @Test
  void optionsOfTheSearchPassThroughTheDemo() {
    assertThat(parse("demo --input x.zip --local --top 5"))
        .isEqualTo(new Command.Demo(true, List.of("--input", "x.zip", "--top", "5")));
  }

  @Test
  void samplesTakeArguments() {
    assertThat(parse("sample search --help"))
        .isEqualTo(new Command.Sample("search", List.of("--help")));
  }

  @Test
  void benchmarksTakeOptions() {
    assertThat(parse("bench refs --tasks 5"))
        .isEqualTo(new Command.Bench(List.of("refs", "--tasks", "5")));
  }

  @Test
  void theSimulatorReadsItsOwnOptions() {
    assertThat(parse("sim --seeds 5 --help"))
        .isEqualTo(new Command.Sim(List.of("--seeds", "5", "--help")));
    assertThat(parse("sim")).isEqualTo(new Command.Sim(List.of()));
    assertThat(parse("chaos --minutes 1")).isEqualTo(new Command.Chaos(List.of("--minutes", "1")));
  }

  @Test
  void withoutAnAllowListThePackagesOfTheJarsAreAllowed() throws IOException {
    Path jar =
        jar(
            "app.jar",
            "com/acme/Main.class",
            "com/acme/deep/Inner.class",
            "NoPackage.class",
            "META-INF/versions/9/com/other/X.class",
            "com/acme/text.txt");
    List<Path> jars = List.of(jar);

    assertThat(Programs.allowed(new Command.Application(jars, List.of())))
        .containsExactly("com.acme.", "com.acme.deep.");
    assertThat(Programs.allowed(new Command.Application(jars, List.of("org.other."))))
        .containsExactly("org.other.");
  }

  @Test
  void theUsageNamesEveryCommand() {
    assertThat(CommandLine.USAGE)
        .contains(
            "demo ",
            "start ",
            "run ",
            "sample ",
            "inspect ",
            "stop ",
            "bench ",
            "sim ",
            "chaos ",
            "--version");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                          | no command; there are demo, start",
        "strat                       | unknown command \"strat\", did you mean start?",
        "frobnicate                  | unknown command \"frobnicate\"; there are",
        "start --prot 1              | unknown option --prot, did you mean --port?; there are",
        "start now                   | unexpected argument now",
        "start --port                | --port needs a value after it",
        "start --port --join         | --port needs a value after it",
        "start --port 80x            | --port is \"80x\"; it must be a number from 0 to 65535",
        "start --port 65536          | --port is \"65536\"; it must be a number from 0 to 65535",
        "start --port -1             | --port is \"-1\"; it must be a number from 0 to 65535",
        "start --join localhost      | --join is \"localhost\"; it must be host:port",
        "start --join localhost:0    | --join is \"localhost:0\"; it must be host:port",
        "start --join ::1:25520      | --join is \"::1:25520\"; it must be host:port",
        "start --cpus many           | --cpus is \"many\"; it must be a number of 0 or more",
        "start --cpus -1             | --cpus is \"-1\"; it must be a number of 0 or more",
        "start --cpus NaN            | --cpus is \"NaN\"; it must be a number of 0 or more",
        "start --memory lots         | --memory is \"lots\"; it must be a size such as 512M",
        "start --memory 0            | --memory is \"0\"; it must be a size such as 512M",
        "start --resource gpu        | --resource is \"gpu\"; it must be NAME=AMOUNT",
        "start --resource gpu=x      | --resource gpu is \"x\"; it must be a number",
        "start --app none.jar        | --app none.jar: there is no such file",
        "run                         | run needs the name of a class with a main method",
        "run --local --cluster h:1 M | --local and --cluster exclude each other",
        "run --clutser h:1 M         | unknown option --clutser, did you mean --cluster?",
        "stop                        | stop needs the address of a node",
        "stop here                   | stop is \"here\"; it must be host:port",
        "inspect                     | inspect needs the address of a node",
        "inspect here                | inspect is \"here\"; it must be host:port",
        "inspect h:1 h:2             | inspect needs the address of a node, HOST:PORT, and nothing",
        "sample                      | sample needs the name of one",
        "bench                       | bench needs the name of one, such as refs",
        "bench --tasks 5             | bench needs the name of one, such as refs",
        "demo --cluster h:1          | demo starts a cluster of its own",
      })
  void whatCannotBeUnderstoodIsSaidInOneLine(String line, String message) {
    assertThatThrownBy(() -> parse(line))
        .isInstanceOf(UsageException.class)
        .hasMessageStartingWith(message)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
  }
}
