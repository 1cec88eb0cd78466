package io.dfut.samples.bench;

import io.dfut.DFutActor;
import io.dfut.SharedDFut;
import java.nio.ByteBuffer;

/** Borrows an object for as long as it lives, and submits tasks that take it. */
final class Borrower extends DFutActor<Void> {
  private final SharedDFut<ByteBuffer> object;

  Borrower(SharedDFut<ByteBuffer> object) {
    this.object = object;
  }

  Span submit(Submitter.How how, int tasks) {
    return Submitter.run(dfut(), object, how, tasks);
  }
}
