package io.dfut.samples.bench;

import io.dfut.DFutActor;
import io.dfut.SharedDFut;
import java.util.ArrayList;
import java.util.List;

/** Borrows many objects for as long as it lives. */
final class Keeper extends DFutActor<Void> {
  private final List<SharedDFut<Long>> kept;

  Keeper(int count) {
    kept = new ArrayList<>(count);
  }

  int keep(List<SharedDFut<Long>> more) {
    kept.addAll(more);
    return kept.size();
  }
}
