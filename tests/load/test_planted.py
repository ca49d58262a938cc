"""What is planted is there, to the interval; in the null it is not."""

import random
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from sociolect.errors import UsageError
from sociolect.fingerprint import fingerprint
from sociolect.frames import Society
from sociolect.load.planted import SUPPORT, planted, topics, truth
from sociolect.load.planted_words import EMOTIONS, lexicon
from sociolect.text import words

CALL = r"^@(\w+) "
SIX = 1 / 6


def originals(society: Society) -> pl.DataFrame:
    """The posts of kind post without their mention, beside what their authors are."""
    own = society.posts.filter(kind="post").with_columns(pl.col("text").str.replace(CALL, ""))
    return own.join(society.people, on="person")


def f1(posts: pl.DataFrame, label: str, *, each: int = 400) -> float:
    """Macro-F1 on authors the classifier never saw, with up to `each` posts a community."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.pipeline import make_pipeline

    some = pl.concat([part.sample(min(each, part.height), seed=1) for part in posts.partition_by("planted")])
    held = pl.col("person").hash(7) % 3 == 0
    train, test = some.filter(~held), some.filter(held)
    reader = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2), LogisticRegression(C=3, max_iter=200)
    )
    reader.fit(train["text"].to_list(), train[label].to_list())
    return float(f1_score(test[label].to_list(), reader.predict(test["text"].to_list()), average="macro"))


def found(society: Society, seed: int = 0) -> list[int]:
    import igraph

    ids = society.people["person"].to_list()
    at = dict(zip(ids, range(len(ids)), strict=True))
    graph = igraph.Graph(len(ids), [(at[a], at[b]) for a, b in society.ties.select("source", "target").iter_rows()])
    graph.es["weight"] = society.ties["weight"].to_list()
    random.seed(seed)
    igraph.set_random_number_generator(random)
    return list(graph.community_leiden("modularity", weights="weight", n_iterations=-1).membership)


def rand(a: object, b: object) -> float:
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(a, b))


def across(society: Society) -> float:
    """The share of ties between two communities."""
    home = society.people.select("person", "planted")
    both = society.ties.join(home, left_on="source", right_on="person").join(home, left_on="target", right_on="person")
    return float(
        both.select((pl.col("weight") * (pl.col("planted") != pl.col("planted_right"))).sum() / pl.sum("weight")).item()
    )


@pytest.mark.parametrize(
    "knobs",
    [{}, {"null": True}, {"people": 60, "degree": 20.0}, {"posts": 1}, {"largest": 10.0, "mixing": 0.5, "degree": 3.0}],
    ids=str,
)
def test_the_posts_show_exactly_the_ties(knobs: dict[str, float]) -> None:
    society = planted(**knobs, seed=5)  # type: ignore[arg-type]  # one of several keywords
    posts = society.posts
    author = dict(posts.select("post", "person").iter_rows())
    seen: dict[tuple[str, str, str], float] = {}
    for person, text, parent, kind in posts.select("person", "text", "parent", "kind").iter_rows():
        acts = [(person, author[parent], kind)] if parent else []
        if text.startswith("@") and kind != "repost":
            acts.append((person, text.split()[0][1:], "mention"))
        for act in acts:
            seen[act] = seen.get(act, 0.0) + 1
    assert {(s, t, k): w for s, t, k, w in society.ties.iter_rows()} == seen
    assert all(source != target for source, target, _ in seen)
    assert set(society.ties["kind"]) == (
        {"reply", "repost"} if knobs.get("posts") == 1 else {"reply", "repost", "mention"}
    )


def test_each_post_is_a_short_sentence_with_an_honest_parent() -> None:
    society = planted(seed=2)
    posts = society.posts
    assert posts.filter(kind="post").group_by("person").len()["len"].unique().to_list() == [6]
    assert posts["time"].is_sorted()
    bare = posts["text"].str.replace(CALL, "")
    long = [len(words(text)) for text in bare]
    assert min(long) >= 8
    assert max(long) <= 16
    assert bare.filter(posts["kind"] == "post").is_duplicated().mean() < 0.01  # type: ignore[operator]  # a float here
    vocabulary = {word for text in bare for word in words(text)}
    assert 300 <= len(vocabulary) <= 600

    up = posts.filter(pl.col("parent").is_not_null()).join(posts, left_on="parent", right_on="post", suffix="_up")
    assert up.height == posts.filter(pl.col("kind") != "post").height
    assert up.select(
        (pl.col("time") > pl.col("time_up")).all(),
        thread=(pl.col("thread") == pl.col("thread_up")).all(),
        topic=(pl.col("topic") == pl.col("topic_up")).all(),
    ).row(0) == (True, True, True)
    copies = up.filter(kind="repost")
    assert copies.filter(
        pl.struct("text", "emotion", "toxic") != pl.struct(text="text_up", emotion="emotion_up", toxic="toxic_up")
    ).is_empty()
    assert not copies["text"].str.contains("@").any()
    assert (up.filter(kind="reply")["kind_up"] == "reply").mean() > 0.1  # type: ignore[operator]  # threads have depth
    alone = posts.filter(kind="post")
    assert (alone["thread"] == alone["post"]).all()


def test_most_posts_name_their_topic_and_every_insult_is_toxic() -> None:
    posts = planted(seed=3).posts
    assert posts.select(pl.col("text").str.contains(pl.col("topic"), literal=True).mean()).item() > 0.85
    insults = "|".join(lexicon()["insults"]["phrases"])
    assert posts.select((pl.col("text").str.contains(insults) == pl.col("toxic")).all()).item()
    assert topics()["topic"].to_list() == list(lexicon()["topics"])[:9]
    assert set(posts["topic"]) == set(topics(n=12)["topic"])


def test_no_word_stands_in_two_places_of_the_lexicon() -> None:
    said = lexicon()
    sets = [*said["synonyms"].values(), *said["topics"].values(), *said["emotions"].values(), list(said["topics"])]
    every = [word for group in sets for word in group]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("mixing", [0.0, 0.1, 0.3, 0.8])
def test_degree_and_mixing_are_what_was_asked(mixing: float) -> None:
    society = planted(people=1000, mixing=mixing, degree=12.0, seed=4)
    assert society.ties["weight"].sum() * 2 / 1000 == 12.0
    assert across(society) == pytest.approx(mixing, abs=1e-9)
    pairs = society.ties.select(
        pl.min_horizontal("source", "target"), b=pl.max_horizontal("source", "target")
    ).n_unique()
    assert pairs * 2 / 1000 > 11.9  # room for nearly every tie to be a pair of its own
    # Degrees are unequal: a Poisson graph of mean 12 has a standard deviation of 3.5.
    ends = pl.concat([society.ties["source"], society.ties["target"]]).value_counts()["count"]
    assert float(ends.std()) > 6  # type: ignore[arg-type]  # more than one row


def test_sizes_keep_the_ratio_where_ten_people_are_left() -> None:
    sizes = planted(people=1016, largest=10.0, posts=1).people["planted"].value_counts()["count"].sort()
    assert (sizes[0], sizes[-1]) == (40, 400)  # the study's own communities: 400 to 40 people
    assert planted(people=60, posts=1).people["planted"].value_counts()["count"].to_list() == [10] * 6


@pytest.mark.parametrize(("mixing", "least"), [(0.1, 0.95), (0.3, 0.80)])
def test_leiden_finds_the_planted_communities(mixing: float, least: float) -> None:
    agree = [
        rand(s.people["planted"], found(s)) for s in (planted(mixing=mixing, posts=2, seed=seed) for seed in range(5))
    ]
    assert min(agree) >= least


def test_nothing_is_found_in_the_null() -> None:
    for seed in range(3):
        society = planted(null=True, posts=2, seed=seed)
        runs = [found(society, again) for again in range(4)]
        assert np.mean([rand(society.people["planted"], run) for run in runs]) <= 0.05
        assert np.mean([rand(runs[i], runs[j]) for i in range(4) for j in range(i)]) <= 0.20
        size = society.people["planted"].value_counts()["count"].to_numpy() / 600
        assert across(society) == pytest.approx(1 - (size**2).sum(), abs=0.05)


def test_the_null_keeps_the_degrees() -> None:
    def spread(null: bool) -> float:
        ties = planted(people=5000, posts=1, null=null, seed=1).ties
        return float(pl.concat([ties["source"], ties["target"]]).value_counts()["count"].std())  # type: ignore[arg-type]  # as above

    assert spread(True) == pytest.approx(spread(False), rel=0.1)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_communities_can_be_told_apart_in_part(seed: int) -> None:
    posts = originals(planted(people=1000, posts=17, seed=seed))
    assert 0.60 <= f1(posts, "planted") <= 0.85
    assert f1(posts, "emotion") >= 0.80


def test_communities_cannot_be_told_apart_in_the_null() -> None:
    assert f1(originals(planted(people=1000, posts=17, null=True, seed=1)), "planted") == pytest.approx(SIX, abs=0.05)
    assert f1(originals(planted(people=1000, posts=17, strength=0.0, seed=1)), "planted") == pytest.approx(
        SIX, abs=0.05
    )


def test_a_greater_strength_tells_more_apart() -> None:
    faint, plain, loud = (f1(originals(planted(strength=s, seed=1)), "planted", each=200) for s in (0.5, 1.0, 2.0))
    assert faint + 0.1 < plain < loud - 0.1


def cells(society: Society, trait: str, column: pl.Expr) -> pl.DataFrame:
    """The share of each level in each community, its standard error over authors, and what `truth` says."""
    authors = originals(society).select("planted", "person", level=column).group_by("planted", "person", "level").len()
    each = authors.with_columns(share=pl.col("len") / pl.sum("len").over("person"))
    people = society.people.group_by("planted").agg(n=pl.len())
    sums = (
        each.group_by("planted", "level")
        .agg(one=pl.sum("share"), two=(pl.col("share") ** 2).sum())
        .join(people, on="planted")
    )
    mean = pl.col("one") / pl.col("n")
    seen = sums.with_columns(mean=mean, error=((pl.col("two") / pl.col("n") - mean**2) / (pl.col("n") - 1)).sqrt())
    due = truth(seed=1).filter(trait=trait)
    return due.join(seen, left_on=["community", "level"], right_on=["planted", "level"], how="left").with_columns(
        z=(pl.col("mean") - pl.col("value")) / pl.col("error")
    )


@pytest.mark.parametrize(
    ("trait", "column"),
    [("topic", pl.col("topic")), ("emotion", pl.col("emotion")), ("toxic", pl.col("toxic").cast(pl.String))],
    ids=["topic", "emotion", "toxic"],
)
def test_planted_shares_come_back_within_their_error(trait: str, column: pl.Expr) -> None:
    from scipy.stats import chi2

    cell = cells(planted(people=6000, posts=6, seed=1), trait, column)
    z = cell["z"].to_numpy()
    assert np.isfinite(z).all()
    assert chi2.sf((z**2).sum(), len(z)) > 0.01
    assert np.mean(np.abs(z) < 1.96) > 0.85
    assert cell.select(pl.max("value") / pl.min("value")).item() > 3  # there is something to find
    if trait == "toxic":
        assert cell["value"].sort().to_list() == pytest.approx(np.linspace(0.02, 0.25, 6).tolist())


@pytest.mark.parametrize("column", ["topic", "emotion", "toxic"])
def test_shares_are_equal_in_the_null(column: str) -> None:
    from scipy.stats import chi2_contingency

    posts = originals(planted(people=3000, null=True, habit=0.0, seed=2))
    table = posts.pivot(column, index="planted", values="post", aggregate_function="len").drop("planted").fill_null(0)
    assert chi2_contingency(table.to_numpy()).pvalue > 0.01


def test_words_are_chosen_as_planted() -> None:
    posts = originals(planted(people=3000, posts=10, seed=1)).select(
        "planted", word=pl.col("text").str.extract_all(r"\w+")
    )
    heard = posts.explode("word").group_by("planted", "word").len()
    due = (
        truth(seed=1)
        .filter(trait="word")
        .join(heard, left_on=["community", "level"], right_on=["planted", "word"], how="left")
    )
    slot = {word: name for name, group in lexicon()["synonyms"].items() for word in group}
    # `the`, `we`, `i`, `look` and the like also stand outside their slot.
    due = due.with_columns(slot=pl.col("level").replace_strict(slot)).filter(
        ~pl.col("slot").is_in(["the", "we", "friend"])
    )
    shares = due.with_columns(pl.col("len").fill_null(0)).with_columns(
        seen=pl.col("len") / pl.sum("len").over("community", "slot")
    )
    assert shares.select((pl.col("seen") - pl.col("value")).abs().mean()).item() < 0.015
    assert shares.select(pl.corr("seen", "value")).item() > 0.99


def test_opinions_and_severities_come_back_in_95_of_100_intervals() -> None:
    inside = []
    for seed in range(20):
        people = planted(posts=1, seed=seed).people
        for trait in ("opinion", "severity", "age"):
            seen = people.group_by("planted").agg(
                mean=pl.col(trait).mean(), error=pl.col(trait).std() / pl.len().sqrt()
            )
            both = seen.join(
                truth(seed=seed).filter(trait=trait, level="mean"), left_on="planted", right_on="community"
            )
            inside += (
                both.select((pl.col("mean") - pl.col("value")).abs() < 1.96 * pl.col("error")).to_series().to_list()
            )
    assert 0.91 <= np.mean(inside) <= 0.98  # 360 intervals: .95 +- .04
    steps = np.diff(truth(seed=3).filter(trait="severity")["value"].sort().to_numpy())
    assert steps == pytest.approx(0.4)
    opinion = planted(posts=1).people["opinion"]
    assert opinion.abs().max() < 1  # type: ignore[operator]  # a float


def test_traits_do_not_differ_in_the_null() -> None:
    from scipy.stats import f_oneway

    people = planted(people=2000, posts=1, null=True, seed=6).people.partition_by("planted")
    for trait in ("opinion", "severity", "age"):
        assert f_oneway(*(part[trait].to_numpy() for part in people)).pvalue > 0.01
    assert truth(null=True).group_by("trait", "level").agg(pl.col("value").n_unique())["value"].unique().to_list() == [
        1
    ]
    assert_frame_equal(truth(null=True, seed=1), truth(strength=0.0, seed=1))


def test_an_author_keeps_to_habits() -> None:
    """Two originals of one author agree with probability habit**2 + (1 - habit**2) x chance; so habit .5 adds .25 of the rest."""
    for habit in (0.0, 0.5):
        posts = originals(planted(people=6000, posts=2, null=True, habit=habit, seed=3)).sort("person")
        first, second = posts["topic"].gather_every(2), posts["topic"].gather_every(2, 1)
        chance = 1 / 12
        due = habit**2 + (1 - habit**2) * chance
        assert float((first == second).mean()) == pytest.approx(due, abs=3 * (0.25 / 6000) ** 0.5)  # type: ignore[arg-type]  # a float


@pytest.mark.parametrize("null", [False, True])
def test_replies_at_home_are_more_joyful(null: bool) -> None:
    society = planted(people=6000, mixing=0.5, null=null, seed=1)
    home = dict(society.people.select("person", "planted").iter_rows())
    author = dict(society.posts.select("post", "person").iter_rows())
    shares = dict(
        truth(seed=1, null=null).filter(trait="emotion", level="joy").select("community", "value").iter_rows()
    )
    lift: dict[bool, list[float]] = {True: [], False: []}
    for person, parent, emotion in society.posts.filter(kind="reply").select("person", "parent", "emotion").iter_rows():
        own = shares[home[person]]
        lift[home[person] == home[author[parent]]].append(((emotion == "joy") - own) / (1 - own))
    assert np.mean(lift[True]) == pytest.approx(0.0 if null else SUPPORT, abs=0.03)
    assert np.mean(lift[False]) == pytest.approx(0.0, abs=0.03)


def test_same_seed_same_bytes_in_every_process() -> None:
    code = "from sociolect.load.planted import planted; from sociolect.fingerprint import fingerprint; print(fingerprint(planted(people=80, seed=3)))"
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": salt, "POLARS_MAX_THREADS": salt},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for salt in ("1", "2")
    }
    assert prints == {fingerprint(planted(people=80, seed=3))}
    assert fingerprint(planted(people=80, seed=4)) not in prints


def test_more_posts_leave_people_and_pairs_alone() -> None:
    few, many = planted(posts=2, seed=7), planted(posts=9, seed=7)
    assert_frame_equal(few.people, many.people)
    pairs = [s.ties.select("source", "target").unique().sort("source", "target") for s in (few, many)]
    assert_frame_equal(*pairs)


@settings(max_examples=25, deadline=None)
@given(
    people=st.integers(60, 300), communities=st.integers(2, 10), posts=st.integers(1, 4), mixing=st.floats(0, 1),
    degree=st.floats(0.5, 30), largest=st.floats(1, 20), strength=st.floats(0, 40), null=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_any_small_society_can_be_planted(
    people: int, communities: int, posts: int, degree: float, seed: int, **knobs: float
) -> None:
    society = planted(people=people, communities=communities, posts=posts, degree=degree, seed=seed, **knobs)  # type: ignore[arg-type]  # one is a bool
    assert society.people["planted"].n_unique() == communities
    assert min(society.people["planted"].value_counts()["count"].to_list()) >= min(10, people // communities)
    assert society.ties["weight"].sum() == max(1, round(people * degree / 2))
    assert society.posts.filter(kind="post").height == people * posts
    assert set(society.posts["emotion"]) <= set(EMOTIONS)


def test_an_impossible_society_is_refused_with_every_fault() -> None:
    with pytest.raises(UsageError) as seen:
        planted(
            people=20, communities=6, posts=0, mixing=1.2, degree=-1, largest=0.5, strength=float("nan"), habit=-0.1
        )
    assert str(seen.value) == (
        "this society cannot be planted: people is 20, not 30 or more (5 for each community); posts is 0, not 1 or more for "
        "each person; mixing is 1.2, not a share from 0 to 1; degree is -1, not above 0 and below the number of people; "
        "largest is 0.5, not 1 (all alike) or more; strength is nan, not 0 (all alike) or more; habit is -0.1, not a share from 0 to 1"
    )
    with pytest.raises(UsageError, match="communities is 1, not 2 to 24"):
        planted(communities=1)
    with pytest.raises(UsageError, match="n is 13, not 1 to 12"):
        topics(n=13)
    with pytest.raises(UsageError, match="communities is 25, not 2 to 24"):
        truth(communities=25)


@pytest.mark.slow
def test_a_hundred_thousand_people() -> None:
    society = planted(people=100_000, seed=1)
    assert society.posts.filter(kind="post").height == 600_000
    assert society.ties["weight"].sum() == 500_000
    assert across(society) == pytest.approx(0.1, abs=1e-6)


def moved(posts: pl.DataFrame) -> float:
    """How far the words of these posts lie from what `truth` says of each community: mean total variation over slots."""
    said = truth(seed=3).filter(trait="word")
    slots = {w: slot for slot, some in lexicon()["synonyms"].items() for w in some}
    used = posts.select("planted", word=pl.col("text").str.to_lowercase().str.extract_all(r"[a-z']+")).explode("word")
    known = said.rename({"level": "word", "community": "planted"}).with_columns(
        slot=pl.col("word").replace_strict(slots, default=None)
    )
    seen = (
        used.join(known.select("planted", "word", "slot").unique(), on=["planted", "word"])
        .group_by("planted", "slot", "word")
        .len()
    )
    share = seen.with_columns(seen=pl.col("len") / pl.col("len").sum().over("planted", "slot"))
    both = known.join(share, on=["planted", "slot", "word"], how="left").with_columns(pl.col("seen").fill_null(0.0))
    apart = both.group_by("planted", "slot").agg(tv=(pl.col("seen") - pl.col("value")).abs().sum() / 2)["tv"]
    return float(apart.sum()) / apart.len()


def test_drift_moves_the_late_words_and_not_the_first() -> None:
    posts = originals(planted(people=1200, posts=20, drift=1.0, habit=0.0, seed=3)).sort("time")
    tenth = posts.height // 10
    first, last = moved(posts.head(tenth)), moved(posts.tail(tenth))
    still = originals(planted(people=1200, posts=20, habit=0.0, seed=3)).sort("time").tail(tenth)
    assert first < 0.15
    assert last > 0.3
    assert moved(still) < 0.15


def test_the_young_speak_their_own_variety_only_where_it_is_planted() -> None:
    for variety, due in ((0.0, False), (1.0, True)):
        posts = originals(planted(people=3000, posts=10, variety=variety, habit=0.0, seed=3))
        young, older = (moved(posts.filter(age_group=g)) for g in ("under 32", "32 and over"))
        assert (young > 0.3) == due
        assert older < 0.15
    still = planted(people=300, null=True, drift=1.0, variety=1.0, seed=3).posts
    assert still.equals(planted(people=300, null=True, seed=3).posts)
