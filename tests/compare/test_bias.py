"""Order, label, place, mode and negation effects: planted ones are found, and none where none is."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect.compare.answers import Answers, answers
from sociolect.compare.bias import negations, places, shifts, two_ways
from sociolect.errors import InputError
from sociolect.frames import Replies

IDS = np.array(list("abcde"))
TRUE = np.array([0.3, 0.25, 0.2, 0.15, 0.1])
DOUBT: dict[str, Any] = {"clusters": ("template",), "level": 0.95, "draws": 400, "seed": 1}


def asked(
    orders: dict[str, list[int]], n: int, rng: np.random.Generator, *, to_last: float = 0.0, items: int = 1
) -> Replies:
    """n draws per item and order, of 20 templates; a share `to_last` of the answers goes to the option shown last."""
    parts = []
    for order, place in orders.items():
        shown = IDS[place]
        moved = (1 - to_last) * TRUE[place] + to_last * (np.arange(5) == 4)
        for item in range(items):
            parts.append(pl.DataFrame({
                "choice": rng.choice(shown, n, p=moved), "template": [f"u{i % 20:02}" for i in range(n)],
            }).with_columns(item=pl.lit(f"q{item}"), order=pl.lit(order), shown=pl.lit(shown.tolist())))  # fmt: skip
    whole = pl.concat(parts).with_columns(source=pl.lit("model"), speaker=pl.lit("m"), community=pl.lit("red"))
    return Replies(whole.with_columns(options=pl.lit(IDS.tolist())))


ROTATIONS = {f"rotation:{j}": [(i + j) % 5 for i in range(5)] for j in range(5)}
BOTH = {"forward": list(range(5)), "reversed": list(range(5))[::-1]}


def test_mass_moved_to_the_last_place_is_measured_and_rotation_only_dilutes_it() -> None:
    for seed in range(5):
        found = answers(asked(ROTATIONS, 500, np.random.default_rng(seed), to_last=0.3))
        rows = [r for r in places(found, **DOUBT) if r["line"] == "position effect"]
        assert rows[4]["estimate"] == pytest.approx(0.3, abs=0.03)
        assert rows[4]["verdict"] == "warning: the place of an option draws answers"
        # what is left after averaging all rotations: every share moved towards 1 / k alike
        assert np.abs(found.published.mean(0) - (0.7 * TRUE + 0.3 / 5)).max() < 0.02


def test_no_bias_no_effect() -> None:
    covered = {"order": 0, "place": 0, "variation": 0}
    worlds = 100
    for seed in range(worlds):
        rng = np.random.default_rng(1000 + seed)
        doubt = DOUBT | {"seed": seed}
        order, variation = shifts(
            answers(asked(BOTH, 100, rng)), "order", "order effect", [("forward", "reversed")], **doubt
        )
        last = places(answers(asked(ROTATIONS, 40, rng)), **doubt)[-1]
        covered["order"] += order["verdict"] == "ok"
        covered["place"] += last["verdict"] == "ok"
        covered["variation"] += variation["verdict"] == "ok"
    # 93 to 97 % are due; 100 worlds have a standard error of 2 points
    assert all(0.90 * worlds <= covered[c] <= 0.99 * worlds for c in ("order", "place"))
    assert covered["variation"] >= 0.93 * worlds


def test_an_order_effect_in_option_units_and_in_shares() -> None:
    found = answers(asked(BOTH, 2000, np.random.default_rng(3), to_last=0.2, items=2))
    order, variation = shifts(found, "order", "order effect", two_ways(["reversed", "forward"]), **DOUBT)
    assert order["estimate"] == pytest.approx(
        0.2 * 4, abs=0.08
    )  # a fifth of the answers moves from option 1 to option 5
    assert variation["estimate"] == pytest.approx(0.2, abs=0.03)
    assert variation["floor"] < variation["low"] < 0.2  # type: ignore[operator]  # floats
    assert order["n"] == 8000
    assert str(order["verdict"]).startswith("warning: the answer depends on the order")


def test_modes_are_compared_by_shares() -> None:
    sampled = asked({"forward": list(range(5))}, 2000, np.random.default_rng(4)).with_columns(
        mode=pl.lit("sampled"), shares=pl.lit(None, pl.List(pl.Float64))
    )
    said = sampled.unique("template").with_columns(
        mode=pl.lit("verbalised"), choice=pl.lit(None, pl.String), shares=pl.lit([0.1, 0.25, 0.2, 0.15, 0.3])
    )
    found = answers(Replies(pl.concat([sampled, said])))
    level, variation = shifts(found, "mode", "mode agreement", two_ways(["sampled", "verbalised"]), **DOUBT)
    assert variation["estimate"] == pytest.approx(0.2, abs=0.02)
    assert level["estimate"] == pytest.approx(-0.8, abs=0.1)


def test_what_was_asked_in_one_order_only_is_compared_with_that_order() -> None:
    rng = np.random.default_rng(9)
    both = asked(BOTH, 1000, rng, to_last=0.4).with_columns(label_style=pl.lit("letters"))
    more = asked({"forward": BOTH["forward"]}, 1000, rng, to_last=0.4).with_columns(label_style=pl.lit("numbers"))
    found = answers(Replies(pl.concat([both, more])))
    row = shifts(found, "label_style", "label effect", [("letters", "numbers")], **DOUBT)[0]
    assert abs(float(row["estimate"])) < 0.12  # type: ignore[arg-type]  # pooled over orders it would be -.8
    assert row["n"] == 2000
    assert row["verdict"] == "ok"
    partly = {name: place for name, place in ROTATIONS.items() if name != "rotation:3"}
    some = places(answers(asked(partly, 100, rng)), **DOUBT)
    assert some[0]["verdict"] == "not identified: no item was asked in all rotations of its options"


@pytest.mark.parametrize(("agreeing", "verdict"), [(False, "ok"), (True, "warning")])
def test_negation(agreeing: bool, verdict: str) -> None:
    rng = np.random.default_rng(5)
    trait = rng.normal(0, 1, 400) + 2 * agreeing
    answer = np.array([[1], [1 if agreeing else -1]]) * trait + rng.normal(0, 0.5, (2, 400))
    rows = pl.DataFrame({
        "source": "model", "speaker": "m", "community": "red", "item": "q", "template": [f"u{i % 20}" for i in range(400)] * 2,
        "draw": list(range(400)) * 2, "negated": [False] * 400 + [True] * 400,
    })  # fmt: skip
    both = negations(rows, answer.ravel(), **DOUBT)
    assert both[0]["estimate"] == pytest.approx(np.corrcoef(answer[0], answer[1])[0, 1], abs=1e-12)
    assert both[1]["estimate"] == pytest.approx(((answer > 0).all(0)).mean(), abs=1e-12)
    assert [str(row["verdict"]).partition(":")[0] for row in both] == [verdict, verdict]
    alone = negations(rows.filter(~pl.col("negated")), answer[0], **DOUBT)
    assert alone[0]["verdict"] == "not identified: no item was asked with its negation"


def test_what_the_design_cannot_answer_is_said() -> None:
    only = places(answers(asked(BOTH, 50, np.random.default_rng(6))), **DOUBT)
    assert only[0]["estimate"] is None
    assert only[0]["verdict"] == "not identified: no item was asked in all rotations of its options"


def test_refused() -> None:
    replies = asked(BOTH, 40, np.random.default_rng(7))

    def refuse(frame: pl.DataFrame, said: str) -> None:
        with pytest.raises(InputError, match=said):
            answers(Replies(frame))

    refuse(replies.drop("shown"), "no column 'shown'")
    refuse(replies.with_columns(choice=pl.lit("z")), "80 replies chose an option that was not shown")
    bad = replies.with_columns(shares=pl.lit([0.5, 0.6, 0.0, 0.0, 0.0]))
    refuse(bad, "80 replies hold shares that are no distribution")
    refuse(replies.filter(order="reversed").drop("options"), "item q0 was never shown forward")
    other = replies.with_columns(shown=pl.when(order="reversed").then(pl.lit(list("abcdf"))).otherwise("shown"))
    refuse(other, "item q0 was shown options other than a, b, c, d, e")


def test_unanswered_replies_are_not_answers() -> None:
    replies = asked(BOTH, 40, np.random.default_rng(8))
    some = replies.with_columns(choice=pl.when(template="u00").then(None).otherwise("choice"))
    found: Answers = answers(Replies(some))
    assert found.rows.height == 76
    assert np.allclose(found.published.sum(1), 1)
