package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of three arguments with one result: what {@code task(f)} returns. Options return a new
 * task, so one may be submitted many times, from many threads.
 *
 * @param <A> the type of the task's parameter 1
 * @param <B> the type of the task's parameter 2
 * @param <C> the type of the task's parameter 3
 * @param <R> the type of the result
 */
public final class Task3<A, B, C, R> extends Submission3<A, B, C, DFut<R>, Task3<A, B, C, R>> {
  Task3(ContextBackend backend, TaskTemplate template) {
    super(backend, template);
  }

  @Override
  Task3<A, B, C, R> with(TaskTemplate changed) {
    return new Task3<>(backend, changed);
  }
}
