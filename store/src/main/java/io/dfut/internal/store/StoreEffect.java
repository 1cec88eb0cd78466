package io.dfut.internal.store;

import io.dfut.NodeId;
import io.dfut.internal.spi.ObjectKey;
import java.util.List;

/**
 * What a {@link StoreTable} wants done. The effects of one step, and those of different steps, may
 * be carried out in any order: each names memory or a transfer by a number that is not used again,
 * and memory is reused only after an input said that its user let go.
 */
sealed interface StoreEffect {

  /** An answer to a waiter. */
  sealed interface Answer extends StoreEffect {
    /** Who is answered. */
    long waiter();
  }

  /**
   * There is room: write the object there, then say {@link StoreInput.Seal} or {@link
   * StoreInput.Abort}.
   */
  record WriteGranted(long waiter, ObjectKey key, Block block) implements Answer {}

  /** Nothing needs to be written: a sealed copy was here and is the primary now. */
  record PresentAlready(long waiter, ObjectKey key, long bytes) implements Answer {}

  /**
   * The object is here and stays until {@link StoreInput.Unpin}.
   *
   * @param seal the number of this sealing, never used again: what is known of the bytes under it
   *     stays true, also when the key is put again after it was freed
   */
  record PinGranted(long waiter, ObjectKey key, Block block, long bytes, long seal)
      implements Answer {}

  /**
   * The object is here, but on disk only. It stays there until it is freed; whoever opens the file
   * later may find it gone.
   */
  record OnDisk(long waiter, ObjectKey key, SpillSpot spot) implements Answer {}

  /**
   * The object is readable in another node's memory and stays so until {@link
   * StoreInput.UnpinAttached}.
   *
   * @param attachment the number of the attach that brought it
   */
  record AttachedGranted(long waiter, ObjectKey key, long attachment, long bytes, long seal)
      implements Answer {}

  /** There is no sealed copy here. */
  record Absent(long waiter) implements Answer {}

  /** Yes or no, to a promotion or to giving up. */
  record Decided(long waiter, boolean yes) implements Answer {}

  /** The waiter gets nothing, and why. */
  record Refused(long waiter, Refusal why) implements Answer {}

  /**
   * Pull the bytes {@code [fromBytes, bytes)} of the object into the block. Answered by {@link
   * StoreInput.PullEnded}.
   *
   * @param fromMemory not when the source has it on disk only: another may have it in memory
   */
  record StartPull(
      long transfer,
      NodeId source,
      ObjectKey key,
      Block block,
      long bytes,
      long fromBytes,
      boolean fromMemory)
      implements StoreEffect {}

  /**
   * Write these objects into one file, in this order and without gaps. Nothing of them changes or
   * goes away until the end. Answered by {@link StoreInput.SpillEnded}.
   */
  record StartSpill(long file, List<SpillItem> items) implements StoreEffect {
    public StartSpill {
      items = List.copyOf(items);
    }
  }

  /** One object of a file that is written. */
  record SpillItem(ObjectKey key, Block block, long bytes) {}

  /** Read an object from disk into the block. Answered by {@link StoreInput.PullEnded}. */
  record StartRestore(long transfer, ObjectKey key, SpillSpot spot, Block block)
      implements StoreEffect {}

  /** Nothing of this file is wanted: delete it. */
  record DeleteSpill(long file) implements StoreEffect {}

  /**
   * Ask the source to hold the object, and map it. Answered by {@link StoreInput.PullEnded} with
   * this number, which is then the attachment's; ended early by {@link CutPull} as a pull.
   */
  record StartAttach(long transfer, NodeId source, ObjectKey key, long bytes)
      implements StoreEffect {}

  /** Nobody reads this any more: its source may let it go. */
  record Detach(long attachment) implements StoreEffect {}

  /**
   * End this pull, if it runs: nobody wants it, or its object is freed. Its end is reported as that
   * of any other.
   */
  record CutPull(long transfer) implements StoreEffect {}

  /**
   * Somebody waits for room that evicting cannot give: only letting go of objects can. Said when
   * that begins.
   */
  record RoomWanted() implements StoreEffect {}

  /** Nothing is in this slab: its memory can go back to the system. */
  record CloseSlab(int slab) implements StoreEffect {}

  /**
   * Say {@link StoreInput.TimerFired} at this time, which is earlier than what was asked for before
   * and has not come.
   */
  record SetTimer(long atNanos) implements StoreEffect {}

  /** Why a waiter is refused. */
  sealed interface Refusal {
    /**
     * There was no room within the bound, or there can never be.
     *
     * @param waitedNanos how long it waited, 0 for an object that is larger than the store
     * @param pinnedBytes what cannot be evicted
     * @param holders the largest objects that are here, described
     * @param spilling why nothing, or not enough, went to disk
     */
    record Full(
        ObjectKey key,
        long askedBytes,
        long capacityBytes,
        long usedBytes,
        long pinnedBytes,
        long waitedNanos,
        boolean isPull,
        List<String> holders,
        String spilling)
        implements Refusal {
      public Full {
        holders = List.copyOf(holders);
      }
    }

    /** No source has the object. */
    record SourceLost(ObjectKey key, String why) implements Refusal {}

    /** As many wait as may. */
    record TooManyWait(int waitsMax) implements Refusal {}

    /** The store is closed. */
    record Closed() implements Refusal {}
  }
}
