package io.dfut.internal.cluster;

import io.dfut.JobId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.NodeMessage.ToWorker;
import io.dfut.internal.protocol.PushedArgument;
import io.dfut.internal.protocol.Transit;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.Held;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.task.Argument;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.FunctionRef;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.Sharing;
import io.dfut.internal.task.TaskSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * The shapes of what is said for each task, written by hand: as {@link Shapes} would derive them,
 * but without reflection and boxed numbers, and with what is the same in many messages written once
 * in an envelope. {@code WireCodecTest} sees to it that no component is forgotten. Thread-safe.
 */
final class HotShapes {
  /** Rows keep many ids of the same few workers. */
  private static final Sharing<WorkerId> WORKERS = new Sharing<>(10_000);

  private HotShapes() {}

  private interface Writing<T> {
    void write(T value, WireWriter out) throws IOException;
  }

  private interface Reading<T> {
    T read(WireReader in) throws IOException;
  }

  private record ByHand<T>(Class<T> type, Writing<T> writing, Reading<T> reading) implements Shape {
    @Override
    public void write(Object value, WireWriter out) throws IOException {
      writing.write(type.cast(value), out);
    }

    @Override
    public T read(WireReader in) throws IOException {
      return reading.read(in);
    }
  }

  /** Written in full once in an envelope. */
  private record Once<T>(Class<T> type, Shape whole) implements Shape {
    @Override
    public void write(Object value, WireWriter out) throws IOException {
      if (!out.writeKnown(value)) {
        whole.write(value, out);
        out.remember(value);
      }
    }

    @Override
    public T read(WireReader in) throws IOException {
      T known = in.readKnown(type);
      return known != null ? known : in.remember(type.cast(whole.read(in)));
    }
  }

  private static <T> Shape once(Class<T> type, Writing<T> writing, Reading<T> reading) {
    return new Once<>(type, new ByHand<>(type, writing, reading));
  }

  private static final ByHand<WorkerId> WORKER =
      new ByHand<>(WorkerId.class, HotShapes::writeWorker, HotShapes::readWorker);

  private static void writeWorker(WorkerId worker, WireWriter out) throws IOException {
    if (!out.writeKnown(worker)) {
      out.writeNode(worker.node());
      out.writeLong(worker.sequence());
      out.remember(worker);
    }
  }

  private static WorkerId readWorker(WireReader in) throws IOException {
    WorkerId known = in.readKnown(WorkerId.class);
    return known != null
        ? known
        : in.remember(WORKERS.of(new WorkerId(in.readNode(), in.readLong())));
  }

  /** The shape of a type that has one here. */
  static Optional<Shape> of(Class<?> type) {
    if (type == WorkerId.class) {
      return Optional.of(WORKER);
    } else if (type == TaskId.class) {
      return Optional.of(new ByHand<>(TaskId.class, HotShapes::writeTask, HotShapes::readTask));
    } else if (type == ObjectId.class) {
      return Optional.of(
          new ByHand<>(
              ObjectId.class,
              (id, out) -> {
                writeWorker(id.owner(), out);
                out.writeLong(id.sequence());
                out.writeCount(id.index());
              },
              in -> new ObjectId(readWorker(in), in.readLong(), in.readChoice(Integer.MAX_VALUE))));
    } else if (type == JobId.class) {
      return Optional.of(
          once(
              JobId.class,
              (job, out) -> {
                out.writeNode(job.node());
                out.writeLong(job.sequence());
              },
              in -> new JobId(in.readNode(), in.readLong())));
    } else if (type == LeaseId.class) {
      return Optional.of(
          once(
              LeaseId.class,
              (lease, out) -> {
                writeWorker(lease.owner(), out);
                out.writeLong(lease.sequence());
              },
              in -> new LeaseId(readWorker(in), in.readLong())));
    } else if (type == Resources.class || type == CallSite.class) {
      return Optional.of(new Once<>(type, Shapes.derived(type)));
    } else if (type == FunctionRef.class) {
      return Optional.of(function());
    } else if (type == Argument.Value.class) {
      return Optional.of(
          value(
              Argument.Value.class,
              Argument.Value::value,
              Argument.Value::contained,
              Argument.Value::new));
    } else if (type == Outcome.Inline.class) {
      return Optional.of(
          value(
              Outcome.Inline.class,
              Outcome.Inline::value,
              Outcome.Inline::contained,
              Outcome.Inline::new));
    } else if (type == ToWorker.class) {
      return Optional.of(toWorker());
    } else if (type == TaskSpec.class) {
      return Optional.of(spec());
    } else if (type == TaskPushed.class) {
      return Optional.of(pushed());
    } else if (type == TaskReturned.class) {
      return Optional.of(returned());
    }
    return Optional.empty();
  }

  private static void writeTask(TaskId task, WireWriter out) throws IOException {
    writeWorker(task.owner(), out);
    out.writeLong(task.sequence());
  }

  private static TaskId readTask(WireReader in) throws IOException {
    return new TaskId(readWorker(in), in.readLong());
  }

  /** The description only: the function object of this JVM stays here. */
  private static Shape function() {
    Shape whole = Shapes.of(FunctionRef.Descriptor.class);
    return new ByHand<>(
        FunctionRef.class,
        (function, out) -> {
          FunctionRef.Descriptor descriptor = function.descriptor();
          if (!out.writeKnown(descriptor)) {
            whole.write(descriptor, out);
            out.remember(descriptor);
          }
        },
        in -> {
          FunctionRef known = in.readKnown(FunctionRef.class);
          return known != null
              ? known
              : in.remember(FunctionRef.described((FunctionRef.Descriptor) whole.read(in)));
        });
  }

  /** The bytes of a small value, and the references in it. */
  private static <T> Shape value(
      Class<T> type,
      Function<T, InlineValue> value,
      Function<T, List<ObjectId>> contained,
      BiFunction<InlineValue, List<ObjectId>, T> made) {
    ListOf<ObjectId> references = new ListOf<>(Shapes.of(ObjectId.class));
    return new ByHand<>(
        type,
        (it, out) -> {
          out.writeBytes(value.apply(it).bytes());
          references.write(contained.apply(it), out);
        },
        in -> made.apply(InlineValue.encoded(in.readBytes()), references.read(in)));
  }

  private static Shape toWorker() {
    Shape message = Shapes.of(WorkerMessage.class);
    return new ByHand<>(
        ToWorker.class,
        (toWorker, out) -> {
          writeWorker(toWorker.to(), out);
          writeWorker(toWorker.from(), out);
          message.write(toWorker.message(), out);
        },
        in -> new ToWorker(readWorker(in), readWorker(in), (WorkerMessage) message.read(in)));
  }

  private static Shape spec() {
    Shape job = Shapes.of(JobId.class);
    Shape function = Shapes.of(FunctionRef.class);
    ListOf<Argument> arguments = new ListOf<>(Shapes.of(Argument.class));
    Shape kind = Shapes.of(TaskSpec.Kind.class);
    Shape resources = Shapes.of(Resources.class);
    ListOf<String> retryOn = new ListOf<>(Shapes.of(String.class));
    Shape placement = Shapes.of(Placement.class);
    Shape site = Shapes.of(CallSite.class);
    return new ByHand<>(
        TaskSpec.class,
        (spec, out) -> {
          writeTask(spec.id(), out);
          job.write(spec.job(), out);
          function.write(spec.function(), out);
          out.writeText(spec.name());
          arguments.write(spec.arguments(), out);
          out.writeLong(spec.results());
          kind.write(spec.kind(), out);
          resources.write(spec.resources(), out);
          out.writeLong(spec.maxRetries());
          retryOn.write(spec.retryOn(), out);
          out.writeLong(spec.timeoutNanos());
          placement.write(spec.placement(), out);
          out.writeLong(spec.depth());
          site.write(spec.site(), out);
        },
        in ->
            new TaskSpec(
                readTask(in),
                (JobId) job.read(in),
                (FunctionRef) function.read(in),
                in.readText(),
                arguments.read(in),
                in.readInt(),
                (TaskSpec.Kind) kind.read(in),
                (Resources) resources.read(in),
                in.readInt(),
                retryOn.read(in),
                in.readLong(),
                (Placement) placement.read(in),
                in.readInt(),
                (CallSite) site.read(in)));
  }

  private static Shape pushed() {
    Shape spec = Shapes.of(TaskSpec.class);
    Shape lease = Shapes.of(LeaseId.class);
    Shape argument = Shapes.of(PushedArgument.class);
    ListOf<Transit> lent = new ListOf<>(Shapes.of(Transit.class));
    return new ByHand<>(
        TaskPushed.class,
        (push, out) -> {
          spec.write(push.spec(), out);
          out.writeLong(push.attempt());
          lease.write(push.lease(), out);
          out.writeLong(push.sequence());
          writeArguments(push, argument, out);
          lent.write(push.lent(), out);
          out.writeLong(push.timeoutNanosLeft());
        },
        in -> {
          TaskSpec described = (TaskSpec) spec.read(in);
          return new TaskPushed(
              described,
              in.readInt(),
              (LeaseId) lease.read(in),
              in.readLong(),
              readArguments(described, argument, in),
              lent.read(in),
              in.readLong());
        });
  }

  /** A plain value stands in the task's description already, and goes once. */
  private static void writeArguments(TaskPushed push, Shape shape, WireWriter out)
      throws IOException {
    List<PushedArgument> arguments = push.arguments();
    out.writeCount(arguments.size());
    for (int i = 0; i < arguments.size(); i++) {
      PushedArgument argument = arguments.get(i);
      boolean isDescribed =
          argument instanceof PushedArgument.Value(InlineValue value)
              && described(push.spec(), i) == value;
      out.writeBoolean(isDescribed);
      if (!isDescribed) {
        shape.write(argument, out);
      }
    }
  }

  private static List<PushedArgument> readArguments(TaskSpec spec, Shape shape, WireReader in)
      throws IOException {
    int count = in.readCount();
    List<PushedArgument> arguments = new ArrayList<>(Math.min(count, ListOf.ROOM_MAX));
    for (int i = 0; i < count; i++) {
      if (in.readBoolean()) {
        InlineValue value = described(spec, i);
        if (value == null) {
          throw new IOException("argument " + i + " does not stand in the description of its task");
        }
        arguments.add(new PushedArgument.Value(value));
      } else {
        arguments.add((PushedArgument) shape.read(in));
      }
    }
    return arguments;
  }

  /** The plain value of an argument; null when it has none. */
  private static InlineValue described(TaskSpec spec, int index) {
    return index < spec.arguments().size()
            && spec.arguments().get(index) instanceof Argument.Value(InlineValue value, var inside)
        ? value
        : null;
  }

  private static Shape returned() {
    ListOf<Outcome> outcomes = new ListOf<>(Shapes.of(Outcome.class));
    ListOf<Held> held = new ListOf<>(Shapes.of(Held.class));
    ListOf<Transit> carried = new ListOf<>(Shapes.of(Transit.class));
    ListOf<String> thrown = new ListOf<>(Shapes.of(String.class));
    return new ByHand<>(
        TaskReturned.class,
        (it, out) -> {
          writeTask(it.task(), out);
          out.writeLong(it.attempt());
          outcomes.write(it.outcomes(), out);
          held.write(it.held(), out);
          carried.write(it.carried(), out);
          thrown.write(it.thrownClasses(), out);
          writeWorker(it.executor(), out);
        },
        in ->
            new TaskReturned(
                readTask(in),
                in.readInt(),
                outcomes.read(in),
                held.read(in),
                carried.read(in),
                thrown.read(in),
                readWorker(in)));
  }
}
