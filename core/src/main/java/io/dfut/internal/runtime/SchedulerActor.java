package io.dfut.internal.runtime;

import io.dfut.internal.lease.LeaseEffect;
import io.dfut.internal.lease.LeaseInput;
import io.dfut.internal.lease.LeaseMachine;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.task.Failure;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.apache.pekko.actor.NoSerializationVerificationNeeded;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node's scheduler: a typed Pekko actor around the {@link LeaseMachine}, which stands behind a
 * combining {@link Inbox} as a worker's table does. Thread-safe.
 */
final class SchedulerActor {
  private static final Logger LOG = LoggerFactory.getLogger(SchedulerActor.class);

  /** What the actor is told. */
  enum Command implements NoSerializationVerificationNeeded {
    /** The inbox's turn became long: go on. */
    DRAIN,
    /** Time to look after what waits. */
    TICK,
    STOP
  }

  /** Different shapes that are warned of; the failures of more are seen by those who get them. */
  private static final int WARNINGS_MAX = 100;

  private final NodeRuntime node;
  private final LeaseMachine machine;

  /** What was warned of. Used by whoever has the inbox's turn. */
  private final Set<String> warned = new HashSet<>();

  private final Inbox<Object> inbox;
  private volatile ActorRef<Command> self;

  SchedulerActor(NodeRuntime node, LeaseMachine machine) {
    this.node = node;
    this.machine = machine;
    this.inbox = new Inbox<>(this::step, () -> self.tell(Command.DRAIN));
  }

  Behavior<Command> behavior(Duration tick) {
    return Behaviors.setup(
        actor -> {
          self = actor.getSelf();
          return Behaviors.withTimers(
              timers -> {
                timers.startTimerWithFixedDelay(Command.TICK, tick);
                return Behaviors.receiveMessage(
                    command -> {
                      switch (command) {
                        case DRAIN -> inbox.drain();
                        case TICK -> inbox.post(new LeaseInput.Tick(node.store().roomBytes()));
                        case STOP -> {
                          return Behaviors.stopped();
                        }
                      }
                      return Behaviors.same();
                    });
              });
        });
  }

  void start(ActorRef<Command> spawned) {
    self = spawned;
  }

  void post(SchedulerMessage message) {
    inbox.post(new LeaseInput.Received(message));
  }

  void post(LeaseInput input) {
    inbox.post(input);
  }

  void stop() {
    self.tell(Command.STOP);
  }

  <R> CompletableFuture<R> ask(Function<LeaseMachine, R> question) {
    CompletableFuture<R> answer = new CompletableFuture<>();
    Runnable look = () -> answer.complete(question.apply(machine));
    inbox.post(look);
    return answer;
  }

  private void step(Object input) {
    try {
      if (input instanceof LeaseInput happened) {
        machine.step(happened, System.nanoTime(), this::perform);
      } else {
        ((Runnable) input).run();
      }
    } catch (RuntimeException e) {
      LOG.error("the scheduler of node {} broke on {}: the node stops", node.self(), input, e);
      node.broken("its scheduler broke: " + e);
    }
  }

  /** What no node can hold is worth a warning, once: the failures themselves are the tasks'. */
  private void warn(Failure why) {
    if (why.kind() == Failure.Kind.INFEASIBLE
        && warned.size() < WARNINGS_MAX
        && warned.add(why.message())) {
      LOG.warn("tasks fail: {}", why.message());
    }
  }

  private void perform(LeaseEffect effect) {
    switch (effect) {
      case LeaseEffect.Tell(io.dfut.WorkerId owner, WorkerMessage message) -> {
        if (message instanceof WorkerMessage.LeaseRefused refused) {
          warn(refused.failure());
        }
        node.send(node.nodeWorker(), owner, message);
      }
      case LeaseEffect.StartWorker start ->
          post(new LeaseInput.WorkerReady(node.startPoolWorker()));
      case LeaseEffect.RetireWorker(io.dfut.WorkerId worker) -> node.retire(worker);
      case LeaseEffect.EndActor(io.dfut.WorkerId worker, String reason) ->
          node.send(node.nodeWorker(), worker, new WorkerMessage.EndActor(reason, false));
      case LeaseEffect.Resume(io.dfut.WorkerId worker, io.dfut.internal.protocol.LeaseId lease) ->
          node.resume(worker, lease);
      case LeaseEffect.Publish(SchedulerMessage.NodeLoad load) ->
          node.broadcast(new NodeMessage.ToScheduler(load));
    }
  }
}
