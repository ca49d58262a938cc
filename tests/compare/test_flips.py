"""The flip table: a form that reverses one claim is named, and no other claim is."""

from itertools import product

import numpy as np
import polars as pl
import pytest

from sociolect.compare.flips import flips, rank_flips
from sociolect.errors import InputError, RefusedError

MEANS = {"ash": 0.8, "birch": 0.6, "cedar": 0.4}
FORMS = list(product(("forward", "reversed"), ("letters", "numbers"), ("label", "text")))


def world(*, reverses: tuple[str, ...] = (), noise: float = 0.05, seed: int = 0) -> pl.DataFrame:
    """Three communities, 30 items, 8 forms; in forms that hold all of `reverses` ash and birch change places."""
    rng = np.random.default_rng(seed)
    level = rng.normal(0, 0.2, 30)
    rows = []
    for form, (name, mean), item in product(FORMS, MEANS.items(), range(30)):
        turned = bool(reverses) and set(reverses) <= set(form)
        own = {"ash": 0.6, "birch": 0.8}.get(name, mean) if turned else mean
        rows.append((name, f"q{item}", *form, own + level[item] + rng.normal(0, noise)))
    return pl.DataFrame(rows, schema=["community", "item", "order", "label_style", "template", "value"], orient="row")


WAYS = ["order", "label_style", "template"]


@pytest.mark.parametrize(
    ("reverses", "named", "share"),
    [
        (("reversed",), "order=reversed", 0.5),
        (("reversed", "text"), "order=reversed, template=text", 0.25),
        ((), None, 0.0),
    ],
)
def test_a_planted_form_that_reverses_one_claim_is_named_and_no_other(
    reverses: tuple[str, ...], named: str | None, share: float
) -> None:
    found = flips(world(reverses=reverses), formats=WAYS, draws=400)
    ash = found.filter(claim="ash - birch").row(0, named=True)
    others = found.filter(pl.col("claim") != "ash - birch")
    # half against half: either side may be called the one that reverses
    assert ash["named"] in ({named, "order=forward"} if share == 0.5 else {named})
    assert ash["reversed"] == share
    assert others["named"].null_count() == 2
    assert others["reversed"].sum() == others["sign"].sum() == 0
    assert others["sure"].to_list() == [1.0, 1.0]
    # two that change places change their distances to the third too: apart from the mean of all forms, yet not reversed
    assert (found["apart"] > 0).to_list() == [bool(share)] * 3
    assert others["estimate"].to_list() == pytest.approx([0.4 - share * 0.2, 0.2 + share * 0.2], abs=0.03)


def test_noise_reverses_nothing() -> None:
    """With no difference at all signs fall by chance; beyond doubt over all cells and claims hardly any does."""
    turned = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        told = world(seed=seed).with_columns(value=pl.Series(rng.normal(size=720)))
        turned += int((flips(told, formats=WAYS, draws=200)["reversed"] > 0).any())
    assert turned <= 4


def test_a_verdict_that_wavers_by_chance_is_apart_from_nothing() -> None:
    """A small true difference is sure in some forms and not in others without any effect of the form: `apart` says so."""
    wavers = departs = 0
    for seed in range(20):
        told = world(seed=seed, noise=0.6).filter(pl.col("community") != "cedar")
        row = flips(told, formats=WAYS, draws=200, seed=seed).row(0, named=True)
        wavers += 0 < row["sure"] < 1
        departs += row["apart"] > 0
    assert wavers >= 10
    assert departs <= 4


def test_ranks_change_where_places_are_changed() -> None:
    found = rank_flips(world(reverses=("reversed", "text"), noise=0.001), formats=WAYS, draws=200)
    assert found.select("community", "rank", "best", "worst", "rank changes").rows() == [
        ("ash", 1, 1, 2, 0.25), ("birch", 2, 1, 2, 0.25), ("cedar", 3, 3, 3, 0.0),
    ]  # fmt: skip
    assert found.filter(community="ash")["where"].item() == "reversed/letters/text; reversed/numbers/text"


def test_claims_can_be_named_and_faults_are_told() -> None:
    told = world()
    own = flips(told, formats=["order"], claims={"ash is high": ("ash", "cedar")}, draws=200)
    assert own.select("claim", "cells", "n").row(0) == ("ash is high", 2, 480)
    with pytest.raises(InputError, match="no community 'oak'; there are: ash, birch, cedar"):
        flips(told, formats=["order"], claims={"x": ("ash", "oak")})
    with pytest.raises(InputError, match="'form'"):
        flips(told, formats=["form"])
    with pytest.raises(RefusedError, match="1 form"):
        flips(told.filter(order="forward"), formats=["order"])
    with pytest.raises(RefusedError, match="no claim that could flip"):
        flips(told.filter(pl.col("community") == "ash"), formats=["order"])


def test_row_order_changes_no_byte() -> None:
    told = world()
    assert flips(told, formats=WAYS, draws=200).equals(
        flips(told.sample(fraction=1.0, shuffle=True, seed=2), formats=WAYS, draws=200)
    )
