package io.dfut.internal.store;

import io.dfut.NodeId;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore.Urgency;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What may happen to a {@link StoreTable}. A <em>waiter</em> is a number that its shell gave to
 * whoever waits for the answer; each is used once and gets exactly one answer, unless it gives up
 * first.
 */
sealed interface StoreInput {

  /**
   * A put asks for room. Answered by {@link StoreEffect.WriteGranted}, {@link
   * StoreEffect.PresentAlready} or a refusal.
   *
   * @param label what made the object, for messages
   */
  record Create(long waiter, ObjectKey key, long bytes, String label) implements StoreInput {
    public Create {
      Objects.requireNonNull(key, "key");
      Objects.requireNonNull(label, "label");
      if (bytes < 0) {
        throw new IllegalArgumentException("negative size: " + bytes);
      }
    }
  }

  /**
   * The writer of this key has written everything: from now on nobody writes to it, everybody may
   * read.
   */
  record Seal(ObjectKey key) implements StoreInput {}

  /** The writer of this key failed and has let go of the memory. */
  record Abort(ObjectKey key) implements StoreInput {}

  /**
   * Somebody wants to read what is here. Answered in the same step, by a pin or {@link
   * StoreEffect.Absent}.
   */
  record Pin(long waiter, ObjectKey key) implements StoreInput {}

  /**
   * A peer wants to read what is here. Answered in the same step, by a pin, {@link
   * StoreEffect.OnDisk} or {@link StoreEffect.Absent}.
   */
  record Serve(long waiter, ObjectKey key) implements StoreInput {}

  /** A reader lets go. Comes once for each pin that was granted. */
  record Unpin(ObjectKey key) implements StoreInput {}

  /** A reader of an attached object lets go. Comes once for each such pin that was granted. */
  record UnpinAttached(long attachment) implements StoreInput {}

  /** Somebody needs a copy here, from one of these nodes. Answered by a pin or a refusal. */
  record Fetch(long waiter, ObjectKey key, long bytes, List<NodeId> sources, Urgency urgency)
      implements StoreInput {
    public Fetch {
      Objects.requireNonNull(key, "key");
      Objects.requireNonNull(urgency, "urgency");
      sources = List.copyOf(sources);
      if (bytes < 0) {
        throw new IllegalArgumentException("negative size: " + bytes);
      }
    }
  }

  /**
   * Somebody needs copies of all of these here, and can do nothing with some of them. The fetches
   * begin when there is room for all, and are answered all in one step. Ends with {@link
   * EndBundle}, after the answers or before.
   */
  record FetchBundle(long bundle, List<Fetch> fetches) implements StoreInput {
    public FetchBundle {
      fetches = List.copyOf(fetches);
      if (fetches.isEmpty()) {
        throw new IllegalArgumentException("an empty bundle: " + bundle);
      }
      if (fetches.stream().map(Fetch::key).distinct().count() < fetches.size()) {
        throw new IllegalArgumentException("an object is fetched twice: " + fetches);
      }
    }
  }

  /**
   * The task that needed the bundle has ended, or will not run. Fetches that were not answered will
   * not be.
   */
  record EndBundle(long bundle) implements StoreInput {}

  /**
   * A waiter of a create or a fetch no longer wants the answer. Tells {@code asker} in the same
   * step whether it was still waiting.
   */
  record GiveUp(long asker, long waiter) implements StoreInput {}

  /** The copy here becomes the primary. Answered in the same step. */
  record Promote(long waiter, ObjectKey key) implements StoreInput {}

  /** The owner has freed the object, or has no use for this copy. */
  record Free(ObjectKey key) implements StoreInput {}

  /** This node can be pulled from. */
  record PeerUp(NodeId node) implements StoreInput {}

  /** This node is gone for good: an incarnation never comes back. */
  record PeerDown(NodeId node) implements StoreInput {}

  /**
   * A pull that was started has ended, and nobody writes to its memory any more. Comes once for
   * each {@link StoreEffect.StartPull}, {@link StoreEffect.StartAttach} and {@link
   * StoreEffect.StartRestore}.
   */
  record PullEnded(long transfer, PullOutcome outcome) implements StoreInput {
    public PullEnded {
      Objects.requireNonNull(outcome, "outcome");
    }
  }

  /**
   * A file has been written, or could not be. Comes once for each {@link StoreEffect.StartSpill}.
   *
   * @param failure why it could not be, and nothing of it is left; empty when it was written
   */
  record SpillEnded(long file, Optional<String> failure) implements StoreInput {
    public SpillEnded {
      Objects.requireNonNull(failure, "failure");
    }
  }

  /** A file that is being written has become longer: the disk is slow, but not stuck. */
  record SpillProgressed(long file) implements StoreInput {}

  /** What is on disk there turned out to be unreadable, when it was sent to a peer. */
  record DiskLost(ObjectKey key, SpillSpot spot, String why) implements StoreInput {}

  /**
   * The time that was asked for with {@link StoreEffect.SetTimer}, or a later one, has come.
   * Harmless when it comes too often.
   */
  record TimerFired() implements StoreInput {}

  /** The store closes: whoever waits is refused, and so is everybody after. */
  record Close() implements StoreInput {}

  /** How a pull ended. */
  sealed interface PullOutcome {
    /** Everything arrived and every checksum was right. */
    record Complete() implements PullOutcome {}

    /** The source holds the object for us, and its memory is mapped here. */
    record Attached() implements PullOutcome {}

    /**
     * The object cannot be read in place.
     *
     * @param never whether none of this source can
     */
    record NotAttached(boolean never, String why) implements PullOutcome {}

    /** The source has no such object (any more), or one of another size. */
    record NotThere(String why) implements PullOutcome {}

    /** The source would have to read it from disk, and was not to. */
    record OnDisk() implements PullOutcome {}

    /**
     * The connection or the source failed, or we cut it.
     *
     * @param verifiedBytes how much from the start arrived with a right checksum
     */
    record Failed(long verifiedBytes, String why) implements PullOutcome {}

    /**
     * The source's copy does not begin like what arrived before from another one: start again from
     * the first byte.
     */
    record PrefixDiffers() implements PullOutcome {}
  }
}
