import numpy as np
import polars as pl
import pytest

from sociolect.compare.variance import components, variance
from sociolect.errors import InputError, RefusedError

SIZE = {"community": 6, "item": 5, "paraphrase": 8, "order": 2}
PLANTED = {"trait": 1.0, "item": 0.5, "wording": 0.3, "trait x wording": 0.2, "order": 0.1, "draw": 0.6}


def world(seed: int, *, draws: int = 3, planted: dict[str, float] = PLANTED) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    shape = tuple(SIZE.values())

    def effect(name: str, *axes: int) -> np.ndarray:
        return rng.normal(0, planted.get(name, 0) ** 0.5, [n if a in axes else 1 for a, n in enumerate(shape)])

    mean = (
        effect("trait", 0)
        + effect("item", 1)
        + effect("wording", 2)
        + effect("trait x wording", 0, 2)
        + effect("order", 3)
    )
    value = np.broadcast_to(mean, shape)[..., None] + rng.normal(0, planted["draw"] ** 0.5, (*shape, draws))
    at = np.indices(value.shape)
    columns = {name: [f"{name[0]}{i}" for i in at[a].ravel()] for a, name in enumerate(SIZE)}
    return pl.DataFrame({"measure": "toy:1", **columns, "draw": at[-1].ravel(), "value": value.ravel()})


def told(frame: pl.DataFrame, **keywords: object) -> dict[str, dict[str, object]]:
    return {row["contrast"]: row for row in variance(frame, **keywords).iter_rows(named=True)}  # type: ignore[arg-type]


def test_components_against_the_textbook_two_way_table() -> None:
    """Cells, replicates and the closed forms of a two-way random model, Searle et al. (1992), Table 4.7."""
    rng = np.random.default_rng(1)
    y = rng.normal(0, 1, (4, 3, 5)) + rng.normal(0, 1, (4, 1, 1))
    a, b, n = y.shape
    cell, row, column = y.mean(2), y.mean((1, 2)), y.mean((0, 2))
    ms_a = b * n * row.var(ddof=1)
    ms_b = a * n * column.var(ddof=1)
    ms_ab = n * ((cell - row[:, None] - column[None] + y.mean()) ** 2).sum() / ((a - 1) * (b - 1))
    ms_e = y.var(axis=2, ddof=1).mean()
    found = components(cell, float(ms_e), n)
    assert found[()] == pytest.approx(ms_e)
    assert found[0, 1] == pytest.approx((ms_ab - ms_e) / n)
    assert found[0,] == pytest.approx((ms_a - ms_ab) / (b * n))
    assert found[1,] == pytest.approx((ms_b - ms_ab) / (a * n))


def test_planted_components_are_recovered_on_average() -> None:
    worlds = 150
    sums = dict.fromkeys(PLANTED, 0.0)
    for seed in range(worlds):
        frame = world(seed)
        mean = frame.group_by(list(SIZE), maintain_order=True).agg(m=pl.col("value").mean(), v=pl.col("value").var())
        made = components(mean["m"].to_numpy().reshape(tuple(SIZE.values())), float(mean["v"].mean()), 3)  # type: ignore[arg-type]
        for name, axes in {
            "trait": (0,),
            "item": (1,),
            "wording": (2,),
            "trait x wording": (0, 2),
            "order": (3,),
            "draw": (),
        }.items():
            sums[name] += made[axes] / worlds
    for name, due in PLANTED.items():
        # the standard error of a mean of 150 components with 1 (order) to 35 degrees of freedom
        assert sums[name] == pytest.approx(
            due, abs=3 * due * (2 / {"order": 1, "item": 4, "trait": 5}.get(name, 7) / worlds) ** 0.5 + 0.02
        )


def test_intervals_hold_the_variance_among_those_asked() -> None:
    covered, worlds = {"trait": 0, "trait x wording": 0}, 40
    for seed in range(worlds):
        found = told(world(seed), draws=200, seed=seed)
        # the first numbers a world draws are its communities' traits
        due = {"trait": np.random.default_rng(seed).normal(0, 1, 6).var(ddof=1), "trait x wording": 0.2}
        for name, value in due.items():
            covered[name] += bool(found[name]["low"] <= value <= found[name]["high"])
    assert min(covered.values()) >= 34  # 95 % of 40 is 38; below 34 by chance in 1 of 100


def test_what_is_told() -> None:
    frame = world(3)
    found = told(frame, draws=200)
    names = {
        "draw",
        "trait",
        "item",
        "wording",
        "order",
        "trait x item",
        "trait x wording",
        "trait x order",
        "other interactions",
    }
    assert set(found) == names
    assert sum(row["share"] for row in found.values()) == pytest.approx(1)  # type: ignore[misc]  # floats
    assert all(row["estimate"] >= 0 for row in found.values())  # type: ignore[operator]  # floats
    assert any("negative, set to 0" in str(row["method"]) for row in found.values())
    assert found["trait"]["n"] == 6 * 5 * 8 * 2 * 3
    shuffled = frame.sample(fraction=1, shuffle=True, seed=4)
    assert variance(shuffled, draws=200).equals(variance(frame, draws=200))
    # half of the variance is wording: it is told as wording, not as trait
    loud = told(world(5, planted={"trait": 0.01, "wording": 1.0, "draw": 1.0}), draws=200)
    assert loud["wording"]["share"] > 0.25  # type: ignore[operator]  # a float
    assert loud["trait"]["share"] < 0.05  # type: ignore[operator]  # a float


def test_one_reply_a_cell_and_one_wording() -> None:
    once = told(world(6, draws=1), draws=150)
    assert "one reply a cell: the highest interaction is in the draw" in str(once["draw"]["method"])
    assert once["draw"]["estimate"] == pytest.approx(0.6, rel=0.3)
    alone = told(world(6).filter(paraphrase="p0"))
    assert "wording" not in alone
    assert alone["trait"]["low"] is None
    assert "two levels of wording are due" in str(alone["trait"]["method"])


def test_refused() -> None:
    frame = world(7)
    hole = frame.with_columns(value=pl.when(community="c1", item="i2", paraphrase="p3").then(None).otherwise("value"))
    with pytest.raises(RefusedError, match="2 of 480 cells \\(trait x item x wording x order\\) have no answer"):
        variance(hole)
    with pytest.raises(
        RefusedError, match="two factors with two levels or more are due, trait among them; seen: item, wording, order"
    ):
        variance(frame.filter(community="c0"))
    with pytest.raises(InputError, match="no column 'mood'"):
        variance(frame, factors={"trait": ["community"], "mood": ["mood"]})
