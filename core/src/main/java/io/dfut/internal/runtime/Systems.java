package io.dfut.internal.runtime;

import com.typesafe.config.Config;
import io.dfut.DFutSystem;
import org.apache.pekko.actor.typed.ActorSystem;

public final class Systems {
  public static DFutSystem local(Config c) {
    return null;
  }

  public static DFutSystem start(Config c) {
    return null;
  }

  public static DFutSystem connect(String a, Config c) {
    return null;
  }

  public static DFutSystem embedded(ActorSystem<?> s) {
    return null;
  }
}
