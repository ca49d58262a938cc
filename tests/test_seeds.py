"""Named substreams: one root seed, no two parts alike."""

import os
import subprocess
import sys
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sociolect.seeds import derive, substream

NAMES = st.lists(st.one_of(st.integers(0, 99), st.text("abc", max_size=3)), max_size=3)


def test_a_seed_is_the_first_63_bits_of_a_sha256() -> None:
    # printf '1\x1fsplit' | sha256sum begins with 075685c15d870793 in hexadecimal
    assert derive(1, "split") == 0x075685C15D870793 >> 1


def test_names_split_otherwise_are_other_names() -> None:
    said = [("ab",), ("a", "b"), ("", "ab"), ("ab", ""), ("b", "a"), (), ("",), (1, 2), (12,), (1, 2, 0)]
    assert len({derive(0, *names) for names in said}) == len(said)
    assert derive(1, 23) != derive(12, 3)


@given(st.integers(), NAMES)
def test_a_seed_fits_where_seeds_go(seed: int, names: list[str | int]) -> None:
    assert 0 <= derive(seed, *names) < 2**63


def test_substreams_are_not_correlated() -> None:
    draws = [substream(7, "part", i).standard_normal(4000) for i in range(6)]
    # 4,000 independent pairs: a correlation beyond .08 comes once in two million
    assert all(abs(np.corrcoef(x, y)[0, 1]) < 0.08 for x, y in combinations(draws, 2))


def test_the_hash_seed_of_python_changes_nothing() -> None:
    told = "from sociolect.seeds import derive; print(derive(3, 'a', 1))"
    said = {
        subprocess.run(
            [sys.executable, "-c", told], env=os.environ | {"PYTHONHASHSEED": h}, capture_output=True, check=True
        ).stdout
        for h in ("0", "1")
    }
    assert said == {f"{derive(3, 'a', 1)}\n".encode()}
