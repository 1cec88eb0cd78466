package io.dfut.internal.store;

import io.dfut.internal.machine.Invariant;
import io.dfut.internal.store.StoreEffect.Answer;
import io.dfut.internal.store.StoreInput.Fetch;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Consumer;

/**
 * Fetches that are of use only all together, the arguments of one task: which of them wait, which
 * are active, and what an active one has got so far. Part of the {@link StoreTable}, which decides
 * when one becomes active or is stopped. Not thread-safe.
 *
 * <p>Two tasks that each hold half of what they need, in a store that has room for one, wait for
 * each other. So a bundle is active as a whole or not at all, its answers are kept here until the
 * last is there, and until then it can be stopped, which gives back what it has.
 */
final class Bundles {
  /** Some fetches that are answered together. */
  static final class Bundle {
    final long number;
    final List<Fetch> fetches;

    /** What an active one has got, by waiter. Emptied when it is stopped, and when all is there. */
    final Map<Long, Answer> answers = new LinkedHashMap<>();

    /** Whether all answers were given out: from then on it cannot be stopped, only end. */
    boolean complete;

    private Bundle(long number, List<Fetch> fetches) {
      this.number = number;
      this.fetches = fetches;
    }
  }

  /** Oldest first. Added when one begins or is stopped; removed when it becomes active or ends. */
  private final SequencedMap<Long, Bundle> waiting = new LinkedHashMap<>();

  /** In the order in which they became active. Removed when they are stopped or end. */
  private final SequencedMap<Long, Bundle> active = new LinkedHashMap<>();

  /** Active ones that are not complete, by waiter. */
  private final Map<Long, Bundle> byWaiter = new HashMap<>();

  private int waitingFetches;

  boolean isEmpty() {
    return waiting.isEmpty() && active.isEmpty();
  }

  /** Whether there is something to decide about. */
  boolean isUnsettled() {
    return !waiting.isEmpty() || !byWaiter.isEmpty();
  }

  /** Fetches of bundles that wait. */
  int waitingFetches() {
    return waitingFetches;
  }

  void begin(long number, List<Fetch> fetches) {
    Invariant.check(!active.containsKey(number), "a bundle begins twice", number);
    Bundle before = waiting.put(number, new Bundle(number, fetches));
    Invariant.check(before == null, "a bundle begins twice", number);
    waitingFetches += fetches.size();
  }

  Optional<Bundle> firstWaiting() {
    return waiting.values().stream().findFirst();
  }

  Iterable<Bundle> active() {
    return active.values();
  }

  boolean isAnyActive() {
    return !active.isEmpty();
  }

  /** The one that became active last, of those that can still be stopped. */
  Optional<Bundle> newestIncomplete() {
    return byWaiter.isEmpty()
        ? Optional.empty()
        : active.sequencedValues().reversed().stream().filter(b -> !b.complete).findFirst();
  }

  Optional<Bundle> find(long number) {
    return Optional.ofNullable(waiting.getOrDefault(number, active.get(number)));
  }

  boolean isActive(Bundle bundle) {
    return active.containsKey(bundle.number);
  }

  /** Its fetches are begun next, and their answers come to {@link #collect}. */
  void activate(Bundle bundle) {
    Invariant.check(waiting.remove(bundle.number) == bundle, "it does not wait", bundle.number);
    waitingFetches -= bundle.fetches.size();
    active.put(bundle.number, bundle);
    bundle.fetches.forEach(fetch -> byWaiter.put(fetch.waiter(), bundle));
  }

  /** It waits again, as the first. What it has got was given back before. */
  void deactivate(Bundle bundle) {
    Invariant.check(!bundle.complete, "stopped when it was complete", bundle.number);
    forget(bundle);
    bundle.answers.clear();
    waiting.putFirst(bundle.number, bundle);
    waitingFetches += bundle.fetches.size();
  }

  /** It is over. */
  void forget(Bundle bundle) {
    if (waiting.remove(bundle.number) != null) {
      waitingFetches -= bundle.fetches.size();
    }
    active.remove(bundle.number);
    bundle.fetches.forEach(fetch -> byWaiter.remove(fetch.waiter()));
  }

  /**
   * Keeps an answer back if it is one of a bundle's; the last one lets them all go.
   *
   * @return whether it is
   */
  boolean collect(Answer answer, Consumer<? super StoreEffect> effects) {
    Bundle bundle = byWaiter.get(answer.waiter());
    if (bundle == null) {
      return false;
    }
    Answer before = bundle.answers.put(answer.waiter(), answer);
    Invariant.check(before == null, "answered twice", answer);
    if (bundle.answers.size() == bundle.fetches.size()) {
      bundle.complete = true;
      bundle.fetches.forEach(fetch -> byWaiter.remove(fetch.waiter()));
      bundle.answers.values().forEach(effects);
      bundle.answers.clear();
    }
    return true;
  }

  /** Takes away all that wait. */
  List<Bundle> drainWaiting() {
    List<Bundle> all = List.copyOf(waiting.values());
    waiting.clear();
    waitingFetches = 0;
    return all;
  }

  /** How many are active, for tests. */
  int activeCount() {
    return active.size();
  }

  /** Checks what must hold; {@code isWaiting} says of a waiter whether it stands in the table. */
  void checkInvariants(java.util.function.LongPredicate isWaiting) {
    int fetches = waiting.values().stream().mapToInt(b -> b.fetches.size()).sum();
    Invariant.check(fetches == waitingFetches, "fetches of bundles that wait", waitingFetches);
    int open = 0;
    for (Bundle bundle : active.values()) {
      Invariant.check(!waiting.containsKey(bundle.number), "active and waiting", bundle.number);
      for (Fetch fetch : bundle.fetches) {
        boolean isOpen = !bundle.complete;
        open += isOpen ? 1 : 0;
        Invariant.check(
            (byWaiter.get(fetch.waiter()) == bundle) == isOpen, "waiter of a bundle", fetch);
        Invariant.check(
            isWaiting.test(fetch.waiter())
                == (isOpen && !bundle.answers.containsKey(fetch.waiter())),
            "a fetch of a bundle is lost",
            fetch);
      }
    }
    Invariant.check(open == byWaiter.size(), "waiters of bundles", byWaiter.size());
  }
}
