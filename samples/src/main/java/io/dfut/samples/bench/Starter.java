package io.dfut.samples.bench;

import io.dfut.DFutActor;
import io.dfut.SharedDFut;

/** Owns what it is asked to start. */
final class Starter extends DFutActor<Void> {
  SharedDFut<Boolean> startEndless() {
    return dfut().task(RecoveryBench::endless).submit().share();
  }
}
