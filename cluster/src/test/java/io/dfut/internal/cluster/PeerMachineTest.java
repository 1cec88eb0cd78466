package io.dfut.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.NodeId;
import io.dfut.internal.api.Resources;
import io.dfut.internal.cluster.PeerInput.Member;
import io.dfut.internal.cluster.PeerInput.Role;
import io.dfut.internal.protocol.SchedulerMessage.NodeLoad;
import io.dfut.internal.spi.PeerInfo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PeerMachineTest {
  private static final NodeId US = new NodeId("10.0.0.1", 25_520, 1);
  private static final NodeId OLDER = new NodeId("10.0.0.2", 25_520, 2);
  private static final NodeId YOUNGER = new NodeId("10.0.0.3", 25_520, 3);
  private static final long PAUSE = Duration.ofMillis(100).toNanos();

  private final PeerMachine machine = new PeerMachine(US, PAUSE);
  private long nowNanos = Long.MAX_VALUE - 10; // clocks may start anywhere, and wrap

  private List<PeerEffect> step(PeerInput input) {
    List<PeerEffect> effects = new ArrayList<>();
    machine.step(input, nowNanos, effects::add);
    return effects;
  }

  private static PeerInfo info(NodeId node, boolean offersWork) {
    return new PeerInfo(
        node,
        offersWork,
        Optional.empty(),
        new NodeLoad(node, 1, Resources.ONE_CPU, Resources.ONE_CPU, 0, 1));
  }

  private static Member node(NodeId node) {
    return new Member(node, Role.NODE);
  }

  private void begin() {
    step(new PeerInput.Begun(info(US, true)));
  }

  private List<PeerEffect> see(Member... oldestFirst) {
    return step(new PeerInput.MembersChanged(List.of(oldestFirst)));
  }

  @Test
  void nobodyIsToldAnythingBeforeTheRuntimeListens() {
    assertThat(see(node(OLDER), node(US))).isEmpty();
    assertThat(step(new PeerInput.Greeted(info(OLDER, true)))).isEmpty();

    assertThat(step(new PeerInput.Begun(info(US, true))))
        .containsExactly(
            new PeerEffect.SayHello(OLDER),
            new PeerEffect.AnnounceUp(info(OLDER, true)),
            new PeerEffect.SayWelcome(OLDER),
            new PeerEffect.AnnounceDirectory(OLDER));
  }

  @Test
  void aPeerIsAnnouncedBeforeItMaySendAndSentToOnlyWhenItKnowsUs() {
    begin();
    see(node(US), node(YOUNGER));

    assertThat(step(new PeerInput.Greeted(info(YOUNGER, true))))
        .containsExactly(
            new PeerEffect.AnnounceUp(info(YOUNGER, true)), new PeerEffect.SayWelcome(YOUNGER));
    assertThat(step(new PeerInput.Welcomed(info(YOUNGER, true))))
        .containsExactly(new PeerEffect.OpenOutbox(YOUNGER));
  }

  @Test
  void aWelcomeThatOvertakesTheHelloIsEnoughToMeet() {
    begin();
    see(node(US), node(YOUNGER));

    assertThat(step(new PeerInput.Welcomed(info(YOUNGER, true))))
        .containsExactly(
            new PeerEffect.AnnounceUp(info(YOUNGER, true)), new PeerEffect.OpenOutbox(YOUNGER));
    assertThat(step(new PeerInput.Greeted(info(YOUNGER, true))))
        .containsExactly(new PeerEffect.SayWelcome(YOUNGER));
  }

  @Test
  void repeatedGreetingsAreAnsweredButAnnouncedOnce() {
    begin();
    see(node(US), node(YOUNGER));
    step(new PeerInput.Greeted(info(YOUNGER, true)));
    step(new PeerInput.Welcomed(info(YOUNGER, true)));

    assertThat(step(new PeerInput.Greeted(info(YOUNGER, true))))
        .containsExactly(new PeerEffect.SayWelcome(YOUNGER));
    assertThat(step(new PeerInput.Welcomed(info(YOUNGER, true)))).isEmpty();
  }

  @Test
  void aHelloIsRepeatedMoreAndMoreSeldomUntilItIsAnswered() {
    begin();
    see(node(US), node(YOUNGER));

    nowNanos += PAUSE - 1;
    assertThat(step(new PeerInput.Ticked())).isEmpty();
    nowNanos += 1;
    assertThat(step(new PeerInput.Ticked())).containsExactly(new PeerEffect.SayHello(YOUNGER));
    nowNanos += 2 * PAUSE - 1;
    assertThat(step(new PeerInput.Ticked())).isEmpty();
    nowNanos += 1;
    assertThat(step(new PeerInput.Ticked())).containsExactly(new PeerEffect.SayHello(YOUNGER));

    step(new PeerInput.Welcomed(info(YOUNGER, true)));
    nowNanos += Duration.ofHours(1).toNanos();
    assertThat(step(new PeerInput.Ticked())).isEmpty();
  }

  @Test
  void anEarlyHelloWaitsUntilItsSenderIsSeen() {
    begin();
    assertThat(step(new PeerInput.Greeted(info(YOUNGER, true)))).isEmpty();

    assertThat(see(node(US), node(YOUNGER)))
        .contains(
            new PeerEffect.AnnounceUp(info(YOUNGER, true)), new PeerEffect.SayWelcome(YOUNGER));
  }

  @Test
  void theEndOfANodeIsToldOnceWhateverTellsIt() {
    begin();
    see(node(US), node(YOUNGER));
    step(new PeerInput.Greeted(info(YOUNGER, true)));

    assertThat(step(new PeerInput.SaidGoodbye(YOUNGER, "its JVM exited")))
        .containsExactly(new PeerEffect.AnnounceDown(YOUNGER, "its JVM exited"));
    assertThat(step(new PeerInput.MemberGone(YOUNGER, "unreachable"))).isEmpty();
    assertThat(machine.isMet(YOUNGER)).isFalse();
  }

  @Test
  void theDeadDoNotComeBack() {
    begin();
    see(node(US), node(YOUNGER));
    step(new PeerInput.Greeted(info(YOUNGER, true)));
    step(new PeerInput.MemberGone(YOUNGER, "unreachable"));

    assertThat(step(new PeerInput.Greeted(info(YOUNGER, true)))).isEmpty();
    assertThat(see(node(US), node(YOUNGER))).isEmpty();
    NodeId restarted = new NodeId(YOUNGER.host(), YOUNGER.port(), 99);
    assertThat(see(node(US), node(restarted))).contains(new PeerEffect.SayHello(restarted));
  }

  @Test
  void whoWasNeverMetIsNotReportedDead() {
    begin();
    see(node(US), node(YOUNGER));

    assertThat(step(new PeerInput.MemberGone(YOUNGER, "unreachable"))).isEmpty();
  }

  @Test
  void theDirectoryIsWithTheOldestThatOffersWork() {
    begin();
    assertThat(see(new Member(OLDER, Role.DRIVER), node(US), node(YOUNGER)))
        .contains(new PeerEffect.AnnounceDirectory(US));
  }

  @Test
  void theDirectoryIsAnnouncedWhenItsNodeIsMet() {
    begin();
    assertThat(see(node(OLDER), node(US)))
        .noneMatch(effect -> effect instanceof PeerEffect.AnnounceDirectory);

    assertThat(step(new PeerInput.Greeted(info(OLDER, true))))
        .contains(new PeerEffect.AnnounceDirectory(OLDER));
    assertThat(step(new PeerInput.SaidGoodbye(OLDER, "its JVM exited")))
        .contains(new PeerEffect.AnnounceDirectory(US));
  }

  @Test
  void ofNodesWithoutOurRolesTheirWordCounts() {
    begin();
    assertThat(see(new Member(OLDER, Role.UNKNOWN), new Member(US, Role.UNKNOWN)))
        .contains(new PeerEffect.AnnounceDirectory(US));

    assertThat(step(new PeerInput.Greeted(info(OLDER, true))))
        .contains(new PeerEffect.AnnounceDirectory(OLDER));
  }

  @Test
  void theYoungerOfTwoThatDoNotAgreeGivesUp() {
    begin();
    see(node(OLDER), node(US), node(YOUNGER));

    assertThat(step(new PeerInput.WasRefused(YOUNGER, "versions differ"))).isEmpty();
    assertThat(step(new PeerInput.WasRefused(OLDER, "versions differ")))
        .singleElement()
        .isInstanceOfSatisfying(
            PeerEffect.GiveUp.class,
            giveUp -> assertThat(giveUp.cause()).contains(OLDER.toString(), "versions differ"));
  }

  @Test
  void strangersDoNotFillTheMemory() {
    begin();
    for (int i = 0; i < 2 * PeerMachine.STRANGERS_MAX; i++) {
      step(new PeerInput.Greeted(info(new NodeId("10.1.0.1", 1, i), true)));
    }
    NodeId first = new NodeId("10.1.0.1", 1, 0);
    assertThat(see(node(US), node(first)))
        .as("the first hello was forgotten; the peer repeats it")
        .containsExactly(new PeerEffect.SayHello(first), new PeerEffect.AnnounceDirectory(US));
  }
}
