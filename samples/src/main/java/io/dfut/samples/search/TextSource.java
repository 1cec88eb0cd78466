package io.dfut.samples.search;

import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Where a task reads its files: a zip or a folder. Not thread-safe. */
sealed interface TextSource extends Closeable {
  /**
   * A file's bytes.
   *
   * @throws IOException when it is gone, damaged, or has grown too large since it was listed
   */
  byte[] read(String name) throws IOException;

  /** Opens what the driver listed. */
  static TextSource open(Path root) throws IOException {
    return Files.isDirectory(root) ? new Folder(root) : new Zip(new ZipFile(root.toFile()));
  }

  private static byte[] readBounded(InputStream in, String name) throws IOException {
    byte[] bytes = in.readNBytes((int) Corpus.FILE_BYTES_MAX + 1);
    if (bytes.length > Corpus.FILE_BYTES_MAX) {
      throw new IOException(name + " is larger than it was when it was listed");
    }
    return bytes;
  }

  /** Files below a folder. */
  record Folder(Path root) implements TextSource {
    @Override
    public byte[] read(String name) throws IOException {
      try (InputStream in = Files.newInputStream(root.resolve(name))) {
        return readBounded(in, name);
      }
    }

    @Override
    public void close() {}
  }

  /** Entries of a zip. */
  record Zip(ZipFile zip) implements TextSource {
    @Override
    public byte[] read(String name) throws IOException {
      ZipEntry entry = zip.getEntry(name);
      if (entry == null) {
        throw new FileNotFoundException(name + " is no longer in " + zip.getName());
      }
      try (InputStream in = zip.getInputStream(entry)) {
        return readBounded(in, name);
      }
    }

    @Override
    public void close() throws IOException {
      zip.close();
    }
  }
}
