package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.spi.PeerInfo;
import java.util.List;
import java.util.Objects;

/** What travels between the gateways of two nodes. */
sealed interface Wire extends Gateway.Command {
  /**
   * The beginning of what nodes say before they know that they understand each other. Its layout is
   * the same in all versions, for ever.
   *
   * @param version of the wire format of the sender
   * @param hopsMax how many redirections a lease request may take at the sender
   * @param node the sender
   */
  record Preamble(int version, int hopsMax, NodeId node) {
    public Preamble {
      Objects.requireNonNull(node, "node");
    }

    /** Whether both can work together. */
    boolean agreesWith(Preamble other) {
      return version == other.version && hopsMax == other.hopsMax;
    }

    /** What is compared, for messages: {@code wire version 3, 4 redirections}. */
    String terms() {
      return "wire version " + version + ", " + Terms.HOPS_MAX + " = " + hopsMax;
    }
  }

  /**
   * Messages of one incarnation of a node to one incarnation of another, in the order in which they
   * were sent. The receiver drops what is for, or from, another incarnation, and what is not the
   * next in order.
   *
   * @param number counted from 1; 0 for one that is empty
   * @param acknowledged of the receiver's batches, the last one that the sender has taken
   */
  record Batch(long from, long to, long number, long acknowledged, List<NodeMessage> messages)
      implements Wire {}

  /**
   * How far the sender has come with the receiver's batches, when there is no batch to say it with.
   * May be lost or repeated.
   *
   * @param missing whether a later one than the next has come: send again from there
   */
  record Acknowledgement(long from, long to, long received, boolean missing) implements Wire {}

  /**
   * Asked of a node before joining its cluster, again and again until somebody answers: who are
   * you? Answered by {@link Answer}.
   */
  record Inquiry(Preamble from) implements Wire {}

  /** To whoever inquired. */
  record Answer(Preamble from) implements Wire {}

  /**
   * From a node to each member it sees, again and again until it is welcomed. The receiver answers
   * as soon as it sees the sender as a member, too.
   */
  record Hello(Preamble from, PeerInfo info) implements Wire {}

  /** The answer to a {@link Hello}: from now on the sender of that may send messages. */
  record Welcome(Preamble from, PeerInfo info) implements Wire {}

  /** A {@link Hello} that could not be read, since it is of another version; never sent. */
  record Foreign(Preamble from) implements Wire {}

  /** The answer to it; the younger of the two nodes has to stop. */
  record Refused(Preamble from, String reason) implements Wire {}

  /**
   * The last word of a node that leaves in an orderly way.
   *
   * @param cause why it ends, for those who wait for something of it; cut off if it is long
   */
  record Goodbye(Preamble from, String cause) implements Wire {
    /** Of a node that just leaves. */
    static final String IN_ORDER = "it left the cluster in an orderly way";

    static final int CAUSE_CHARS_MAX = 500;

    public Goodbye {
      cause = Shapes.printable(cause, CAUSE_CHARS_MAX);
    }
  }

  /**
   * From a member to all others, again and again, as long as the sender knows that a third is dead,
   * or is refused by it. The receiver says so in turn if it knows by that.
   */
  record DeathReport(Preamble from, NodeId of, ProofMachine.Evidence evidence) implements Wire {}

  /**
   * Becomes a {@link Batch} of what waits in an outbox at the moment at which the transport
   * serialises it; never received.
   */
  record Flush(Outbox outbox) implements Wire {}
}
