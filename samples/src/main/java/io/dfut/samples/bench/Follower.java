package io.dfut.samples.bench;

import io.dfut.DFutActor;

/** Counts on. */
final class Follower extends DFutActor<Void> {
  int next(int number) {
    return Turns.next(number);
  }
}
