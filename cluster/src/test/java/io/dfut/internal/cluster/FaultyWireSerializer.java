package io.dfut.internal.cluster;

import java.io.NotSerializableException;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.serialization.SerializerWithStringManifest;

/**
 * Stands where {@link WireSerializer} does, and shows {@link LinkFaults} every envelope at the
 * moment at which it goes out. This is the place for faults: what comes later is Pekko's, what
 * comes before has not been sent. No hook in the main code is needed for it, and so none can be
 * reached in production: Pekko makes serialisers by the names of their classes, and this class is
 * in no jar. Thread-safe.
 */
public final class FaultyWireSerializer extends SerializerWithStringManifest {
  private final ExtendedActorSystem system;
  private final WireSerializer real;
  private final LinkFaults faults;

  /** Called by Pekko. */
  public FaultyWireSerializer(ExtendedActorSystem system) {
    this.system = system;
    real = new WireSerializer(system);
    faults = LinkFaults.of(system.name());
  }

  @Override
  public int identifier() {
    return real.identifier();
  }

  @Override
  public String manifest(Object wire) {
    return real.manifest(wire);
  }

  @Override
  public byte[] toBinary(Object wire) {
    byte[] bytes = real.toBinary(wire);
    return wire instanceof Wire.Flush(Outbox outbox)
        ? faults.onEnvelope(bytes, outbox.to(), system)
        : bytes;
  }

  @Override
  public Object fromBinary(byte[] bytes, String manifest) throws NotSerializableException {
    return real.fromBinary(bytes, manifest);
  }
}
