package io.dfut.internal.chaos;

import io.dfut.DFutActor;
import io.dfut.SharedDFut;
import java.util.Optional;

/** Keeps a reference in a field, until its node dies. */
final class Keeper extends DFutActor<Void> {
  private SharedDFut<long[]> kept;

  /** Made anew on another node without arguments. */
  public Keeper() {}

  /** Takes it. */
  public boolean keep(SharedDFut<long[]> value, int number) {
    Ledger.open().received(number);
    Ledger.open().begun();
    if (kept != null) {
      kept.close();
    }
    kept = value;
    return true;
  }

  /** Reads it; empty when this incarnation was never given one. */
  public Optional<Long> digest() {
    Ledger.open().begun();
    if (kept == null) {
      if (!isRestarted()) {
        throw new IllegalStateException("nothing was kept, and nothing has died");
      }
      return Optional.empty();
    }
    return Optional.of(Bodies.digest(kept.get()));
  }
}
