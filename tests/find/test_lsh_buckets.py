"""Buckets: who meets whom is what the bands say, and as often as theory says."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.errors import InputError, UsageError
from sociolect.find import lsh_buckets as module
from sociolect.find.lsh import index
from sociolect.find.lsh_buckets import Index, buckets, width
from sociolect.find.minhash import Signatures, signatures


def _signed(values: np.ndarray, seed: int = 0) -> Signatures:
    names = pl.Series("account", [f"p{i:05}" for i in range(len(values))], dtype=pl.String)
    return Signatures(names, values.astype(np.uint32), np.ones(len(values), dtype=np.int64), seed)


def _planted(shared: int, count: int) -> pl.DataFrame:
    """Pairs of accounts 2p and 2p + 1 that share `shared` of 100 elements, and nothing with others."""
    pair, element = np.divmod(np.arange(count * 100), 100)
    left = (element < shared) | (element % 2 == 0)
    right = (element < shared) | (element % 2 == 1)
    account = np.concatenate([2 * pair[left], 2 * pair[right] + 1])
    ids = np.arange(count * 100)
    names = pl.Series(account).cast(pl.String).str.zfill(6)
    return pl.DataFrame({"account": names, "element": np.concatenate([ids[left], ids[right]])})


@pytest.mark.parametrize(
    ("hashes", "bands", "shared"),
    [
        *((1000, 500, percent) for percent in (1, 2, 3, 5, 8)),
        *((200, 50, percent) for percent in (20, 30, 40, 50, 60)),
    ],
)
def test_accounts_meet_as_often_as_theory_says(hashes: int, bands: int, shared: int) -> None:
    count = 600
    made = index(signatures(_planted(shared, count), hashes=hashes, seed=3), bands=bands)
    together = sum(2 * p + 1 in made.candidates(2 * p) for p in range(count))
    # (b) of the dossier, with every pair on elements of its own
    rate = 1 - (1 - (shared / 100) ** (hashes // bands)) ** bands
    assert abs(together - count * rate) <= 3 * np.sqrt(count * rate * (1 - rate)) + 1e-9


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.sampled_from([(6, 1), (6, 2), (6, 3), (6, 6)]), st.integers(2, 5), st.data())
def test_candidates_are_all_rows_with_an_equal_band(
    n: int, cut: tuple[int, int], letters: int, data: st.DataObject
) -> None:
    hashes, bands = cut
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    values = rng.integers(0, letters, (n, hashes))
    asked = data.draw(st.lists(st.integers(0, n - 1), max_size=3))
    made = index(_signed(values), bands=bands)
    cells = values.reshape(n, bands, -1)
    equal = (
        (cells[:, None] == cells[None, asked]).all(axis=3).any(axis=2).any(axis=1) if asked else np.zeros(n, dtype=bool)
    )
    assert made.candidates(asked).tolist() == np.flatnonzero(equal).tolist()


def test_keys_are_sorted_and_nobody_is_in_a_bucket_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(0, 300, (2000, 24))
    found = buckets(values.astype(np.uint32), 12)
    starts, keys, rows = found
    kept = 0
    for band in range(12):
        mine, theirs = keys[starts[band] : starts[band + 1]], rows[starts[band] : starts[band + 1]]
        order = np.lexsort((theirs, mine))
        assert order.tolist() == list(range(mine.size))
        assert mine.size == 0 or np.unique(mine, return_counts=True)[1].min() >= 2
        pair = values[:, 2 * band] * 1000 + values[:, 2 * band + 1]
        _, place, count = np.unique(pair, return_inverse=True, return_counts=True)
        assert sorted(theirs.tolist()) == np.flatnonzero(count[place] >= 2).tolist()
        kept += mine.size
    assert kept == keys.size == rows.size > 0
    for some, threads in ((1, 1), (6, 5)):
        monkeypatch.setattr(module, "_AT_ONCE", some)
        monkeypatch.setattr(module, "workers", lambda threads=threads: threads)
        again = buckets(values.astype(np.uint32), 12)
        assert [part.tolist() for part in again] == [part.tolist() for part in found]


def test_bands_that_do_not_fit_name_some_that_do() -> None:
    assert width(1000, 500) == 2
    with pytest.raises(UsageError, match="1000 hashes do not go into 300 bands of equal width; bands=250 would do"):
        width(1000, 300)
    with pytest.raises(UsageError, match="bands=0: due is 1 or more"):
        index(_signed(np.zeros((2, 4))), bands=0)
    with pytest.raises(UsageError, match="4 hashes do not go into 5 bands of equal width; bands=4 would do"):
        index(_signed(np.zeros((2, 4))), bands=5)


def _small() -> Index:
    rows = {"account": ["anna", "anna", "bob", "bob", "cara"], "element": ["x", "y", "x", "y", "z"]}
    return index(signatures(pl.DataFrame(rows), hashes=20), bands=10)


def test_accounts_are_found_by_name_or_named() -> None:
    made = _small()
    assert made.rows_of(["cara", "anna", "cara"]).tolist() == [2, 0, 2]
    assert made.rows_of([]).tolist() == []
    with pytest.raises(
        UsageError, match="no account 'ana' in the index; did you mean 'anna'[?]; no account 'zzz' in the index$"
    ):
        made.rows_of(["ana", "bob", "zzz"])
    with pytest.raises(UsageError, match="no account 'q4' in the index; and 3 more"):
        made.rows_of([f"q{i}" for i in range(8)])
    with pytest.raises(UsageError, match="1 of 2 accounts are null"):
        made.rows_of(["bob", None])  # type: ignore[list-item]  # what a frame may hold
    for rows in ([3], [-1], [0, 7]):
        with pytest.raises(UsageError, match="the index has rows 0 to 2"):
            made.candidates(rows)


def test_outsiders_ask_with_signatures_of_the_same_family() -> None:
    made = _small()
    stranger = pl.DataFrame({"account": ["new", "new"], "element": ["x", "y"]})
    assert made.candidates_of(signatures(stranger, hashes=20)).tolist() == [0, 1]
    assert made.candidates_of(signatures(stranger.with_columns(element=pl.lit("q")), hashes=20)).tolist() == []
    with pytest.raises(InputError, match="hashes=40 where the index has hashes=20, seed=1 where the index has seed=0"):
        made.candidates_of(signatures(stranger, hashes=40, seed=1))
