package io.dfut.internal.api;

import java.util.Optional;

/**
 * An actor as the user describes it.
 *
 * @param creation the constructor as a task, with what the actor holds and where it should live
 * @param name its name in the namespace, if any
 * @param maxConcurrency how many methods may run at a time
 * @param detached whether it outlives its handles and its owner
 */
public record ActorTemplate(
    TaskTemplate creation, Optional<String> name, int maxConcurrency, boolean detached) {}
