"""People beside their twins: how groups change, what twins gain or lose from mode to mode, and what the study could see."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect import frames
from sociolect.compare.multiplicity import adjusted
from sociolect.errors import RefusedError
from sociolect.frames import Effects, Scores, Society
from sociolect.seeds import substream
from sociolect.systems.worlds.debate import measure
from sociolect.systems.worlds.debate.convergence import Change, change, found, mean, spread
from sociolect.systems.worlds.debate.influence import corrected, influence
from sociolect.systems.worlds.debate.simulate import SPREAD, studies, true_shares

Floats = npt.NDArray[np.float64]
PEOPLE = "people"
SHARES = (0.0, 0.15, 0.3)  # the settings that the dossier's power was measured at
EFFECT = {
    "measure": pl.String, "contrast": pl.String, "estimate": pl.Float64, "low": pl.Float64, "high": pl.Float64, "p": pl.Float64, "n": pl.Int64,
    "left_out": pl.Int64,
}  # fmt: skip


def group_changes(society: Society, arms: Mapping[str, pl.DataFrame], *, rounds: tuple[int, int] = (1, 3)) -> Effects:
    """The change of the mean and the SD of stance within groups: people, each arm, and each arm less its people.

    `arms` holds the replies of mode 3 by arm. Posts: first to last round (the twins' first post is their person's). Private
    opinions: initial to final (the twins' initial one is their person's). Means over groups with t intervals; `left_out` counts
    groups without a number; `p_adjusted` is Holm's over the rows that compare arms with people.
    """
    starts = {"posts": measure.public(society, rounds[0]), "private opinion": measure.private(society, "initial")}
    ends = {
        PEOPLE: {"posts": measure.public(society, rounds[1]), "private opinion": measure.private(society, "final")},
        **{
            arm: {"posts": measure.of_twins(society, said, f"post {rounds[1]}"), "private opinion": measure.of_twins(society, said, "report")}
            for arm, said in arms.items()
        },
    }  # fmt: skip
    rows: list[tuple[object, ...]] = []
    for name, of in (("SD", spread), ("mean", mean)):
        for what, start in starts.items():
            moved = {who: of(end[what]) - of(start) for who, end in ends.items()}
            contrasts = {**moved, **{f"{arm} - {PEOPLE}": moved[arm] - moved[PEOPLE] for arm in arms}}
            rows += [_row(f"{name} of {what}", contrast, values) for contrast, values in contrasts.items()]
    told = pl.DataFrame(rows, schema=EFFECT, orient="row")
    between = [r["p"] if f" - {PEOPLE}" in r["contrast"] else None for r in told.iter_rows(named=True)]
    return frames.effects(told.with_columns(p_adjusted=pl.Series(adjusted(between, "holm"), dtype=pl.Float64)))


def modes(scores: Scores) -> Effects:
    """Each measure of each arm: its mean in every mode, and the last mode's less the first's; the group is the unit.

    A group counts as the mean of its messages, so that a talkative one weighs no more; n counts groups.
    """
    by = ["measure", "community", "condition", "item"]
    cells = (
        scores.filter(pl.col("value").is_not_null()).sort(*by, "speaker", "turn")
        .group_by(by, maintain_order=True).agg(pl.col("value").mean())
    )  # fmt: skip
    rows: list[tuple[object, ...]] = []
    for (name, arm), part in cells.partition_by("measure", "community", as_dict=True, maintain_order=True).items():
        wide = part.pivot("condition", index="item", values="value").sort("item")
        told = sorted(c for c in wide.columns if c != "item")
        # a mean is held against nothing: only the difference has a p
        rows += [(*(row := _row(str(name), f"{arm}, {c}", wide[c].to_numpy()))[:5], None, *row[6:]) for c in told]
        if len(told) > 1:
            gap = (wide[told[-1]] - wide[told[0]]).to_numpy()
            rows.append(_row(str(name), f"{arm}, {told[-1]} - {told[0]}", gap))
    return frames.effects(pl.DataFrame(rows, schema=EFFECT, orient="row"))


def calibration(
    *, groups: int, reliability: float, replications: int, shares: Sequence[float] = SHARES, seed: int = 0
) -> pl.DataFrame:
    """What a study of so many groups sees: per planted share, how often the twins' change of SD is found, and what b is.

    People are not moved, twins by `share`. `power` is of Welch's test over groups; `b` is the mean coefficient of partners, `b / reliability` the corrected one beside its `truth`, `covered` how often its
    95% interval holds it; `undefined` counts studies whose opinions happen not to vary.
    """
    rows = []
    for share in shares:
        draw = substream(seed, "calibration", str(share))
        sizes = {"groups": groups, "replications": replications, "reliability": reliability, "spread": SPREAD}
        people, twins = studies(draw, **sizes), studies(draw, **sizes, share=share)  # type: ignore[arg-type]  # numbers all
        b = influence(twins.initial, twins.final)
        right, truth, told = corrected(b, reliability), true_shares(share)[1], np.isfinite(b.estimate)
        rows.append({
            "share": share, "groups": groups, "replications": replications,
            "power": float((found((people.initial, people.final), (twins.initial, twins.final)) <= 0.05).mean()),
            "b": float(b.estimate[told].mean()), "sd of b": float(b.estimate[told].std(ddof=1)),
            "b / reliability": float(right.estimate[told].mean()), "truth": truth, "undefined": int((~told).sum()),
            "covered": float(((right.low <= truth) & (truth <= right.high))[told].mean()),
        })  # fmt: skip
    return pl.DataFrame(rows)


def _row(name: str, contrast: str, values: Floats) -> tuple[object, ...]:
    missing = int((~np.isfinite(values)).sum())
    try:
        told: Change | None = change(values)
    except RefusedError:
        told = None
    if told is None:
        return name, contrast, None, None, None, None, values.size - missing, missing
    return name, contrast, told.estimate, told.low, told.high, told.p, told.n, missing
