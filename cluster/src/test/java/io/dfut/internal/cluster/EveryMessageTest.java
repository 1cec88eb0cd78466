package io.dfut.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.typesafe.config.ConfigFactory;
import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.GetTimeoutException;
import io.dfut.NodeId;
import io.dfut.internal.cluster.EveryMessage.Keeper;
import io.dfut.internal.cluster.LinkFaults.Fault;
import io.dfut.internal.cluster.LinkFaults.Link;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.BorrowReleased;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.protocol.WorkerMessage.WorkerDied;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/**
 * Every kind of message between nodes, in each direction, is once lost, doubled and delayed, on
 * real connections between real nodes in this JVM; results are right all the same, and nothing
 * leaks. The kinds are found in the sealed interfaces: one that is new is covered by {@link
 * EveryMessage}, stands in a list below with the reason why not, or fails the build.
 */
final class EveryMessageTest {
  /** A lost message costs a second, or a few; several in a row cost that each. */
  private static final Duration BOUND = Duration.ofSeconds(30);

  /** Of the story that is told without losses, and of noticing one that is not made good. */
  private static final Duration NOTICED = Duration.ofSeconds(4);

  private static final Duration NO_LEAKS = Duration.ofSeconds(10);

  /** Kinds that no node says to another. */
  private static final Map<Class<?>, String> WITHIN_A_NODE =
      Map.of(
          SchedulerMessage.TaskBlocked.class, "a worker to its own node's scheduler",
          SchedulerMessage.TaskUnblocked.class, "a worker to its own node's scheduler",
          SchedulerMessage.ArgumentsAwaited.class, "a worker to its own node's scheduler",
          SchedulerMessage.ArgumentsArrived.class, "a worker to its own node's scheduler",
          SchedulerMessage.WorkerGone.class, "a node to its own scheduler",
          SchedulerMessage.NodeGone.class, "a node to its own scheduler, from its view",
          WorkerMessage.NodeDied.class, "a node to its own workers, from its view",
          WorkerMessage.NodeDrains.class, "a node to its own workers, from its view");

  /** Kinds that are said when a node leaves on purpose, which neither of the two does here. */
  private static final Map<Class<?>, String> OF_A_NODE_THAT_LEAVES =
      Map.of(
          NodeMessage.Drain.class, "to the node; repeated by whoever says it, DrainIT",
          NodeMessage.DrainBegun.class, "by the node; DrainIT",
          NodeMessage.TakeCopy.class, "the node asks for it again; DrainMachineTest",
          NodeMessage.CopyIsSafe.class, "the node asks for it again; DrainMachineTest",
          WorkerMessage.CopyLeaves.class, "by the node, again and again; DrainStoriesTest",
          WorkerMessage.CopyMoved.class, "the node asks for it again; DrainStoriesTest");

  /** Kinds whose handlers rely on the link to sort repetitions out. */
  private static final Map<Class<?>, String> NEVER_REPEATED =
      Map.of(NodeMessage.Part.class, "made and put together between the numbers of envelopes");

  /** Kinds that go one way only: there is one directory, kept by the oldest node. */
  private static final List<Class<?>> TO_THE_DIRECTORY =
      List.of(
          NodeMessage.ClaimName.class, NodeMessage.FindName.class, NodeMessage.ReleaseName.class);

  private static final List<Class<?>> FROM_THE_DIRECTORY = List.of(NodeMessage.NameAnswer.class);

  private static final AtomicInteger CLUSTERS = new AtomicInteger();

  /** Three nodes, or two, with faults between them; the first keeps the directory. */
  private record Nodes(List<DFutSystem> systems, LinkFaults faults) implements AutoCloseable {
    static Nodes start(int count, Fault fault, Predicate<Class<?>> kinds) {
      String cluster = "every-message-" + CLUSTERS.incrementAndGet();
      Nodes nodes = new Nodes(new ArrayList<>(), new LinkFaults(cluster, fault, kinds));
      try {
        for (String resources : List.of("y = 1", "x = 1", "x = 1, y = 1").subList(0, count)) {
          nodes.systems().add(start(cluster, resources, nodes.systems()));
        }
        await("all know each other")
            .atMost(BOUND)
            .until(
                () -> nodes.systems().stream().allMatch(system -> system.nodes().size() == count));
        return nodes;
      } catch (RuntimeException e) {
        nodes.close();
        throw e;
      }
    }

    private static DFutSystem start(String cluster, String resources, List<DFutSystem> members) {
      return DFutSystem.start(
          ConfigFactory.parseString(
              """
              dfut.cpus = 2
              dfut.resources { %s }
              dfut.store.memory = %d
              dfut.store.spill.directories = []
              dfut.store.shared-memory = off
              dfut.scheduler.infeasible-timeout = 500 ms
              dfut.tasks.allow = ["io.dfut."]
              dfut.values.allow = ["io.dfut."]
              dfut.cluster.system-name = "%s"
              dfut.cluster.join = [%s]
              dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause = 10s
              pekko.actor.serializers.dfut-wire = "%s"
              """
                  .formatted(
                      resources,
                      EveryMessage.STORE_BYTES,
                      cluster,
                      members.isEmpty() ? "" : '"' + members.getFirst().node().address() + '"',
                      FaultyWireSerializer.class.getName())));
    }

    DFutSystem a() {
      return systems.get(0);
    }

    DFutSystem b() {
      return systems.get(1);
    }

    DFutSystem last() {
      return systems.getLast();
    }

    EveryMessage fromA(Duration bound) {
      return new EveryMessage(a(), b(), last(), "x", faults, bound);
    }

    EveryMessage fromB(Duration bound) {
      return new EveryMessage(b(), a(), last(), "y", faults, bound);
    }

    Link there() {
      return Link.of(a().node(), b().node());
    }

    Link back() {
      return Link.of(b().node(), a().node());
    }

    void haveNoLeaks(Duration within) {
      for (DFutSystem system : List.of(a(), b())) {
        system.inspectCluster(within).assertNoLeaks(within);
      }
    }

    @Override
    public void close() {
      EveryMessage.Gate.openAll();
      systems.reversed().forEach(DFutSystem::close);
      faults.close();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"LOST", "DOUBLED", "DELAYED", "REPEATED"})
  @Tag("C150")
  @DisplayName(
      "150 every kind of message is once lost, doubled, delayed and repeated, in each direction")
  void everyKindOfMessageIsOnce(Fault fault) {
    long start = System.nanoTime();
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    rootLogger().addAppender(log);
    try (Nodes nodes = Nodes.start(3, fault, kind -> befalls(fault, kind))) {
      try {
        tellEverything(nodes);
      } finally {
        System.out.printf(
            "%s, %d ms%n%s",
            fault,
            (System.nanoTime() - start) / 1_000_000,
            nodes.faults().report(nodes.there(), nodes.back()));
      }
      allWereHit(nodes, fault);
    } finally {
      rootLogger().detachAppender(log);
    }
    assertThat(List.copyOf(log.list))
        .filteredOn(event -> event.getLevel().isGreaterOrEqual(Level.ERROR))
        .extracting(event -> event.getLoggerName() + ": " + event.getFormattedMessage())
        .as("lines logged as errors")
        .isEmpty();
  }

  private static Logger rootLogger() {
    return (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  }

  private static void tellEverything(Nodes nodes) {
    EveryMessage ofA = nodes.fromA(BOUND);
    EveryMessage ofB = nodes.fromB(BOUND);
    atOnce(ofA::tell, ofB::tell);
    CompletableFuture<EveryMessage.Remote> right =
        CompletableFuture.supplyAsync(ofB::madeOnTheThird, Thread::startVirtualThread);
    EveryMessage.Remote left = ofA.madeOnTheThird();
    right.orTimeout(BOUND.toSeconds(), TimeUnit.SECONDS).join();
    nodes.last().close();
    atOnce(() -> ofA.afterTheThird(left), () -> ofB.afterTheThird(right.join()));
    nodes.haveNoLeaks(NO_LEAKS);
  }

  private static void atOnce(Runnable one, Runnable other) {
    CompletableFuture<Void> beside = CompletableFuture.runAsync(one, Thread::startVirtualThread);
    other.run();
    beside.orTimeout(BOUND.toSeconds(), TimeUnit.SECONDS).join();
  }

  private static boolean befalls(Fault fault, Class<?> kind) {
    return fault != Fault.REPEATED || !NEVER_REPEATED.containsKey(kind);
  }

  private static void allWereHit(Nodes nodes, Fault fault) {
    List<String> missed = new ArrayList<>();
    for (Class<?> kind : LinkFaults.allKinds()) {
      boolean travels =
          !WITHIN_A_NODE.containsKey(kind)
              && !OF_A_NODE_THAT_LEAVES.containsKey(kind)
              && befalls(fault, kind);
      boolean there = travels && !TO_THE_DIRECTORY.contains(kind);
      boolean back = travels && !FROM_THE_DIRECTORY.contains(kind);
      if (there != nodes.faults().hit(kind, nodes.there())) {
        missed.add(kind.getSimpleName() + (there ? " was never sent" : " was sent") + " there");
      }
      if (back != nodes.faults().hit(kind, nodes.back())) {
        missed.add(kind.getSimpleName() + (back ? " was never sent" : " was sent") + " back");
      }
    }
    assertThat(missed)
        .as("what EveryMessage does not cover, or a list of this test is wrong about")
        .isEmpty();
  }

  /**
   * The same, were nothing sent again: a single message that is lost for good is noticed, as a call
   * that hangs or as something that stays.
   */
  @ParameterizedTest
  @ValueSource(classes = {TaskReturned.class, BorrowReleased.class})
  void lossIsNoticed(Class<?> kind) {
    AtomicBoolean armed = new AtomicBoolean();
    try (Nodes nodes = Nodes.start(2, Fault.FORGOTTEN, any -> armed.get() && any.equals(kind))) {
      ThrowingCallable story =
          () -> {
            nodes.fromA(NOTICED).tellOfReferences();
            nodes.haveNoLeaks(NOTICED);
          };
      assertThatCode(story).as("nothing was lost").doesNotThrowAnyException();
      armed.set(true);
      if (kind.equals(TaskReturned.class)) {
        assertThatThrownBy(story).isInstanceOf(GetTimeoutException.class);
      } else {
        assertThatThrownBy(story)
            .isInstanceOf(AssertionError.class)
            .hasMessageStartingWith("left after " + NOTICED);
      }
      assertThat(nodes.faults().hit(kind, nodes.back())).isTrue();
    }
  }

  /**
   * Each notice of a death makes its receiver look through all its tables. One for each call would
   * keep the caller's node busy for a minute after 40,000 calls.
   */
  @Test
  void callsOfTheDeadAreAnsweredTogether() {
    int count = 20_000;
    try (Nodes nodes = Nodes.start(2, Fault.DOUBLED, kind -> false)) {
      DFutSystem here = nodes.a();
      here.scope(
          () -> {
            NodeId there = nodes.b().node();
            ActorHandle<Keeper> victim = here.actor(Keeper::new).on(there).create();
            victim.task(Keeper::drop).submit().get(BOUND);
            DFut<Void> killed = here.task(EveryMessage::kill).on(there).submit(victim);
            List<DFut<Void>> calls =
                Stream.generate(() -> victim.task(Keeper::drop).submit()).limit(count).toList();
            killed.get(BOUND);
            assertThat(here.await(calls, count, BOUND).ready()).hasSize(count);
          });
      nodes.haveNoLeaks(NO_LEAKS);
      assertThat(nodes.faults().seen(WorkerDied.class, nodes.back())).isLessThan(count / 50);
    }
  }
}
