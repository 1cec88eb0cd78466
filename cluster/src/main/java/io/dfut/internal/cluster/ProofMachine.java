package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.machine.Machine;
import java.time.Duration;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Who is dead beyond doubt, and whether this node may have it downed. Not thread-safe: driven by
 * the {@link Gateway}.
 *
 * <p><b>What is kept.</b> A case for each member that somebody has evidence against: who says what.
 * There are two kinds of evidence.
 *
 * <ul>
 *   <li><em>The lock is free.</em> The kernel of the dead node's own host says so, and it is true
 *       whoever tells it. Who hears of it says so to all, in its own name: that it <em>knows</em>.
 *   <li><em>The ports refuse.</em> True only for who has asked, at that moment: a live node may
 *       have closed them, or somebody between may refuse in its name. It lasts for {@link
 *       Timing#refusal}, is renewed by asking again, and nobody repeats another's. Who sees the
 *       node's lock held knows better, and neither says nor hears it.
 * </ul>
 *
 * A connection that breaks is no evidence, only a reason to ask.
 *
 * <p><b>When a node is downed.</b> Reports are votes of those who were connected after the death.
 * With <em>more than half of all voting members</em>, the dead one counted, any other part of a
 * split cluster is smaller than half, even if it still takes the dead one for one of its own: no
 * two parts go on. A free lock is enough as well when <em>every voter that is not proven dead</em>
 * knows of it: then there is no other part. So the survivor of two lives, and so do two of five
 * when the other three were killed together. Refusals are never enough for that: two nodes that
 * cannot reach each other would both think themselves the survivor.
 *
 * <p>Voters that are frozen or cut off do not vote, and are not counted out. Without a majority
 * nothing happens here: the failure detector and the split-brain resolver decide, as ever.
 *
 * <p><b>Which orders are possible.</b> Any: reports may be lost, since they are repeated until the
 * case is closed; repeated, since a vote counts once; late, since a case of an incarnation that is
 * gone is not opened again, and refusals expire. A vote of one who is proven dead itself does not
 * count. Members may come and go while a case is open: votes are counted over those of now.
 */
final class ProofMachine implements Machine<ProofInput, ProofEffect> {
  /** What a witness has. */
  enum Evidence {
    /** Its own eyes saw the lock free. */
    SEEN,
    /** Somebody told it that a lock was seen free. */
    HEARD,
    /** All ports of the node refused it just now. */
    REFUSED;

    boolean isProof() {
      return this != REFUSED;
    }
  }

  /**
   * @param pause between two reports of the same, and two questions to the same node
   * @param refusal how long one counts, and how long a node is asked that does not refuse
   */
  record Timing(Duration pause, Duration refusal) {}

  /** Incarnations that are gone and remembered. */
  static final int GONE_MAX = 1024;

  private record Vote(Evidence evidence, long atNanos) {}

  /** Evidence against one member, or the suspicion that there may be some. */
  private static final class Case {
    /** Added when heard or seen; a refusal is removed when it expires. */
    final Map<NodeId, Vote> votes = new LinkedHashMap<>();

    /** Whether this node asks its ports, again and again. */
    boolean suspected;

    /** Whether an answer is awaited. */
    boolean asking;

    long suspectedUntilNanos;
    long askAtNanos;
    long tellAtNanos;

    /** Whether it did not refuse this node when it was last asked. */
    boolean reached;

    boolean downed;

    boolean isProven() {
      return votes.values().stream().anyMatch(vote -> vote.evidence().isProof());
    }
  }

  private final NodeId self;
  private final long pauseNanos;
  private final long refusalNanos;

  /** Whether a member votes; this node included. */
  private Map<NodeId, Boolean> members = Map.of();

  /** Members whose lock this node watches. Added on LockWatched; removed when gone. */
  private final Set<NodeId> watched = new HashSet<>();

  /** Added with the first evidence or suspicion; removed when there is none left, or when gone. */
  private final Map<NodeId, Case> cases = new LinkedHashMap<>();

  /** No case is opened for them again. Added when gone; removed when too many, oldest first. */
  private final SequencedSet<NodeId> gone = new LinkedHashSet<>();

  ProofMachine(NodeId self, Timing timing) {
    this.self = self;
    pauseNanos = timing.pause().toNanos();
    refusalNanos = timing.refusal().toNanos();
  }

  @Override
  public void step(ProofInput input, long nowNanos, Consumer<? super ProofEffect> effects) {
    switch (input) {
      case ProofInput.MembersChanged(List<ProofInput.Member> now) -> onMembers(now);
      case ProofInput.Gone(NodeId node) -> onGone(node);
      case ProofInput.LockWatched(NodeId node) -> onWatched(node);
      case ProofInput.LockFree(NodeId node) -> {
        if (isInQuestion(node)) {
          know(node, Evidence.SEEN, nowNanos, effects);
        }
      }
      case ProofInput.LineBroke(NodeId node) -> suspect(node, nowNanos, effects);
      case ProofInput.Asked(NodeId node, boolean refused) ->
          onAsked(node, refused, nowNanos, effects);
      case ProofInput.Reported(NodeId by, NodeId of, Evidence evidence) ->
          onReported(by, of, evidence, nowNanos, effects);
      case ProofInput.Ticked() -> onTick(nowNanos, effects);
    }
    decide(nowNanos, effects);
  }

  /** Whether there can be a case of this node. */
  private boolean isInQuestion(NodeId node) {
    return members.containsKey(node) && !node.equals(self) && !gone.contains(node);
  }

  private void onMembers(List<ProofInput.Member> now) {
    Map<NodeId, Boolean> seen = new LinkedHashMap<>();
    now.forEach(member -> seen.put(member.node(), member.votes()));
    members = seen;
    cases.keySet().retainAll(members.keySet());
  }

  private void onGone(NodeId node) {
    gone.add(node);
    if (gone.size() > GONE_MAX) {
      gone.removeFirst();
    }
    cases.remove(node);
    watched.remove(node);
  }

  private void onWatched(NodeId node) {
    if (!gone.contains(node)) {
      watched.add(node);
      Case it = cases.get(node);
      if (it != null && !it.isProven()) {
        cases.remove(node); // refusals of a node that is seen to live
      }
    }
  }

  /** This node knows of a free lock. */
  private void know(
      NodeId node, Evidence how, long nowNanos, Consumer<? super ProofEffect> effects) {
    Case it = cases.computeIfAbsent(node, key -> new Case());
    Vote own = it.votes.get(self);
    if (own == null || own.evidence().compareTo(how) > 0) {
      it.votes.put(self, new Vote(how, nowNanos));
      it.suspected = false;
      tell(node, it, nowNanos, effects);
    }
  }

  private void onReported(
      NodeId by,
      NodeId of,
      Evidence evidence,
      long nowNanos,
      Consumer<? super ProofEffect> effects) {
    if (!isInQuestion(of) || !members.containsKey(by) || by.equals(of)) {
      return;
    }
    if (evidence.isProof()) {
      Case it = cases.computeIfAbsent(of, key -> new Case());
      it.votes.put(by, new Vote(evidence, nowNanos));
      know(of, Evidence.HEARD, nowNanos, effects);
    } else if (!watched.contains(of)) {
      Case it = cases.computeIfAbsent(of, key -> new Case());
      Vote before = it.votes.get(by);
      if (before == null || !before.evidence().isProof()) {
        it.votes.put(by, new Vote(evidence, nowNanos));
      }
      suspect(of, nowNanos, effects);
    }
  }

  /** Asks its ports for a while, unless this node has a better way to know. */
  private void suspect(NodeId node, long nowNanos, Consumer<? super ProofEffect> effects) {
    if (!isInQuestion(node) || watched.contains(node)) {
      return;
    }
    Case it = cases.computeIfAbsent(node, key -> new Case());
    if (it.suspected || it.isProven()) {
      return;
    }
    it.suspected = true;
    it.suspectedUntilNanos = nowNanos + refusalNanos;
    ask(node, it, effects);
  }

  private static void ask(NodeId node, Case it, Consumer<? super ProofEffect> effects) {
    if (!it.asking) {
      it.asking = true;
      effects.accept(new ProofEffect.Ask(node));
    }
  }

  private void onAsked(
      NodeId node, boolean refused, long nowNanos, Consumer<? super ProofEffect> effects) {
    Case it = cases.get(node);
    if (it == null) {
      return;
    }
    it.asking = false;
    it.askAtNanos = nowNanos + pauseNanos;
    if (!it.suspected) {
      return;
    }
    if (refused) {
      boolean first = it.votes.put(self, new Vote(Evidence.REFUSED, nowNanos)) == null;
      it.reached = false;
      it.suspectedUntilNanos = nowNanos + refusalNanos;
      if (first) {
        tell(node, it, nowNanos, effects);
      }
    } else {
      it.votes.remove(self);
      it.reached = true;
      if (nowNanos - it.suspectedUntilNanos >= 0) {
        it.suspected = false;
        effects.accept(new ProofEffect.OpenLine(node));
      }
    }
  }

  private void tell(NodeId node, Case it, long nowNanos, Consumer<? super ProofEffect> effects) {
    it.tellAtNanos = nowNanos + pauseNanos;
    Evidence own = it.votes.get(self).evidence();
    for (NodeId to : members.keySet()) {
      if (!to.equals(self) && !to.equals(node) && !isProvenDead(to)) {
        effects.accept(new ProofEffect.Tell(to, node, own));
      }
    }
  }

  private boolean isProvenDead(NodeId node) {
    Case it = cases.get(node);
    return it != null && it.isProven();
  }

  private void onTick(long nowNanos, Consumer<? super ProofEffect> effects) {
    Iterator<Map.Entry<NodeId, Case>> open = cases.entrySet().iterator();
    while (open.hasNext()) {
      Map.Entry<NodeId, Case> entry = open.next();
      Case it = entry.getValue();
      it.votes
          .values()
          .removeIf(
              vote -> !vote.evidence().isProof() && nowNanos - vote.atNanos() >= refusalNanos);
      if (it.suspected && !it.asking && nowNanos - it.askAtNanos >= 0) {
        ask(entry.getKey(), it, effects);
      }
      if (it.votes.containsKey(self) && nowNanos - it.tellAtNanos >= 0) {
        tell(entry.getKey(), it, nowNanos, effects);
      }
      if (it.votes.isEmpty() && !it.suspected && !it.asking) {
        open.remove();
      }
    }
  }

  private void decide(long nowNanos, Consumer<? super ProofEffect> effects) {
    if (cases.isEmpty()) {
      return;
    }
    Set<NodeId> voters = new HashSet<>();
    members.forEach(
        (node, votes) -> {
          if (votes) {
            voters.add(node);
          }
        });
    Set<NodeId> living = new HashSet<>(voters);
    living.removeIf(this::isProvenDead);
    cases.forEach(
        (node, it) -> {
          if (!it.downed && isDown(node, it, voters.size(), living, nowNanos)) {
            it.downed = true;
            effects.accept(
                new ProofEffect.Down(
                    node,
                    it.isProven()
                        ? "it was killed, or crashed: the lock that its process held is free"
                        : "it does not run any more: its ports refuse connections from most"
                            + " nodes"));
          }
        });
  }

  /** Whether enough of the others know, see above. */
  private boolean isDown(NodeId node, Case it, int voters, Set<NodeId> living, long nowNanos) {
    boolean proven = it.isProven();
    Set<NodeId> agreed = new HashSet<>(living);
    agreed.removeIf(
        voter -> {
          Vote vote = it.votes.get(voter);
          return voter.equals(node)
              || vote == null
              || (!vote.evidence().isProof()
                  && (proven || nowNanos - vote.atNanos() >= refusalNanos));
        });
    if (2 * agreed.size() > voters) {
      return proven || !it.reached;
    }
    return proven && !agreed.isEmpty() && agreed.containsAll(living);
  }
}
