package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of no arguments with several results, each an object of its own: what {@code multi2(f)} to
 * {@code multi4(f)} return. Options return a new task.
 *
 * @param <H> the handles that a submission gives: {@link DFut2}, {@link DFut3} or {@link DFut4}
 */
public final class MultiTask0<H> extends Submission0<H, MultiTask0<H>> {
  MultiTask0(ContextBackend backend, TaskTemplate template) {
    super(backend, template);
  }

  @Override
  MultiTask0<H> with(TaskTemplate changed) {
    return new MultiTask0<>(backend, changed);
  }
}
