"""What a planted world says of itself is in its rows: plain least squares finds each number within Monte-Carlo error."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.errors import UsageError
from sociolect.load.planted_pairs_words import SOCIAL, TRUTH
from sociolect.systems.studies.relationship_alignment.prepare import offsets, prepared
from sociolect.systems.studies.relationship_alignment.worlds import COMMENTER, PULL, SHARES, world
from sociolect.systems.studies.relationship_alignment.worlds_knobs import BETA
from sociolect.systems.studies.relationship_alignment.worlds_truth import covariance, truth

Floats = npt.NDArray[np.float64]
VARY = [0, 2, 3, 5, 6, 7]  # the terms that vary in a post; the poster does not
FAR = 4.0  # standard errors; about 300 numbers are held to it, and 4 is passed once in 16,000


def planted(*, pairs: int = 40_000, **knobs: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A large world of one tone with logs that need no offset, and what is true of it."""
    knobs = {"tones": ["funny"], **knobs}
    rows = world(pairs=pairs, posts=pairs // 4, eps=0.0, seed=7, **knobs)
    return rows, truth(**knobs)


def logs(rows: pl.DataFrame, condition: str, *, source: str = "model") -> pl.DataFrame:
    """A row per pair: its riders, the mean log tone over draws (`y`) and the log tone of the post."""
    said = rows.filter(pl.col("condition") == condition, pl.col("source") == source)
    mean = said.group_by("item").agg(y=pl.col("funny").log().mean())
    return said.filter(draw=0).join(mean, on="item").sort("item").with_columns(z=pl.col("post_funny").log())


def terms(rows: pl.DataFrame) -> Floats:
    """The social terms out of the riders, as their names say; ages in decades from 40."""
    man, to_man = (rows[f"{who}_gender"].eq("man").cast(pl.Float64) for who in ("commenter", "poster"))
    age, poster_age = ((rows[f"{who}_age"] - 40) / 10 for who in ("commenter", "poster"))
    near = [rows["closeness"].eq(c).cast(pl.Float64) for c in ("not_close", "close")]
    return np.column_stack([man, to_man, man * to_man, age, poster_age, (age - poster_age).abs(), *near])


def slopes(y: Floats, x: Floats, posts: pl.Series) -> tuple[Floats, Floats]:
    """Least squares with an intercept, which is left out, and the standard errors by post (CR0)."""
    x = np.column_stack([x, np.ones(len(x))])
    inverse = np.linalg.inv(x.T @ x)
    b = inverse @ x.T @ y
    scores = x * (y - x @ b)[:, None]
    sums = np.column_stack([np.bincount(posts.rank("dense").to_numpy() - 1, s) for s in scores.T])
    return b[:-1], np.sqrt(np.diag(inverse @ sums.T @ sums @ inverse))[:-1]


def centred(x: Floats, posts: pl.Series) -> tuple[Floats, Floats]:
    """Deviations from the post's mean, and that mean."""
    codes = posts.rank("dense").to_numpy() - 1
    x = x.reshape(len(codes), -1)
    mean = np.column_stack([np.bincount(codes, c) / np.bincount(codes) for c in x.T])[codes]
    return x - mean, mean


def due(known: pl.DataFrame, condition: str, *whats: str, column: str = "value") -> Floats:
    found = known.filter(condition=condition)
    return np.array([found.filter(what=w)[column].item() for w in whats], dtype=float)


def holds(found: tuple[Floats, Floats], expected: Floats | float) -> bool:
    return bool((np.abs(found[0] - expected) < FAR * found[1]).all())


def regressed(rows: pl.DataFrame) -> tuple[Floats, Floats]:
    return slopes(rows["y"].to_numpy(), np.column_stack([terms(rows), rows["z"]]), rows["post"])


@pytest.fixture(scope="module")
def told() -> tuple[pl.DataFrame, pl.DataFrame]:
    return planted(
        conditions=["none", "closeness", "single", "gender+age", "commenter_age", "all", "placebo", "false"],
        kappa={"all": 2.0, "false": 2.0}, mirror={"observed": 1.0, "all": 0.5},
    )  # fmt: skip


@pytest.mark.parametrize("condition", ["observed", "none", "single", "closeness", "gender+age", "commenter_age", "all", "placebo", "false"])  # fmt: skip
def test_each_condition_holds_the_terms_it_tells(told: tuple[pl.DataFrame, pl.DataFrame], condition: str) -> None:
    rows = logs(told[0], condition, source="human" if condition == "observed" else "model")
    expected = due(told[1], condition, *SOCIAL, "post")
    assert holds(regressed(rows), expected)
    b = np.array([TRUTH["funny"][t] for t in SOCIAL])
    near = b * [0, 0, 0, 0, 0, 0, 1, 1]
    held = {"observed": b, "all": 2 * b, "closeness": near, "single": near, "gender+age": b * [1, 1, 1, 1, 1, 1, 0, 0], "commenter_age": b * [0, 0, 0, 1, 0, 0, 0, 0]}  # fmt: skip
    assert expected[:8].tolist() == pytest.approx(held.get(condition, 0 * b))
    assert expected[8] == pytest.approx(TRUTH["funny"]["mirror"] * (0.5 if condition == "all" else 1))


def test_false_facts_are_followed_as_true_ones_are(told: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    rows, known = told
    said = logs(rows, "false")
    facts = said.select("item", "commenter_gender", "poster_gender", "commenter_age", "poster_age", "closeness")
    other = said.select("facts_of").join(facts, left_on="facts_of", right_on="item", how="left", maintain_order="left")
    assert (said["facts_of"] != said["item"]).all()
    assert sorted(said["facts_of"]) == sorted(said["item"])
    x = np.column_stack([terms(other), said["z"]])
    followed = np.append(due(known, "all", *SOCIAL), due(known, "false", "post"))
    assert holds(slopes(said["y"].to_numpy(), x, said["post"]), followed)
    assert due(known, "false", "kappa", "kappa_told").tolist() == [0, 2]


def test_the_terms_vary_together_as_their_closed_form_says() -> None:
    rows, _ = planted(pairs=100_000, conditions=["none"])
    found = np.cov(terms(logs(rows, "observed", source="human")), rowvar=False)
    assert found == pytest.approx(covariance(), abs=0.06)
    assert np.diag(found) == pytest.approx(np.diag(covariance()), rel=0.03)


@pytest.mark.parametrize("condition", ["none", "all", "false"])
@pytest.mark.parametrize("draws", [1, 3])
def test_the_elasticity_and_what_it_is_made_of(condition: str, draws: int) -> None:
    rows, known = planted(conditions=[condition], draws=draws, noise=0.4, scale=1.5, kappa=1.4, beta=0.5, commenters=30_000)  # fmt: skip
    human, model = logs(rows, "observed", source="human"), logs(rows, condition)
    h, m, posts = human["y"].to_numpy(), model["y"].to_numpy(), human["post"]
    alone = slopes(h, m[:, None], posts)
    assert holds(alone, due(known, condition, "beta"))
    r, sd = np.corrcoef(h, m)[0, 1], m.std() / h.std()
    assert r == pytest.approx(due(known, condition, "correlation").item(), abs=0.02)
    assert sd == pytest.approx(due(known, condition, "sd_ratio").item(), rel=0.02)
    assert (due(known, condition, "correlation") / due(known, condition, "sd_ratio")).item() == pytest.approx(due(known, condition, "beta").item())  # fmt: skip
    held = np.column_stack([m, terms(human)[:, VARY], terms(human)[:, [1, 4]], human["z"]])
    b, se = slopes(h, held, posts)
    assert holds((b[:1], se[:1]), due(known, condition, "beta_given"))
    b, se = slopes(centred(h, posts)[0][:, 0], centred(held[:, :7], posts)[0], posts)
    assert holds((b[:1], se[:1]), due(known, condition, "beta_given", column="within"))


def test_draws_share_what_the_reliability_says() -> None:
    rows, known = planted(conditions=["all"], noise=0.4)
    a, b = (rows.filter(source="model", draw=d).sort("item")["funny"].log().to_numpy() for d in (0, 1))
    one = np.corrcoef(a, b)[0, 1]
    assert 2 * one / (1 + one) == pytest.approx(due(known, "all", "reliability").item(), abs=0.01)  # Spearman and Brown 1910  # fmt: skip


@pytest.mark.parametrize("tone", ["surprised", "worried"])
def test_without_noise_every_estimator_finds_the_same_beta(tone: str) -> None:
    rows, known = planted(tones=[tone], conditions=["none"], social=0.0, mirror=0.0, noise=0.0, draws=1)
    rows = rows.rename({tone: "funny", f"post_{tone}": "post_funny"})
    human, model = logs(rows, "observed", source="human"), logs(rows, "none")
    (h, h_mean), (m, m_mean) = (centred(f["y"].to_numpy(), human["post"]) for f in (human, model))
    expected = {"surprised": 0.309, "worried": 0.585}[tone]
    assert BETA[tone] == expected == pytest.approx(due(known, "none", "beta").item())
    for y, x in ((h + h_mean, m + m_mean), (h, m), (h_mean, m_mean)):
        assert holds(slopes(y[:, 0], x, human["post"]), expected)


def test_twice_the_scale_halves_beta_and_leaves_the_correlation() -> None:
    (one, _), (two, _) = (planted(conditions=["all"], scale=s, pairs=8000) for s in (1.0, 2.0))
    h = logs(one, "observed", source="human")["y"]
    assert logs(two, "observed", source="human")["y"].equals(h)
    m, wide = logs(one, "all")["y"].to_numpy(), logs(two, "all")["y"].to_numpy()
    assert np.corrcoef(h, wide)[0, 1] == pytest.approx(np.corrcoef(h, m)[0, 1], abs=0.002)
    assert wide.std() / m.std() == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize("blind", [True, False])
def test_a_cue_stands_between_posts_alone_where_the_model_is_blind(blind: bool) -> None:
    rows, known = planted(conditions=["none", "closeness"], cue=0.8, blind=blind)
    for condition in ("none", "closeness"):
        here = logs(rows, condition)
        inside, mean = centred(terms(here), here["post"])
        b, se = slopes(here["y"].to_numpy(), np.column_stack([inside[:, VARY], mean, here["z"]]), here["post"])
        expected = np.append(due(known, condition, *SOCIAL, column="within")[VARY], due(known, condition, *SOCIAL, column="between"))  # fmt: skip
        assert holds((b[:-1], se[:-1]), expected)
        assert bool(expected[0] == 0) is blind
        assert expected[6 + 7] == pytest.approx(0.4 * (0.8 if condition == "none" else 1))
    assert due(known, "none", "kappa").tolist() == pytest.approx([np.nan if blind else 0.8], nan_ok=True)


def weighted(rows: pl.DataFrame, selection: float, y: Floats) -> float:
    """What is left of "close" less "stranger", the log odds of the planted selection known: inverse propensity weights."""
    drive = selection * ((rows["z"] + 4.5) / 0.5).to_numpy()
    odds = np.array(SHARES) * np.exp(np.outer(drive, PULL))
    p = odds / odds.sum(axis=1, keepdims=True)
    close, stranger = ((rows["closeness"] == c).to_numpy() for c in ("close", "stranger"))
    return float(np.average(y[close], weights=1 / p[close, 2]) - np.average(y[stranger], weights=1 / p[stranger, 0]))


def test_selection_biases_with_its_strength_and_weights_undo_it() -> None:
    # one tone, so that the mood of a post is that tone; only closeness moves people, so that nothing else is to be held
    bias, left = [], []
    for selection in (0.0, 0.5, 1.0):
        rows, _ = planted(conditions=["none"], social={"funny": {"close": 0.2}}, selection=selection, mirror=2.0)
        here = logs(rows, "observed", source="human")
        y = here["y"].to_numpy()
        bias.append(slopes(y, terms(here)[:, 6:], here["post"])[0][1] - 0.2)
        left.append(weighted(here, selection, y) - 0.2)
        assert holds(regressed(here), np.array([0] * 7 + [0.2, 2 * TRUTH["funny"]["mirror"]]))
        assert abs(weighted(here, selection, here["post_hour"].to_numpy())) < 0.2
        assert here["post_hour"].std() == pytest.approx(3, abs=0.1)
    assert np.abs(left).max() < 0.025
    assert abs(bias[0]) < 0.025
    assert 0.12 < bias[1] < bias[2] - 0.1


def test_selection_on_what_is_not_seen_defeats_weights_but_not_the_comparison_within_posts() -> None:
    rows, known = planted(conditions=["none"], selection=1.0, unseen=True)
    here = logs(rows, "observed", source="human")
    assert due(known, "observed", "close").tolist() == pytest.approx([np.nan], nan_ok=True)
    assert weighted(here, 2**-0.5, here["post_hour"].to_numpy()) > 0.8  # the negative control shows it
    b, se = slopes(here["y"].to_numpy(), np.column_stack([terms(here), here["z"]]), here["post"])
    assert b[7] - 0.4 > 6 * se[7]
    within = slopes(here["y"].to_numpy(), centred(terms(here), here["post"])[0][:, VARY], here["post"])
    assert holds(within, due(known, "observed", *SOCIAL, column="within")[VARY])


def test_zeros_make_the_sign_hang_on_eps() -> None:
    rows = world(pairs=12_000, tones=["self_disclosure"], conditions=["none"], zeros=0.1, eps=0.0, seed=3)
    for source in ("human", "model"):
        found = dict(rows.filter(source=source).group_by("closeness").agg(pl.col("self_disclosure").eq(0).mean()).iter_rows())  # fmt: skip
        assert [found[c] for c in ("stranger", "not_close", "close")] == pytest.approx([0.15, 0.07, 0.02], abs=0.015)
    human = rows.filter(source="human")
    for eps, sign in ((1e-4, 1), (1e-2, -1)):
        b, se = slopes((human["self_disclosure"] + eps).log().to_numpy(), terms(human), human["post"])
        assert sign * b[7] > FAR * se[7]
    assert truth(tones=["funny"], zeros=0.3)["value"].null_count() == truth(tones=["funny"]).height


def test_a_pool_of_commenters_brings_their_own_ways() -> None:
    rows, _ = planted(pairs=20_000, conditions=["none"], commenters=2000, social=0.0, mirror=0.0)
    human = logs(rows, "observed", source="human")
    assert human["commenter"].n_unique() > 1990
    assert human.group_by("commenter").agg(pl.col("commenter_age", "commenter_gender").n_unique()).select(pl.col("commenter_age", "commenter_gender").max()).row(0) == (1, 1)  # fmt: skip
    two = human.select("commenter", "y", "post").with_columns(k=pl.int_range(pl.len()).over("commenter")).filter(pl.col("k") < 2)  # fmt: skip
    pair = two.pivot("k", index="commenter", values="y").drop_nulls()
    assert np.cov(pair["0"], pair["1"])[0, 1] == pytest.approx(COMMENTER**2, abs=0.03)


def test_nothing_is_planted_in_the_null() -> None:
    rows, known = planted(null=True, selection=1.0, cue=0.5, conditions=["none", "all", "false"], kappa=3.0)
    h = logs(rows, "observed", source="human")
    for condition in ("observed", "none", "all", "false"):
        here = logs(rows, condition, source="human" if condition == "observed" else "model")
        assert holds(regressed(here), 0.0)
        if condition != "observed":
            assert holds(slopes(h["y"].to_numpy(), here["y"].to_numpy()[:, None], h["post"]), 0.0)
    assert known.filter(~pl.col("what").is_in(["reliability", "sd_ratio"]))["value"].drop_nulls().unique().to_list() == [0.0]  # fmt: skip


def test_half_the_smallest_score_is_the_offset_of_a_world_that_names_none() -> None:
    knobs: dict[str, Any] = {"pairs": 400, "posts": 100, "tones": ["funny", "insult"], "seed": 2}
    bare, rows = world(eps=0.0, **knobs), world(**knobs)
    found = prepared(rows, eps=offsets(rows))
    for c in ("funny", "insult", "post_funny", "post_insult"):
        assert (found[c] - bare[c].log()).abs().max() < 1e-9  # type: ignore[operator]  # a number
    given_eps = world(eps=1e-3, **knobs)
    whole = given_eps.filter(pl.col("funny") > 0)
    assert ((whole["funny"] + 1e-3).log() - bare.filter(given_eps["funny"] > 0)["funny"].log()).abs().max() < 1e-9  # type: ignore[operator]  # a number


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31), more=st.sampled_from([["placebo"], ["false", "age"]]))
def test_the_same_seed_gives_the_same_rows_whatever_stands_beside_them(seed: int, more: list[str]) -> None:
    knobs: dict[str, Any] = {"pairs": 60, "posts": 20, "eps": 0.0, "zeros": 0.2, "seed": seed, "commenters": 30}
    one = world(tones=["funny"], conditions=["all"], draws=1, **knobs)
    assert one.equals(world(tones=["funny"], conditions=["all"], draws=1, **knobs))
    many = world(tones=["funny"], conditions=[*more, "all"], draws=2, **knobs)
    assert one.equals(many.filter(pl.col("condition").is_in(["observed", "all"]), pl.col("draw") == 0))
    other = world(tones=["funny"], conditions=["all"], draws=1, model="another", **knobs)
    assert one.filter(source="human").equals(other.filter(source="human"))
    assert not one.filter(source="model")["funny"].equals(other.filter(source="model")["funny"])
    assert not one["funny"].equals(world(tones=["funny"], conditions=["all"], draws=1, **knobs | {"seed": seed + 1})["funny"])  # fmt: skip


def test_the_table_is_one_that_the_study_reads() -> None:
    rows = world(pairs=500, posts=120, commenters=90, conditions=["none", "all", "false"], draws=2, seed=1)
    assert rows.height == 500 * 7
    assert rows.select("speaker", "condition", "item", "draw").n_unique() == rows.height
    assert rows["post"].n_unique() == 120
    assert rows.filter(source="human").select(pl.col("speaker") == pl.col("commenter")).to_series().all()
    assert rows.filter(source="model")["speaker"].unique().to_list() == ["planted"]
    assert (rows["facts_of"].is_null() == (rows["condition"] != "false")).all()
    assert rows.select(pl.col(*TRUTH, *(f"post_{t}" for t in TRUTH)).is_between(0, 1).all()).row(0) == (True,) * 16
    assert rows.drop("facts_of").null_count().row(0) == (0,) * (rows.width - 1)


def test_a_world_that_cannot_be_is_refused_with_every_fault() -> None:
    with pytest.raises(UsageError) as error:
        world(tones=["fun"], conditions=["nothing", "all", "all"], kappa={"al": 2.0}, beta={"all": {"funny": 1.2}}, social={"funny": {"age": 1.0}, "joy": {}}, scale=0.0, noise=-1.0)  # fmt: skip
    assert str(error.value) == (
        "this world cannot be: no tone 'fun'; no condition 'nothing'; a condition comes twice; kappa names 'al', which is no tone "
        "or condition; social names 'joy', which is no tone; no social term 'age'; beta is 1.2: due is -1 to 1; "
        "scale is 0.0: more than 0 is due; noise is -1.0: 0 or more is due"
    )
    with pytest.raises(UsageError, match="pairs is 1: 2 or more is due; draws is 0: .*; zeros is 0.9: due is 0 to 0.67; eps is -1"):  # fmt: skip
        world(pairs=1, draws=0, zeros=0.9, eps=-1.0)
    with pytest.raises(UsageError, match="1 commenter is of one gender"):
        world(commenters=1)
    with pytest.raises(UsageError, match=r"a tone is due"):
        truth(tones=[])
    with pytest.raises(UsageError, match=r"of 1,000 scores would leave 0 to 1: lower scale, noise, social or eps"):
        world(pairs=500, conditions=["all"], draws=1, tones=["funny"], scale=9.0)
