package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;

/**
 * A task of no arguments, ready to be submitted any number of times. What {@link Task0} and {@link
 * MultiTask0} have in common. Immutable and thread-safe.
 *
 * @param <H> the handle, or handles, that a submission gives
 * @param <S> the type itself, which the options return
 */
public abstract sealed class Submission0<H, S> extends TaskOptions<S> permits Task0, MultiTask0 {
  Submission0(ContextBackend backend, TaskTemplate template) {
    super(backend, template);
  }

  /**
   * Submits the task and returns at once.
   *
   * @throws SystemClosedException when the context's worker was closed
   * @throws BackpressureException on a thread that must not park, while the worker's queue is full
   */
  public final H submit() {
    return launch();
  }

  @SuppressWarnings(
      "unchecked") // the backend gives the handles that the template's number of results asks for
  private H launch(Object... arguments) {
    return (H) backend.submit(template, arguments);
  }
}
