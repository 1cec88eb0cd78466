package io.dfut.internal.cluster;

import io.dfut.JobId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.protocol.NodeMessage.ToWorker;
import io.dfut.internal.protocol.PushedArgument;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.task.Argument;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.FunctionRef;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.io.NotSerializableException;
import java.util.ArrayList;
import java.util.List;
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

/** What an envelope costs that carries pushes of one task, or their replies. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class WireBenchmark {
  private static final NodeId A = new NodeId("127.0.0.1", 25_520, 0x1234_5678_9ABCL);
  private static final NodeId B = new NodeId("127.0.0.1", 25_521, 0x1234_5678_9ABDL);

  /** Messages in the envelope. */
  @Param({"1", "64"})
  public int messages;

  @Param({"push", "reply"})
  public String kind;

  private final WireCodec codec = new WireCodec(Terms.WIRE_VERSION, 252 * 1024);
  private Wire.Batch batch;
  private byte[] bytes;

  /** Makes the envelope. */
  @Setup
  public void make() throws NotSerializableException {
    List<NodeMessage> all = new ArrayList<>();
    for (int i = 0; i < messages; i++) {
      all.add(kind.equals("push") ? push(i) : reply(i));
    }
    batch = new Wire.Batch(1, 2, 3, 4, all);
    bytes = codec.encodeBatch(batch);
    System.out.println(kind + " ×" + messages + ": " + bytes.length + " bytes");
  }

  private static NodeMessage push(int number) {
    WorkerId owner = new WorkerId(A, 1);
    WorkerId executor = new WorkerId(B, 7);
    InlineValue value = InlineValue.encoded(new byte[] {1, 2, 3, 4, 5, 6});
    FunctionRef function =
        FunctionRef.described(
            new FunctionRef.Descriptor(
                "com.acme.images.Thumbnails",
                "square",
                "(I)I",
                6,
                "(Ljava/lang/Integer;)Ljava/lang/Integer;",
                0x7777_7777_7777L,
                List.of()));
    TaskSpec spec =
        new TaskSpec(
            new TaskId(owner, number),
            new JobId(A, 0),
            function,
            "Thumbnails.square",
            List.of(new Argument.Value(value, List.of())),
            1,
            new TaskSpec.Kind.Plain(),
            Resources.ONE_CPU,
            3,
            List.of(),
            0,
            new Placement.Anywhere(),
            1,
            new CallSite("com.acme.images.Main", "main", "Main.java", 42));
    return new ToWorker(
        executor,
        owner,
        new WorkerMessage.TaskPushed(
            spec,
            0,
            new LeaseId(owner, 12),
            -1,
            List.of(new PushedArgument.Value(value)),
            List.of(),
            0));
  }

  private static NodeMessage reply(int number) {
    WorkerId owner = new WorkerId(A, 1);
    WorkerId executor = new WorkerId(B, 7);
    return new ToWorker(
        owner,
        executor,
        new WorkerMessage.TaskReturned(
            new ObjectId(owner, number, 0).task(),
            0,
            List.of(new Outcome.Inline(InlineValue.encoded(new byte[] {1, 2, 3, 4}), List.of())),
            List.of(),
            List.of(),
            List.of(),
            executor));
  }

  /** Messages to bytes. */
  @Benchmark
  public byte[] encode() throws NotSerializableException {
    return codec.encodeBatch(batch);
  }

  /** Bytes to messages. */
  @Benchmark
  public Wire.Batch decode() throws NotSerializableException {
    return codec.decodeBatch(bytes);
  }
}
