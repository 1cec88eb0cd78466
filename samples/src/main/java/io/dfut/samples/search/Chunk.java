package io.dfut.samples.search;

import java.util.List;

/**
 * What one map task indexes. Only names: the text does not pass through the driver.
 *
 * @param root the zip or folder, an absolute path on every node
 * @param firstDocument the number of the first file; the others follow
 * @param names the files, within the root
 * @param partitions how many partitions the index has
 */
record Chunk(String root, int firstDocument, List<String> names, int partitions) {
  Chunk {
    names = List.copyOf(names);
  }
}
