"""Shares: a planted profile is covered by its intervals, and they sum to one."""

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.shares import shares
from sociolect.errors import InputError
from sociolect.frames import KEYS, Scores

TRUE = np.array([0.5, 0.3, 0.2])
NAMES = ["emotion:anger", "emotion:fear", "emotion:joy"]


def world(seed: int, *, authors: int = 40, each: int = 5) -> Scores:
    """People whose moods differ: each text's confidences are drawn around its author's, whose mean is TRUE."""
    rng = np.random.default_rng(seed)
    mood = rng.dirichlet(TRUE * 10, authors).repeat(each, axis=0)
    values = np.stack([rng.dirichlet(m * 20 + 1e-3) for m in mood])
    n = authors * each
    said = pl.DataFrame({
        "speaker": [f"a{i // each}" for i in range(n)], "source": "human", "community": "red", "item": [f"i{i}" for i in range(n)],
        "condition": "human", "draw": np.zeros(n, np.int64), "turn": np.zeros(n, np.int64),
    })  # fmt: skip
    return frames.scores(
        pl.concat([said.with_columns(measure=pl.lit(m), value=pl.Series(values[:, k])) for k, m in enumerate(NAMES)])
    )


def test_intervals_over_authors_cover_the_planted_shares() -> None:
    held = np.zeros(3)
    for seed in range(100):
        found = shares(world(seed), draws=200, seed=seed)
        assert found["estimate"].sum() == pytest.approx(1)
        held += (found["low"].to_numpy() <= TRUE) & (found["high"].to_numpy() >= TRUE)
    # 95 of 100 are due; below 88 has a chance under .5 %
    assert (held >= 88).all()


def test_missing_values_are_counted_and_order_changes_nothing() -> None:
    said = world(1)
    holed = said.with_columns(
        value=pl.when((pl.col("item") == "i3") & (pl.col("measure") == NAMES[0])).then(None).otherwise("value")
    )
    found = shares(frames.scores(holed), draws=200)
    assert found.select("n", "left_out").unique().rows() == [(199, 1)]
    assert shares(frames.scores(said.sample(fraction=1.0, shuffle=True, seed=2)), draws=200).equals(
        shares(said, draws=200)
    )
    with pytest.raises(InputError, match="begins with 'tone:'"):
        shares(said, begins="tone:")


def test_one_author_has_shares_without_an_interval() -> None:
    found = shares(world(1, authors=1, each=10), draws=200)
    assert found["low"].null_count() == 3
    assert "no interval" in found["method"][0]
    assert set(KEYS) & set(found.columns) >= {"community", "condition"}
