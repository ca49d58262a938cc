"""Every system, whatever it is: its recipe runs tiny to a written page, offline, and twice alike.

The second run of four of them, one of each recipe, is in a process of its own where all that no byte may depend on is
another: the hash seed, the cores, the threads of polars and BLAS, and the order of the rows of people, posts and ties.
`benchmarks/determinism.py` varies one at a time.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sociolect.systems import Card, catalog

VARIED = {"community_fidelity", "relationship_alignment", "minhash_communities", "planted10"}
RUN = Path(__file__).with_name("determinism_run.py")


def elsewhere(slug: str, folder: Path) -> dict[str, bytes]:
    """What a run in another process leaves, by name: on one core, under another hash seed, its rows in another order."""
    threads = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "5"}
    told = [sys.executable, str(RUN), slug, str(folder), "1", "7", "{}", "{}"]
    done = subprocess.run(told, env=os.environ | threads, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {p.name: p.read_bytes() for p in (*folder.glob("tables/*.csv"), folder / "report.html")}


@pytest.mark.slow
@pytest.mark.parametrize("card", catalog().values(), ids=lambda c: c.slug)
def test_every_recipe_runs_tiny_and_twice_alike(card: Card, ran: Callable[..., Any], tmp_path: Path) -> None:
    first = ran(card.slug)
    second = elsewhere(card.slug, tmp_path) if card.slug in VARIED else ran(card.slug, again=1).bytes
    assert first.page.sections
    assert first.bytes["report.html"].startswith(b"<!doctype html>")
    assert len(first.bytes) > 1
    assert first.bytes == second
