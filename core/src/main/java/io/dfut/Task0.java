package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of no arguments with one result: what {@code task(f)} returns. Options return a new task,
 * so one may be submitted many times, from many threads.
 *
 * @param <R> the type of the result
 */
public final class Task0<R> extends Submission0<DFut<R>, Task0<R>> {
  Task0(ContextBackend backend, TaskTemplate template) {
    super(backend, template);
  }

  @Override
  Task0<R> with(TaskTemplate changed) {
    return new Task0<>(backend, changed);
  }
}
