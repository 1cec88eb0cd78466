package io.dfut.internal.task;

import io.dfut.JobId;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Where a job's code comes from. One implementation now, the node's class path; that every look-up
 * names the job is what lets jobs bring their own code later. Thread-safe.
 */
public interface ClassSource {
  /**
   * A class by its binary name, not initialised. Admission is the caller's business, before it
   * asks.
   *
   * @throws ClassNotFoundException when this node does not have it
   */
  Class<?> load(JobId job, String className) throws ClassNotFoundException;

  /**
   * A hash of the class file, so that differing builds are told apart; 0 when there is no file to
   * read.
   */
  long hash(Class<?> type);

  /** What the classes are looked for in, for error messages. */
  String describe();

  /** The class path of this JVM, through the loader that its application uses. */
  static ClassSource classPath(ClassLoader loader) {
    return new ClassPath(loader);
  }

  /** See {@link #classPath}. */
  final class ClassPath implements ClassSource {
    private static final ClassValue<Long> HASHES =
        new ClassValue<>() {
          @Override
          protected Long computeValue(Class<?> type) {
            return hashFile(type);
          }
        };

    private final ClassLoader loader;

    private ClassPath(ClassLoader loader) {
      this.loader = loader;
    }

    @Override
    public Class<?> load(JobId job, String className) throws ClassNotFoundException {
      return Class.forName(className, false, loader);
    }

    @Override
    public long hash(Class<?> type) {
      return HASHES.get(type);
    }

    private static long hashFile(Class<?> type) {
      if (type.getClassLoader() == null || type.isHidden()) {
        return 0; // the JDK's own: another update of it is no other program
      }
      String name = type.getName().substring(type.getName().lastIndexOf('.') + 1) + ".class";
      try (InputStream file = type.getResourceAsStream(name)) {
        if (file == null) {
          return 0;
        }
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(file.readAllBytes());
        long hash = 0;
        for (int i = 0; i < Long.BYTES; i++) {
          hash = hash << 8 | (digest[i] & 0xff);
        }
        return hash == 0 ? 1 : hash;
      } catch (IOException | NoSuchAlgorithmException e) {
        return 0; // unknown: not compared
      }
    }

    @Override
    public String describe() {
      return "its class path";
    }
  }
}
