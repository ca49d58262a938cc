"""Slices: a planted fall and a planted gap come back, and where nothing is planted nothing is claimed."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.slices import sliced
from sociolect.errors import InputError, RefusedError
from sociolect.frames import KEYS, Scores

LABELS = ["ash", "elm", "oak"]
SLICES = ["s0", "s1", "s2", "s3"]


def world(rights: dict[str, list[float]], seed: int, *, each: int = 400) -> Scores:
    """Origin scores whose verdict is right with a given chance in each arm and slice, else one of the others alike."""
    rng, parts = np.random.default_rng(seed), []
    for arm, chances in rights.items():
        for name, chance in zip(SLICES, chances, strict=False):
            n = each * len(LABELS)
            truth = np.repeat(np.arange(3), each)
            verdict = np.where(rng.random(n) < chance, truth, (truth + rng.integers(1, 3, n)) % 3)
            cell = np.tile(np.arange(each), 3)
            said = pl.DataFrame({
                "speaker": [f"p{name}{i // 2}" for i in range(n)] if arm == "human" else ["m"] * n,
                "source": ["human" if arm == "human" else "model"] * n, "community": [LABELS[t] for t in truth],
                "item": [f"{c}" for c in cell], "condition": arm, "draw": np.zeros(n, np.int64), "turn": np.zeros(n, np.int64),
                "measure": "origin", "value": (verdict == truth).astype(float), "label": [LABELS[v] for v in verdict],
                "topic": [None if arm == "human" else f"t{c % 20}" for c in cell],
                "template": [None if arm == "human" else f"u{c // 20}" for c in cell], "slice": name,
            })  # fmt: skip
            parts.append(said)
    whole = pl.concat(parts)
    # A person speaks in one slice; keys repeat over slices, as they do where each slice has a judge of its own.
    human = pl.col("source") == "human"
    return frames.scores(
        whole.with_columns(
            item=pl.when(human).then(pl.format("{}{}", "slice", "item")).otherwise(pl.format("{}/{}", "slice", "item"))
        )
    )


def row(found: pl.DataFrame, measure: str) -> dict[str, Any]:
    return found.filter(pl.col("measure") == measure).row(0, named=True)


def test_a_planted_fall_is_a_falling_slope() -> None:
    falling = {"aligned": [0.8, 0.7, 0.6, 0.5], "shuffled": [1 / 3] * 4, "human": [0.85] * 4}
    found = sliced(world(falling, 1), slices=SLICES, labels=LABELS, draws=400)
    slope = row(found, "slope")
    # chances are F1 here (errors fall alike on the others), so fidelity falls by .1 / (.85 - 1/3) a step
    assert slope["low"] < -0.1 / (0.85 - 1 / 3) < slope["high"] < 0
    assert row(found, "gap")["contrast"] == "s0 - s3"


def test_the_largest_gap_is_recovered_within_five_hundredths() -> None:
    unfair = {"aligned": [0.75, 0.75, 0.75, 0.55], "shuffled": [1 / 3] * 4, "human": [0.85] * 4}
    gap = row(sliced(world(unfair, 2, each=2000), slices=SLICES, labels=LABELS, draws=400), "gap")
    assert gap["estimate"] == pytest.approx(0.2 / (0.85 - 1 / 3), abs=0.05)
    assert gap["low"] > 0.05
    assert gap["equivalent"] is False
    assert gap["contrast"].endswith("s3")


def test_equal_slices_are_equivalent_and_have_no_slope() -> None:
    alike = {"aligned": [0.75] * 4, "shuffled": [1 / 3] * 4, "human": [0.85] * 4}
    found = sliced(world(alike, 3, each=8000), slices=SLICES, labels=LABELS, draws=200)
    assert row(found, "gap")["equivalent"] is True
    assert row(found, "slope")["low"] < 0 < row(found, "slope")["high"]


def test_without_a_fall_the_slope_covers_0() -> None:
    alike = {"aligned": [0.7] * 4, "shuffled": [1 / 3] * 4, "human": [0.85] * 4}
    held = [
        row(sliced(world(alike, s, each=100), slices=SLICES, labels=LABELS, draws=200, seed=s), "slope")
        for s in range(40)
    ]
    missed = sum(not found["low"] <= 0 <= found["high"] for found in held)
    assert missed <= 6  # 2 of 40 are due; more than 6 has a chance below .5 %


def test_missing_slices_are_refused() -> None:
    said = world({"aligned": [0.7], "shuffled": [0.3], "human": [0.8]}, 1, each=50)
    with pytest.raises(RefusedError, match="two or more"):
        sliced(said, slices=["s0"], labels=LABELS)
    with pytest.raises(InputError, match="s9"):
        sliced(said, slices=["s0", "s9"], labels=LABELS)
    with pytest.raises(InputError, match="'slice'"):
        sliced(frames.scores(said.drop("slice")), slices=["s0", "s1"], labels=LABELS)
    assert set(KEYS) <= set(said.columns)
