"""A lens that is read is whole; one that is not says all that is wrong with it; this one is the paper's."""

import re
import tomllib
from pathlib import Path

import pytest

from sociolect.errors import CardError
from sociolect.measure.harm import scheme
from sociolect.systems import SYSTEMS
from sociolect.systems.lens import read

CELL = '[[cell]]\nid = "a"\ngroup = "g"\ntitle = "A"\nmeaning = "m"\nevidence = "paper"\nfilled_by = ["-x*"]\n'


def test_the_lens_has_the_paper_s_counts() -> None:
    """Abstract: 7 categories, 29 sub-categories, 8 measured; the categories' sizes are the dossier's list."""
    lens = read(Path(__file__).with_name("lens.toml"))
    assert lens.group_by("group", maintain_order=True).len()["len"].to_list() == [5, 6, 4, 4, 3, 3, 4]
    assert lens["measured_in_paper"].sum() == 8
    assert set(lens["evidence"]) == {"recalled"}


def spoken() -> set[str]:
    """Every text in the code of measures and systems, tests apart, every kind of request of items.toml, labels of harm.toml."""
    told = set(tomllib.loads(Path(__file__).with_name("items.toml").read_text())["requests"])
    told |= {label for task in scheme().tasks for label in (task.id, *task.counts)}
    for room in ("measure", "compare", "elicit", "systems"):
        for path in (SYSTEMS.parent / room).rglob("*.py"):
            if not path.name.startswith("test_"):
                told.update(re.findall(r'"([^"\n]*)"', path.read_text(encoding="utf-8")))
    return told


def test_every_name_that_fills_a_cell_is_measured_somewhere_or_invited() -> None:
    """A name is a text of the code, or a head (of `f"safe:{...}"`, say) with a tail that are."""
    told = spoken()
    heads = {t.split("{")[0] for t in told if "{" in t or t.endswith(":")} - {""}

    def measured(name: str) -> bool:
        tails = {name.removeprefix(head) for head in heads if name.startswith(head)} - {""}
        return any(t in told or all(part in told for part in t.split(":")) for t in {name} | tails)

    lens = read(Path(__file__).with_name("lens.toml"))
    named = {n.lstrip("-") for some in lens["filled_by"] for n in some}
    invited = {n.lstrip("-") for some in lens["invited"] for n in some}
    assert {n for n in named - invited if not measured(n)} == set()
    assert {n for n in invited if measured(n)} == set()
    assert not measured("normad:rigth")
    assert named > invited > set()


def test_a_cell_comes_back_as_it_was_written(tmp_path: Path) -> None:
    second = CELL.replace('"a"', '"b"') + "measured_in_paper = true\n"
    (path := tmp_path / "lens.toml").write_text(CELL + 'note = "n"\n\n' + second)
    assert read(path).rows() == [
        ("a", "g", "A", "m", "paper", ["-x*"], "n", False, []),
        ("b", "g", "A", "m", "paper", ["-x*"], None, True, []),
    ]


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    odd = CELL.replace('group = "g"\n', "").replace('["-x*"]', '"x"') + 'titel = "B"\nmeasured_in_paper = "yes"\n'
    (path := tmp_path / "lens.toml").write_text(CELL + odd)
    with pytest.raises(CardError) as error:
        read(path)
    for said in ("cell a: 'group' is missing", "'titel' is no key of a cell", "'filled_by' is no list of names",
                 "'measured_in_paper' is not true or false", "cell a stands twice"):  # fmt: skip
        assert said in str(error.value)


@pytest.mark.parametrize("text", ["", "cell = 3", "[[cell", "[[cell]]\nid = ''"])
def test_what_is_no_lens_is_refused(text: str, tmp_path: Path) -> None:
    (path := tmp_path / "lens.toml").write_text(text)
    with pytest.raises(CardError, match="is no lens"):
        read(path)
    with pytest.raises(CardError, match="is no lens"):
        read(tmp_path / "absent.toml")


def test_only_what_fills_a_cell_can_be_invited(tmp_path: Path) -> None:
    (path := tmp_path / "lens.toml").write_text(CELL + 'invited = ["-y"]\n')
    with pytest.raises(CardError, match="'invited' holds -y, not in 'filled_by'"):
        read(path)
    path.write_text(CELL + 'invited = ["-x*"]\n')
    assert read(path)["invited"].to_list() == [["-x*"]]
