package io.dfut.internal.codec;

import io.dfut.ValueCodec;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** A user's codec, found through {@code META-INF/services}. */
public final class TemperatureCodec implements ValueCodec {
  /** Holds a lock, so that only its codec can carry it. */
  static final class Temperature {
    final Object guard = new java.util.concurrent.locks.ReentrantLock();
    final double celsius;

    Temperature(double celsius) {
      this.celsius = celsius;
    }
  }

  @Override
  public String name() {
    return "test.temperature";
  }

  @Override
  public boolean handles(Class<?> type) {
    return type == Temperature.class;
  }

  @Override
  public void encode(Object value, DataOutput out) throws IOException {
    double celsius = ((Temperature) value).celsius;
    if (Double.isNaN(celsius)) {
      throw new IOException("not measured");
    }
    out.writeDouble(celsius);
  }

  @Override
  public Object decode(DataInput in) throws IOException {
    return new Temperature(in.readDouble());
  }
}
