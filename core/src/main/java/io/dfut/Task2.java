package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of two arguments with one result: what {@code task(f)} returns. Options return a new task,
 * so one may be submitted many times, from many threads.
 *
 * @param <A> the type of the task's parameter 1
 * @param <B> the type of the task's parameter 2
 * @param <R> the type of the result
 */
public final class Task2<A, B, R> extends Submission2<A, B, DFut<R>, Task2<A, B, R>> {
  Task2(ContextBackend backend, TaskTemplate template) {
    super(backend, template);
  }

  @Override
  Task2<A, B, R> with(TaskTemplate changed) {
    return new Task2<>(backend, changed);
  }
}
