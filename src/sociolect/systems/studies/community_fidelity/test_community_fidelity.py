"""Sides, communities, cleaning and the page's words: planted truth in, truth out; nothing in the null; refusals in one line."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import RefusedError, UsageError
from sociolect.find.declared import declared
from sociolect.find.quality import adjusted_rand
from sociolect.find.structure import looks_random
from sociolect.frames import Members, Posts, Society
from sociolect.load.planted import planted
from sociolect.measure.overlap import leaks
from sociolect.systems.studies.community_fidelity import find, recipe
from sociolect.systems.studies.community_fidelity.load import apart, cleaned, drawn, sides

NET: dict[str, Any] = {"network": ("repost", "reply", "mention"), "resolution": 1.0, "seed": 1}
LONG = (
    "seven quiet ferries cross the cold river every morning while the old bell keeps ringing over these roofs until {}"
)


@pytest.fixture(scope="module")
def society() -> Society:
    return planted(people=720, communities=6, posts=5, largest=3.0, seed=1)


@pytest.fixture(scope="module")
def small() -> Society:
    return planted(people=120, communities=3, posts=4, seed=1)


def posted(texts: list[str], **columns: list[str | None]) -> Posts:
    """Posts 00, 01, ... with these texts, each by a person of its own unless `person` says otherwise."""
    ids = [f"{i:02}" for i in range(len(texts))]
    told: dict[str, list[str | None]] = {"person": [*ids], "thread": [*ids], "parent": [None] * len(ids), **columns}
    said = {"post": ids, "text": texts, **told}
    return frames.posts(pl.DataFrame(said, schema=dict.fromkeys(said, pl.String)))


def bind(names: dict[str, str]) -> Members:
    return frames.members(pl.DataFrame({"person": list(names), "community": list(names.values())}))


def spoken(society: Society, side: pl.DataFrame) -> pl.DataFrame:
    return cleaned(society.posts, replies=True)[0].join(side.select("post", "side").drop_nulls(), on="post")


# sides


@pytest.mark.parametrize("by", ["author", "time"])
def test_sides_are_the_same_whatever_the_row_order(small: Society, by: str) -> None:
    # many posts of one instant: what comes first among them is not the order of the rows
    small = replace(small, posts=frames.posts(small.posts.with_columns(pl.col("time").dt.truncate("30d"))))
    moved = replace(small, posts=frames.posts(small.posts.sample(fraction=1.0, shuffle=True, seed=3)))
    assert sides(small, by=by, seed=4).equals(sides(moved, by=by, seed=4))
    assert not sides(small, by=by, seed=4).equals(sides(small, by=by, seed=5))


def test_split_by_author_parts_authors_near_half_and_two_quarters(society: Society) -> None:
    found = sides(society, seed=2)
    assert found.height == society.posts.height
    assert found.group_by("person").agg(pl.col("side").n_unique())["side"].max() == 1
    people = found.unique("person")["side"]
    # three standard errors of a share of 720 people
    for side, share in {"train": 0.5, "judge": 0.25, "reference": 0.25}.items():
        assert (people == side).mean() == pytest.approx(share, abs=3 * (share * (1 - share) / 720) ** 0.5)


def test_split_by_time_learns_from_strictly_earlier_posts(society: Society) -> None:
    found = sides(society, by="time", seed=2).join(society.posts.select("post", "time"), on="post")
    train, held = (found.filter(side) for side in (pl.col("side") == "train", pl.col("side") != "train"))
    assert cast(Any, train["time"].max()) < cast(Any, held["time"].min())
    assert train.height == pytest.approx(society.posts.height / 2, abs=1)
    assert held.group_by("person").agg(pl.col("side").n_unique())["side"].max() == 1
    assert (held["side"] == "judge").mean() == pytest.approx(0.5, abs=0.08)


def test_split_by_time_parts_no_instant(small: Society) -> None:
    coarse = small.posts.with_columns(pl.col("time").dt.truncate("30d"))
    found = sides(replace(small, posts=frames.posts(coarse)), by="time").join(coarse.select("post", "time"), on="post")
    train, held = (found.filter(side)["time"] for side in (pl.col("side") == "train", pl.col("side") != "train"))
    assert cast(Any, train.max()) < cast(Any, held.min())


def test_a_post_without_a_time_is_learnt_from_by_nobody(small: Society) -> None:
    gone = small.posts["post"].sample(30, seed=1)
    holed = small.posts.with_columns(time=pl.when(~pl.col("post").is_in(gone.implode())).then("time"))
    found = sides(replace(small, posts=frames.posts(holed)), by="time")
    assert found.filter(pl.col("side").is_null())["post"].sort().equals(gone.sort())
    kept = small.posts.height - 30
    assert (found["side"] == "train").sum() == pytest.approx(kept / 2, abs=1)


def test_what_keeps_no_sides_apart_is_refused(small: Society) -> None:
    nobody = replace(small, people=frames.people(small.people.with_columns(anonymous=True)))
    timeless = replace(small, posts=frames.posts(small.posts.drop("time")))
    empty = replace(small, posts=frames.posts(small.posts.with_columns(time=pl.lit(None, pl.Datetime))))
    for who, by in ((nobody, "author"), (timeless, "time"), (empty, "time")):
        with pytest.raises(RefusedError, match=r"^[^\n]+$"):
            sides(who, by=by)
    assert sides(nobody, by="time")["side"].null_count() == 0


def test_an_unknown_split_is_an_error(small: Society) -> None:
    with pytest.raises(UsageError):
        sides(small, by="thread")


# apart: what one side may know of another


def planted_copies(society: Society, first: str, second: str) -> tuple[dict[str, Posts], pl.DataFrame]:
    """The study's three sides where a post on the second side is a near copy of one on the first."""
    side = sides(society, seed=1)
    said = spoken(society, side)
    for n, name in enumerate((first, second)):
        post = said.filter(pl.col("side") == name)["post"][5]
        said = said.with_columns(text=pl.when(pl.col("post") == post).then(pl.lit(LONG.format(n))).otherwise("text"))
    return apart(said, declared(society, column="planted"), corpus=10**6, most=400, seed=1)


@pytest.mark.parametrize("held", ["judge", "reference"])
def test_near_copies_of_training_posts_are_counted_and_removed(society: Society, held: str) -> None:
    bare = planted_copies(society, "train", "train")[1]
    parts, told = planted_copies(society, "train", held)
    told, bare = told.sort("side"), bare.sort("side")
    assert (told["near copies"] - bare["near copies"]).to_list() == [held == "judge", held == "reference"]
    learnt = parts["train"]["text"].to_list()
    assert not any(leaks([*parts["judge"]["text"], *parts["reference"]["text"]], learnt))
    persons = [set(part["person"]) for part in parts.values()]
    assert len(set.union(*persons)) == sum(map(len, persons))


def test_no_reference_post_is_a_near_copy_of_what_the_judge_learns(society: Society) -> None:
    parts, _ = planted_copies(society, "judge", "reference")
    assert not any(leaks(parts["reference"]["text"].to_list(), parts["judge"]["text"].to_list()))


def test_drawn_takes_equally_many_without_repeats(small: Society) -> None:
    members = declared(small, column="planted")
    got = drawn(small.posts, members, most=60, even=True, seed=1)
    assert set(got["community"].value_counts()["count"]) == {60}
    assert drawn(small.posts, members, most=10**6, even=True)["community"].value_counts()["count"].n_unique() == 1
    moved = frames.posts(small.posts.sample(fraction=1.0, shuffle=True, seed=3))
    assert drawn(moved, members, most=60, even=True, seed=1).equals(got)


# communities


def test_found_communities_are_the_planted_ones_and_held_out_people_join(society: Society) -> None:
    side = sides(society, seed=1)
    found = find.found(society, side, finder="leiden", **NET)
    assert adjusted_rand(found, declared(society, column="planted")).value >= 0.9
    held = set(side.filter(pl.col("side") != "train")["person"])
    assert len(held & set(found["person"])) > 0.9 * len(held)


def test_a_held_out_persons_ties_change_no_training_persons_community(society: Society) -> None:
    side = sides(society, seed=1)
    train = side.filter(pl.col("side") == "train")["person"].unique().implode()
    inside = pl.col("source").is_in(train) & pl.col("target").is_in(train)
    held = society.ties.filter(~inside)
    others = side.filter(pl.col("side") != "train")["person"].unique().sort()
    held = held.with_columns(source=others.gather(pl.int_range(held.height, eager=True) % len(others)))
    held = held.filter(pl.col("source") != pl.col("target")).unique(["source", "target", "kind"])
    other = pl.concat([society.ties.filter(inside), held])
    found = [
        find.found(replace(society, ties=frames.ties(ties)), side, finder="leiden", **NET)
        for ties in (society.ties, other, society.ties.filter(inside))
    ]
    learnt = [m.filter(pl.col("person").is_in(train)).select("person", "community").sort("person") for m in found]
    assert learnt[0].equals(learnt[1])
    assert learnt[0].equals(learnt[2])
    assert set(found[2]["person"]) <= set(train.explode())


@pytest.mark.parametrize("by", ["author", "time"])
def test_posts_held_out_tie_nobody_of_the_training_side(society: Society, by: str) -> None:
    side = sides(society, by=by, seed=1)
    early = society.posts.join(side.filter(pl.col("side") == "train"), on="post", how="semi")
    whole = replace(society, ties=frames.ties(frames.empty("ties")))
    learnt = replace(whole, posts=frames.posts(early))
    both = [find.training_network(s, side, network=("reply",)).ties for s in (whole, learnt)]
    assert both[0].equals(both[1])


def test_a_dropped_cluster_stays_dropped(society: Society, tmp_path: Path) -> None:
    side, file = sides(society, seed=1), tmp_path / "communities.toml"
    before = find.found(society, side, finder="leiden", **NET)
    drop = sorted(before["community"].unique())[2:]
    file.write_text(f'one = ["c00"]\ntwo = ["c01"]\ndrop = {drop}\nwhy = "they sell things"')
    after, why = find.named(before, file)
    assert why == "they sell things"
    assert set(before.filter(pl.col("community").is_in(drop))["person"]).isdisjoint(after["person"])


def test_a_network_without_ties_is_refused_in_one_line() -> None:
    posts = posted(["one two three"] * 4)
    alone = Society(frames.people(posts.select("person")), posts, frames.ties(frames.empty("ties")))
    with pytest.raises(RefusedError, match=r"^no repost or reply ties [^\n]+$"):
        find.training_network(alone, sides(alone), network=("repost", "reply"))


def test_an_engine_is_the_one_that_was_named() -> None:
    assert find.engine("label_propagation", 1.0).__name__ == "label_propagation"
    assert cast(Any, find.engine("louvain", 0.5)).keywords == {"resolution": 0.5}
    with pytest.raises(UsageError):
        find.engine("label_propagation", 0.5)


def test_an_unknown_engine_is_an_error() -> None:
    with pytest.raises(UsageError):
        find.engine("infomap", 1.0)


@pytest.mark.parametrize("null", [False, True])
def test_the_structure_verdict_tells_a_planted_society_from_a_null_one(null: bool) -> None:
    society = planted(people=300, communities=3, posts=2, null=null, seed=4)
    found = find.verdict(society, sides(society, seed=1), finder="leiden", **NET)
    assert looks_random(found) == null


def crowd(**people: int) -> tuple[Members, pl.DataFrame]:
    """Members and their posts: six for each person, two on every side."""
    names = [(f"{c}{i}", c) for c, n in people.items() for i in range(n)]
    rows = [(p, side) for p, _ in names for side in ("train", "judge", "reference") * 2]
    return bind(dict(names)), pl.DataFrame(rows, schema=["person", "side"], orient="row")


def test_small_communities_are_left_out_and_counted() -> None:
    members, said = crowd(red=12, blue=11, tiny=3)
    kept, sizes = find.chosen(members, said, only=(), most=6)
    assert set(kept["community"]) == {"red", "blue"}
    assert sizes.select("community", "people", "train", "left_out").rows() == [
        ("red", 12, 24, None), ("blue", 11, 22, None), ("tiny", 3, 6, "fewer than 10 people"),
    ]  # fmt: skip
    kept, sizes = find.chosen(*crowd(red=12, blue=11, green=10), only=(), most=2)
    assert sizes.drop_nulls("left_out").rows(named=True)[0]["community"] == "green"


@pytest.mark.parametrize(
    ("people", "only", "error", "says"),
    [
        ({"red": 12}, (), RefusedError, "1 community is left"),
        ({"red": 12, "tiny": 3}, (), RefusedError, "1 fewer than 10 people"),
        ({"red": 12, "blue": 12}, ("red",), RefusedError, "1 not asked for"),
        ({"red": 12, "blue": 12}, ("red", "mauve"), UsageError, "no community mauve; there are: blue, red"),
    ],
)
def test_fewer_than_two_communities_and_unknown_ones_are_refused(
    people: dict[str, int], only: tuple[str, ...], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=rf"^(?=.*{says})[^\n]+$"):
        find.chosen(*crowd(**people), only=only, most=6)


def test_keywords_that_describe_no_table_are_refused() -> None:
    run = cast(Callable[..., object], recipe.run)
    for wrong in ({"columns": {"person": "x"}}, {"null": True, "posts": Path("x.csv")}):
        with pytest.raises(UsageError):
            run(None, **wrong)
