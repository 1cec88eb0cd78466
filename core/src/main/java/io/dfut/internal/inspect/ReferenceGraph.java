package io.dfut.internal.inspect;

import io.dfut.Inspection.Cycle;
import io.dfut.Inspection.Hold;
import io.dfut.Inspection.Link;
import io.dfut.Inspection.Role;
import io.dfut.Inspection.Row;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which object keeps which, built from the rows of all tables, and the cycles in it: what counting
 * cannot free (DESIGN section 5).
 *
 * <p><b>Edges.</b> An object keeps those that its value contains. One whose value may have to be
 * made again keeps what the kept description of its task takes. An actor keeps every object on
 * which its worker has an open handle.
 *
 * <p><b>Roots.</b> An object is kept from outside when a worker that is no such actor has a handle
 * on it, when a task or a message under way counts it (or anything else that is not an edge), and
 * when a count is not explained by the rows at hand: a borrower or an owner on another node, say.
 * So what is not understood is never reported. Cycles are the strongly connected parts of what no
 * root leads to.
 *
 * <p>Not thread-safe: one use.
 */
public final class ReferenceGraph {
  /** Reasons that rows of the snapshot explain; by any other, an object is kept from outside. */
  private static final Set<String> EXPLAINED =
      Set.of("handles", "containers", "borrowers", "lineage");

  private final Map<WorkerId, Map<ObjectId, Row>> tables = new HashMap<>();
  private final Map<ObjectId, Row> owned = new LinkedHashMap<>();
  private final Map<WorkerId, ObjectId> actors = new HashMap<>();
  private final Map<ObjectId, Set<Link>> links = new LinkedHashMap<>();
  private final Set<ObjectId> roots = new HashSet<>();

  private ReferenceGraph(Collection<Row> rows) {
    for (Row row : rows) {
      tables.computeIfAbsent(row.worker(), worker -> new LinkedHashMap<>()).put(row.object(), row);
      links.put(row.object(), new LinkedHashSet<>());
      if (row.role() == Role.OWNER) {
        owned.put(row.object(), row);
        row.actor().ifPresent(worker -> actors.put(worker, row.object()));
      }
    }
    tables.values().forEach(this::addContained);
    for (Row row : rows) {
      addHolders(row);
    }
  }

  /** The cycles among these rows, the rows of one snapshot. */
  public static List<Cycle> cycles(Collection<Row> rows) {
    return new ReferenceGraph(rows).cycles();
  }

  // ---- building ----

  /** What the objects that one worker owns keep; a count that they do not explain is a root. */
  private void addContained(Map<ObjectId, Row> table) {
    Map<ObjectId, Integer> contained = new HashMap<>();
    Map<ObjectId, Integer> lineage = new HashMap<>();
    for (Row outer : table.values()) {
      if (outer.role() == Role.OWNER) {
        for (ObjectId inner : outer.contains()) {
          contained.merge(inner, 1, Integer::sum);
          addLink(outer.object(), Hold.CONTAINS, inner);
        }
        for (ObjectId taken : outer.lineage()) {
          lineage.merge(taken, 1, Integer::sum);
          if (!endsDespiteLineage(table.get(taken))) {
            addLink(outer.object(), Hold.LINEAGE, taken);
          }
        }
      }
    }
    for (Row row : table.values()) {
      if (count(row, "containers") > contained.getOrDefault(row.object(), 0)
          || (count(row, "lineage") > lineage.getOrDefault(row.object(), 0)
              && !endsDespiteLineage(row))) {
        roots.add(row.object());
      }
    }
  }

  /** An actor's owner lets it end when only descriptions name it. */
  private static boolean endsDespiteLineage(Row row) {
    return row != null && row.actor().isPresent();
  }

  private void addLink(ObjectId from, Hold hold, ObjectId to) {
    if (links.containsKey(to)) { // else it was freed already
      links.get(from).add(new Link(from, hold, to));
    }
  }

  private void addHolders(Row row) {
    ObjectId object = row.object();
    if (!owned.containsKey(object) || !EXPLAINED.containsAll(row.counts().keySet())) {
      roots.add(object);
    }
    if (count(row, "handles") > 0) {
      ObjectId actor = actors.get(row.worker());
      if (actor == null) {
        roots.add(object);
      } else {
        addLink(actor, Hold.ACTOR_HOLDS, object);
      }
    }
    for (WorkerId borrower : row.borrowers()) {
      if (!tables.getOrDefault(borrower, Map.of()).containsKey(object)) {
        roots.add(object);
      }
    }
  }

  private static int count(Row row, String reason) {
    return row.counts().getOrDefault(reason, 0);
  }

  // ---- looking ----

  private List<Cycle> cycles() {
    Set<ObjectId> kept = reachable();
    Map<ObjectId, List<ObjectId>> left = new LinkedHashMap<>();
    links.forEach(
        (from, out) -> {
          if (!kept.contains(from)) { // then nothing that it leads to need be looked for in there
            left.put(from, out.stream().map(Link::to).filter(to -> !kept.contains(to)).toList());
          }
        });
    return Components.of(left).stream()
        .filter(part -> part.size() > 1 || left.get(part.getFirst()).contains(part.getFirst()))
        .map(this::describe)
        .sorted(Comparator.comparing(cycle -> cycle.rows().getFirst().object()))
        .toList();
  }

  private Set<ObjectId> reachable() {
    Set<ObjectId> reached = new HashSet<>(roots);
    Deque<ObjectId> next = new ArrayDeque<>(roots);
    while (!next.isEmpty()) {
      for (Link link : links.get(next.poll())) {
        if (reached.add(link.to())) {
          next.add(link.to());
        }
      }
    }
    return reached;
  }

  private Cycle describe(List<ObjectId> part) {
    Set<ObjectId> members = new HashSet<>(part);
    List<Row> rows = new ArrayList<>();
    List<Link> inside = new ArrayList<>();
    part.stream()
        .sorted()
        .forEach(
            object -> {
              rows.add(owned.get(object));
              links.get(object).stream()
                  .filter(link -> members.contains(link.to()))
                  .forEach(inside::add);
            });
    return new Cycle(rows, inside);
  }
}
