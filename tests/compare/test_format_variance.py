"""The split of variance: planted components come back, few forms make wide intervals, lost cells are counted."""

import numpy as np
import polars as pl
import pytest

from sociolect.compare.format_variance import format_variance
from sociolect.errors import InputError, RefusedError

PLANTED = {"item": 0.5, "community": 0.2, "format": 0.1, "residual": 0.2}


def exact(rng: np.random.Generator, n: int, variance: float) -> np.ndarray:
    """n numbers of exactly this variance: what is planted is in the world, not in its average."""
    x = rng.normal(size=n)
    return np.asarray((x - x.mean()) / x.std(ddof=1) * variance**0.5)


def world(
    parts: dict[str, float], *, items: int = 77, communities: int = 15, seed: int = 0, standardised: bool = True
) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    draw = exact if standardised else (lambda r, n, v: r.normal(0, v**0.5, n))
    i, c, f = (draw(rng, n, parts[k]) for n, k in ((items, "item"), (communities, "community"), (8, "format")))
    noise = rng.normal(0, parts["residual"] ** 0.5, (items, communities, 8))
    table = i[:, None, None] + c[None, :, None] + f[None, None, :] + noise
    at = np.indices(table.shape).reshape(3, -1)
    return pl.DataFrame(
        {
            "item": [f"q{v}" for v in at[0]],
            "community": [f"c{v}" for v in at[1]],
            "form": [f"f{v}" for v in at[2]],
            "value": table.ravel(),
        }
    )


def test_planted_components_are_recovered() -> None:
    """Dossier: item .5, country .2, format .1, residual .2, each within .05."""
    found = dict(format_variance(world(PLANTED), formats=["form"]).select("contrast", "estimate").iter_rows())
    for name, due in PLANTED.items():
        assert found[name] == pytest.approx(due, abs=0.05), name
    for none in ("item x format", "item x community", "community x format"):
        assert found[none] < 0.01


def test_intervals_hold_the_variance_of_all_forms_there_might_be() -> None:
    """Eight random forms: 95 % intervals cover the planted variance in 95 of 100 worlds, give or take 2 standard errors."""
    covered = dict.fromkeys(PLANTED, 0)
    for seed in range(1000, 1080):
        told = world(PLANTED, items=20, communities=6, seed=seed, standardised=False)
        found = {r["contrast"]: r for r in format_variance(told, formats=["form"], draws=1000).to_dicts()}
        for name, due in PLANTED.items():
            covered[name] += found[name]["low"] <= due <= found[name]["high"]
    assert min(covered.values()) >= 80 * 0.95 - 2 * (80 * 0.95 * 0.05) ** 0.5 - 1


def test_shares_are_of_the_sum_and_lie_in_their_intervals() -> None:
    found = format_variance(world(PLANTED, items=20, communities=6), formats=["form"])
    assert found["share"].sum() == pytest.approx(1.0)
    assert (
        found.filter((pl.col("share_low") <= pl.col("share")) & (pl.col("share") <= pl.col("share_high"))).height == 7
    )
    assert found["degrees"].to_list() == [19, 5, 7, 133, 95, 35, 665]


def test_lost_cells_are_filled_in_and_cost_degrees() -> None:
    told = world(PLANTED, items=20, communities=6)
    rng = np.random.default_rng(1)
    lost = rng.permutation(told.height)[:40]
    holed = told.with_row_index("row").with_columns(
        value=pl.when(pl.col("row").is_in(lost)).then(None).otherwise("value")
    )
    full, part = (format_variance(one, formats=["form"]) for one in (told, holed))
    for a, b in zip(full["estimate"], part["estimate"], strict=True):
        assert a == pytest.approx(b, abs=0.04)
    assert part.row(-1, named=True)["degrees"] == 665 - 40
    assert part["left_out"].unique().to_list() == [40]
    assert "40 cells filled in" in part["method"][0]
    assert part.equals(format_variance(holed.reverse(), formats=["form"]))


def test_refusals() -> None:
    told = world(PLANTED, items=6, communities=3)
    with pytest.raises(InputError, match="'shape'"):
        format_variance(told, formats=["shape"])
    with pytest.raises(RefusedError, match="two or more of each"):
        format_variance(told.filter(community="c0"), formats=["form"])
    with pytest.raises(RefusedError, match="a tenth is the most"):
        format_variance(told.with_row_index().filter(pl.col("index") % 5 > 0), formats=["form"])
    with pytest.raises(RefusedError, match="no form"):
        format_variance(told, formats=[])
