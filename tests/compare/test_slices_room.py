"""Where people are told apart no better than the floor there is no scale, and no slice is held against another."""

import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.slices import sliced
from sociolect.errors import RefusedError
from sociolect.frames import Scores


def scores(right: dict[tuple[str, str], float]) -> Scores:
    """Origin scores of two communities whose verdict is right in the given share of each slice and arm."""
    rows = []
    for (name, arm), share in right.items():
        for i in range(80):
            community, other = ("ash", "elm") if i % 2 else ("elm", "ash")
            human, hit = arm == "human", (i // 2) % 20 < 20 * share
            rows.append((
                f"p{name}{i}" if human else "m", "human" if human else "model", community, f"{name}{i}", arm, 0, 0, "origin", float(hit),
                community if hit else other, None if human else f"t{i % 8}", None if human else f"u{i % 10}", name,
            ))  # fmt: skip
    columns = [*frames.KEYS, "measure", "value", "label", "topic", "template", "slice"]
    return frames.scores(pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None))


def told(names: list[str], human: list[float]) -> Scores:
    arms = {"aligned": [0.6] * len(names), "shuffled": [0.5] * len(names), "human": human}
    return scores({(n, arm): v for arm, values in arms.items() for n, v in zip(names, values, strict=True)})


def test_no_slice_with_room_is_refused_and_named() -> None:
    with pytest.raises(RefusedError, match="not above the floor in w1, w2"):
        sliced(told(["w1", "w2"], [0.4, 0.5]), slices=["w1", "w2"], labels=["ash", "elm"], draws=50)


def test_one_slice_with_room_is_no_gap_to_itself() -> None:
    with pytest.raises(RefusedError, match="not above the floor in w2"):
        sliced(told(["w1", "w2"], [0.9, 0.4]), slices=["w1", "w2"], labels=["ash", "elm"], draws=50)


def test_a_slice_without_room_is_null_and_the_others_are_told() -> None:
    names = ["w1", "w2", "w3"]
    found = sliced(told(names, [0.9, 0.4, 0.7]), slices=names, labels=["ash", "elm"], draws=200)
    fidelity = dict(found.filter(measure="fidelity").select("contrast", "estimate").iter_rows())
    # F1 is the share here (both communities err alike): (.6 - .5) / (.9 - .5) and (.6 - .5) / (.7 - .5)
    assert fidelity == {"w1": pytest.approx(0.25), "w2": None, "w3": pytest.approx(0.5)}
    assert found.filter(measure="gap")["contrast"].to_list() == ["w3 - w1"]
    assert found.filter(measure="slope")["estimate"].to_list() == [None]
