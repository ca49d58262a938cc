"""Workers on the nodes of a cluster, and work handed out to them: one that dies loses nothing, its work goes to another."""

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import get_ident
from typing import Any, NamedTuple

from sociolect.cluster.folders import AbsentError, chunks
from sociolect.cluster.nodes import Node, about, differences
from sociolect.cluster.session import Cluster
from sociolect.cluster.worker import Worker
from sociolect.errors import ClusterError, SociolectError

TRIES = 3  # ours: so many workers may die of one piece of work
PATIENCE_S = 120.0  # ours: how long a run waits for a worker when it has none
LOOK_S = 5.0
UNHEARD = 16  # ours: so many messages of a piece wait to be heard; then its worker waits, and memory holds


class Needs(NamedTuple):
    """What one worker takes of its node: cores, GPUs, bytes of memory; `what` says whose, in messages."""

    what: str
    cpus: int = 1
    gpus: int = 0
    memory: int = 0


class Hand(NamedTuple):
    """A worker: a process on a node, what it does now, by piece of work in the order it was handed them, and folders it was sent."""

    actor: Any
    node: str
    doing: dict[int, Any]
    sent: set[str]


@dataclass(slots=True, eq=False)
class Pool:
    """Workers of one kind. They stay between two calls, with the models that they hold."""

    cluster: Cluster
    needs: Needs
    most: int
    hands: list[Hand] = field(default_factory=list)
    coming: dict[Any, Any] = field(default_factory=dict)  # what each says when it is ready, and its actor
    unborn: int = 0  # how many in a row died before they were ready

    def close(self) -> None:
        """Ends all its workers."""
        import ray

        for hand in self.hands:
            if not hand.doing:  # what it was sent goes with it; one that is at work would not listen
                with suppress(ray.exceptions.RayError):
                    ray.get(hand.actor.emptied.remote(), timeout=LOOK_S)
        for actor in [*(hand.actor for hand in self.hands), *self.coming.values()]:
            ray.kill(actor)
        self.hands.clear()
        self.coming.clear()
        self.unborn = 0

    def started(self, count: int) -> None:
        """Asks Ray for workers until so many stand or come, spread over the nodes; no more where they die as they start."""
        import ray

        while self.unborn < TRIES and len(self.hands) + len(self.coming) < min(count, self.most):
            actor = (
                ray.remote(Worker)
                .options(
                    num_cpus=self.needs.cpus,
                    num_gpus=self.needs.gpus,
                    memory=self.needs.memory,
                    max_restarts=0,
                    max_task_retries=0,
                    scheduling_strategy="SPREAD",
                )
                .remote()
            )
            self.coming[actor.about.remote()] = actor

    def arrived(self, ref: Any) -> None:
        """Takes in a worker that is ready; ClusterError where it computes with other versions, or none comes alive."""
        import ray

        actor = self.coming.pop(ref)
        try:
            name, there = ray.get(ref)
        except ray.exceptions.RayError as error:
            ray.kill(actor)  # it would keep its cores
            if isinstance(error, ray.exceptions.RayTaskError):
                raise _cause(error, self.needs) from error
            self.unborn += 1  # its node went before it was ready, or no process can start there
            if self.unborn >= TRIES and not self.hands and not self.coming:
                raise ClusterError(
                    f"{self.needs.what}: {self.unborn} workers died before they were ready ({_line(error)}): look at `ray status`"
                ) from error
            return
        self.unborn = 0
        if faults := differences(name, about(), there):
            ray.kill(actor)
            raise ClusterError("; ".join(faults) + ": every node needs the same versions as this machine")
        self.hands.append(Hand(actor, name, {}, set()))

    def lost(self, hand: Hand) -> list[int]:
        """Strikes a worker that died off the list: the work that it leaves."""
        import ray

        self.hands.remove(hand)
        ray.kill(hand.actor)
        # Its node may be gone, and all workers there: one that does nothing is asked first, or a piece would meet them in turn.
        for other in [h for h in self.hands if h.node == hand.node and not h.doing]:
            self.hands.remove(other)
            self.coming[other.actor.about.remote()] = other.actor
        return list(hand.doing)


def handed(
    cluster: Cluster,
    do: Callable[[Any], Iterator[Any]],
    count: int,
    piece: Callable[[int], Any],
    *,
    needs: Needs,
    ahead: int = 1,
) -> Generator[tuple[int, Any], None, None]:
    """What `do(piece(k))` yields on some worker, with its k, for every k below `count`, as it comes.

    `do` is a function of a module, and what it takes and yields can be pickled; `ahead` pieces wait at each worker, so
    that it need not. Where a worker dies, what it had is handed out again: `piece` is asked anew, and what its first try
    yielded comes again. Whoever stops listening ends the workers that are at work. What `do` raises is raised here.
    Threads wait for each other. Raises ClusterError where no node has room for a worker, no worker comes, a node cannot keep
    a folder, one piece has killed three workers, or this thread listens to another call that has not ended.
    """
    import ray

    due, tries = deque(range(count)), Counter[int]()
    alone_since = time.monotonic()
    with _turn(cluster, needs) as pool:
        while due or any(hand.doing for hand in pool.hands):
            pool.started(len(due) + sum(len(hand.doing) for hand in pool.hands))
            if not pool.hands and not pool.coming:
                raise ClusterError(_alone(cluster, needs))
            _hand_out(pool, do, piece, due, ahead)
            streams = {hand.doing[k]: (hand, k) for hand in pool.hands for k in list(hand.doing)[:1]}
            ready, _ = ray.wait([*streams, *pool.coming], num_returns=1, timeout=LOOK_S, fetch_local=False)
            if pool.hands:
                alone_since = time.monotonic()
            elif time.monotonic() - alone_since > PATIENCE_S:
                raise ClusterError(_alone(cluster, needs))
            for ref in ready:
                if ref in pool.coming:
                    pool.arrived(ref)
                    continue
                hand, k = streams[ref]
                try:
                    message = ray.get(next(ref))
                except StopIteration:
                    del hand.doing[k]
                except ray.exceptions.RayTaskError as error:
                    if not isinstance(error.cause, AbsentError):
                        raise _cause(error, needs) from error
                    due.extendleft(reversed(_supplied(pool, hand, error.cause)))
                except ray.exceptions.RayError as error:
                    left = pool.lost(hand)
                    tries[k] += 1
                    if tries[k] >= TRIES:
                        raise ClusterError(
                            f"{needs.what}: {TRIES} workers died of the same piece of work ({_line(error)}): most often the "
                            "memory of the node was full; hand out less at once, or take nodes with more"
                        ) from error
                    due.extendleft(reversed(left))
                else:
                    yield k, message


@contextmanager
def _turn(cluster: Cluster, needs: Needs) -> Iterator[Pool]:
    """The workers for one call: two at a time would take each other's messages, for a piece is known by its number."""
    if cluster.busy == get_ident():
        raise ClusterError(
            f"{needs.what}: other work of this thread is handed out already: take all of its results first"
        )
    with cluster.turn:
        pool = _pool(cluster, needs)
        cluster.busy = get_ident()
        try:
            yield pool
        finally:
            cluster.busy = None
            if pool.unborn or any(hand.doing for hand in pool.hands):
                pool.close()


def _hand_out(
    pool: Pool, do: Callable[[Any], Iterator[Any]], piece: Callable[[int], Any], due: deque[int], ahead: int
) -> None:
    """Gives the first pieces to the workers that have least to do."""
    while due and pool.hands:
        hand = min(pool.hands, key=lambda hand: len(hand.doing))
        if len(hand.doing) > ahead:
            return
        k = due.popleft()
        work = hand.actor.work.options(num_returns="streaming", _generator_backpressure_num_objects=UNHEARD)
        hand.doing[k] = work.remote(do, piece(k))


def _supplied(pool: Pool, hand: Hand, missing: AbsentError) -> list[int]:
    """Sends a worker the folder that it does not see, a piece at a time: the work it had, to be handed out again."""
    import ray

    name, key, left = Path(missing.parcel.path).name, missing.parcel.key, list(hand.doing)
    if key in hand.sent:
        raise ClusterError(
            f"{pool.needs.what}: {name!r} has changed since it was to be read: leave it, and start again"
        )
    try:
        for some in chunks(missing):
            ray.get(hand.actor.received.remote(*some))
    except ray.exceptions.RayTaskError as error:
        raise ClusterError(
            f"{pool.needs.what}: node {hand.node} cannot keep {name!r}: {_line(error.cause or error)}; use a shared disk"
        ) from error
    except ray.exceptions.RayError:
        return pool.lost(hand)
    hand.sent.add(key)
    hand.doing.clear()
    return left


def _pool(cluster: Cluster, needs: Needs) -> Pool:
    """The workers that stand for this need, or room for new ones: two kinds at once could wait for each other for ever."""
    for pool in cluster.pools:
        if pool.needs[1:3] == needs[1:3] and pool.needs.memory >= needs.memory:
            return pool
    most = sum(_room(node, needs) for node in cluster.nodes)
    if not most:
        raise ClusterError(_too_small(cluster, needs))
    while cluster.pools:
        cluster.pools.pop().close()
    cluster.pools.append(Pool(cluster, needs, most))
    return cluster.pools[-1]


def _room(node: Node, needs: Needs) -> int:
    """How many workers a node has room for."""
    rooms = [
        int(has // due)
        for has, due in ((node.cpus, needs.cpus), (node.gpus, needs.gpus), (node.memory, needs.memory))
        if due
    ]
    return min(rooms, default=1)


def _too_small(cluster: Cluster, needs: Needs) -> str:
    gpus = f", {needs.gpus} GPU" if needs.gpus else ""
    one = max(cluster.nodes, key=lambda n: (n.gpus >= needs.gpus, n.memory))
    has = f"{one.name} has {one.cpus:g} cores, {one.gpus:g} GPUs and {one.memory / 1e9:.1f} GB"
    return (
        f"{needs.what}: one worker takes {needs.cpus} cores{gpus} and about {needs.memory / 1e9:.1f} GB of memory, and no node "
        f"of {cluster.address} has that ({has}): take larger nodes, or a smaller model"
    )


def _alone(cluster: Cluster, needs: Needs) -> str:
    return (
        f"{needs.what}: no worker came within {PATIENCE_S:.0f} s at {cluster.address}: its nodes are gone, or others use all "
        "of them; what stands in the workspace is whole: say `sociolect resume` when there is room"
    )


def _cause(error: Any, needs: Needs) -> Exception:
    """What a worker raised: our own errors as they are, others in a line."""
    if isinstance(error.cause, SociolectError):
        return error.cause
    return ClusterError(f"{needs.what}: a worker failed: {_line(error.cause or error)}")


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
