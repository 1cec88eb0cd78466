package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of three arguments, ready to be submitted any number of times. What {@link Task3} and
 * {@link MultiTask3} have in common. Immutable and thread-safe.
 *
 * @param <A> the type of the task's parameter 1
 * @param <B> the type of the task's parameter 2
 * @param <C> the type of the task's parameter 3
 * @param <H> the handle, or handles, that a submission gives
 * @param <S> the type itself, which the options return
 */
public abstract sealed class Submission3<A, B, C, H, S> extends TaskOptions<S>
    permits Task3, MultiTask3 {
  Submission3(ContextBackend backend, TaskTemplate template) {
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
  public final H submit(A a, B b, C c) {
    return launch(value(a), value(b), value(c));
  }

  /**
   * Submits the task with values and references mixed; otherwise as the submissions with only one
   * kind.
   */
  public final H submit(A a, B b, Arg<? extends C> c) {
    return launch(value(a), value(b), c);
  }

  /**
   * Submits the task with values and references mixed; otherwise as the submissions with only one
   * kind.
   */
  public final H submit(A a, Arg<? extends B> b, C c) {
    return launch(value(a), b, value(c));
  }

  /**
   * Submits the task with values and references mixed; otherwise as the submissions with only one
   * kind.
   */
  public final H submit(A a, Arg<? extends B> b, Arg<? extends C> c) {
    return launch(value(a), b, c);
  }

  /**
   * Submits the task with values and references mixed; otherwise as the submissions with only one
   * kind.
   */
  public final H submit(Arg<? extends A> a, B b, C c) {
    return launch(a, value(b), value(c));
  }

  /**
   * Submits the task with values and references mixed; otherwise as the submissions with only one
   * kind.
   */
  public final H submit(Arg<? extends A> a, B b, Arg<? extends C> c) {
    return launch(a, value(b), c);
  }

  /**
   * Submits the task with values and references mixed; otherwise as the submissions with only one
   * kind.
   */
  public final H submit(Arg<? extends A> a, Arg<? extends B> b, C c) {
    return launch(a, b, value(c));
  }

  /**
   * Submits the task with references and returns at once; the task starts when their values exist,
   * and receives the values. The arguments' objects stay alive until the task has ended. Fails as
   * the submission with values does, and with {@link ReleasedException} when a handle was released.
   */
  public final H submit(Arg<? extends A> a, Arg<? extends B> b, Arg<? extends C> c) {
    return launch(a, b, c);
  }

  @SuppressWarnings(
      "unchecked") // the backend gives the handles that the template's number of results asks for
  private H launch(Object... arguments) {
    return (H) backend.submit(template, arguments);
  }
}
