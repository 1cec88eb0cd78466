package io.dfut.samples;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigValueFactory;
import java.util.List;

/** What the samples' main programs have in common. */
public final class Programs {
  private Programs() {}

  /**
   * The settings of a node that joins a cluster and does its share of the tasks, which a client of
   * {@code DFutSystem.connect} would not.
   *
   * @param address of a member, host:port
   * @param code the prefix of the classes whose tasks and values it admits
   */
  public static Config joining(String address, String code) {
    List<String> admitted = List.of(code);
    return ConfigFactory.empty()
        .withValue("dfut.cluster.join", ConfigValueFactory.fromIterable(List.of(address)))
        .withValue("dfut.tasks.allow", ConfigValueFactory.fromIterable(admitted))
        .withValue("dfut.values.allow", ConfigValueFactory.fromIterable(admitted));
  }

  /** What went wrong, in one line. */
  public static String firstLine(Throwable e) {
    String message = e.getMessage();
    return message == null ? e.getClass().getName() : message.lines().findFirst().orElse("");
  }
}
