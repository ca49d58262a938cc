import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from sociolect import text, tones
from sociolect.elicit.comments import comments
from sociolect.errors import UsageError
from sociolect.frames import Society
from sociolect.load.planted_pairs import CLOSENESS, EFFECT_SD, NOISE_SD, POST_SD, SELECTION, closeness_of, planted_pairs
from sociolect.load.planted_pairs_words import LONGEST, SHORTEST, SOCIAL, TRUTH, filler

Floats = npt.NDArray[np.float64]


def design(society: Society) -> tuple[pl.DataFrame, Floats]:
    """The comments with the social terms written out again, from the riders of the comments frame and nothing else."""
    rows, _ = comments(society, k=1)
    latent = society.posts.select(post="post", **{f"post_{t}": pl.col(f"latent_{t}") for t in tones.TONES})
    wide = rows.join(latent, on="post", how="left", maintain_order="left")
    man, to_man = wide["commenter_gender"] == "man", wide["poster_gender"] == "man"
    a, b = wide["commenter_age"], wide["poster_age"]
    terms = [man, to_man, man & to_man, (a - 40) / 10, (b - 40) / 10, (a - b).abs() / 10]
    terms += [wide["closeness"] == "not_close", wide["closeness"] == "close"]
    return wide, np.column_stack([t.cast(pl.Float64).to_numpy() for t in terms])


def slopes(wide: pl.DataFrame, x: Floats, tone: str) -> Floats:
    mirror = wide[f"post_{tone}"].to_numpy() - TRUTH[tone]["intercept"]
    full = np.column_stack([np.ones(len(x)), mirror, x])
    return np.asarray(np.linalg.lstsq(full, wide[f"latent_{tone}"].to_numpy(), rcond=None)[0])


@pytest.fixture(scope="module")
def large() -> tuple[pl.DataFrame, Floats]:
    return design(planted_pairs(pairs=60_000, posts=30_000, commenters=4000, selection=1.0, texts=False, seed=3))


@pytest.mark.parametrize("tone", tones.TONES)
def test_least_squares_finds_the_truth(large: tuple[pl.DataFrame, Floats], tone: str) -> None:
    # residual sd .42 over 60,000 rows: the largest standard error (the interaction) is .008
    due = [TRUTH[tone][term] for term in ("intercept", "mirror", *SOCIAL)]
    assert slopes(*large, tone) == pytest.approx(due, abs=0.03)


def test_spreads_are_those_written_down(large: tuple[pl.DataFrame, Floats]) -> None:
    wide, x = large
    beta = slopes(wide, x, "funny")
    mirror = wide["post_funny"].to_numpy() - TRUTH["funny"]["intercept"]
    rest = wide["latent_funny"].to_numpy() - np.column_stack([np.ones(len(x)), mirror, x]) @ beta
    assert rest.var() == pytest.approx(EFFECT_SD**2 + NOISE_SD**2, rel=0.02)
    pairs = (
        wide.select("post", r=pl.Series(rest))
        .group_by("post")
        .agg(pl.col("r").first(), last=pl.col("r").last(), n=pl.len())
    )
    two = pairs.filter(pl.col("n") == 2)
    assert float((two["r"] * two["last"]).mean()) == pytest.approx(EFFECT_SD**2, rel=0.06)  # type: ignore[arg-type]  # a mean of floats
    assert np.std(mirror) == pytest.approx(POST_SD, rel=0.02)


def test_selection_is_a_multinomial_logit_of_the_posts_tone(large: tuple[pl.DataFrame, Floats]) -> None:
    """Against scikit-learn's logistic regression: category drawn first, so the odds are exactly those of SELECTION."""
    from sklearn.linear_model import LogisticRegression

    wide, _ = large
    z = np.column_stack([(wide[f"post_{t}"].to_numpy() - TRUTH[t]["intercept"]) / POST_SD for t in tones.TONES])
    for column, base, other in (
        ("commenter_gender", "woman", "man"), ("closeness", "stranger", "close"), ("closeness", "stranger", "not_close"),
    ):  # fmt: skip
        rows = wide[column].is_in([base, other]).to_numpy()
        fit = LogisticRegression(C=np.inf).fit(z[rows], wide[column].to_numpy()[rows] == other)
        due = [SELECTION[other].get(t, 0.0) for t in tones.TONES]
        assert fit.coef_[0] == pytest.approx(due, abs=0.06), column


def test_without_selection_the_post_does_not_choose() -> None:
    wide, _ = design(planted_pairs(pairs=20_000, posts=10_000, commenters=2000, texts=False, seed=4))
    close = (wide["closeness"] == "close").to_numpy().astype(float)
    for tone in ("self_disclosure", "worried"):
        assert abs(np.corrcoef(close, wide[f"post_{tone}"].to_numpy())[0, 1]) < 0.03
    assert close.mean() == pytest.approx(0.2, abs=0.01)


def test_null_has_no_social_effect_and_keeps_the_mirror() -> None:
    wide, x = design(
        planted_pairs(pairs=60_000, posts=30_000, commenters=4000, null=True, selection=1.0, texts=False, seed=5)
    )
    beta = slopes(wide, x, "self_disclosure")
    assert beta[2:] == pytest.approx(np.zeros(len(SOCIAL)), abs=0.03)
    assert beta[1] == pytest.approx(TRUTH["self_disclosure"]["mirror"], abs=0.02)


def test_social_and_mirror_scale_their_terms() -> None:
    wide, x = design(
        planted_pairs(pairs=40_000, posts=20_000, commenters=3000, social=2.0, mirror=0.0, texts=False, seed=6)
    )
    beta = slopes(wide, x, "funny")
    assert beta[1] == pytest.approx(0, abs=0.02)
    assert beta[-1] == pytest.approx(2 * TRUTH["funny"]["close"], abs=0.04)


def test_the_texts_carry_the_planted_words() -> None:
    society = planted_pairs(seed=7)
    said = society.posts.with_columns(word=pl.col("text").str.to_lowercase().str.extract_all(text.WORD))
    length = said["word"].list.len()
    assert length.min() == SHORTEST
    assert length.quantile(0.9) in (LONGEST - 3, LONGEST - 2)  # nine tenths of the way
    for tone in tones.TONES:
        counted = said["word"].list.eval(pl.element().is_in(tones.words()[tone])).list.sum()
        assert counted.to_list() == said[f"count_{tone}"].to_list()
        rate = said[f"latent_{tone}"].exp()
        assert counted.sum() == pytest.approx(float((rate * length).sum()), rel=0.03)


def test_the_words_of_a_tone_tell_the_claim_and_the_null() -> None:
    """Less self-disclosure to those who are close: read off the texts, the sign is found; in the null it is not."""

    def t(society: Society) -> float:
        wide, x = design(society)
        y = np.log((wide["count_self_disclosure"].to_numpy() + 0.5) / wide["length"].to_numpy())
        full = np.column_stack([np.ones(len(x)), x])
        beta, *_ = np.linalg.lstsq(full, y, rcond=None)
        sigma2 = float(((y - full @ beta) ** 2).sum()) / (len(y) - full.shape[1])
        return float(beta[-1] / np.sqrt(sigma2 * np.linalg.inv(full.T @ full)[-1, -1]))

    assert t(planted_pairs(seed=8)) < -4
    assert abs(t(planted_pairs(seed=8, null=True))) < 2.6


def test_one_claim_has_a_sign_of_its_own() -> None:
    assert TRUTH["self_disclosure"]["close"] < 0
    assert tuple(TRUTH) == tones.TONES
    assert all(set(row) == {"intercept", "mirror", *SOCIAL} for row in TRUTH.values())
    assert not set(filler()) & {w for words in tones.words().values() for w in words}


def test_the_society_holds_together() -> None:
    society = planted_pairs(pairs=3000, posts=700, commenters=300, seed=9)
    posts = society.posts
    assert posts["kind"].value_counts(sort=True).rows() == [("reply", 3000), ("post", 700)]
    asked = posts.select(parent="post", asked="time", poster="person")
    replies = posts.filter(kind="reply").join(asked, on="parent")
    assert replies.height == 3000
    assert (replies["time"] > replies["asked"]).all()
    assert (replies["person"] != replies["poster"]).all()
    assert set(replies["parent"]) == set(posts.filter(kind="post")["post"])  # every post has a comment
    assert society.people["age"].is_between(18, 80).all()
    tied = society.ties.select("source", "target", "closeness")
    both = tied.join(tied.rename({"source": "target", "target": "source"}), on=["source", "target"])
    assert both.height > 10
    assert (both["closeness"] == both["closeness_right"]).all()
    pairs = replies.select(source="person", target="poster").unique()
    assert pairs.join(tied, on=["source", "target"]).height == pairs.height == tied.height


def test_closeness_is_a_hash_with_the_shares_it_is_given() -> None:
    first, second = np.divmod(np.arange(90_000), 300)
    drawn = closeness_of(first, second, 1)
    assert (drawn == closeness_of(second, first, 1)).all()
    shares = np.bincount(drawn, minlength=3) / len(drawn)
    assert shares == pytest.approx([0.5, 0.3, 0.2], abs=0.015)
    assert len(CLOSENESS) == 3


def test_same_seed_same_bytes_and_another_seed_others() -> None:
    one, two, other = (planted_pairs(pairs=500, posts=100, commenters=60, seed=s) for s in (1, 1, 2))
    assert one.posts.equals(two.posts)
    assert one.ties.equals(two.ties)
    assert not one.posts["text"].equals(other.posts["text"])


def test_texts_are_left_out_where_latents_do() -> None:
    bare, full = (planted_pairs(pairs=200, posts=50, commenters=40, texts=t, seed=1) for t in (False, True))
    assert bare.posts["text"].equals(bare.posts["post"].alias("text"))
    assert bare.posts["count_funny"].null_count() == 250
    assert bare.posts["latent_funny"].equals(full.posts["latent_funny"])


def test_few_people_still_find_their_posts() -> None:
    society = planted_pairs(pairs=600, posts=300, commenters=30, selection=5.0, seed=2)
    assert society.posts.height == 900


def test_a_society_that_cannot_be_is_refused_with_every_fault() -> None:
    with pytest.raises(
        UsageError, match=r"pairs is 0.*posts is 0.*commenters is 29.*social is 9.*mirror is 3.*selection is -1"
    ):
        planted_pairs(pairs=0, posts=0, commenters=29, social=9, mirror=3, selection=-1)
