package io.dfut.internal.cluster;

/** What a person types to name a node: {@code host:port}, {@code [::1]:port}. */
public record HostAndPort(String host, int port) {
  /**
   * Reads it.
   *
   * @param what the key or option it is the value of, for the message
   * @throws IllegalArgumentException when it is not of that form; names it and the way out
   */
  public static HostAndPort parse(String text, String what) {
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? "" : text.substring(0, colon).strip();
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    } else if (host.contains(":")) {
      throw refuse(text, what); // an IPv6 address without brackets: where does it end?
    }
    int port;
    try {
      port = Integer.parseInt(text.substring(colon + 1).strip());
    } catch (NumberFormatException e) {
      throw refuse(text, what);
    }
    if (host.isBlank() || port < 1 || port > 65_535) {
      throw refuse(text, what);
    }
    return new HostAndPort(host, port);
  }

  private static IllegalArgumentException refuse(String text, String what) {
    return new IllegalArgumentException(
        what + " is \"" + text + "\"; it must be host:port, for example 127.0.0.1:25520");
  }

  @Override
  public String toString() {
    return host.contains(":") ? "[" + host + "]:" + port : host + ":" + port;
  }
}
