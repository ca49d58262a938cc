"""A lens that is read is whole; one that is not says all that is wrong with it; this one is the paper's."""

from pathlib import Path

import pytest

from sociolect.errors import CardError
from sociolect.systems.lens import read

CELL = '[[cell]]\nid = "a"\ngroup = "g"\ntitle = "A"\nmeaning = "m"\nevidence = "paper"\nfilled_by = ["-x*"]\n'


def test_the_lens_has_the_paper_s_counts() -> None:
    """Abstract: 7 categories, 29 sub-categories, 8 measured; the categories' sizes are the dossier's list."""
    lens = read(Path(__file__).with_name("lens.toml"))
    assert lens.group_by("group", maintain_order=True).len()["len"].to_list() == [5, 6, 4, 4, 3, 3, 4]
    assert lens["measured_in_paper"].sum() == 8
    assert set(lens["evidence"]) == {"recalled"}


def test_a_cell_comes_back_as_it_was_written(tmp_path: Path) -> None:
    second = CELL.replace('"a"', '"b"') + "measured_in_paper = true\n"
    (path := tmp_path / "lens.toml").write_text(CELL + 'note = "n"\n\n' + second)
    assert read(path).rows() == [
        ("a", "g", "A", "m", "paper", ["-x*"], "n", False),
        ("b", "g", "A", "m", "paper", ["-x*"], None, True),
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
