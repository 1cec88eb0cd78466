package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of one argument with one result: what {@code task(f)} returns. Options return a new task,
 * so one may be submitted many times, from many threads.
 *
 * @param <A> the type of the task's parameter 1
 * @param <R> the type of the result
 */
public final class Task1<A, R> extends Submission1<A, DFut<R>, Task1<A, R>> {
  Task1(ContextBackend backend, TaskTemplate template) {
    super(backend, template);
  }

  @Override
  Task1<A, R> with(TaskTemplate changed) {
    return new Task1<>(backend, changed);
  }
}
