"""What a worker of a cluster is: a process that says what it computes with, takes folders, and does what it is handed."""

import os
from collections.abc import Callable, Iterator
from typing import Any

from sociolect.cluster import folders
from sociolect.cluster.nodes import about


class Worker:
    """A process that does what it is handed, one piece after the other."""

    def __init__(self) -> None:
        # here, before anything loads torch, which reads it once: see models.threads.patient_torch
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    def about(self) -> tuple[str, dict[str, str]]:
        """The node's name, and what numbers are made with there."""
        import ray

        return ray.util.get_node_ip_address(), about()

    def received(self, *some: Any) -> None:
        """Takes a piece of a folder that its node does not see."""
        folders.received(*some)

    def emptied(self) -> None:
        """Deletes what it was sent."""
        folders.emptied()

    def work(self, do: Callable[[Any], Iterator[Any]], piece: Any) -> Iterator[Any]:
        """What `do(piece)` yields, as it comes."""
        yield from do(piece)
