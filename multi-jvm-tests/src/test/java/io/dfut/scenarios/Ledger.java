package io.dfut.scenarios;

import io.dfut.Checkpointed;
import io.dfut.DFutActor;
import io.dfut.NodeId;
import java.util.Set;

/** Adds up, has its sum saved, and can be told what to get wrong. */
final class Ledger extends DFutActor<Integer> implements Checkpointed<Ledger.Sum> {
  enum Trouble {
    /** From the second on, states cannot be given. */
    CHECKPOINT_THROWS,
    /** What is given cannot travel. */
    STATE_IS_NO_VALUE,
    RESTORE_THROWS,
    /** Makes states that do not fit into a message. */
    LARGE
  }

  /**
   * A state.
   *
   * @param note what is no value, when there is trouble
   * @param ballast nothing, or many bytes
   */
  record Sum(int sum, Object note, byte[] ballast) {}

  private final Set<Trouble> troubles;
  private final int start;
  private int sum;
  private int saves;
  private int restores;

  Ledger(int start, Set<Trouble> troubles) {
    this.troubles = troubles;
    this.start = start;
    this.sum = start;
  }

  @Override
  public Sum checkpoint() {
    saves++;
    if (saves > 1 && troubles.contains(Trouble.CHECKPOINT_THROWS)) {
      throw new IllegalStateException("no more states");
    }
    Object note = saves > 1 && troubles.contains(Trouble.STATE_IS_NO_VALUE) ? new Thread() : null;
    return new Sum(sum, note, new byte[troubles.contains(Trouble.LARGE) ? 1_000_000 : 0]);
  }

  @Override
  public void restore(Sum state) {
    restores++;
    sum = state.sum();
    if (troubles.contains(Trouble.RESTORE_THROWS)) {
      throw new IllegalStateException("not to my taste: " + state.sum());
    }
  }

  @Override
  protected void onMessage(Integer by) {
    sum += by;
  }

  public int add(int by) {
    return sum += by;
  }

  public int addAndSave(int by) {
    saveCheckpoint();
    return add(by);
  }

  public int addAfter(Gate gate) throws InterruptedException {
    gate.pass();
    return add(1);
  }

  /** How often this object was asked for its state; by the caller's turn all that is answered. */
  public int saves() {
    return saves;
  }

  public NodeId where() {
    return dfut().node();
  }

  /** Whether it was made anew and restored; fresh means that no other state was tried on it. */
  public String story() {
    return (isRestarted() ? "restarted" : "first")
        + (isRestored() ? ", restored" : "")
        + (restores > (isRestored() ? 1 : 0) ? ", spoilt" : "")
        + " from "
        + start;
  }
}
