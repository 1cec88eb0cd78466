package io.dfut.samples.search;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Prints what was found and what was done. Stateless. */
final class Summary {
  private Summary() {}

  static void printAnswers(PrintStream out, List<Answer> answers, int files) {
    out.println();
    out.println("Answers");
    for (Answer answer : answers) {
      print(
          out,
          "  \"%s\": %,d of %,d files, %,d with every word",
          answer.query(),
          answer.filesWithAny(),
          files,
          answer.filesWithAll());
      int rank = 0;
      for (Answer.Hit hit : answer.hits()) {
        String counts =
            hit.counts().entrySet().stream()
                .map(count -> "%s ×%d".formatted(count.getKey(), count.getValue()))
                .collect(Collectors.joining(", "));
        print(out, "    %d. %s  (%.1f; %s)", ++rank, hit.file(), hit.score(), counts);
      }
    }
  }

  static void printIndex(PrintStream out, SearchIndex.Stats stats, Corpus corpus, int partitions) {
    out.println();
    out.println("Index");
    print(
        out,
        "  files     %,d, %s; left out: %,d not text, %,d above %d MiB",
        corpus.names().size() - stats.notText(),
        bytes(stats.bytesRead()),
        stats.notText(),
        corpus.tooLarge(),
        Corpus.FILE_BYTES_MAX >> 20);
    print(
        out,
        "  terms     %,d different, %,d in all; %,d postings",
        stats.terms(),
        stats.occurrences(),
        stats.postings());
    print(out, "  size      %s in %d partitions", bytes(stats.indexBytes()), partitions);
    print(
        out,
        "  shuffle   %s in %,d blocks; %s of it moved between nodes",
        bytes(stats.blockBytes()),
        stats.blocks(),
        bytes(stats.movedBytes()));
  }

  static void printTimes(PrintStream out, Tally tally, long startNanos, long listNanos, long all) {
    out.println();
    out.println("Time");
    print(
        out,
        "  start %.1f s, list %.1f s, map %.1f s, reduce %.1f s, search %.2f s; %.1f s in all",
        startNanos / 1e9,
        listNanos / 1e9,
        tally.nanos(Phase.MAP) / 1e9,
        tally.nanos(Phase.REDUCE) / 1e9,
        tally.nanos(Phase.SEARCH) / 1e9,
        all / 1e9);
  }

  static void printNodes(PrintStream out, Tally tally, String self) {
    out.println();
    print(out, "%-24s %6s %6s %6s %6s %6s", "Tasks by JVM", "map", "reduce", "search", "all", "");
    for (String node : tally.nodes()) {
      print(
          out,
          "  %-22s %6d %6d %6d %6d %4.0f %%%s",
          node,
          tally.tasks(node, Phase.MAP),
          tally.tasks(node, Phase.REDUCE),
          tally.tasks(node, Phase.SEARCH),
          tally.tasks(node),
          100.0 * tally.tasks(node) / Math.max(1, tally.tasks()),
          node.equals(self) ? "  (this one, the driver's)" : "");
    }
  }

  static String bytes(long count) {
    if (count < 1_000) {
      return count + " bytes";
    }
    return count < 1_000_000
        ? String.format(Locale.ROOT, "%.1f kB", count / 1e3)
        : String.format(Locale.ROOT, "%,.1f MB", count / 1e6);
  }

  private static void print(PrintStream out, String format, Object... values) {
    out.println(String.format(Locale.ROOT, format, values).stripTrailing());
  }
}
