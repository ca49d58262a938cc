"""No test reaches the network except loopback, and real data are read only where they are."""

import os
import socket
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

DATA = Path(os.environ.get("SOCIOLECT_DATA", Path(__file__).parents[1] / "shared" / "data"))
LOOPBACK = {"localhost", "127.0.0.1", "::1", ""}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if DATA.is_dir():
        return
    for item in items:
        if "realdata" in item.keywords:
            item.add_marker(
                pytest.mark.skip(reason=f"real data: no folder {DATA.name} at {DATA.parent.name}/ (set SOCIOLECT_DATA)")
            )


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets."""
    return DATA


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host not in LOOPBACK and not str(host).startswith("127."):
            raise RuntimeError(f"a test tried to reach {host}: tests reach loopback only")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
