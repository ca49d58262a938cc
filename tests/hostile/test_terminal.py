"""The command in front of hostile files, names, keywords and values: one line, an exit code, and nothing that a terminal obeys."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from sociolect.cli import ended
from sociolect.load.hostile import hostile, storable

BIDI = set("\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
OBEYED = {chr(c) for c in (*range(0x20), *range(0x7F, 0xA0))} - set("\t\n")
SAID = [h.text for h in hostile("ansi", "bidi", "invisible", "path", "template", "parser", "xss") if len(h.text) <= 400]
NAMED = [t for t in SAID if "\0" not in t and not any("\ud800" <= c <= "\udfff" for c in t)]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # type: ignore[no-untyped-def]  # a fixture of a function
    """Runs the command in an empty folder; the exit code and all it said, of which a terminal obeys nothing."""
    monkeypatch.chdir(tmp_path)
    # the plan times this machine, which takes seconds and reads nothing hostile
    monkeypatch.setattr("sociolect.cli.run._planned", lambda *_: {})

    def run(*words: str, most: int | None = None) -> tuple[int, str]:
        code = ended(words)
        out, err = capsys.readouterr()
        assert not set(out + err) & (OBEYED | BIDI), ascii(words)
        assert "Traceback" not in err, ascii(words)
        assert most is None or len(err.splitlines()) <= most, ascii(words)
        return code, out + err

    return run


def wrong(said: str) -> Sequence[Sequence[str]]:
    return [
        ["run", said],
        ["run", f"{said}.toml"],
        ["run", "community_fidelity", f"--{said}", "x"],
        ["run", "community_fidelity", "--seed", said],
        ["run", "community_fidelity", "--ablate", said],
        ["run", "community_fidelity", "--size", said],
        ["explore", said],
        ["guess", said],
        [said],
    ]


@pytest.mark.parametrize("place", range(9))
def test_wrong_words_are_one_line_that_a_terminal_does_not_obey(told, place: int) -> None:  # type: ignore[no-untyped-def]  # the fixture above
    for said in NAMED[place::9]:
        words = wrong(said)[place]
        if words[-1] in {"--help", "guess"}:
            continue
        code, _ = told(*words, most=1)
        assert code in {2, 3, 7}, ascii(words)
        told(*words, "--json")


def posts(path: Path, rows: int = 1) -> Path:
    """The collection as posts, authors and communities: each name some posts."""
    said = [h.text for h in storable() if len(h.text) <= 400]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "author", "body", "group", "\x1b[31mred", "\u202eevil"])
        for i, text in enumerate(said * rows):
            name = said[i % 40]
            table.writerow([i, f"{name}{i % 7}", text, name, text, i])
    return path


def test_hostile_posts_names_and_communities_end_in_words(told, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # the fixture above
    file = posts(tmp_path / "posts.csv")
    code, said = told("guess", str(file))
    assert code == 0
    assert "author" in said
    columns = "post=id,person=author,text=body,community=group"
    common = ["run", "community_fidelity", "--posts", str(file), "--finder", "declared", "--keep-ids", "a test"]
    code, said = told(*common, "--columns", columns.replace("group", "\x1b[31mgroup\u202e"), "--out", "made")
    assert code in {2, 3}
    assert "[31mgroup" in said
    code, said = told(*common, "--columns", columns, "--only", "\x1b[31mnobody\u202e", "--out", "made")
    assert code in {2, 3, 5}


def test_a_hostile_file_name_is_a_name(told, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # the fixture above
    for name in ("\x1b[31mred.csv", "\u202evsc.txt", "a\nb.csv", "$(id).csv", "-rf.csv"):
        (tmp_path / name).write_text("id,text\n1,tea\n")
        told("guess", str(tmp_path / name))
    path = str(tmp_path / "\x1b[31mred.csv")
    told("run", "community_fidelity", "--posts", path, "--columns", "text=nothing", "--out", "made", most=3)
