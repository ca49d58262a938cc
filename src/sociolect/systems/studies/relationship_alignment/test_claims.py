"""The claims beside what we find: each sign rule, weak and missing tones, planted truth judged right, nothing claimed in the null."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

from sociolect.systems import Claim
from sociolect.systems import find as card_of
from sociolect.systems.studies.relationship_alignment import claims, gaps, people, prepare, similar, terms, worlds

CARD = card_of("relationship_alignment").claims
READ = ("surprised", "insult", "self_disclosure", "worried")
LOST = {"estimate": None, "low": None, "high": None}


def one(sign: str, found: pl.DataFrame, *, name: str = "betas", claim: str = "beta_surprised") -> str:
    """The verdict on one claim."""
    made = claims.table([Claim(claim, "what", None, "where", sign)], {name: found}, weak=())
    return str(made["same sign?"].item())


def beta(low: float | None, high: float | None, **more: Any) -> pl.DataFrame:
    middle = None if low is None or high is None else (low + high) / 2
    told = {"measure": "surprised", "condition": "none", "estimate": middle, "low": low, "high": high}
    told |= {"p_bh": 0.001, "p_holm": 0.001} | more
    return pl.DataFrame([told], schema_overrides=dict.fromkeys(("estimate", "low", "high"), pl.Float64))


@pytest.mark.parametrize(
    ("sign", "low", "high", "due"),
    [
        ("> 0", 0.01, 0.3, "yes"), ("> 0", -0.01, 0.3, "undecided"), ("> 0", 0.0, 0.3, "undecided"), ("> 0", -0.3, -0.01, "no"),
        ("< 0", -0.3, -0.01, "yes"), ("< 0", -0.3, 0.01, "undecided"), ("< 0", -0.3, 0.0, "undecided"), ("< 0", 0.01, 0.3, "no"),
        ("<= 0", -0.3, -0.01, "yes"), ("<= 0", -0.3, 0.0, "yes"), ("<= 0", -0.3, 0.01, "undecided"), ("<= 0", 0.01, 0.3, "no"),
        ("> 0", None, None, "not measured"), ("<= 0", None, None, "not measured"),
    ],
)  # fmt: skip
def test_the_whole_interval_is_held_against_the_sign(
    sign: str, low: float | None, high: float | None, due: str
) -> None:
    assert one(sign, beta(low, high)) == due


@pytest.mark.parametrize(
    ("verdict", "due"),
    [("equal", "yes"), ("different but small", "yes"), ("different", "no"), ("undecided, power .43", "undecided"),
     ("not identified: people's own reaction is not told from 0", "undecided")],
)  # fmt: skip
def test_equality_is_claimed_where_it_was_tested_and_never_read_off_an_interval_around_1(
    verdict: str, due: str
) -> None:
    row = {"measure": "all tones", "arm": "m, none", "estimate": 1.0, "low": 0.7, "high": 1.4, "verdict": verdict}
    told = pl.DataFrame([row | {"arm": "m, all", "verdict": "equal"}, row])
    assert one("equal", told, name="kappa", claim="equal") == due


@pytest.mark.parametrize(("claim", "name", "p"), [("beta_surprised", "betas", "p_bh"), ("context_surprised", "context", "p_holm")])  # fmt: skip
@pytest.mark.parametrize(("value", "due"), [(0.05, "yes"), (0.051, "undecided"), (None, "yes")])
def test_one_tone_of_a_family_is_judged_by_its_p_in_the_family(
    claim: str, name: str, p: str, value: float | None, due: str
) -> None:
    assert one("> 0", beta(0.01, 0.3, **{p: value}), name=name, claim=claim) == due
    # the mean over tones was fixed beforehand: it is no member of the family
    mean = beta(-0.3, -0.01, measure="mean over tones", p_holm=0.9)
    assert one("<= 0", mean, name="context", claim="context_overall") == "yes"


def test_a_reaction_that_cannot_be_told_says_why() -> None:
    row = {"measure": "all tones", "arm": "none", **LOST, "verdict": "not identified: people do not react"}
    assert one("equal", pl.DataFrame([row]), name="kappa", claim="equal") == "people's own reaction is not told from 0"


@pytest.mark.parametrize(("p", "share", "due"), [([0.5, 0.06], 0.0, "undecided"), ([0.05, 0.06], 0.5, "yes")])
def test_the_gain_is_the_share_of_tones_that_show_it(p: list[float], share: float, due: str) -> None:
    (row,) = claims.table(
        [Claim("gain", "what", None, "where", "> 0")], {"gain": pl.DataFrame({"p_holm": p})}, weak=()
    ).rows(named=True)
    assert (row["here"], row["same sign?"]) == (share, due)


def test_a_tone_that_is_read_badly_is_shown_and_not_judged() -> None:
    found = {"betas": beta(0.2, 0.4), "slopes": slope(-0.3, -0.1), "context": beta(0.1, 0.2)}
    weak = ["surprised", "self_disclosure"]
    made = claims.table(CARD, found, weak=weak)
    told = dict(zip((c.id for c in CARD), made["same sign?"], strict=True))
    shown = dict(zip((c.id for c in CARD), made["here"], strict=True))
    for claim in ("beta_surprised", "context_surprised", "disclosure_close"):
        assert told[claim] == "weak reader, not judged"
        assert shown[claim] is not None
    assert told["beta_worried"] == "not measured"
    strong = claims.table(CARD, found, weak=["funny"])["same sign?"].to_list()
    assert strong.count("yes") == 3


def slope(low: float, high: float) -> pl.DataFrame:
    return beta(low, high, measure="self_disclosure", contrast="closeness[T.close]")


def test_nothing_measured_leaves_every_claim_of_the_card_in_its_place() -> None:
    made = claims.table(CARD, {}, weak=())
    assert made["claim"].to_list() == [c.what for c in CARD]
    assert made["same sign?"].to_list() == ["not measured"] * len(CARD)
    assert made.schema["here"] == made.schema["low"] == made.schema["high"] == pl.Float64
    assert made["paper"].to_list() == [c.value for c in CARD]


def test_of_several_models_the_first_one_answers() -> None:
    two = pl.concat([beta(0.1, 0.2, model="first"), beta(-0.2, -0.1, model="second")])
    assert one("> 0", two) == "yes"
    assert one("> 0", two.reverse()) == "no"


def found(seed: int = 1, **knobs: Any) -> Mapping[str, pl.DataFrame]:
    """The tables that claims read, out of a planted world, by the functions that make them in the study."""
    wide = worlds.world(tones=READ, seed=seed, **knobs)
    table = prepare.prepared(wide, eps=prepare.offsets(wide))
    human = table.filter(pl.col("source") == "human")
    block = terms.designed(human)
    alike = similar.similar(table, block, speaker="planted", conditions=["none", "all"])
    order = similar.order(alike)
    assert order is not None
    (low,), (high,), _ = order.ends()
    return {
        "gain": people.gain(human, block),
        "slopes": people.table(people.slopes(human, block), block, arm="people"),
        "kappa": gaps.reactions(prepare.paired(table, "planted", "none"), block, arm="none"),
        "betas": similar.betas(alike),
        "context": similar.context(alike),
        "order": pl.DataFrame({"estimate": order.estimate, "low": [low], "high": [high]}),
    }


def judged(tables: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    made = claims.table(CARD, tables, weak=())
    return dict(zip((c.id for c in CARD), made["same sign?"], strict=True))


def test_a_world_as_the_paper_tells_it_is_judged_so_claim_by_claim() -> None:
    # a model that knows the commenter without being told, and whose betas are the paper's; all context lifts two of them
    lifted = {"all": {"surprised": 0.65, "insult": 0.65, "self_disclosure": 0.0, "worried": 0.05}}
    tables = found(cue=1.0, blind=False, beta=lifted, mirror=0.0, noise=0.0, pairs=3000, posts=750)
    told = judged(tables)
    assert told == {c.id: "yes" for c in CARD}
    near = tables["slopes"].filter(measure="self_disclosure", contrast="closeness[T.close]")
    assert near["estimate"].item() == pytest.approx(-0.4, abs=0.1)  # four standard errors


def test_a_world_of_the_opposite_is_denied_claim_by_claim() -> None:
    # told nothing the model does not react at all; betas fall below 0 and in the other order; context lifts the rest
    less = {"none": {"surprised": -0.2, "insult": 0.6, "worried": -0.6, "self_disclosure": -0.3},
            "all": {"surprised": -0.7, "insult": 0.0, "worried": 0.6, "self_disclosure": 0.7}}  # fmt: skip
    social = {"self_disclosure": {"close": 0.4, "man": 0.5}, "insult": {"man": 0.5}}
    told = judged(found(beta=less, social=social, mirror=0.0, noise=0.0, kappa=0.0, pairs=3000, posts=750))
    assert told == {c.id: "yes" if c.id == "gain" else "no" for c in CARD}


def test_in_the_null_nothing_is_claimed_beyond_chance() -> None:
    # eight claims of an effect, of which each errs on the claimed side in 1 of 40: more than 2 of 24 happen once in 45
    told = [judged(found(seed=s, null=True, pairs=600, posts=150)) for s in range(3)]
    effects = [(s, c) for s, t in enumerate(told) for c, v in t.items() if v == "yes" and c != "equal"]
    assert len(effects) <= 2, effects
    # equality cannot be shown where people do not react
    assert {t["equal"] for t in told} <= {"undecided", "people's own reaction is not told from 0"}
