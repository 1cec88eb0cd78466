package io.dfut.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.NodeId;
import io.dfut.internal.cluster.ProofInput.Member;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * A cluster of proof machines with their hosts, in one thread from one seed: nodes are killed and
 * frozen, reports are lost and late, hosts are cut off from each other, live nodes close their
 * ports. Whatever happens, nobody alive is downed by a proof; and never can two parts of a split
 * cluster both think that they may go on, even if the resolver of each still counts those of its
 * own dead as present that died after the split. What can be proven is. {@code -Ddfut.sim.seed}
 * replays.
 */
class ProofSimTest {
  private static final Long SEED = Long.getLong("dfut.sim.seed");
  private static final int SEEDS = 4_000;

  private static final long MILLI = 1_000_000;
  private static final long PAUSE_MILLIS = 100;
  private static final long REFUSAL_MILLIS = 1_000;
  private static final long POLL_MILLIS = 20;

  private record Event(long atMillis, long number, Runnable what) {}

  /** One node, its host's view of it, and what the cluster shows it. */
  private final class Node {
    final NodeId id;
    final int host;
    final boolean votes;
    final ProofMachine machine;

    /** Members it does not see any more: downed by itself or by gossip. */
    final Set<Node> downed = new LinkedHashSet<>();

    boolean alive = true;
    boolean frozen;

    /** One that its ports refuse, though it lives. */
    Node refuses;

    long diedAtMillis = -1;

    Node(int number, int host, boolean votes) {
      id = new NodeId("10.0.0." + host, 25_520 + number, number + 1);
      this.host = host;
      this.votes = votes;
      machine =
          new ProofMachine(
              id,
              new ProofMachine.Timing(
                  Duration.ofMillis(PAUSE_MILLIS), Duration.ofMillis(REFUSAL_MILLIS)));
    }

    boolean runs() {
      return alive && !frozen;
    }

    void step(ProofInput input) {
      if (!alive) {
        return;
      }
      if (frozen) {
        at(50, () -> step(input)); // it comes when it is thawed
        return;
      }
      List<ProofEffect> effects = new ArrayList<>();
      machine.step(input, start + nowMillis * MILLI, effects::add);
      effects.forEach(this::carryOut);
    }

    private void carryOut(ProofEffect effect) {
      switch (effect) {
        case ProofEffect.Tell(NodeId to, NodeId of, ProofMachine.Evidence evidence) ->
            send(this, node(to), () -> node(to).step(new ProofInput.Reported(id, of, evidence)));
        case ProofEffect.Ask(NodeId of) -> ask(this, node(of));
        case ProofEffect.OpenLine(NodeId to) -> {
          // lines are not modelled but for their breaking
        }
        case ProofEffect.Down(NodeId dead, String proof) -> down(node(dead));
      }
    }

    void down(Node dead) {
      assertThat(dead.alive).as("%s downs %s, which lives", id, dead.id).isFalse();
      seeDowned(dead);
    }

    private void seeDowned(Node dead) {
      if (downed.add(dead)) {
        showMembers();
        step(new ProofInput.Gone(dead.id));
        nodes.stream().filter(other -> other != this).forEach(other -> gossip(other, dead));
      }
    }

    /** Gossip is repeated until it is heard. */
    private void gossip(Node other, Node dead) {
      at(
          1 + random.nextInt(400),
          () -> {
            if (alive && other.runs() && connected(this, other)) {
              other.seeDowned(dead);
            } else if (alive && other.alive && !other.downed.contains(dead)) {
              gossip(other, dead);
            }
          });
    }

    void showMembers() {
      step(
          new ProofInput.MembersChanged(
              nodes.stream()
                  .filter(node -> !downed.contains(node))
                  .map(node -> new Member(node.id, node.votes))
                  .toList()));
    }
  }

  private Random random;
  private long start;
  private long nowMillis;
  private long events;
  private PriorityQueue<Event> queue;
  private List<Node> nodes;

  /** Which hosts are on the first side of the cut; null while there is none. */
  private Set<Integer> side;

  private long cutAtMillis;
  private int losses; // of a hundred
  private boolean locks;

  private void at(long delayMillis, Runnable what) {
    queue.add(new Event(nowMillis + delayMillis, events++, what));
  }

  private Node node(NodeId id) {
    return nodes.stream().filter(node -> node.id.equals(id)).findFirst().orElseThrow();
  }

  private boolean connected(Node a, Node b) {
    return side == null || side.contains(a.host) == side.contains(b.host);
  }

  private void send(Node from, Node to, Runnable arrives) {
    if (random.nextInt(100) >= losses) {
      at(
          1 + random.nextInt(30),
          () -> {
            if (connected(from, to)) {
              arrives.run();
            }
          });
    }
  }

  private void ask(Node asker, Node asked) {
    boolean refused = connected(asker, asked) && (!asked.alive || asked.refuses == asker);
    at(
        refused ? 1 + random.nextInt(20) : 1 + random.nextInt((int) REFUSAL_MILLIS / 2),
        () -> asker.step(new ProofInput.Asked(asked.id, refused)));
  }

  private void breakLines(Node node) {
    for (Node other : nodes) {
      if (other != node && !watches(other, node)) {
        at(random.nextInt(20), () -> other.step(new ProofInput.LineBroke(node.id)));
      }
    }
  }

  private boolean watches(Node watcher, Node watched) {
    return locks && watcher.host == watched.host;
  }

  private void kill(Node node) {
    if (node.alive) {
      node.alive = false;
      node.diedAtMillis = nowMillis;
      breakLines(node);
      for (Node other : nodes) {
        if (other != node && watches(other, node)) {
          at(
              1 + random.nextInt((int) POLL_MILLIS),
              () -> other.step(new ProofInput.LockFree(node.id)));
        }
      }
    }
  }

  private void cut(int hosts) {
    if (side == null) {
      side = new HashSet<>();
      for (int host = 0; host < hosts; host++) {
        if (random.nextBoolean()) {
          side.add(host);
        }
      }
      cutAtMillis = nowMillis;
      for (Node a : nodes) {
        for (Node b : nodes) {
          if (!connected(a, b)) {
            a.step(new ProofInput.LineBroke(b.id));
          }
        }
      }
    }
  }

  @Test
  void nobodyAliveIsDownedAndNeverDoTwoPartsGoOn() {
    System.out.println("seeds " + (SEED != null ? SEED : "1 to " + SEEDS));
    int downs = 0;
    for (long seed = SEED != null ? SEED : 1; seed <= (SEED != null ? SEED : SEEDS); seed++) {
      try {
        downs += run(seed);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + e, e);
      }
    }
    assertThat(downs).as("deaths that were proven").isPositive();
  }

  private int run(long seed) {
    random = new Random(seed);
    start = random.nextLong();
    nowMillis = 0;
    events = 0;
    queue =
        new PriorityQueue<>(
            Comparator.comparingLong(Event::atMillis).thenComparingLong(Event::number));
    nodes = new ArrayList<>();
    side = null;
    cutAtMillis = Long.MAX_VALUE;
    losses = random.nextInt(3) * 15;
    locks = random.nextInt(4) != 0;
    int hosts = 1 + random.nextInt(4);
    int voters = 1 + random.nextInt(6);
    int drivers = random.nextInt(3);
    for (int i = 0; i < voters + drivers; i++) {
      nodes.add(new Node(i, random.nextInt(hosts), i < voters));
    }
    nodes.forEach(Node::showMembers);
    for (Node watcher : nodes) {
      for (Node watched : nodes) {
        if (watcher != watched && watches(watcher, watched)) {
          watcher.step(new ProofInput.LockWatched(watched.id));
        }
      }
    }
    boolean quiet = random.nextBoolean(); // kills only
    int faults = 1 + random.nextInt(5);
    for (int i = 0; i < faults; i++) {
      Node victim = nodes.get(random.nextInt(nodes.size()));
      int kind = quiet ? 0 : random.nextInt(8);
      at(
          random.nextInt(500),
          () -> {
            switch (kind) {
              case 0, 1, 2, 3 -> kill(victim);
              case 4 -> {
                victim.frozen = true;
                at(random.nextInt(1_500), () -> victim.frozen = false);
              }
              case 5, 6 -> cut(hosts);
              default -> closePorts(victim);
            }
          });
    }
    for (long tick = 1; tick < 3_000; tick += 50) {
      at(tick, () -> nodes.forEach(node -> node.step(new ProofInput.Ticked())));
    }
    while (!queue.isEmpty() && queue.peek().atMillis() <= 3_000) {
      Event next = queue.poll();
      nowMillis = next.atMillis();
      next.what().run();
    }
    checkThatOnePartGoesOn();
    if (quiet) {
      checkThatWhatCanBeProvenIs();
    }
    return (int)
        nodes.stream().filter(node -> node.alive).flatMap(node -> node.downed.stream()).count();
  }

  /** One asker is no majority, as long as the victim has a vote itself. */
  private void closePorts(Node victim) {
    Node refused = nodes.get(random.nextInt(nodes.size()));
    if (victim.alive && victim.votes && refused != victim && !watches(refused, victim)) {
      victim.refuses = refused;
      refused.step(new ProofInput.LineBroke(victim.id));
    }
  }

  /** What keep-majority decides on each side, at its worst. */
  private void checkThatOnePartGoesOn() {
    Set<Integer> first = side == null ? Set.of() : side;
    List<List<Node>> parts =
        Stream.of(true, false)
            .map(
                inside ->
                    nodes.stream().filter(node -> first.contains(node.host) == inside).toList())
            .toList();
    long goOn = parts.stream().filter(this::mayGoOn).count();
    assertThat(goOn).as("parts that go on, cut by %s", side).isLessThanOrEqualTo(1);
  }

  private boolean mayGoOn(List<Node> part) {
    return part.stream()
        .filter(node -> node.alive && node.votes)
        .anyMatch(one -> goesOn(one, part));
  }

  private boolean goesOn(Node one, List<Node> part) {
    List<Node> members =
        nodes.stream().filter(node -> node.votes && !one.downed.contains(node)).toList();
    Set<Node> present = new HashSet<>();
    for (Node member : members) {
      // One that died before the cut is silent for longer than the others, and known to be.
      if (part.contains(member) && (member.alive || member.diedAtMillis >= cutAtMillis)) {
        present.add(member);
      }
    }
    int absent = members.size() - present.size();
    if (present.size() != absent) {
      return present.size() > absent;
    }
    return present.contains(
        members.stream().min(Comparator.comparing(node -> node.id.incarnation())).orElseThrow());
  }

  private void checkThatWhatCanBeProvenIs() {
    List<Node> living = nodes.stream().filter(node -> node.alive).toList();
    long livingVoters = living.stream().filter(node -> node.votes).count();
    if (livingVoters == 0) {
      return;
    }
    long voters = nodes.stream().filter(node -> node.votes).count();
    for (Node dead : nodes) {
      if (!dead.alive && nowMillis - dead.diedAtMillis > 2_500) {
        boolean seen = living.stream().anyMatch(node -> watches(node, dead));
        boolean mustBe =
            seen
                && (2 * livingVoters > voters
                    || nodes.stream()
                        .filter(node -> !node.alive && node.votes)
                        .allMatch(other -> living.stream().anyMatch(node -> watches(node, other))));
        boolean refused = !seen && 2 * livingVoters > voters;
        if (mustBe || refused) {
          for (Node node : living) {
            assertThat(node.downed).as("what %s has downed", node.id).contains(dead);
          }
        }
      }
    }
  }
}
