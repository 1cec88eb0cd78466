package io.dfut.internal.runtime;

import io.dfut.DFut;
import io.dfut.ObjectView;
import io.dfut.SharedDFut;

/** A future: passes its object by value. Thread-safe. */
final class OwnedHandle<T> extends Handle<T> implements DFut<T> {
  OwnedHandle(Count count, boolean cleaned) {
    super(count, cleaned);
  }

  @Override
  public io.dfut.ObjectId id() {
    return object();
  }

  @Override
  public SharedDFut<T> share() {
    return worker().activeContext().shared(duplicate("share()"));
  }

  @Override
  public ObjectView view() {
    requireOpen("view()");
    try {
      return worker().reader().view(count);
    } finally {
      keepReachable();
    }
  }

  @Override
  public boolean cancel() {
    boolean cancelled = worker().cancel(count);
    keepReachable();
    return cancelled;
  }
}
