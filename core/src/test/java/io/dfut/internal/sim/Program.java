package io.dfut.internal.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A body being run, one operation at a time: it submits, puts, reads, shares, closes and at last
 * returns. What it does is drawn from its seed alone, so that another attempt, or the direct
 * evaluation, does the same.
 *
 * @param <H> what stands for a handle: a real one, or in the direct evaluation the value itself
 */
final class Program<H> {
  /** One thing that a body does. */
  sealed interface Op<H> {
    /**
     * Submit a task, or call an actor.
     *
     * @param taken futures whose values it takes
     * @param asList whether it takes them as one list
     * @param lent references that it gets to see
     * @param actor the actor to call; null for a plain task
     */
    record Submit<H>(Body child, List<H> taken, boolean asList, List<H> lent, H actor)
        implements Op<H> {}

    record CreateActor<H>(List<H> lent) implements Op<H> {}

    record Put<H>(long number, boolean stored, List<H> inside) implements Op<H> {}

    record Get<H>(H from) implements Op<H> {}

    record Duplicate<H>(H handle) implements Op<H> {}

    record Close<H>(H handle) implements Op<H> {}

    record Cancel<H>(H handle) implements Op<H> {}

    /** The end; one number and one list of references for each result. */
    record Return<H>(List<Long> numbers, List<Boolean> stored, List<List<H>> inside)
        implements Op<H> {}

    record Throw<H>() implements Op<H> {}
  }

  private record Var<H>(H handle, boolean actor) {}

  private final Body body;
  private final Profile profile;
  private final boolean driver;
  private final Random random;
  private final List<Var<H>> vars = new ArrayList<>();
  private final List<Long> trace = new ArrayList<>();
  private long sum;
  private int left;
  private boolean tainted;

  Program(Body body, Profile profile, boolean driver) {
    this.body = body;
    this.profile = profile;
    this.driver = driver;
    this.random = new Random(body.seed());
    this.left =
        driver
            ? 4 + random.nextInt(profile.lengths().driverOps())
            : random.nextInt(profile.lengths().bodyOps());
    this.sum = body.seed() & 0xffff;
  }

  Body body() {
    return body;
  }

  boolean isTainted() {
    return tainted;
  }

  /** The numbers read, up to the first that a fault had a part in. */
  List<Long> trace() {
    return trace;
  }

  Op<H> next() {
    while (left-- > 0) {
      Op<H> op = draw();
      if (op != null) {
        return op;
      }
    }
    if (driver) {
      return rest();
    }
    if (body.fails()) {
      return new Op.Throw<>();
    }
    List<Long> numbers = new ArrayList<>();
    List<Boolean> stored = new ArrayList<>();
    List<List<H>> inside = new ArrayList<>();
    for (int i = 0; i < body.results(); i++) {
      numbers.add(sum + i);
      stored.add(random.nextDouble() < profile.stored());
      inside.add(some(random.nextInt(3) == 0 ? 2 : 0, true));
    }
    return new Op.Return<>(numbers, stored, inside);
  }

  /** A driver reads what it has at the end, and closes it. */
  private Op<H> rest() {
    if (vars.isEmpty()) {
      return new Op.Return<>(List.of(), List.of(), List.of());
    }
    Var<H> last = vars.getLast();
    if (!last.actor && random.nextBoolean()) {
      return new Op.Get<>(last.handle);
    }
    return close(vars.size() - 1);
  }

  private Op<H> draw() {
    return switch (random.nextInt(12)) {
      case 0, 1, 2, 3 -> submit();
      case 4 ->
          new Op.Put<>(random.nextInt(1000), random.nextDouble() < profile.stored(), some(2, true));
      case 5, 6 -> {
        List<H> one = some(1, false);
        yield one.isEmpty() ? null : new Op.Get<>(one.getFirst());
      }
      case 7 -> vars.isEmpty() ? null : close(random.nextInt(vars.size()));
      case 8 -> {
        List<H> one = some(1, false);
        yield one.isEmpty() ? null : new Op.Duplicate<>(one.getFirst());
      }
      case 9 -> {
        List<H> one = some(1, false);
        yield one.isEmpty() || !profile.cancels() || random.nextInt(3) > 0
            ? null
            : new Op.Cancel<>(one.getFirst());
      }
      case 10 ->
          profile.actors() && body.callsActors() ? new Op.CreateActor<>(some(1, true)) : null;
      default -> call();
    };
  }

  private Op<H> submit() {
    if (body.depth() >= profile.lengths().depth()) {
      return null;
    }
    Body child = new Body(random.nextLong(), body.depth() + 1, body.callsActors());
    return new Op.Submit<>(child, some(2, false), random.nextInt(3) == 0, some(2, true), null);
  }

  private Op<H> call() {
    List<Var<H>> actors = vars.stream().filter(Var::actor).toList();
    if (actors.isEmpty() || !body.callsActors() || body.depth() >= profile.lengths().depth()) {
      return null;
    }
    Body child = new Body(random.nextLong(), body.depth() + 1, false);
    H actor = actors.get(random.nextInt(actors.size())).handle;
    return new Op.Submit<>(child, some(2, false), random.nextInt(3) == 0, some(2, true), actor);
  }

  private Op<H> close(int index) {
    return new Op.Close<>(vars.remove(index).handle);
  }

  /** Up to so many of what the body has. */
  private List<H> some(int most, boolean actorsToo) {
    List<Var<H>> from = vars.stream().filter(v -> actorsToo || !v.actor).toList();
    List<H> drawn = new ArrayList<>();
    for (int i = random.nextInt(most + 1); i > 0 && !from.isEmpty(); i--) {
      drawn.add(from.get(random.nextInt(from.size())).handle);
    }
    if (most == 1 && drawn.isEmpty() && !from.isEmpty()) {
      drawn.add(from.get(random.nextInt(from.size())).handle);
    }
    return drawn;
  }

  // ---- what comes of it ----

  /** A handle came to be. */
  void has(H handle, boolean actor) {
    vars.add(new Var<>(handle, actor));
  }

  /** A value was read, as an argument or by {@code get}. */
  void read(long number, boolean fromFault) {
    tainted |= fromFault;
    sum = sum * 31 + number;
    if (!tainted) {
      trace.add(number);
    }
  }
}
