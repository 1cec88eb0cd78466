package io.dfut.history;

import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.NodeId;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** An actor that is a bank and some registers, whose answers say which incarnation gave them. */
public final class Cells extends DFutActor<Void> {
  static final int REGISTERS = 4;
  static final int ACCOUNTS = 3;
  static final long DEPOSIT = 100;

  static final List<Long> EMPTY = List.copyOf(Collections.nCopies(REGISTERS, 0L));
  static final List<Long> OPENED = List.copyOf(Collections.nCopies(ACCOUNTS, DEPOSIT));

  /** What is done to it, as the model and the actor understand it. */
  sealed interface Operation {}

  record Read(int register) implements Operation {}

  record Write(int register, long value) implements Operation {}

  /** Writes the value if it holds the other one. */
  record Swap(int register, long expected, long value) implements Operation {}

  record Audit() implements Operation {}

  /** Answered with 1 when there was enough, else 0. */
  record Transfer(int from, int to, long amount) implements Operation {}

  /**
   * What an operation answers.
   *
   * @param values one, or of an audit the balances
   */
  record Answer(long incarnation, List<Long> values) {}

  /** The answer to an operation, and what is held after it. */
  record Step(List<Long> values, List<Long> after) {}

  private final long incarnation = new SecureRandom().nextLong();
  private List<Long> registers = EMPTY;
  private List<Long> balances = OPENED;

  Answer run(Operation operation) {
    Step step = step(isOfTheBank(operation) ? balances : registers, operation);
    if (isOfTheBank(operation)) {
      balances = step.after();
    } else {
      registers = step.after();
    }
    return new Answer(incarnation, step.values());
  }

  NodeId where() {
    return DFutContext.current().node();
  }

  static boolean isOfTheBank(Operation operation) {
    return operation instanceof Audit || operation instanceof Transfer;
  }

  /** What it does, given the registers or the balances. */
  static Step step(List<Long> held, Operation operation) {
    return switch (operation) {
      case Read(int register) -> new Step(List.of(held.get(register)), held);
      case Write(int register, long value) ->
          new Step(List.of(held.get(register)), with(held, register, value));
      case Swap(int register, long expected, long value) ->
          held.get(register) == expected
              ? new Step(List.of(1L), with(held, register, value))
              : new Step(List.of(0L), held);
      case Audit() -> new Step(held, held);
      case Transfer(int from, int to, long amount) -> {
        if (held.get(from) < amount) {
          yield new Step(List.of(0L), held);
        }
        List<Long> taken = with(held, from, held.get(from) - amount);
        yield new Step(List.of(1L), with(taken, to, taken.get(to) + amount));
      }
    };
  }

  private static List<Long> with(List<Long> held, int index, long value) {
    List<Long> changed = new ArrayList<>(held);
    changed.set(index, value);
    return List.copyOf(changed);
  }
}
