package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of one argument with several results, each an object of its own: what {@code multi2(f)} to
 * {@code multi4(f)} return. Options return a new task.
 *
 * @param <A> the type of the task's parameter 1
 * @param <H> the handles that a submission gives: {@link DFut2}, {@link DFut3} or {@link DFut4}
 */
public final class MultiTask1<A, H> extends Submission1<A, H, MultiTask1<A, H>> {
  MultiTask1(ContextBackend backend, TaskTemplate template) {
    super(backend, template);
  }

  @Override
  MultiTask1<A, H> with(TaskTemplate changed) {
    return new MultiTask1<>(backend, changed);
  }
}
