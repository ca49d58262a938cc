"""The validity card on planted worlds: every line finds what is planted, and a claim stands only where it may."""

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.compare.answers import answers
from sociolect.compare.bootstrap import weights
from sociolect.compare.contrasts import contrasts, placebos
from sociolect.compare.group_means import group_means
from sociolect.compare.simultaneous import simultaneous
from sociolect.compare.validity import claimable, validity
from sociolect.errors import InputError
from sociolect.frames import Effects, Replies, Scores

IDS = list("12345")
NONE = {"red": 0.0, "blue": 0.0, "green": 0.0}


def world(
    seed: int,
    trait: dict[str, float],
    base: dict[str, float] | None = None,
    *,
    pull: dict[str, float] | None = None,
    placebo: dict[str, float] | None = None,
    signs: tuple[int, ...] = (1, -1, 1, -1),
    templates: int = 12,
    draws: int = 3,
) -> tuple[Scores, Replies]:
    """Answers 1 to 5 of aligned and base models, forward and reversed; `pull` draws a community to the end shown last."""
    rng = np.random.default_rng(seed)
    items = [*(str(i) for i in range(len(signs))), "placebo:1", "placebo:2"]
    size = (2, len(trait), 2, templates, len(items), draws)
    arm, community, order, template, item, draw = (x.ravel() for x in np.indices(size))
    names = list(trait)
    both = np.array([list(trait.values()), [(base or NONE)[c] for c in names]])
    sign = np.array([*signs, 0, 0])[item]
    own = sign * both[arm, community]
    shown = np.array([(pull or NONE)[c] for c in names])[community] * np.where(order == 0, 1, -1)
    meaningless = (sign == 0) * np.array([(placebo or NONE)[c] for c in names])[community]
    wording = rng.normal(0, 0.15, size[:4])[arm, community, order, template]
    choice = np.clip(np.rint(3 + own + shown + meaningless + wording + rng.normal(0, 1, arm.size)), 1, 5).astype(int)
    frame = pl.DataFrame({
        "speaker": np.array(["tuned", "base"])[arm], "source": "model", "community": np.array(names)[community],
        "item": np.array(items)[item], "condition": [f"{a}/{o}/{t}" for a, o, t in zip(arm, order, template, strict=True)],
        "draw": draw, "turn": 0, "prompt": "p", "text": "t", "arm": np.array(["aligned", "base"])[arm],
        "order": np.array(["forward", "reversed"])[order], "template": [f"u{t:02}" for t in template], "choice": choice.astype(str),
        "sign": sign, "low": 1.0, "high": 5.0, "placebo": sign == 0, "facet": "warm", "outcome": "answered", "mode": "sampled",
        "label_style": "letters", "paraphrase": np.where(draw % 2, "published", "other"), "negated": False, "_raw": choice,
    }).with_columns(pl.col("draw", "turn").cast(pl.Int64), pl.col("sign").replace(0, None).cast(pl.Int64))  # fmt: skip
    frame = frame.with_columns(shown=pl.when(order="reversed").then(pl.lit(IDS[::-1])).otherwise(pl.lit(IDS)))
    value = pl.when(pl.col("sign") == -1).then(6 - pl.col("_raw")).otherwise("_raw").cast(pl.Float64)
    scored = frame.filter(~pl.col("placebo")).with_columns(measure="toy:" + pl.col("item"), value=value).drop("_raw")
    return frames.scores(scored), frames.replies(frame.drop("_raw"))


def card(seed: int, trait: dict[str, float], base: dict[str, float] | None = None, **keywords: object) -> Effects:
    scores, replies = world(seed, trait, base, **keywords)  # type: ignore[arg-type]
    return validity(scores, replies, draws=300, seed=seed)


def line(found: Effects, name: str, **where: object) -> dict[str, object]:
    return found.filter(line=name, **where).row(0, named=True)


PLANTED = {"red": 0.8, "blue": -0.4, "green": 0.0}


def test_every_line_is_there_and_finds_what_is_planted() -> None:
    found = card(1, PLANTED)
    assert set(found["line"]) == {
        "reverse share", "agree-orthogonality", "position-orthogonality", "bias", "trait", "order effect",
        "order effect, total variation", "label effect", "mode agreement", "position effect", "paraphrase spread",
        "negation consistency", "placebo", "base-model control", "difference", "difference, forward", "difference, reversed",
        "difference, less base", "refused", "unparsed", "blank", "answer mass", "reliability",
    }  # fmt: skip
    assert line(found, "reverse share")["estimate"] == 0.5
    assert line(found, "agree-orthogonality")["estimate"] == 1
    assert line(found, "position-orthogonality")["estimate"] == pytest.approx(1, abs=1e-9)
    assert line(found, "trait", arm="aligned", community="red")["low"] > 0.5  # type: ignore[operator]  # a float
    assert abs(float(line(found, "bias", arm="aligned", community="red")["estimate"])) < 0.15  # type: ignore[arg-type]
    gap = line(found, "difference", contrast="difference: blue - red")
    assert gap["low"] < -1.1 < gap["high"]  # type: ignore[operator]  # 1.2, less what the ends of the options cut off
    assert line(found, "base-model control", community="red")["verdict"] == "ok"
    assert str(line(found, "label effect")["verdict"]).startswith("not identified: two values of 'label_style' are due")
    assert str(line(found, "paraphrase spread", arm="base")["verdict"]).startswith("warning: WORDING MOVES THIS SCALE")
    assert line(found, "paraphrase spread", arm="aligned")["verdict"] == "ok"
    assert line(found, "refused", arm="base")["estimate"] == 0
    assert "not identified" in str(line(found, "negation consistency")["verdict"])


def test_a_planted_difference_is_claimable_one_way_only() -> None:
    found = card(1, PLANTED)
    row = claimable(found, "red", "blue").row(0, named=True)
    assert row["claim"] == "red scores above blue"
    assert row["failed"] is None
    back = claimable(found, "blue", "red").row(0, named=True)
    assert back["claim"] is None
    assert back["estimate"] == -row["estimate"]
    assert back["high"] == -row["low"]
    with pytest.raises(InputError, match="no difference between 'red' and 'mauve'"):
        claimable(found, "red", "mauve")


def test_a_base_model_s_stereotype_withholds_the_claim() -> None:
    for seed in range(6):
        row = claimable(card(seed, PLANTED, PLANTED), "red", "blue").row(0, named=True)
        assert row["low"] > 0  # the number is there, and it is no claim
        assert row["claim"] is None
        assert "base-model control" in row["failed"]


def test_a_pull_to_one_end_withholds_the_claim() -> None:
    one_sided = card(3, NONE, pull={"red": 1.2, "blue": -1.2, "green": 0.0}, signs=(1, 1, 1, 1))
    row = claimable(one_sided, "red", "blue").row(0, named=True)
    assert row["claim"] is None
    assert "reversed options: no difference of this sign" in row["failed"] or "forward" in row["failed"]
    order = line(one_sided, "order effect", community="red", arm="aligned")
    assert order["low"] > 1.5  # type: ignore[operator]  # 2.4, less what the ends of the options cut off
    assert str(order["verdict"]).startswith("warning: the answer depends on the order")
    assert line(one_sided, "bias")["estimate"] is None
    assert str(line(one_sided, "trait")["verdict"]).startswith("not identified: all keyed items point one way")
    assert str(line(one_sided, "agree-orthogonality")["verdict"]).startswith("warning: all keyed items point one way")


def test_a_placebo_difference_withholds_the_claim() -> None:
    found = card(4, PLANTED, placebo={"red": 0.9, "blue": -0.3, "green": 0.0})
    row = claimable(found, "red", "blue").row(0, named=True)
    assert row["failed"] == "placebo: warning: communities differ on what means nothing"


def test_without_base_order_or_placebo_nothing_is_claimed() -> None:
    scores, replies = world(5, PLANTED)
    kept = (pl.col("arm") == "aligned") & (pl.col("order") == "forward")
    found = validity(
        frames.scores(scores.filter(kept)), frames.replies(replies.filter(kept, ~pl.col("placebo"))), draws=200
    )
    failed = claimable(found, "red", "blue")["failed"][0]
    assert failed.startswith("reversed options: not asked; base-model control: ")
    assert failed.endswith("placebo: not identified: no placebo item was asked")
    # half of the items are reversed, so their high scores stood first; on a one-sided scale all stood last
    assert line(found, "position-orthogonality")["estimate"] == 1
    scores, replies = world(5, PLANTED, signs=(1, 1))
    forward = pl.col("order") == "forward"
    found = validity(frames.scores(scores.filter(forward)), frames.replies(replies.filter(forward)), draws=200)
    assert line(found, "position-orthogonality")["estimate"] == 0
    assert line(found, "position-orthogonality")["verdict"] == "warning: the high score always stood at the same end"


def test_placebo_alarms_at_the_level() -> None:
    rng = np.random.default_rng(6)
    first, second = np.triu_indices(4, 1)
    w = np.concatenate(list(weights([np.arange(24)], draws=500, seed=1))) / 24
    worlds, alarms = 2000, 0
    for _ in range(worlds):
        mean = rng.normal(0, 1, (24, 4))
        pairs = mean[:, first] - mean[:, second]
        alarms += bool(simultaneous(pairs.mean(0), w @ pairs, clusters=24).p.min() < 0.05)
    assert 0.04 <= alarms / worlds <= 0.065  # 4 to 6 % are due; 2,000 worlds have a standard error of .5 points
    # and the card's line is that number
    _, replies = world(7, NONE)
    told = answers(Replies(replies)).where(pl.col("placebo") & (pl.col("arm") == "aligned"))
    row = placebos(told, "toy", arm="arm", clusters=("template",), level=0.95, draws=400, seed=1)[-1]
    grid = told.rows.with_columns(level=told.level).pivot(
        "community", index="template", values="level", aggregate_function="mean"
    )
    values = grid.sort("template").select("blue", "green", "red").to_numpy()
    gaps = values[:, [0, 0, 1]] - values[:, [1, 2, 2]]
    drawn = np.concatenate(list(weights([np.arange(12)], draws=400, seed=1))) / 12
    due = simultaneous(gaps.mean(0), drawn @ gaps, clusters=12)
    assert row["p"] == pytest.approx(due.p.min(), abs=1e-9)
    assert row["estimate"] == pytest.approx(gaps.mean(0)[np.abs(gaps.mean(0)).argmax()], abs=1e-9)


def test_aligned_less_base_covers_0_where_aligning_taught_nothing() -> None:
    """1,500 worlds as the communities of one frame: a stereotype each, the same in both arms, 20 templates."""
    rng, worlds = np.random.default_rng(8), 1500
    stereotype = rng.normal(0, 1, worlds)[None, :, None]
    value = stereotype + rng.normal(0, 0.3, (2, worlds, 20)) + rng.normal(0, 0.2, (2, worlds, 20))
    arm, community, template = (x.ravel() for x in np.indices(value.shape))
    frame = pl.DataFrame({
        "source": "model", "speaker": "m", "arm": np.array(["aligned", "base"])[arm], "community": community,
        "template": [f"u{t:02}" for t in template],
    })  # fmt: skip
    found = group_means(frame, value.ravel(), by=["arm", "community"], clusters=["template"], draws=1000, seed=1)
    covered = 0
    for c in range(worlds):
        row = found.row(lambda x, c=c: x[:, c, 0] - x[:, worlds + c, 0], [c, worlds + c])  # type: ignore[misc]
        covered += bool(row["low"] <= 0 <= row["high"])  # type: ignore[operator]  # floats
    assert 0.93 <= covered / worlds <= 0.97
    # and the card's line is that number
    few = frame.with_columns(value=value.ravel(), community=pl.col("community").cast(pl.String), item=pl.lit("toy"),
                             measure=pl.lit("toy:warm"), order=pl.lit("forward")).filter(pl.col("community").is_in(["0", "1"]))  # fmt: skip
    rows = contrasts(few, few, {}, "toy", arm="arm", aligned="aligned", base="base", clusters=("template",), level=0.95,
                     draws=1000, seed=1)  # fmt: skip
    told = found.row(lambda x: x[:, 0, 0] - x[:, worlds, 0], [0, worlds])
    assert [rows[0][c] for c in ("estimate", "low", "high")] == pytest.approx(
        [told[c] for c in ("estimate", "low", "high")]
    )


def test_the_row_order_changes_no_byte_and_the_source_no_number() -> None:
    scores, replies = world(9, PLANTED, templates=6, draws=2)
    found = validity(scores, replies, draws=200)
    mixed = validity(
        frames.scores(scores.sample(fraction=1, shuffle=True, seed=1)),
        frames.replies(replies.sample(fraction=1, shuffle=True, seed=2)),
        draws=200,
    )
    assert mixed.equals(found)
    people = validity(
        frames.scores(scores.with_columns(source=pl.lit("human"))),
        frames.replies(replies.with_columns(source=pl.lit("human"))),
        draws=200,
    )
    assert people["estimate"].to_list() == pytest.approx(found["estimate"].to_list(), nan_ok=True, abs=1e-9)


def test_refusals_are_rates_with_intervals() -> None:
    scores, replies = world(10, NONE)
    lost = (pl.col("template").is_in(["u00", "u01", "u02"])) & (pl.col("arm") == "aligned")
    refused = replies.with_columns(
        outcome=pl.when(lost).then(pl.lit("refused")).otherwise("outcome"),
        choice=pl.when(lost).then(None).otherwise("choice"),
    )
    gone = scores.with_columns(
        value=pl.when(lost).then(None).otherwise("value"), choice=pl.when(lost).then(None).otherwise("choice")
    )
    found = validity(frames.scores(gone), frames.replies(refused), draws=200)
    row = line(found, "refused", arm="aligned")
    assert row["estimate"] == pytest.approx(0.25)
    assert row["high"] - row["low"] > 0.3  # type: ignore[operator]  # twelve templates, not 1,296 replies
    assert row["verdict"] == "warning: refused more than 0.1 of the time"
    assert line(found, "refused", arm="base")["verdict"] == "ok"


def test_refused() -> None:
    scores, replies = world(11, NONE, templates=3, draws=1)
    with pytest.raises(InputError, match="no column 'outcome'"):
        validity(scores, frames.replies(replies.drop("outcome")))
    with pytest.raises(InputError, match="no column 'sign'"):
        validity(frames.scores(scores.drop("sign")), replies)
