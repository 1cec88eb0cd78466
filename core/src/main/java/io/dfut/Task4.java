package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of four arguments with one result: what {@code task(f)} returns. Options return a new
 * task, so one may be submitted many times, from many threads.
 *
 * @param <A> the type of the task's parameter 1
 * @param <B> the type of the task's parameter 2
 * @param <C> the type of the task's parameter 3
 * @param <D> the type of the task's parameter 4
 * @param <R> the type of the result
 */
public final class Task4<A, B, C, D, R>
    extends Submission4<A, B, C, D, DFut<R>, Task4<A, B, C, D, R>> {
  Task4(ContextBackend backend, TaskTemplate template) {
    super(backend, template);
  }

  @Override
  Task4<A, B, C, D, R> with(TaskTemplate changed) {
    return new Task4<>(backend, changed);
  }
}
