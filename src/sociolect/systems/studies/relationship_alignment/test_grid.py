"""What the conclusions depend on: planted zeros turn the sign with eps; without them nothing turns; a cell that fails says why."""

from typing import Any

import polars as pl
import pytest

from sociolect.systems.studies.relationship_alignment import prepare, weights
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.grid import conclusions, grid
from sociolect.systems.studies.relationship_alignment.worlds import world

CLOSE = "closeness[T.close]"


def run(*, weighed: bool = False, drop: tuple[str, ...] = (), **knobs: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    wide = world(**dict[str, Any]({"pairs": 4000, "posts": 1000, "conditions": ["none"], "draws": 1} | knobs)).drop(
        drop
    )
    eps = prepare.offsets(wide)
    human = prepare.prepared(wide, eps=eps).filter(pl.col("source") == "human")
    block = of.designed(human)
    made = weights.weighed(human, block) if weighed else None
    return grid(wide.filter(pl.col("source") == "human"), block, eps=eps, weights=made)


@pytest.mark.parametrize("seed", [1, 2])  # 2: the primary analysis itself is undecided
def test_planted_zeros_depend_on_eps(seed: int) -> None:
    _, held = run(tones=["self_disclosure"], zeros=0.1, seed=seed)
    row = held.filter(contrast=CLOSE).row(0, named=True)
    assert "eps 0.01" in row["depends_on"] if seed == 1 else "eps 0.0001" in row["depends_on"]
    assert (row["low"] > 0) is (seed == 1)


def test_without_zeros_no_conclusion_turns_and_every_choice_is_there() -> None:
    told, held = run(tones=["funny"], selection=0.5, weighed=True, seed=1)
    arms = [
        "primary", "eps 0.0001", "eps 0.001", "eps 0.01", "rank", "probit", "fractional logit", "commenter effect",
        "within post", "without post tones", "with length", "weighted", "weighted, trimmed", "age log", "age spline",
    ]  # fmt: skip
    assert told["arm"].unique(maintain_order=True).to_list() == arms
    assert held["depends_on"].null_count() == held.height
    close = told.filter(contrast=CLOSE)
    assert (close["low"] > 0).all()
    logs = close.filter(pl.col("arm").str.contains("primary|within|weighted|age|length"))
    assert logs["estimate"].to_list() == pytest.approx([0.4] * logs.height, abs=0.08)  # of the planted table
    # one commenter to a comment: there is no effect of commenters, and the cell says so
    lost = told.filter(arm="commenter effect")
    assert (lost["contrast"].item(), lost["n"].item()) == ("not fitted", 0)
    assert "row" in lost["method"].item()
    # the terms of the poster do not vary within a post
    assert not told.filter(arm="within post")["contrast"].str.contains("poster").any()


def table(*rows: tuple[str, str, float, float]) -> pl.DataFrame:
    made = [("funny", c, arm, (low + high) / 2, low, high) for c, arm, low, high in rows]
    return pl.DataFrame(made, schema=["measure", "contrast", "arm", "estimate", "low", "high"], orient="row")


def test_a_conclusion_names_the_choices_that_turn_it_and_those_that_leave_it_open() -> None:
    held = conclusions(table(
        ("close", "primary", 0.1, 0.3), ("close", "rank", -0.3, -0.1), ("close", "probit", -0.2, -0.1), ("close", "eps", -0.1, 0.1),
        ("man", "primary", -0.3, -0.1), ("man", "rank", -0.2, -0.1), ("man", "probit", -0.4, -0.2),
        ("age", "primary", -0.1, 0.1), ("age", "rank", 0.1, 0.3), ("age", "probit", -0.1, 0.2),
        ("gap", "primary", -0.1, 0.1), ("gap", "rank", 0.1, 0.3), ("gap", "probit", -0.3, -0.2), ("gap", "eps", -0.2, -0.1),
    ))  # fmt: skip
    told = {r["contrast"]: (r["depends_on"], r["undecided_under"]) for r in held.iter_rows(named=True)}
    assert told == {"close": ("rank, probit", "eps"), "man": (None, None), "gap": ("rank", None)}
    assert held.filter(contrast="close").select("estimate", "low", "high").row(0) == pytest.approx((0.2, 0.1, 0.3))


def test_a_conclusion_alone_depends_on_nothing() -> None:
    assert conclusions(table(("close", "primary", 0.1, 0.3)))["depends_on"].to_list() == [None]
    assert conclusions(table(("close", "primary", -0.1, 0.3))).height == 0


def test_a_study_without_ages_or_lengths_has_fewer_choices() -> None:
    told, _ = run(pairs=800, posts=200, tones=["funny"], drop=("poster_age", "length"), seed=3)
    assert not {"age log", "age spline", "with length", "weighted"} & set(told["arm"])
    assert "commenter_decades" in told["contrast"]


def test_posts_with_one_comment_are_a_reason_in_every_cell_that_needs_more() -> None:
    wide = world(pairs=300, posts=300, tones=["funny"], conditions=["none"], draws=1, seed=1)
    eps = prepare.offsets(wide)
    human = wide.filter(pl.col("source") == "human")
    told, held = grid(human, of.designed(prepare.prepared(human, eps=eps), group="post"), eps=eps)
    lost = told.filter(contrast="not fitted")
    assert {"primary", "rank", "within post"} <= set(lost["arm"])
    assert lost["method"].str.contains("each of the 300 groups has one row").any()
    assert told.filter(arm="fractional logit")["estimate"].is_not_null().any()
    assert held.height == 0
