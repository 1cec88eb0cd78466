package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.lent;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ObjectId;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.task.Outcome;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** References inside objects: what a borrower that looks into them holds, and what goes. */
final class ContainerStoriesTest {
  private final Story story = new Story();
  private final Story.Actor borrower = story.worker(THERE);
  private final Story.Actor owner = story.worker(HERE).lend(borrower);
  private final ObjectId inner = owner.put(stored(0, HERE));
  private final ObjectId mid = owner.put(stored(0, HERE, inner));
  private final ObjectId outer = owner.put(stored(0, HERE, mid));

  private List<ObjectId> freed() {
    return story.freed.stream().map(freed -> freed.key().id()).toList();
  }

  /** The borrower reads a container that it was given by reference, and finds this in it. */
  private void unwraps(ObjectId container, ObjectId content) {
    borrower.gets(container);
    story.deliverAll();
    assertThat(borrower.outcome(container)).isInstanceOf(Outcome.Stored.class);
    borrower.finds(content, container);
  }

  /** Down to the innermost; the owner has no handle on anything. */
  private ObjectId unwrapsAll() {
    owner.close(inner, mid);
    ObjectId result = owner.submit(lent(outer));
    story.deliverAll();
    borrower.finds(outer);
    owner.close(outer);
    unwraps(outer, mid);
    unwraps(mid, inner);
    story.deliverAll();
    assertThat(freed()).isEmpty();
    return result;
  }

  @Test
  @Tag("C051")
  @DisplayName("051 unwrapping and dropping an inner reference frees every layer")
  void unwrappingAndDroppingFreesEveryLayer() {
    ObjectId result = unwrapsAll();
    borrower.close(inner);
    borrower.returns(borrower.task(), List.of(outer, mid), value(1));
    story.deliverAll();
    assertThat(freed()).containsExactlyInAnyOrder(outer, mid, inner);
    owner.close(result);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C052")
  @DisplayName("052 a borrower that keeps an inner reference keeps only that")
  void keepingAnInnerReferenceKeepsOnlyThat() {
    ObjectId result = unwrapsAll();
    borrower.returns(borrower.task(), List.of(outer, mid), value(1));
    story.deliverAll();
    assertThat(freed()).containsExactlyInAnyOrder(outer, mid);
    assertThat(owner.row(inner).counts()).containsOnlyKeys("borrowers");
    borrower.close(inner);
    story.deliverAll();
    assertThat(freed()).containsExactlyInAnyOrder(outer, mid, inner);
    owner.close(result);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C057")
  @DisplayName("057 the same inner reference out of two containers must be dropped twice")
  void sameInnerReferenceOutOfTwoContainers() {
    ObjectId other = owner.put(value("another", inner));
    owner.close(inner, outer); // and with it the mid one's only container
    ObjectId first = owner.submit(taken(mid));
    ObjectId second = owner.submit(taken(other));
    owner.close(mid, other);
    story.deliverAll();
    List<TaskPushed> tasks = List.copyOf(borrower.tasks);
    assertThat(tasks).hasSize(2);
    borrower.finds(inner, mid);
    borrower.finds(inner, other);
    tasks.forEach(task -> borrower.returns(task, List.of(), value(1)));
    story.deliverAll();
    assertThat(freed()).as("both containers, one of them inline").containsExactly(outer, mid);
    assertThat(owner.row(other)).isNull();
    borrower.close(inner);
    story.deliverAll();
    assertThat(owner.borrowersOf(inner)).containsExactly(borrower.id);
    assertThat(owner.keeps(inner)).isTrue();
    borrower.close(inner);
    story.deliverAll();
    assertThat(freed()).contains(inner);
    owner.close(first, second);
    story.assertNothingIsLeft();
  }
}
