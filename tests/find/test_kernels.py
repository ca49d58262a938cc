"""Compiled kernels are kept on disk, and no process writes its code where another looks for its own."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = """
from sociolect.find.kernels import kernel

@kernel
def doubled(x):
    return 2 * x
"""


def imported(path: Path) -> ModuleType:
    spec = spec_from_file_location("doubling", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_that_compile_at_once_keep_their_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "doubling.py").write_text(SOURCE)
    one, other = imported(tmp_path / "doubling.py").doubled, imported(tmp_path / "doubling.py").doubled
    # as if both had read the index before either wrote it
    monkeypatch.setattr(other._cache._cache_file, "_load_index", dict)
    assert (one(1.5), other(3)) == (3.0, 6)
    assert len(list(tmp_path.rglob("*.nbc"))) == 2, "neither writes over the other's"
    again = imported(tmp_path / "doubling.py").doubled
    assert again(3) == 6
    assert sum(again.stats.cache_hits.values()) == 1
