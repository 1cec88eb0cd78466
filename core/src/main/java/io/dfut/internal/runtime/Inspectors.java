package io.dfut.internal.runtime;

import io.dfut.ClusterInspection;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.spi.PeerInfo;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks into other nodes, and lets them look into this one. Thread-safe. */
final class Inspectors {
  private static final Logger LOG = LoggerFactory.getLogger(Inspectors.class);

  /** Of somebody who looks again at one node. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private record Question(NodeId node, CompletableFuture<Inspection> answer) {}

  private final NodeRuntime node;
  private final AtomicLong lastQuestion = new AtomicLong();

  /** Added when a node is asked; removed by its answer, or when nobody waits any more. */
  private final Map<Long, Question> questions = new ConcurrentHashMap<>();

  Inspectors(NodeRuntime node) {
    this.node = node;
  }

  /** Asks everybody at once. */
  ClusterInspection cluster(Duration patience) {
    Map<Long, Question> asked = new HashMap<>();
    for (PeerInfo peer : node.peers()) {
      long number = lastQuestion.incrementAndGet();
      Question question = new Question(peer.node(), new CompletableFuture<>());
      asked.put(number, question);
      questions.put(number, question);
      node.sendTo(peer.node(), new NodeMessage.Inspect(number));
    }
    SortedMap<NodeId, Inspection> nodes = new TreeMap<>();
    SortedSet<NodeId> silent = new TreeSet<>();
    nodes.put(node.self(), node.inspect());
    try {
      long deadline = System.nanoTime() + patience.toNanos();
      for (Question question : asked.values()) {
        try {
          long left = Math.max(0, deadline - System.nanoTime());
          nodes.put(question.node(), question.answer().get(left, TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
          silent.add(question.node());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while looking into other nodes", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } finally {
      questions.keySet().removeAll(asked.keySet());
    }
    return new ClusterInspection(nodes, silent, () -> cluster(patience));
  }

  /** Looks into this node, for another. It waits for tables, so not on the calling thread. */
  void answer(NodeId asker, NodeMessage.Inspect question) {
    Thread.ofVirtual()
        .start(
            () -> {
              Inspection found;
              try {
                found = node.inspect();
              } catch (IllegalStateException e) {
                LOG.debug("{} could not look into itself for {}", node.self(), asker, e);
                return; // it counts as silent
              }
              node.sendTo(
                  asker,
                  new NodeMessage.Inspected(
                      question.question(),
                      found.rows(),
                      found.pending(),
                      found.attempts(),
                      found.leases(),
                      found.actors(),
                      found.store(),
                      found.tasksRun()));
            });
  }

  void answered(NodeId from, NodeMessage.Inspected answer) {
    Question question = questions.remove(answer.question());
    if (question == null || !question.node().equals(from)) {
      LOG.debug("{} answered question {}, which nobody waits for", from, answer.question());
      return;
    }
    question
        .answer()
        .complete(
            new Inspection(
                from,
                answer.rows(),
                answer.pending(),
                answer.attempts(),
                answer.leases(),
                answer.actors(),
                answer.store(),
                answer.tasksRun(),
                () -> again(from)));
  }

  private Inspection again(NodeId from) {
    Inspection found = cluster(PATIENCE).nodes().get(from);
    if (found == null) {
      throw new IllegalStateException(
          "node " + from + " does not answer any more; it may have left the cluster");
    }
    return found;
  }
}
