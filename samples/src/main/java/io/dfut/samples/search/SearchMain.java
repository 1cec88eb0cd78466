package io.dfut.samples.search;

import io.dfut.DFutException;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.TaskFailedException;
import io.dfut.samples.Programs;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Collection;
import java.util.List;
import java.util.Locale;

/**
 * Builds a full-text index of the JDK's sources, or of any zip or folder, with the tasks of a
 * cluster or of this JVM, answers queries, and says who did what. Exit code 0; 2 with one line when
 * what was asked for cannot be done, 1 when the system failed.
 */
public final class SearchMain {
  private static final String CODE = "io.dfut.samples.";

  private SearchMain() {}

  /** See {@code --help}. */
  public static void main(String[] args) {
    System.exit(run(System.out, System.err, Progress.onTerminal(), args));
  }

  /** The program, without the end of the JVM. */
  static int run(PrintStream out, PrintStream err, boolean terminal, String... args) {
    try {
      SearchOptions options = SearchOptions.parse(args);
      if (options.help()) {
        out.print(SearchOptions.USAGE);
      } else {
        search(options, out, terminal);
      }
      return 0;
    } catch (InputException e) {
      err.println("search: " + e.getMessage());
      return 2;
    } catch (TaskFailedException e) {
      boolean badInput = e.getCause() instanceof IOException;
      err.println("search: " + Programs.firstLine(badInput ? e.getCause() : e));
      return badInput ? 2 : 1;
    } catch (DFutException e) {
      err.println("search: " + Programs.firstLine(e));
      return 1;
    }
  }

  private static void search(SearchOptions options, PrintStream out, boolean terminal) {
    long began = System.nanoTime();
    Corpus whole = Corpus.list(options.input().orElseGet(Corpus::jdkSources));
    Corpus corpus = whole.sample(options.filesMax().orElse(Integer.MAX_VALUE));
    long listed = System.nanoTime();
    try (DFutSystem dfut = open(options)) {
      long started = System.nanoTime();
      Tally tally = new Tally();
      dfut.nodes().forEach(node -> tally.node(node.address()));
      int groups = options.groups().orElse(groups(dfut.nodes()));
      out.println(
          String.format(
              Locale.ROOT,
              "%s: %,d files, %s",
              corpus.root(),
              corpus.names().size(),
              Summary.bytes(corpus.bytes())));
      Progress progress = new Progress(out, terminal);
      try (SearchIndex index =
          SearchIndex.build(dfut, corpus, groups, options.partitions(), tally, progress)) {
        List<Answer> answers = index.answer(options.queries(), options.hitsMax(), progress);
        if (answers.isEmpty()) {
          out.println("Nothing was asked: give a --query \"WORDS\" for this input.");
        } else {
          Summary.printAnswers(out, answers, corpus.names().size());
        }
        Summary.printIndex(out, index.stats(), corpus, options.partitions());
        Summary.printTimes(out, tally, started - listed, listed - began, System.nanoTime() - began);
        Summary.printNodes(out, tally, dfut.node().address());
      }
    }
  }

  private static DFutSystem open(SearchOptions options) {
    if (options.cluster().isEmpty()) {
      return DFutSystem.local();
    }
    String address = options.cluster().get();
    try {
      // Not connect(): this JVM is to do its share of the tasks, so it joins as a node with worker
      // slots.
      return DFutSystem.start(Programs.joining(address, CODE));
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new InputException(
          "cannot join the cluster at %s: %s".formatted(address, Programs.firstLine(e)), e);
    }
  }

  /**
   * Enough for an even load when some take longer, and few enough that a task is worth its cost.
   */
  private static int groups(Collection<NodeId> nodes) {
    return Math.clamp(4L * nodes.size() * Runtime.getRuntime().availableProcessors(), 24, 96);
  }
}
