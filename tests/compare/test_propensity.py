"""Who counts, who does not and why, and what makes a propensity impossible."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect.compare.propensity import columns, propensity
from sociolect.errors import InputError, RefusedError, UsageError

N = 400


def table(**more: Any) -> pl.DataFrame:
    rng = np.random.default_rng(7)
    tone, kind = rng.normal(size=N), rng.choice(["photo", "text", "video"], N)
    odds = np.stack([0.5 * tone, 0.4 * (kind == "text"), np.zeros(N)], axis=1) + rng.gumbel(size=(N, 3))
    made = {
        "close": np.array(["close", "not_close", "stranger"])[odds.argmax(1)], "woman": rng.random(N) < 0.5,
        "tone": tone, "kind": kind, "hour": rng.integers(0, 24, N), "post": np.arange(N) % 100,
    }  # fmt: skip
    return pl.DataFrame(made | more)


def test_absent_values_are_counted_once_and_add_up() -> None:
    at = pl.int_range(pl.len())
    rows = table().with_columns(
        close=pl.when(at < 3).then(None).otherwise("close"),
        tone=pl.when(at.is_between(2, 6)).then(float("nan")).when(at == 7).then(float("inf")).otherwise("tone"),
        kind=pl.when(at == 8).then(None).otherwise("kind"),
        share=pl.when(at == 9).then(None).when(at == 10).then(0.0).otherwise(1.0),
        post=pl.when(at == 11).then(None).otherwise("post"),
    )
    found = propensity(rows, "close", ["tone", "kind"], weight="share", needed=["post"])
    assert found.left_out == {
        "close is null or not finite": 3,
        "tone is null or not finite": 5,  # row 2 lacks both, and is counted under the first
        "kind is null or not finite": 1,
        "share is null or not finite": 1,
        "post is null or not finite": 1,
        "share is 0": 1,
    }
    assert (~found.used).sum() == 12
    assert found.used[12:].all()


def test_words_are_indicators_beside_their_first_level() -> None:
    found = propensity(table(), "close", ["tone", "kind", "woman"])
    assert found.names == ("intercept", "tone", "kind=text", "kind=video", "woman=true")
    assert found.x[:, 1:].mean(0) == pytest.approx(np.zeros(4), abs=1e-12)
    assert found.x[:, 1:].std(0) == pytest.approx(np.ones(4), abs=1e-12)
    # a level that no row that counts has is no column
    rows = table().with_columns(tone=pl.when(pl.col("kind") == "photo").then(None).otherwise("tone"))
    assert propensity(rows, "close", ["tone", "kind"]).names == ("intercept", "tone", "kind=video")


def test_null_words_are_absent_numbers() -> None:
    made = columns(pl.DataFrame({"kind": ["a", None], "on": [True, False]}), ["kind", "on"])
    assert made.names == ("kind=a", "on=false", "on=true")
    assert made.values[0].tolist() == [1.0, 0.0, 1.0]
    assert np.isnan(made.values[1, 0])


def test_a_logit_has_no_memory_of_units_and_of_reference() -> None:
    one = propensity(table(), "close", ["tone", "kind"])
    rows = table().with_columns(tone=pl.col("tone") * 1e6 - 3e6, kind=pl.col("kind").replace("photo", "zzz"))
    assert propensity(rows, "close", ["tone", "kind"]).fit.probability == pytest.approx(one.fit.probability, abs=1e-9)


def test_several_categories_are_crossed() -> None:
    found = propensity(table(), ["close", "woman"], ["tone"], least=1)
    assert found.categories[:3] == ("close, false", "close, true", "not_close, false")
    assert len(found.categories) == 6


def test_rare_categories_are_refused_pooled_or_excluded() -> None:
    at = pl.int_range(pl.len())
    told = pl.when(at < 12).then(pl.lit("kin")).when(at < 24).then(pl.lit("boss")).otherwise("close")
    rows = table().with_columns(close=told)
    with pytest.raises(RefusedError, match="fewer than 20 rows: 'boss' 12, 'kin' 12; pool or exclude"):
        propensity(rows, "close", ["tone"])
    pooled = propensity(rows, "close", ["tone"], rare="pool")
    assert pooled.categories == ("close", "not_close", "other", "stranger")
    assert pooled.pooled == ("boss", "kin")
    assert np.bincount(pooled.codes)[2] == 24
    excluded = propensity(rows, "close", ["tone"], rare="exclude")
    assert excluded.left_out == {"boss: fewer than 20 rows": 12, "kin: fewer than 20 rows": 12}
    assert (~excluded.used).sum() == 24
    with pytest.raises(RefusedError, match="'boss', 'kin' pooled have 24 rows of 30 due"):
        propensity(rows, "close", ["tone"], rare="pool", least=30)
    with pytest.raises(InputError, match="named 'other' already"):
        propensity(rows.with_columns(pl.col("close").replace("stranger", "other")), "close", ["tone"], rare="pool")


LEVEL = (pl.col("kind") == "photo") & (pl.col("close") == "close")


def test_a_propensity_of_0_names_category_and_covariate() -> None:
    rows = table().with_columns(close=pl.when(LEVEL).then(pl.lit("stranger")).otherwise("close"))
    never = rows.filter(kind="photo").height
    with pytest.raises(
        RefusedError, match=f"propensities of 0 or 1: 'close' never occurs in {never} rows by 'kind=photo': leave"
    ):
        propensity(rows, "close", ["tone", "kind"])
    # counted out, all photos are gone: the answer is about the other kinds
    found = propensity(rows, "close", ["tone", "kind"], drop=1e-6)
    assert found.left_out == {"a propensity below 1e-06": never}
    assert found.used.tolist() == (rows["kind"] != "photo").to_list()


def test_complete_separation_names_the_number() -> None:
    rows = table().with_columns(close=pl.when(pl.col("tone") > 0.2).then(pl.lit("close")).otherwise(pl.lit("stranger")))
    with pytest.raises(RefusedError, match="never occurs in .* rows by 'tone': leave"):
        propensity(rows, "close", ["tone", "hour"])
    with pytest.raises(RefusedError, match="keeps|0 categories|are left"):
        propensity(rows, "close", ["tone", "hour"], drop=0.01)


def test_separation_by_several_covariates_together() -> None:
    side = pl.when(pl.col("tone") + pl.col("hour") / 10 > 1).then(pl.lit("close")).otherwise(pl.lit("stranger"))
    with pytest.raises(RefusedError, match="by several covariates together"):
        propensity(table().with_columns(close=side), "close", ["tone", "hour"])


def test_dropped_rows_leave_every_propensity_above_the_bound() -> None:
    rows = table()
    free = propensity(rows, "close", ["tone", "kind"])
    found = propensity(rows, "close", ["tone", "kind"], drop=0.15)
    assert free.fit.probability.min() < 0.15 <= found.fit.probability.min()
    assert found.left_out == {"a propensity below 0.15": int((~found.used).sum())}
    # fitted on the rest alone
    again = propensity(rows.filter(pl.Series(found.used)), "close", ["tone", "kind"])
    assert again.fit.probability == pytest.approx(found.fit.probability, abs=1e-12)


@pytest.mark.parametrize(
    ("more", "category", "covariates", "keywords", "said"),
    [
        (
            {},
            "ghost",
            ["tone", "wraith"],
            {"weight": "w"},
            "'ghost' is missing; column 'wraith' is missing; column 'w' is",
        ),
        ({}, "close", [], {}, "at least one category and one covariate"),
        ({}, "close", ["close"], {}, "'close' is both category and covariate"),
        ({}, "tone", ["hour"], {}, "cut it into bands"),
        ({"one": 5.0}, "close", ["one", "tone"], {}, r"'one' is constant \(5\); leave"),
        (
            {"one": 0.1, "all": "us"},
            "close",
            ["one", "all"],
            {},
            r"'one' is constant \(0.1\); 'all' is constant \(us\)",
        ),
        ({"w": -1.0}, "close", ["tone"], {"weight": "w"}, "'w' is below 0 in 400 rows"),
        ({"w": 0.0}, "close", ["tone"], {"weight": "w"}, "'w' is 0 or null in all rows"),
        ({"w": "much"}, "close", ["tone"], {"weight": "w"}, "'w' is String, not a number"),
        ({"w": None}, "close", ["tone"], {"weight": "w"}, "'w' is Null, not a number"),
    ],
)
def test_bad_input_is_refused(
    more: Mapping[str, Any], category: str, covariates: Sequence[str], keywords: Mapping[str, Any], said: str
) -> None:
    rows = table().with_columns(**{k: pl.lit(v) for k, v in more.items()})
    with pytest.raises(InputError, match=said):
        propensity(rows, category, covariates, **keywords)


def test_covariates_told_by_others_are_named() -> None:
    rows = table().with_columns(twice=2 * pl.col("tone") + pl.col("hour"), same=pl.col("kind") + "!")
    with pytest.raises(
        InputError, match="'twice' is told by the covariates before it; 'same=text!' is told by .*'same=video!'"
    ):
        propensity(rows, "close", ["tone", "hour", "kind", "twice", "same"])
    with pytest.raises(InputError, match="3 columns and 3 rows"):
        propensity(table()[:3].with_columns(close=pl.Series(["a", "b", "a"])), "close", ["tone", "hour"], least=1)


def test_one_category_has_no_propensity() -> None:
    with pytest.raises(RefusedError, match="close x woman has 1 categories in"):
        propensity(table(close="close", woman=True), ["close", "woman"], ["tone"])
    with pytest.raises(RefusedError, match="0 categories in 0 rows"):
        propensity(table().with_columns(tone=pl.lit(None, dtype=pl.Float64)), "close", ["tone"])


def test_an_unknown_way_with_rare_categories() -> None:
    with pytest.raises(UsageError, match="no way with rare categories 'poool'; did you mean 'pool'"):
        propensity(table(), "close", ["tone"], rare="poool")  # type: ignore[arg-type]  # the fault under test
