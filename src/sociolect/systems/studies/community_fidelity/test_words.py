"""Cleaning and topics: counts that add up, and no topic that one community owns."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.find.words import keywords
from sociolect.frames import Members, Posts
from sociolect.systems.studies.community_fidelity import find
from sociolect.systems.studies.community_fidelity.load import cleaned, drawn


def posted(texts: list[str], **columns: list[str | None]) -> Posts:
    """Posts 00, 01, ... with these texts, each by a person of its own unless `person` says otherwise."""
    ids = [f"{i:02}" for i in range(len(texts))]
    told: dict[str, list[str | None]] = {"person": [*ids], "thread": [*ids], "parent": [None] * len(ids), **columns}
    said = {"post": ids, "text": texts, **told}
    return frames.posts(pl.DataFrame(said, schema=dict.fromkeys(said, pl.String)))


def bind(names: dict[str, str]) -> Members:
    return frames.members(pl.DataFrame({"person": list(names), "community": list(names.values())}))


def test_a_word_of_one_community_is_never_a_topic() -> None:
    texts = [f"{'kestrel' if i < 30 else 'gneiss'} {'weather' if i % 10 == 0 else 'other'} the {i}" for i in range(60)]
    people = {f"{i:02}": "birds" if i < 30 else "rocks" for i in range(60)}
    assert find.shared_topics(posted(texts), bind(people), common=0.2)["words"].to_list() == ["weather"]
    assert "kestrel" not in find.shared_topics(posted(texts), bind(people), common=1.0)["words"]


# cleaning

PIECES = ["tea", "Tea!", "@ada", "#keto", "<url>", "https://a.b/c", "🙂", "walk", "home", "Now", "  ", "(fine)"]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.lists(st.sampled_from(PIECES), max_size=8), st.sampled_from(["post", "reply", "repost"]))),
    st.booleans(),
)
def test_cleaning_counts_add_up(said: list[tuple[list[str], str]], replies: bool) -> None:
    parents = [None if kind == "post" else "x" for _, kind in said]
    posts = posted([" ".join(words) for words, _ in said], kind=[kind for _, kind in said], parent=parents)
    kept, log = cleaned(posts, replies=replies, words=5)
    counts = dict(log.iter_rows())
    drops = sum(n for step, n in counts.items() if step.endswith("dropped"))
    assert counts["loaded"] == len(said) == counts["kept"] + drops
    assert counts["kept"] == kept.height
    assert counts["reposts dropped"] == sum(k == "repost" for _, k in said)
    assert counts["replies dropped"] == (0 if replies else sum(k == "reply" for _, k in said))
    assert not kept["text"].str.contains(r"[@#<🙂]|https").any()
    assert cleaned(kept, replies=replies, words=5)[0].equals(kept)


def test_cleaning_strips_marks_and_keeps_the_rest_verbatim() -> None:
    plain = "It's 5 o'clock — naïve, Ünïcode; (Is THIS fine?) 50% & more..."
    said = ["@ada_1: see <url> my #keto plan 👩‍👩‍👧 here ❤️", plain, "one two", "a b c d e f g", "A, b: c d e"]
    kept, log = cleaned(posted(said), words=12)
    assert kept["text"].to_list() == ["see my plan here", plain, "a b c d e f g", "A, b: c d e"]
    assert cleaned(posted(said), hashtags="word")[0]["text"][0] == "see my keto plan here"
    kept, log = cleaned(posted(said), words=5)
    assert kept["text"].to_list()[2:] == ["a b c d e"]
    counts = dict(log.iter_rows())
    assert (counts["cut to 5 words"], counts["repeats dropped"], counts["under 3 words dropped"]) == (2, 1, 1)


def test_a_joiner_that_joins_no_emoji_stays() -> None:
    word = "\u0dc1\u0dca\u200d\u0dbb\u0dd3"
    assert cleaned(posted([f"{word} is an island"]))[0]["text"][0] == f"{word} is an island"


def test_a_community_that_posts_declare_is_not_taken_for_the_one_that_was_found() -> None:
    texts = [f"{c} word{i % 3} again and again" for c in ("red", "blue") for i in range(30)]
    said = posted(texts, community=["declared"] * 60)
    found = bind({f"{i:02}": "red" if i < 30 else "blue" for i in range(60)})
    assert set(drawn(said, found, most=99)["community"]) == {"red", "blue"}
    assert set(keywords(said, found)["community"]) == {"red", "blue"}
    spoken = said.with_columns(side=pl.Series(["train", "judge", "reference"] * 20))
    assert set(find.chosen(found, spoken, only=(), most=6)[1]["community"]) == {"red", "blue"}
