"""A measure as it is told to another process: what it is known by, and what is opened there."""

import importlib.util
import pickle
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sociolect.cluster.folders import Parcel
from sociolect.errors import UsageError
from sociolect.measure.opened import identity, name, opened, pickled, ready, sent
from sociolect.measure.tone import tone
from sociolect.measure.toxicity import toxicity


@dataclass(frozen=True, eq=False)
class Weights:
    """A reader that has no fingerprint."""

    held: Any

    def measure(self) -> None: ...


def listed(folder: Path, *, inside: Any = None) -> tuple[list[str], Any]:
    return sorted(p.name for p in folder.iterdir()), inside


def test_a_measure_is_known_by_its_function_and_by_what_its_files_hold(tmp_path: Path) -> None:
    for folder, said in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "w").write_text(said)
    a, b, c = (identity(partial(tone, reader=opened(listed, tmp_path / folder))) for folder in "abc")
    assert a == b != c
    assert identity(partial(toxicity, reader=opened(listed, tmp_path / "a"))) != a
    assert identity(partial(tone, reader=opened(name, tmp_path / "a"))) != a
    assert identity(partial(tone, reader=opened(listed, tmp_path / "a", inside=1))) != a


def test_what_has_no_fingerprint_is_known_by_its_pickle() -> None:
    one, same, other = (Weights(np.array([k])) for k in (1, 1, 2))
    with_reader: Any = partial(partial, tone)
    known = [identity(with_reader(reader=reader)) for reader in (one, same, other)]
    assert known[0] == known[1] != known[2]
    blind = [identity(with_reader(reader=reader), values=False) for reader in (one, other)]
    assert blind[0] == blind[1]
    assert identity(one.measure) != identity(other.measure)  # a method is its object too


def test_code_that_is_not_ours_counts(tmp_path: Path) -> None:
    def loaded(body: str) -> Any:
        (path := tmp_path / "own.py").write_text(f"def own(replies):\n    return {body}\n")
        spec = importlib.util.spec_from_file_location("own", path)
        assert spec
        assert spec.loader
        spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
        return module.own

    first = identity(loaded("1"))
    assert identity(loaded("1")) == first
    assert identity(loaded("2")) != first


def test_code_that_cannot_be_seen_is_refused() -> None:
    exec("def typed(replies): return replies", told := {"__name__": "__main__"})
    with pytest.raises(UsageError, match="the code of __main__.typed cannot be read: put it in a file"):
        identity(told["typed"])


def test_a_folder_is_sent_and_readers_inside_readers_are_opened(tmp_path: Path) -> None:
    (tmp_path / "w").write_text("1")
    measure = partial(tone, reader=opened(listed, tmp_path, inside=[opened(listed, tmp_path)]))
    told = sent(measure)
    assert isinstance(told.keywords["reader"].said[0], Parcel)
    there = ready(pickle.loads(pickled(told)))
    assert there.func is tone
    assert there.keywords == {"reader": (["w"], [(["w"], None)])}
    assert identity(told) == identity(pickle.loads(pickled(told)))


@pytest.mark.parametrize("measure", [partial(listed, inside=lambda: 1), lambda replies: replies])
def test_what_cannot_be_sent_is_one_line(measure: Any) -> None:
    with pytest.raises(UsageError, match=r"cannot be sent to another process \(.*\): due is a function of a module"):
        pickled(measure)
