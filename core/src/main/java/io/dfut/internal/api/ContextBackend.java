package io.dfut.internal.api;

import io.dfut.ActorHandle;
import io.dfut.ActorId;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DPromise;
import io.dfut.JobId;
import io.dfut.NodeId;
import io.dfut.SharedDFut;
import io.dfut.TaskId;
import io.dfut.WaitResult;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What stands behind every {@link io.dfut.DFutContext}: one worker, and perhaps the task that it
 * runs. Thread-safe.
 */
public interface ContextBackend {
  /** A {@code DFut} for one result, a {@code DFut2} to {@code DFut4} for more. */
  Object submit(TaskTemplate template, Object[] arguments);

  <T> DFut<T> put(T value);

  <T> DPromise<T> promise();

  <T> WaitResult<T> await(
      Collection<? extends DFut<? extends T>> futures, int count, Duration timeout);

  <A extends DFutActor<?>> ActorHandle<A> create(
      ActorTemplate template, Object[] arguments, boolean orGet);

  <A extends DFutActor<?>> Optional<ActorHandle<A>> findActor(Class<A> type, String name);

  void kill(ActorHandle<?> handle, boolean restart);

  boolean cancel(DFut<?> future);

  boolean cancel(SharedDFut<?> future);

  <R> R scope(Supplier<R> body);

  JobId job();

  NodeId node();

  Optional<TaskId> task();

  int attempt();

  Optional<ActorId> actor();

  boolean isCancelled();
}
