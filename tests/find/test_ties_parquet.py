from pathlib import Path

import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError, UsageError
from sociolect.find.consensus import consensus
from sociolect.find.graph import graph
from sociolect.find.leiden import leiden
from sociolect.find.quality import modularity
from sociolect.find.structure import null, structure
from sociolect.load.planted import planted


def test_a_parquet_file_gives_the_network_of_its_frame(tmp_path: Path) -> None:
    world = planted(people=200, communities=4, seed=1)
    path = tmp_path / "ties.parquet"
    world.ties.sample(fraction=1, shuffle=True, seed=2).write_parquet(path, row_group_size=50)
    for kinds in (None, "reply"):
        here, there = graph(path, kinds=kinds), graph(world.ties, kinds=kinds)
        assert here.persons.equals(there.persons)
        assert [x.tobytes() for x in here[1:]] == [x.tobytes() for x in there[1:]]
    assert leiden(graph(path), seed=3).equals(leiden(world, seed=3))
    assert leiden(graph(pl.scan_parquet(path)), seed=3).equals(leiden(world, seed=3))


def test_a_network_stands_for_its_society() -> None:
    world = planted(people=200, communities=4, mixing=0.4, seed=1)
    world = type(world)(world.people, world.posts, frames.ties(world.ties.with_columns(weight=pl.col("weight").ceil())))
    net = graph(world.ties)
    # with four seeds and whole weights every product is exact, so both ways give the same bytes
    assert consensus(leiden, net, seeds=4, seed=5).equals(consensus(leiden, world, seeds=4, seed=5))
    here, there = (structure(of, leiden, seeds=2, nulls=2, seed=5) for of in (net, world))
    assert here.drop("left_out").equals(there.drop("left_out"))
    assert modularity(net, leiden(world)) == modularity(world.ties, leiden(world))
    rewired = null(net, seed=2)
    assert sorted(rewired.weight) == sorted(net.weight)
    assert (rewired.a != net.a).any()
    with pytest.raises(UsageError, match="kinds='reply': a network has its kinds summed"):
        leiden(net, kinds="reply")


def test_ids_beyond_32_bits_loops_repeats_and_turned_rows(tmp_path: Path) -> None:
    path, big = tmp_path / "ties.parquet", 2**63 - 1
    pl.DataFrame({"source": [big, 7, 7, 5], "target": [7, big, 7, big - 1]}).write_parquet(path)
    net = graph(path)
    assert net.persons.to_list() == sorted(str(i) for i in (big, 7, 5, big - 1))
    named = [(net.persons[int(a)], net.persons[int(b)]) for a, b in zip(net.a, net.b, strict=True)]
    assert dict(zip(named, net.weight.tolist(), strict=True)) == {
        ("5", str(big - 1)): 1.0,
        ("7", str(big)) if str(big) > "7" else (str(big), "7"): 2.0,
    }


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"from": ["a"], "target": ["b"]}, r"ties.parquet: column 'source' is missing \(there are: from, target\)"),
        ({"source": [1e18], "target": ["b"]}, "column 'source' is Float64, not text or whole numbers"),
        (
            {"source": ["a", None], "target": [None, "b"]},
            "'source' is null in 1 row; column 'target' is null in 1 row",
        ),
        (
            {"source": list("abcde"), "target": list("bcdea"), "weight": [1.0, -1.0, float("nan"), 0.0, None]},
            "column 'weight' is not finite and above 0 in 4 rows",
        ),
        ({"source": ["a"], "target": ["b"], "weight": ["1"]}, "column 'weight' is String, not a number"),
    ],
)
def test_bad_ties_are_one_line(rows: dict[str, list[object]], said: str, tmp_path: Path) -> None:
    path = tmp_path / "ties.parquet"
    pl.DataFrame(rows, strict=False).write_parquet(path)
    with pytest.raises(InputError, match=said) as told:
        graph(path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("weight", [1e308, 1e-200])
def test_weights_without_a_sum_to_divide_by_are_refused(weight: float) -> None:
    rows = {"source": list("abc"), "target": list("bca"), "kind": "reply", "weight": weight}
    with pytest.raises(InputError, match="the weights of the ties sum to .*: due is a sum between 1e-150 and 1e150"):
        leiden(graph(frames.ties(pl.DataFrame(rows))))


def test_bad_files_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file none\.parquet"):
        graph(tmp_path / "none.parquet")
    whole = tmp_path / "whole.parquet"
    pl.DataFrame({"source": ["a"] * 999, "target": ["b"] * 999}).write_parquet(whole)
    half = tmp_path / "half.parquet"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(InputError, match=r"half\.parquet cannot be read as parquet") as told:
        graph(half)
    assert "\n" not in str(told.value)
    pl.DataFrame({"source": ["a"], "target": ["b"], "kind": ["reply"]}).write_parquet(half)
    with pytest.raises(UsageError, match="no kind of tie 'repply'; did you mean 'reply'"):
        graph(half, kinds="repply")
    pl.DataFrame({"source": ["a"], "target": ["b"]}).write_parquet(half)
    with pytest.raises(InputError, match="column 'kind' is missing"):
        graph(half, kinds="reply")
