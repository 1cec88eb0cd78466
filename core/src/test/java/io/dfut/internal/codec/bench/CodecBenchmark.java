package io.dfut.internal.codec.bench;

import io.dfut.internal.codec.ValueCodecs;
import io.dfut.internal.codec.bench.Candidates.Candidate;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Time to write and to read, once everything is warm. Run by {@code ./mvnw -Pbench-core …}, see ADR
 * 0002.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
public class CodecBenchmark {
  /** Which of the candidates. */
  @Param({"own", "fory", "jackson"})
  public String codec;

  /** Which of the samples. */
  @Param({"point", "order", "orders100", "map100", "doubles10k"})
  public String sample;

  private Candidate candidate;
  private Object value;
  private byte[] bytes;

  /** Encodes once. */
  @Setup
  public void setUp() throws IOException {
    candidate = Candidates.of(codec);
    value = Samples.hot(sample);
    bytes = candidate.encode(value);
  }

  /** Writing. */
  @Benchmark
  public byte[] encode() throws IOException {
    return candidate.encode(value);
  }

  /** Reading. */
  @Benchmark
  public Object decode() throws IOException, ClassNotFoundException {
    return candidate.decode(bytes);
  }

  /** Telling that a value need not be copied. */
  @State(Scope.Thread)
  @BenchmarkMode(Mode.AverageTime)
  @OutputTimeUnit(TimeUnit.NANOSECONDS)
  @Fork(1)
  @Warmup(iterations = 3, time = 1)
  @Measurement(iterations = 3, time = 1)
  public static class Immutable {
    private Object integer = 70_000;
    private Object record = new Samples.Point(1, 2);
    private Object line = new Samples.Line("a", 1, 2);
    private Object pair = new Samples.Pair<>(1, "x");
    private Object order = Samples.order(1);

    /** A boxed number. */
    @Benchmark
    public boolean integer() {
      return ValueCodecs.isImmutable(integer);
    }

    /** Two records whose types tell. */
    @Benchmark
    public boolean records() {
      return ValueCodecs.isImmutable(record) & ValueCodecs.isImmutable(line);
    }

    /** A record that has to be looked into. */
    @Benchmark
    public boolean generic() {
      return ValueCodecs.isImmutable(pair);
    }

    /** A record with a list that can change. */
    @Benchmark
    public boolean mutable() {
      return ValueCodecs.isImmutable(order);
    }
  }
}
