"""Which arm annotators prefer: shares with Wilson intervals, the pull of the side, and a mixed logit over annotators."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.interval import FloatArray
from sociolect.compare.mixed_logit import mixed_logit
from sociolect.errors import InputError, RefusedError, unknown
from sociolect.frames import Effects

TIES = ("left out", "half")


def wilson(successes: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """The ends of Wilson's score interval of a share. Wilson (1927).

    >>> low, high = wilson(248, 300)
    >>> round(low, 4), round(high, 4)
    (0.7798, 0.8653)
    """
    if not n > 0 or not 0 <= successes <= n or not 0 < level < 1:
        raise InputError(f"no share of {successes} in {n} at level {level}: 0 to n of n above 0, level between 0 and 1")
    z = NormalDist().inv_cdf((1 + level) / 2)
    p, spread = successes / n, z * z / n
    half = z * (p * (1 - p) / n + spread / (4 * n)) ** 0.5
    # at the very ends rounding must not cut off the estimate itself
    low, high = (p + spread / 2 - half) / (1 + spread), (p + spread / 2 + half) / (1 + spread)
    return min(max(0.0, low), p), max(min(1.0, high), p)


def preference(
    judged: pl.DataFrame, *, arm: str, by: Sequence[str] = ("question",), ties: str = "left out", level: float = 0.95
) -> Effects:
    """The share of judgements that prefer `arm`, one row per question and pair of arms, with Wilson's interval.

    `judged` is made by `load.answers.unblinded`. A repeat is left out. ties "left out": of those who could tell; "half":
    a judgement of neither is half a vote for each. Where pairs were judged more than once, the interval is Wilson's at the
    effective n, p (1 - p) over the variance between pairs, so that a second annotator is not a second pair. It speaks
    of these annotators: `mixed` speaks of others like them.

    n: judgements that count; tied: those of neither; left_out: tied (where left out) and repeats; pairs, annotators.
    Raises InputError with every fault, RefusedError where nobody could tell.
    """
    if ties not in TIES:
        raise unknown("way with ties", ties, TIES)
    rows = []
    for name, part, against in _parts(judged, arm, by):
        once = part.filter(pl.col("repeat_of").is_null())
        counted = once if ties == "half" else once.filter(pl.col("preferred").is_not_null())
        if counted.is_empty():
            raise RefusedError(f"{name}: none of {once.height} judgements prefers either: there is no share")
        hits = _hits(counted, arm)
        effective = _effective(hits, counted["unit"])
        share, low, high = hits.mean(), *wilson(hits.mean() * effective, effective, level=level)
        rows.append({
            "measure": "preference", "contrast": f"{name}: {arm} over {against}" if name else f"{arm} over {against}",
            "estimate": share, "low": low, "high": high, "n": counted.height, "tied": once["preferred"].null_count(),
            "left_out": part.height - counted.height, "pairs": once["unit"].n_unique(), "annotators": part["annotator"].n_unique(),
            "method": f"Wilson, effective n {effective:.4g}, ties {'count half' if ties == 'half' else 'left out'}",
        })  # fmt: skip
    return frames.effects(pl.DataFrame(rows))


def position(judged: pl.DataFrame, *, arm: str, by: Sequence[str] = ("question",), level: float = 0.95) -> Effects:
    """The pull of side A: half the difference of the share of `arm` where it stands as A and where it stands as B.

    With each arm as A in half of the pairs this is P(A is chosen) - 1/2; 0 is no pull. Newcombe's (1998) interval 10 of
    a difference of shares, halved, at the effective n of each side. Ties and repeats are left out.
    """
    rows = []
    for name, part, _ in _parts(judged, arm, by):
        once = part.filter(pl.col("repeat_of").is_null(), pl.col("preferred").is_not_null())
        sides = [once.filter(pl.col("on_a") == arm), once.filter(pl.col("on_b") == arm)]
        if min(side.height for side in sides) == 0:
            raise RefusedError(f"{name}: {arm} was judged on one side only: the pull of a side cannot be told from it")
        p, q = (_hits(side, arm) for side in sides)
        (p_low, p_high), (q_low, q_high) = (
            wilson(h.mean() * n, n, level=level)
            for h, n in ((h, _effective(h, side["unit"])) for h, side in zip((p, q), sides, strict=True))
        )
        gap, a, b = p.mean() - q.mean(), p.mean(), q.mean()
        rows.append({
            "measure": "position", "contrast": f"{name}: side A" if name else "side A", "estimate": gap / 2,
            "low": (gap - ((a - p_low) ** 2 + (q_high - b) ** 2) ** 0.5) / 2,
            "high": (gap + ((p_high - a) ** 2 + (b - q_low) ** 2) ** 0.5) / 2,
            "n": once.height, "left_out": part.height - once.height, "method": "Newcombe",
        })  # fmt: skip
    return frames.effects(pl.DataFrame(rows))


def consistency(judged: pl.DataFrame, *, by: Sequence[str] = ("question",), level: float = 0.95) -> Effects:
    """How often an annotator says the same of a pair shown again with its sides swapped; Wilson's interval.

    Raises RefusedError where no pair was judged twice by one annotator.
    """
    first = judged.select("annotator", *by, "unit", was="preferred")
    again = judged.filter(pl.col("repeat_of").is_not_null())
    twice = again.join(first, left_on=["annotator", *by, "repeat_of"], right_on=["annotator", *by, "unit"], how="inner")
    if twice.is_empty():
        raise RefusedError("no pair was judged twice by one annotator: make the sheet with repeats=0.1")
    rows = []
    for name, part in sorted(twice.partition_by(*by, as_dict=True).items()) if by else [((), twice)]:
        same = int(part["preferred"].eq_missing(part["was"]).sum())
        low, high = wilson(same, part.height, level=level)
        rows.append({"measure": "consistency", "contrast": ", ".join(map(str, name)) or "all", "estimate": same / part.height,
                     "low": low, "high": high, "n": part.height, "method": "Wilson"})  # fmt: skip
    return frames.effects(pl.DataFrame(rows))


def mixed(judged: pl.DataFrame, *, arm: str, by: Sequence[str] = ("question",), level: float = 0.95) -> Effects:
    """The preference for `arm` and the pull of side A among annotators like these: a mixed logit, two rows per question.

    log-odds of preferring `arm` = intercept + position x (1/2 where it is A, -1/2 where B) + annotator + pair. The
    random intercept of the annotator is there where two judged, that of the pair where pairs were judged more than once
    (repeats count here). Estimates are marginal: shares averaged over annotators, pairs and sides; `log_odds` and
    `error` are the fixed effect and its standard error; sd_annotator and sd_pair the random ones, null where not fitted.
    Ends are those of the fixed effect, carried over to shares; that of the intercept by Student's t with annotators - 1
    degrees of freedom, because whom one asked is what varies (ours: lme4 takes the normal).
    """
    rows = []
    for name, part, against in _parts(judged, arm, by):
        told = part.filter(pl.col("preferred").is_not_null())
        if told.is_empty():
            raise RefusedError(f"{name}: nobody could tell the arms apart: there is nothing to fit")
        side = np.where((told["on_a"] == arm).to_numpy(), 0.5, -0.5)
        pair = pl.coalesce("repeat_of", "unit").rank("dense").cast(pl.Int64) - 1
        who = told["annotator"].rank("dense").cast(pl.Int64).to_numpy() - 1
        what = told.select(pair.alias("pair"))["pair"].to_numpy()
        factors = {"annotator": who} if who.max() > 0 else {}
        factors |= {"pair": what} if what.max() + 1 < len(what) else {}
        fit = mixed_logit(_hits(told, arm), np.stack([np.ones(len(side)), side], axis=1), list(factors.values()))
        sd = dict(zip(factors, map(float, fit.sd), strict=True))
        spread = float(np.sqrt((fit.sd**2).sum()))
        people = int(who.max()) + 1
        for place, measure in enumerate(("preference", "position")):
            error = float(fit.covariance[place, place] ** 0.5)
            reach = quantile(level, people - 1 if measure == "preference" and people > 1 else None) * error
            ends = []
            for moved in (0.0, -reach, reach):
                both = fit.fixed + moved * (np.arange(2) == place)
                as_a, as_b = _share(both[0] + both[1] / 2, spread), _share(both[0] - both[1] / 2, spread)
                ends.append((as_a + as_b) / 2 if measure == "preference" else (as_a - as_b) / 2)
            says = f"{arm} over {against}" if measure == "preference" else "side A"
            rows.append({
                "measure": measure, "contrast": f"{name}: {says}" if name else says, "estimate": ends[0], "low": ends[1],
                "high": ends[2], "n": told.height, "left_out": part.height - told.height, "annotators": people,
                "log_odds": float(fit.fixed[place]), "error": error, "sd_annotator": sd.get("annotator"), "sd_pair": sd.get("pair"),
                "method": f"mixed logit, Laplace; random: {', '.join(factors) or 'none'}; ties left out",
            })  # fmt: skip
    return frames.effects(pl.DataFrame(rows, schema_overrides={"sd_annotator": pl.Float64, "sd_pair": pl.Float64}))


def quantile(level: float, degrees: int | None) -> float:
    """How many standard errors an interval reaches: Student's t, or the normal where `degrees` is None.

    >>> round(quantile(0.95, None), 4), round(quantile(0.95, 2), 4)
    (1.96, 4.3027)
    """
    from scipy.special import stdtrit

    return NormalDist().inv_cdf((1 + level) / 2) if degrees is None else float(stdtrit(degrees, (1 + level) / 2))


def _parts(judged: pl.DataFrame, arm: str, by: Sequence[str]) -> list[tuple[str, pl.DataFrame, str]]:
    """The judgements of each question and pair of arms: its name, its rows, and the arm that `arm` stood against."""
    due = ("annotator", "unit", "preferred", "on_a", "on_b", *by)
    faults = [f"column {c!r} is missing" for c in due if c not in judged.columns]
    if not faults:
        judged = judged if "repeat_of" in judged.columns else judged.with_columns(repeat_of=pl.lit(None, pl.String))
        twice = judged.height - judged.select("annotator", "unit", *by).n_unique()
        faults += [f"{twice} rows are an annotator's second on one unit: name what parts them in by="] * bool(twice)
        judged = judged.filter((pl.col("on_a") == arm) | (pl.col("on_b") == arm))
        faults += [f"no pair holds the arm {arm!r}"] * judged.is_empty()
    if faults:
        raise InputError("there is no preference in these judgements: " + "; ".join(faults))
    against = pl.when(pl.col("on_a") == arm).then("on_b").otherwise("on_a")
    parts = judged.with_columns(against=against).sort("annotator", "unit").partition_by(*by, "against", as_dict=True)
    return [(", ".join(map(str, name)), part, str(other)) for (*name, other), part in sorted(parts.items())]


def _hits(rows: pl.DataFrame, arm: str) -> FloatArray:
    """1 where the arm is preferred, 0 where the other is, 1/2 where neither."""
    return rows.select((pl.col("preferred") == arm).cast(pl.Float64).fill_null(0.5)).to_series().to_numpy()


def _effective(hits: FloatArray, units: pl.Series) -> float:
    """How many judgements of pairs of their own these are worth. Korn and Graubard (1998) for the idea."""
    pairs = units.n_unique()
    if pairs == len(hits) or pairs < 2:
        return float(pairs)
    p = hits.mean()
    place = units.rank("dense").cast(pl.Int64).to_numpy() - 1
    off = np.bincount(place, hits - p)
    variance = (off**2).sum() * pairs / (pairs - 1) / len(hits) ** 2
    # Where all agree no variance can be seen: the pairs are what there is.
    return float(np.clip(p * (1 - p) / variance, 1.0, len(hits))) if variance > 0 else float(pairs)


def _share(log_odds: float, sd: float) -> float:
    """The logistic of a normal variable, averaged by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    return float(weights @ (1 / (1 + np.exp(-(log_odds + sd * nodes)))) / weights.sum())
