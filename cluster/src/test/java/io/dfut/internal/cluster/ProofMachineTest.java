package io.dfut.internal.cluster;

import static io.dfut.internal.cluster.ProofMachine.Evidence.HEARD;
import static io.dfut.internal.cluster.ProofMachine.Evidence.REFUSED;
import static io.dfut.internal.cluster.ProofMachine.Evidence.SEEN;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.NodeId;
import io.dfut.internal.cluster.ProofInput.Asked;
import io.dfut.internal.cluster.ProofInput.Gone;
import io.dfut.internal.cluster.ProofInput.LineBroke;
import io.dfut.internal.cluster.ProofInput.LockFree;
import io.dfut.internal.cluster.ProofInput.LockWatched;
import io.dfut.internal.cluster.ProofInput.Member;
import io.dfut.internal.cluster.ProofInput.MembersChanged;
import io.dfut.internal.cluster.ProofInput.Reported;
import io.dfut.internal.cluster.ProofInput.Ticked;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ProofMachineTest {
  private static final NodeId US = new NodeId("10.0.0.1", 25_520, 1);
  private static final NodeId B = new NodeId("10.0.0.2", 25_520, 2);
  private static final NodeId C = new NodeId("10.0.0.3", 25_520, 3);
  private static final NodeId D = new NodeId("10.0.0.4", 25_520, 4);
  private static final NodeId E = new NodeId("10.0.0.5", 25_520, 5);
  private static final NodeId DRIVER = new NodeId("10.0.0.9", 25_520, 9);

  private static final long PAUSE = Duration.ofMillis(100).toNanos();
  private static final long REFUSAL = Duration.ofSeconds(1).toNanos();

  private final ProofMachine machine =
      new ProofMachine(
          US, new ProofMachine.Timing(Duration.ofNanos(PAUSE), Duration.ofNanos(REFUSAL)));
  private long nowNanos = Long.MAX_VALUE - 10; // clocks may start anywhere, and wrap

  private List<ProofEffect> step(ProofInput input) {
    List<ProofEffect> effects = new ArrayList<>();
    machine.step(input, nowNanos, effects::add);
    return effects;
  }

  private void members(NodeId... nodes) {
    assertThat(
            step(
                new MembersChanged(
                    Stream.of(nodes).map(node -> new Member(node, !node.equals(DRIVER))).toList())))
        .isEmpty();
  }

  private List<ProofEffect> tick(long nanos) {
    nowNanos += nanos;
    return step(new Ticked());
  }

  private static List<NodeId> downed(List<ProofEffect> effects) {
    return effects.stream()
        .flatMap(effect -> effect instanceof ProofEffect.Down down ? Stream.of(down.node()) : null)
        .toList();
  }

  private static ProofEffect tell(NodeId to, NodeId of, ProofMachine.Evidence evidence) {
    return new ProofEffect.Tell(to, of, evidence);
  }

  // ---- locks ----

  @Test
  void theSurvivorOfTwoActsAlone() {
    members(US, B);

    assertThat(downed(step(new LockFree(B)))).containsExactly(B);
    assertThat(downed(tick(PAUSE))).as("said once").isEmpty();
  }

  @Test
  void aFreeLockIsToldToAllAndActedOnWhenTheMajorityKnows() {
    members(US, B, C, D, DRIVER);

    assertThat(step(new LockFree(D)))
        .containsExactly(tell(B, D, SEEN), tell(C, D, SEEN), tell(DRIVER, D, SEEN));
    assertThat(downed(step(new Reported(DRIVER, D, SEEN)))).as("drivers do not vote").isEmpty();
    assertThat(downed(step(new Reported(B, D, HEARD)))).as("two of four").isEmpty();
    assertThat(downed(step(new Reported(B, D, SEEN)))).as("the same vote again").isEmpty();
    assertThat(downed(step(new Reported(C, D, HEARD)))).as("three of four").containsExactly(D);
  }

  @Test
  void whoHearsOfAFreeLockKnowsAndSaysSo() {
    members(US, B, C);

    assertThat(step(new Reported(B, C, SEEN)))
        .containsExactly(
            tell(B, C, HEARD),
            new ProofEffect.Down(
                C, "it was killed, or crashed: the lock that its process held is free"));
  }

  @Test
  void reportsAreRepeatedUntilTheNodeIsGone() {
    members(US, B, C, D);
    step(new LockFree(D));

    assertThat(tick(PAUSE - 1)).isEmpty();
    assertThat(tick(1)).containsExactly(tell(B, D, SEEN), tell(C, D, SEEN));
    step(new Gone(D));
    assertThat(tick(PAUSE)).isEmpty();
    assertThat(step(new Reported(B, D, SEEN))).as("a late report").isEmpty();
    assertThat(step(new LockFree(D))).isEmpty();
  }

  @Test
  void severalThatDieTogetherAreNotWaitedFor() {
    members(US, B, C, D, E);
    step(new LockFree(C));
    step(new LockFree(D));
    assertThat(downed(step(new LockFree(E)))).as("B is alive and has not spoken").isEmpty();
    step(new Reported(B, C, SEEN));
    step(new Reported(B, D, SEEN));

    assertThat(downed(step(new Reported(B, E, HEARD)))).containsExactly(E);
  }

  @Test
  void withTheLastOfTheDeadAllAreDowned() {
    members(US, B, C);
    step(new LockFree(B));

    assertThat(downed(step(new LockFree(C)))).containsExactly(B, C);
  }

  @Test
  void theVoteOfOneWhoDiedItselfDoesNotCount() {
    members(US, B, C, D, E);
    step(new LockFree(E));
    step(new Reported(D, E, SEEN));
    step(new LockFree(D));

    assertThat(downed(step(new Reported(B, E, HEARD)))).as("two of five that live").isEmpty();
    assertThat(downed(step(new Reported(C, E, HEARD)))).containsExactly(E);
  }

  @Test
  void aMinorityDoesNothingHoweverManyItsProofs() {
    members(US, B, C, D, E);
    step(new LockFree(E));
    step(new LockFree(D));

    // B and C are cut off: they may go on without us, and take D and E for their own still.
    for (int i = 0; i < 100; i++) {
      assertThat(downed(tick(PAUSE))).isEmpty();
    }
  }

  @Test
  void aDriverActsOnTheVotesOfTheNodesOnly() {
    ProofMachine driver =
        new ProofMachine(
            DRIVER, new ProofMachine.Timing(Duration.ofNanos(PAUSE), Duration.ofNanos(REFUSAL)));
    List<ProofEffect> effects = new ArrayList<>();
    for (ProofInput input :
        List.of(
            new MembersChanged(
                List.of(new Member(B, true), new Member(C, true), new Member(DRIVER, false))),
            new LockFree(C))) {
      driver.step(input, nowNanos, effects::add);
    }
    assertThat(effects).containsExactly(tell(B, C, SEEN));
    driver.step(new Reported(B, C, HEARD), nowNanos, effects::add);
    assertThat(downed(effects)).containsExactly(C);
  }

  @Test
  void aDeadDriverIsDownedByTheNodes() {
    members(US, B, C, DRIVER);
    step(new LockFree(DRIVER));

    assertThat(downed(step(new Reported(C, DRIVER, HEARD)))).containsExactly(DRIVER);
  }

  @Test
  void nobodyIsBelievedWhoIsNoMemberAndNothingOfOneWhoIsNone() {
    members(US, B);

    assertThat(step(new Reported(C, B, SEEN))).isEmpty();
    assertThat(step(new Reported(B, C, SEEN))).isEmpty();
    assertThat(step(new Reported(B, US, SEEN))).isEmpty();
    assertThat(step(new LockFree(C))).isEmpty();
  }

  @Test
  void votesAreCountedOverTheMembersOfNow() {
    members(US, B, C, D);
    step(new LockFree(D));
    step(new Reported(B, D, HEARD));
    List<ProofEffect> effects = new ArrayList<>();
    machine.step(
        new MembersChanged(List.of(new Member(US, true), new Member(B, true), new Member(D, true))),
        nowNanos,
        effects::add);

    assertThat(downed(effects)).as("C has left").containsExactly(D);
  }

  // ---- ports ----

  @Test
  void aBrokenConnectionIsOnlyAReasonToAsk() {
    members(US, B, C);

    assertThat(step(new LineBroke(C))).containsExactly(new ProofEffect.Ask(C));
    assertThat(step(new Asked(C, false))).isEmpty();
    assertThat(tick(PAUSE)).as("it is asked again").containsExactly(new ProofEffect.Ask(C));
    nowNanos += REFUSAL;
    assertThat(step(new Asked(C, false))).containsExactly(new ProofEffect.OpenLine(C));
    assertThat(tick(PAUSE)).as("it is trusted again").isEmpty();
  }

  @Test
  void refusalsOfTheMajorityAreEnough() {
    members(US, B, C);
    step(new LineBroke(C));

    assertThat(step(new Asked(C, true))).containsExactly(tell(B, C, REFUSED));
    assertThat(downed(step(new Reported(B, C, REFUSED)))).containsExactly(C);
  }

  @Test
  void refusalsProveNothingBetweenTwo() {
    members(US, B);
    step(new LineBroke(B));

    assertThat(step(new Asked(B, true))).isEmpty();
    for (int i = 0; i < 100; i++) {
      assertThat(downed(tick(PAUSE))).isEmpty();
      assertThat(downed(step(new Asked(B, true)))).isEmpty();
    }
  }

  @Test
  void whoHearsOfARefusalAsksForItself() {
    members(US, B, C, D, E);

    assertThat(step(new Reported(B, E, REFUSED)))
        .as("it does not repeat what it has not seen")
        .containsExactly(new ProofEffect.Ask(E));
    assertThat(step(new Asked(E, false))).isEmpty();
  }

  @Test
  void refusalsOfAllThatAreLeftAreNotEnough() {
    members(US, B, DRIVER);
    step(new LockFree(B));
    step(new LineBroke(DRIVER));

    assertThat(downed(step(new Asked(DRIVER, true)))).as("one of two").isEmpty();
    step(new Gone(B));
    assertThat(
            downed(
                step(new MembersChanged(List.of(new Member(US, true), new Member(DRIVER, false))))))
        .as("one of one")
        .containsExactly(DRIVER);
  }

  @Test
  void aRefusalExpires() {
    members(US, B, C);
    step(new Reported(B, C, REFUSED));
    nowNanos += REFUSAL;

    assertThat(downed(step(new Asked(C, true)))).as("B has not repeated it").isEmpty();
    assertThat(downed(step(new Reported(B, C, REFUSED)))).containsExactly(C);
  }

  @Test
  void whoReachesTheNodeDoesNotActOnTheRefusalsOfOthers() {
    members(US, B, C, D);
    step(new Reported(B, D, REFUSED));
    step(new Asked(D, false));

    assertThat(downed(step(new Reported(C, D, REFUSED)))).isEmpty();
    assertThat(downed(step(new Reported(B, D, REFUSED)))).isEmpty();
  }

  @Test
  void whoSeesTheLockHeldKnowsBetterThanAnyPort() {
    members(US, B, C, D, E);
    step(new Reported(B, E, REFUSED));
    step(new LockWatched(E));

    assertThat(step(new LineBroke(E))).isEmpty();
    for (NodeId by : List.of(B, C, D)) {
      assertThat(step(new Reported(by, E, REFUSED))).isEmpty();
    }
    assertThat(step(new LockFree(E))).contains(tell(B, E, SEEN));
  }

  @Test
  void aFreeLockIsWorthMoreThanRefusals() {
    members(US, B, C);
    step(new LineBroke(C));
    step(new Asked(C, true));

    assertThat(step(new Reported(B, C, SEEN)))
        .startsWith(tell(B, C, HEARD))
        .hasAtLeastOneElementOfType(ProofEffect.Down.class);
    assertThat(tick(PAUSE)).as("ports are not asked any more").containsExactly(tell(B, C, HEARD));
  }

  @Test
  void refusalsAloneAreNoReasonNotToWaitForTheOthers() {
    members(US, B, C, D, E);
    for (NodeId dead : List.of(C, D, E)) {
      step(new LineBroke(dead));
      step(new Asked(dead, true));
      assertThat(downed(step(new Reported(B, dead, REFUSED)))).as("two of five").isEmpty();
    }
  }
}
