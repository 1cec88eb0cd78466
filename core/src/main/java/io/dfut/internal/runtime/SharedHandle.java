package io.dfut.internal.runtime;

import io.dfut.DFut;
import io.dfut.SharedDFut;

/** A first-class reference. Thread-safe. */
final class SharedHandle<T> extends Handle<T> implements SharedDFut<T> {
  SharedHandle(Count count, boolean cleaned) {
    super(count, cleaned);
  }

  @Override
  public io.dfut.ObjectId id() {
    return object();
  }

  @Override
  public DFut<T> borrow() {
    return worker().activeContext().future(duplicate("borrow()"));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SharedDFut<?> shared && object().equals(shared.id());
  }

  @Override
  public int hashCode() {
    return object().hashCode();
  }
}
