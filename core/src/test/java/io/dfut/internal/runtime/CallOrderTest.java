package io.dfut.internal.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorId;
import io.dfut.JobId;
import io.dfut.NodeId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.ownership.Claim;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.FunctionRef;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Each caller's calls in its order, whatever the network and the arguments do. */
final class CallOrderTest {
  private static final NodeId NODE = new NodeId("here", 1, 0);
  private static final WorkerId ANN = new WorkerId(NODE, 1);
  private static final WorkerId BOB = new WorkerId(NODE, 2);

  private final List<String> ran = new ArrayList<>();
  private final Map<String, CompletableFuture<Void>> slow = new HashMap<>();
  private final CallOrder order =
      new CallOrder(
          call -> slow.getOrDefault(name(call), CompletableFuture.completedFuture(null)),
          this::fetched,
          call -> ran.add(name(call)));

  private void fetched(Pushed call) {
    order.fetched(call);
  }

  private static String name(Pushed call) {
    return (call.push.spec().id().owner().equals(ANN) ? "ann" : "bob") + call.push.sequence();
  }

  private void arrives(WorkerId caller, long sequence) {
    TaskSpec spec =
        new TaskSpec(
            new TaskId(caller, sequence),
            new JobId(NODE, 1),
            FunctionRef.described(
                new FunctionRef.Descriptor("A", "m", "()V", 5, "()V", 0, List.of())),
            "m",
            List.of(),
            1,
            new TaskSpec.Kind.Call(new ActorId(ANN, 99)),
            Resources.NONE,
            0,
            List.of(),
            0,
            new Placement.Anywhere(),
            0,
            CallSite.UNKNOWN);
    TaskPushed push =
        new TaskPushed(spec, 0, new LeaseId(caller, 0), sequence, List.of(), List.of(), 0);
    order.offer(new Pushed(push, new Claim()));
  }

  @Test
  void earlyCallWaitsForThoseBeforeIt() {
    arrives(ANN, 2);
    arrives(ANN, 1);
    assertThat(ran).isEmpty();
    arrives(ANN, 0);
    assertThat(ran).containsExactly("ann0", "ann1", "ann2");
  }

  @Test
  void repeatedCallIsDropped() {
    arrives(ANN, 0);
    arrives(ANN, 0);
    arrives(ANN, 2);
    arrives(ANN, 2);
    arrives(ANN, 1);
    assertThat(ran).containsExactly("ann0", "ann1", "ann2");
  }

  @Test
  void slowArgumentsHoldUpTheSameCallerOnly() {
    slow.put("ann0", new CompletableFuture<>());
    arrives(ANN, 0);
    arrives(ANN, 1);
    arrives(BOB, 0);
    assertThat(ran).containsExactly("bob0");
    slow.get("ann0").complete(null);
    assertThat(ran).containsExactly("bob0", "ann0", "ann1");
  }

  @Test
  void argumentsThatComeInReverseDoNotChangeTheOrder() {
    slow.put("ann0", new CompletableFuture<>());
    slow.put("ann1", new CompletableFuture<>());
    arrives(ANN, 0);
    arrives(ANN, 1);
    slow.get("ann1").complete(null);
    assertThat(ran).isEmpty();
    slow.get("ann0").complete(null);
    assertThat(ran).containsExactly("ann0", "ann1");
  }

  @Test
  void callWhoseArgumentsCannotBeFetchedHasItsTurnAllTheSame() {
    slow.put("ann0", CompletableFuture.failedFuture(new IllegalStateException("lost")));
    arrives(ANN, 0);
    arrives(ANN, 1);
    assertThat(ran).containsExactly("ann0", "ann1");
  }

  private String takenOut(String name) {
    return order.takeOut(call -> name(call).equals(name)).map(CallOrderTest::name).orElse("none");
  }

  @Test
  void callTakenOutWhileItsArgumentsComeHoldsUpNobody() {
    slow.put("ann0", new CompletableFuture<>());
    slow.put("ann2", new CompletableFuture<>());
    arrives(ANN, 0);
    arrives(ANN, 1);
    arrives(ANN, 2);
    arrives(ANN, 3);
    assertThat(takenOut("ann2")).isEqualTo("ann2");
    assertThat(takenOut("ann0")).isEqualTo("ann0");
    assertThat(ran).containsExactly("ann1", "ann3");
    slow.values().forEach(fetch -> fetch.complete(null));
    assertThat(ran).containsExactly("ann1", "ann3");
    assertThat(takenOut("ann1")).as("has had its turn").isEqualTo("none");
  }

  @Test
  void callTakenOutBeforeThoseAheadOfItCameHoldsUpNobody() {
    arrives(ANN, 1);
    arrives(ANN, 2);
    assertThat(takenOut("ann1")).isEqualTo("ann1");
    assertThat(takenOut("ann1")).isEqualTo("none");
    arrives(ANN, 0);
    assertThat(ran).containsExactly("ann0", "ann2");
    arrives(ANN, 1);
    assertThat(ran).as("repeated").containsExactly("ann0", "ann2");
  }

  @Test
  void deadCallersCallsAreForgottenWithThoseWhoseArgumentsCome() {
    slow.put("ann0", new CompletableFuture<>());
    arrives(ANN, 0);
    arrives(ANN, 1);
    arrives(ANN, 3);
    assertThat(order.forget(ANN::equals))
        .extracting(CallOrderTest::name)
        .containsExactly("ann0", "ann1", "ann3");
    slow.get("ann0").complete(null);
    assertThat(ran).isEmpty();
  }

  @Test
  void deadCallerStartsAnewIfItIsAnother() {
    arrives(ANN, 0);
    arrives(ANN, 2);
    assertThat(order.forget(ANN::equals)).extracting(CallOrderTest::name).containsExactly("ann2");
    arrives(ANN, 0);
    assertThat(ran).containsExactly("ann0", "ann0");
  }
}
