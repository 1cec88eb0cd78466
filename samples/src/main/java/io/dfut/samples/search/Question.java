package io.dfut.samples.search;

import java.util.List;

/**
 * What a search task looks for in its partition.
 *
 * @param terms the query's terms that belong to the partition
 * @param averageLength how many terms a file has on average
 */
record Question(List<String> terms, double averageLength) {
  Question {
    terms = List.copyOf(terms);
  }
}
