"""What finding communities by MinHash will compute and can show: it asks no model, and can take long."""

from collections.abc import Sequence
from math import fsum
from pathlib import Path
from typing import Any

from sociolect.compare.detectable import rank_test
from sociolect.errors import RefusedError
from sociolect.systems import planned, planned_table
from sociolect.systems.networks.minhash_communities.find import TESTED
from sociolect.systems.networks.minhash_communities.recipe import NULLS, SEEDS
from sociolect.systems.networks.minhash_communities.sizes import RANKERS, SIZES, knobs

SECONDS = (
    1.2e-8,
    2e-6,
    0.02,
    3.0,
)  # of one hash of one element, of reading a row, of a query, and once: measured at tiny


def plan(
    *,
    size: str = "tiny",
    ties: Path | None = None,
    posts: Path | None = None,
    truth: Sequence[str] = (),
    hashes: int = 1000,
    bands: int = 500,
    restarts: int | None = None,
    most: int = 40,
    rewired: int = NULLS,
    **_: Any,
) -> planned.Plan:
    """Time, memory and disk of the index and its queries, and what the test of structure can see."""
    at, plants = SIZES[size], ties is None and posts is None
    fine, coarse = knobs(hashes, bands)
    if plants:
        people = at.plant.get("people", 0)
        n = planned.Range(people * 40, people * 20, people * 60)
        accounts = planned.Range(people, people * 0.9, people)
    else:
        rows = [planned_table.sized(p).rows for p in (ties, posts) if p is not None]
        n = planned.Range(*(fsum(parts) for parts in zip(*rows, strict=True)))
        accounts = n.times(planned.Range(0.1, 0.005, 1))
    queries = (most if truth or plants else most // 2) * (restarts or at.restarts) * len(RANKERS) * 2
    kept = accounts.times(4.0 * (fine.hashes + coarse.hashes)).times(planned.Range(0.9, 0.3, 1.2))
    notes = [
        "No model is asked.",
        "Ties between accounts are taken to be ten to an account (1 to 200) where a table's head tells rows alone.",
    ]
    comparisons = []
    if rewired and not plants:
        try:
            least: float | None = rank_test(rewired)
        except RefusedError as refusal:
            least, notes = None, [*notes, f"Structure: {refusal}."]
        notes.append(
            f"The test of structure is left out above {TESTED:,} ties; it takes {SEEDS * (1 + rewired)} runs of the finder."
        )
        comparisons.append({
            "measure": "modularity", "contrast": "found - rewired", "unit": "sd over rewired networks", "n": rewired, "clusters": rewired,
            "sd": 1.0, "icc": None, "family": 1, "level": 0.05, "detectable": least,
        })  # fmt: skip
    return planned.made_of(
        comparisons=comparisons,
        work={
            "reading": SECONDS[1] * n.likely,
            "signatures and index": SECONDS[0] * n.likely * (fine.hashes + coarse.hashes),
            "queries": SECONDS[2] * queries * max(1.0, accounts.likely / 20_000),
            "tests and page": SECONDS[3],
        },
        memory=planned.Range(*(a + 150 * b + 3 * c for a, b, c in zip(planned.LITTLE, n, kept, strict=True))),
        disk=planned.Range(*(a + 12 * b + c for a, b, c in zip((1e6, 3e5, 5e6), n, kept, strict=True))),
        notes=notes,
    )
