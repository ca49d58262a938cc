"""Blinded sheets: exact quotas, like lengths, balanced sides, and nothing on the sheet that tells the arms apart."""

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from sociolect import frames
from sociolect.elicit.pairs import _nearest, balance, pairs, singles
from sociolect.errors import InputError, RefusedError, UsageError

ARMS = ("aligned", "in_context")


def replies(
    sizes: dict[str, dict[str, int]], *, arms: tuple[str, ...] = ARMS, longer: int = 0, wrap: bool = False
) -> frames.Replies:
    """`sizes`: community -> topic -> replies of each arm. Lengths run from 5 to 29 words; the second arm's are longer."""
    rng = np.random.default_rng(5)
    rows = []
    for community, topics in sizes.items():
        for topic, n in topics.items():
            for arm in arms:
                for draw in range(n):
                    words = int(rng.integers(5, 30)) + longer * (arm == arms[1])
                    said = " ".join([f"{community} {topic}", *[f"w{rng.integers(900)}" for _ in range(words - 2)]])
                    if wrap and arm == "in_context":
                        said = f'Sure! Here is a post: "{said.upper()}"'
                    rows.append({"speaker": f"m/{arm}", "source": "model", "community": community, "item": f"i-{topic}",
                                 "condition": arm, "draw": draw, "turn": 0, "prompt": "say", "text": said, "topic": topic,
                                 "refused": False})  # fmt: skip
    return frames.replies(pl.DataFrame(rows))


def test_the_first_topic_takes_nothing_from_the_last_community() -> None:
    """Trap 24: a sampler that fills up from one large topic and cuts at the total starves whoever comes last."""
    said = replies(
        {"a": {"big": 400, "t1": 40, "t2": 40}, "y": {"big": 400, "t1": 40, "t2": 40}, "z": {"t1": 40, "t2": 60}}
    )
    sheet, key = pairs(said, per_community=20, seed=1)
    assert dict(sheet["community"].value_counts(sort=False).sort("community").iter_rows()) == {
        "a": 20,
        "y": 20,
        "z": 20,
    }
    spread = sheet.group_by("community", "topic").len().group_by("community").agg(
        low=pl.col("len").min(), high=pl.col("len").max(), topics=pl.len()
    )  # fmt: skip
    assert (spread["high"] - spread["low"]).max() == 1  # 20 over three topics: 7, 7 and 6
    assert dict(spread.select("community", "topics").iter_rows()) == {"a": 3, "y": 3, "z": 2}
    assert key.height == 120


def test_a_scarce_topic_gives_all_it_has_and_the_others_share_the_rest_evenly() -> None:
    said = replies({"a": {"rare": 2, "t1": 60, "t2": 60}})
    sheet, _ = pairs(said, per_community=22, tolerance=0.9, seed=1)
    assert sorted(sheet["topic"].value_counts()["count"].to_list()) == [2, 10, 10]


def test_lengths_are_matched_although_one_arm_talks_longer() -> None:
    said = replies({"a": {"t1": 80, "t2": 80}}, longer=10)
    lengths = said.group_by("condition").agg(pl.col("text").str.count_matches(" ").mean()).sort("condition")["text"]
    assert lengths[1] - lengths[0] > 8  # unmatched, the second arm is told by its length alone
    sheet, key = pairs(said, per_community=40, tolerance=0.15, seed=1)
    a, b = (sheet[c].str.count_matches(" ").cast(pl.Int64).to_numpy() + 1 for c in "ab")
    assert (np.abs(a - b) <= 0.15 * np.maximum(a, b)).all()
    assert balance(said, key)["gap"].to_list() == [pytest.approx((np.abs(a - b) / np.maximum(a, b)).max())] * 2


def test_the_matching_holds_as_many_pairs_as_any_could() -> None:
    """Against scipy's maximum bipartite matching."""
    rng = np.random.default_rng(2)
    for _ in range(60):
        x, y = np.sort(rng.integers(0, 40, rng.integers(1, 25))), np.sort(rng.integers(0, 60, rng.integers(1, 25)))
        fits = np.abs(x[:, None] - y) <= 0.2 * np.maximum(x[:, None], y)
        most = (maximum_bipartite_matching(csr_matrix(fits.astype(int))) >= 0).sum()
        found = _nearest(x, y, 0.2)
        assert len(found) == most
        assert all(fits[i, j] for i, j in found)


def test_each_arm_is_a_in_half_of_the_pairs_and_the_sides_are_drawn() -> None:
    said = replies({"a": {"t1": 60, "t2": 60}, "b": {"t1": 60, "t2": 60}})
    starts = []
    for seed in range(24):
        _, key = pairs(said, per_community=25, tolerance=0.5, seed=seed)
        on_a = key.filter(side="A")
        for _, part in on_a.group_by("community"):
            assert part.filter(arm="aligned").height in {12, 13}
        for _, part in on_a.group_by("community", "topic"):
            assert abs(part.filter(arm="aligned").height - part.filter(arm="in_context").height) <= 1
        starts.append(on_a.filter(community="a", arm="aligned").height)
    assert 4 <= starts.count(13) <= 20  # a fair coin says which arm has the odd pair


def test_the_sheet_tells_no_arm_and_the_key_tells_it() -> None:
    said = replies({"a": {"t1": 60, "t2": 60}}, wrap=True)
    sheet, key = pairs(said, per_community=30, lowercase=True, seed=1)
    assert sheet.columns == ["unit", "community", "topic", "a", "b"]
    written = sheet.write_csv()
    assert "aligned" not in written
    assert "in_context" not in written
    assert "Here is" not in written  # unwrapped
    assert written == written.replace('"', "")
    # Trap 25: one rendering for both arms.
    assert all(said == said.lower() for said in [*sheet["a"], *sheet["b"]])
    both = key.join(
        said, left_on=["arm", *frames.KEYS], right_on=["condition", *frames.KEYS], how="inner", coalesce=True
    )
    assert both.height == 60
    for unit, side, reply in both.select("unit", "side", "text").iter_rows():
        assert sheet.row(by_predicate=pl.col("unit") == unit, named=True)[side.lower()] in reply.lower()
    assert key.group_by(*frames.KEYS).len()["len"].max() == 1  # a reply is shown once


def test_without_lowercase_neither_arm_is_changed() -> None:
    said = replies({"a": {"t1": 40}}, wrap=True)
    sheet, key = pairs(said, per_community=10, seed=1)
    shown = key.join(sheet.unpivot(["a", "b"], index="unit", variable_name="side", value_name="text").with_columns(
        pl.col("side").str.to_uppercase()), on=["unit", "side"])  # fmt: skip
    assert all(t == t.upper() for t in shown.filter(arm="in_context")["text"])
    assert all(t == t.lower() for t in shown.filter(arm="aligned")["text"])


def test_repeats_come_back_with_sides_swapped_under_another_name() -> None:
    said = replies({"a": {"t1": 60, "t2": 60}})
    sheet, key = pairs(said, per_community=20, repeats=0.2, seed=1)
    assert sheet.height == 24
    assert sheet["unit"].n_unique() == 24
    texts = {u: (a, b) for u, a, b in sheet.select("unit", "a", "b").iter_rows()}
    again = key.filter(pl.col("repeat_of").is_not_null(), side="A").select("unit", "repeat_of").rows()
    assert len(again) == 4
    assert all(texts[unit] == texts[first][::-1] for unit, first in again)
    assert balance(said, key)["pairs"].to_list() == [20, 20]


def test_same_seed_same_sheet_whatever_the_order_of_the_rows() -> None:
    said = replies({"b": {"t1": 40, "t2": 40}, "a": {"t1": 40}})
    mixed = frames.replies(said.sample(fraction=1, shuffle=True, seed=3))
    for one, other in zip(pairs(said, per_community=10, seed=4), pairs(mixed, per_community=10, seed=4), strict=True):
        assert one.equals(other)
    for one, other in zip(singles(said, arms=ARMS, seed=4), singles(mixed, arms=ARMS, seed=4), strict=True):
        assert one.equals(other)
    assert not pairs(said, per_community=10, seed=5)[0].equals(pairs(said, per_community=10, seed=4)[0])


def test_refusals_and_silence_are_in_no_pair_and_are_counted() -> None:
    said = replies({"a": {"t1": 40}})
    lost = (pl.col("condition") == "in_context") & (pl.col("draw") < 7)
    silent = (pl.col("condition") == "aligned") & (pl.col("draw") < 3)
    said = frames.replies(
        said.with_columns(
            refused=lost, text=pl.when(lost).then(pl.lit("I cannot")).when(silent).then(None).otherwise("text")
        )
    )
    sheet, key = pairs(said, per_community=20, tolerance=0.9, seed=1)
    assert "I cannot" not in sheet.write_csv()
    counted = balance(said, key).select("arm", "replies", "refused", "empty", "pairs", "on_a").rows()
    assert counted == [("aligned", 40, 0, 3, 20, 10), ("in_context", 40, 7, 0, 20, 10)]


def test_quotas_that_cannot_be_met_are_refused_with_counts() -> None:
    said = replies({"a": {"t1": 40}, "b": {"t1": 6}, "c": {"t1": 4}})
    with pytest.raises(
        RefusedError, match=r"where 20 per community are due: b: \d \(aligned 6, in_context 6 replies\); c: \d"
    ) as why:
        pairs(said, per_community=20, seed=1)
    assert "\n" not in str(why.value)
    with pytest.raises(RefusedError, match="where 5 per community and arm are due: c, aligned: 4; c, in_context: 4"):
        singles(said, arms=ARMS, per_arm=5)


def test_faults_are_said_at_once() -> None:
    said = replies({"a": {"t1": 4}})
    with pytest.raises(
        InputError, match=r"no reply is of arm 'tuned'; column 'theme' is missing.*the arms are aligned, in_context"
    ):
        pairs(said, arms=("tuned", "aligned"), topic="theme")
    with pytest.raises(UsageError, match=r"arms are .*; per_community is 0.*; tolerance is 1.*; repeats is 2"):
        pairs(said, arms=("a", "a"), per_community=0, tolerance=1, repeats=2)


def test_singles_hold_exactly_as_many_of_each_arm() -> None:
    arms = ("human", "in_context", "aligned")
    said = replies({"a": {"t1": 30, "t2": 9}, "b": {"t1": 30}}, arms=arms)
    sheet, key = singles(said, per_arm=20, seed=1)
    assert key.group_by("community", "arm").len()["len"].to_list() == [20] * 6
    assert key.filter(community="a", topic="t2").group_by("arm").len()["len"].to_list() == [9] * 3
    assert sheet.columns == ["unit", "community", "topic", "text"]
    assert not any(arm in sheet.write_csv() for arm in arms)
