package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of three arguments with several results, each an object of its own: what {@code multi2(f)}
 * to {@code multi4(f)} return. Options return a new task.
 *
 * @param <A> the type of the task's parameter 1
 * @param <B> the type of the task's parameter 2
 * @param <C> the type of the task's parameter 3
 * @param <H> the handles that a submission gives: {@link DFut2}, {@link DFut3} or {@link DFut4}
 */
public final class MultiTask3<A, B, C, H> extends Submission3<A, B, C, H, MultiTask3<A, B, C, H>> {
  MultiTask3(ContextBackend backend, TaskTemplate template) {
    super(backend, template);
  }

  @Override
  MultiTask3<A, B, C, H> with(TaskTemplate changed) {
    return new MultiTask3<>(backend, changed);
  }
}
