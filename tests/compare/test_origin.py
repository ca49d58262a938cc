import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score

from sociolect import frames
from sociolect.compare.fidelity import origin_fidelity
from sociolect.compare.origin import f1_effects
from sociolect.errors import InputError, RefusedError
from sociolect.frames import Scores

LABELS = ["blue", "green", "red"]
SKILL = {"aligned": 0.7, "in_context": 0.4, "shuffled": 0.0, "human": 0.8}


def world(
    seed: int, skill: dict[str, float] = SKILL, *, topics: int = 9, templates: int = 8, people: int = 20
) -> Scores:
    """A classifier that knows the community with the arm's skill, easier on some topics, and guesses otherwise."""
    rng = np.random.default_rng(seed)
    ease = rng.normal(0, 0.08, topics)
    parts = []
    for arm, share in skill.items():
        for community in LABELS:
            if arm == "human":
                who = np.repeat(np.arange(people), 3)
                knows = share + rng.normal(0, 0.08, people)[who]
                columns = {"speaker": [f"{community}{i}" for i in who], "item": [f"post{i}" for i in range(who.size)]}
                topic, template = None, None
            else:
                t, u = (x.ravel() for x in np.meshgrid(np.arange(topics), np.arange(templates), indexing="ij"))
                knows = share + ease[t] * (share > 0)
                topic, template = [f"t{i}" for i in t], [f"u{i}" for i in u]
                columns = {"speaker": [arm] * t.size, "item": [f"{a}-{b}" for a, b in zip(t, u, strict=True)]}
            label = np.where(rng.random(knows.size) < knows, community, rng.choice(LABELS, knows.size))
            parts.append(pl.DataFrame({
                **columns, "source": "human" if arm == "human" else "model", "community": community, "condition": arm,
                "draw": 0, "turn": 0, "measure": "origin", "value": 0.0, "label": label,
                "topic": pl.Series(topic or [None] * knows.size, dtype=pl.String), "template": pl.Series(template or [None] * knows.size, dtype=pl.String),
            }))  # fmt: skip
    return frames.scores(pl.concat(parts).with_columns(pl.col("draw", "turn").cast(pl.Int64)))


def test_estimates_equal_scikit_learn_and_row_order_changes_no_byte() -> None:
    scores = world(1)
    found = f1_effects(scores, labels=LABELS, draws=300)
    for arm in SKILL:
        rows = scores.filter(condition=arm)
        for measure, average in (("macro_f1", "macro"), ("weighted_f1", "weighted")):
            due = f1_score(rows["community"], rows["label"], average=average)
            assert found.filter(measure=measure, contrast=arm)["estimate"][0] == pytest.approx(due, abs=1e-12)
        by_label = f1_score(rows["community"], rows["label"], average=None, labels=LABELS)
        assert found.filter(measure="f1:green", contrast=arm)["estimate"][0] == pytest.approx(by_label[1], abs=1e-12)
    fewest = dict(found.filter(measure="macro_f1").select("contrast", "clusters").iter_rows())
    assert (fewest["human"], fewest["aligned"]) == (60, 8)
    assert f1_effects(frames.scores(scores.sample(fraction=1, shuffle=True, seed=2)), labels=LABELS, draws=300).equals(
        found
    )


def test_difference_and_ratio_are_paired() -> None:
    found = {
        (r["measure"], r["contrast"]): r for r in f1_effects(world(2), labels=LABELS, draws=800).iter_rows(named=True)
    }
    one, two = (found["weighted_f1", arm] for arm in ("aligned", "in_context"))
    gap, ratio = found["weighted_f1", "aligned - in_context"], found["weighted_f1", "aligned / in_context"]
    assert gap["estimate"] == pytest.approx(one["estimate"] - two["estimate"])
    assert ratio["estimate"] == pytest.approx(one["estimate"] / two["estimate"])
    assert gap["low"] > 0
    assert ratio["low"] > 1
    assert max(gap["p_adjusted"], ratio["p_adjusted"]) < 0.05
    assert one["p"] is None  # a score alone is held against nothing
    # one and the same arm under two names: paired draws cancel to the last digit
    doubled = world(2).filter(condition="aligned")
    twin = frames.scores(pl.concat([doubled, doubled.with_columns(condition=pl.lit("twin"), speaker=pl.lit("twin"))]))
    same = f1_effects(twin, labels=LABELS, pairs=[("aligned", "twin")], draws=300).filter(contrast="aligned - twin")
    assert same.select("low", "high", "p").unique().row(0) == (0.0, 0.0, 1.0)


def test_null_worlds_claim_nothing_and_planted_gaps_are_found() -> None:
    arms = {"aligned": 0.5, "in_context": 0.5}
    gap = pl.col("measure").eq("macro_f1") & pl.col("contrast").eq("aligned - in_context")
    null = [f1_effects(world(s, arms), labels=LABELS, draws=300, seed=s).filter(gap)["p"][0] for s in range(60)]
    assert np.mean(np.array(null) < 0.05) <= 0.07
    found = [f1_effects(world(s, templates=20), labels=LABELS, draws=300, seed=s).filter(gap) for s in range(20)]
    planted = [rows["low"][0] > 0 for rows in found]
    assert sum(planted) >= 19


def test_a_missed_label_counts_against_recall() -> None:
    scores = world(3)
    silent = pl.when((pl.col("condition") == "aligned") & (pl.col("topic") == "t0")).then(None).otherwise("label")
    found = f1_effects(frames.scores(scores.with_columns(label=silent)), labels=LABELS, draws=200)
    row, before = (
        x.filter(measure="macro_f1", contrast="aligned") for x in (found, f1_effects(scores, labels=LABELS, draws=200))
    )
    assert (row["missed"][0], row["n"][0], before["missed"][0]) == (24, 216, 0)
    assert row["estimate"][0] < before["estimate"][0]


def test_origin_fidelity_stands_between_floor_and_ceiling() -> None:
    found = origin_fidelity(world(4), labels=LABELS, draws=800).filter(measure="macro_f1")
    rows = {r["contrast"]: r for r in found.iter_rows(named=True)}
    assert list(rows) == ["aligned", "in_context"]
    one = rows["aligned"]
    assert one["floor"] < 0.45 < one["estimate"] < one["ceiling"] + 0.05
    due = (one["estimate"] - one["floor"]) / (one["ceiling"] - one["floor"])
    assert one["normalised"] == pytest.approx(due)
    assert one["normalised_low"] < due < one["normalised_high"]
    assert one["flag"] is None
    sharp = origin_fidelity(world(5, SKILL | {"aligned": 1.0, "human": 0.5}), labels=LABELS, draws=500).filter(
        measure="macro_f1"
    )
    assert sharp.filter(contrast="aligned")["flag"][0] == "caricature"
    deaf = origin_fidelity(world(6, SKILL | {"in_context": 0.0}), labels=LABELS, draws=500).filter(measure="macro_f1")
    assert deaf.filter(contrast="in_context")["flag"][0] in {"at floor", "below floor"}
    level = origin_fidelity(world(7, SKILL | {"human": 0.0}), labels=LABELS, draws=500).filter(measure="macro_f1")
    assert set(level["flag"]) == {"no room"}
    assert level["normalised_low"].null_count() == 2


def test_refused() -> None:
    scores = world(1)
    with pytest.raises(InputError, match="no origin scores of base"):
        f1_effects(scores, labels=LABELS, arms=["base"])
    with pytest.raises(InputError, match="pairs name base"):
        f1_effects(scores, labels=LABELS, pairs=[("base", "aligned")])
    with pytest.raises(InputError, match="outside the 2 labels"):
        f1_effects(scores, labels=LABELS[:2])
    with pytest.raises(InputError, match="no column 'label'"):
        f1_effects(frames.scores(scores.drop("label")), labels=LABELS)
    with pytest.raises(RefusedError, match="one cluster only"):
        f1_effects(frames.scores(scores.with_columns(template=pl.lit("u"))), labels=LABELS)
    with pytest.raises(InputError, match="needs its floor"):
        origin_fidelity(frames.scores(scores.filter(pl.col("condition") != "shuffled")), labels=LABELS)
