package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of five arguments with several results, each an object of its own: what {@code multi2(f)}
 * to {@code multi4(f)} return. Options return a new task.
 *
 * @param <A> the type of the task's parameter 1
 * @param <B> the type of the task's parameter 2
 * @param <C> the type of the task's parameter 3
 * @param <D> the type of the task's parameter 4
 * @param <E> the type of the task's parameter 5
 * @param <H> the handles that a submission gives: {@link DFut2}, {@link DFut3} or {@link DFut4}
 */
public final class MultiTask5<A, B, C, D, E, H>
    extends Submission5<A, B, C, D, E, H, MultiTask5<A, B, C, D, E, H>> {
  MultiTask5(ContextBackend backend, TaskTemplate template) {
    super(backend, template);
  }

  @Override
  MultiTask5<A, B, C, D, E, H> with(TaskTemplate changed) {
    return new MultiTask5<>(backend, changed);
  }
}
