package io.dfut.internal.chaos;

import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.Returns4;
import io.dfut.SharedDFut;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * What the tasks do. Every answer follows from the arguments alone, so that the driver can work it
 * out by itself, with the same arithmetic where it is not nested.
 */
final class Bodies {
  /** Words of which there is a text. */
  static final int WORDS = 64;

  private Bodies() {}

  // ---- arithmetic ----

  static long[] numbers(long seed, int count) {
    SplittableRandom random = new SplittableRandom(seed);
    long[] made = new long[count];
    for (int i = 0; i < count; i++) {
      made[i] = random.nextLong();
    }
    return made;
  }

  static long[] mixed(List<long[]> parts) {
    int longest = parts.stream().mapToInt(part -> part.length).max().orElseThrow();
    long[] made = new long[longest];
    for (long[] part : parts) {
      for (int i = 0; i < longest; i++) {
        made[i] = made[i] * 31 + part[i % part.length];
      }
    }
    return made;
  }

  /** One that tells values apart, order and length included. */
  static long digest(long[] values) {
    long digest = values.length;
    for (long value : values) {
      digest = digest * 0x9E3779B97F4A7C15L + value;
    }
    return digest;
  }

  static long[] words(long seed, int count) {
    long[] found = new long[WORDS];
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < count; i++) {
      found[random.nextInt(WORDS)]++;
    }
    return found;
  }

  static long[] product(long[] sum, long[] a, long[] b, int side) {
    long[] made = sum.clone();
    for (int i = 0; i < side; i++) {
      for (int k = 0; k < side; k++) {
        long factor = a[i * side + k];
        for (int j = 0; j < side; j++) {
          made[i * side + j] += factor * b[k * side + j];
        }
      }
    }
    return made;
  }

  static long treeSum(long seed, int depth, int fan) {
    long sum = leaf(seed);
    for (int i = 0; depth > 0 && i < fan; i++) {
      sum = sum * 31 + treeSum(seed * 7 + i, depth - 1, fan);
    }
    return sum;
  }

  private static long leaf(long seed) {
    return new SplittableRandom(seed).nextLong();
  }

  // ---- tasks ----

  /** Time that a task or call takes for something else than arithmetic. */
  static void begin(int millis) throws InterruptedException {
    Ledger.open().begun();
    if (millis > 0) {
      TimeUnit.MILLISECONDS.sleep(millis);
    }
  }

  static long[] make(long seed, int count, int millis) throws InterruptedException {
    begin(millis);
    return numbers(seed, count);
  }

  static long[] mix(List<long[]> parts, int millis) throws InterruptedException {
    begin(millis);
    return mixed(parts);
  }

  static long digestOf(long[] values, int millis) throws InterruptedException {
    begin(millis);
    return digest(values);
  }

  /** Counts of words in four parts, each for one reducer. */
  static Returns4<long[], long[], long[], long[]> map(long seed, int count, int millis)
      throws InterruptedException {
    begin(millis);
    long[] found = words(seed, count);
    int part = WORDS / 4;
    long[][] parts = new long[4][part];
    for (int i = 0; i < WORDS; i++) {
      parts[i / part][i % part] = found[i];
    }
    return new Returns4<>(parts[0], parts[1], parts[2], parts[3]);
  }

  static long[] reduce(List<long[]> parts, int millis) throws InterruptedException {
    begin(millis);
    long[] sum = new long[parts.getFirst().length];
    for (long[] part : parts) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += part[i];
      }
    }
    return sum;
  }

  static long[] multiply(long[] sum, long[] a, long[] b, int side) throws InterruptedException {
    begin(0);
    return product(sum, a, b, side);
  }

  /** Each task starts those below it and waits for them. */
  static long tree(long seed, int depth, int fan, int millis) throws InterruptedException {
    begin(millis);
    long sum = leaf(seed);
    List<DFut<Long>> below = new ArrayList<>();
    for (int i = 0; depth > 0 && i < fan; i++) {
      below.add(
          DFutContext.current()
              .task(Bodies::tree)
              .maxRetries(-1)
              .submit(seed * 7 + i, depth - 1, fan, millis));
    }
    for (DFut<Long> one : below) {
      sum = sum * 31 + one.get();
    }
    return sum;
  }

  // ---- references handed on ----

  /** Hands a reference on to a task that does the same; the last one reads it. */
  static long relay(SharedDFut<long[]> value, int hops, int number, int millis)
      throws InterruptedException {
    Ledger.open().received(number);
    begin(millis);
    if (hops == 0) {
      return digest(value.get());
    }
    Ledger.open().handsOver(number + 1);
    return DFutContext.current()
        .task(Bodies::relay)
        .spread()
        .maxRetries(-1)
        .submit(value, hops - 1, number + 1, millis)
        .get();
  }

  /** A reference to something that this task owns. */
  static SharedDFut<long[]> own(long seed, int count, boolean put, int millis)
      throws InterruptedException {
    begin(millis);
    DFutContext here = DFutContext.current();
    return put
        ? here.put(numbers(seed, count)).share()
        : here.task(Bodies::make).spread().maxRetries(-1).submit(seed, count, millis).share();
  }

  static long digestBehind(SharedDFut<long[]> value, int number, int millis)
      throws InterruptedException {
    Ledger.open().received(number);
    begin(millis);
    return digest(value.get());
  }

  /** Gives an actor a reference, on somebody's behalf. */
  static boolean giveTo(
      ActorHandle<Keeper> keeper, SharedDFut<long[]> value, int number, int millis)
      throws InterruptedException {
    Ledger.open().received(number);
    begin(millis);
    Ledger.open().handsOver(number + 1);
    return keeper.task(Keeper::keep).submit(value, number + 1).get();
  }

  /** Calls at an account from a task. */
  static List<Receipt> pay(ActorHandle<Account> account, String caller, List<Long> amounts)
      throws InterruptedException {
    begin(0);
    List<DFut<Receipt>> calls = new ArrayList<>();
    int attempt = DFutContext.current().attempt();
    for (int i = 0; i < amounts.size(); i++) {
      calls.add(
          account.task(Account::pay).submit(caller + " attempt " + attempt, i, amounts.get(i), 0));
    }
    List<Receipt> receipts = new ArrayList<>();
    for (DFut<Receipt> call : calls) {
      receipts.add(call.get());
    }
    return receipts;
  }
}
