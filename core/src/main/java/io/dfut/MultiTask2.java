package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of two arguments with several results, each an object of its own: what {@code multi2(f)}
 * to {@code multi4(f)} return. Options return a new task.
 *
 * @param <A> the type of the task's parameter 1
 * @param <B> the type of the task's parameter 2
 * @param <H> the handles that a submission gives: {@link DFut2}, {@link DFut3} or {@link DFut4}
 */
public final class MultiTask2<A, B, H> extends Submission2<A, B, H, MultiTask2<A, B, H>> {
  MultiTask2(ContextBackend backend, TaskTemplate template) {
    super(backend, template);
  }

  @Override
  MultiTask2<A, B, H> with(TaskTemplate changed) {
    return new MultiTask2<>(backend, changed);
  }
}
