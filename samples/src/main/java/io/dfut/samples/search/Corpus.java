package io.dfut.samples.search;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * Which files are to be indexed: names and sizes, in the order of the names, which is also that of
 * their document numbers. The driver lists; the text is read by the tasks, each on its own node.
 * Immutable.
 *
 * @param root the zip or folder, absolute
 * @param names the files' names, within the root
 * @param sizes their sizes in bytes
 * @param tooLarge how many files were left out because they are above {@link #FILE_BYTES_MAX}
 */
record Corpus(Path root, List<String> names, List<Long> sizes, int tooLarge) {
  /** A file is read into memory as a whole; larger ones are data, not text. */
  static final long FILE_BYTES_MAX = 16L << 20;

  /** What opening a file costs, in bytes of reading; so that many small files weigh enough. */
  private static final long FILE_COST_BYTES = 4_096;

  Corpus {
    names = List.copyOf(names);
    sizes = List.copyOf(sizes);
  }

  /**
   * The sources of the JDK that runs this program.
   *
   * @throws InputException when it came without them
   */
  static Path jdkSources() {
    Path home = Path.of(System.getProperty("java.home"));
    Path sources = home.resolve("lib").resolve("src.zip");
    if (!Files.exists(sources)) {
      throw new InputException(
          "the JDK in %s came without its sources (%s%s): install them (Debian and Ubuntu: apt-get install openjdk-%d-source; Temurin has them), or name another zip or folder with --input"
              .formatted(
                  home,
                  sources,
                  Files.isSymbolicLink(sources) ? " is a link to nowhere" : " does not exist",
                  Runtime.version().feature()));
    }
    return sources;
  }

  /**
   * Lists a zip (or jar) or a folder.
   *
   * @throws InputException when it is none, cannot be read, or holds no files
   */
  static Corpus list(Path input) {
    Path root = input.toAbsolutePath().normalize();
    TreeMap<String, Long> files = new TreeMap<>();
    try {
      if (Files.isDirectory(root)) {
        listFolder(root, files);
      } else {
        requireZip(root);
        listZip(root, files);
      }
    } catch (IOException | UncheckedIOException e) {
      throw unreadable(root, e);
    }
    int all = files.size();
    files.values().removeIf(size -> size > FILE_BYTES_MAX);
    if (files.isEmpty()) {
      throw new InputException(
          "%s holds no files%s: name another zip or folder with --input"
              .formatted(root, all == 0 ? "" : " of at most " + (FILE_BYTES_MAX >> 20) + " MiB"));
    }
    return new Corpus(
        root, List.copyOf(files.keySet()), List.copyOf(files.values()), all - files.size());
  }

  /** At most so many of the files, evenly spaced, so that a sample of a JDK is not one package. */
  Corpus sample(int filesMax) {
    if (filesMax >= names.size()) {
      return this;
    }
    List<String> someNames = new ArrayList<>(filesMax);
    List<Long> someSizes = new ArrayList<>(filesMax);
    for (int i = 0; i < filesMax; i++) {
      int index = (int) ((long) i * names.size() / filesMax);
      someNames.add(names.get(index));
      someSizes.add(sizes.get(index));
    }
    return new Corpus(root, someNames, someSizes, tooLarge);
  }

  /**
   * The files in at most so many groups of about the same weight, each of neighbours: document
   * numbers of later groups are higher, which is what lets a reduce task append lists.
   */
  List<Chunk> chunks(int groupsMax, int partitions) {
    long weightLeft = sizes.stream().mapToLong(size -> size + FILE_COST_BYTES).sum();
    List<Chunk> chunks = new ArrayList<>();
    int first = 0;
    while (first < names.size()) {
      int groupsLeft = groupsMax - chunks.size();
      long aim = weightLeft / groupsLeft;
      long weight = 0;
      int end = first;
      while (end < names.size()) {
        long more = sizes.get(end) + FILE_COST_BYTES;
        // The last group takes all; another stops where it comes nearest to its aim.
        if (groupsLeft > 1 && end > first && weight + more / 2 > aim) {
          break;
        }
        weight += more;
        end++;
      }
      chunks.add(new Chunk(root.toString(), first, names.subList(first, end), partitions));
      weightLeft -= weight;
      first = end;
    }
    return chunks;
  }

  long bytes() {
    return sizes.stream().mapToLong(Long::longValue).sum();
  }

  private static void listFolder(Path root, Map<String, Long> files) throws IOException {
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (attributes.isRegularFile()) {
              // The same name on every system: it stands in the answers.
              String name = root.relativize(file).toString().replace('\\', '/');
              files.put(name, attributes.size());
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static void requireZip(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new InputException(
          file + " does not exist: name a zip or folder that does with --input");
    }
    if (!Files.isRegularFile(file)) {
      throw new InputException(
          file + " is neither a file nor a folder: name a zip or folder with --input");
    }
    byte[] start;
    try (var in = Files.newInputStream(file)) {
      start = in.readNBytes(2);
    }
    if (start.length == 0) {
      throw new InputException(
          file + " is empty (0 bytes): download it again, or name another with --input");
    }
    if (start.length < 2 || start[0] != 'P' || start[1] != 'K') {
      throw new InputException(
          file
              + " is not a zip: give a zip, a jar, or the folder that holds the files, to --input");
    }
  }

  private static void listZip(Path file, Map<String, Long> files) throws IOException {
    try (ZipFile zip = new ZipFile(file.toFile())) {
      zip.stream()
          .filter(entry -> !entry.isDirectory())
          .forEach(entry -> files.put(entry.getName(), Math.max(0, entry.getSize())));
    }
  }

  private static InputException unreadable(Path root, Exception e) {
    if (e instanceof ZipException) {
      return new InputException(
          "%s is a truncated or damaged zip (%s): download it again, or name another with --input"
              .formatted(root, e.getMessage()),
          e);
    }
    return new InputException(
        "%s cannot be read (%s): check its permissions, or name another with --input"
            .formatted(root, e),
        e);
  }
}
