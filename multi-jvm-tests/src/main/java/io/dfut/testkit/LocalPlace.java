package io.dfut.testkit;

import com.typesafe.config.Config;
import io.dfut.DFutSystem;
import java.util.Optional;

/** One JVM. */
final class LocalPlace implements Place {
  private final DFutSystem system;

  LocalPlace(Config config) {
    this.system = DFutSystem.local(config);
  }

  @Override
  public DFutSystem driver() {
    return system;
  }

  @Override
  public Optional<DFutNodes> nodes() {
    return Optional.empty();
  }

  @Override
  public boolean repair() {
    return !system.actorSystem().getWhenTerminated().toCompletableFuture().isDone();
  }

  @Override
  public boolean isCut() {
    return false;
  }

  @Override
  public void letGo() {}

  @Override
  public String tails() {
    return "";
  }

  @Override
  public void close() {
    system.close();
  }
}
