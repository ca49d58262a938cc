"""The guards of the architecture: short, and about the whole tree."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sociolect import docs
from sociolect.systems import SHELVES, SYSTEMS, VERBS, Card, catalog

ROOT = SYSTEMS.parent
REPOSITORY = ROOT.parents[1]
FLOORS = [
    {"errors", "points", "seeds", "settle", "text", "tones"},
    {
        "cluster",
        "fingerprint",
        "forgotten",
        "frames",
        "models",
        "provenance",
        "record",
        "report",
        "traces",
        "workspace",
    },
    set(VERBS),
    {"systems"},
    {"arguments", "cli", "docs", "explore", "keep"},
]
FLOOR = {room: n for n, rooms in enumerate(FLOORS) for room in rooms}


def sources() -> list[Path]:
    return [p for p in sorted(ROOT.rglob("*.py")) if not p.name.startswith("test_")]


def imported(path: Path) -> Iterator[tuple[str, ...]]:
    """What a file imports of this package, as parts below `sociolect`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "sociolect":
            inside = node.module.split(".")[1:]
            for name in node.names:
                yield tuple(inside) if inside else (name.name,)
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name.startswith("sociolect."):
                    yield tuple(name.name.split(".")[1:])


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_only_down(path: Path) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts == ("__init__",):
        return
    for other in imported(path):
        if other[0] == "__version__":
            continue
        if other[0] != parts[0]:
            assert FLOOR[other[0]] <= FLOOR[parts[0]], f"imports {'.'.join(other)}, a floor above"
            assert not (other[0] in VERBS and parts[0] in VERBS), f"a verb imports the verb {other[0]}"
        elif parts[0] == "systems" and len(parts) > 3 and len(other) > 1 and other[1] in SHELVES:
            assert other[1:3] == parts[1:3], f"leans on a sibling, {'.'.join(other)}"


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


def test_every_module_imports_light() -> None:
    """Importing the whole package, every module of it, imports neither torch nor transformers."""
    names = [
        ".".join(("sociolect", *p.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__") for p in sources()
    ]
    heavy = "{'torch', 'transformers', 'peft', 'sklearn', 'igraph', 'inspect_ai', 'ray', 'vllm'}"
    said = f"import sys, importlib; [importlib.import_module(n) for n in {names!r}]; print(sorted({heavy} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_import_touches_no_disk(tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    subprocess.run(
        [sys.executable, "-c", "import sociolect.cli"],
        cwd=tmp_path,
        check=True,
        env={"HOME": str(tmp_path), "PATH": ""},
    )
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("card", catalog().values(), ids=lambda c: c.slug)
def test_every_card_reads_and_every_folder_is_whole(card: Card) -> None:
    folder = SYSTEMS / card.shelf / card.slug
    assert (folder / "README.md").read_text().startswith("# ")
    assert list(folder.glob("test_*.py")), "a system has its test inside"
    assert "size" in card.keywords
    assert card.title
    assert card.paper


def test_generated_pages_are_fresh() -> None:
    for name, text in docs.pages().items():
        assert (REPOSITORY / "docs" / name).read_text() == text, f"docs/{name} is stale: run make docs"


def test_the_readme_lists_every_file_with_its_own_first_line() -> None:
    said = (REPOSITORY / "README.md").read_text()
    assert docs.readme(said) == said, "the README's list of files is stale: run make docs"
    rooms = [p for p in sources() if p.name != "__init__.py"]
    assert [str(p.relative_to(ROOT)) for p in rooms if f"`{p.relative_to(ROOT)}`" not in said] == []


def test_the_readme_s_page_of_code_runs(tmp_path: Path) -> None:
    """It makes its page, and what it prints there holds: posts in the prompt make a model sound like its community."""
    code = (REPOSITORY / "README.md").read_text().split("```python\n")[1].split("```")[0]
    check = "\nrow = effects.filter(measure='macro_f1', contrast='in_context - base').row(0, named=True)\nassert row['low'] > 0, row"
    subprocess.run([sys.executable, "-c", code + check], cwd=tmp_path, check=True)
    assert "<h1>" in (tmp_path / "page.html").read_text()
