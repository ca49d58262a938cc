"""No test reaches the network except loopback, and real data are read only where they are."""

import gc
import os
import shutil
import socket
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import settings

# a busy machine is no fault of the code; `benchmarks/fuzz.py` goes on to other cases, a change is tested on the same ones
settings.register_profile("untimed", deadline=None, derandomize=True)
settings.load_profile("untimed")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as models/threads.py does, before anything imports torch
# Two workers share two cores: more threads wait for each other, spinning.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

DATA = Path(os.environ.get("SOCIOLECT_DATA", Path(__file__).parents[1] / "shared" / "data"))
LOOPBACK = {"localhost", "127.0.0.1", "::1", ""}


# Millions of objects are made as tests are collected, none of them garbage: to look for it takes half of that time.
@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


# As an item is collected, since xdist reads the groups before any conftest may modify the items.
def pytest_itemcollected(item: pytest.Item) -> None:
    names = getattr(item, "fixturenames", ())
    if "tiny" in names:
        item.add_marker(pytest.mark.xdist_group("tiny"))  # a session's model is trained once, in one worker
    if "two_nodes" in names:
        item.add_marker(pytest.mark.xdist_group("cluster"))  # one cluster for all who use it
    if "ran" in names:  # so is a recipe's run
        said = getattr(item, "callspec", None) and item.callspec.params  # type: ignore[attr-defined]
        card = said and (said.get("card") or said.get("slug"))
        own = item.path.parent.name if (item.path.parent / "card.toml").exists() else "community_fidelity"
        item.add_marker(pytest.mark.xdist_group(getattr(card, "slug", card) or own))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Two workers share the tests: the long ones begin.
    items.sort(key=lambda item: "slow" not in item.keywords)
    for item in items:
        if "realdata" in item.keywords and not DATA.is_dir():
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


class Ran(NamedTuple):
    """A recipe's run: its workspace, its page, and the bytes of what it wrote, by name."""

    folder: Path
    page: Any
    bytes: dict[str, bytes]


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ran]:
    """Runs a system in a new workspace, once per session for the same keywords and `again`."""

    @cache
    def run(slug: str, again: int = 0, **keywords: Any) -> Ran:
        from sociolect import systems
        from sociolect.report.page import write
        from sociolect.workspace import workspace

        folder = tmp_path_factory.mktemp(slug)
        # The first run of its system starts from what `make demo` left: a step of other code or keywords is made anew anyway.
        left = Path(__file__).parent / "runs" / "demo"
        if slug == "community_fidelity" and not again and (left / "steps").is_dir():
            shutil.copytree(left / "steps", folder / "steps")
            shutil.copy2(left / "journal.sqlite", folder)
        with workspace(folder, system=slug, keywords=keywords) as work:
            page = systems.find(slug).run(work, **keywords)
            write(page, folder / "report.html")
        made = {p.name: p.read_bytes() for p in sorted(folder.glob("tables/*.csv"))}
        return Ran(folder, page, made | {"report.html": (folder / "report.html").read_bytes()})

    return run


@pytest.fixture
def made(request: pytest.FixtureRequest, ran: Callable[..., Ran]) -> Ran:
    """The tiny run of the system in whose folder the test stands: the one that the test of every recipe reads too."""
    return ran(request.path.parent.name)
