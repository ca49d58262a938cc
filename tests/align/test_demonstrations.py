import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from sociolect import frames
from sociolect.align.demonstrations import demonstrations, pooled, repeats, shuffled
from sociolect.align.layout import laid_out
from sociolect.align.templates import render, templates
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Examples, Members, Posts

VERBATIM = ["  Two  spaces ", "line\nline", "<|im_start|> hé\u200b", "=1+1", "🙂", "🙃"]


def society(texts: dict[str, list[str]], *, topic: bool = False) -> tuple[Posts, Members]:
    """Posts of one person per community and two posts, in the order given."""
    rows = [(f"{c}{i:05}", f"{c}-{i // 2}", t) for c, said in texts.items() for i, t in enumerate(said)]
    frame = pl.DataFrame(rows, schema=["post", "person", "text"], orient="row")
    frame = frame.with_columns(thread=pl.col("post"), parent=pl.lit(None, pl.String))
    if topic:
        frame = frame.with_columns(topic=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("tea")))
    people = frame.select("person", community=pl.col("person").str.split("-").list.first()).unique().sort("person")
    return frames.posts(frame), frames.members(people)


def test_reply_is_the_post_byte_for_byte() -> None:
    posts, members = society({"red": VERBATIM})
    made = demonstrations(posts, members)
    said = dict(posts.select("post", "text").iter_rows())
    assert {post: reply.encode() for post, reply in made.select("post", "reply").iter_rows()} == {
        post: t.encode() for post, t in said.items()
    }
    by_id = {row["template"]: row["request"] for row in templates().to_dicts()}
    assert made["prompt"].to_list() == [by_id[t] for t in made["template"].to_list()]


def test_templates_are_drawn_uniformly() -> None:
    posts, members = society({"red": [f"post {i}" for i in range(10_000)]})
    counts = demonstrations(posts, members, seed=3)["template"].value_counts()["count"]
    assert len(counts) == 20
    assert chisquare(counts.to_numpy()).pvalue > 0.01


@given(order=st.permutations(range(12)), seed=st.integers(0, 3))
def test_order_of_rows_changes_nothing(order: list[int], seed: int) -> None:
    posts, members = society({"red": [f"r{i}" for i in range(6)], "blue": [f"b{i}" for i in range(6)]})
    turned = frames.posts(posts[list(order)])
    assert demonstrations(turned, members, most=4, seed=seed).equals(demonstrations(posts, members, most=4, seed=seed))
    assert pooled(turned, seed=seed).equals(pooled(posts, seed=seed))
    assert shuffled(frames.members(members.reverse()), seed=seed).equals(shuffled(members, seed=seed))


def test_most_draws_and_never_pads() -> None:
    posts, members = society({"red": [f"r{i}" for i in range(50)], "blue": ["b0", "b1"]})
    made = demonstrations(posts, members, most=10)
    assert made["community"].value_counts(sort=True).rows() == [("red", 10), ("blue", 2)]
    assert made["post"].n_unique() == 12
    assert set(made["post"]) != set(demonstrations(posts, members, most=10, seed=1)["post"])


def test_switches_topic_and_name() -> None:
    posts, members = society({"red": [f"r{i}" for i in range(40)]}, topic=True)
    made = demonstrations(posts, members, topic_column="topic", name_community=True)
    rows = {row["template"]: row for row in templates().to_dicts()}
    assert made["topic"].null_count() == 20
    for prompt, template, topic in made.select("prompt", "template", "topic").iter_rows():
        assert prompt == render(rows[template], topic=topic, community="red")
    assert not any("red" in p.split() for p in demonstrations(posts, members)["prompt"])


def test_repeats_are_dropped_and_counted_and_empty_posts_refused() -> None:
    # Trap 7c: 3 to 5 % repeats and empty replies in the released training files.
    posts, members = society({"red": ["Hello, you!", "hello you", "HELLO  you.", "bye"], "blue": ["hello you", "x"]})
    assert demonstrations(posts, members)["reply"].to_list() == ["hello you", "x", "Hello, you!", "bye"]
    assert repeats(posts, members).rows() == [("blue", 2, 0), ("red", 4, 2)]
    empty, members = society({"red": ["one", " \n"]})
    with pytest.raises(InputError, match=r"1 posts \(the first is post 'red00001'\)"):
        demonstrations(empty, members)


def test_no_post_by_a_member_is_refused() -> None:
    posts, _ = society({"red": ["one"]})
    _, members = society({"blue": ["one"]})
    with pytest.raises(RefusedError, match="of 1 posts and 1 members, no post is by a member"):
        demonstrations(posts, members)


def general(n: int) -> Examples:
    return frames.examples(
        pl.DataFrame(
            {"community": ["any"] * n, "prompt": [f"p{i}" for i in range(n)], "reply": [f"g{i}" for i in range(n)]}
        )
    )


def test_mix_adds_general_rows_without_a_person() -> None:
    posts, members = society({"red": [f"r{i}" for i in range(10)], "blue": [f"b{i}" for i in range(4)]})
    made = demonstrations(posts, members, general=general(15), mix=1.5)
    counts = made.group_by("community").agg(own=pl.col("post").count(), general=pl.col("post").null_count())
    assert sorted(counts.rows()) == [("blue", 4, 6), ("red", 10, 15)]
    assert made.filter(pl.col("post").is_null())["person"].null_count() == 21
    # The general set is smaller than asked for: its rows come again, alike often, and the ratio is what it says.
    again = demonstrations(posts, members, general=general(3), mix=1.5).filter(pl.col("post").is_null())
    times = again.group_by("community", "prompt").len().group_by("community").agg(pl.col("len").unique().sort())
    assert sorted(times.rows()) == [("blue", [2]), ("red", [5])]
    with pytest.raises(UsageError, match="needs general="):
        demonstrations(posts, members, mix=1.0)


def test_pooled_names_nobody_and_half_stand_after_a_block_of_their_own() -> None:
    texts = {c: [f"{c}{i} says a few words" for i in range(300)] for c in ("red", "blue")}
    posts, _ = society(texts)
    posts = frames.posts(posts.with_columns(team=pl.col("post").str.head(3)))
    made = pooled(posts, group="team", context=20, words=3)
    assert made["community"].unique().to_list() == ["pooled"]
    assert set(made["reply"]) == set(texts["red"] + texts["blue"])
    assert 250 < made.filter(pl.col("exemplars") > 0).height < 350
    requests = dict(templates().select("template", "request").iter_rows())
    for prompt, reply, template, n in made.select("prompt", "reply", "template", "exemplars").iter_rows():
        block = [line[2:] for line in prompt.splitlines() if line.startswith("- ")]
        assert prompt == laid_out(block, requests[template])
        assert len(block) == n <= 6
        # Never the post itself, and never a post of another team.
        assert not [line for line in block if line.split()[0] == reply.split()[0] or line[:3] != reply[:3]]


def test_pooled_shows_what_is_on_the_topic_first() -> None:
    posts, _ = society({"red": [f"r{i} {'hot' if i % 2 == 0 else 'cold'} words" for i in range(100)]}, topic=True)
    posts = frames.posts(posts.with_columns(community=pl.lit("red")))
    made = pooled(posts, group="community", topic_column="topic", words=3, context=60)
    kinds = []
    for prompt, reply, n in made.select("prompt", "reply", "exemplars").iter_rows():
        assert ("tea" in prompt.splitlines()[-1]) == ("hot" in reply)
        if n:
            lines = [line.split()[2] for line in prompt.splitlines() if line.startswith("- ")]
            hits = [line == ("hot" if "hot" in reply else "cold") for line in lines]
            assert hits == sorted(hits, reverse=True)
            kinds.append(sum(hits) / n)
    assert len(kinds) > 30
    assert min(kinds) > 0.5


def test_pooled_takes_the_thread_where_a_person_has_too_few() -> None:
    frame = pl.DataFrame({"post": [str(i) for i in range(40)], "person": [f"p{i}" for i in range(40)]})
    frame = frame.with_columns(text=pl.col("post") + " word", thread=pl.lit("t"), parent=pl.lit(None, pl.String))
    assert pooled(frames.posts(frame))["exemplars"].max() > 2  # type: ignore[operator]  # a number here
    alone = frames.posts(frame.with_columns(thread=pl.col("post")))
    assert pooled(alone)["exemplars"].max() == 0


def test_shuffled_keeps_sizes_and_loses_the_truth() -> None:
    frame = pl.DataFrame({"person": [f"p{i:03}" for i in range(300)]})
    members = frames.members(
        frame.with_columns(community=pl.when(pl.int_range(300) < 200).then(pl.lit("a")).otherwise(pl.lit("b")))
    )
    floor = shuffled(members, seed=1)
    assert floor["community"].value_counts(sort=True).rows() == [("a", 200), ("b", 100)]
    assert floor["person"].n_unique() == 300
    kept = members.join(floor, on=["person", "community"]).height
    assert 140 < kept < 195  # by chance: 300 * (4/9 + 1/9) = 167
