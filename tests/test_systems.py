"""Every system, whatever it is: its recipe runs tiny to a written page, offline, and twice alike.

The second run of four of them, one of each recipe, is in a process of its own where all that no byte may depend on is
another: the hash seed, the cores, the threads of polars and BLAS, and the order of the rows of people, posts and ties.
`benchmarks/determinism.py` varies one at a time.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sociolect.systems import SYSTEMS, Card, catalog

VARIED = {"community_fidelity", "relationship_alignment", "minhash_communities", "planted10"}
# A system that trains for minutes is run twice on less than tiny; its whole tiny run is `make demo` and the `ran` of its own tests.
LESS = {"community_fidelity": {"originals": 4, "corpus": 200, "posts": 150, "topics": 4, "exemplars": 4}}
SAID = {
    "community_fidelity": {"instrument": "", "most": "4"}
}  # the screener asks as planted10 does; four communities are paired as six
RUN = Path(__file__).with_name("determinism_run.py")
PLAIN = {"POLARS_MAX_THREADS": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
OTHER = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "5"}


def elsewhere(slug: str, folder: Path, *, other: bool = True) -> dict[str, bytes]:
    """What a run in another process leaves, by name; `other`: on one core, under another hash seed, its rows in another order."""
    cores, rows = ("1", "7") if other else ("2", "0")
    told = [
        sys.executable,
        str(RUN),
        slug,
        str(folder),
        cores,
        rows,
        json.dumps(LESS.get(slug, {})),
        json.dumps(SAID.get(slug, {})),
    ]
    env = os.environ | (OTHER if other else PLAIN)
    done = subprocess.run(told, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {p.name: p.read_bytes() for p in (*folder.glob("tables/*.csv"), folder / "report.html")}


@pytest.mark.slow
@pytest.mark.parametrize("card", catalog().values(), ids=lambda c: c.slug)
def test_every_recipe_runs_tiny_and_twice_alike(card: Card, ran: Callable[..., Any], tmp_path: Path) -> None:
    made = ran(card.slug)
    assert made.page.sections
    first = elsewhere(card.slug, tmp_path / "first", other=False) if card.slug in LESS else made.bytes
    for one in (made.bytes, first):
        assert one["report.html"].startswith(b"<!doctype html>")
        assert len(one) > 1
    if (SYSTEMS / card.shelf / card.slug / "instrument.toml").exists() and card.slug not in VARIED:
        return  # the questionnaires are one recipe, and planted10 runs it twice
    second = elsewhere(card.slug, tmp_path) if card.slug in VARIED else ran(card.slug, again=1).bytes
    assert first == second
