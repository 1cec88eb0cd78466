package io.dfut.internal.task;

import io.dfut.ActorId;
import io.dfut.JobId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The description of a task: all that is needed to run it, and to run it again (its lineage).
 * Immutable.
 *
 * @param id the task; its owner is the worker that submitted it
 * @param job whose code and admission it runs under
 * @param function what to call
 * @param name what people call it
 * @param arguments in the order of the parameters
 * @param results how many results it has
 * @param kind a plain task, an actor's creation, or a call of an actor's method
 * @param resources what it holds while it runs
 * @param maxRetries −1 for no bound
 * @param retryOn names of the classes whose exceptions are retried too
 * @param timeoutNanos from submission, 0 for none
 * @param placement where it should run
 * @param depth how many tasks up to the driver; deeper ones are served first
 * @param site the line that submitted it
 */
public record TaskSpec(
    TaskId id,
    JobId job,
    FunctionRef function,
    String name,
    List<Argument> arguments,
    int results,
    Kind kind,
    Resources resources,
    int maxRetries,
    List<String> retryOn,
    long timeoutNanos,
    Placement placement,
    int depth,
    CallSite site) {
  /** What a task is for. */
  public sealed interface Kind {
    /** A plain task's; there is nothing to tell two of them apart. */
    Plain PLAIN = new Plain();

    /** A task that any leased worker may run. */
    record Plain() implements Kind {}

    /** Makes an actor; the worker it runs on becomes that actor for good. */
    record Creation(ActorOptions options) implements Kind {}

    /** Calls a method of this actor. */
    record Call(ActorId actor) implements Kind {}
  }

  /**
   * What an actor was created with.
   *
   * @param className the class that the user named, as far as it is known before the constructor
   *     has run
   * @param name in the namespace
   * @param maxConcurrency how many methods may run at a time
   * @param detached whether it outlives its owner
   * @param restarts how often it comes back
   * @param checkpoints when its state is saved, if it has one
   * @param state what is known of its state at an earlier time
   * @param maxPendingCalls how many calls a caller may have under way; 0 for no bound
   */
  public record ActorOptions(
      String className,
      Optional<String> name,
      int maxConcurrency,
      boolean detached,
      Restarts restarts,
      Checkpoints checkpoints,
      SavedState state,
      int maxPendingCalls) {
    private ActorOptions with(SavedState other) {
      return new ActorOptions(
          className, name, maxConcurrency, detached, restarts, checkpoints, other, maxPendingCalls);
    }
  }

  /** What an actor's creation has besides the constructor's arguments. */
  public enum SavedState {
    NONE,
    /** The last argument is not the constructor's but a saved state. */
    LAST_ARGUMENT,
    /** There was one, and every copy of it is gone. */
    LOST
  }

  /**
   * When the state of an actor that has been changed is saved: by whichever comes first.
   *
   * @param everyCalls after so many calls and messages; 0 for not by their number
   * @param everyNanos after so long; 0 for not by time
   */
  public record Checkpoints(int everyCalls, long everyNanos) {
    public static final Checkpoints DEFAULT = new Checkpoints(0, 1_000_000_000);
    public static final Checkpoints ON_DEMAND = new Checkpoints(0, 0);
  }

  /**
   * What becomes of an actor that dies with its worker, and of its calls.
   *
   * @param max how often its owner makes it anew; −1 for no bound
   * @param taskRetries how often a call is sent again to the next incarnation; −1 for no bound
   */
  public record Restarts(int max, int taskRetries) {
    public static final Restarts NONE = new Restarts(0, 0);

    /** Whether it may be made anew at all. */
    public boolean any() {
      return max != 0;
    }
  }

  public TaskSpec {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(job, "job");
    Objects.requireNonNull(function, "function");
    arguments = List.copyOf(arguments);
    retryOn = List.copyOf(retryOn);
    if (results < 1) {
      throw new IllegalArgumentException("results: " + results);
    }
  }

  /** The objects whose values are needed before the task can start, with repetition. */
  public List<ObjectId> dependencies() {
    List<ObjectId> all = List.of(); // of most tasks; asked for several times in each one's life
    for (int i = 0; i < arguments.size(); i++) { // so without an iterator
      all = joined(all, arguments.get(i).dependencies());
    }
    return all;
  }

  /**
   * The references that the task gets to see, those captured by its function included, with
   * repetition.
   */
  public List<ObjectId> lent() {
    List<ObjectId> all = List.of();
    for (Argument.Value captured : function.descriptor().captured()) {
      all = joined(all, captured.contained());
    }
    for (int i = 0; i < arguments.size(); i++) {
      all = joined(all, arguments.get(i).lent());
    }
    return all;
  }

  private static List<ObjectId> joined(List<ObjectId> first, List<ObjectId> second) {
    if (second.isEmpty()) {
      return first;
    }
    if (first.isEmpty()) {
      return second;
    }
    // An argument's own list is a copy that cannot change: an array list was made here.
    List<ObjectId> both = first instanceof ArrayList ? first : new ArrayList<>(first);
    both.addAll(second);
    return both;
  }

  /** The same task, which has some of its arguments' values in its description. */
  public TaskSpec withArguments(List<Argument> others) {
    return with(others, kind);
  }

  /** An actor's creation that takes a saved state, instead of the one it took before. */
  public TaskSpec restoring(Argument state) {
    List<Argument> all = new ArrayList<>(withoutState().arguments());
    all.add(state);
    return with(all, new Kind.Creation(options().with(SavedState.LAST_ARGUMENT)));
  }

  /** An actor's creation whose saved state, if it takes one, is lost. */
  public TaskSpec withoutState() {
    if (options().state() != SavedState.LAST_ARGUMENT) {
      return this;
    }
    return with(
        arguments.subList(0, arguments.size() - 1),
        new Kind.Creation(options().with(SavedState.LOST)));
  }

  /** Of the actor that this makes; an error for anything but a creation. */
  public ActorOptions options() {
    if (kind instanceof Kind.Creation(ActorOptions options)) {
      return options;
    }
    throw new IllegalStateException("no creation: " + display());
  }

  private TaskSpec with(List<Argument> others, Kind otherKind) {
    return new TaskSpec(
        id,
        job,
        function,
        name,
        others,
        results,
        otherKind,
        resources,
        maxRetries,
        retryOn,
        timeoutNanos,
        placement,
        depth,
        site);
  }

  /** About how much memory the description takes; what is shared with others not counted. */
  public long approximateBytes() {
    long bytes = 512;
    for (Argument argument : arguments) {
      bytes +=
          switch (argument) {
            case Argument.Value value -> bytesOf(value);
            case Argument.Reference reference -> 64;
            case Argument.ReferenceList list -> 48 + 48L * list.objects().size();
          };
    }
    for (Argument.Value captured : function.descriptor().captured()) {
      bytes += bytesOf(captured);
    }
    return bytes;
  }

  private static long bytesOf(Argument.Value value) {
    return 48 + value.value().approximateBytes() + 48L * value.contained().size();
  }

  /** {@code task square (task-3/worker-0@…)}, for messages. */
  public String display() {
    return switch (kind) {
      case Kind.Plain plain -> "task " + name + " (" + id + ")";
      case Kind.Creation creation -> "creation of actor " + name + " (" + id + ")";
      case Kind.Call call -> "call " + name + " of " + call.actor();
    };
  }
}
