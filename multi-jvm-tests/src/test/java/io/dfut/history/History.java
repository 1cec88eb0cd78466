package io.dfut.history;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Whether what several clients were answered can be explained by one object that runs their
 * operations one after the other, each at some moment between its call and its answer
 * (linearizability). One that failed may have been run between its call and the failure, or never.
 *
 * <p>Looks at one call or answer after the other, and keeps every state in which the object can be,
 * with what it has run already of those operations that have no answer yet. So a long history costs
 * no more memory than one with as many operations at a time.
 *
 * @param <S> what the object is in; a value with {@code equals}
 * @param <O> an operation
 */
final class History<S, O> {
  /** What the object does. */
  interface Model<S, O> {
    /** The state after the operation; empty when it cannot have had the answer that it had. */
    Optional<S> run(S state, O operation);
  }

  /** One operation, and nobody else's, however like another it is. */
  static final class Run<O> {
    private final O operation;
    private final long called;
    private final long ended;
    private final boolean isAnswered;

    private Run(O operation, long called, long ended, boolean isAnswered) {
      this.operation = operation;
      this.called = called;
      this.ended = ended;
      this.isAnswered = isAnswered;
    }

    /** It was run between these two moments. */
    static <O> Run<O> answered(O operation, long called, long answered) {
      return new Run<>(operation, called, answered, true);
    }

    /** It was run between these two moments, or never. */
    static <O> Run<O> failed(O operation, long called, long failed) {
      return new Run<>(operation, called, failed, false);
    }

    O operation() {
      return operation;
    }

    @Override
    public String toString() {
      return operation
          + ", called at "
          + called
          + (isAnswered ? ", answered at " : ", failed at ")
          + ended;
    }
  }

  private record Possible<S, O>(S state, Set<Run<O>> done) {}

  private record Event<O>(long at, boolean isCall, Run<O> run) {}

  private final S first;
  private final Model<S, O> model;

  History(S first, Model<S, O> model) {
    this.first = first;
    this.model = model;
  }

  /** The first answer that nothing explains; empty when all can be explained. */
  Optional<Run<O>> unexplained(List<Run<O>> runs) {
    List<Event<O>> events = new ArrayList<>(2 * runs.size());
    for (Run<O> run : runs) {
      events.add(new Event<>(run.called, true, run));
      events.add(new Event<>(run.ended, false, run));
    }
    events.sort( // at one time, calls first: the clock may not have told them apart
        Comparator.<Event<O>>comparingLong(Event::at).thenComparing(event -> !event.isCall()));
    Set<Run<O>> open = new HashSet<>();
    Set<Possible<S, O>> possible = new HashSet<>();
    possible.add(new Possible<>(first, Set.of()));
    for (Event<O> event : events) {
      if (event.isCall()) {
        open.add(event.run());
        continue;
      }
      Run<O> ended = event.run();
      Set<Possible<S, O>> after = with(ended, open, possible);
      if (!ended.isAnswered) {
        possible.stream().filter(one -> !one.done().contains(ended)).forEach(after::add);
      }
      possible = after;
      open.remove(ended);
      if (possible.isEmpty()) {
        return Optional.of(event.run());
      }
    }
    return Optional.empty();
  }

  /** Those in which it has been run by now, with it forgotten. */
  private Set<Possible<S, O>> with(
      Run<O> answered, Set<Run<O>> open, Set<Possible<S, O>> possible) {
    Set<Possible<S, O>> seen = new HashSet<>(possible);
    Set<Possible<S, O>> after = new HashSet<>();
    List<Possible<S, O>> left = new ArrayList<>(possible);
    while (!left.isEmpty()) {
      Possible<S, O> now = left.removeLast();
      if (now.done().contains(answered)) {
        Set<Run<O>> done = new HashSet<>(now.done());
        done.remove(answered);
        after.add(new Possible<>(now.state(), Set.copyOf(done)));
        continue;
      }
      for (Run<O> next : open) {
        if (!now.done().contains(next)) {
          model
              .run(now.state(), next.operation())
              .ifPresent(
                  state -> {
                    Set<Run<O>> done = new HashSet<>(now.done());
                    done.add(next);
                    Possible<S, O> then = new Possible<>(state, Set.copyOf(done));
                    if (seen.add(then)) {
                      left.add(then);
                    }
                  });
        }
      }
    }
    return after;
  }
}
