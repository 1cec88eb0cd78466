package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.ActorBuilder;
import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Actors whose states are saved, and given to those that are made in their place. */
abstract class CheckpointScenarios extends Scenarios {
  private ActorBuilder<Ledger> ledger(Ledger.Trouble... troubles) {
    return dfut.actor(Ledger::new, 0, Set.of(troubles))
        .on(far())
        .maxRestarts(-1)
        .maxTaskRetries(-1);
  }

  private static int add(ActorHandle<Ledger> ledger, int by) {
    try (DFut<Integer> call = ledger.task(Ledger::add).submit(by)) {
      return call.get(SOON);
    }
  }

  private static int addAndSave(ActorHandle<Ledger> ledger, int by) {
    try (DFut<Integer> call = ledger.task(Ledger::addAndSave).submit(by)) {
      return call.get(SOON);
    }
  }

  private static int saves(ActorHandle<Ledger> ledger) {
    try (DFut<Integer> call = ledger.task(Ledger::saves).submit()) {
      return call.get(SOON);
    }
  }

  private static void savesAre(ActorHandle<Ledger> ledger, int count) {
    eventually("its state is not saved").until(() -> saves(ledger) == count);
  }

  /** Kills it; what the next one says of itself. */
  private String reborn(ActorHandle<Ledger> ledger) {
    dfut.kill(ledger, true);
    eventually("it was not made anew").until(() -> story(ledger).startsWith("restarted"));
    return story(ledger);
  }

  private static String story(ActorHandle<Ledger> ledger) {
    try (DFut<String> call = ledger.task(Ledger::story).submit()) {
      return call.get(SOON);
    }
  }

  @Test
  @Tag("C162")
  @DisplayName(
      "162 an actor goes on from the state that it asked to have saved, and forgets later calls")
  void restoresWhatItSaved() {
    ActorHandle<Ledger> ledger = ledger().checkpointOnDemand().create();
    assertThat(story(ledger)).isEqualTo("first from 0");
    assertThat(add(ledger, 1)).isEqualTo(1);
    assertThat(addAndSave(ledger, 2)).isEqualTo(3);
    savesAre(ledger, 1);
    assertThat(add(ledger, 4)).isEqualTo(7);
    assertThat(reborn(ledger)).isEqualTo("restarted, restored from 0");
    assertThat(add(ledger, 1)).as("the state at 3, and this call").isEqualTo(4);
    assertThat(saves(ledger)).as("nobody asked").isZero();
    assertThat(reborn(ledger)).isEqualTo("restarted, restored from 0");
    assertThat(add(ledger, 0)).as("the same state, once more").isEqualTo(3);
  }

  @Test
  @DisplayName(
      "a state that does not fit into a message is saved as well, and let go of at the end")
  void largeStates() {
    ActorHandle<Ledger> ledger = ledger(Ledger.Trouble.LARGE).checkpointOnDemand().create();
    for (int n = 1; n <= 3; n++) {
      assertThat(addAndSave(ledger, 1)).isEqualTo(n);
      savesAre(ledger, n);
    }
    eventually("one large state is kept, away from its actor")
        .until(
            () ->
                dfut.inspect().rows().stream()
                    .filter(row -> row.object().equals(ledger.id().object()))
                    .anyMatch(row -> !row.lineage().isEmpty()));
    eventually("states are kept that are not used")
        .until(
            () ->
                dfut.inspect().rows().stream()
                        .filter(row -> row.madeBy().contains("checkpoint"))
                        .count()
                    == 1);
    dfut.kill(ledger, true);
    eventually("it is not restored").until(() -> story(ledger).contains("restored"));
    assertThat(add(ledger, 0)).isBetween(2, 3);
    ledger.close();
    dfut.inspectCluster(SOON).assertNoLeaks(SOON);
  }

  @Test
  @DisplayName("a state is saved after so many calls and messages")
  void afterSoManyCalls() {
    ActorHandle<Ledger> ledger = ledger().checkpointEvery(4).create();
    assertThat(saves(ledger)).isZero();
    assertThat(add(ledger, 1)).isEqualTo(1);
    DFutActor.ref(ledger).tell(2);
    eventually("the message is not heard").until(() -> add(ledger, 0) == 3); // the fourth at least
    eventually("its state is not saved").until(() -> saves(ledger) >= 1);
    assertThat(reborn(ledger)).isEqualTo("restarted, restored from 0");
    assertThat(add(ledger, 1)).isEqualTo(4);
  }

  @Test
  @DisplayName(
      "a state is saved when it has been changed for so long, and not again before it changes")
  void afterATime() {
    ActorHandle<Ledger> ledger = ledger().checkpointEvery(Duration.ofMillis(20)).create();
    assertThat(add(ledger, 3)).isEqualTo(3);
    eventually("its state is not saved").until(() -> saves(ledger) >= 1);
    assertThat(reborn(ledger)).isEqualTo("restarted, restored from 0");
    assertThat(add(ledger, 1)).isEqualTo(4);
  }

  @Test
  @DisplayName("who asks for nothing has its state saved soon after a change")
  void byDefault() {
    ActorHandle<Ledger> ledger = ledger().create();
    assertThat(add(ledger, 3)).isEqualTo(3);
    eventually("its state is not saved").until(() -> saves(ledger) >= 1);
    assertThat(reborn(ledger)).isEqualTo("restarted, restored from 0");
    assertThat(add(ledger, 1)).isEqualTo(4);
  }

  @Test
  @Tag("C162")
  @DisplayName(
      "162 a state that restore refuses is warned of once a restart, and the actor begins anew")
  void aStateThatIsRefused() {
    ActorHandle<Ledger> ledger =
        ledger(Ledger.Trouble.RESTORE_THROWS).checkpointOnDemand().create();
    assertThat(addAndSave(ledger, 3)).isEqualTo(3);
    savesAre(ledger, 1);
    assertThat(reborn(ledger)).isEqualTo("restarted from 0");
    assertThat(add(ledger, 1)).isEqualTo(1);
    assertThat(warnings())
        .filteredOn(line -> line.contains("cannot be restored"))
        .singleElement()
        .asString()
        .contains(Ledger.class.getName(), "without");
  }

  @Test
  @DisplayName(
      "a state that checkpoint() refuses to give, or that cannot travel, leaves the one before")
  void aStateThatIsNotGiven() {
    Map<Ledger.Trouble, String> reasons =
        Map.of(
            Ledger.Trouble.CHECKPOINT_THROWS,
            "no more states",
            Ledger.Trouble.STATE_IS_NO_VALUE,
            "Ledger$Sum.note is a thread");
    for (Ledger.Trouble trouble : reasons.keySet()) {
      ActorHandle<Ledger> ledger = ledger(trouble).checkpointOnDemand().create();
      assertThat(addAndSave(ledger, 3)).isEqualTo(3);
      savesAre(ledger, 1);
      assertThat(addAndSave(ledger, 4)).isEqualTo(7);
      savesAre(ledger, 2);
      eventually("nobody hears of it")
          .until(
              () ->
                  warnings().stream()
                      .anyMatch(
                          line ->
                              line.contains("is not saved")
                                  && line.contains(reasons.get(trouble))));
      assertThat(reborn(ledger)).isEqualTo("restarted, restored from 0");
      assertThat(add(ledger, 1)).isEqualTo(4);
      ledger.close();
    }
  }

  @Test
  @DisplayName("no state is taken of an actor that is not made anew, or not any more")
  void whereNobodyKeepsIt() {
    ActorHandle<Ledger> mortal =
        dfut.actor(Ledger::new, 0, Set.<Ledger.Trouble>of()).on(far()).checkpointEvery(1).create();
    ActorHandle<Ledger> last = ledger().maxRestarts(1).checkpointOnDemand().create();
    assertThat(addAndSave(last, 3)).isEqualTo(3);
    savesAre(last, 1);
    assertThat(reborn(last)).isEqualTo("restarted, restored from 0");
    assertThat(addAndSave(last, 1)).isEqualTo(4);
    assertThat(addAndSave(mortal, 1)).isEqualTo(1);
    for (int i = 0; i < 20; i++) {
      assertThat(saves(mortal)).isZero();
      assertThat(saves(last)).isZero();
    }
  }

  @Test
  @DisplayName("bounds of the policy are checked")
  void bounds() {
    assertThatThrownBy(() -> ledger().checkpointEvery(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0 calls");
    assertThatThrownBy(() -> ledger().checkpointEvery(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("above 0");
  }
}
