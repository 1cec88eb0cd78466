package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.ELSEWHERE;
import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorId;
import io.dfut.ObjectId;
import io.dfut.internal.protocol.WorkerMessage.CopyAdded;
import io.dfut.internal.protocol.WorkerMessage.EndActor;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.task.Outcome;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What one owner counts on its own account: handles, and tasks that take the object. */
final class LocalCountsTest {
  private final Story story = new Story();
  private final Story.Actor executor = story.worker(HERE);
  private final Story.Actor driver = story.worker(HERE).lend(executor);

  /** Handles, and tasks that take it and have not ended. */
  private void assertCounts(ObjectId object, int handles, int arguments) {
    Row row = driver.row(object);
    assertThat(List.of(row.handles, row.arguments)).isEqualTo(List.of(handles, arguments));
    assertThat(row.counts()).doesNotContainKeys("containers", "borrowers", "transits", "holds");
  }

  private List<ObjectId> freed() {
    return story.freed.stream().map(freed -> freed.key().id()).toList();
  }

  @Test
  @Tag("C025")
  @DisplayName("025 opening and closing handles counts up and down to no row at all")
  void handlesCountUpAndDownToNothing() {
    ObjectId object = driver.put(stored(0, HERE));
    assertCounts(object, 1, 0);
    driver.does(new WorkerInput.HandleAdded(object));
    assertCounts(object, 2, 0);
    driver.close(object);
    assertCounts(object, 1, 0);
    assertThat(freed()).isEmpty();
    driver.close(object);
    assertThat(driver.row(object)).isNull();
    assertThat(freed()).containsExactly(object);
    assertThat(story.mail).as("nobody else has to hear of it").isEmpty();
    story.assertNothingIsLeft();
  }

  @ParameterizedTest(name = "026 an argument of several tasks lives until the last ends, {0} first")
  @ValueSource(ints = {0, 1})
  @Tag("C026")
  @DisplayName("026 an argument of several tasks lives until the last of them ends")
  void argumentLivesUntilTheLastOfItsTasksEnds(int firstToEnd) {
    ObjectId x = driver.put(stored(0, HERE));
    ObjectId y = driver.put(stored(0, HERE));
    ObjectId takesX = driver.submit(taken(x));
    ObjectId takesBoth = driver.submit(taken(x), taken(y));
    driver.close(x, y);
    story.deliverAll();
    assertCounts(x, 0, 2);
    assertCounts(y, 0, 1);
    TaskPushed first = executor.tasks.get(firstToEnd);
    boolean bothFirst = first.spec().id().equals(takesBoth.task());
    executor.returns(first, List.of(), value(1));
    story.deliverAll();
    assertCounts(x, 0, 1);
    assertThat(driver.row(y) == null).as("y is gone").isEqualTo(bothFirst);
    assertThat(freed()).isEqualTo(bothFirst ? List.of(y) : List.of());
    executor.returns(value(2));
    story.deliverAll();
    assertThat(driver.row(x)).isNull();
    assertThat(driver.row(y)).isNull();
    assertThat(freed()).containsExactlyInAnyOrder(x, y);
    driver.close(takesX, takesBoth);
    story.assertNothingIsLeft();
    assertThat(freed()).hasSize(2);
  }

  @Test
  @Tag("C030")
  @DisplayName("030 a value that arrives when nobody wants it any more is not kept")
  void valueThatNobodyWantsIsNotKept() {
    ObjectId inline = driver.submit();
    ObjectId inStore = driver.submit();
    ObjectId promised = new ObjectId(driver.id, -99, 0);
    driver.does(
        new WorkerInput.PromiseMade(
            promised, io.dfut.internal.task.CallSite.UNKNOWN, new Story.Cell()));
    story.deliverAll();
    driver.close(inline, inStore, promised);
    assertThat(driver.row(promised)).isNull();
    TaskPushed makesInline = executor.tasks.get(0);
    executor.returns(executor.tasks.get(1), List.of(), stored(0, THERE));
    executor.returns(makesInline, List.of(), value(1));
    story.deliverAll();
    driver.does(new WorkerInput.PromiseSettled(promised, stored(0, HERE)));
    assertThat(driver.row(inline)).isNull();
    assertThat(driver.row(inStore)).isNull();
    assertThat(driver.row(promised)).isNull();
    assertThat(story.freed)
        .containsExactly(
            new Story.Freed(new ObjectKey(inStore, 0), THERE),
            new Story.Freed(new ObjectKey(promised, 0), HERE));
    story.assertNothingIsLeft();
  }

  /**
   * There is no callback to register. What wants to hear that an object has gone are the nodes with
   * a copy of it, and the worker that is an actor: they are told once, and a copy that is reported
   * too late is refused, by telling its node at once to delete it.
   */
  @Test
  @Tag("C031")
  @DisplayName("031 whoever must hear that an object is gone hears it once, latecomers at once")
  void goneIsHeardOnce() {
    ObjectId object = driver.put(stored(0, HERE));
    driver.hears(new CopyAdded(object, 0, THERE));
    driver.hears(new CopyAdded(object, 0, THERE)); // repeated
    driver.close(object);
    ObjectKey key = new ObjectKey(object, 0);
    assertThat(story.freed)
        .containsExactly(new Story.Freed(key, HERE), new Story.Freed(key, THERE));
    driver.hears(new CopyAdded(object, 0, ELSEWHERE));
    assertThat(story.freed.subList(2, story.freed.size()))
        .containsExactly(new Story.Freed(key, ELSEWHERE));
    assertThat(driver.row(object)).isNull();

    ActorId actor = driver.create();
    story.deliverAll();
    executor.returns(new Outcome.Actor(executor.id, "Counter"));
    story.deliverAll();
    driver.close(actor.object());
    assertThat(story.take(EndActor.class).to()).isEqualTo(executor.id);
    assertThat(story.mail).isEmpty();
    driver.close(actor.object());
    assertThat(story.mail).isEmpty();
    story.assertNothingIsLeft();
    assertThat(story.freed).hasSize(3);
  }
}
