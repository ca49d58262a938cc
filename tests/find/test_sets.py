"""Sets per account: each kind by hand, and every door that is shut."""

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import RefusedError, UsageError
from sociolect.find.sets import sets
from sociolect.frames import Society


def _society() -> Society:
    ties = pl.DataFrame(
        {
            "source": ["a", "b", "a", "c"],
            "target": ["b", "a", "c", "c"],
            "kind": ["follow", "follow", "reply", "follow"],
            "weight": 1.0,
        }
    )
    texts = [
        "#Tea and #tea, #Čaj! (#２０２４ #9)",
        "e#mail &#x27;s https://a.b/#part #＃ok #हिन्दी",
        "none",
        "#tea #Ⅸ_x",
    ]
    posts = pl.DataFrame(
        {
            "post": ["1", "2", "3", "4"],
            "person": ["a", "b", "b", "c"],
            "text": texts,
            "thread": ["1", "1", "3", "1"],
            "parent": [None, "1", None, "1"],
            "topic": ["x", "y", None, "x"],
            "score": [0.5, 1.0, 2.0, 3.0],
            "labels": [["m", "n"], [], None, ["n", None]],
        },
        schema_overrides={"parent": pl.String},
    )
    people = pl.DataFrame({"person": ["a", "b", "c", "d"], "topic": ["z", None, None, None], "wave": [1, 2, 2, None]})
    return Society(frames.people(people), frames.posts(posts), frames.ties(ties))


@pytest.mark.parametrize(
    ("of", "kinds", "due"),
    [
        ("neighbours", None, "ab ac ba ca"),
        ("neighbours", "reply", "ac ca"),
        ("followers", "follow", "ab ba"),
        ("followed", None, "ab ac ba"),
        ("followers", ["reply"], "ca"),
        ("threads", None, "a1 b1 b3 c1"),
        ("topic", None, "ax az by cx"),
        ("wave", None, "a1 b2 c2"),
        ("labels", None, "am an cn"),
        ("hashtags", None, "atea ačaj bok bहिन्दी cix_x ctea"),
    ],
)
def test_each_kind_of_set(of: str, kinds: str | list[str] | None, due: str) -> None:
    found = sets(_society(), of=of, kinds=kinds)
    assert found.schema == {"account": pl.String, "element": pl.String}
    assert found.rows() == sorted((pair[0], pair[1:]) for pair in due.split())


def test_row_order_changes_nothing() -> None:
    whole = _society()
    turned = Society(
        whole.people,
        frames.posts(whole.posts.reverse()),
        frames.ties(whole.ties.sample(fraction=1, shuffle=True, seed=1)),
    )
    for of in ("neighbours", "hashtags", "topic"):
        assert sets(turned, of=of).equals(sets(whole, of=of))


def test_errors_say_what_is_due() -> None:
    whole = _society()
    with pytest.raises(UsageError, match="no sets of 'topics'; did you mean 'topic'"):
        sets(whole, of="topics")
    with pytest.raises(UsageError, match="no sets of 'followrs'; did you mean 'followers'"):
        sets(whole, of="followrs")
    with pytest.raises(UsageError, match="no sets of 'person'"):
        sets(whole, of="person")
    with pytest.raises(UsageError, match="column 'score' of posts is Float64, which names no elements"):
        sets(whole, of="score")
    with pytest.raises(UsageError, match="no kind of tie 'folow'; did you mean 'follow'"):
        sets(whole, kinds="folow")
    with pytest.raises(UsageError, match="kinds='follow' chooses ties, and of='threads' asks for none"):
        sets(whole, of="threads", kinds="follow")
    bare = Society(whole.people, frames.posts(frames.empty("posts")), frames.ties(frames.empty("ties")))
    with pytest.raises(
        RefusedError, match="nobody has followers: 0 ties, none between two people; build some with link"
    ):
        sets(bare, of="followers")
    with pytest.raises(RefusedError, match="nobody has an element among 'hashtags': 0 posts, 4 people"):
        sets(bare, of="hashtags")
