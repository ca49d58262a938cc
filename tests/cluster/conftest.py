"""A real Ray cluster of two nodes on loopback: two raylets, one of which tests may kill."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

HEAD, SECOND = "127.0.0.2", "127.0.0.3"  # Ray takes 127.0.0.1 for whatever address the machine has elsewhere
# No figures to Ray's makers; and workers that do not stand behind every other process of a busy machine.
SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}


class Nodes:
    """The cluster as a test has it: its address, and a second node that can be killed and come back."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 1, "node_ip_address": HEAD, "include_dashboard": False, "object_store_memory": 10**8}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.address = str(self._cluster.address)
        self._second: Any = None

    def whole(self) -> str:
        """The address, once both nodes stand."""
        if self._second is None:
            self._second = self.node(SECOND)
        return self.address

    def node(self, address: str, **more: Any) -> Any:
        return self._cluster.add_node(num_cpus=1, node_ip_address=address, object_store_memory=10**8, **more)

    def kill(self, node: Any = None) -> None:
        """Kills a node's raylet as a power cut would, and all its workers with it."""
        self._cluster.remove_node(node or self._second, allow_graceful=False)
        if node is None:
            self._second = None

    def close(self) -> None:
        self._cluster.shutdown()


@pytest.fixture(scope="session")
def raylets() -> Iterator[Nodes]:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'sociolect[ray]'")
    before = {name: os.environ.get(name) for name in SETTINGS}
    os.environ.update(SETTINGS)
    nodes = Nodes()
    yield nodes
    nodes.close()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture
def two_nodes(raylets: Nodes) -> Nodes:
    """The cluster with both its nodes alive."""
    raylets.whole()
    return raylets
