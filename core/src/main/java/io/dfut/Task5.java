package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of five arguments with one result: what {@code task(f)} returns. Options return a new
 * task, so one may be submitted many times, from many threads.
 *
 * @param <A> the type of the task's parameter 1
 * @param <B> the type of the task's parameter 2
 * @param <C> the type of the task's parameter 3
 * @param <D> the type of the task's parameter 4
 * @param <E> the type of the task's parameter 5
 * @param <R> the type of the result
 */
public final class Task5<A, B, C, D, E, R>
    extends Submission5<A, B, C, D, E, DFut<R>, Task5<A, B, C, D, E, R>> {
  Task5(ContextBackend backend, TaskTemplate template) {
    super(backend, template);
  }

  @Override
  Task5<A, B, C, D, E, R> with(TaskTemplate changed) {
    return new Task5<>(backend, changed);
  }
}
