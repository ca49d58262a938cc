"""Whoever is forgotten stands nowhere in a workspace any more, and does not come back; the others stay."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file
from tests.keep.conftest import RUN

from sociolect import forgotten
from sociolect.errors import InputError, WorkspaceError
from sociolect.fingerprint import of_folder
from sociolect.frames import Society
from sociolect.keep.forget import Forgotten, forget
from sociolect.load.key import read_key
from sociolect.load.pseudonyms import pseudonym
from sociolect.load.table import table
from sociolect.models import journal as book
from sociolect.workspace import Workspace, held, workspace

Made = tuple[Path, Path, Path]
Left = Callable[[Path, Path], set[str]]
Again = Callable[[Workspace, Path, Path], Society]


def done(found: Forgotten) -> dict[str, str]:
    return dict(found.places.select("place", "done").iter_rows())


def test_nothing_of_them_is_left_in_any_byte(made: Made, left: Left) -> None:
    folder, path, key = made
    assert left(folder, key)
    found = forget(folder, "mary_k42", key=key)
    assert left(folder, key) == set()
    assert done(found) == {
        "steps/society": "cut", "steps/members": "cut", "steps/human": "cut", "steps/lengths": "cut", "steps/said": "removed",
        "steps/adapter": "stale", "steps/arrays": "removed", "report.html": "removed", "tables": "removed", "journal.sqlite": "cut",
        "branches/other/steps/members": "cut", "branches/other/steps/adapter": "stale",
    }  # fmt: skip
    assert found.outside == (str(path),)
    said = found.places.row(by_predicate=pl.col("place") == "steps/society", named=True)
    assert "2 of them posts of others" in said["why"]
    posts = pl.read_parquet(folder / "steps/society/posts.parquet")
    # Six posts of hers, one that mentions her, one that quotes her; the answer stays, and does not say what it answers.
    assert posts.height == 60 - 6 - 2
    kept = posts.row(by_predicate=pl.col("post") == "s26", named=True)
    assert (kept["parent"], kept["thread"] != "s13") == (None, True)
    aside = pl.read_parquet(folder / "steps/society/set_aside.parquet")
    assert aside.filter(reason="forgotten")["count"].to_list() == [8]
    assert pl.read_parquet(folder / "steps/members/frame.parquet").height == 9
    assert (folder / "steps/counts").exists()


def test_the_sums_hold_and_the_register_names_nobody(made: Made) -> None:
    folder, _, key = made
    forget(folder, "mary_k42", key=key)
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    sums = {n: d for d, n in (line.split("  ", 1) for line in lines)}
    assert sums
    assert sums == {n: d for n, d in of_folder(folder).items() if n in sums}
    assert "report.html" not in sums
    register = forgotten.read(folder)
    assert register.digest(pseudonym("mary_k42", read_key(key))) in register.people
    assert not register.begun
    run = json.loads((folder / "run.json").read_text())
    assert (run["finished"], run["keywords"]["where"]) == (False, "<forgotten>")


def test_a_step_shared_by_hard_link_is_clean_in_both_places(made: Made) -> None:
    folder, _, key = made
    one, two = (folder / b / "steps/members/frame.parquet" for b in ("", "branches/other"))
    assert one.stat().st_ino == two.stat().st_ino
    outside = folder.parent / "kept.parquet"
    outside.hardlink_to(one)
    before = outside.read_bytes()
    forget(folder, "mary_k42", key=key)
    assert pl.read_parquet(one).height == pl.read_parquet(two).height == 9
    assert outside.read_bytes() == before


def test_a_second_run_does_not_bring_them_back(made: Made, left: Left, again: Again) -> None:
    folder, path, key = made
    forget(folder, "mary_k42", key=key)
    cut = {p: pl.read_parquet(folder / f"steps/society/{p}.parquet") for p in ("people", "posts", "ties", "set_aside")}
    for anew in (False, True):  # the society read back; then loaded anew from data that still hold her
        if anew:
            (folder / "steps/society/step.json").write_text("{}")
        with workspace(folder, system="s", keywords={}) as work:
            again(work, path, key)
        assert left(folder, key) == set()
        for name, frame in cut.items():
            assert pl.read_parquet(folder / f"steps/society/{name}.parquet").equals(frame), name
        assert pl.read_parquet(folder / "steps/said/frame.parquet").height == 20
        assert not (folder / "steps/adapter/stale.json").exists()


def test_a_journal_keeps_no_page_of_it(made: Made) -> None:
    folder, _, key = made
    connection = sqlite3.connect(folder / "journal.sqlite")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("UPDATE calls SET instrument = 'marmosets' WHERE step = 'said'")
    connection.commit()
    assert b"marmosets" in (folder / "journal.sqlite-wal").read_bytes()
    connection.close()
    forget(folder, "mary_k42", key=key, keep=["screen"])
    raw = b"".join(p.read_bytes() for p in folder.glob("journal.sqlite*"))
    assert b"umbrella" not in raw
    assert b"marmosets" not in raw
    with book.opened(folder / "journal.sqlite") as one:
        assert one.totals()["step"].to_list() == ["screen"]


def test_what_somebody_vouches_for_is_kept_unless_it_shows_a_trace(made: Made) -> None:
    folder, _, key = made
    found = done(forget(folder, "mary_k42", key=key, keep=["adapter", "said"]))
    assert "steps/adapter" not in found
    assert found["steps/said"] == "cut"  # its items name the threads she began
    assert not (folder / "steps/adapter/stale.json").exists()


def test_a_dry_run_changes_no_byte(made: Made) -> None:
    folder, _, key = made
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and not p.name.endswith(("-wal", "-shm"))}
    said = forget(folder, "mary_k42", key=key, dry=True)
    assert {p: p.read_bytes() for p in before} == before
    real = forget(folder, "mary_k42", key=key)
    assert said.dry
    assert said.places.sort("place").equals(real.places.sort("place"))


def test_a_pseudonym_serves_as_well_and_needs_no_key(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _, key = made
    hidden = pseudonym("mary_k42", read_key(key))
    monkeypatch.setattr("sociolect.keep.forget.read_key", lambda _: pytest.fail("the key was read"))
    forget(folder, hidden)
    assert all(hidden not in pl.read_parquet(p).write_ndjson() for p in folder.rglob("*.parquet"))


def test_forgetting_twice_is_forgetting_once(made: Made) -> None:
    folder, _, key = made
    forget(folder, "mary_k42", key=key)
    first = {p: p.read_bytes() for p in folder.rglob("*.parquet")}
    again = forget(folder, "mary_k42", key=key)
    assert again.places.is_empty()
    assert {p: p.read_bytes() for p in folder.rglob("*.parquet")} == first


def test_a_name_like_a_word_is_found_as_a_word_alone(tmp_path: Path) -> None:
    """Ids kept as they are: ada goes, and whoever was in Canada stays."""
    path = tmp_path / "p.csv"
    path.write_text("who,body\nada,one post of mine here\nbob,canada is wide and cold\ncid,so said Ada yesterday\n")
    with workspace(tmp_path / "w", system="s", keywords={}) as work:
        work.society("society", table, path, person="who", text="body", keep_ids="a test")
    forget(tmp_path / "w", "ada", key=bytes(32))
    posts = pl.read_parquet(tmp_path / "w/steps/society/posts.parquet")
    assert posts["person"].to_list() == ["bob"]


def test_what_cannot_be_done_is_said(made: Made, tmp_path: Path) -> None:
    folder, _, key = made
    with pytest.raises(InputError, match="holds nobody of that name"):
        forget(folder, "nobody_99", key=key)
    assert not (folder / "forgotten.json").exists()
    with pytest.raises(InputError, match="nobody is named"):
        forget(folder, " ", key=key)
    with pytest.raises(WorkspaceError, match=r"no run\.json"):
        forget(tmp_path, "mary_k42", key=key)
    with held(folder), pytest.raises(WorkspaceError, match="another process"):
        forget(folder, "mary_k42", key=key)
    (folder / "forgotten.json").write_text("{")
    with pytest.raises(WorkspaceError, match="is torn"):
        forget(folder, "mary_k42", key=key)
    (folder / "forgotten.json").unlink()
    (folder / "journal.sqlite").write_bytes(b"no journal at all" * 99)
    with pytest.raises(WorkspaceError, match=r"journal\.sqlite is torn"):
        forget(folder, "mary_k42", key=key)


def test_a_person_with_no_words_leaves_models_alone(tmp_path: Path) -> None:
    """Who was only tied to, and said nothing, taught nobody."""
    path, ties = tmp_path / "p.csv", tmp_path / "t.csv"
    path.write_text("who,body\nann_1,one post of mine here\nbob_2,and another of my own\n")
    ties.write_text("a,b\nann_1,zoe_9\nann_1,bob_2\n")
    said: dict[str, Any] = {"person": "who", "text": "body", "ties": ties, "tie_source": "a", "tie_target": "b"}
    with workspace(tmp_path / "w", system="s", keywords={}) as work:
        society = work.society("society", table, path, key=tmp_path / "key", tie_kind="follow", **said)
        work.files("adapter", weights, society)
    found = done(forget(tmp_path / "w", "zoe_9", key=tmp_path / "key"))
    assert found == {"steps/society": "cut"}
    assert pl.read_parquet(tmp_path / "w/steps/society/ties.parquet").height == 1


def weights(society: Society, *, folder: Path) -> None:
    save_file({"w": np.zeros(3, dtype=np.float32)}, folder / "model.safetensors")


def test_who_was_forgotten_by_three_words_does_not_come_back_with_the_next(
    made: Made, left: Left, again: Again
) -> None:
    folder, path, key = made
    short = " ".join(RUN.split()[:3])
    forget(folder, "mary_k42", key=key, words=3)
    forget(folder, "user_1x", key=key)
    assert forgotten.read(folder).run == 3
    (folder / "steps/society/step.json").write_text("{}")
    with workspace(folder, system="s", keywords={}) as work:
        society = again(work, path, key)
    assert left(folder, key) == set()
    assert not society.posts["text"].str.to_lowercase().str.contains(short).any()
