package io.dfut.internal.codec.bench;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.dataformat.cbor.databind.CBORMapper;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import io.dfut.ActorHandle;
import io.dfut.ObjectId;
import io.dfut.SharedDFut;
import io.dfut.internal.codec.ClassFilter;
import io.dfut.internal.codec.References;
import io.dfut.internal.codec.ValueCodecs;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.apache.fory.Fory;

/**
 * What ADR 0002 compares: each writes a value of a class unknown to the reader and reads it back.
 */
final class Candidates {
  private Candidates() {}

  interface Candidate {
    byte[] encode(Object value) throws IOException;

    Object decode(byte[] bytes) throws IOException, ClassNotFoundException;
  }

  static Candidate of(String name) {
    return switch (name) {
      case "own" -> new Own();
      case "fory" -> new OfFory(true);
      case "fory-interpreted" -> new OfFory(false);
      case "jackson" -> new Jackson();
      default ->
          throw new IllegalArgumentException("own, fory, fory-interpreted or jackson, not " + name);
    };
  }

  private static final class Own implements Candidate, References.Sink, References.Source {
    private final ValueCodecs codecs =
        new ValueCodecs(
            ClassFilter.everything(),
            Candidates.class.getClassLoader(),
            ValueCodecs.Limits.DEFAULT);

    @Override
    public byte[] encode(Object value) {
      return codecs.encode(value, this).toByteArray();
    }

    @Override
    public Object decode(byte[] bytes) {
      return codecs.decode(MemorySegment.ofArray(bytes), this);
    }

    @Override
    public ObjectId shared(SharedDFut<?> handle) {
      return handle.id();
    }

    @Override
    public References.Actor actor(ActorHandle<?> handle) {
      return new References.Actor(handle.id(), "", 0);
    }

    @Override
    public SharedDFut<?> shared(ObjectId id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public ActorHandle<?> actor(References.Actor actor) {
      throw new UnsupportedOperationException();
    }
  }

  /** With classes by name and a checker asked for each, as our class filter would be. */
  private static final class OfFory implements Candidate {
    private final Fory fory;

    OfFory(boolean generatesCode) {
      fory =
          Fory.builder()
              .withXlang(false)
              .withRefTracking(true)
              .requireClassRegistration(false)
              .suppressClassRegistrationWarnings(true)
              .withTypeChecker((resolver, name) -> true)
              .withCodegen(generatesCode)
              .withAsyncCompilation(generatesCode)
              .withMaxDepth(1_000_000)
              .build();
    }

    @Override
    public byte[] encode(Object value) {
      return fory.serialize(value);
    }

    @Override
    public Object decode(byte[] bytes) {
      return fory.deserialize(bytes);
    }
  }

  /**
   * The root's class by name; without polymorphic typing, which is what opens Jackson to gadgets.
   */
  private static final class Jackson implements Candidate {
    private final ObjectMapper mapper =
        CBORMapper.builder()
            .addModule(new Jdk8Module())
            .addModule(new JavaTimeModule())
            .visibility(PropertyAccessor.ALL, JsonAutoDetect.Visibility.NONE)
            .visibility(PropertyAccessor.FIELD, JsonAutoDetect.Visibility.ANY)
            .visibility(PropertyAccessor.CREATOR, JsonAutoDetect.Visibility.ANY)
            .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
            .disable(DeserializationFeature.ADJUST_DATES_TO_CONTEXT_TIME_ZONE)
            .build();

    @Override
    public byte[] encode(Object value) throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      DataOutputStream out = new DataOutputStream(bytes);
      out.writeUTF(value.getClass().getName());
      out.write(mapper.writeValueAsBytes(value));
      return bytes.toByteArray();
    }

    @Override
    public Object decode(byte[] bytes) throws IOException, ClassNotFoundException {
      DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
      Class<?> type = Class.forName(in.readUTF(), false, Candidates.class.getClassLoader());
      return mapper.readValue(in.readAllBytes(), type);
    }
  }
}
