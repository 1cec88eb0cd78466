package io.dfut.internal.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ComponentsTest {
  private static Set<Set<Integer>> partsOf(Map<Integer, List<Integer>> graph) {
    return Components.of(graph).stream().map(Set::copyOf).collect(Collectors.toSet());
  }

  @Test
  void nothingHasNoParts() {
    assertThat(Components.of(Map.<Integer, List<Integer>>of())).isEmpty();
  }

  @Test
  void nodesOfAChainArePartsOfTheirOwn() {
    assertThat(partsOf(Map.of(1, List.of(2), 2, List.of(3), 3, List.of())))
        .containsExactlyInAnyOrder(Set.of(1), Set.of(2), Set.of(3));
  }

  @Test
  void aRingIsOnePartAndWhatHangsOnItIsNot() {
    assertThat(
            partsOf(
                Map.of(
                    0, List.of(1), 1, List.of(2), 2, List.of(3), 3, List.of(1, 4), 4, List.of())))
        .containsExactlyInAnyOrder(Set.of(0), Set.of(1, 2, 3), Set.of(4));
  }

  @Test
  void ringsThatShareANodeAreOnePart() {
    assertThat(partsOf(Map.of(1, List.of(2, 3), 2, List.of(1), 3, List.of(1))))
        .containsExactly(Set.of(1, 2, 3));
  }

  @Test
  void aLinkBetweenRingsDoesNotJoinThem() {
    assertThat(partsOf(Map.of(1, List.of(2), 2, List.of(1, 3), 3, List.of(4), 4, List.of(3))))
        .containsExactlyInAnyOrder(Set.of(1, 2), Set.of(3, 4));
  }

  @Test
  void aRingLongerThanAnyStackIsFound() {
    int length = 300_000;
    Map<Integer, List<Integer>> ring = new LinkedHashMap<>();
    for (int i = 0; i < length; i++) {
      ring.put(i, List.of((i + 1) % length));
    }
    assertThat(Components.of(ring)).singleElement().satisfies(p -> assertThat(p).hasSize(length));
  }

  /** Two nodes are in one part when each reaches the other. */
  @Test
  void partsOfRandomGraphsAreThoseOfTheDefinition() {
    long seed = Long.getLong("dfut.test.seed", new Random().nextLong());
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      int nodes = 1 + random.nextInt(12);
      Map<Integer, List<Integer>> graph = new LinkedHashMap<>();
      for (int node = 0; node < nodes; node++) {
        graph.put(node, random.ints(random.nextInt(4), 0, nodes).boxed().toList());
      }
      Map<Integer, Set<Integer>> reached =
          graph.keySet().stream().collect(Collectors.toMap(n -> n, n -> reach(graph, n)));
      Set<Set<Integer>> expected =
          IntStream.range(0, nodes)
              .mapToObj(
                  a ->
                      IntStream.range(0, nodes)
                          .filter(b -> reached.get(a).contains(b) && reached.get(b).contains(a))
                          .boxed()
                          .collect(Collectors.toSet()))
              .collect(Collectors.toSet());
      assertThat(partsOf(graph)).as("seed %d, %s", seed, graph).isEqualTo(expected);
    }
  }

  private static Set<Integer> reach(Map<Integer, List<Integer>> graph, int from) {
    Set<Integer> reached = new HashSet<>(Set.of(from));
    List<Integer> next = new ArrayList<>(reached);
    while (!next.isEmpty()) {
      graph.get(next.removeLast()).stream().filter(reached::add).forEach(next::add);
    }
    return reached;
  }
}
