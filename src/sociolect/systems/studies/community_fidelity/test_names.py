"""Clusters before they are named: what is suggested is what was planted, and a person decides."""

from pathlib import Path

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError, RefusedError
from sociolect.find.declared import declared, merged
from sociolect.frames import Members, Posts
from sociolect.load.planted import planted
from sociolect.models.scripted import scripted
from sociolect.systems.studies.community_fidelity import find, names

SPANISH = "hoy por la mañana fuimos con la familia al mercado y compramos fruta fresca para todos {}"
ENGLISH = "this morning we went to the market with the family and bought fresh fruit for everyone {}"


def crowd(**texts: list[str]) -> tuple[Posts, Members]:
    """Each community's posts, every one by a person of its own."""
    rows = [(f"{c}{i:03}", c, text) for c, some in texts.items() for i, text in enumerate(some)]
    said = pl.DataFrame(rows, schema=["person", "community", "text"], orient="row").with_columns(post="person")
    posts = said.select("post", "person", "text", thread="post", parent=pl.lit(None, pl.String))
    return frames.posts(posts), frames.members(said.select("person", "community"))


def both() -> tuple[Posts, Members]:
    spanish = [SPANISH.format(i) for i in range(40)]
    copied = [ENGLISH.format("again and again and again") + f" {i % 4}" * (i >= 20) for i in range(40)]
    return crowd(c00=copied, c01=spanish, c02=[ENGLISH.format(i) for i in range(4)])


def test_language_repeats_and_size_are_told_and_small_clusters_are_not() -> None:
    table = names.suggestions(*both(), seed=1)
    assert table["community"].to_list() == ["c00", "c01"]
    assert table["language"].to_list() == ["en", "es"]
    assert (table["language share"] > 0.9).all()
    repeats = dict(table.select("community", "repeats").iter_rows())
    assert repeats["c00"] == 1.0
    assert table["people"].to_list() == [40, 40]


def test_keywords_agree_where_they_are_planted_and_less_in_the_null() -> None:
    found = []
    for null in (False, True):
        society = planted(people=400, communities=4, posts=10, null=null, habit=0.0, seed=3)
        said = frames.posts(society.posts.filter(kind="post"))
        found.append(names.suggestions(said, declared(society, column="planted"), seed=1)["agreement"].mean())
    assert found[0] > 0.35  # type: ignore[operator]
    assert found[1] < 0.15  # type: ignore[operator]


def test_the_proposed_file_is_a_file_of_decisions_once_a_reason_is_given(tmp_path: Path) -> None:
    posts, members = both()
    page = names.asked(tmp_path, posts, members, namer=None, sensitive=False, seed=1)
    file = tmp_path / "communities.toml"
    with pytest.raises(InputError, match="why"):
        merged(members, file)
    file.write_text(file.read_text().replace('why = ""', 'why = "c02 is too small"'))
    kept, why = find.named(members, file)
    assert (set(kept["community"]), why) == ({"c00", "c01"}, "c02 is too small")
    decided = names.decided(members, kept, why)
    assert decided.select("cluster", "people", "community").sort("cluster").rows() == [
        ("c00", 40, "c00"), ("c01", 40, "c01"), ("c02", None, None),
    ]  # fmt: skip
    assert "--merge" in page.sections[0].prose
    names.asked(tmp_path, posts, members, namer=None, sensitive=False, seed=1)
    assert "c02 is too small" in file.read_text(), "a person's file is never written over"


def test_a_sensitive_study_quotes_no_post_and_sends_none_away(tmp_path: Path) -> None:
    posts, members = both()
    open_page = names.asked(tmp_path, posts, members, namer=None, sensitive=False, seed=1)
    assert [s.quotes is not None for s in open_page.sections] == [False, True]
    shut = names.asked(tmp_path, posts, members, namer=None, sensitive=True, seed=1)
    assert all(s.quotes is None for s in shut.sections)
    with pytest.raises(RefusedError, match="sensitive"):
        names.asked(tmp_path, posts, members, namer="openai/gpt-any", sensitive=True, seed=1)


def test_a_namer_reads_the_posts_and_its_sentence_stands_beside_them() -> None:
    model = scripted(lambda chat: "People who buy fruit." if "fruit" in chat[-1].text else "People who sell cars.")
    table = names.suggestions(*both(), namer=model, seed=1)
    assert table["summary"].to_list() == ["People who buy fruit.", "People who sell cars."]
