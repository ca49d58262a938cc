"""The sixteen traps of the specification (section 11), by number: where the obvious way errs, the study's way does not."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect.compare.attenuation import repeated_regression
from sociolect.compare.mixed_effects import mixed_effects
from sociolect.compare.model_tests import likelihood_ratio
from sociolect.errors import SociolectError
from sociolect.frames import Replies
from sociolect.load.planted_pairs import planted_pairs
from sociolect.models.scripted import scripted
from sociolect.systems import find as card_of
from sociolect.systems.studies.relationship_alignment import (
    bounds,
    claims,
    elicit,
    gaps,
    grid,
    load,
    mechanisms,
    outcomes,
    people,
    prepare,
    similar,
    sizes,
    terms,
    weights,
    worlds,
)  # fmt: skip
from sociolect.systems.studies.relationship_alignment.terms import Block
from sociolect.tones import TONES

CLOSE = "closeness[T.close]"
Prepared = tuple[pl.DataFrame, Block]


def planted(*, tones: Sequence[str] = ("funny",), seed: int = 1, **knobs: Any) -> Prepared:
    """A world as the study regresses it, and the block its people can carry; logs need no offset."""
    wide = worlds.world(tones=tones, eps=0.0, seed=seed, **knobs)
    table = prepare.prepared(wide, eps=dict.fromkeys(tones, 0.0))
    return table, terms.designed(table.filter(pl.col("source") == "human"))


def human(table: pl.DataFrame) -> pl.DataFrame:
    return table.filter(pl.col("source") == "human")


def only(frame: pl.DataFrame, **where: str) -> dict[str, Any]:
    return frame.filter(*(pl.col(c) == v for c, v in where.items())).row(0, named=True)


def holds(row: dict[str, Any], truth: float) -> bool:
    return bool(row["low"] < truth < row["high"])


@pytest.fixture(scope="module")
def chosen() -> Prepared:
    """Who comments follows the post's one tone; of all social terms closeness alone moves people, by .2."""
    return planted(social={"funny": {"close": 0.2}}, selection=1.0, mirror=2.0, pairs=12_000, posts=3000, draws=1, conditions=["none"])  # fmt: skip


def test_1_stacked_arms_waste_the_pairing_and_the_difference_of_a_pair_does_not() -> None:
    stacked, paired = [], []
    for seed in range(4):
        table, block = planted(tones=TONES, social=0.0, mirror=0.0, pairs=400, posts=100, draws=1, noise=0.1, conditions=["all"], seed=seed, beta=0.7)  # fmt: skip
        each, _ = gaps.differences(prepare.paired(table, "planted", "all"), block, arm="all")
        paired.append(each.select(pl.col("estimate") / pl.col("se")).to_series())
        spelt = " + ".join(["source", *block.terms, *(f"source:{t}" for t in block.terms)])
        both = mixed_effects(table, f"~ {spelt} + (1 | post)", outcomes=block.tones).summary()
        mine = both.filter(pl.col("contrast").str.contains(r":(?:commenter|closeness)"))
        stacked.append(mine.select(pl.col("estimate") / pl.col("se")).to_series())
    # nothing is planted, so an honest z has a spread of 1; of 256 numbers four errors of it are .18
    assert pl.concat(paired).std() == pytest.approx(1, abs=0.18)
    assert np.std(pl.concat(stacked).to_numpy()) < 0.75


def test_2_a_random_intercept_sees_selection_as_sensitivity_and_the_split_does_not() -> None:
    # told nothing and blind to the commenter, the model reads off the post who tends to comment on it
    table, block = planted(selection=1.0, cue=2.0, blind=True, pairs=6000, posts=3000, draws=1, conditions=["none"])
    rows = prepare.paired(table, "planted", "none")
    mixed = only(people.table(people.slopes(rows, block, prefix="model "), block, arm="none"), contrast=CLOSE)
    assert mixed["low"] > 0.03
    split = people.table(people.slopes(rows, block, prefix="model ", split=True), block, arm="none")
    assert holds(only(split, contrast=f"{CLOSE} [within post]"), 0.0)
    assert only(split, contrast=f"{CLOSE} [between post]")["low"] > 0.2
    found = mechanisms.implicit(rows, block)
    assert only(found, block="the commenter, within a post")["p"] > 0.05
    assert only(found, block="beside the post's tones")["p"] < 0.001


def test_3_sampling_weights_are_refused_as_precision_weights(chosen: Prepared) -> None:
    table, block = chosen
    made = weights.weighed(human(table), block)
    said = terms.formula(block.terms)
    wrong: dict[str, Any] = {"weights": "ipw", "weighting": "sampling", "errors": "model"}
    with pytest.raises(SociolectError, match="sampling"):
        mixed_effects(made.rows, said, outcomes=["funny"], **wrong)
    naive = mixed_effects(made.rows, said, outcomes=["funny"], weights="ipw", errors="model").summary(columns=[CLOSE])
    ours = weights.marginal(made.rows, block, weights="ipw").summary(columns=[CLOSE])
    assert "sampling" in ours["method"].item()
    assert ours["estimate"].item() == pytest.approx(naive["estimate"].item())
    assert ours["se"].item() > 1.15 * naive["se"].item()


def test_4_untrimmed_weights_undo_the_selection_and_every_other_way_keeps_a_part_of_it(chosen: Prepared) -> None:
    table, block = chosen
    rows = human(table)
    made, cut = (weights.weighed(rows, block, trim=trim) for trim in (None, weights.CUT))

    def close(rows: pl.DataFrame, *, by: str | None = "ipw") -> dict[str, Any]:
        return only(weights.marginal(rows, block, weights=by).summary(columns=[CLOSE]))

    plain, primary, trimmed = close(made.rows, by=None), close(made.rows), close(cut.rows)
    said = terms.formula(block.terms, groups=["post"])
    mixed = only(mixed_effects(made.rows, said, outcomes=["funny"], weights="ipw", weighting="sampling").summary(columns=[CLOSE]))  # fmt: skip
    bias = plain["estimate"] - 0.2
    assert plain["low"] > 0.3
    assert holds(primary, 0.2)
    assert abs(primary["estimate"] - 0.2) < 0.1 * bias
    assert trimmed["estimate"] - primary["estimate"] > 0.02 * bias  # the same rows: only the weights differ
    assert mixed["estimate"] - primary["estimate"] > 0.02 * bias
    shift = only(weights.shift(made, block), contrast=CLOSE)
    assert shift["estimate"] == pytest.approx(plain["estimate"] - primary["estimate"])
    assert shift["low"] > 0
    assert made.balance.filter(~pl.col("held_out"))["after"].abs().max() < 0.05  # type: ignore[operator]  # a number


def test_5_a_large_p_is_not_read_as_equal() -> None:
    few, many = (
        gaps.differences(prepare.paired(t, "planted", "all"), b, arm="all")[0]
        for t, b in (planted(pairs=n, posts=n // 4, conditions=["all"], seed=3) for n in (300, 12_000))
    )
    alike = few.filter(pl.col("p_different") > 0.05)
    assert alike.height >= 6
    said = alike["verdict"].str.starts_with("undecided, power")
    assert said.sum() >= 3
    assert not (alike["verdict"].is_in(["equal"]) & (alike["high"] > gaps.BOUND)).any()
    assert (many["verdict"].is_in(["equal", "different but small"])).all()


def test_6_restricted_likelihoods_are_not_compared_and_the_gain_is_by_maximum_likelihood(chosen: Prepared) -> None:
    table, block = chosen
    rows = human(table).head(2000)
    full, reduced = (mixed_effects(rows, f"~ {t} + (1 | post)", outcomes=["funny"]) for t in ("closeness", "1"))
    with pytest.raises(SociolectError, match="REML|ML"):
        likelihood_ratio(full, reduced)
    ours = people.gain(rows, block)
    ml = [mixed_effects(terms.complete(rows, block, block.tones), terms.formula(t, groups=["post"], controls=block.controls), outcomes=["funny"], reml=False).fit.deviance[0] for t in (block.terms, ())]  # fmt: skip
    assert ours["chi2"].item() == pytest.approx(ml[1] - ml[0], rel=1e-6)


@pytest.mark.parametrize(("zeros", "seed"), [(0.1, 3), (0.1, 4), (0.0, 3)])  # under 4 the primary interval holds 0
def test_7_a_conclusion_that_the_offset_makes_is_said_to_depend_on_it(zeros: float, seed: int) -> None:
    tone = "self_disclosure"
    wide = worlds.world(
        tones=[tone], zeros=zeros, eps=0.0, pairs=6000, posts=1500, conditions=["none"], draws=1, seed=seed
    )
    mine = wide.filter(pl.col("source") == "human")
    eps = prepare.offsets(wide)
    block = terms.designed(prepare.prepared(mine, eps=eps))
    choices = {"primary": eps[tone], **{f"eps {e:g}": e for e in grid.EPS}}
    told = [
        people.table(people.slopes(rows, block, cluster="post"), block, arm=name)
        for name, e in choices.items()
        for rows in [prepare.prepared(mine, eps={tone: e})]
    ]
    row = only(grid.conclusions(pl.concat(told)), contrast=CLOSE)
    assert ("eps" in (row["depends_on"] or "")) is bool(zeros)


def test_8_exaggeration_halves_beta_and_the_columns_beside_it_say_why() -> None:
    found = []
    for scale in (1.0, 2.0):
        table, block = planted(scale=scale, conditions=["all"])
        found.append(only(similar.betas(similar.similar(table, block, speaker="planted", conditions=["all"]))))
    one, two = found
    assert two["estimate"] == pytest.approx(one["estimate"] / 2, abs=0.02)
    assert two["correlation"] == pytest.approx(one["correlation"], abs=0.01)
    assert two["ratio of spreads"] == pytest.approx(one["ratio of spreads"] / 2, rel=0.01)
    assert two["slope"] == pytest.approx(two["correlation"] * two["ratio of spreads"])


def test_9_noise_of_drawing_that_differs_by_condition_makes_a_contrast_that_the_corrected_one_has_not() -> None:
    table, block = planted(social=0.0, mirror=0.0, beta=0.5, noise={"none": 0.15, "all": 0.7}, pairs=6000, posts=1500)
    alike = similar.similar(table, block, speaker="planted", conditions=["none", "all"])
    row = only(similar.context(alike), measure="funny")
    assert row["high"] < -0.1
    assert row["corrected low"] < 0 < row["corrected high"]
    assert abs(row["corrected"]) < 0.06
    told = similar.betas(alike)
    spread = 0.3**2 + 0.4**2
    for condition, noise in (("none", 0.15), ("all", 0.7)):
        here = only(told, condition=condition)
        assert here["reliability"] == pytest.approx(spread / (spread + noise**2), abs=0.03)
        assert here["corrected slope"] == pytest.approx(0.5, abs=0.05)


def test_10_reliability_is_taken_off_in_the_metric_of_the_fit() -> None:
    table, block = planted(social=0.0, mirror=0.0, beta=0.5, noise=0.4, draws=2, pairs=12_000, posts=3000, conditions=["all"])  # fmt: skip
    row = only(similar.betas(similar.similar(table, block, speaker="planted", conditions=["all"])))
    # the slope under an intercept per post loses more to noise than the margin tells
    assert row["estimate"] / row["reliability"] < 0.48
    assert row["corrected slope"] == pytest.approx(0.5, abs=0.02)
    rows = human(table).sort("item")
    said = [table.filter(pl.col("source") == "model", pl.col("draw") == d).sort("item")["funny"].to_numpy() for d in (0, 1)]  # fmt: skip
    draws, codes = np.column_stack(said), terms.coded(rows, "post")[0]
    x = np.column_stack([np.ones(rows.height), draws.mean(1)])
    theta = 0.3**2 / 0.4**2
    found = repeated_regression(x, rows["funny"].to_numpy(), codes, draws={1: draws}, group=codes, theta=theta)
    assert found.raw[1] < 0.42
    assert found.beta[1] == pytest.approx(0.5, abs=0.025)


def asked(said: str) -> Replies:
    """What a model that always says the same comments on a few planted pairs, told all and told nothing."""
    pairs, _ = load.people_of(planted_pairs(pairs=60, posts=20, commenters=40, seed=1), ties=False, alone=False)
    model = scripted([said], name="m")
    return bounds.as_told(elicit.comment({"m": model}, pairs, conditions=["none", "all"], draws=1, seed=1))


def test_11_a_comment_that_repeats_a_told_fact_is_counted_as_an_echo() -> None:
    told = outcomes.outcomes(asked("How lovely, my friend, and from a stranger too!"))
    rates = dict(told.select("condition", "echoes").rows())
    assert rates["all"] == 1  # friend or stranger stands in what was told of each pair
    assert rates["none"] == 0  # the same words: nothing was told, so nothing is repeated
    assert dict(outcomes.outcomes(asked("How lovely!")).select("condition", "echoes").rows()) == {"none": 0, "all": 0}


def test_12_a_longer_comment_to_close_friends_is_no_tone_and_the_length_row_shows_it() -> None:
    table, block = planted(social=0.0, mirror=0.0, conditions=["none", "placebo"], kappa=0.0)
    near, rng = (pl.col("closeness") == "close").cast(pl.Float64), np.random.default_rng(1)
    table = table.with_columns(length=20 + 15 * near + pl.Series(rng.normal(0, 4, table.height)))
    table = table.with_columns(funny=pl.col("funny") + 0.02 * (pl.col("length") - 20))
    rows = human(table)
    bare = only(people.table(people.slopes(rows, block), block, arm=""), contrast=CLOSE)
    assert bare["low"] > 0.2
    long = Block(block.terms, block.group, (*block.controls, "length"), block.tones)
    assert holds(only(people.table(people.slopes(rows, long), long, arm=""), contrast=CLOSE), 0.0)
    # told as many words of no meaning, the model is as long as told nothing: the placebo moves nothing with the relation
    _, joint = mechanisms.placebo(table, block, speaker="planted")
    assert joint["p"].item() > 0.05


def test_13_an_unknown_closeness_is_left_out_and_counted_and_never_a_stranger(chosen: Prepared) -> None:
    table, block = planted(social={"funny": {"close": 0.6}}, conditions=["none"], draws=1)
    rows = human(table).sort("item")
    hidden = np.random.default_rng(2).random(rows.height) < 0.5
    unknown = rows.with_columns(closeness=pl.when(pl.Series(~hidden)).then("closeness"))
    ours = people.slopes(unknown, block)
    assert ours.n == rows.height - hidden.sum()
    assert ours.left_out["closeness"] == hidden.sum()
    assert holds(only(people.table(ours, block, arm=""), contrast=CLOSE), 0.6)
    coded = unknown.with_columns(pl.col("closeness").fill_null("stranger"))
    assert only(people.table(people.slopes(coded, block), block, arm=""), contrast=CLOSE)["high"] < 0.58


def test_14_the_best_of_many_slopes_is_no_finding() -> None:
    table, block = planted(tones=("funny", "insult", "worried", "relaxed"), null=True, pairs=400, posts=100, draws=1, conditions=["none", "all", "age", "gender", "closeness", "placebo"], seed=3)  # fmt: skip
    alike = similar.similar(table, block, speaker="planted", conditions=["none", "all", "age", "gender", "closeness", "placebo"])  # fmt: skip
    told = similar.betas(alike)
    assert told.height == 24
    assert told["p"].min() < 0.05  # type: ignore[operator]  # the best of 24 would be told
    assert told["p_bh"].min() > 0.05  # type: ignore[operator]  # a number
    # what is judged is on the card, whatever was found: its claims, in its order
    card = card_of("relationship_alignment").claims
    assert len(card) == 9
    assert claims.table(card, {"betas": told.sort("p")}, weak=())["claim"].to_list() == [c.what for c in card]


def test_15_few_commenters_who_write_many_comments_widen_what_is_said_of_them() -> None:
    table, block = planted(social=0.0, commenters=120, pairs=3000, posts=750, conditions=["none"], draws=1)
    rows = human(table)
    assert terms.cluster(rows, "post") == "commenter"
    gender = "commenter_gender[T.man]"
    one_way: dict[str, Any] = {"cluster": "post"}
    by_post = only(people.table(people.slopes(rows, block, **one_way), block, arm=""), contrast=gender)
    ours = only(people.table(people.slopes(rows, block), block, arm=""), contrast=gender)
    assert ours["se"] > 1.5 * by_post["se"]
    # 60 people of each gender whose own ways spread by .3: what nobody can know better
    assert ours["se"] == pytest.approx(worlds.COMMENTER * (2 / 60) ** 0.5, rel=0.25)
    alone, _ = planted(pairs=400, posts=100, conditions=["none"], draws=1)
    assert terms.cluster(human(alone), "post") == "post"


def test_16_one_draw_tells_no_reliability_and_no_size_asks_for_one() -> None:
    assert all(dial.draws >= 2 for dial in sizes.SIZES.values())
    found = {}
    for draws in (1, 2):
        table, block = planted(draws=draws, conditions=["all"], pairs=1000, posts=250)
        found[draws] = only(similar.betas(similar.similar(table, block, speaker="planted", conditions=["all"])))
    for name in ("reliability", "corrected slope", "corrected correlation"):
        assert found[1][name] is None
        assert found[2][name] is not None
    said = asked("So it is.")
    assert said.select("speaker", "item", "condition", "draw").is_unique().all()
