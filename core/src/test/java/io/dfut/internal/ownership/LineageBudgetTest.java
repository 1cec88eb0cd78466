package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.lent;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ObjectId;
import io.dfut.internal.protocol.PushedArgument;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.task.Argument;
import io.dfut.internal.task.Outcome;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Descriptions are kept as long as something may have to be made again, and the budget allows. */
class LineageBudgetTest {
  private final Story story = new Story();
  private Story.Actor driver;
  private Story.Actor executor;

  private void begin(long lineageBytesMax) {
    story.lineageBytesMax = lineageBytesMax;
    driver = story.worker(HERE);
    executor = story.worker(THERE);
    driver.lend(executor);
  }

  /** A task whose result is in the store of the executor's node. */
  private ObjectId made(Argument... arguments) {
    ObjectId result = driver.submit(arguments);
    story.deliverAll();
    executor.returns(stored(0, THERE));
    story.deliverAll();
    return result;
  }

  /** What a description of a task with this many references takes. */
  private long descriptionBytes(int references) {
    Story other = new Story();
    Story.Actor someone = other.worker(HERE);
    Argument[] arguments = new Argument[references];
    for (int i = 0; i < references; i++) {
      arguments[i] = taken(someone.put(value(i)));
    }
    return someone.row(someone.submit(arguments)).task.spec.approximateBytes();
  }

  @Test
  @Tag("C103")
  @DisplayName("103 dropping lineage drops what depends on it, and no more")
  void droppingLineageDropsWhatDependsOnItAndNoMore() {
    begin(2 * descriptionBytes(0) + descriptionBytes(1));
    ObjectId zero = made();
    ObjectId one = made(taken(zero));
    ObjectId two = made();
    driver.close(zero); // its value goes, its description stays for the other's
    assertThat(driver.row(zero).freed).isTrue();
    ObjectId three = made(); // one too many: the oldest goes

    assertThat(driver.row(zero)).as("needed by nobody any more").isNull();
    assertThat(driver.row(one).task).as("could not be made without the first").isNull();
    assertThat(driver.row(two).task).isNotNull();
    assertThat(driver.row(three).task).isNotNull();

    driver.lend(story.worker(HERE));
    story.kill(THERE);
    assertThat(driver.failure(one).detail()).isEqualTo("LINEAGE_EVICTED");
    assertThat(driver.failure(one).message())
        .contains("dfut.lineage.max-bytes")
        .contains(HERE.toString());
    assertThat(driver.outcome(two)).as("being made again").isNull();
    assertThat(driver.row(two).isBeingMade()).isTrue();
  }

  @Test
  @Tag("C104")
  @DisplayName("104 the lineage of a chain is released from its end")
  void lineageOfAChainIsReleasedFromItsEnd() {
    begin(Long.MAX_VALUE);
    ObjectId x = made();
    ObjectId y = made(taken(x));
    ObjectId z = made(taken(y));
    driver.close(x, y);
    assertThat(driver.keeps(x)).isFalse();
    assertThat(driver.keeps(y)).isFalse();
    assertThat(driver.row(x).task.holdsLineage).isTrue();
    assertThat(driver.row(y).task.holdsLineage).isTrue();
    assertThat(driver.row(z).task.holdsLineage).isTrue();
    driver.close(z);
    assertThat(driver.row(x)).isNull();
    assertThat(driver.row(y)).isNull();
    assertThat(driver.row(z)).isNull();
    story.assertNothingIsLeft();
  }

  @Test
  void valuesThatOnlyLineageKeepsCountAgainstItsBudget() {
    begin(2_000_000);
    ObjectId first = driver.put(stored(0, HERE)); // a million bytes each
    ObjectId second = driver.put(stored(0, HERE));
    ObjectId one = made(taken(first));
    ObjectId two = made(taken(second));
    driver.close(first);
    assertThat(driver.keeps(first)).as("for the lineage of one").isTrue();
    driver.close(second); // with it there would be two million, and two descriptions
    assertThat(driver.keeps(first)).isFalse();
    assertThat(driver.row(one).task).isNull();
    assertThat(driver.keeps(second)).isTrue();
    driver.close(one, two);
    story.assertNothingIsLeft();
  }

  @Test
  void valueLargerThanTheBudgetCostsOnlyItsOwnTakers() {
    begin(500_000);
    ObjectId older = made();
    ObjectId large = driver.put(stored(0, HERE));
    ObjectId taker = made(taken(large));
    ObjectId other = made(taken(large));
    driver.close(large);
    assertThat(driver.row(large)).isNull();
    assertThat(driver.row(taker).task).isNull();
    assertThat(driver.row(other).task).isNull();
    assertThat(driver.row(older).task).as("has nothing to do with it").isNotNull();
    driver.close(older, taker, other);
    story.assertNothingIsLeft();
  }

  @Test
  void evictedDescriptionKeepsTheValueForThoseWhoTakeIt() {
    begin(descriptionBytes(1) + 100);
    ObjectId source = driver.submit();
    story.deliverAll();
    executor.returns(new Outcome.Stored(0, 100, List.of(THERE), List.of()));
    story.deliverAll();
    ObjectId taker = made(taken(source)); // the source's description goes, its value is in scope
    assertThat(driver.row(source).task).isNull();
    assertThat(driver.row(taker).task).isNotNull();
    driver.close(source);
    assertThat(driver.keeps(source)).as("nothing else can make it for the taker").isTrue();
    driver.close(taker);
    story.assertNothingIsLeft();
  }

  @Test
  void taskThatCannotRunAgainKeepsNothingAlive() {
    begin(Long.MAX_VALUE);
    ObjectId argument = driver.put(stored(0, HERE));
    ObjectId result = driver.submit(0, taken(argument)).getFirst();
    story.deliverAll();
    executor.returns(stored(0, THERE));
    story.deliverAll();
    driver.close(argument);
    assertThat(driver.row(argument)).isNull();
    driver.close(result);
    story.assertNothingIsLeft();
  }

  @Test
  void descriptionIsNotCountedWhileItsTaskRunsAgain() {
    begin(3 * descriptionBytes(0));
    ObjectId lost = made();
    Story.Actor second = story.worker(HERE);
    driver.lend(second);
    story.kill(THERE);
    story.deliverAll();
    assertThat(driver.row(lost).isBeingMade()).isTrue();
    for (int i = 0; i < 3; i++) { // as much as the budget holds, without the one that runs
      driver.submit();
      story.deliverAll();
      second.returns(second.tasks.getLast(), List.of(), stored(0, HERE));
      story.deliverAll();
    }
    second.returns(stored(1, HERE));
    story.deliverAll();
    assertThat(driver.row(lost).task).as("the newest of four").isNotNull();
    assertThat(driver.machine.describe().stream().filter(row -> row.lineage().isEmpty()).count())
        .isEqualTo(4);
  }

  @Test
  void repeatedAnswerFreesNothingAfterTheDescriptionWent() {
    begin(0);
    ObjectId result = driver.submit();
    story.deliverAll();
    executor.returns(stored(0, THERE));
    Story.Mail answer = story.take(TaskReturned.class);
    story.deliver(answer);
    assertThat(driver.row(result).task).isNull();
    story.deliver(answer);
    assertThat(story.freed).isEmpty();
    assertThat(driver.outcome(result)).isInstanceOf(Outcome.Stored.class);
    driver.close(result);
    story.assertNothingIsLeft();
  }

  @Test
  void smallArgumentIsPartOfTheDescriptionOnceItIsPushed() {
    begin(Long.MAX_VALUE);
    ObjectId small = driver.put(value(1));
    ObjectId reference = driver.put(value(2));
    ObjectId result = driver.submit(taken(small), lent(reference), taken(small));
    assertThat(driver.row(small).counts()).containsEntry("arguments", 2);
    story.deliverAll();
    assertThat(driver.row(small).counts()).containsOnlyKeys("handles");
    assertThat(driver.row(reference).counts()).containsEntry("arguments", 1);
    driver.close(small);
    assertThat(driver.row(small)).isNull();
    executor.returns(stored(0, THERE));
    story.deliverAll();

    Story.Actor second = story.worker(HERE);
    driver.lend(second);
    story.kill(THERE); // its only copy is gone: the task runs again, with the value
    story.deliverAll();
    assertThat(second.task().arguments())
        .filteredOn(PushedArgument.Value.class::isInstance)
        .hasSize(3);
    second.returns(value(3));
    story.deliverAll();
    driver.waitsOutHandovers();
    driver.close(result, reference);
    story.assertNothingIsLeft();
  }
}
