package io.dfut;

/**
 * An actor whose state outlives it: implemented by a {@link DFutActor} with {@link
 * ActorBuilder#maxRestarts restarts}. Its state is asked for between calls, as often as {@link
 * ActorBuilder#checkpointEvery(int)} says or {@link DFutActor#saveCheckpoint()} asks, and kept by
 * the actor's owner, outside of the actor's node. When the actor is made anew its constructor runs
 * first, then {@link #restore}, then {@link DFutActor#onStart()}.
 *
 * <p>Calls that ended after the last state was saved are forgotten with the old incarnation: a
 * restored actor is in a state that it once had. Calls that had not ended are sent again if {@link
 * ActorBuilder#maxTaskRetries} allows. An actor that moves because its node leaves is asked for its
 * state after its last call, and forgets nothing.
 *
 * <p>A state that cannot be read, or that {@code restore} refuses with an exception, does not end
 * the actor: that is logged, and the actor is constructed once more, without a state; {@link
 * DFutActor#isRestarted()} and {@link DFutActor#isRestored()} tell. References in the state to what
 * the actor itself owned are dead when it is restored: their owner is gone. One that leads to the
 * actor itself keeps it for ever, as one in its fields does.
 *
 * @param <S> the state, a value as tasks return it: it is encoded when {@link #checkpoint} returns,
 *     and the class must be admitted ({@code dfut.values.allow})
 */
public interface Checkpointed<S> {
  /**
   * The state now. Called like a method of the actor: no other runs meanwhile, unless the actor has
   * a {@link ActorBuilder#maxConcurrency} above 1. What it throws is logged; the last state stays.
   */
  S checkpoint() throws Exception;

  /** Takes back a state that {@link #checkpoint} gave. Called on a newly constructed actor. */
  void restore(S state) throws Exception;
}
