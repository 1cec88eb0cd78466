package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.internal.protocol.WorkerMessage.CopyLost;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.Outcome;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How long descriptions of tasks are kept, what they keep in turn, and when they are used. */
final class LineageStoriesTest {
  private final Story story = new Story();
  private final Story.Actor executor = story.worker(HERE);
  private final Story.Actor second = story.worker(THERE);
  private final Story.Actor third = story.worker(THERE);
  private final Story.Actor driver = story.worker(HERE).lend(executor, second, third);

  private List<ObjectId> freed() {
    return story.freed.stream().map(freed -> freed.key().id()).toList();
  }

  @Test
  @Tag("C105")
  @DisplayName("105 inline results keep no lineage: of a chain only the newest is in scope")
  void inlineResultsKeepNoLineage() {
    driver.lend(executor);
    ObjectId one = driver.submit();
    ObjectId two = driver.submit(taken(one));
    ObjectId three = driver.submit(taken(two));
    driver.close(one, two);
    for (int i = 0; i < 3; i++) {
      story.deliverAll();
      executor.returns(value(i));
    }
    story.deliverAll();
    assertThat(driver.row(one)).isNull();
    assertThat(driver.row(two)).isNull();
    assertThat(driver.row(three).counts()).containsOnlyKeys("handles");
    assertThat(driver.machine.describe()).hasSize(1);
    assertThat(driver.machine.describe().getFirst().lineage()).isEmpty();
    driver.close(three);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C106")
  @DisplayName("106 dependencies stay while a task nobody waits for can still retry, then all goes")
  void dependenciesStayWhileATaskCanStillRetry() {
    ObjectId dependency = driver.put(stored(0, HERE));
    ObjectId result = driver.submit(1, taken(dependency)).getFirst();
    story.deliverAll();
    driver.close(dependency, result);
    assertThat(executor.tasks).hasSize(1);
    story.kill(executor);
    assertThat(driver.keeps(dependency)).as("between the attempts").isTrue();
    driver.waitsOutHandovers();
    assertThat(driver.row(dependency).counts()).containsOnlyKeys("arguments", "lineage");
    story.deliverAll();
    assertThat(second.task().attempt()).isEqualTo(1);
    assertThat(freed()).isEmpty();
    second.returns(stored(1, THERE));
    story.deliverAll();
    assertThat(driver.row(result)).isNull();
    assertThat(driver.row(dependency)).isNull();
    assertThat(freed()).containsExactlyInAnyOrder(result, dependency);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C106")
  @DisplayName("106 the same when the last attempt crashes too")
  void dependenciesGoWhenTheLastAttemptCrashes() {
    ObjectId dependency = driver.put(stored(0, HERE));
    ObjectId result = driver.submit(1, taken(dependency)).getFirst();
    story.deliverAll();
    driver.close(dependency, result);
    story.kill(executor);
    story.deliverAll();
    story.kill(second);
    driver.waitsOutHandovers();
    assertThat(driver.row(result)).isNull();
    assertThat(freed()).containsExactly(dependency);
    story.deliverAll();
    assertThat(third.tasks).isEmpty();
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C107")
  @DisplayName("107 a task is run again once when its result is lost, not when it is pending")
  void taskIsRunAgainOnce() {
    ObjectId unknown = new TaskId(driver.id, 4711).result(0);
    driver.does(new WorkerInput.ReadFailed(unknown, 0, List.of(THERE)));
    assertThat(driver.row(unknown)).isNull();
    assertThat(driver.effects).isEmpty();

    ObjectId object = driver.submit();
    story.deliverAll();
    driver.does(new WorkerInput.ReadFailed(object, 0, List.of(THERE)));
    driver.hears(new CopyLost(object, 0, List.of(THERE), third.id));
    story.deliverAll();
    assertThat(driver.pushesOf(object)).as("pending, so it is ignored").isEqualTo(1);
    executor.returns(stored(0, THERE));
    story.deliverAll();

    driver.findsNoCopy(object);
    driver.does(new WorkerInput.ReadFailed(object, 0, List.of(THERE)));
    story.deliverAll();
    assertThat(driver.pushesOf(object)).isEqualTo(2);
    driver.close(object); // while it is made again
    assertThat(driver.row(object)).as("until its task has ended").isNotNull();
    executor.returns(stored(1, HERE));
    story.deliverAll();
    assertThat(driver.row(object)).isNull();
    assertThat(story.freed)
        .contains(new Story.Freed(new io.dfut.internal.spi.ObjectKey(object, 1), HERE));
    assertThat(driver.pushesOf(object)).isEqualTo(2);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C107")
  @DisplayName("107 a reader that comes when the description is gone is refused")
  void readerThatComesTooLateIsRefused() {
    ObjectId object = driver.submit();
    story.deliverAll();
    executor.returns(stored(0, THERE));
    story.deliverAll();
    Story.Actor late = story.worker(THERE);
    late.finds(object); // its registration is under way when the last handle goes
    driver.close(object);
    late.gets(object);
    story.deliverAll();
    assertThat(late.outcome(object)).isInstanceOf(Outcome.Failed.class);
    assertThat(late.failure(object).kind()).isEqualTo(Failure.Kind.OBJECT_LOST);
    assertThat(driver.pushesOf(object)).isEqualTo(1);
    late.close(object);
    story.assertNothingIsLeft();
  }
}
