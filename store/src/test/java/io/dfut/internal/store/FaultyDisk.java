package io.dfut.internal.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;
import java.nio.file.Path;

/** The real disk, whose writes a test can make slow or fail. It is never full by itself. */
abstract class FaultyDisk implements SpillFiles.Disk {
  /** What happens to the writes of one file. */
  interface Fault {
    /**
     * Called before each write.
     *
     * @param written so many bytes of the file before it
     */
    void beforeWrite(long written) throws IOException;
  }

  /** Chooses, when a file is created, what happens to its writes. */
  abstract Fault of(Path file);

  @Override
  public final GatheringByteChannel create(Path file) throws IOException {
    GatheringByteChannel real = SpillFiles.DISKS.create(file);
    Fault fault = of(file);
    return new GatheringByteChannel() {
      private long written;

      @Override
      public long write(ByteBuffer[] sources, int offset, int length) throws IOException {
        fault.beforeWrite(written);
        long now = real.write(sources, offset, length);
        written += now;
        return now;
      }

      @Override
      public long write(ByteBuffer[] sources) throws IOException {
        return write(sources, 0, sources.length);
      }

      @Override
      public int write(ByteBuffer source) throws IOException {
        return (int) write(new ByteBuffer[] {source});
      }

      @Override
      public boolean isOpen() {
        return real.isOpen();
      }

      @Override
      public void close() throws IOException {
        real.close();
      }
    };
  }

  @Override
  public final long freeBytes(Path directory) {
    return Long.MAX_VALUE;
  }
}
