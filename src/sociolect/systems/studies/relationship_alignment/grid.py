"""The sensitivity grid: the regressions of Part I under every choice the paper leaves open, and what of them depends on which."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl

from sociolect.compare.fractional_logit import fractional_logit
from sociolect.compare.mixed_effects import mixed_effects
from sociolect.errors import SociolectError
from sociolect.systems.studies.relationship_alignment import people, prepare
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.terms import Block
from sociolect.systems.studies.relationship_alignment.weights import Weighed

EPS = (1e-4, 1e-3, 1e-2)


def grid(
    wide: pl.DataFrame, block: Block, *, eps: Mapping[str, float], weights: Weighed | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every social coefficient of people's comments under each choice, and what the choices turn over.

    `wide` is people's rows with tones as they were scored. The first table has a row per choice (`arm`), tone and
    coefficient; a choice that cannot be fitted stands in it once, with the reason. The second has each conclusion, a primary
    coefficient whose interval excludes 0, and the choices under which one of the opposite sign excludes 0 as well
    (`depends_on`, null where none does) or under which its interval reaches over 0 (`undecided_under`); see `conclusions`.
    Ranks, shares and logs have other units: only signs are compared.
    """
    made = {name: _tried(run) for name, run in _choices(wide, block, eps, weights).items()}
    told = pl.concat([t.with_columns(arm=pl.lit(name)) for name, t in made.items()], how="diagonal")
    return told, conclusions(told)


def conclusions(told: pl.DataFrame, *, primary: str = "primary") -> pl.DataFrame:
    """Which coefficients exclude 0 in the primary analysis, and under which choices another sign, or none, is found.

    A primary coefficient whose interval reaches over 0 is no conclusion, but where some choices find it above 0 and others
    below, it has a row too: `depends_on` then names the side with fewer choices (the positive one of equals).
    """
    sign = pl.when(pl.col("low") > 0).then(1).when(pl.col("high") < 0).then(-1).otherwise(0)
    signs = told.drop_nulls("estimate").select("measure", "contrast", "arm", "estimate", "low", "high", sign=sign)
    first = signs.filter(pl.col("arm") == primary).drop("arm")
    others = signs.filter(pl.col("arm") != primary).select("measure", "contrast", "arm", there="sign")
    both = first.join(others, on=["measure", "contrast"], how="left", maintain_order="left_right")
    up, down = ((pl.col("there") == s).sum() for s in (1, -1))
    fewer = pl.when(up <= down).then(1).otherwise(-1)
    turned = pl.when(pl.col("sign").first() != 0).then(-pl.col("sign").first()).otherwise(fewer)
    said = both.group_by("measure", "contrast", maintain_order=True).agg(
        pl.col("estimate", "low", "high").first(),
        decided=pl.col("sign").first() != 0,
        split=(up > 0) & (down > 0),
        depends_on=pl.col("arm").filter(pl.col("there") == turned).str.join(", "),
        undecided_under=pl.col("arm").filter(pl.col("there") == 0).str.join(", "),
    )
    said = said.filter(pl.col("decided") | pl.col("split")).drop("decided", "split")
    return said.with_columns(pl.col("depends_on", "undecided_under").replace("", None))


def _choices(
    wide: pl.DataFrame, block: Block, eps: Mapping[str, float], weights: Weighed | None
) -> dict[str, Callable[[], pl.DataFrame]]:
    log = prepare.prepared(wide, eps=eps)

    def fitted(rows: pl.DataFrame, way: Block = block, **more: object) -> pl.DataFrame:
        return people.table(people.slopes(rows, way, **more), way, arm="")  # type: ignore[arg-type]  # keywords of mixed_effects, one by one

    def formed(transform: str) -> pl.DataFrame:
        return prepare.prepared(wide, eps=eps, transform=transform)

    def offset(value: float) -> pl.DataFrame:
        return fitted(prepare.prepared(wide, eps=dict.fromkeys(eps, value)))

    def aged(form: str) -> Block:
        terms = of.social(log, ages=form, extra=[t for t in block.terms if t not in of.social(log)])
        return replace(block, terms=terms)

    out: dict[str, Callable[[], pl.DataFrame]] = {"primary": lambda: fitted(log)}
    for value in EPS:
        out[f"eps {value:g}"] = partial(offset, value)
    out["rank"] = lambda: fitted(formed("rank"))
    out["probit"] = lambda: fitted(formed("probit"))
    out["fractional logit"] = lambda: _shares(formed("share"), block)
    if block.group != "commenter":
        out["commenter effect"] = lambda: fitted(log, replace(block, crossed=True), errors="model", cluster=None)
    out["within post"] = lambda: _within(fitted(log, split=True))
    out["without post tones"] = lambda: fitted(log, replace(block, controls=()))
    if "length" in wide.columns:
        long = replace(block, controls=(*block.controls, "length"))
        out["with length"] = lambda: fitted(log.with_columns(pl.col("length").cast(pl.Float64)), long)
    if weights is not None:
        held = log.join(weights.rows.select("item", "ipw"), on="item", how="left")
        held = held.filter(pl.col("ipw") > 0)
        out["weighted"] = lambda: fitted(held, weights="ipw", weighting="sampling", cluster=block.group)
        low, high = (float(q) for q in np.quantile(held["ipw"].to_numpy(), (0.01, 0.99)))
        cut = held.with_columns(pl.col("ipw").clip(low, high))
        out["weighted, trimmed"] = lambda: fitted(cut, weights="ipw", weighting="sampling", cluster=block.group)
    if "gap_decades" in block.terms:
        out["age log"] = lambda: fitted(log, aged("log"))
        out["age spline"] = lambda: fitted(log, aged("spline"))
    return out


def _tried(run: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """The choice's table, or its reason in one row: a grid that breaks off at one cell shows nothing of the others."""
    try:
        return run()
    except SociolectError as error:
        kinds = {
            "measure": pl.String,
            "contrast": pl.String,
            "estimate": pl.Float64,
            "low": pl.Float64,
            "high": pl.Float64,
        }
        none = {"measure": "all tones", "contrast": "not fitted", "n": 0, "method": str(error)}
        return pl.DataFrame([none], schema=kinds | {"n": pl.Int64, "method": pl.String})


def _within(made: pl.DataFrame) -> pl.DataFrame:
    return made.filter(pl.col("contrast").str.contains("[within", literal=True)).with_columns(
        pl.col("contrast").str.replace(r" \[within.*", "")
    )


def _shares(rows: pl.DataFrame, block: Block) -> pl.DataFrame:
    """The tones themselves by a fractional logit: no offset enters. Its slopes are in log odds."""
    whole = of.complete(rows, block, block.tones)
    design = mixed_effects(
        whole, of.formula(block.terms, controls=block.controls), outcomes=block.tones, errors="CR1", cluster=block.group
    )
    found = fractional_logit(design.x, whole.select(block.tones).to_numpy(), of.coded(whole, block.group)[0])
    at = [design.columns.index(c) for c in of.columns(design, block.terms)]
    from scipy.special import stdtrit

    t = float(stdtrit(of.coded(whole, block.group)[1] - 1, 0.975))
    rows_ = []
    for k, tone in enumerate(block.tones):
        error = np.sqrt(np.diag(found.covariance[k]))
        rows_ += [
            (tone, design.columns[i], b := float(found.beta[i, k]), b - t * error[i], b + t * error[i], whole.height)
            for i in at
        ]
    return pl.DataFrame(rows_, schema=["measure", "contrast", "estimate", "low", "high", "n"], orient="row")
