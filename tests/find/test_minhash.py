"""Signatures: the estimate is at theory, and the bytes depend on names, hashes and seed alone."""

from hashlib import shake_256
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.find import minhash, set_pairs
from sociolect.find.minhash import Signatures, family, jaccard, signatures
from sociolect.find.set_pairs import Pairs
from sociolect.seeds import derive

MASK = 2**64 - 1


def _by_hand(name: str) -> int:
    """The 32 bits of a name, in Python's integers: splitmix64's finaliser over eight bytes at a time."""
    letters = name.encode()
    h = 0x9E3779B97F4A7C15 ^ len(letters)
    for at in range(0, len(letters), 8):
        h = (h ^ int.from_bytes(letters[at : at + 8], "little")) * 0xBF58476D1CE4E5B9 & MASK
        h ^= h >> 32
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & MASK
    h = (h ^ h >> 27) * 0x94D049BB133111EB & MASK
    return (h ^ h >> 31) >> 32


def _pairs(sets: dict[str, list[str]]) -> pl.DataFrame:
    rows = [(account, element) for account, elements in sets.items() for element in elements]
    return pl.DataFrame(rows, schema={"account": pl.String, "element": pl.String}, orient="row")


def _planted(shared: int, union: int, count: int, first: int = 0) -> pl.DataFrame:
    """`count` pairs of accounts, 2p and 2p + 1, that share `shared` of `union` elements; elements are numbered on."""
    pair, element = np.divmod(np.arange(count * union), union)
    left = (element < shared) | (element % 2 == 0)
    right = (element < shared) | (element % 2 == 1)
    ids = first + np.arange(count * union)
    account = np.concatenate([2 * pair[left], 2 * pair[right] + 1])
    names = pl.Series(account).cast(pl.String).str.zfill(7)
    return pl.DataFrame({"account": names, "element": np.concatenate([ids[left], ids[right]])})


def _errors(shared: int, union: int, count: int, hashes: int, first: int = 0) -> np.ndarray:
    """Estimate less truth, in standard errors, for each planted pair."""
    signed = signatures(_planted(shared, union, count, first), hashes=hashes)
    truth = shared / union
    at = np.arange(count) * 2
    return np.asarray((jaccard(signed, at, at + 1) - truth) / np.sqrt(truth * (1 - truth) / hashes))


def test_values_are_the_smallest_by_hand() -> None:
    sets = {
        "ann": ["x", "eight888", "nine99999", "", "Straße", "日本語のタグ"],
        "bob": ["x"],
        "": [str(2**63), "a" * 40],
    }
    drawn = shake_256(str(derive(7, "minhash")).encode()).digest(8 * 9)
    words = [int.from_bytes(drawn[i : i + 4], "little") for i in range(0, len(drawn), 4)]
    due = [
        [
            min(((a | 1) * _by_hand(e) + b) % 2**32 for e in sets[name])
            for a, b in zip(words[::2], words[1::2], strict=True)
        ]
        for name in sorted(sets)
    ]
    signed = signatures(_pairs(sets), hashes=9, seed=7)
    assert signed.values.tolist() == due
    assert signed.accounts.to_list() == ["", "ann", "bob"]
    assert signed.sizes.tolist() == [2, 6, 1]


def test_a_stored_family_gives_the_same_values_on_another_day() -> None:
    signed = signatures(pl.DataFrame({"account": ["a", "a"], "element": ["one", "another"]}), hashes=4)
    assert signed.values.tolist() == [[524662246, 551121439, 3169546351, 108540391]]


@pytest.mark.parametrize(
    ("shared", "union", "count", "hashes", "first"),
    [
        (1, 2, 2000, 1000, 0),
        (1, 3, 2000, 1000, 10**12),  # ids beyond 32 bits
        (3, 10, 2000, 1000, 0),
        (20, 200, 1000, 1000, 0),
        (100, 150, 1000, 1000, 0),
        (20, 200, 1000, 200, 0),
        (2, 6, 300, 8000, 0),  # hashes that are not independent of one another show here first
    ],
)
def test_the_error_is_at_theory(shared: int, union: int, count: int, hashes: int, first: int) -> None:
    errors = _errors(shared, union, count, hashes, first)
    # (a) of the dossier asks for 1.15 at most; far below 1 would be as wrong
    assert 0.87 < float(np.sqrt(np.mean(errors**2))) < 1.15
    assert abs(errors.mean()) < 3 / np.sqrt(count)


def test_large_sets_are_estimated_as_well() -> None:
    errors = _errors(20_000, 100_000, 4, 1000)
    assert np.abs(errors).max() < 3.5


def test_hashes_of_one_pair_vary_like_independent_ones() -> None:
    signed = signatures(_planted(3, 9, 1), hashes=40_000)
    equal = (signed.values[0] == signed.values[1]).reshape(40, 1000).mean(axis=1)
    # 40 means of 1,000: chi-squared with 39 degrees lies in 16.3 to 73.4 but for once in a thousand
    assert 16.3 < float(((equal - 1 / 3) ** 2).sum() / (2 / 9 / 1000)) < 73.4


def test_neither_order_nor_pieces_nor_threads_nor_types_change_a_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    pairs = pl.DataFrame({"account": rng.integers(0, 60, 900) * 7, "element": rng.integers(0, 300, 900)})
    due = signatures(pairs, hashes=37)
    names = pairs.with_columns(pl.all().cast(pl.String))
    shuffled = names.sample(fraction=1.0, shuffle=True, seed=1)
    shuffled.write_parquet(tmp_path / "pairs.parquet", row_group_size=100)
    ways: list[Pairs] = [names, shuffled, shuffled.lazy(), tmp_path / "pairs.parquet", str(tmp_path / "pairs.parquet")]
    ways.append(shuffled.with_columns(pl.col("element").cast(pl.Categorical)))
    for chunk, buffer, threads, rate in ((1 << 16, 1 << 20, 2, 1), (7, 16, 1, 10**12), (50, 64, 3, 0)):
        monkeypatch.setattr(set_pairs, "_SLICE", chunk + 3)
        monkeypatch.setattr(set_pairs, "_RATE", rate)  # slices that widen at once, or never
        monkeypatch.setattr(minhash, "_CHUNK", chunk)
        monkeypatch.setattr(minhash, "_BUFFER", buffer)
        monkeypatch.setattr(minhash, "workers", lambda threads=threads: threads)
        for way in ways:
            found = signatures(way, hashes=37)
            assert found.accounts.equals(due.accounts)
            assert found.values.tobytes() == due.values.tobytes()
            assert found.sizes.tolist() == due.sizes.tolist()


def test_a_file_is_read_in_slices_of_any_row_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = pl.DataFrame({"account": np.arange(500) % 30, "element": np.arange(500)})
    monkeypatch.setattr(set_pairs, "_SLICE", 37)
    for rate, wide in ((0, {37}), (10**12, {37, 74, 148, 241})):
        monkeypatch.setattr(set_pairs, "_RATE", rate)
        for group in (10, 200, 1000):
            pairs.write_parquet(tmp_path / "pairs.parquet", row_group_size=group)
            lazy = set_pairs.opened(tmp_path / "pairs.parquet")
            found = list(set_pairs.pieces(lazy, 1000, file=tmp_path / "pairs.parquet"))
            assert {part.height for part in found} - {500 % 37} == wide
            assert pl.concat(found).equals(pairs.select(pl.all().cast(pl.String)))


def test_a_file_written_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_pairs, "_SLICE", 100)
    path = tmp_path / "pairs.parquet"
    for rows in (500, 150, 90):
        pl.DataFrame({"account": np.arange(500), "element": "x"}).write_parquet(path)
        pieces = set_pairs.pieces(set_pairs.opened(path), 100, file=path)
        next(pieces)
        pl.DataFrame({"account": np.arange(rows), "element": "other"}).write_parquet(path)
        with pytest.raises(InputError, match="was written while it was read: sign it again"):
            list(pieces)


def test_many_accounts_outgrow_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minhash, "_CHUNK", 100)
    monkeypatch.setattr(minhash, "_BUFFER", 150)
    pairs = pl.DataFrame({"account": np.arange(5000)[::-1] % 4999, "element": np.arange(5000)})
    found = signatures(pairs, hashes=3)
    assert found.accounts.to_list() == sorted(str(i) for i in range(4999))
    assert found.sizes.sum() == 5000
    one = signatures(pairs.filter(pl.col("account") == 17), hashes=3)
    assert found.values[found.accounts.to_list().index("17")].tolist() == one.values[0].tolist()


@settings(max_examples=30, deadline=None)
@given(st.sets(st.text(max_size=12), min_size=1), st.sets(st.text(max_size=12), min_size=1), st.integers(0, 9))
def test_the_smallest_of_two_signatures_signs_the_union(a: set[str], b: set[str], seed: int) -> None:
    sets = {"a": sorted(a), "b": sorted(b), "union": sorted(a | b)}
    values = signatures(_pairs(sets), hashes=16, seed=seed).values
    assert np.minimum(values[0], values[1]).tolist() == values[2].tolist()


def test_repeats_are_counted_and_change_nothing() -> None:
    once = _pairs({"a": ["x", "y"], "b": ["y"]})
    twice = signatures(pl.concat([once, once]), hashes=8)
    assert twice.values.tolist() == signatures(once, hashes=8).values.tolist()
    assert twice.sizes.tolist() == [4, 2]


def test_fewer_hashes_are_the_first_of_more_and_seeds_differ() -> None:
    pairs = _pairs({"a": ["x", "y"]})
    assert signatures(pairs, hashes=5).values.tolist() == signatures(pairs, hashes=50).values[:, :5].tolist()
    assert not (signatures(pairs, hashes=50).values == signatures(pairs, hashes=50, seed=1).values).any()
    assert (family(1000, 4)[0] % 2 == 1).all()


def test_half_equal_signatures_are_half_alike() -> None:
    # SciPy's jaccard on integers takes them for booleans and finds a distance of 0
    half = np.array([[1, 2, 3, 4], [1, 2, 5, 6]], dtype=np.uint32)
    signed = Signatures(pl.Series(["a", "b"]), half, np.array([4, 4]), 0)
    assert jaccard(signed, 0, [0, 1]).tolist() == [1.0, 0.5]
    with pytest.raises(UsageError, match="rows reach from 0 to 2, due 0 to 1"):
        jaccard(signed, 0, 2)


def test_elements_of_too_many_accounts_are_left_out_and_counted() -> None:
    sets = {"a": ["all", "x"], "b": ["all", "x"], "c": ["all", "all", "y", "y", "y"], "d": ["all"]}
    signed = signatures(_pairs(sets), hashes=8, cap=3)
    assert signed.accounts.to_list() == ["a", "b", "c"]
    assert signed.values.tolist() == signatures(_pairs({"a": ["x"], "b": ["x"], "c": ["y"]}), hashes=8).values.tolist()
    assert signed.set_aside.rows() == [
        ("element that more than 3 accounts have", 1, "all", "raise cap"),
        ("account with no other element", 1, "d", "raise cap"),
    ]
    assert signatures(_pairs(sets), hashes=8, cap=4).set_aside.is_empty()
    with pytest.raises(RefusedError, match="cap=1 left out every element"):
        signatures(_pairs({"a": ["x"], "b": ["x"]}), cap=1)


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    good = _pairs({"a": ["x"]})
    with pytest.raises(UsageError, match="hashes=0: due is 1 or more; cap=0: due is 1 or more, or None"):
        signatures(good, hashes=0, cap=0)
    with pytest.raises(RefusedError, match="there are no pairs"):
        signatures(good.clear())
    for way in (_holes(), _holes().lazy()):
        with pytest.raises(InputError, match="column 'account' is null in 1 row; column 'element' is null in 2 rows"):
            signatures(way)
    with pytest.raises(InputError, match="'account' is missing; column 'element' is Float64, not String"):
        signatures(pl.DataFrame({"element": [1.5]}))
    with pytest.raises(InputError, match="there is no parquet file"):
        signatures(tmp_path / "none.parquet")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="torn.parquet cannot be read as parquet"):
        signatures(tmp_path / "torn.parquet")
    good.write_parquet(tmp_path / "cut.parquet")
    whole = (tmp_path / "cut.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cut.parquet cannot be read as parquet"):
        signatures(tmp_path / "cut.parquet")


def _holes() -> pl.DataFrame:
    return pl.DataFrame({"account": ["a", None, "c"], "element": [None, "x", None]})
