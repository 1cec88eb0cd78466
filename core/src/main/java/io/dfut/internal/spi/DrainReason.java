package io.dfut.internal.spi;

import org.apache.pekko.actor.CoordinatedShutdown;

/** Why an {@code ActorSystem} ends whose node was told to leave the cluster. */
public final class DrainReason implements CoordinatedShutdown.Reason {
  /** The only one. */
  public static final DrainReason INSTANCE = new DrainReason();

  /** The phase of the coordinated shutdown in which a node drains; before all of Pekko's own. */
  public static final String PHASE = "dfut-drain";

  private DrainReason() {}

  @Override
  public String toString() {
    return "the node was told to leave";
  }
}
