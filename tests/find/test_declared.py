from pathlib import Path

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.find.declared import declared, merged
from sociolect.frames import Members, Society


def society(posts: list[tuple[str, str | None]], people: dict[str, object] | None = None) -> Society:
    """Posts as (person, team), and people with whatever columns."""
    rows = [
        {"post": str(i), "person": p, "text": "", "thread": str(i), "parent": None, "team": team}
        for i, (p, team) in enumerate(posts)
    ]
    said = pl.DataFrame(rows, schema_overrides={"parent": pl.String, "team": pl.String})
    who = pl.DataFrame(people or {"person": said["person"].unique().sort()})
    return Society(frames.people(who), frames.posts(said), frames.ties(frames.empty("ties")))


def test_the_majority_of_the_posts_decides() -> None:
    world = society([("a", "x"), ("a", "x"), ("a", "y"), ("a", None), ("b", "y"), ("c", None)])
    assert declared(world, column="team").rows() == [("a", "x", 2 / 3, False), ("b", "y", 1.0, False)]


def test_a_draw_goes_by_the_alphabet_and_is_counted_whatever_the_order() -> None:
    said: list[tuple[str, str | None]] = [("a", "y"), ("a", "x"), ("b", "z"), ("b", "y"), ("b", "z"), ("c", "q")]
    for posts in (said, said[::-1]):
        found = declared(society(posts), column="team")
        assert found.rows() == [("a", "x", 0.5, True), ("b", "z", 2 / 3, False), ("c", "q", 1.0, False)]
        assert found["tied"].sum() == 1


def test_a_column_of_the_people_comes_first_and_null_is_nobody() -> None:
    world = society([("a", "x"), ("b", "x")], {"person": ["a", "b"], "team": ["u", None], "year": [1990, 1991]})
    assert declared(world, column="team").rows() == [("a", "u", 1.0, False)]
    assert declared(world, column="year")["community"].to_list() == ["1990", "1991"]


def test_a_thread_can_declare() -> None:
    assert declared(society([("a", None), ("b", None)]), column="thread")["community"].to_list() == ["0", "1"]


def test_columns_that_cannot_declare() -> None:
    world = society([("a", None)])
    with pytest.raises(UsageError, match="no column that could declare communities 'teem'; did you mean 'team'"):
        declared(world, column="teem")
    with pytest.raises(UsageError, match="'person'"):
        declared(world, column="person")
    with pytest.raises(RefusedError, match="'team' of posts declares no community: all 1 rows are null"):
        declared(world, column="team")


FOUND = frames.members(
    pl.DataFrame(
        {
            "person": ["a", "b", "c", "c", "d"],
            "community": ["c00", "c01", "c00", "c02", "c03"],
            "weight": [1.0, 1.0, 0.25, 0.75, 1.0],
            "stability": [0.9, 0.8, 0.7, 0.6, 0.5],
        }
    )
)


def decided(folder: Path, text: str, found: Members = FOUND) -> Members:
    file = folder / "communities.toml"
    file.write_text(text, encoding="utf-8")
    return merged(found, file)


def test_clusters_are_named_merged_and_dropped(tmp_path: Path) -> None:
    out = decided(tmp_path, 'tea = ["c02", "c00"]\n"ice cream" = ["c03"]\ndrop = ["c01"]\nwhy = "c01 is spam"')
    assert out.rows() == [("a", "tea", 1.0, 0.9), ("c", "tea", 1.0, 0.7), ("d", "ice cream", 1.0, 0.5)]


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as said:
        decided(tmp_path, 'tea = ["c00", "c00", "c9"]\nice = ["c00"]\nnone = []\nodd = 3\ndrop = ["c01"]')
    assert str(said.value) == (
        'communities.toml: `why = "..."` is missing: say why these were merged and dropped; c00 is in tea twice; '
        "tea holds 'c9', which is no cluster; c00 is in tea and in ice; none holds no cluster; "
        'odd is 3, not a list of clusters like ["c00"]; neither named nor dropped: c02, c03'
    )


def test_dropping_all_and_files_that_do_not_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no community is named"):
        decided(tmp_path, 'drop = ["c00", "c01", "c02", "c03"]\nwhy = "spam"')
    with pytest.raises(InputError, match=r"communities.toml: .*due is TOML"):
        decided(tmp_path, "tea = c00")
    with pytest.raises(InputError, match="due is TOML"):
        merged(FOUND, tmp_path / "nowhere.toml")
