"""Trap 23 of the dossier: with a position bias of each community's own, one order of the options ranks the bias."""

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.ranking import kendall, ranking
from sociolect.frames import Scores

WORLDS, COMMUNITIES, REPLIES, ITEMS = 100, 6, 50, 5
SEVERITY = 0.4 * (np.arange(COMMUNITIES) - 2.5)


def answered(rng: np.random.Generator) -> Scores:
    """Mean scores per reply: five options, each community drawn to one end as shown by a pull of its own."""
    pull = rng.normal(0, 0.8, COMMUNITIES)
    noise = rng.normal(0, 1, (2, COMMUNITIES, REPLIES, ITEMS))
    end = np.array([1, -1])[:, None, None, None] * pull[:, None, None]
    value = np.clip(np.rint(3 + SEVERITY[:, None, None] + end + noise), 1, 5).mean(3)
    order, community, draw = (x.ravel() for x in np.indices(value.shape))
    frame = pl.DataFrame({
        "speaker": "m", "source": "model", "community": [f"c{i}" for i in community], "item": "toy", "draw": draw, "turn": 0,
        "condition": np.array(["forward", "reversed"])[order], "measure": "toy:risk", "value": value.ravel(),
        "template": [f"u{i:02}" for i in draw],
    })  # fmt: skip
    return frames.scores(frame.with_columns(pl.col("draw", "turn").cast(pl.Int64)))


def test_forward_alone_fails_and_both_orders_recover_the_severities() -> None:
    forward: list[float] = []
    both: list[float] = []
    for seed in range(WORLDS):
        scores = answered(np.random.default_rng(seed))
        for part, taus in ((scores.filter(condition="forward"), forward), (scores, both)):
            found = ranking(frames.scores(part), draws=100, seed=seed)
            assert found["contrast"].to_list() == [f"c{i}" for i in range(COMMUNITIES)]
            taus.append(kendall((-found["rank"]).to_list(), SEVERITY.tolist()) or 0.0)
    assert np.mean(forward) < 0.6  # .48 in the dossier's prototype
    assert np.mean(np.array(forward) >= 0.8) < 0.25
    assert np.sum(np.array(both) >= 0.8) >= 95
