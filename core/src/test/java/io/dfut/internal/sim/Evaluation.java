package io.dfut.internal.sim;

import io.dfut.internal.sim.Program.Op;
import java.util.ArrayList;
import java.util.List;

/** Runs bodies directly, one inside the other: what the simulated cluster must agree with. */
final class Evaluation {
  /** What stands for a handle: the value itself. */
  record Pure(boolean failed, long number, List<Pure> inside, boolean actor) {}

  /** The number that stands for the failure of a body. */
  static final long FAILED = -1;

  private static final Pure FAILURE = new Pure(true, FAILED, List.of(), false);

  private final Profile profile;

  Evaluation(Profile profile) {
    this.profile = profile;
  }

  /** The numbers that a driver reads. */
  List<Long> trace(Body driver) {
    Program<Pure> program = new Program<>(driver, profile, true);
    run(program);
    return program.trace();
  }

  private List<Pure> run(Program<Pure> program) {
    while (true) {
      switch (program.next()) {
        case Op.Submit<Pure> submit -> submit(submit).forEach(result -> program.has(result, false));
        case Op.CreateActor<Pure> create -> program.has(new Pure(false, 0, List.of(), true), true);
        case Op.Put<Pure> put ->
            program.has(new Pure(false, put.number(), put.inside(), false), false);
        case Op.Get<Pure> get -> read(program, get.from());
        case Op.Duplicate<Pure> duplicate -> program.has(duplicate.handle(), false);
        case Op.Close<Pure> close -> {}
        case Op.Cancel<Pure> cancel -> {}
        case Op.Throw<Pure> thrown -> {
          return java.util.Collections.nCopies(program.body().results(), FAILURE);
        }
        case Op.Return<Pure> end -> {
          List<Pure> results = new ArrayList<>();
          for (int i = 0; i < end.numbers().size(); i++) {
            results.add(new Pure(false, end.numbers().get(i), end.inside().get(i), false));
          }
          return results;
        }
      }
    }
  }

  private static void read(Program<Pure> program, Pure value) {
    program.read(value.number, false);
    value.inside.forEach(inner -> program.has(inner, inner.actor));
  }

  private List<Pure> submit(Op.Submit<Pure> submit) {
    if (submit.taken().stream().anyMatch(Pure::failed)) {
      return java.util.Collections.nCopies(submit.child().results(), FAILURE);
    }
    Program<Pure> child = new Program<>(submit.child(), profile, false);
    submit.taken().forEach(value -> read(child, value));
    submit.lent().forEach(reference -> child.has(reference, reference.actor));
    return run(child);
  }
}
