package io.dfut.samples.docs;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.ActorHandle;
import io.dfut.Checkpointed;
import io.dfut.DFut;
import io.dfut.DFut2;
import io.dfut.DFutActor;
import io.dfut.DFutBehaviors;
import io.dfut.DFutContext;
import io.dfut.DFutException;
import io.dfut.DFutSystem;
import io.dfut.DPromise;
import io.dfut.Func1;
import io.dfut.Inspection;
import io.dfut.Returns2;
import io.dfut.SharedDFut;
import io.dfut.TaskFailedException;
import io.dfut.WaitResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * What docs/getting-started.md and docs/concepts.md quote. Each region stands there word for word;
 * {@code DocumentationTest} compares them and runs what is here.
 */
final class GettingStartedExamples {
  private GettingStartedExamples() {}

  // region tasks
  static int length(String text) {
    return text.length();
  }

  static int plus(int a, int b) {
    return a + b;
  }

  static int tasks(DFutContext dfut) {
    DFut<Integer> a = dfut.task(GettingStartedExamples::length).submit("ownership");
    DFut<Integer> b = dfut.task(GettingStartedExamples::plus).submit(a, 5); // a future and a value
    DFut<Integer> c = dfut.task((Integer x) -> x * 2).submit(b); // a lambda works as well
    return c.get(); // 28
  }

  // endregion

  // region options
  static int options(DFutContext dfut) {
    return dfut.task(GettingStartedExamples::plus)
        .named("add up") // for errors and inspection
        .cpus(0.5) // of the node's; 1 if not said
        .maxRetries(10) // after system failures; 3 if not said
        .retryOn(java.io.IOException.class) // after this failure of its own, too
        .timeout(Duration.ofSeconds(30)) // from submission on; children inherit what is left
        .submit(1, 2)
        .get();
  }

  // endregion

  // region casts
  static int casts(DFutContext dfut) {
    // parseInt is overloaded, so the compiler needs to hear which one is meant.
    Func1<String, Integer> parse = Integer::parseInt;
    return dfut.task(parse).submit("42").get();
  }

  // endregion

  // region fan-in
  static int total(List<Integer> lengths) {
    return lengths.stream().mapToInt(Integer::intValue).sum();
  }

  static int fanIn(DFutContext dfut, List<String> texts) {
    List<DFut<Integer>> lengths = new ArrayList<>();
    for (String text : texts) {
      lengths.add(dfut.task(GettingStartedExamples::length).submit(text));
    }
    return dfut.task(GettingStartedExamples::total).submit(DFut.all(lengths)).get();
  }

  // endregion

  // region by-reference
  static int plusOne(int value) { // the value: the system fetches it before the task starts
    return value + 1;
  }

  static int plusOneLater(SharedDFut<Integer> reference) { // the reference: the task borrows it
    return reference.get() + 1;
  }

  static List<Integer> byReference(DFutContext dfut) {
    DFut<Integer> n = dfut.task(GettingStartedExamples::length).submit("ownership");
    DFut<Integer> byValue = dfut.task(GettingStartedExamples::plusOne).submit(n);
    try (SharedDFut<Integer> reference = n.share()) {
      DFut<Integer> borrowed = dfut.task(GettingStartedExamples::plusOneLater).submit(reference);
      return List.of(byValue.get(), borrowed.get()); // 10 and 10
    }
  }

  // endregion

  // region nested
  static long fibonacci(int n) {
    if (n < 2) {
      return n;
    }
    DFutContext dfut = DFutContext.current(); // this task's own
    DFut<Long> left = dfut.task(GettingStartedExamples::fibonacci).submit(n - 1);
    DFut<Long> right = dfut.task(GettingStartedExamples::fibonacci).submit(n - 2);
    return left.get() + right.get();
  }

  // endregion

  // region several-results
  static Returns2<Integer, String> countAndUpper(String text) {
    return new Returns2<>(text.length(), text.toUpperCase(java.util.Locale.ROOT));
  }

  static String severalResults(DFutContext dfut) {
    DFut2<Integer, String> results =
        dfut.multi2(GettingStartedExamples::countAndUpper).submit("abc");
    return results.second().get() + results.first().get(); // ABC3
  }

  // endregion

  // region waiting
  static int firstOf(DFutContext dfut, List<DFut<Integer>> futures) {
    WaitResult<Integer> waited = dfut.await(futures, 1, Duration.ofSeconds(10));
    if (waited.ready().isEmpty()) {
      throw new IllegalStateException("nothing within ten seconds");
    }
    return waited.ready().getFirst().get();
  }

  // endregion

  // region values
  static int values(DFutContext dfut) {
    DFut<List<Integer>> stored = dfut.put(List.of(1, 2, 3)); // a value of your own
    DPromise<Integer> promise = dfut.promise(); // completed by hand, once
    DFut<Integer> sum = dfut.task(GettingStartedExamples::total).submit(stored);
    promise.complete(sum.get());
    return promise.future().get(); // 6
  }

  // endregion

  // region errors
  static int refuse(int n) {
    throw new IllegalArgumentException("no " + n + " today");
  }

  static String errors(DFutContext dfut) {
    try {
      return "got " + dfut.task(GettingStartedExamples::refuse).submit(3).get();
    } catch (TaskFailedException e) { // the task's own code threw
      return e.getCause().getMessage(); // no 3 today
    } catch (DFutException e) { // everything else that the library throws
      return e.retryable() ? "try again" : e.getMessage();
    }
  }

  // endregion

  // region scope
  static int scope(DFutContext dfut, List<String> texts) {
    return dfut.scope(() -> fanIn(dfut, texts)); // all its futures are released here
  }

  // endregion

  // region actor
  public static final class Counter extends DFutActor<Counter.Message> {
    /** What the actor can be told. */
    public sealed interface Message {
      record Add(int by) implements Message {}

      record Reset() implements Message {}
    }

    private int n;

    public Counter(int start) {
      n = start;
    }

    public int add(int by) { // a remote method
      return n += by;
    }

    @Override
    protected void onMessage(Message message) { // typed messages, on the same mailbox
      switch (message) {
        case Message.Add(int by) -> n += by;
        case Message.Reset() -> n = 0;
      }
    }
  }

  // endregion

  // region actor-use
  static int actor(DFutContext dfut) {
    try (ActorHandle<Counter> counter = dfut.actor(Counter::new, 10).named("hits").create()) {
      DFut<Integer> first = counter.task(Counter::add).submit(5); // a call is a task
      DFut<Integer> second = counter.task(Counter::add).submit(first); // with futures, too
      return second.get(); // 10 + 5 = 15, and 15 + 15 = 30
    } // the last handle goes, and with it the actor
  }

  // endregion

  // region actor-messages
  static int messages(DFutContext dfut) {
    try (ActorHandle<Counter> counter = dfut.actor(Counter::new, 0).create()) {
      ActorRef<Counter.Message> ref = DFutActor.ref(counter);
      ref.tell(new Counter.Message.Add(3));
      int count = 0;
      while (count == 0) { // a call may overtake a message: they come by different ways
        count = counter.task(Counter::add).submit(0).get();
      }
      return count;
    }
  }

  // endregion

  // region checkpoint
  static final class Account extends DFutActor<Void> implements Checkpointed<Long> {
    private long balance;

    @Override
    public Long checkpoint() { // called between two calls, when the state is due
      return balance;
    }

    @Override
    public void restore(Long saved) { // called on a new object, before onStart()
      balance = saved;
    }

    public long deposit(long amount) {
      saveCheckpoint(); // once this call has ended
      return balance += amount;
    }
  }

  static long checkpoint(DFutContext dfut) {
    try (ActorHandle<Account> account =
        dfut.actor(Account::new).maxRestarts(-1).maxTaskRetries(-1).checkpointOnDemand().create()) {
      account.task(Account::deposit).submit(20L).get();
      return account.task(Account::deposit).submit(22L).get();
    }
  }

  // endregion

  // region behavior
  /** What the player is told. */
  sealed interface Command {
    record Play(String chunk, ActorRef<String> screen) implements Command {}

    record Show(int frame, ActorRef<String> screen) implements Command {}

    record Failed(String why, ActorRef<String> screen) implements Command {}
  }

  static Behavior<Command> player() {
    return DFutBehaviors.setup(
        (context, dfut) -> // this actor owns what it submits
        Behaviors.receive(Command.class)
                .onMessage(
                    Command.Play.class,
                    play -> {
                      DFut<Integer> frame =
                          dfut.task(GettingStartedExamples::length).submit(play.chunk());
                      dfut.pipeToSelf( // get() would block the dispatcher, and is refused
                          frame,
                          (value, failure) ->
                              failure == null
                                  ? new Command.Show(value, play.screen())
                                  : new Command.Failed(failure.getMessage(), play.screen()));
                      frame.close();
                      return Behaviors.same();
                    })
                .onMessage(
                    Command.Show.class,
                    show -> {
                      show.screen().tell("frame " + show.frame());
                      return Behaviors.same();
                    })
                .onMessage(
                    Command.Failed.class,
                    failed -> {
                      failed.screen().tell(failed.why());
                      return Behaviors.same();
                    })
                .build());
  }

  // endregion

  // region embedded
  static int embedded(ActorSystem<?> yours) {
    DFutSystem dfut = DFutSystem.get(yours); // starts at the first call, stops with yours
    return dfut.task(GettingStartedExamples::length).submit("embedded").get();
  }

  // endregion

  // region node
  static DFutSystem node(String host, int port) {
    Config config =
        ConfigFactory.parseString(
                """
                dfut.cpus = 4
                dfut.tasks.allow = ["com.acme."]
                dfut.values.allow = ["com.acme."]
                """)
            .withFallback(
                ConfigFactory.parseString(
                    "dfut.cluster { host = \"" + host + "\", port = " + port + " }"));
    return DFutSystem.start(config); // returns when the node is a member
  }

  // endregion

  // region driver
  static int driver(String address) {
    try (DFutSystem dfut = DFutSystem.connect(address)) { // such as 127.0.0.1:25520
      return dfut.task(GettingStartedExamples::length).spread().submit("somewhere").get();
    }
  }

  // endregion

  // region cycle
  static final class Hoarder extends DFutActor<Void> {
    private SharedDFut<ActorHandle<Hoarder>> kept;

    void keep(SharedDFut<ActorHandle<Hoarder>> reference) {
      kept = reference; // from now on the actor keeps the object
    }
  }

  static List<Inspection.Cycle> cycle(DFutSystem dfut) {
    try (ActorHandle<Hoarder> hoarder = dfut.actor(Hoarder::new).create();
        DFut<ActorHandle<Hoarder>> value = dfut.put(hoarder); // and the object keeps the actor
        SharedDFut<ActorHandle<Hoarder>> reference = value.share();
        DFut<Void> done = hoarder.task(Hoarder::keep).submit(reference)) {
      done.get();
    } // no handle is left here, and yet the actor does not end
    return dfut.inspect().cycles();
  }

  // endregion

  // region leaks
  static void leaks() {
    DFutSystem dfut = DFutSystem.local(2);
    try {
      try (DFut<Integer> n = dfut.task(GettingStartedExamples::length).submit("abc")) {
        n.get();
      }
      dfut.inspect().assertNoLeaks(Duration.ofSeconds(10)); // lists what is left, and who holds it
    } finally {
      dfut.close();
    }
  }

  // endregion
}
