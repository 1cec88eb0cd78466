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
import io.dfut.internal.protocol.Transit;
import java.io.IOException;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.serialization.Serialization;

/**
 * References in Pekko messages that Jackson serialises (DESIGN section 5). Writing one counts it at
 * the sender as under way; whoever reads it registers with the owner, which tells the sender. A
 * message that nobody reads stops counting after {@code dfut.ownership.message-transit}.
 *
 * <p>Pekko writes a message after {@code tell} has returned. A handle that is closed by then counts
 * nothing: if nothing else keeps the object, the receiver's {@code get} says that it was freed.
 */
public final class SharedJson {
  private static final int VERSION = 1;
  private static final int PARTS = 12;

  private SharedJson() {}

  /**
   * Writes an array: format version; host, port, incarnation, worker, sequence and index of the
   * object; host, port, incarnation and worker of the sender; transit.
   */
  public static final class Writer extends JsonSerializer<SharedDFut<?>> {
    @Override
    public void serialize(SharedDFut<?> reference, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      Handle<?> handle = (Handle<?>) reference;
      Transit transit = handle.worker().sent(handle.count);
      ObjectId id = transit.object();
      json.writeStartArray();
      json.writeNumber(VERSION);
      write(id.owner(), json);
      json.writeNumber(id.sequence());
      json.writeNumber(id.index());
      write(handle.worker().id(), json);
      json.writeNumber(transit.id());
      json.writeEndArray();
    }

    private static void write(WorkerId worker, JsonGenerator json) throws IOException {
      json.writeString(worker.node().host());
      json.writeNumber(worker.node().port());
      json.writeNumber(worker.node().incarnation());
      json.writeNumber(worker.sequence());
    }
  }

  /** Reads it and makes the receiving node a borrower. */
  public static final class Reader extends JsonDeserializer<SharedDFut<?>> {
    @Override
    public SharedDFut<?> deserialize(JsonParser json, DeserializationContext context)
        throws IOException {
      Object[] parts = json.readValueAs(Object[].class);
      if (parts == null || parts.length == 0 || !(parts[0] instanceof Integer version)) {
        throw JsonMappingException.from(
            json, "not a reference: an array that begins with a format version was expected");
      }
      if (version != VERSION || parts.length != PARTS) {
        throw JsonMappingException.from(
            json,
            "a reference of format "
                + version
                + " with "
                + parts.length
                + " parts; this version of the library reads format "
                + VERSION
                + " with "
                + PARTS);
      }
      ObjectId id =
          new ObjectId(
              worker(parts, 1, json), number(parts, 5, json), (int) number(parts, 6, json));
      WorkerId sender = worker(parts, 7, json);
      WorkerContext receiver = receiver(json);
      return receiver.shared(
          receiver.worker.received(new Transit(id, number(parts, 11, json)), sender));
    }

    private static WorkerId worker(Object[] parts, int from, JsonParser json)
        throws JsonMappingException {
      if (!(parts[from] instanceof String host)) {
        throw JsonMappingException.from(json, "part " + from + " of a reference is no host");
      }
      int port = (int) number(parts, from + 1, json);
      return new WorkerId(
          new NodeId(host, port, number(parts, from + 2, json)), number(parts, from + 3, json));
    }

    private static long number(Object[] parts, int at, JsonParser json)
        throws JsonMappingException {
      if (!(parts[at] instanceof Number number)) {
        throw JsonMappingException.from(json, "part " + at + " of a reference is no number");
      }
      return number.longValue();
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
