"""The generated pages say what the code says."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from sociolect import docs, systems
from sociolect.cli import ended
from sociolect.frames import SHAPES, Column, Shape


def test_every_column_of_every_frame_is_told() -> None:
    page = docs.pages()["frames.md"]
    for name, shape in SHAPES.items():
        part = page.split(f"## {name}\n")[1].split("\n## ")[0]
        rows = [line.split(" | ") for line in part.splitlines() if line.startswith("| `")]
        assert [(r[0], r[1], r[3]) for r in rows] == [
            (f"| `{c}`", str(col.dtype), f"{'yes' if col.null else 'no'} |") for c, col in shape.columns.items()
        ]


def test_a_frame_without_a_key_claims_none() -> None:
    part = docs.frames().split("## examples\n")[1].split("\n## ")[0]
    assert "No two rows share" not in part
    assert "No two rows share `person`." in docs.frames()


@pytest.fixture
def widened(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def widen() -> None:
        old = SHAPES["people"]
        columns = {**old.columns, "shoe": Column(pl.Int64(), "the size of a shoe", null=True)}
        monkeypatch.setitem(SHAPES, "people", Shape(old.row, columns, old.often, old.key))

    return widen


def test_a_new_column_makes_the_page_stale_until_it_is_written(
    widened: Callable[[], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "docs")]
    assert ended(["docs", *out]) == 0
    assert ended(["docs", "--check", *out]) == 0
    before = (tmp_path / "docs" / "frames.md").read_text()
    widened()
    capsys.readouterr()
    assert ended(["docs", "--check", *out]) == 1
    assert capsys.readouterr().out == "stale: frames.md\n"
    assert (tmp_path / "docs" / "frames.md").read_text() == before, "a check writes nothing"
    assert ended(["docs", *out]) == 0
    assert "| `shoe` | Int64 | the size of a shoe | yes |" in (tmp_path / "docs" / "frames.md").read_text()
    assert ended(["docs", "--check", *out]) == 0


def test_every_keyword_and_every_claim_is_told() -> None:
    page = docs.pages()["systems.md"]
    for card in systems.catalog().values():
        part = page.split(f"\n## {card.slug}\n")[1].split("\n## ")[0]
        assert f"| {card.shelf} | [{card.slug}](#{card.slug}) | {card.title} | {card.paper} |" in page
        assert (Path(docs.__file__).parents[2] / "docs" / part.split("](")[1].split(")")[0]).is_file()
        assert all(f"| `--{k.replace('_', '-')}` |" in part for k in card.keywords)
        assert all(claim.what in part for claim in card.claims)
        assert "| `--size` | `tiny` | `tiny`, `small`, `full` |" in part
