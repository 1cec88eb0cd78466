------------------------------ MODULE Ownership ------------------------------
(***************************************************************************)
(* The reference protocol of DFut, for readers: what Row, ReferenceCounter *)
(* and the reference half of WorkerMachine do, without values, results,    *)
(* leases, retries and lineage.                                            *)
(*                                                                         *)
(* WRITTEN FOR READERS, NOT CHECKED: neither a parser nor TLC has been run *)
(* on it, since no registry that this project builds from has TLC. Checked *)
(* is the code itself: io.dfut.internal.explore.Explore takes the real     *)
(* machines through every interleaving of small scenarios                  *)
(* (docs/exploration.md). Where the two differ, believe the code.          *)
(*                                                                         *)
(* An object is owned by the worker that made it. Messages between two     *)
(* workers keep their order, and none is lost while both live (ADR 0009).  *)
(* A worker may die at any moment, with a tail of what it sent.            *)
(***************************************************************************)
EXTENDS Naturals, Sequences

CONSTANTS
  Workers,   \* all workers
  Objects,   \* all objects
  OwnerOf,   \* [Objects -> Workers]
  Contains   \* [Objects -> SUBSET Objects]: the references inside a value
\* Who makes a value owns what is inside. (In the code it may borrow that, too.)
ASSUME \A outer \in Objects : \A inner \in Contains[outer] : OwnerOf[inner] = OwnerOf[outer]

VARIABLES
  alive,      \* workers that live
  handles,    \* [Workers -> [Objects -> Nat]]: open handles of user code
  pending,    \* tasks that their owner has not seen the end of
  running,    \* tasks that were delivered and have not ended
  transits,   \* references under way that their sender counts: <<sender, object, receiver>>
  covers,     \* <<worker, outer, inner>>: outer is held until inner's owner has answered
  borrow,     \* [Workers -> [Objects -> NONE, COVERED, ...]]: a borrower's row
  epoch,      \* [Workers -> [Objects -> Nat]]: of that row
  borrowers,  \* [Objects -> [Workers -> Nat]]: the owner's list, by epoch; 0: not listed
  grace,      \* objects that are kept since somebody who held them died
  freed,      \* objects that are gone
  known,      \* [Workers -> SUBSET Workers]: the deaths that it has heard of
  notices,    \* <<dead, worker>>: news that are on their way
  links       \* [Workers \X Workers -> Seq(Message)]

world == <<alive, known, notices>>
rows == <<borrow, epoch>>
ends == <<grace, freed>>
vars == <<world, handles, pending, running, transits, covers, rows, borrowers, ends, links>>
\* NONE: no row. COVERED: the owner's count of a task's arguments covers it.
\* REGISTERING: the owner was told and has not answered. REGISTERED: the owner
\* lists this worker, or will when it applies an answer that is under way.
\* A task sees one object. At most one of each kind is under way at a time.
Tasks == [owner : Workers, executor : Workers, object : Objects]
\* Messages are records: Push(task, firstHand), Returned(task, held, epoch),
\* Borrowed(object, epoch, passer), Acknowledged(object, epoch),
\* TransitClosed(object, receiver), Released(object, epoch).

(* What keeps a row, and what keeps a value.                               *)
Owned(w, o) == OwnerOf[o] = w
\* Counts of one worker, apart from the tasks that run on it.
Counted(w, o) ==
  \/ handles[w][o] > 0
  \/ \E t \in pending : t.owner = w /\ t.object = o
  \/ \E r \in Workers : <<w, o, r>> \in transits
  \/ \E inner \in Objects : <<w, o, inner>> \in covers
  \/ \E outer \in Objects : Owned(w, outer) /\ outer \notin freed /\ o \in Contains[outer]
Runs(w, o, some) == \E t \in some : t.executor = w /\ t.object = o
LocalScope(w, o) == Counted(w, o) \/ Runs(w, o, running)
\* While true, the owner keeps the value.
InScope(o) ==
  \/ LocalScope(OwnerOf[o], o)
  \/ \E b \in Workers : borrowers[o][b] > 0
  \/ o \in grace

Max(a, b) == IF a > b THEN a ELSE b
\* What is sent to the dead is lost; that they are dead is known, or will be.
Sent(l, from, to, message) ==
  IF to \in alive THEN [l EXCEPT ![<<from, to>>] = Append(@, message)] ELSE l
Took(from, to) == [links EXCEPT ![<<from, to>>] = Tail(@)]
First(from, to, type) ==
  /\ to \in alive /\ links[<<from, to>>] # <<>>
  /\ Head(links[<<from, to>>]).type = type

Init ==
  /\ alive = Workers /\ known = [w \in Workers |-> {}]
  /\ handles = [w \in Workers |-> [o \in Objects |-> IF Owned(w, o) THEN 1 ELSE 0]]
  /\ pending = {} /\ running = {} /\ transits = {} /\ covers = {}
  /\ borrow = [w \in Workers |-> [o \in Objects |-> "NONE"]]
  /\ epoch = [w \in Workers |-> [o \in Objects |-> 0]]
  /\ borrowers = [o \in Objects |-> [w \in Workers |-> 0]]
  /\ grace = {} /\ freed = {} /\ notices = {}
  /\ links = [p \in Workers \X Workers |-> <<>>]

(* User code.                                                              *)
Close(w, o) ==
  /\ w \in alive /\ handles[w][o] > 0
  /\ handles' = [handles EXCEPT ![w][o] = @ - 1]
  /\ UNCHANGED <<world, rows, ends, pending, running, transits, covers, borrowers, links>>
\* A task that sees o goes to r. The owner's own count of arguments covers r
\* (first-hand); anybody else counts a transit (second-hand).
Push(w, r, o) ==
  LET task == [owner |-> w, executor |-> r, object |-> o] IN
  /\ w \in alive /\ r \notin known[w] /\ w # r
  /\ handles[w][o] > 0 /\ OwnerOf[o] \notin known[w]
  /\ task \notin pending /\ <<w, o, r>> \notin transits
  /\ pending' = pending \cup {task}
  /\ transits' = IF Owned(w, o) THEN transits ELSE transits \cup {<<w, o, r>>}
  /\ links' = Sent(links, w, r, [type |-> "Push", task |-> task, firstHand |-> Owned(w, o)])
  /\ UNCHANGED <<world, rows, ends, handles, running, covers, borrowers>>
\* Who can read outer has a handle on what is inside from then on. The owner
\* hears of it at once, and until it has answered, outer is held.
Find(w, outer, inner) ==
  LET new == ~Owned(w, inner) /\ borrow[w][inner] \inner {"NONE", "COVERED"}
      e == IF borrow[w][inner] = "NONE" THEN epoch[w][inner] + 1 ELSE epoch[w][inner] IN
  /\ w \inner alive /\ inner \inner Contains[outer] /\ OwnerOf[outer] \notin known[w]
  /\ handles[w][outer] > 0 \/ Runs(w, outer, running)
  /\ handles' = [handles EXCEPT ![w][inner] = @ + 1]
  /\ IF new
       THEN /\ borrow' = [borrow EXCEPT ![w][inner] = "REGISTERING"]
            /\ epoch' = [epoch EXCEPT ![w][inner] = e]
            /\ covers' = covers \cup {<<w, outer, inner>>}
            /\ links' = Sent(links, w, OwnerOf[inner],
                  [type |-> "Borrowed", object |-> inner, epoch |-> e, passer |-> w])
       ELSE UNCHANGED <<rows, covers, links>>
  /\ UNCHANGED <<world, ends, pending, running, transits, borrowers>>
\* The task may keep a handle. The answer says whether anything here still holds
\* what its owner lent it.
EndTask(t, keeps) ==
  LET w == t.executor
      o == t.object
      holds == keeps \/ Counted(w, o) \/ Runs(w, o, running \ {t})
      held == holds /\ Owned(t.owner, o) /\ borrow[w][o] \in {"COVERED", "REGISTERING"} IN
  /\ t \in running /\ w \in alive
  /\ running' = running \ {t}
  /\ handles' = IF keeps THEN [handles EXCEPT ![w][o] = @ + 1] ELSE handles
  /\ borrow' = IF held THEN [borrow EXCEPT ![w][o] = IF @ = "COVERED" THEN "REGISTERED" ELSE @]
                       ELSE borrow
  /\ links' = Sent(links, w, t.owner,
        [type |-> "Returned", task |-> t, held |-> held, epoch |-> epoch[w][o]])
  /\ UNCHANGED <<world, ends, pending, transits, covers, epoch, borrowers>>

(* Messages.                                                               *)
OnPush(w, r) ==
  LET m == Head(links[<<w, r>>])
      o == m.task.object
      row == borrow[r][o]
      e == IF row = "NONE" THEN epoch[r][o] + 1 ELSE epoch[r][o]
      closed == [type |-> "TransitClosed", object |-> o, receiver |-> r] IN
  /\ First(w, r, "Push")
  /\ running' = IF w \in known[r] THEN running ELSE running \cup {m.task}
  /\ CASE m.firstHand ->
            /\ borrow' = IF row = "NONE" THEN [borrow EXCEPT ![r][o] = "COVERED"] ELSE borrow
            /\ epoch' = [epoch EXCEPT ![r][o] = e]
            /\ links' = Took(w, r)
       [] ~m.firstHand /\ (Owned(r, o) \/ row = "REGISTERED") ->
            /\ links' = Sent(Took(w, r), r, w, closed)
            /\ UNCHANGED rows
       [] OTHER ->
            /\ borrow' = [borrow EXCEPT ![r][o] = "REGISTERING"]
            /\ epoch' = [epoch EXCEPT ![r][o] = e]
            /\ links' = Sent(Took(w, r), r, OwnerOf[o],
                  [type |-> "Borrowed", object |-> o, epoch |-> e, passer |-> w])
  /\ UNCHANGED <<world, ends, handles, pending, transits, covers, borrowers>>
\* One step: the borrower is listed before the argument's count goes.
OnReturned(w, r) ==
  LET m == Head(links[<<w, r>>])
      o == m.task.object
      lists == m.held /\ o \notin freed /\ w \notin known[r] IN
  /\ First(w, r, "Returned")
  /\ borrowers' = IF lists THEN [borrowers EXCEPT ![o][w] = Max(@, m.epoch)] ELSE borrowers
  /\ pending' = pending \ {m.task}
  /\ links' = Took(w, r)
  /\ UNCHANGED <<world, rows, ends, handles, running, transits, covers>>

OnBorrowed(w, r) ==
  LET m == Head(links[<<w, r>>])
      o == m.object
      answered == Sent(Took(w, r), r, w,
                    [type |-> "Acknowledged", object |-> o, epoch |-> m.epoch]) IN
  /\ First(w, r, "Borrowed")
  /\ borrowers' = IF o \in freed \/ w \in known[r] THEN borrowers
                    ELSE [borrowers EXCEPT ![o][w] = Max(@, m.epoch)]
  /\ links' = IF m.passer = w THEN answered
                ELSE Sent(answered, r, m.passer,
                       [type |-> "TransitClosed", object |-> o, receiver |-> w])
  /\ UNCHANGED <<world, rows, ends, handles, pending, running, transits, covers>>

OnAcknowledged(w, r) ==
  LET m == Head(links[<<w, r>>])
      o == m.object IN
  /\ First(w, r, "Acknowledged")
  /\ IF borrow[r][o] = "REGISTERING" /\ epoch[r][o] = m.epoch
       THEN /\ borrow' = [borrow EXCEPT ![r][o] = "REGISTERED"]
            /\ covers' = {c \in covers : ~(c[1] = r /\ c[3] = o)}
       ELSE UNCHANGED <<borrow, covers>>
  /\ links' = Took(w, r)
  /\ UNCHANGED <<world, ends, handles, pending, running, transits, epoch, borrowers>>

OnTransitClosed(w, r) ==
  LET m == Head(links[<<w, r>>]) IN
  /\ First(w, r, "TransitClosed")
  /\ transits' = transits \ {<<r, m.object, m.receiver>>}
  /\ links' = Took(w, r)
  /\ UNCHANGED <<world, rows, ends, handles, pending, running, covers, borrowers>>
\* A late release does not undo a newer borrow.
OnReleased(w, r) ==
  LET m == Head(links[<<w, r>>]) IN
  /\ First(w, r, "Released")
  /\ borrowers' = IF borrowers[m.object][w] <= m.epoch
                    THEN [borrowers EXCEPT ![m.object][w] = 0] ELSE borrowers
  /\ links' = Took(w, r)
  /\ UNCHANGED <<world, rows, ends, handles, pending, running, transits, covers>>

(* Going. In the code both are the end of every step.                      *)
\* No release before the registration is acknowledged.
Forget(w, o) ==
  /\ w \in alive /\ ~Owned(w, o) /\ ~LocalScope(w, o)
  /\ borrow[w][o] \in {"COVERED", "REGISTERED"}
  /\ borrow' = [borrow EXCEPT ![w][o] = "NONE"]
  /\ links' = IF borrow[w][o] = "COVERED" THEN links
                ELSE Sent(links, w, OwnerOf[o],
                       [type |-> "Released", object |-> o, epoch |-> epoch[w][o]])
  /\ UNCHANGED <<world, ends, handles, pending, running, transits, covers, epoch, borrowers>>

Free(o) ==
  /\ OwnerOf[o] \in alive /\ o \notin freed /\ ~InScope(o)
  /\ freed' = freed \cup {o}
  /\ UNCHANGED <<world, rows, handles, pending, running, transits, covers, borrowers, grace, links>>

(* Deaths.                                                                 *)
Die(w) ==
  /\ w \in alive
  /\ alive' = alive \ {w}
  /\ notices' = notices \cup {<<w, r>> : r \in alive \ {w}}
  /\ running' = {t \in running : t.executor # w}
  /\ links' = [p \in Workers \X Workers |-> IF p[2] = w THEN <<>> ELSE links[p]]
  /\ UNCHANGED <<known, rows, ends, handles, pending, transits, covers, borrowers>>
\* The last message that a dead worker sent is lost; again and again, perhaps.
LoseTail(w, r) ==
  LET l == links[<<w, r>>] IN
  /\ w \notin alive /\ l # <<>>
  /\ links' = [links EXCEPT ![<<w, r>>] = SubSeq(l, 1, Len(l) - 1)]
  /\ UNCHANGED <<world, rows, ends, handles, pending, running, transits, covers, borrowers>>
\* What the dead one held, or was sent, or saw as an argument, it may have handed
\* on: all that is kept for a while. What it owned is nobody's any more.
HearDeath(w, d) ==
  LET lostTasks == {t \in pending : t.owner = w /\ t.executor = d}
      lostTransits == {t \in transits : t[1] = w /\ (t[3] = d \/ Owned(d, t[2]))}
      handedOn == {o \in Objects : Owned(w, o) /\ o \notin freed
                     /\ (borrowers[o][d] > 0 \/ \E t \in lostTasks : t.object = o)} IN
  /\ <<d, w>> \in notices /\ w \in alive
  /\ notices' = notices \ {<<d, w>>}
  /\ known' = [known EXCEPT ![w] = @ \cup {d}]
  /\ grace' = grace \cup handedOn
  /\ borrowers' = [o \in Objects |->
                     IF Owned(w, o) THEN [borrowers[o] EXCEPT ![d] = 0] ELSE borrowers[o]]
  /\ pending' = pending \ lostTasks
  /\ transits' = transits \ lostTransits
  /\ running' = {t \in running : ~(t.executor = w /\ t.owner = d)}
  /\ borrow' = [borrow EXCEPT ![w] = [o \in Objects |->
                 IF Owned(d, o) /\ borrow[w][o] # "NONE" THEN "COVERED" ELSE borrow[w][o]]]
  /\ covers' = {c \in covers : ~(c[1] = w /\ Owned(d, c[3]))}
  /\ UNCHANGED <<alive, epoch, handles, freed, links>>
\* An assumption about time: registrations of what the dead handed on have come.
GraceEnds(o) ==
  /\ o \in grace
  /\ \A p \in Workers \X Workers : \A i \in 1..Len(links[p]) :
       p[1] \in alive /\ links[p][i].type # "Borrowed"
  /\ grace' = grace \ {o}
  /\ UNCHANGED <<world, rows, freed, handles, pending, running, transits, covers, borrowers, links>>

Next ==
  \/ \E w \in Workers, o \in Objects : Close(w, o) \/ Forget(w, o)
  \/ \E o \in Objects : Free(o) \/ GraceEnds(o)
  \/ \E w, r \in Workers, o \in Objects : Push(w, r, o)
  \/ \E w \in Workers, outer, inner \in Objects : Find(w, outer, inner)
  \/ \E t \in Tasks, keeps \in BOOLEAN : EndTask(t, keeps)
  \/ \E w, r \in Workers :
       \/ OnPush(w, r) \/ OnReturned(w, r) \/ OnBorrowed(w, r) \/ OnAcknowledged(w, r)
       \/ OnTransitClosed(w, r) \/ OnReleased(w, r) \/ LoseTail(w, r) \/ HearDeath(w, r)
  \/ \E w \in Workers : Die(w)
Spec == Init /\ [][Next]_vars

(* The invariants, by their numbers in the code and the explorer.          *)
\* What somebody alive has a handle on is not freed, while its owner lives.
I1 == \A w \in alive, o \in Objects :
        handles[w][o] > 0 /\ OwnerOf[o] \in alive => o \notin freed
\* A borrower that counts on being listed is listed, or will be by an answer.
I2 == \A w \in alive, o \in Objects :
        borrow[w][o] = "REGISTERED" /\ LocalScope(w, o) /\ OwnerOf[o] \in alive =>
          \/ borrowers[o][w] >= epoch[w][o]
          \/ LET l == links[<<w, OwnerOf[o]>>] IN
             \E i \in 1..Len(l) : l[i].type = "Returned" /\ l[i].held /\ l[i].task.object = o
\* An edge of containment is an element of a set, so it counts once; it counts.
I3 == \A outer \in Objects : \A inner \in Contains[outer] :
        OwnerOf[outer] \in alive /\ outer \notin freed => inner \notin freed
\* No row without a reason, no reason without a row.
I4 == \A w \in alive, o \in Objects : ~Owned(w, o) /\ LocalScope(w, o) => borrow[w][o] # "NONE"
\* Nothing of a worker whose death was heard of stays in a table.
I11 == \A w \in alive, o \in Objects : Owned(w, o) =>
         \A d \in known[w] : borrowers[o][d] = 0 /\ <<w, o, d>> \notin transits
=============================================================================
