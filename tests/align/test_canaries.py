import polars as pl
import pytest

from sociolect import frames
from sociolect.align.canaries import canaries, sown, with_canaries
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Examples
from sociolect.text import words


def examples(sizes: dict[str, int]) -> Examples:
    rows = [
        (c, f"{c} asks {i % 3}", f"{c} said {i}", f"{c}{i}", f"t{i % 3}") for c, n in sizes.items() for i in range(n)
    ]
    return frames.examples(pl.DataFrame(rows, schema=["community", "prompt", "reply", "post", "topic"], orient="row"))


def test_every_secret_and_candidate_is_unique_and_made_alike() -> None:
    made = canaries(60, candidates=40, seed=1)
    everything = [*made["secret"], *made["candidates"].explode()]
    assert len(set(everything)) == 60 * 41
    assert {len(words(s)) for s in everything} == {3}
    assert {len(s) for s in everything} == {20}  # three words of six letters: no length gives the secret away
    assert made.select(pl.col("text").str.ends_with(pl.col("secret")).all()).item()
    assert canaries(5, candidates=40, seed=1).equals(made.head(5))
    assert not set(canaries(60, candidates=1, seed=2)["secret"]) & set(everything)


def test_canaries_are_dealt_evenly_and_repeat_as_told() -> None:
    told, made = examples({"red": 20, "blue": 30, "green": 5}), canaries(36, candidates=2)
    full = with_canaries(told, made, repeats=(0, 1, 4, 16), seed=3)
    assert full.head(55).drop("canary").equals(told)
    assert full.head(55)["canary"].null_count() == 55
    held = sown(full)
    assert held.group_by("community").len()["len"].to_list() == [9, 9, 9]
    assert sorted(held["repeats"].to_list()) == [1] * 9 + [4] * 9 + [16] * 9
    assert held["canary"].n_unique() == 27  # nine were dealt 0 repeats; none stands in two communities
    new = full.tail(full.height - 55)
    assert new.select(pl.col("prompt").str.starts_with(pl.col("community")).all()).item()
    assert new.select((pl.col("prompt").str.tail(1) == pl.col("topic").str.tail(1)).all()).item()
    assert new["post"].null_count() == new.height
    said = dict(made.select("canary", "text").iter_rows())
    assert [said[c] for c in new["canary"]] == new["reply"].to_list()


def test_communities_and_repeats_are_crossed() -> None:
    full = with_canaries(examples({"red": 9, "blue": 9}), canaries(16, candidates=1), repeats=(1, 2, 3, 4), seed=1)
    cells = sown(full).group_by("community", "repeats").len().sort("community", "repeats")
    assert cells.rows() == [(c, k, 2) for c in ("blue", "red") for k in (1, 2, 3, 4)]


def test_row_order_changes_no_canary_and_the_seed_does() -> None:
    told, made = examples({"red": 20, "blue": 30}), canaries(10, candidates=2)
    planted = with_canaries(told, made, repeats=3, seed=1).tail(30)
    turned = with_canaries(frames.examples(told.reverse()), made.reverse(), repeats=3, seed=1).tail(30)
    assert planted.equals(turned)
    assert not planted.equals(with_canaries(told, made, repeats=3, seed=2).tail(30))
    assert sown(with_canaries(told, made, repeats=3, seed=1))["repeats"].to_list() == [3] * 10


def test_refused() -> None:
    told, made = examples({"red": 2}), canaries(2, candidates=2)
    with pytest.raises(UsageError, match="n=0"):
        canaries(0)
    with pytest.raises(UsageError, match="repeats=-1"):
        with_canaries(told, made, repeats=-1)
    with pytest.raises(InputError, match="planted once"):
        with_canaries(with_canaries(told, made), made)
    with pytest.raises(RefusedError, match="no examples"):
        with_canaries(frames.examples(told.clear()), made)
    with pytest.raises(InputError, match="no column 'canary'"):
        sown(told)
