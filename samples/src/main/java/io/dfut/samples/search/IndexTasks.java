package io.dfut.samples.search;

import io.dfut.DFutContext;
import io.dfut.Returns2;
import io.dfut.Returns4;
import io.dfut.samples.search.Matches.TermMatches;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;

/**
 * The three kinds of tasks: plain static methods, which know nothing of futures. Stateless, and
 * idempotent, so that the system may run one again.
 */
final class IndexTasks {
  /**
   * The index has at most so many partitions: a task has at most four results, and a map task's
   * fourth is its report.
   *
   * <p>Blocks could also be {@code put} by the map task, which then returns as many {@code
   * SharedDFut}s as it likes. But what is put belongs to the worker that put it: when that JVM
   * dies, its blocks have neither owner nor lineage, and the job fails. Results of a task belong to
   * the driver that submitted it, so a lost block is made again by running the map task again.
   */
  static final int PARTITIONS_MAX = 3;

  private IndexTasks() {}

  /** Which partition has a term. Goes by {@link String#hashCode}, which is the same everywhere. */
  static int partition(String term, int partitions) {
    int hash = term.hashCode();
    return Math.floorMod(hash ^ hash >>> 16, partitions);
  }

  /** Indexes a group of files: one block of sorted postings for each partition, and a report. */
  static Returns4<byte[], byte[], byte[], MapReport> map(Chunk chunk) throws IOException {
    DFutContext context = DFutContext.current();
    Map<String, Postings> index = new HashMap<>(1 << 15);
    TermCounts counts = new TermCounts();
    int[] lengths = new int[chunk.names().size()];
    long bytes = 0;
    int notText = 0;
    try (TextSource source = TextSource.open(Path.of(chunk.root()))) {
      for (int i = 0; i < lengths.length; i++) {
        if (context.isCancelled()) {
          throw new CancellationException("cancelled after " + i + " files");
        }
        byte[] content = read(source, chunk, chunk.names().get(i));
        bytes += content.length;
        if (isText(content)) {
          Tokeniser.terms(new String(content, StandardCharsets.UTF_8), counts);
          lengths[i] = counts.occurrences();
          int document = chunk.firstDocument() + i;
          counts.drain(
              (term, count) ->
                  index.computeIfAbsent(term, absent -> new Postings(8)).add(document, count));
        } else {
          notText++;
        }
      }
    }
    byte[][] blocks = blocks(index, chunk.partitions());
    int[] blockBytes = Arrays.stream(blocks).mapToInt(block -> block.length).toArray();
    return new Returns4<>(
        blocks[0],
        blocks[1],
        blocks[2],
        new MapReport(context.node().address(), lengths, bytes, notText, blockBytes));
  }

  /** The exception is one of the JDK's: those arrive at the driver with their type. */
  private static byte[] read(TextSource source, Chunk chunk, String name) throws IOException {
    try {
      return source.read(name);
    } catch (IOException e) {
      throw new IOException(
          "%s in %s cannot be read (%s): repair or remove it, or name another input with --input"
              .formatted(name, chunk.root(), e.getMessage()),
          e);
    }
  }

  /** Merges the blocks of one partition, in the order of their chunks. */
  static Returns2<byte[], ReduceReport> reduce(List<byte[]> blocks) {
    byte[] partition = Segment.merge(blocks);
    Segment merged = Segment.of(partition);
    String node = DFutContext.current().node().address();
    return new Returns2<>(
        partition, new ReduceReport(node, merged.terms(), merged.postings(), partition.length));
  }

  /** Looks terms up in one partition and rates their files. */
  static Matches search(byte[] partition, int[] lengths, Question question) {
    Segment segment = Segment.of(partition);
    List<TermMatches> found = new ArrayList<>();
    for (String term : question.terms()) {
      segment
          .find(term)
          .map(at -> rate(term, at.postings(), lengths, question.averageLength()))
          .ifPresent(found::add);
    }
    return new Matches(DFutContext.current().node().address(), found);
  }

  private static TermMatches rate(
      String term, Segment.PostingList list, int[] lengths, double averageLength) {
    int[] documents = list.documents();
    int[] counts = list.counts();
    double[] scores = new double[documents.length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] =
          Bm25.score(
              lengths.length, documents.length, counts[i], lengths[documents[i]], averageLength);
    }
    return new TermMatches(term, documents, counts, scores);
  }

  /**
   * Always {@link #PARTITIONS_MAX}; those beyond the index's partitions are segments without terms.
   */
  private static byte[][] blocks(Map<String, Postings> index, int partitions) {
    record Entry(byte[] term, Postings list, int partition) {}
    List<Entry> entries = new ArrayList<>(index.size());
    index.forEach(
        (term, list) ->
            entries.add(
                new Entry(
                    term.getBytes(StandardCharsets.UTF_8), list, partition(term, partitions))));
    entries.sort((a, b) -> Arrays.compareUnsigned(a.term, b.term));
    SegmentWriter[] writers = new SegmentWriter[PARTITIONS_MAX];
    Arrays.setAll(writers, partition -> new SegmentWriter());
    for (Entry entry : entries) {
      writers[entry.partition].add(entry.term, entry.list);
    }
    return Arrays.stream(writers).map(SegmentWriter::finish).toArray(byte[][]::new);
  }

  /** Text has no zero bytes; the start is enough to tell an image or a class file. */
  private static boolean isText(byte[] content) {
    int looked = Math.min(content.length, 4_096);
    for (int i = 0; i < looked; i++) {
      if (content[i] == 0) {
        return false;
      }
    }
    return true;
  }
}
