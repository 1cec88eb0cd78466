package io.dfut.internal.explore;

import java.util.List;

/**
 * What user code does, one operation after the other. Handles have names; an operation on a handle
 * that never came, since a value that should have held it was lost, does nothing.
 *
 * @param name of a task's body or a driver
 * @param at the worker that a task of this body should run at, while that lives
 * @param parameters names for the references that a task is lent, then for those inside the values
 *     that it takes
 * @param retriesMax of a task
 */
record Script(String name, int at, List<String> parameters, List<Op> ops, int retriesMax)
    implements Named {
  Script {
    parameters = List.copyOf(parameters);
    ops = List.copyOf(ops);
  }

  @Override
  public String toString() {
    return name;
  }

  /** One operation of user code. */
  sealed interface Op {
    /** Puts a value with references inside. */
    record Put(String handle, List<String> inside) implements Op {}

    /** Submits a task that sees some references, and takes some values. */
    record Submit(String handle, Script body, List<String> lent, List<String> taken)
        implements Op {}

    /** Waits for the value, and has handles on what is inside from then on. */
    record Get(String handle, List<String> inside) implements Op {}

    /** Closes handles, in every order. */
    record Close(List<String> handles) implements Op {}

    /** Puts a handle away, to be closed at any time after the body has ended. */
    record Keep(String handle) implements Op {}

    /** Cancels the task that makes the object. */
    record Cancel(String handle) implements Op {}

    /**
     * Ends the task. What is still open is released.
     *
     * @param stored whether the value goes to the store of the node
     */
    record Return(List<String> inside, boolean stored) implements Op {}
  }

  // ---- words for scripts ----

  static Script driver(Op... ops) {
    return new Script("driver", 0, List.of(), List.of(ops), 0);
  }

  static Script task(String name, int at, List<String> parameters, Op... ops) {
    return new Script(name, at, parameters, List.of(ops), 1);
  }

  static Op put(String handle, String... inside) {
    return new Op.Put(handle, List.of(inside));
  }

  /** A task that sees these references. */
  static Op submit(String handle, Script body, String... lent) {
    return new Op.Submit(handle, body, List.of(lent), List.of());
  }

  /** A task that takes these values. */
  static Op submitTaking(String handle, Script body, String... taken) {
    return new Op.Submit(handle, body, List.of(), List.of(taken));
  }

  static Op get(String handle, String... inside) {
    return new Op.Get(handle, List.of(inside));
  }

  static Op close(String... handles) {
    return new Op.Close(List.of(handles));
  }

  static Op keep(String handle) {
    return new Op.Keep(handle);
  }

  static Op cancel(String handle) {
    return new Op.Cancel(handle);
  }

  static Op end(String... inside) {
    return new Op.Return(List.of(inside), false);
  }

  static Op endStored(String... inside) {
    return new Op.Return(List.of(inside), true);
  }
}
