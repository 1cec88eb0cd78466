package io.dfut.internal.runtime;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.SerializerProvider;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.SharedDFut;
import io.dfut.WorkerId;
import java.io.IOException;
import java.util.Optional;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.serialization.Serialization;

/**
 * References in Pekko messages that Jackson serialises: the object's id. The receiver's driver
 * registers with the owner on arrival; until then the sender's handle must stay open.
 */
public final class SharedJson {
  private SharedJson() {}

  /** Writes the id as an array: host, port, incarnation, worker, sequence, index. */
  public static final class Writer extends JsonSerializer<SharedDFut<?>> {
    @Override
    public void serialize(SharedDFut<?> reference, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      ((Handle<?>) reference).requireOpen("sending a SharedDFut in a message");
      ObjectId id = reference.id();
      json.writeStartArray();
      json.writeString(id.owner().node().host());
      json.writeNumber(id.owner().node().port());
      json.writeNumber(id.owner().node().incarnation());
      json.writeNumber(id.owner().sequence());
      json.writeNumber(id.sequence());
      json.writeNumber(id.index());
      json.writeEndArray();
    }
  }

  /** Reads it and makes the receiving node a borrower. */
  public static final class Reader extends JsonDeserializer<SharedDFut<?>> {
    @Override
    public SharedDFut<?> deserialize(JsonParser json, DeserializationContext context)
        throws IOException {
      Object[] parts = json.readValueAs(Object[].class);
      if (parts == null
          || parts.length != 6
          || !(parts[0] instanceof String host)
          || !(parts[1] instanceof Number port)
          || !(parts[2] instanceof Number incarnation)
          || !(parts[3] instanceof Number worker)
          || !(parts[4] instanceof Number sequence)
          || !(parts[5] instanceof Number index)) {
        throw JsonMappingException.from(
            json, "not a reference: an array of six parts was expected");
      }
      ObjectId id =
          new ObjectId(
              new WorkerId(
                  new NodeId(host, port.intValue(), incarnation.longValue()), worker.longValue()),
              sequence.longValue(),
              index.intValue());
      WorkerContext receiver = receiver(json);
      return receiver.shared(receiver.worker.arrived(id, Optional.empty()));
    }

    private static WorkerContext receiver(JsonParser json) throws JsonMappingException {
      Serialization.Information information;
      try {
        information = Serialization.getCurrentTransportInformation();
      } catch (IllegalStateException e) {
        throw JsonMappingException.from(
            json,
            "a SharedDFut can be read in a Pekko message only, where it is known which node"
                + " receives it",
            e);
      }
      return Systems.running(Adapter.toTyped(information.system()))
          .orElseThrow(
              () ->
                  new IllegalStateException(
                      "no DFutSystem runs in ActorSystem "
                          + information.system().name()
                          + "; call DFutSystem.get first"))
          .runtime()
          .messageContext();
    }
  }
}
