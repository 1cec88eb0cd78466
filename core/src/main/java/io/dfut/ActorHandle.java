package io.dfut;

import io.dfut.internal.runtime.ActorHandles;

/**
 * A reference to an actor. First-class: it may be an argument, part of a result, an actor's field.
 * An unnamed actor lives as long as some handle to it; {@link #close()}, scopes and unreachability
 * release a handle as they do a future. One caller's calls run in the order in which it submitted
 * them. {@code equals} and {@code hashCode} go by actor id. Thread-safe.
 *
 * @param <A> the actor's class
 */
public interface ActorHandle<A> extends AutoCloseable {
  /** The actor's id; also of a released handle. */
  ActorId id();

  /** Releases this handle; later calls do nothing. */
  @Override
  void close();

  /**
   * A call of a remote method of the actor's class; nothing is sent before {@code submit}. The
   * overloads behave alike.
   */
  default <R> Task0<R> task(Func1<A, R> method) {
    return new Task0<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a void method of no arguments; see {@link #task(Func1)}. */
  default Task0<Void> task(Proc1<A> method) {
    return new Task0<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a method of one argument; see {@link #task(Func1)}. */
  default <P1, R> Task1<P1, R> task(Func2<A, P1, R> method) {
    return new Task1<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a void method of one argument; see {@link #task(Func1)}. */
  default <P1> Task1<P1, Void> task(Proc2<A, P1> method) {
    return new Task1<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a method of two arguments; see {@link #task(Func1)}. */
  default <P1, P2, R> Task2<P1, P2, R> task(Func3<A, P1, P2, R> method) {
    return new Task2<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a void method of two arguments; see {@link #task(Func1)}. */
  default <P1, P2> Task2<P1, P2, Void> task(Proc3<A, P1, P2> method) {
    return new Task2<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a method of three arguments; see {@link #task(Func1)}. */
  default <P1, P2, P3, R> Task3<P1, P2, P3, R> task(Func4<A, P1, P2, P3, R> method) {
    return new Task3<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a void method of three arguments; see {@link #task(Func1)}. */
  default <P1, P2, P3> Task3<P1, P2, P3, Void> task(Proc4<A, P1, P2, P3> method) {
    return new Task3<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a method of four arguments; see {@link #task(Func1)}. */
  default <P1, P2, P3, P4, R> Task4<P1, P2, P3, P4, R> task(Func5<A, P1, P2, P3, P4, R> method) {
    return new Task4<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a void method of four arguments; see {@link #task(Func1)}. */
  default <P1, P2, P3, P4> Task4<P1, P2, P3, P4, Void> task(Proc5<A, P1, P2, P3, P4> method) {
    return new Task4<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a method of five arguments; see {@link #task(Func1)}. */
  default <P1, P2, P3, P4, P5, R> Task5<P1, P2, P3, P4, P5, R> task(
      Func6<A, P1, P2, P3, P4, P5, R> method) {
    return new Task5<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a void method of five arguments; see {@link #task(Func1)}. */
  default <P1, P2, P3, P4, P5> Task5<P1, P2, P3, P4, P5, Void> task(
      Proc6<A, P1, P2, P3, P4, P5> method) {
    return new Task5<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a method of six arguments; see {@link #task(Func1)}. */
  default <P1, P2, P3, P4, P5, P6, R> Task6<P1, P2, P3, P4, P5, P6, R> task(
      Func7<A, P1, P2, P3, P4, P5, P6, R> method) {
    return new Task6<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a void method of six arguments; see {@link #task(Func1)}. */
  default <P1, P2, P3, P4, P5, P6> Task6<P1, P2, P3, P4, P5, P6, Void> task(
      Proc7<A, P1, P2, P3, P4, P5, P6> method) {
    return new Task6<>(ActorHandles.backend(this), ActorHandles.template(this, method, 1));
  }

  /** A call of a method of no arguments with two results. */
  default <X, Y> MultiTask0<DFut2<X, Y>> multi2(Func1<A, Returns2<X, Y>> method) {
    return new MultiTask0<>(ActorHandles.backend(this), ActorHandles.template(this, method, 2));
  }

  /** A call of a method of one argument with two results. */
  default <P1, X, Y> MultiTask1<P1, DFut2<X, Y>> multi2(Func2<A, P1, Returns2<X, Y>> method) {
    return new MultiTask1<>(ActorHandles.backend(this), ActorHandles.template(this, method, 2));
  }

  /** A call of a method of two arguments with two results. */
  default <P1, P2, X, Y> MultiTask2<P1, P2, DFut2<X, Y>> multi2(
      Func3<A, P1, P2, Returns2<X, Y>> method) {
    return new MultiTask2<>(ActorHandles.backend(this), ActorHandles.template(this, method, 2));
  }

  /** A call of a method of three arguments with two results. */
  default <P1, P2, P3, X, Y> MultiTask3<P1, P2, P3, DFut2<X, Y>> multi2(
      Func4<A, P1, P2, P3, Returns2<X, Y>> method) {
    return new MultiTask3<>(ActorHandles.backend(this), ActorHandles.template(this, method, 2));
  }

  /** A call of a method of four arguments with two results. */
  default <P1, P2, P3, P4, X, Y> MultiTask4<P1, P2, P3, P4, DFut2<X, Y>> multi2(
      Func5<A, P1, P2, P3, P4, Returns2<X, Y>> method) {
    return new MultiTask4<>(ActorHandles.backend(this), ActorHandles.template(this, method, 2));
  }

  /** A call of a method of five arguments with two results. */
  default <P1, P2, P3, P4, P5, X, Y> MultiTask5<P1, P2, P3, P4, P5, DFut2<X, Y>> multi2(
      Func6<A, P1, P2, P3, P4, P5, Returns2<X, Y>> method) {
    return new MultiTask5<>(ActorHandles.backend(this), ActorHandles.template(this, method, 2));
  }

  /** A call of a method of six arguments with two results. */
  default <P1, P2, P3, P4, P5, P6, X, Y> MultiTask6<P1, P2, P3, P4, P5, P6, DFut2<X, Y>> multi2(
      Func7<A, P1, P2, P3, P4, P5, P6, Returns2<X, Y>> method) {
    return new MultiTask6<>(ActorHandles.backend(this), ActorHandles.template(this, method, 2));
  }

  /** A call of a method of no arguments with three results. */
  default <X, Y, Z> MultiTask0<DFut3<X, Y, Z>> multi3(Func1<A, Returns3<X, Y, Z>> method) {
    return new MultiTask0<>(ActorHandles.backend(this), ActorHandles.template(this, method, 3));
  }

  /** A call of a method of one argument with three results. */
  default <P1, X, Y, Z> MultiTask1<P1, DFut3<X, Y, Z>> multi3(
      Func2<A, P1, Returns3<X, Y, Z>> method) {
    return new MultiTask1<>(ActorHandles.backend(this), ActorHandles.template(this, method, 3));
  }

  /** A call of a method of two arguments with three results. */
  default <P1, P2, X, Y, Z> MultiTask2<P1, P2, DFut3<X, Y, Z>> multi3(
      Func3<A, P1, P2, Returns3<X, Y, Z>> method) {
    return new MultiTask2<>(ActorHandles.backend(this), ActorHandles.template(this, method, 3));
  }

  /** A call of a method of three arguments with three results. */
  default <P1, P2, P3, X, Y, Z> MultiTask3<P1, P2, P3, DFut3<X, Y, Z>> multi3(
      Func4<A, P1, P2, P3, Returns3<X, Y, Z>> method) {
    return new MultiTask3<>(ActorHandles.backend(this), ActorHandles.template(this, method, 3));
  }

  /** A call of a method of four arguments with three results. */
  default <P1, P2, P3, P4, X, Y, Z> MultiTask4<P1, P2, P3, P4, DFut3<X, Y, Z>> multi3(
      Func5<A, P1, P2, P3, P4, Returns3<X, Y, Z>> method) {
    return new MultiTask4<>(ActorHandles.backend(this), ActorHandles.template(this, method, 3));
  }

  /** A call of a method of five arguments with three results. */
  default <P1, P2, P3, P4, P5, X, Y, Z> MultiTask5<P1, P2, P3, P4, P5, DFut3<X, Y, Z>> multi3(
      Func6<A, P1, P2, P3, P4, P5, Returns3<X, Y, Z>> method) {
    return new MultiTask5<>(ActorHandles.backend(this), ActorHandles.template(this, method, 3));
  }

  /** A call of a method of six arguments with three results. */
  default <P1, P2, P3, P4, P5, P6, X, Y, Z>
      MultiTask6<P1, P2, P3, P4, P5, P6, DFut3<X, Y, Z>> multi3(
          Func7<A, P1, P2, P3, P4, P5, P6, Returns3<X, Y, Z>> method) {
    return new MultiTask6<>(ActorHandles.backend(this), ActorHandles.template(this, method, 3));
  }

  /** A call of a method of no arguments with four results. */
  default <X, Y, Z, W> MultiTask0<DFut4<X, Y, Z, W>> multi4(Func1<A, Returns4<X, Y, Z, W>> method) {
    return new MultiTask0<>(ActorHandles.backend(this), ActorHandles.template(this, method, 4));
  }

  /** A call of a method of one argument with four results. */
  default <P1, X, Y, Z, W> MultiTask1<P1, DFut4<X, Y, Z, W>> multi4(
      Func2<A, P1, Returns4<X, Y, Z, W>> method) {
    return new MultiTask1<>(ActorHandles.backend(this), ActorHandles.template(this, method, 4));
  }

  /** A call of a method of two arguments with four results. */
  default <P1, P2, X, Y, Z, W> MultiTask2<P1, P2, DFut4<X, Y, Z, W>> multi4(
      Func3<A, P1, P2, Returns4<X, Y, Z, W>> method) {
    return new MultiTask2<>(ActorHandles.backend(this), ActorHandles.template(this, method, 4));
  }

  /** A call of a method of three arguments with four results. */
  default <P1, P2, P3, X, Y, Z, W> MultiTask3<P1, P2, P3, DFut4<X, Y, Z, W>> multi4(
      Func4<A, P1, P2, P3, Returns4<X, Y, Z, W>> method) {
    return new MultiTask3<>(ActorHandles.backend(this), ActorHandles.template(this, method, 4));
  }

  /** A call of a method of four arguments with four results. */
  default <P1, P2, P3, P4, X, Y, Z, W> MultiTask4<P1, P2, P3, P4, DFut4<X, Y, Z, W>> multi4(
      Func5<A, P1, P2, P3, P4, Returns4<X, Y, Z, W>> method) {
    return new MultiTask4<>(ActorHandles.backend(this), ActorHandles.template(this, method, 4));
  }

  /** A call of a method of five arguments with four results. */
  default <P1, P2, P3, P4, P5, X, Y, Z, W> MultiTask5<P1, P2, P3, P4, P5, DFut4<X, Y, Z, W>> multi4(
      Func6<A, P1, P2, P3, P4, P5, Returns4<X, Y, Z, W>> method) {
    return new MultiTask5<>(ActorHandles.backend(this), ActorHandles.template(this, method, 4));
  }

  /** A call of a method of six arguments with four results. */
  default <P1, P2, P3, P4, P5, P6, X, Y, Z, W>
      MultiTask6<P1, P2, P3, P4, P5, P6, DFut4<X, Y, Z, W>> multi4(
          Func7<A, P1, P2, P3, P4, P5, P6, Returns4<X, Y, Z, W>> method) {
    return new MultiTask6<>(ActorHandles.backend(this), ActorHandles.template(this, method, 4));
  }
}
