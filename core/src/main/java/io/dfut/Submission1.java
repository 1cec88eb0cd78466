package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of one argument, ready to be submitted any number of times. What {@link Task1} and {@link
 * MultiTask1} have in common. Immutable and thread-safe.
 *
 * @param <A> the type of the task's parameter 1
 * @param <H> the handle, or handles, that a submission gives
 * @param <S> the type itself, which the options return
 */
public abstract sealed class Submission1<A, H, S> extends TaskOptions<S> permits Task1, MultiTask1 {
  Submission1(ContextBackend backend, TaskTemplate template) {
    super(backend, template);
  }

  /**
   * Submits the task with values and returns at once. A value passes through the codec unless its
   * type is known to be immutable, so that later changes to it are not seen by the task.
   *
   * @throws SerializationException when a value cannot travel; a {@link DFut} handed over as a
   *     value is one
   * @throws SystemClosedException when the context's worker was closed
   * @throws BackpressureException on a thread that must not park, while the worker's queue is full
   */
  public final H submit(A a) {
    return launch(value(a));
  }

  /**
   * Submits the task with references and returns at once; the task starts when their values exist,
   * and receives the values. The arguments' objects stay alive until the task has ended. Fails as
   * the submission with values does, and with {@link ReleasedException} when a handle was released.
   */
  public final H submit(Arg<? extends A> a) {
    return launch(a);
  }

  @SuppressWarnings(
      "unchecked") // the backend gives the handles that the template's number of results asks for
  private H launch(Object... arguments) {
    return (H) backend.submit(template, arguments);
  }
}
