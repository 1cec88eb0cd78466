package io.dfut.internal.chaos;

import io.dfut.ActorBuilder;
import io.dfut.ActorHandle;
import io.dfut.ActorUnavailableException;
import io.dfut.Arg;
import io.dfut.DFut;
import io.dfut.DFut4;
import io.dfut.DFutSystem;
import io.dfut.OwnerDiedException;
import io.dfut.SharedDFut;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * One program of the workload, drawn from a seed, which knows its answers. What it makes is
 * released at its end.
 */
final class Job {
  /** Kinds of programs. */
  enum Kind {
    /** Tasks that take each other's results, small and large, in a random graph. */
    GRAPH,
    /** Counting words: a map, a shuffle and a reduction. */
    WORDS,
    /** A product of matrices, in blocks. */
    MATRIX,
    /** Tasks that start tasks and wait for them. */
    TREE,
    /** A reference that is handed on from task to task. */
    RELAY,
    /** References to what tasks own, whose death may be seen. */
    FOREIGN,
    /** An actor that comes back, and whose calls are repeated. */
    ACCOUNT,
    /** The same without repeated calls. */
    CLERK,
    /** An actor that comes back with a state that it has saved. */
    VAULT,
    /** An actor that keeps a reference while its giver lets go. */
    KEEPER,
    /** More large objects at a time than memory holds. */
    BIG
  }

  /** Numbers of a result that travels in messages, and of one that lies in a store. */
  private static final int SMALL = 64;

  private static final int LARGE = 1 << 17; // 1 MiB

  private final DFutSystem dfut;
  private final Tally tally;
  private final SplittableRandom random;
  private final String name;
  private final Kind kind;

  Job(DFutSystem dfut, Tally tally, Kind kind, long seed, String name) {
    this.dfut = dfut;
    this.tally = tally;
    this.kind = kind;
    this.random = new SplittableRandom(seed);
    this.name = name;
  }

  @Override
  public String toString() {
    return name;
  }

  /**
   * Runs it.
   *
   * @throws Violation when an answer is wrong, does not come, or is an error that cannot be right
   */
  void run() {
    dfut.scope(
        () -> {
          switch (kind) {
            case GRAPH -> graph();
            case WORDS -> words();
            case MATRIX -> matrix();
            case TREE -> tree();
            case RELAY -> relay();
            case FOREIGN -> foreign();
            case ACCOUNT -> account();
            case CLERK -> clerk();
            case VAULT -> vault();
            case KEEPER -> keeper();
            case BIG -> big();
          }
        });
    tally.done(kind);
  }

  private int millis() {
    return random.nextInt(4) == 0 ? random.nextInt(100) : random.nextInt(10);
  }

  private int size() {
    return switch (random.nextInt(4)) {
      case 0 -> 1 + random.nextInt(SMALL);
      case 1, 2 -> LARGE / 8 + random.nextInt(LARGE / 2);
      default -> LARGE + random.nextInt(LARGE);
    };
  }

  private DFut<long[]> make(long seed, int count) {
    return tally.submitted(
        dfut.task(Bodies::make).spread().maxRetries(-1).submit(seed, count, millis()));
  }

  private void graph() {
    int size = 6 + random.nextInt(15);
    List<long[]> values = new ArrayList<>();
    List<DFut<long[]>> futures = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      if (i < 2 || random.nextInt(4) == 0) {
        long seed = random.nextLong();
        int count = size();
        values.add(Bodies.numbers(seed, count));
        futures.add(make(seed, count));
      } else {
        List<long[]> parts = new ArrayList<>();
        List<DFut<long[]>> taken = new ArrayList<>();
        int width = 1 + random.nextInt(3);
        for (int k = 0; k < width; k++) {
          int part = random.nextInt(i);
          parts.add(values.get(part));
          taken.add(futures.get(part));
        }
        values.add(Bodies.mixed(parts));
        futures.add(
            tally.submitted(
                dfut.task(Bodies::mix).maxRetries(-1).submit(DFut.all(taken), Arg.of(millis()))));
      }
    }
    for (int i = 0; i < size; i++) {
      int at = i;
      switch (random.nextInt(4)) {
        case 0 ->
            tally.expect(
                name + " node " + at,
                Bodies.digest(values.get(at)),
                Bodies.digest(tally.value(name + " node " + at, futures.get(at))));
        case 1 ->
            tally.expect(
                name + " digest of node " + at,
                Bodies.digest(values.get(at)),
                tally.submitted(
                    dfut.task(Bodies::digestOf).maxRetries(-1).submit(futures.get(at), millis())));
        case 2 -> futures.get(at).close(); // others may still need it
        default -> {}
      }
    }
  }

  private void words() {
    int maps = 4 + random.nextInt(8);
    int count = 20_000 + random.nextInt(50_000);
    List<DFut4<long[], long[], long[], long[]>> mapped = new ArrayList<>();
    long[] expected = new long[Bodies.WORDS];
    for (int i = 0; i < maps; i++) {
      long seed = random.nextLong();
      long[] found = Bodies.words(seed, count);
      for (int word = 0; word < expected.length; word++) {
        expected[word] += found[word];
      }
      mapped.add(dfut.multi4(Bodies::map).spread().maxRetries(-1).submit(seed, count, millis()));
    }
    List<DFut<long[]>> reduced =
        List.of(
            reduce(mapped.stream().map(DFut4::first).toList()),
            reduce(mapped.stream().map(DFut4::second).toList()),
            reduce(mapped.stream().map(DFut4::third).toList()),
            reduce(mapped.stream().map(DFut4::fourth).toList()));
    int part = Bodies.WORDS / 4;
    for (int i = 0; i < 4; i++) {
      long[] counts = tally.value(name + " part " + i, reduced.get(i));
      for (int k = 0; k < part; k++) {
        tally.expect(name + " word " + (i * part + k), expected[i * part + k], counts[k]);
      }
    }
  }

  private DFut<long[]> reduce(List<DFut<long[]>> parts) {
    return tally.submitted(
        dfut.task(Bodies::reduce).maxRetries(-1).submit(DFut.all(parts), Arg.of(millis())));
  }

  private void matrix() {
    int blocks = 2 + random.nextInt(2);
    int side = 64 + random.nextInt(96);
    long[][] a = new long[blocks * blocks][];
    long[][] b = new long[blocks * blocks][];
    List<DFut<long[]>> left = new ArrayList<>();
    List<DFut<long[]>> right = new ArrayList<>();
    for (int i = 0; i < blocks * blocks; i++) {
      long seed = random.nextLong();
      a[i] = Bodies.numbers(seed, side * side);
      b[i] = Bodies.numbers(seed + 1, side * side);
      left.add(make(seed, side * side));
      right.add(make(seed + 1, side * side));
    }
    List<DFut<long[]>> sums = new ArrayList<>();
    for (int i = 0; i < blocks * blocks; i++) {
      DFut<long[]> sum = dfut.put(new long[side * side]);
      for (int k = 0; k < blocks; k++) {
        sum =
            tally.submitted(
                dfut.task(Bodies::multiply)
                    .maxRetries(-1)
                    .submit(
                        sum,
                        left.get(i / blocks * blocks + k),
                        right.get(k * blocks + i % blocks),
                        Arg.of(side)));
      }
      sums.add(sum);
    }
    for (int i = 0; i < blocks * blocks; i++) {
      long[] expected = new long[side * side];
      for (int k = 0; k < blocks; k++) {
        expected =
            Bodies.product(expected, a[i / blocks * blocks + k], b[k * blocks + i % blocks], side);
      }
      long[] found = tally.value(name + " block " + i, sums.get(i));
      tally.expect(name + " block " + i, Bodies.digest(expected), Bodies.digest(found));
    }
  }

  private void tree() {
    long seed = random.nextLong();
    int depth = 1 + random.nextInt(3);
    int fan = 1 + random.nextInt(3);
    tally.expect(
        name,
        Bodies.treeSum(seed, depth, fan),
        tally.submitted(
            dfut.task(Bodies::tree).spread().maxRetries(-1).submit(seed, depth, fan, millis())));
  }

  private void relay() {
    long seed = random.nextLong();
    int count = size();
    int hops = 2 + random.nextInt(6);
    int chains = 1 + random.nextInt(4);
    int first = tally.handOvers(chains * (hops + 1));
    try {
      DFut<long[]> value = make(seed, count);
      List<DFut<Long>> ends = new ArrayList<>();
      for (int i = 0; i < chains; i++) {
        int number = first + i * (hops + 1);
        Ledger.open().handsOver(number);
        ends.add(
            tally.submitted(
                dfut.task(Bodies::relay)
                    .spread()
                    .maxRetries(-1)
                    .submit(value.share(), hops, number, millis())));
      }
      value.close(); // the references alone keep it
      long expected = Bodies.digest(Bodies.numbers(seed, count));
      for (DFut<Long> end : ends) {
        tally.expect(name, expected, end);
      }
    } finally {
      tally.handOversEnded(first, chains * (hops + 1));
    }
  }

  private void foreign() {
    long seed = random.nextLong();
    int count = size();
    long expected = Bodies.digest(Bodies.numbers(seed, count));
    boolean put = random.nextBoolean();
    SharedDFut<long[]> reference =
        tally.value(
            name + " reference",
            tally.submitted(
                dfut.task(Bodies::own).spread().maxRetries(-1).submit(seed, count, put, millis())));
    int first = tally.handOvers(3);
    try (reference) {
      List<DFut<Long>> readers = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Ledger.open().handsOver(first + i);
        readers.add(
            tally.submitted(
                dfut.task(Bodies::digestBehind)
                    .spread()
                    .maxRetries(-1)
                    .submit(reference, first + i, millis())));
      }
      tally
          .foreign(name, reference)
          .ifPresent(value -> tally.expect(name, expected, Bodies.digest(value)));
      for (DFut<Long> reader : readers) {
        tally
            .value(
                name + " reader (" + reader.id() + ")",
                reader::get,
                Set.of(OwnerDiedException.class))
            .ifPresent(digest -> tally.expect(name + " reader", expected, digest));
      }
    } finally {
      tally.handOversEnded(first, 3);
    }
  }

  // ---- actors ----

  private void account() {
    List<Long> amounts = amounts(20 + random.nextInt(60));
    List<Long> others = amounts(5 + random.nextInt(10));
    try (ActorHandle<Account> account =
        dfut.actor(Account::new).spread().maxRestarts(-1).maxTaskRetries(-1).create()) {
      DFut<List<Receipt>> other =
          tally.submitted(
              dfut.task(Bodies::pay)
                  .spread()
                  .maxRetries(-1)
                  .submit(account, name + " other", others));
      List<DFut<Receipt>> calls = pays(account, amounts);
      List<Optional<Receipt>> receipts = new ArrayList<>();
      for (DFut<Receipt> call : calls) {
        receipts.add(Optional.of(tally.value(name + " call " + receipts.size(), call)));
      }
      check(name, amounts, receipts);
      check(
          name + " other",
          others,
          tally.value(name + " other", other).stream().map(Optional::of).toList());
    }
  }

  /** A call for each amount, in their order. */
  private List<DFut<Receipt>> pays(ActorHandle<Account> account, List<Long> amounts) {
    List<DFut<Receipt>> calls = new ArrayList<>();
    for (int i = 0; i < amounts.size(); i++) {
      calls.add(
          tally.submitted(
              account.task(Account::pay).submit(name, i, amounts.get(i), millis() / 4)));
    }
    return calls;
  }

  private void clerk() {
    List<Long> amounts = amounts(20 + random.nextInt(60));
    try (ActorHandle<Account> account =
        dfut.actor(Account::new).spread().maxRestarts(-1).create()) {
      List<DFut<Receipt>> calls = pays(account, amounts);
      List<Optional<Receipt>> receipts = new ArrayList<>();
      for (DFut<Receipt> call : calls) {
        receipts.add(
            tally.value(
                name + " call " + receipts.size() + " (" + call.id() + ")",
                call::get,
                Set.of(ActorUnavailableException.class)));
      }
      check(name, amounts, receipts);
    }
  }

  private void vault() {
    int count = 20 + random.nextInt(60);
    ActorBuilder<Vault> builder =
        dfut.actor(Vault::new, size()).spread().maxRestarts(-1).maxTaskRetries(-1);
    ActorBuilder<Vault> saving =
        random.nextBoolean()
            ? builder.checkpointEvery(1 + random.nextInt(5))
            : builder.checkpointEvery(Duration.ofMillis(1 + random.nextInt(100)));
    try (ActorHandle<Vault> vault = saving.create()) {
      List<Vault.Content> answers = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        DFut<Vault.Content> call = tally.submitted(vault.task(Vault::keep).submit(i, millis() / 4));
        answers.add(tally.value(name + " call " + i, call));
      }
      tally.checkedAll(count);
      Vault.Content.check(name, answers);
    }
  }

  private List<Long> amounts(int count) {
    List<Long> amounts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      amounts.add(random.nextLong());
    }
    return amounts;
  }

  private void check(String what, List<Long> amounts, List<Optional<Receipt>> receipts) {
    tally.checkedAll(receipts.size());
    Receipt.check(what, amounts, receipts);
  }

  private void keeper() {
    long seed = random.nextLong();
    int count = size();
    int millis = millis();
    boolean through = random.nextBoolean();
    int first = tally.handOvers(2);
    try (ActorHandle<Keeper> keeper =
        dfut.actor(Keeper::new).spread().maxRestarts(-1).maxTaskRetries(-1).create()) {
      DFut<long[]> value = make(seed, count);
      Ledger.open().handsOver(first);
      DFut<Boolean> kept =
          tally.submitted(
              through
                  ? dfut.task(Bodies::giveTo)
                      .spread()
                      .maxRetries(-1)
                      .submit(keeper, value.share(), first, millis)
                  : keeper.task(Keeper::keep).submit(value.share(), first));
      value.close(); // from here on the references keep it
      tally.expect(name + " keeps", true, kept);
      long expected = Bodies.digest(Bodies.numbers(seed, count));
      for (int i = 0; i < 4; i++) {
        Optional<Long> digest =
            tally.value(name + " reads", tally.submitted(keeper.task(Keeper::digest).submit()));
        if (digest.isPresent()) {
          tally.expect(name, expected, digest.get());
        } else {
          tally.allowed("forgotten by an actor that was made anew");
        }
      }
    } finally {
      tally.handOversEnded(first, 2);
    }
  }

  // ---- memory ----

  private void big() {
    int objects = 12 + random.nextInt(12);
    long seed = random.nextLong();
    List<DFut<long[]>> made = new ArrayList<>();
    for (int i = 0; i < objects; i++) {
      made.add(make(seed + i, 4 * LARGE));
    }
    for (int i = objects - 1; i >= 0; i--) {
      long expected = Bodies.digest(Bodies.numbers(seed + i, 4 * LARGE));
      DFut<long[]> value = made.get(i);
      if (random.nextInt(4) == 0) {
        tally.expect(
            name + " object " + i,
            expected,
            Bodies.digest(tally.value(name + " object " + i, value)));
      } else {
        tally.expect(
            name + " object " + i,
            expected,
            tally.submitted(
                dfut.task(Bodies::digestOf).spread().maxRetries(-1).submit(value, millis())));
      }
      value.close();
    }
  }
}
