"""Bad posts, brought to the main job by its own command: one clear line and an exit code, and nothing written before is lost."""

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sociolect import cli

COLUMNS = "post=id,person=who,text=body,parent=to,time=at,community=place"
Write = Callable[[Path], Path]


def lines(rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join([",".join(("id", "who", "body", "to", "at", "place")), *(",".join(r) for r in rows)]) + "\n"


def society(
    places: dict[str, int], *, ties: bool = False, people_in: dict[str, int] | None = None
) -> list[tuple[str, ...]]:
    """So many posts in each place, each person writing two; with ties each answers the one before."""
    rows: list[tuple[str, ...]] = []
    for place, count in places.items():
        crowd = (people_in or {}).get(place, max(1, count // 2))
        for i in range(count):
            to = rows[-1][0] if ties and rows and rows[-1][5] == place else ""
            at = f"2025-01-{1 + i % 28:02}T10:00:00"
            rows.append(
                (f"{place}{i}", f"{place}-{i % crowd}", f"{place} word{i} said number {i} again", to, at, place)
            )
    return rows


def plain(rows: Sequence[tuple[str, ...]]) -> Write:
    def write(folder: Path) -> Path:
        path = folder / "posts.csv"
        path.write_text(lines(rows))
        return path

    return write


def cut(folder: Path) -> Path:
    path = folder / "posts.csv.gz"
    path.write_bytes(gzip.compress(lines(society({"red": 4000})).encode())[:-2000])
    return path


def nothing(folder: Path) -> Path:
    return folder / "pots.csv"


TWO = society({"red": 60, "blue": 60})
CASES = {
    "no such file": (nothing, [], 3, "pots.csv"),
    "a truncated gzip": (cut, [], 3, "posts.csv.gz"),
    "a missing column": (plain(TWO), ["--columns", COLUMNS.replace("body", "boddy")], 3, "body"),
    "a column nobody said": (plain(TWO), ["--columns", "post=id,person=who"], 3, "text"),
    "no ties at all": (plain(TWO), ["--network", "reply", "--columns", COLUMNS.replace("parent=to,", "")], 5, "ties"),
    "one community only": (plain(society({"red": 120})), ["--finder", "declared"], 5, "two or more"),
    "a community of three people": (
        plain(society({"red": 120, "blue": 120}, people_in={"blue": 3})), ["--finder", "declared"], 5, "fewer than 10 people",
    ),
    "no authors and no time": (
        plain(TWO), ["--anonymous", "--finder", "declared", "--columns", "post=id,text=body,community=place"], 5, "--split time",
    ),
    "a time split without times": (
        plain(TWO), ["--split", "time", "--columns", COLUMNS.replace("time=at,", ""), "--finder", "declared"], 5, "no time",
    ),
    "an unknown role": (plain(TWO), ["--columns", "post=id,persn=who,text=body"], 2, "did you mean 'person'?"),
    "a base without weights": (plain(TWO), ["--base", "openai/some-model"], 2, "fine-tunes its base"),
    "an unknown community": (plain(TWO), ["--finder", "declared", "--only", "mauve"], 2, "mauve"),
    "a kind of tie nobody has": (plain(TWO), ["--network", "follows"], 2, "follows"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_posts_end_with_one_clear_line(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write, more, code, told = CASES[case]
    monkeypatch.setenv("SOCIOLECT_KEY_FILE", str(tmp_path / "key"))
    earlier = tmp_path / "run" / "report.html"
    earlier.parent.mkdir()
    earlier.write_text("an earlier page")
    words = [
        "run",
        "community_fidelity",
        "--posts",
        str(write(tmp_path)),
        "--columns",
        COLUMNS,
        "--out",
        str(earlier.parent),
    ]
    if "--columns" in more:
        words = [w for w in words if w not in ("--columns", COLUMNS)]
    assert cli.ended([*words, *more]) == code
    (last,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("step ")]
    assert last.startswith("error: ")
    assert told in last
    assert earlier.read_text() == "an earlier page"
