package io.dfut.internal.explore;

import static io.dfut.internal.explore.Script.cancel;
import static io.dfut.internal.explore.Script.close;
import static io.dfut.internal.explore.Script.driver;
import static io.dfut.internal.explore.Script.end;
import static io.dfut.internal.explore.Script.endStored;
import static io.dfut.internal.explore.Script.get;
import static io.dfut.internal.explore.Script.keep;
import static io.dfut.internal.explore.Script.put;
import static io.dfut.internal.explore.Script.submit;
import static io.dfut.internal.explore.Script.submitTaking;
import static io.dfut.internal.explore.Script.task;

import java.util.List;

/** What is explored: three workers, two objects, one of which is inside the other. */
final class Scenarios {
  private static final int B = 1;
  private static final int C = 2;
  private static final List<Integer> THREE_NODES = List.of(1, 2, 3);
  private static final List<Integer> TWO_NODES = List.of(1, 2, 2);

  private Scenarios() {}

  static List<Scenario> all() {
    return List.of(
        madeThere(),
        wayBack(),
        again(),
        cancelled(),
        lent(),
        rebuilt(),
        handOn(),
        sideways(),
        unwrap(),
        passOn());
  }

  private static Scenario scenario(
      String name, String tells, List<Integer> nodes, Script.Op... driver) {
    return new Scenario(name, tells, nodes, driver(driver), 1, 2);
  }

  private static Scenario unwrap() {
    Script body =
        task(
            "unwrap",
            B,
            List.of("outer"),
            get("outer", "inner"),
            close("outer"),
            keep("inner"),
            end());
    return scenario(
        "unwrap",
        "A puts inner and outer around it; a task at B unwraps outer and keeps inner beyond its"
            + " end",
        THREE_NODES,
        put("inner"),
        put("outer", "inner"),
        submit("task", body, "outer"),
        close("inner", "outer"),
        get("task"),
        close("task"));
  }

  private static Scenario passOn() {
    Script child = task("child", C, List.of("inner"), get("inner"), end());
    Script body =
        task(
            "pass on",
            B,
            List.of("outer"),
            get("outer", "inner"),
            submit("child", child, "inner"),
            end());
    return scenario(
        "pass-on",
        "a task at B unwraps what A put, passes inner to a task of its own at C, and ends without"
            + " waiting",
        THREE_NODES,
        put("inner"),
        put("outer", "inner"),
        submit("task", body, "outer"),
        close("inner", "outer"),
        get("task"),
        close("task"));
  }

  private static Scenario madeThere() {
    Script body = task("make", B, List.of(), put("inner"), end("inner"));
    return scenario(
        "made-there",
        "a task at B puts inner and returns it inside its result; A unwraps and reads it",
        THREE_NODES,
        submit("outer", body),
        get("outer", "inner"),
        close("outer"),
        get("inner"),
        close("inner"));
  }

  private static Scenario wayBack() {
    Script body = task("way back", B, List.of("inner"), end("inner"));
    return scenario(
        "way-back",
        "A lends inner to a task at B, which returns it inside its result",
        THREE_NODES,
        put("inner"),
        submit("outer", body, "inner"),
        close("inner"),
        get("outer", "inner again"),
        close("outer"),
        get("inner again"),
        close("inner again"));
  }

  private static Scenario sideways() {
    Script make = task("make", B, List.of(), put("inner"), end("inner"));
    Script take = task("take", C, List.of("inner"), keep("inner"), end());
    return scenario(
        "sideways",
        "B's result contains an object of B; A gives it to a task at C, which keeps inner",
        THREE_NODES,
        submit("outer", make),
        submitTaking("taken", take, "outer"),
        close("outer"),
        get("taken"),
        close("taken"));
  }

  private static Scenario again() {
    Script body = task("borrow", B, List.of("inner"), keep("inner"), end());
    return scenario(
        "again",
        "B borrows inner from A, releases it and borrows it again",
        TWO_NODES,
        put("inner"),
        submit("first", body, "inner"),
        get("first"),
        close("first"),
        submit("second", body, "inner"),
        close("inner"),
        get("second"),
        close("second"));
  }

  private static Scenario lent() {
    Script make = task("make", C, List.of(), endStored());
    Script body = task("borrow", B, List.of("inner"), keep("inner"), end());
    return scenario(
        "lent",
        "A lends the stored result of a task at C to a task at B, which keeps it beyond its end",
        THREE_NODES,
        submit("inner", make),
        submit("task", body, "inner"),
        close("inner"),
        get("task"),
        close("task"));
  }

  private static Scenario rebuilt() {
    Script make = task("make", B, List.of(), endStored());
    Script derive = task("derive", C, List.of(), endStored());
    return scenario(
        "rebuilt",
        "a stored value is made from another one, which is let go; with the node of a copy, both"
            + " may have to be made again",
        THREE_NODES,
        submit("inner", make),
        submitTaking("outer", derive, "inner"),
        close("inner"),
        get("outer"),
        close("outer"));
  }

  private static Scenario handOn() {
    Script child = task("child", C, List.of("inner"), end());
    Script body = task("hand on", B, List.of("inner"), submit("child", child, "inner"), end());
    return scenario(
        "hand-on",
        "A lends inner to a task at B, which lends it to a task of its own at C and ends without"
            + " waiting",
        THREE_NODES,
        put("inner"),
        submit("task", body, "inner"),
        close("inner"),
        get("task"),
        close("task"));
  }

  private static Scenario cancelled() {
    Script body = task("borrow", B, List.of("inner"), keep("inner"), end());
    return scenario(
        "cancelled",
        "A lends inner to a task at B, which keeps it, and cancels the task at any moment",
        THREE_NODES,
        put("inner"),
        submit("task", body, "inner"),
        close("inner"),
        cancel("task"),
        get("task"),
        close("task"));
  }
}
