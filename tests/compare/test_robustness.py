"""The audit: every part that can be had is there, every other says why; values go by option id, whatever was shown."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.robustness import audit, between, positions
from sociolect.elicit.administer import administered
from sociolect.elicit.variants import variants
from sociolect.errors import InputError, RefusedError
from sociolect.measure.instrument import items, read
from sociolect.systems import SYSTEMS, questionnaire

FORMS = [(o, t) for o in ("forward", "reversed") for t in ("label", "text")]


def scores(*, speakers: tuple[str, ...] = ("m",), seed: int = 0) -> frames.Scores:
    """Twelve items of three facets answered for five countries in four forms and a retest, on 0 to 1."""
    rng = np.random.default_rng(seed)
    mean = rng.random((12, 5))
    rows = [
        (
            who,
            "model",
            f"c{c}",
            f"q{i:02}",
            "/".join(form),
            draw,
            0,
            "view",
            float(mean[i, c] + rng.normal(0, 0.02)),
            *form,
            f"f{i % 3}",
        )
        for who in speakers
        for i in range(12)
        for c in range(5)
        for form, draw in [*((f, 0) for f in FORMS), (FORMS[0], 1)]
    ]
    return frames.scores(
        pl.DataFrame(rows, schema=[*frames.KEYS, "measure", "value", "order", "template", "facet"], orient="row")
    )


WAYS = ("order", "template")


def people(told: pl.DataFrame) -> pl.DataFrame:
    return told.filter(draw=0).group_by("item", "community").agg(pl.col("value").mean()).sort("item", "community")


def test_all_parts_of_one_call() -> None:
    told = scores()
    found = audit(told, formats=WAYS, people=people(told), dimension="facet", draws=200, permutations=1000)
    assert found.stability is not None
    assert found.variance is not None
    assert found.flips is not None
    assert found.ranks is not None
    assert found.extrapolation is not None
    assert found.steerability is not None
    assert found.missing["part"].to_list() == ["position", "acquiescence"]
    assert found.flips.height == 10
    assert found.steerability.filter(measure="steer ratio")["estimate"].item() == pytest.approx(1.0, abs=0.02)
    assert set(found.stability["factor"]) == {"order", "template", "retest"}


def test_effects_are_also_told_in_spreads_of_people() -> None:
    told = scores()
    unit = between(people(told))
    assert unit == pytest.approx(
        np.mean(people(told).pivot("community", index="item", values="value").drop("item").to_numpy().std(1, ddof=1))
    )
    found = audit(told, formats=WAYS, people=people(told), draws=200, permutations=999).stability
    assert found is not None
    assert (found["in_spreads"] * unit).to_list() == pytest.approx(found["estimate"].to_list())
    assert audit(told, formats=WAYS, draws=200, permutations=999).stability["in_spreads"].null_count() == found.height  # type: ignore[index]  # it is there


def test_speakers_apart() -> None:
    told = scores(speakers=("a", "b"))
    found = audit(told, formats=WAYS, within="speaker", draws=200, permutations=999)
    assert found.flips is not None
    assert found.variance is not None
    assert found.flips["of"].unique().sort().to_list() == ["a", "b"]
    assert found.variance["contrast"].n_unique() == found.variance.height == 14
    assert found.missing.filter(part="extrapolation")["of"].to_list() == ["a", "b"]


def test_values_go_by_option_id_over_each_items_own_number_of_options() -> None:
    rows = [("m", "model", "m", f"q{k}", f"{o}{j}", 0, 0, None, None, list(shown), str(j), o)
            for k in (3, 5) for j in range(k) for o, shown in (("forward", map(str, range(k))), ("reversed", map(str, range(k)[::-1])))]  # fmt: skip
    made = pl.DataFrame(rows, schema=[*frames.KEYS, "prompt", "text", "shown", "choice", "order"], orient="row")
    found = positions(frames.replies(made.with_columns(pl.col("prompt", "text").cast(pl.String))))
    due = [j / (k - 1) for k in (3, 5) for j in range(k) for _ in range(2)]
    assert found["value"].to_list() == due


def test_an_option_of_refusal_words_is_an_answer_and_a_lost_one_is_null() -> None:
    rows = [
        ("m", "model", "m", "q", "a", d, 0, None, None, ["Cannot say", "Unable to help"], c, "forward")
        for d, c in enumerate(["Unable to help", None])
    ]
    shape: dict[str, Any] = {k: c.dtype for k, c in frames.SHAPES["replies"].columns.items()} | {
        "shown": pl.List(pl.String),
        "choice": pl.String,
        "order": pl.String,
    }
    assert positions(frames.replies(pl.DataFrame(rows, schema=shape, orient="row")))["value"].to_list() == [1.0, None]


def test_faults() -> None:
    told = scores()
    with pytest.raises(InputError, match="hold 2 measures"):
        audit(frames.scores(pl.concat([told, told.with_columns(measure=pl.lit("other"))])), formats=WAYS)
    with pytest.raises(InputError, match="'wording'"):
        audit(told, formats=("wording",))
    with pytest.raises(RefusedError, match="nothing can be audited"):
        audit(told.filter(condition="forward/label", draw=0, community="c0"), formats=WAYS)
    one = audit(told.filter(template="label"), formats=WAYS, draws=200, permutations=999)
    assert one.missing.row(0) == ("format", "template", "asked in one way only")
    with pytest.raises(RefusedError, match="two communities of people"):
        between(people(told).filter(community="c0"))


def test_same_seed_same_bytes_whatever_the_order_of_rows() -> None:
    told = scores()
    how = {"formats": WAYS, "people": people(told), "dimension": "facet", "draws": 100, "permutations": 1000, "seed": 2}
    first, again = audit(told, **how), audit(told.sample(fraction=1.0, shuffle=True, seed=3), **how)  # type: ignore[arg-type]  # keywords
    for a, b in zip(first, again, strict=True):
        assert a is not None
        assert b is not None
        assert a.equals(b)


def test_any_study_can_call_it_with_a_questionnaire_of_several_modes_placebos_and_reversed_items() -> None:
    """One item's answers by mode are not paired across modes, and claims rest on keyed items without placebos."""
    card = read(SYSTEMS / "instruments" / "planted10")
    models = questionnaire.respondents(card)
    asked = variants(items(card), orders=("forward", "reversed"))
    told = pl.concat(
        [administered(models, asked, mode=mode, seed=2) for mode in ("sampled", "logprob")], how="diagonal_relaxed"
    )
    told = told.with_columns(
        placebo=pl.col("item") == told["item"].min(), condition=pl.format("{}/{}", "condition", "mode")
    )
    found = audit(frames.replies(told), draws=200, permutations=200)
    assert found.stability is not None
    assert found.flips is not None
    ways = found.stability.filter(line="effect")["factor"].unique().sort().to_list()
    assert ways == ["mode", "order"]
    assert (found.stability["left_out"] >= 0).all()
    assert found.missing.row(by_predicate=pl.col("part") == "claims")[2] == "1 placebo items are no part of them"
    # elm leans .75 up and ash .75 down: raw, reversed items would cancel it
    row = found.flips.filter(claim="ash - elm").row(0, named=True)
    keyed = positions(frames.replies(told)).filter(~pl.col("placebo")).with_columns(
        value=pl.when(pl.col("sign") == -1).then(1 - pl.col("value")).otherwise("value")
    )  # fmt: skip
    cells = keyed.group_by("community", "order", "mode").agg(pl.col("value").mean())
    means = dict(cells.group_by("community").agg(pl.col("value").mean()).iter_rows())
    assert row["estimate"] == pytest.approx(means["ash"] - means["elm"])
    assert row["high"] < 0


def test_speakers_of_one_community_are_not_held_against_each_other() -> None:
    """Two speakers that never waver and never agree: no effect of any form, with `within` or without."""
    one = scores(speakers=("m",)).with_columns(value=pl.lit(0.2))
    both = pl.concat([one, one.with_columns(speaker=pl.lit("n"), value=pl.lit(0.9))])
    for within in (None, "speaker"):
        found = audit(frames.scores(both), formats=WAYS, within=within, draws=100, permutations=100).stability
        assert found is not None
        assert found["estimate"].abs().max() == 0.0


def test_a_column_of_words_called_value_is_no_score() -> None:
    """NormAd's stories carry their country's values in words, in a column of that name."""
    card = read(SYSTEMS / "instruments" / "planted10")
    elm = {"elm": questionnaire.respondents(card)["elm"]}
    told = administered(elm, variants(items(card), orders=("forward", "reversed")))
    same = audit(frames.replies(told), draws=100, permutations=100).stability
    named = audit(frames.replies(told.with_columns(value=pl.lit("thrift"))), draws=100, permutations=100).stability
    assert same is not None
    assert named is not None
    assert named.equals(same)


def test_a_pull_of_the_first_place_has_no_size_in_spreads() -> None:
    card = read(SYSTEMS / "instruments" / "planted10")
    told = administered(questionnaire.respondents(card), variants(items(card), orders=("forward", "reversed")))
    means = positions(frames.replies(told)).group_by("community", "item").agg(pl.col("value").mean()).drop_nulls()
    found = audit(frames.replies(told), people=means, draws=100, permutations=100).stability
    assert found is not None
    assert found.filter(line="position")["in_spreads"].null_count() == found.filter(line="position").height > 0
    assert found.filter(line="effect")["in_spreads"].null_count() == 0
