from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.elicit.comments import comments
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.find.closeness import closeness
from sociolect.frames import Society
from sociolect.load.planted_pairs import planted_pairs


def society(
    said: list[tuple[str, str, str | None]],
    people: dict[str, Any] | None = None,
    ties: list[tuple[str, str, str]] = [],  # noqa: B006  # never changed
    **columns: list[Any],
) -> Society:
    """Posts s0, s1, ... out of (person, text, parent), with further columns; ties out of (source, target, closeness)."""
    made = {
        "post": [f"s{i}" for i in range(len(said))],
        "person": [p for p, _, _ in said],
        "text": [t for _, t, _ in said],
    }
    posts = pl.DataFrame(made | {"parent": [q for _, _, q in said]} | columns, schema_overrides={"parent": pl.String})
    tied = pl.DataFrame(ties, orient="row", schema=["source", "target", "closeness"]).with_columns(
        pl.col("source", "target", "closeness").cast(pl.String), kind=pl.lit("relation"), weight=pl.lit(1.0)
    )
    return Society(
        frames.people(pl.DataFrame(people) if people else frames.empty("people")),
        frames.posts(posts.with_columns(thread=pl.lit("t"))),
        frames.ties(tied),
    )


SAID: list[tuple[str, str, str | None]] = [("a", "I ran", None), ("b", "Well done, a!", "s0"), ("c", "wow", "s1")]
PEOPLE = {
    "person": ["a", "b", "c"],
    "age": [40, 31, None],
    "gender": ["woman", "man", None],
    "country": ["x", "y", "z"],
}


def lost(counts: pl.DataFrame, outcome: str = "left out") -> dict[str, int]:
    return dict(counts.filter(outcome=outcome).select("reason", "count").iter_rows())


def test_a_comment_carries_its_post_both_people_and_their_tie() -> None:
    made, counts = comments(
        society(SAID, PEOPLE, [("b", "a", "close"), ("a", "c", "close")], setting=[None, "public", "private"]), k=1
    )
    keys = ("speaker", "source", "community", "item", "condition", "draw", "turn", "prompt", "text")
    assert made.select(keys).row(0) == ("b", "human", "everyone", "s1", "observed", 0, 0, None, "Well done, a!")
    row, second = made.rows(named=True)
    due = {
        "post": "s0", "thread": "t", "post_text": "I ran", "poster": "a", "commenter": "b", "closeness": "close", "length": 3,
        "commenter_gender": "man", "poster_gender": "woman", "commenter_age": 31.0, "poster_age": 40.0, "setting": "public",
        "commenter_country": "y", "poster_country": "x", "refused": False,
    }  # fmt: skip
    assert {c: row[c] for c in due} == due
    # unknown stays unknown: null is not stranger, and a tie the other way round is not this one
    assert [second[c] for c in ("closeness", "commenter_gender", "commenter_age", "poster")] == [None, None, None, "b"]
    assert counts.rows() == [
        ("found", "comments", 2), ("kept", "comments", 2), ("unknown", "closeness", 1), ("unknown", "commenter_gender", 1),
        ("unknown", "commenter_age", 1),
    ]  # fmt: skip
    assert made.schema["length"] == pl.Int64
    assert made.schema["commenter_age"] == pl.Float64


def test_each_rule_leaves_out_its_own_and_is_counted() -> None:
    said: list[tuple[str, str, str | None]] = [
        ("a", "I ran", None), ("b", "well done", "s0"), ("b", "WELL done!", "s0"), ("c", "well done", "s0"), ("a", "thanks", "s0"),
        ("b", " ", "s0"), ("b", "late", "gone"), ("b", "oh", "s5"), ("b", "I ran", "s0"), ("kid", "cool", "s0"), ("b", "hey", "s9"),
        ("b", "?!", "s0"), ("b", "!!", "s0"), ("b", "?!", "s0"), ("old", "ok", "s0"),
    ]  # fmt: skip
    people = {"person": ["a", "kid", "old"], "age": [18.0, 17.9, None], "minor": [False, None, True]}
    kinds = ["post", *["reply"] * 7, "repost", *["reply"] * 6]
    here = society(said, people, kind=kinds)
    made, counts = comments(here, k=1)
    assert made["item"].to_list() == ["s1", "s11", "s12", "s3"]
    assert lost(counts) == {
        "repost": 1, "comment whose post is not here": 1, "comment without words": 1, "comment on a post without words": 1,
        "comment on a post of one's own": 1, "comment that says again what its author said on its post": 2,
        "comment by or to someone under 18": 3,
    }  # fmt: skip
    assert (lost(counts, "found"), lost(counts, "kept")) == ({"comments": 14}, {"comments": 4})
    everyone, counts = comments(here, k=1, adults=False)
    assert everyone.height == 7
    assert "comment by or to someone under 18" not in lost(counts)


def test_few_of_a_gender_are_not_told_apart() -> None:
    people = {"person": [f"p{i}" for i in range(12)], "gender": ["woman"] * 6 + ["man"] * 5 + ["other"]}
    said: list[tuple[str, str, str | None]] = [
        ("p0", "I ran", None),
        *((f"p{i}", f"word {i}", "s0") for i in range(1, 12)),
    ]
    made, counts = comments(society(said, people), k=6)
    assert set(made["commenter_gender"]) == {"woman", None}  # p0 is the sixth woman, as poster alone
    assert lost(counts, "emptied") == {"commenter_gender of fewer than 6 people": 6}
    assert made.height == 11
    # people who are left out do not make a class larger
    assert set(
        comments(society(said, people | {"minor": [i == 5 for i in range(12)]}), k=6)[0]["commenter_gender"]
    ) == {None}
    assert comments(society(said, people), k=1)[0]["commenter_gender"].null_count() == 0


def test_words_that_are_not_the_three_are_emptied_and_counted() -> None:
    made, counts = comments(
        society(SAID, {"person": ["a", "b"], "gender": ["female", "man"], "age": ["forty", "31"]}), k=1
    )
    assert made.select("poster_gender", "commenter_gender", "poster_age", "commenter_age").row(0) == (
        None,
        "man",
        None,
        31.0,
    )
    assert lost(counts, "emptied") == {
        "poster_age that is no number": 1,
        "poster_gender that is none of woman, man, other": 1,
    }


def test_closeness_is_the_given_then_the_comments_own_then_the_ties() -> None:
    ties = [("b", "a", "close")]
    own: list[Any] = [None, "not_close", None]
    assert comments(society(SAID, ties=ties))[0]["closeness"].to_list() == ["close", None]
    here = society(SAID, ties=ties, closeness=own)
    assert comments(here)[0]["closeness"].to_list() == ["not_close", None]
    given_ = pl.DataFrame({"source": ["b", "c"], "target": ["a", "b"], "closeness": ["stranger", "close"]})
    assert comments(here, closeness=given_)[0]["closeness"].to_list() == ["stranger", "close"]
    by_post = given_.with_columns(post=pl.Series(["s2", "s1"]))
    assert comments(here, closeness=by_post)[0]["closeness"].to_list() == ["close", "stranger"]


def test_the_finders_closeness_fits() -> None:
    here = planted_pairs(pairs=300, posts=100, commenters=40, seed=1)
    plain, _ = comments(here)
    assert plain["closeness"].null_count() == 0
    assert comments(here, closeness=closeness(here))[0].equals(plain)
    shown = closeness(here, rule="exchanges")
    made, counts = comments(here, closeness=shown)
    due = dict(shown.select("post", "closeness").iter_rows())
    assert made["closeness"].to_list() == [due[item] for item in made["item"]]
    assert lost(counts, "unknown")["closeness"] == made["closeness"].null_count()


def test_the_order_of_the_rows_changes_nothing() -> None:
    here = planted_pairs(pairs=200, posts=60, commenters=40, seed=2)
    mixed = Society(
        frames.people(here.people.sample(fraction=1, shuffle=True, seed=1)),
        frames.posts(here.posts.sample(fraction=1, shuffle=True, seed=2)),
        frames.ties(here.ties.reverse()),
    )
    (one, a), (two, b) = comments(here), comments(mixed)
    assert one.equals(two)
    assert a.equals(b)


def oracle(said: list[tuple[str, str, str | None]]) -> int:
    """How many comments a loop keeps, where b is a minor and x, X are one text."""
    by, seen = {f"s{i}": (p, t) for i, (p, t, _) in enumerate(said)}, set()
    for p, t, q in said:
        if q in by and t and by[q][1] and p != by[q][0]:
            seen.add((p, q, t.strip("!").lower()))
    return sum("b" not in {p, by[q][0]} for p, q, _ in seen)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["", "x", "y!", "X"]), st.integers(0, 30)),
        min_size=2,
        max_size=30,
    )
)
def test_every_comment_is_kept_or_left_out_for_one_reason(acts: list[tuple[str, str, int]]) -> None:
    said: list[tuple[str, str, str | None]] = [("a", "I ran", None)]
    said += [(p, t, f"s{at}" if at % 4 else None) for p, t, at in acts]
    here = society(said, {"person": ["a", "b"], "age": [30, 17]})
    if not oracle(said):
        with pytest.raises(RefusedError, match="no comment is left"):
            comments(here)
        return
    made, counts = comments(here)
    assert made.height == oracle(said)
    assert lost(counts, "found")["comments"] == sum(q is not None for _, _, q in said)
    assert lost(counts, "found")["comments"] == sum(lost(counts).values()) + made.height
    assert (made["commenter"] != made["poster"]).all()
    assert made["post_text"].is_in(["", None]).sum() == 0


def test_further_columns_ride_along_and_a_community_becomes_where_it_was_said() -> None:
    made, _ = comments(society(SAID, community=["u", "v", "w"], weight=[None, 2, 3], latent_funny=[0.1, 0.2, 0.3]))
    assert made["said_in"].to_list() == ["v", "w"]
    assert made["weight"].to_list() == [2.0, 3.0]
    assert made["latent_funny"].to_list() == [0.2, 0.3]


def test_what_is_not_as_due_is_refused() -> None:
    here = society(SAID, PEOPLE)
    with pytest.raises(
        InputError,
        match=r"columns 'commenter_age', 'draw' of the posts have names.*closeness has no column 'closeness', 'target'",
    ):
        comments(
            society(SAID, PEOPLE, draw=[1, 2, 3], commenter_age=[1, 2, 3]), closeness=pl.DataFrame({"source": ["a"]})
        )
    twice = pl.DataFrame({"source": ["b", "b"], "target": ["a", "a"], "closeness": ["close", "close"]})
    with pytest.raises(InputError, match="1 rows that repeat another's source and target"):
        comments(here, closeness=twice)
    with pytest.raises(InputError, match="closeness holds 'best', not only stranger, not_close, close"):
        comments(here, closeness=twice.head(1).with_columns(closeness=pl.lit("best")))
    odd = frames.ties(society(SAID, ties=[("b", "a", "close"), ("b", "a", "stranger")][:1]).ties)
    two = frames.ties(pl.concat([odd, odd.with_columns(kind=pl.lit("declared"), closeness=pl.lit("stranger"))]))
    with pytest.raises(InputError, match="another closeness twice for 1 pairs of people"):
        comments(Society(here.people, here.posts, two))
    with pytest.raises(RefusedError, match="no comment is left: nobody replies"):
        comments(society(SAID[:1]))
    with pytest.raises(RefusedError, match="no comment is left: 1 x comment on a post of one's own"):
        comments(society([SAID[0], ("a", "me", "s0")]))
    with pytest.raises(UsageError, match="k is 0"):
        comments(here, k=0)
