"""The planted worlds of `relations.py`: what one world, or one set of clusters, has to say on each line. Tallies by name, one array a world."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from sociolect.compare.mixed_effects import MixedEffects, mixed_effects
from sociolect.compare.model_tests import wald
from sociolect.load.planted_pairs_words import SOCIAL, TRUTH
from sociolect.seeds import substream
from sociolect.systems.studies.relationship_alignment import gaps, grid, mechanisms, people, prepare, similar, weights
from sociolect.systems.studies.relationship_alignment import terms as of
from sociolect.systems.studies.relationship_alignment.terms import Block
from sociolect.systems.studies.relationship_alignment.worlds import world
from sociolect.tones import TONES

warnings.simplefilter("ignore")

# The planted terms in the order of the block's columns.
PLANTED = {
    "commenter_gender[T.man]": "man", "poster_gender[T.man]": "poster_man", "both_men": "man:poster_man",
    "commenter_decades": "commenter_age", "poster_decades": "poster_age", "gap_decades": "age_gap",
    "closeness[T.close]": "close", "closeness[T.not_close]": "not_close",
}  # fmt: skip
CLOSE = "closeness[T.close]"
ALPHA = 0.05
Tally = dict[str, Any]


def made(**knobs: Any) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, Block, dict[str, float]]:
    """A world as the recipe prepares it: wide, table, people's rows, block, offsets."""
    wide = world(**knobs)
    eps = prepare.offsets(wide)
    table = prepare.prepared(wide, eps=eps)
    human = table.filter(pl.col("source") == "human")
    return wide, table, human, of.designed(human), eps


def planted(fit: MixedEffects) -> tuple[list[int], np.ndarray]:
    """The social columns of a fit and their planted values (columns, tones)."""
    at = [i for i, c in enumerate(fit.columns) if c in PLANTED]
    return at, np.array([[TRUTH[t.split()[-1]][PLANTED[fit.columns[i]]] for t in fit.outcomes] for i in at])


def covers(fit: MixedEffects, at: list[int], due: np.ndarray) -> np.ndarray:
    """Whether the interval of each column and tone holds what is due: (tones, columns)."""
    from scipy.special import stdtrit

    reach = stdtrit(fit.degrees, 0.975) * np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2)).T
    return np.asarray((np.abs(fit.fit.beta - _full(fit, at, due)) <= reach)[at].T)


def _full(fit: MixedEffects, at: list[int], due: np.ndarray) -> np.ndarray:
    out = np.zeros_like(fit.fit.beta)
    out[at] = due
    return out


def share(table: pl.DataFrame, column: str = "p") -> list[bool]:
    return (table[column] < ALPHA).to_list()


def plain(seed: int) -> Tally:
    """A model that reacts as people do: coefficients, the difference form, kappa 1, between less within without selection."""
    _, table, human, block, _ = made(conditions=["all"], draws=1, seed=seed)
    model = people.slopes(human, block, errors="model", cluster=None)
    robust = people.slopes(human, block)
    at, due = planted(robust)
    pairs = prepare.paired(table, "planted", "all")
    _, joint = gaps.differences(pairs, block, arm="all")
    kappa = gaps.reactions(pairs, block, arm="all")
    told = kappa.filter(pl.col("p_same").is_not_null())
    each = told.filter(pl.col("measure") != "all tones")
    m3 = mechanisms.between_within(human, block)
    return {
        "error": (robust.fit.beta[at] - due).T, "cover model": covers(model, at, due), "cover sandwich": covers(robust, at, due),
        "joint difference": share(joint), "kappa 1, a tone": share(each, "p_same"), "kappa 1": each["estimate"].to_list(),
        "kappa 1, all tones": share(told.filter(pl.col("measure") == "all tones"), "p_same"), "m3 null": share(m3),
    }  # fmt: skip


def stacked(seed: int) -> Tally:
    """Both arms in one regression, people and model alike: an intercept per post alone, and one per pair beside it."""
    _, table, _, block, _ = made(conditions=["all"], draws=1, tones=TONES[:4], seed=seed)
    bare = replace(block, controls=())
    both = table.with_columns(source=pl.col("source").replace_strict({"human": 0.0, "model": 1.0}))
    right = "~ source*(" + " + ".join(block.terms) + ")"
    naive = mixed_effects(both, right + " + (1 | post)", outcomes=block.tones)
    moved = [c for c in naive.columns if "source" in c and c != "source"]
    difference = people.slopes(prepare.paired(table, "planted", "all"), bare, prefix="gap ")
    due = [difference.columns.index(c.replace("source:", "").replace(":source", "")) for c in moved]
    out: Tally = {"joint stacked, post alone": share(wald(naive, moved))}
    error = np.sqrt(np.diagonal(difference.covariance, axis1=1, axis2=2)).T[due]

    def beside(groups: str) -> tuple[MixedEffects, np.ndarray]:
        fit = mixed_effects(both, right + groups, outcomes=block.tones, errors="CR1", cluster="post")
        mine = [fit.columns.index(c) for c in moved]
        return fit, np.asarray(np.abs(fit.fit.beta[mine] - difference.fit.beta[due]) / error).T

    pairs, apart = beside(" + (1 | post) + (1 | item)")
    out |= {"stacked apart": apart.ravel(), "joint stacked, pairs": share(wald(pairs, moved))}
    if seed % 8 == 1:  # a post's own difference of sources is what the difference form has as its intercept per post
        both = both.with_columns(arm_of_post=pl.concat_str("post", "condition", separator=" "))
        out["stacked apart, by source"] = beside(" + (1 | post) + (1 | item) + (1 | arm_of_post)")[1]
    return out


def slopes(seed: int) -> Tally:
    """The two betas that the paper tells, at 50,000 rows."""
    _, table, _, block, _ = made(pairs=50_000, posts=12_500, tones=["surprised", "worried"], conditions=["none"], social=0.0, mirror=0.0, noise=0.0, draws=1, seed=seed)  # fmt: skip
    found = similar.betas(similar.similar(table, block, speaker="planted", conditions=["none"]))
    return {"beta error": np.array([found["estimate"].to_numpy() - [0.309, 0.585]])}


def weighed(seed: int) -> Tally:
    """Who comments follows the tone of the post: weights undo the bias; on something unseen they do not."""
    out: Tally = {}
    for mirror in (2.0, 4.0):
        _, _, human, block, _ = made(pairs=20_000, posts=5000, selection=0.5, mirror=mirror, conditions=["none"], draws=1, tones=TONES[:4], seed=seed)  # fmt: skip
        found = weights.weighed(human, block)
        before, after = (weights.marginal(found.rows, block, weights=w) for w in (None, "ipw"))
        at, due = planted(after)
        here = after.columns.index(CLOSE)
        mine = due[at.index(here)]
        smd = found.balance.filter(~pl.col("held_out")).select(pl.col("before", "after").abs().max()).row(0)
        name = f"ipw, mirror {mirror:g}: "
        told = weights.weighted(found, block).filter(pl.col("contrast") == CLOSE)
        held = ((told["low"] <= mine) & (told["high"] >= mine)).to_list()
        out |= {
            name + "bias": np.array([before.fit.beta[here] - mine]), name + "left": np.array([after.fit.beta[here] - mine]),
            name + "cover": held, "ipw smd before": [smd[0]], "ipw smd after": [smd[1]],
            "ipw share": [found.found.share],
        }  # fmt: skip
    control = weights.controlled(found, block)
    assert control is not None
    return out | {"negative control": share(control)}


def unseen(seed: int) -> Tally:
    _, _, human, block, _ = made(pairs=20_000, posts=5000, selection=1.5, unseen=True, conditions=["none"], draws=1, tones=TONES[:4], seed=seed)  # fmt: skip
    after = weights.marginal(weights.weighed(human, block).rows, block, weights="ipw")
    table = after.summary(columns=[CLOSE])
    split = people.slopes(human, block, split=True)
    within = split.fit.beta[split.columns.index(CLOSE + " [within post]")]
    true = np.array([TRUTH[t]["close"] for t in block.tones])
    low, high = table["low"].to_numpy(), table["high"].to_numpy()
    at = [split.columns.index(CLOSE + " [within post]")]
    return {
        "unseen: weights miss": (low > true) | (high < true), "unseen: within outside": (within < low) | (within > high),
        "unseen: within covers": covers(split, at, true[None]),
    }  # fmt: skip


def equal(seed: int) -> Tally:
    """Every coefficient equal, or apart by the bound itself, in 20,000 pairs; and equal in 1,000."""
    planted_ = {t: dict.fromkeys(SOCIAL, 0.1) for t in TONES[:4]}
    out: Tally = {}
    for name, kappa, pairs in (("equal 0", 1.0, 20_000), ("equal .10", 2.0, 20_000), ("few", 1.0, 1000)):
        _, table, _, block, _ = made(pairs=pairs, posts=pairs // 4, social=planted_, kappa=kappa, conditions=["all"], draws=1, tones=TONES[:4], seed=seed)  # fmt: skip
        tested, _ = gaps.differences(prepare.paired(table, "planted", "all"), block, arm="all")
        out[name] = (tested["p"] <= ALPHA).to_list()
        if name == "few":
            wide = tested.filter(pl.col("power") < 0.3)  # with so few pairs gender x gender, and closeness
            out["few: undecided"] = wide["verdict"].str.starts_with("undecided, power").to_list()
            out["few: power less share"] = (tested["power"] - (tested["p"] <= ALPHA).cast(pl.Float64)).to_list()
    return out


def over(seed: int) -> Tally:
    """A model that reacts twice as strongly to what it is told, beside its controls."""
    _, table, _, block, _ = made(kappa={"all": 2.0, "false": 2.0}, conditions=["none", "placebo", "all", "false"], draws=1, seed=seed)  # fmt: skip
    facts = ("commenter_gender", "poster_gender", "both_men", "closeness", "commenter_decades", "poster_decades", "gap_decades")  # fmt: skip
    of_pair = table.filter(pl.col("source") == "human").select(pl.col("item").alias("facts_of"), *facts)
    false = table.filter(pl.col("condition") == "false").drop(facts)
    false = false.join(of_pair, on="facts_of", how="left").select(table.columns)
    both = pl.concat([table.filter(pl.col("condition") != "false"), false])
    found = gaps.reactions(prepare.paired(table, "planted", "all"), block, arm="all").filter(pl.col("measure") == "all tones")  # fmt: skip
    blind, _ = mechanisms.placebo(table, block, speaker="planted")
    follows = mechanisms.followed(both, block, speaker="planted")
    return {
        "kappa 2": found["estimate"].to_list(), "kappa 2 covers": (found["low"] <= 2) & (found["high"] >= 2),
        "kappa 2 excludes 1": (found["low"] > 1).to_list(), "placebo": share(blind),
        "false less all": (follows["estimate"] - found["estimate"]).to_list(),
    }  # fmt: skip


def implied(seed: int) -> Tally:
    """A blind model under selection that mirrors the post; and one that reads a cue off it."""
    out: Tally = {}
    for name, cue in (("mirror", 0.0), ("cue", 1.6)):
        _, table, _, block, _ = made(selection=1.0, mirror=2.0, cue=cue, conditions=["none"], draws=1, seed=seed)
        pairs = prepare.paired(table, "planted", "none")
        found = mechanisms.implicit(pairs, block)
        for part, rows in found.group_by("block"):
            out[f"m1 {name}, {part[0]}"] = share(rows)
        if not cue:
            split = people.slopes(pairs, replace(block, controls=()), prefix="model ", split=True)
            mine = [i for i, c in enumerate(split.columns) if "[within" in c and c.startswith(("comm", "clos"))]
            out["blind within covers 0"] = covers(split, mine, np.zeros((len(mine), len(split.outcomes))))
    return out


def selected(seed: int) -> Tally:
    out: Tally = {}
    _, _, human, block, _ = made(conditions=["none"], draws=1, tones=TONES[:4], seed=seed)
    out["shift null"] = share(weights.shift(weights.weighed(human, block), block))
    for strength in (0.0, 0.5, 1.0):
        _, _, human, block, _ = made(selection=strength, mirror=2.0, conditions=["none"], draws=1, seed=seed)
        found = mechanisms.between_within(human, block).filter(pl.col("contrast") == CLOSE)
        out |= {f"m3 at {strength:g}": found["estimate"].to_list(), f"m3 rejects at {strength:g}": share(found)}
    return out


def noisy(seed: int) -> Tally:
    """The same true slope of .5 with little and with much noise of drawing: reliability .86 and .70; and twice the scale."""
    loud = float(np.sqrt(0.25 * 0.3 / 0.7))
    _, table, _, block, _ = made(social=0.0, mirror=0.0, beta=0.5, noise={"none": 0.2, "all": loud}, seed=seed)
    found = similar.similar(table, block, speaker="planted", conditions=["none", "all"])
    betas = similar.betas(found).filter(pl.col("condition") == "all")
    told = similar.context(found)
    alone, mean = told.head(-1), told.tail(1)
    return {
        "raw slope": betas["slope"].to_list(), "trap 10": (betas["estimate"] / betas["reliability"]).to_list(), "corrected slope": betas["corrected slope"].to_list(), "reliability": betas["reliability"].to_list(),
        "corrected covers": ((betas["corrected slope low"] <= 0.5) & (betas["corrected slope high"] >= 0.5)).to_list(),
        "unequal noise: raw mean excludes 0": (mean["p"] < ALPHA).to_list(), "unequal noise: corrected covers 0": (alone["corrected p"] >= ALPHA).to_list(),
    }  # fmt: skip


def louder(seed: int) -> Tally:
    _, table, _, block, _ = made(
        pairs=8000, posts=2000, scale={"none": 1.0, "all": 2.0}, noise=0.1, social=0.0, seed=seed
    )
    betas = similar.betas(similar.similar(table, block, speaker="planted", conditions=["none", "all"]))
    one, two = (betas.filter(pl.col("condition") == c) for c in ("none", "all"))
    return {
        "scale: beta less half": np.array([(two["estimate"] - one["estimate"] / 2).to_numpy()]),
        "scale: correlation": np.array([(two["correlation"] - one["correlation"]).to_numpy()]),
        "scale: ratio of spreads": (two["ratio of spreads"] / one["ratio of spreads"]).to_list(),
    }


def offset(seed: int) -> Tally:
    out: Tally = {}
    for zeros in (0.1, 0.0):
        wide, _, _, block, eps = made(zeros=zeros, conditions=["none"], draws=1, tones=["self_disclosure"], seed=seed)
        _, held = grid.grid(wide.filter(pl.col("source") == "human"), block, eps=eps)
        turned = held["depends_on"].str.contains("eps").fill_null(False)
        out[f"zeros {zeros:g}"] = [bool((turned & (held["contrast"] == CLOSE)).any() if zeros else turned.any())]
    return out


def nothing(seed: int) -> Tally:
    """Whole pages where nothing is: whether any family, adjusted by Holm, claims something."""
    _, table, human, block, _ = made(null=True, conditions=["none", "all"], draws=1, seed=seed)
    fit = people.slopes(human, block)
    _, joint = gaps.differences(prepare.paired(table, "planted", "all"), block, arm="all")
    context = similar.context(similar.similar(table, block, speaker="planted", conditions=["none", "all"]))
    families = {
        "gain": people.gain(human, block), "joint, people": people.joint(fit, block, arm="people"),
        "slopes": people.table(fit, block, arm="people"), "joint, difference": joint, "context": context,
    }  # fmt: skip
    return {f"null, {name}": [any(share(t, "p_holm"))] for name, t in families.items()}


def crossed(seed: int) -> Tally:
    """Commenters who come back, with ways of their own: the joint test of people's comments as the study makes it."""
    out: Tally = {}
    for pairs, posts, commenters in ((4000, 1000, 800), (1000, 250, 200)):
        _, _, human, block, _ = made(pairs=pairs, posts=posts, commenters=commenters, null=True, conditions=["none"], draws=1, seed=seed)  # fmt: skip
        out[f"two-way, {pairs:,}"] = share(people.joint(people.slopes(human, block), block, arm=""))
    return out


def few(seed: int) -> Tally:
    """Eight and ten clusters of unequal size, eight outcomes: a covariate that varies inside clusters and one that does not."""
    out: Tally = {}
    for count in (8, 10):
        rng = substream(seed, "few clusters", count)
        sizes = rng.integers(10, 40, count)
        codes = np.repeat(np.arange(count), sizes)
        inside, outside = rng.normal(size=codes.size), rng.normal(size=count)[codes]
        y = rng.normal(size=(codes.size, 8)) + 0.5 * rng.normal(size=(count, 8))[codes] + 0.3 * inside[:, None] + 0.3 * outside[:, None]  # fmt: skip
        rows = pl.DataFrame({"g": codes.astype(str), "inside": inside, "outside": outside}).with_columns(
            pl.Series(f"y{k}", y[:, k]) for k in range(8)
        )
        fit = mixed_effects(rows, "~ inside + outside + (1 | g)", outcomes=[f"y{k}" for k in range(8)], errors="CR2")
        for column, name in ((1, "inside"), (2, "outside")):
            out[f"CR2, {count} clusters, {name}"] = ~covers(fit, [column], np.full((1, 8), 0.3))
    return out
