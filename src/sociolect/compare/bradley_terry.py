"""How strong each of several arms is, from judgements of pairs of them."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.interval import FloatArray, IntArray
from sociolect.compare.mixed_logit import mixed_logit
from sociolect.compare.preference import quantile
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Effects


def bradley_terry(judged: pl.DataFrame, *, by: Sequence[str] = ("question",), level: float = 0.95) -> Effects:
    """The arms' abilities in log-odds, every difference of two, and the pull of side A; all rows of each question.

    log-odds that A is preferred = position + ability of A's arm - ability of B's, where an annotator, and a topic, may
    hold an arm dearer than others do: random effects of annotator x arm and of topic x arm (Bradley and Terry 1952;
    Turner and Firth 2012), each fitted where there are two or more, and of the pair where
    one was judged more than once. `ability` is against the mean of the arms;
    `difference` against each other. Ends are by Student's t with annotators - 1 degrees of freedom (the normal where
    one judged). Ties and repeats are left out and counted in left_out. sd_annotator and sd_topic are those of one arm's effect.

    Raises InputError where columns are missing, RefusedError where arms were never compared, not even through others, or
    one won or lost every time.
    """
    due = ("annotator", "unit", "preferred", "on_a", "on_b", *by)
    if missing := [c for c in due if c not in judged.columns]:
        raise InputError(f"there is no ability in these judgements: no column {', '.join(missing)}")
    rows = []
    for name, part in sorted(judged.partition_by(*by, as_dict=True).items()) if by else [((), judged)]:
        told = part.filter(pl.col("preferred").is_not_null()).sort("annotator", "unit")
        told = told.filter(pl.col("repeat_of").is_null()) if "repeat_of" in told.columns else told
        arms = sorted({*told["on_a"], *told["on_b"]})
        where = ", ".join(map(str, name))
        places = {c: [arms.index(arm) for arm in told[c]] for c in ("on_a", "on_b")}
        duel = np.eye(len(arms))[places["on_a"]] - np.eye(len(arms))[places["on_b"]] if arms else np.zeros((0, 0))
        if len(arms) < 2 or np.linalg.matrix_rank(duel) < len(arms) - 1:
            raise RefusedError(f"{where}: {', '.join(arms) or 'no arms'} are not all compared, not even through others")
        factors: dict[str, IntArray] = {
            c: _codes(told, c) for c in ("annotator", "topic") if c in told.columns and told[c].n_unique() > 1
        }
        x = np.concatenate([np.ones((told.height, 1)), duel[:, 1:]], axis=1)  # the first arm is the zero
        random: list[Any] = [_held(duel, codes) for codes in factors.values()]
        if told["unit"].n_unique() < told.height:  # the two texts themselves: one intercept a pair
            factors["pair"] = _codes(told, "unit")
            random.append(factors["pair"])
        fit = mixed_logit((told["preferred"] == told["on_a"]).cast(pl.Float64).to_numpy(), x, random)
        strength = np.concatenate([[0.0], fit.fixed[1:]])
        spread = np.zeros((len(arms), len(arms)))
        spread[1:, 1:] = fit.covariance[1:, 1:]
        centre = np.eye(len(arms)) - 1 / len(arms)
        found = [
            ("ability", arm, centre[k] @ strength, centre[k] @ spread @ centre[k], np.abs(duel[:, k]))
            for k, arm in enumerate(arms)
        ]
        for j, k in combinations(range(len(arms)), 2):
            apart = np.eye(len(arms))[j] - np.eye(len(arms))[k]
            met = np.abs(duel[:, j]) * np.abs(duel[:, k])
            found.append(("difference", f"{arms[j]} - {arms[k]}", apart @ strength, apart @ spread @ apart, met))
        found.append(("position", "side A", fit.fixed[0], fit.covariance[0, 0], np.ones(told.height)))
        people = told["annotator"].n_unique()
        reach = quantile(level, people - 1 if people > 1 else None)
        sd = dict(zip(factors, map(float, fit.sd), strict=True))
        rows += [
            {"measure": measure, "contrast": f"{where}: {what}" if where else what, "estimate": float(value),
             "low": float(value - reach * square**0.5), "high": float(value + reach * square**0.5), "n": int(met.sum()),
             "left_out": part.height - told.height, "annotators": people, "sd_annotator": sd.get("annotator"),
             "sd_topic": sd.get("topic"), "sd_pair": sd.get("pair"),
             "method": f"Bradley-Terry in log-odds, Laplace; random: {', '.join(factors) or 'none'}; ties left out"}
            for measure, what, value, square, met in found
        ]  # fmt: skip
    return frames.effects(
        pl.DataFrame(rows, schema_overrides=dict.fromkeys(("sd_annotator", "sd_topic", "sd_pair"), pl.Float64))
    )


def _codes(told: pl.DataFrame, column: str) -> IntArray:
    return told[column].rank("dense").cast(pl.Int64).to_numpy() - 1


def _held(duel: FloatArray, codes: IntArray) -> Any:
    """The design of one effect per code and arm: it speaks for the arm on A and against the one on B."""
    from scipy.sparse import csr_matrix

    row, arm = np.nonzero(duel)
    return csr_matrix(
        (duel[row, arm], (row, codes[row] * duel.shape[1] + arm)), shape=(len(duel), (codes.max() + 1) * duel.shape[1])
    )
