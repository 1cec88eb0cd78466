package io.dfut.samples.search;

import io.dfut.DFut;
import io.dfut.DFut2;
import io.dfut.DFut4;
import io.dfut.DFutContext;
import io.dfut.WaitResult;
import io.dfut.samples.search.Matches.TermMatches;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * An index whose partitions lie in the nodes' stores; the driver holds futures on them, and knows
 * the files' names and lengths. Closing it frees the partitions. Not thread-safe.
 */
final class SearchIndex implements AutoCloseable {
  /** How often progress is shown. */
  private static final Duration REFRESH = Duration.ofMillis(200);

  private final DFutContext dfut;
  private final Corpus corpus;
  private final Tally tally;
  private final List<DFut<byte[]>> partitions;
  private final DFut<int[]> lengths;
  private final double averageLength;
  private final Stats stats;

  private SearchIndex(
      DFutContext dfut,
      Corpus corpus,
      Tally tally,
      List<DFut<byte[]>> partitions,
      int[] lengths,
      Stats stats) {
    this.dfut = dfut;
    this.corpus = corpus;
    this.tally = tally;
    this.partitions = partitions;
    this.lengths = dfut.put(lengths); // once, for all queries
    this.averageLength = Math.max(1, stats.occurrences() / (double) lengths.length);
    this.stats = stats;
  }

  /**
   * What there is in the index, and what was moved to make it.
   *
   * @param bytesRead how much text was read
   * @param notText how many files were left out because they are not text
   * @param occurrences how many terms there are, repetitions counted
   * @param terms how many different ones
   * @param postings how many pairs of a term and a file that has it
   * @param indexBytes the size of the partitions
   * @param blocks how many blocks went from map tasks to reduce tasks
   * @param blockBytes their size
   * @param movedBytes the size of those that went to another node
   */
  record Stats(
      long bytesRead,
      int notText,
      long occurrences,
      long terms,
      long postings,
      long indexBytes,
      int blocks,
      long blockBytes,
      long movedBytes) {}

  /** What {@link #run} gives out of its scope. */
  private record Built(List<DFut<byte[]>> partitions, int[] lengths, Stats stats) {}

  /**
   * Builds the index and waits for it.
   *
   * @param groups how many map tasks, at most
   * @param partitionCount how many partitions, 1 to {@link IndexTasks#PARTITIONS_MAX}
   */
  static SearchIndex build(
      DFutContext dfut,
      Corpus corpus,
      int groups,
      int partitionCount,
      Tally tally,
      Progress progress) {
    // The scope releases the futures on reports, and all of them when something fails; it keeps the
    // partitions.
    Built built = dfut.scope(() -> run(dfut, corpus, groups, partitionCount, tally, progress));
    return new SearchIndex(dfut, corpus, tally, built.partitions(), built.lengths(), built.stats());
  }

  private static Built run(
      DFutContext dfut,
      Corpus corpus,
      int groups,
      int partitionCount,
      Tally tally,
      Progress progress) {
    List<Chunk> chunks = corpus.chunks(groups, partitionCount);

    // The whole graph at once: a reduce task is submitted before any of its blocks exists, and
    // starts when all do.
    var map = dfut.multi4(IndexTasks::map).named("search.map").spread();
    List<DFut<MapReport>> mapping = new ArrayList<>();
    List<List<DFut<byte[]>>> blocks = new ArrayList<>();
    for (int partition = 0; partition < partitionCount; partition++) {
      blocks.add(new ArrayList<>());
    }
    for (Chunk chunk : chunks) {
      DFut4<byte[], byte[], byte[], MapReport> results = map.submit(chunk);
      List<DFut<byte[]>> parts = List.of(results.first(), results.second(), results.third());
      for (int partition = 0; partition < parts.size(); partition++) {
        if (partition < partitionCount) {
          blocks.get(partition).add(parts.get(partition));
        } else {
          parts.get(partition).close();
        }
      }
      mapping.add(results.fourth());
    }
    var reduce = dfut.multi2(IndexTasks::reduce).named("search.reduce").spread();
    List<DFut<ReduceReport>> reducing = new ArrayList<>();
    List<DFut<byte[]>> partitions = new ArrayList<>();
    for (List<DFut<byte[]>> column : blocks) {
      DFut2<byte[], ReduceReport> results = reduce.submit(DFut.all(column));
      partitions.add(results.first());
      reducing.add(results.second());
      // From here on only the reduce task holds the blocks; they are freed when it has ended.
      column.forEach(DFut::close);
    }

    List<MapReport> maps = follow(dfut, Phase.MAP, mapping, tally, progress);
    maps.forEach(report -> tally.task(Phase.MAP, report.node()));
    List<ReduceReport> reduces = follow(dfut, Phase.REDUCE, reducing, tally, progress);
    reduces.forEach(report -> tally.task(Phase.REDUCE, report.node()));

    int[] lengths = maps.stream().flatMapToInt(m -> Arrays.stream(m.lengths())).toArray();
    return new Built(partitions, lengths, stats(maps, reduces, lengths));
  }

  /**
   * Answers several queries at once: a task for each query and each partition that has one of its
   * words, near the partition.
   *
   * @throws InputException when a query has no words
   */
  List<Answer> answer(List<String> queries, int hitsMax, Progress progress) {
    return queries.isEmpty()
        ? List.of()
        : dfut.scope(() -> ask(queries, hitsMax, progress)); // which releases the matches' futures
  }

  private List<Answer> ask(List<String> queries, int hitsMax, Progress progress) {
    record Asked(String query, List<String> words, List<DFut<Matches>> matches) {}
    List<Asked> asked = new ArrayList<>();
    List<DFut<Matches>> searching = new ArrayList<>();
    for (String query : queries) {
      List<String> words = words(query);
      Map<Integer, List<String>> byPartition = new TreeMap<>();
      for (String word : words) {
        byPartition
            .computeIfAbsent(
                IndexTasks.partition(word, partitions.size()), absent -> new ArrayList<>())
            .add(word);
      }
      List<DFut<Matches>> matches = new ArrayList<>();
      byPartition.forEach(
          (number, terms) -> {
            DFut<byte[]> partition = partitions.get(number);
            matches.add(
                dfut.task(IndexTasks::search)
                    .named("search.search")
                    .near(partition)
                    .submit(partition, lengths, new Question(terms, averageLength)));
          });
      searching.addAll(matches);
      asked.add(new Asked(query, words, matches));
    }
    follow(dfut, Phase.SEARCH, searching, tally, progress);
    List<Answer> answers = new ArrayList<>();
    for (Asked each : asked) {
      Map<String, TermMatches> byTerm = new HashMap<>();
      for (DFut<Matches> future : each.matches()) {
        Matches matches = future.get();
        tally.task(Phase.SEARCH, matches.node());
        matches.terms().forEach(term -> byTerm.put(term.term(), term));
      }
      answers.add(Answer.of(each.query(), each.words(), byTerm, corpus.names(), hitsMax));
    }
    return answers;
  }

  /** A query's words; refuses one without. */
  static List<String> words(String query) {
    List<String> words = Tokeniser.words(query);
    if (words.isEmpty()) {
      throw new InputException(
          "the query \"%s\" has no word to look for: words have %d to %d letters or digits and start with a letter"
              .formatted(query, Tokeniser.TERM_CHARS_MIN, Tokeniser.TERM_CHARS_MAX));
    }
    return words;
  }

  Stats stats() {
    return stats;
  }

  /** The futures on the partitions, in order; they belong to the index. */
  List<DFut<byte[]>> partitions() {
    return partitions;
  }

  @Override
  public void close() {
    partitions.forEach(DFut::close);
    lengths.close();
  }

  /** Waits for all of a phase's tasks, and fails as soon as one has failed. */
  private static <R> List<R> follow(
      DFutContext dfut, Phase phase, List<DFut<R>> futures, Tally tally, Progress progress) {
    long start = System.nanoTime();
    progress.begin(phase.label(), futures.size());
    List<DFut<R>> pending = futures;
    while (!pending.isEmpty()) {
      WaitResult<R> seen = dfut.await(pending, pending.size(), REFRESH);
      seen.ready().forEach(DFut::get);
      pending = seen.pending();
      progress.update(futures.size() - pending.size());
    }
    tally.time(phase, System.nanoTime() - start);
    return futures.stream().map(DFut::get).toList();
  }

  private static Stats stats(List<MapReport> maps, List<ReduceReport> reduces, int[] lengths) {
    long blockBytes = 0;
    long movedBytes = 0;
    for (MapReport map : maps) {
      for (int partition = 0; partition < reduces.size(); partition++) {
        int bytes = map.blockBytes()[partition];
        blockBytes += bytes;
        if (!map.node().equals(reduces.get(partition).node())) {
          movedBytes += bytes;
        }
      }
    }
    return new Stats(
        maps.stream().mapToLong(MapReport::bytes).sum(),
        maps.stream().mapToInt(MapReport::notText).sum(),
        Arrays.stream(lengths).asLongStream().sum(),
        reduces.stream().mapToLong(ReduceReport::terms).sum(),
        reduces.stream().mapToLong(ReduceReport::postings).sum(),
        reduces.stream().mapToLong(ReduceReport::bytes).sum(),
        maps.size() * reduces.size(),
        blockBytes,
        movedBytes);
  }
}
