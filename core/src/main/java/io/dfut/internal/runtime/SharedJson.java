package io.dfut.internal.runtime;

import com.fasterxml.jackson.core.*;
import com.fasterxml.jackson.databind.*;
import io.dfut.SharedDFut;
import java.io.IOException;

public final class SharedJson {
  public static final class Writer extends JsonSerializer<SharedDFut<?>> {
    @Override
    public void serialize(SharedDFut<?> v, JsonGenerator g, SerializerProvider p)
        throws IOException {
      throw new IOException();
    }
  }

  public static final class Reader extends JsonDeserializer<SharedDFut<?>> {
    @Override
    public SharedDFut<?> deserialize(JsonParser p, DeserializationContext c) throws IOException {
      throw new IOException();
    }
  }
}
