"""How each group fares under each arm, and what each arm gains over the single reward, with intervals over runs or prompts."""

from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.bootstrap import bootstrap
from sociolect.compare.interval import FloatArray
from sociolect.compare.welfare import gini, minimum
from sociolect.errors import RefusedError
from sociolect.frames import Effects

BASE = "single"  # conventional RLHF: what the others are held against
COLUMNS = ("setting", "arm", "group")


def fared(wins: pl.DataFrame, *, unit: str, seed: int) -> Effects:
    """Win rates by setting, arm and group, and each arm's gain over the single reward; paired over units (runs, prompts).

    `wins` has setting, unit, arm, group and win: one row each. Measures: `win rate` of each group, `worst group` and `Gini` of the
    groups' mean win rates; and less the single reward's: `gain` of each group, `gain, worst group`, `gain, average`. An
    arm that some unit lacks has no number there, and says of how many (`left_out`).
    """
    rows: list[dict[str, object]] = []
    for (setting,), part in wins.group_by("setting", maintain_order=True):
        arms, groups, units = (part[c].unique(maintain_order=True).to_list() for c in ("arm", "group", unit))
        have = {arm: part.filter(arm=arm)[unit].n_unique() for arm in arms}
        whole = [arm for arm in arms if have[arm] == len(units)]
        wide = part.filter(pl.col("arm").is_in(whole)).sort(
            pl.col(unit), pl.col("arm").replace_strict(arms, list(range(len(arms))), return_dtype=pl.Int64),
            pl.col("group").replace_strict(groups, list(range(len(groups))), return_dtype=pl.Int64),
        )  # fmt: skip
        table = wide["win"].to_numpy().reshape(len(units), len(whole), len(groups))
        names = _names(whole, groups)
        found = _bootstrapped(table, whole.index(BASE), seed)
        for k, (measure, arm, group) in enumerate(names):
            if arm == BASE and measure.startswith("gain"):
                continue
            rows.append(
                {
                    "measure": measure,
                    "setting": setting,
                    "arm": arm,
                    "group": group,
                    **_row(found, k),
                    "n": len(units),
                    "left_out": 0,
                }
            )
        for arm in arms:
            if arm not in whole:
                rows += [{"measure": "win rate", "setting": setting, "arm": arm, "group": group, "estimate": None, "low": None, "high": None, "n": have[arm], "left_out": len(units) - have[arm]} for group in groups]  # fmt: skip
    table_ = pl.DataFrame(rows, schema_overrides=dict.fromkeys(("estimate", "low", "high"), pl.Float64))
    named = table_.with_columns(contrast=pl.format("{}: {}, {}", *COLUMNS), method=pl.lit(f"bootstrap over {unit}s"))
    return frames.effects(
        named.select("measure", "contrast", *COLUMNS, "estimate", "low", "high", "n", "left_out", "method")
    )


def _names(arms: list[str], groups: list[str]) -> list[tuple[str, str, str]]:
    """The measures in the order in which `_bootstrapped` gives them."""
    names = [("win rate", arm, group) for arm in arms for group in groups]
    names += [(measure, arm, "all groups") for measure in ("worst group", "Gini") for arm in arms]
    names += [("gain", arm, group) for arm in arms for group in groups]
    return names + [(measure, arm, "all groups") for measure in ("gain, worst group", "gain, average") for arm in arms]


def _bootstrapped(table: FloatArray, base: int, seed: int) -> dict[str, FloatArray]:
    """Estimates and ends of everything that `_names` names, out of (units, arms, groups); without ends where units are one."""

    def statistic(w: FloatArray) -> FloatArray:
        mean = np.einsum("mu,uag->mag", w, table) / w.sum(-1)[:, None, None]
        worst, apart = minimum(mean), mean - mean[:, base : base + 1]
        flat = (
            mean.reshape(len(w), -1),
            worst,
            gini(mean),
            apart.reshape(len(w), -1),
            worst - worst[:, base : base + 1],
            apart.mean(-1),
        )
        return np.concatenate(flat, axis=1)

    return _ended(statistic, len(table), seed)


def _ended(statistic: Callable[[FloatArray], FloatArray], n: int, seed: int) -> dict[str, FloatArray]:
    """Estimates and ends over n units; without ends where units are one."""
    try:
        found = bootstrap(statistic, np.arange(n), batched=True, seed=seed)
    except RefusedError:
        estimate = statistic(np.ones((1, n)))[0]
        return {"estimate": estimate, "low": np.full(estimate.size, np.nan), "high": np.full(estimate.size, np.nan)}
    return {"estimate": found.estimate, "low": found.low, "high": found.high}


def _mean(w: FloatArray, *, table: FloatArray) -> FloatArray:
    return np.asarray(w @ table / w.sum(-1, keepdims=True))


def _row(found: dict[str, FloatArray], k: int) -> dict[str, float | None]:
    return {name: None if np.isnan(values[k]) else float(values[k]) for name, values in found.items()}


def over_runs(found: pl.DataFrame, *, seed: int) -> Effects:
    """The mean of each measure over runs, by setting, with its interval."""
    rows: list[dict[str, object]] = []
    for (setting,), part in found.group_by("setting", maintain_order=True):
        names = part["measure"].unique(maintain_order=True).to_list()
        wide = part.pivot("measure", index="run", values="value").sort("run").select(names).to_numpy()
        ends = _ended(partial(_mean, table=wide), len(wide), seed)
        rows += [
            {"measure": name, "contrast": setting, **_row(ends, k), "n": len(wide)} for k, name in enumerate(names)
        ]
    return frames.effects(pl.DataFrame(rows, schema_overrides=dict.fromkeys(("estimate", "low", "high"), pl.Float64)))
