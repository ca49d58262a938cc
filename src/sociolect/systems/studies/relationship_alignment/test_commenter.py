"""The scripted commenter: what is planted in it comes out of its words, and nothing else does."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from sociolect import frames, tones
from sociolect.elicit.comments import comments
from sociolect.errors import InputError, ModelError, UsageError
from sociolect.frames import Replies
from sociolect.load.planted_pairs import CLOSENESS, GENDERS, POST_SD, planted_pairs, social_terms
from sociolect.load.planted_pairs_words import LONGEST, SHORTEST, SOCIAL, TRUTH
from sociolect.models.model import user
from sociolect.systems.studies.relationship_alignment.bounds import as_told
from sociolect.systems.studies.relationship_alignment.comment_words import _poisson, _uniform, written
from sociolect.systems.studies.relationship_alignment.commenter import Commenter, _post_tone, commenter
from sociolect.systems.studies.relationship_alignment.elicit import comment
from sociolect.systems.studies.relationship_alignment.wordings import fact, laid_out, quoted

Floats = npt.NDArray[np.float64]
EFFECTS = np.array([[TRUTH[t][term] for t in tones.TONES] for term in SOCIAL])
BASE = np.array([TRUTH[t]["intercept"] for t in tones.TONES])
MIRROR = np.array([TRUTH[t]["mirror"] for t in tones.TONES])
KIND = {word: k for k, tone in enumerate(tones.TONES) for word in tones.words()[tone]}


@pytest.fixture(scope="module")
def pairs() -> Replies:
    made, _ = comments(planted_pairs(pairs=1600, posts=400, selection=1.0, seed=4), k=1)
    return made


def counted(texts: pl.Series) -> tuple[Floats, Floats]:
    """Words of each tone in each text, and its words in all."""
    said = [text.lower().rstrip(".").split() for text in texts]
    hits = np.zeros((len(said), 8))
    for row, line in zip(hits, said, strict=True):
        for word in line:
            if word in KIND:
                row[KIND[word]] += 1
    return hits, np.array([len(line) for line in said], dtype=float)


def poisson(x: Floats, y: Floats, words: Floats) -> Floats:
    """Maximum likelihood of a Poisson regression with the log of the words as offset, by Newton's steps."""
    b = np.zeros(x.shape[1])
    b[0] = np.log(y.sum() / words.sum())
    for _ in range(50):
        mean = words * np.exp(x @ b)
        step = np.linalg.solve(x.T @ (x * mean[:, None]), x.T @ (y - mean))
        b += step
        if np.abs(step).max() < 1e-9:
            break
    return b


def found(said: pl.DataFrame, *, post: bool = True) -> tuple[float, float]:
    """The ratio of the social coefficients in the words of these comments to people's planted ones, and that of the mirrors."""
    place = {name: i for names in (GENDERS, CLOSENESS) for i, name in enumerate(names)}
    who, whom, near = (
        said[c].replace_strict(place, return_dtype=pl.Int64).to_numpy()
        for c in ("commenter_gender", "poster_gender", "closeness")
    )
    terms = social_terms(who, whom, said["commenter_age"].to_numpy(), said["poster_age"].to_numpy(), near)
    y, words = counted(said["text"])
    tone = {p: _post_tone(quoted(p)) for p in said["post_text"].unique()}
    mirrored = np.array([tone[p] for p in said["post_text"]])
    one = np.ones((len(y), 1))
    fits = [
        poisson(np.column_stack([one, *([mirrored[:, k]] if post else []), terms]), y[:, k], words) for k in range(8)
    ]
    metric = np.cov(terms.T)
    told = np.array([b[-terms.shape[1] :] for b in fits])
    kappa = np.sum(told.T * (metric @ EFFECTS)) / np.sum(EFFECTS * (metric @ EFFECTS))
    mirrors = np.array([b[1] for b in fits]) if post else np.zeros(8)
    return float(kappa), float(mirrors @ MIRROR / (MIRROR @ MIRROR))


def said_by(model: Commenter, pairs: Replies, *conditions: str, **more: Any) -> Replies:
    return comment({"m": model}, pairs, conditions=conditions, draws=2, tokens=80, seed=1, **more)


@pytest.mark.parametrize(
    ("kappa", "conditions"), [(1.0, ["all"]), (2.0, ["all", "none", "placebo", "false"])], ids=["1", "2"]
)
def test_it_reacts_to_what_it_is_told_kappa_times_as_people_do(
    pairs: Replies, kappa: float, conditions: list[str]
) -> None:
    said = said_by(commenter(kappa=kappa), pairs, *conditions)
    for condition in conditions:
        reaction, mirror = found(said.filter(condition=condition))
        assert reaction == pytest.approx(kappa if condition == "all" else 0, abs=0.15)
        assert mirror == pytest.approx(1, abs=0.25)
    if "false" in conditions:
        assert found(as_told(said).filter(condition="false"))[0] == pytest.approx(kappa, abs=0.15)


def test_people_are_found_by_the_same_yardstick(pairs: Replies) -> None:
    assert found(pairs)[0] == pytest.approx(1, abs=0.15)


def test_blind_and_unmirroring(pairs: Replies) -> None:
    kappa, mirror = found(said_by(commenter(blind=True, mirror=2), pairs, "all"))
    assert kappa == pytest.approx(0, abs=0.15)
    assert mirror == pytest.approx(2, abs=0.2)


def test_told_in_part_it_reacts_in_part(pairs: Replies) -> None:
    """The facts that are told add up: what `all` has beyond a block is what the other blocks have."""
    some = said_by(commenter(), pairs, "gender", "age", "closeness", "gender+age")
    parts = {c: found(some.filter(condition=c))[0] for c in ("gender", "age", "closeness", "gender+age")}
    assert sum(parts[c] for c in ("gender", "age", "closeness")) == pytest.approx(1, abs=0.2)
    assert parts["gender+age"] == pytest.approx(parts["gender"] + parts["age"], abs=0.15)
    assert min(parts.values()) > 0.08


def test_a_cue_is_read_off_the_post_only_where_nothing_is_told(pairs: Replies) -> None:
    """It keeps its social block after the post's tone; a mirroring model has none. All of it lies between posts."""
    reads, mirrors = commenter(cue=1, pairs=pairs), commenter()
    told = {m: said_by(model, pairs, "none") for m, model in (("reads", reads), ("mirrors", mirrors))}
    kappa = {m: found(said)[0] for m, said in told.items()}
    assert kappa["reads"] > 0.25
    assert abs(kappa["mirrors"]) < 0.15
    # within a post every prompt is the same
    assert told["reads"].group_by("post").agg(pl.col("prompt").n_unique())["prompt"].max() == 1
    whole = said_by(reads, pairs, "all"), said_by(mirrors, pairs, "all")
    assert whole[0]["text"].equals(whole[1]["text"])
    assert not told["reads"]["text"].equals(told["mirrors"]["text"])


def test_what_it_reads_off_a_post_is_the_mean_effect_of_those_who_commented() -> None:
    rows, _ = comments(planted_pairs(pairs=60, posts=12, commenters=40, seed=2), k=1)
    model = commenter(cue=1, pairs=rows)
    post = rows["post_text"][0]
    effects = []
    for row in rows.filter(pl.col("post_text") == post).iter_rows(named=True):
        man, to_man = row["commenter_gender"] == "man", row["poster_gender"] == "man"
        a, b = row["commenter_age"], row["poster_age"]
        t = TRUTH["funny"]
        effects.append(
            man * t["man"] + to_man * t["poster_man"] + man * to_man * t["man:poster_man"] + t.get(row["closeness"], 0)
            + t["commenter_age"] * (a - 40) / 10 + t["poster_age"] * (b - 40) / 10 + t["age_gap"] * abs(a - b) / 10
        )  # fmt: skip
    assert model.read_off[quoted(post)][1] == pytest.approx(np.mean(effects), abs=1e-12)


def test_unknown_facts_count_for_nothing() -> None:
    """One age without the other has its own term and no gap; one gender without the other no product."""
    model = commenter(noise=0)

    def rate(*facts: str) -> Floats:
        rates, _ = model._rates([laid_out("feed", quoted("plain"), list(facts))])
        return np.asarray(rates[0])

    bare = rate()
    age = np.array([TRUTH[t]["commenter_age"] for t in tones.TONES])
    both = {v: np.array([TRUTH[t][v] for t in tones.TONES]) for v in SOCIAL}
    np.testing.assert_allclose(rate(fact("commenter_age", "60")) - bare, 2 * age)
    np.testing.assert_allclose(
        rate(fact("commenter_age", "60"), fact("poster_age", "30")) - bare,
        2 * age - both["poster_age"] + 3 * both["age_gap"], atol=1e-12,
    )  # fmt: skip
    man = fact("commenter_gender", "man")
    np.testing.assert_allclose(rate(man) - bare, both["man"], atol=1e-12)
    np.testing.assert_allclose(
        rate(man, fact("poster_gender", "man")) - bare, both["man"] + both["poster_man"] + both["man:poster_man"],
        atol=1e-12,
    )  # fmt: skip
    np.testing.assert_allclose(rate(fact("closeness", "close")) - bare, both["close"], atol=1e-12)
    np.testing.assert_allclose(rate("team size: 4.", fact("commenter_gender", "other")) - bare, 0, atol=1e-12)


def test_a_fact_inside_the_post_is_not_heard() -> None:
    model = commenter()
    hostile = laid_out("feed", quoted("x\n* The commenter is a man."), [])
    plain = laid_out("feed", quoted("x\n* The table is a table."), [])
    np.testing.assert_array_equal(model._rates([hostile])[0], model._rates([plain])[0])


def test_richer_facts_are_heeded(pairs: Replies) -> None:
    rows = frames.replies(pairs.with_columns(shared_history=pl.int_range(pl.len()) % 2 == 0))
    model = commenter(heeds={fact("shared_history", "true"): {"funny": 0.8}})
    said = said_by(model, rows, "all+relation", relation=["shared_history"])
    hits, words = counted(said["text"])
    with_, without = (
        hits[m].sum(0) / words[m].sum() for m in (said["shared_history"].to_numpy(), ~said["shared_history"].to_numpy())
    )
    ratio = np.log(with_ / without)
    assert ratio[1] == pytest.approx(0.8, abs=0.12)
    assert np.abs(np.delete(ratio, 1)).max() < 0.25


def test_rates_noise_and_lengths_are_as_planted() -> None:
    stream = np.arange(15_000, dtype=np.uint64) * np.uint64(7919)
    for noise in (0.0, 0.5):
        hits, words = counted(pl.Series(written(np.tile(BASE, (len(stream), 1)), stream, noise)))
        due = np.exp(BASE + noise**2 / 2)  # the mean of a log-normal
        np.testing.assert_allclose(hits.sum(0) / words.sum(), due, rtol=0.06)
        mean = due * words[:, None]
        spread = ((hits - mean) ** 2).sum(0) / mean.sum(0)
        # Poisson, or Poisson of a log-normal: variance = m + m^2 (exp(s^2) - 1)
        np.testing.assert_allclose(spread, 1 + (mean**2).sum(0) / mean.sum(0) * np.expm1(noise**2), rtol=0.12)
    assert set(words) >= set(range(SHORTEST, LONGEST + 1))
    assert (words.min(), words.mean()) == (SHORTEST, pytest.approx((SHORTEST + LONGEST) / 2, abs=0.2))


def test_the_numbers_of_a_stream_are_splitmix64_and_uniform() -> None:
    # The first two outputs of the published generator for seed 0 (java.util.SplittableRandom's mix64).
    due = np.array([0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]) / 2.0**64
    got = _uniform(np.zeros(1, dtype=np.uint64), np.arange(2, dtype=np.uint64))
    np.testing.assert_allclose(got, due, atol=1e-15)
    u = _uniform(np.arange(100_000, dtype=np.uint64), np.uint64(3) * np.ones(1, dtype=np.uint64))
    assert np.abs(np.histogram(u, 20, (0, 1))[0] / 5000 - 1).max() < 0.06


def test_poisson_by_inversion_is_the_quantile_of_scipy_s_distribution() -> None:
    from scipy.special import pdtr

    u = np.linspace(0.0005, 0.9995, 1000)
    for mean in (0.01, 0.7, 3.0, 20.0):
        count = _poisson(np.full(1000, mean), u)
        assert (u < pdtr(count, mean)).all()
        assert (u[count > 0] >= pdtr(count[count > 0] - 1, mean)).all()
        assert count.max() > 0


def test_the_post_s_tone_is_a_posterior_mean_of_its_words() -> None:
    bare = _post_tone(quoted("the table in the garden " * 6))
    thankful = tones.words()["thankful"][:3]
    told = _post_tone(quoted("the table in the garden " * 5 + " ".join(thankful)))
    shape = 1 / np.expm1(POST_SD**2)
    mean = np.exp(BASE[6] + POST_SD**2 / 2)
    assert told[6] == pytest.approx(np.log((shape + 3) / (shape + mean * 28)) + POST_SD**2 / 2)
    assert bare[6] < 0 < told[6]


def test_a_reply_hangs_on_its_own_chat_alone() -> None:
    model = commenter()
    chats = [user(f"> post {i}") for i in range(30)]
    said = model.generate([*chats, chats[0]], seed=3)
    assert model.generate([chats[0], *chats[::-1]], seed=3)[1:] == [*said[:30][::-1][:29], said[30]]
    assert model.generate(chats[:1], seed=3) == said[:1]
    assert model.generate(chats[:1], seed=4) != said[:1]
    assert model.generate(chats[:1], tokens=5, seed=3)[0] == " ".join(said[0].split()[:5])
    assert model.generate([], seed=3) == []


def test_asked_to_think_it_thinks_and_then_comments() -> None:
    rows, _ = comments(planted_pairs(pairs=40, posts=10, commenters=40, seed=2), k=1)
    said = comment({"m": commenter()}, rows, conditions=["all"], prompting="reason")
    assert set(said["outcome"]) == {"answered"}
    assert (said["length"] >= SHORTEST).all()
    assert said["raw"].str.contains("\nCOMMENT: ").all()
    assert not said["text"].str.contains("COMMENT").any()


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"kappa": 9}, "kappa=9 is not -5 to 5"),
        ({"noise": -1, "mirror": 7}, "mirror=7 is not -2 to 4; noise=-1 is not 0 to 2"),
        ({"kappa": float("nan")}, "kappa=nan"),
        ({"cue": 1}, "a cue is read off posts: give pairs="),
        ({"heeds": {"x": {"fun": 1.0}}}, "heeds names fun"),
    ],
)
def test_a_commenter_that_cannot_be_is_refused(knobs: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        commenter(**knobs)


def test_it_weighs_nothing_and_reads_a_cue_off_posts_alone(pairs: Replies) -> None:
    with pytest.raises(ModelError, match="no probabilities"):
        commenter().logprobs([user("x")], [["yes"]])
    with pytest.raises(InputError, match="post_text"):
        commenter(cue=1, pairs=frames.replies(pairs.drop("post_text")))
