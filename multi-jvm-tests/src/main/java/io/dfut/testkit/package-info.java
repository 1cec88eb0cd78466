/**
 * A test kit for programs that use this library: JUnit 5 extensions that start a system in one JVM
 * ({@link io.dfut.testkit.DFutLocal}) or nodes in JVMs of their own ({@link
 * io.dfut.testkit.DFutCluster}), let a test kill, freeze and cut them off, and fail a test that
 * leaves something behind or that has a future which nobody will ever settle ({@link
 * io.dfut.testkit.HangWatch}).
 */
package io.dfut.testkit;
