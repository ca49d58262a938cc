"""The recipe's page: who fares how under which arm, the claims, the groups that were found, and what it all cost whom."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from sociolect.frames import Effects, Replies
from sociolect.report.content import Headline, Page, Section
from sociolect.report.plots import forest
from sociolect.report.table import digits, interval
from sociolect.systems import read
from sociolect.systems.held import Here, held

ARM = "max-min"


class Found(NamedTuple):
    """Everything the page tells."""

    exact: Effects
    groups: Effects
    wins: pl.DataFrame
    learned: pl.DataFrame
    spoken: pl.DataFrame
    spoken_effects: Effects
    said: Replies
    practised: Replies | None
    sizes: Sequence[tuple[int, int]]
    null: bool
    n: int


def page(f: Found, made: Sequence[tuple[str, str]], *, further: Sequence[Section] = ()) -> Page:
    """The whole page: figure, claims, the exact form, the language model's, further sections, and where we differ."""
    first = ":".join(map(str, f.sizes[0]))
    gain, cost = (of(f.exact, "gain", first, ARM, group) for group in ("minority", "majority"))
    worst = of(f.exact, "gain, worst group", first, ARM, "all groups")
    summary = (
        f"Under one reward for everybody the minority of {first.replace(':', ' to ')} users prefers a reply to one of the reference in "
        f"{digits(of(f.exact, 'win rate', first, 'single', 'minority')['estimate'])} of cases; under max-min in "
        f"{digits(of(f.exact, 'win rate', first, ARM, 'minority')['estimate'])}. The majority pays for it with "
        f"{digits(-cost['estimate'])} of its own win rate: at the same distance from the reference nothing is free."
    )
    if f.null:
        summary = (
            "Both groups share one reward: nothing is there to be gained, and what is gained is chance. " + summary
        )
    figure = forest(
        f.exact.filter(measure="win rate"), label="arm", group="setting", beside="group", axis="win rate against the reference", reference=0.5,
        title="Win rate of each group under each arm, by users of majority and minority",
    )  # fmt: skip
    claims = held(
        read(Path(__file__).parent).claims,
        {
            "average": here(of(f.exact, "gain, average", first, ARM, "all groups")),
            "minority": here(gain),
            "majority": here(cost),
        },
        planted=True,
    )
    sections = [
        Section("Who fares how", FARES, figure=figure, table=shown(f.exact, ("win rate", "worst group", "Gini")), name="fared"),
        Section("What the paper claims, and what we find", CLAIMS.format(first=first), table=claims, name="claims"),
        Section("What each arm gains, and what it costs", GAINS, table=shown(f.exact, ("gain", "gain, worst group", "gain, average")), name="gains"),
        Section("The groups that were found", GROUPS, table=f.groups.drop("contrast").insert_column(1, f.groups["contrast"].alias("users")), name="groups"),
        Section("How far every arm goes", KL, table=distances(f.wins), name="kl"),
        *_spoken(f),
        *further,
        Section("Where we differ", DIFFER),
    ]  # fmt: skip
    top = [
        Headline("minority gain", digits(gain["estimate"]), interval(gain["low"], gain["high"]).strip(), "gains"),
        Headline("majority cost", digits(-cost["estimate"]), interval(*(None if e is None else -e for e in (cost["high"], cost["low"]))).strip(), "gains"),
        Headline("worst-group gain", digits(worst["estimate"]), interval(worst["low"], worst["high"]).strip(), "gains"),
    ]  # fmt: skip
    return Page("MaxMin-RLHF: a policy for whoever is worst off", sections, top, summary, made=made)


def _spoken(f: Found) -> list[Section]:
    settings = f.spoken_effects.filter(measure="win rate")
    figure = forest(
        settings, label="arm", group="setting", beside="group", axis="win rate against the reference", reference=0.5,
        title="Win rate of each group, by what a language model says",
    )  # fmt: skip
    every = [
        part.select("condition", "community", "raw", "refused") for part in (f.said, f.practised) if part is not None
    ]
    asked = (
        pl.concat(every)
        .group_by("condition", "community", maintain_order=True)
        .agg(
            asked=pl.len(),
            empty=(pl.col("raw").fill_null("").str.strip_chars() == "").sum(),
            refused=pl.col("refused").fill_null(value=False).sum(),
        )
    )
    found = f.learned.filter(pl.col("reward").str.starts_with("group"))
    told = ", ".join(f"{r['reward']}: {len(r['members'])} users" for r in found.iter_rows(named=True))
    share = f.learned.filter(reward=ARM)["share"][0].to_list()
    prose = SPOKEN.format(n=f.n, groups=told, share=", ".join(digits(s) for s in share))
    return [
        Section("The same with a language model", prose, figure=figure, table=shown(f.spoken_effects), name="spoken"),
        *_practised(f.practised),
        Section(
            "What was asked and what came back", ATTRITION, table=asked.rename({"community": "arm"}), name="attrition"
        ),
    ]


def _practised(said: Replies | None) -> list[Section]:
    if said is None:
        return []
    arms = said.group_by("community", maintain_order=True).agg(
        pl.col("kl").first(), pl.col("share").first(), n=pl.len()
    )
    told = arms.rename({"community": "arm", "share": "share of the way"})
    return [Section("How far practice went", PRACTISED, table=told, name="practised")]


def of(effects: pl.DataFrame, measure: str, setting: str, arm: str, group: str) -> dict[str, float]:
    """The one row of these."""
    return effects.filter(measure=measure, setting=setting, arm=arm, group=group).row(0, named=True)


def here(row: dict[str, float]) -> Here:
    return Here(row["estimate"], row["low"], row["high"], int(row["n"]), why="points of win rate, exact form")


def shown(effects: pl.DataFrame, measures: Sequence[str] = ()) -> pl.DataFrame:
    some = effects.filter(pl.col("measure").is_in(list(measures))) if measures else effects
    return some.drop("contrast", "method", *(() if some["left_out"].sum() else ("left_out",)))


def distances(wins: pl.DataFrame) -> pl.DataFrame:
    """The KL of every arm from the reference, in nats, and its temperature, over all runs."""
    told = wins.filter(group="majority")
    return told.group_by("setting", "arm", maintain_order=True).agg(
        kl=pl.col("kl").mean(), kl_least=pl.col("kl").min(), kl_most=pl.col("kl").max(), beta=pl.col("beta").mean(),
        share_of_largest_group=pl.col("weight").mean(), n=pl.len(),
    )  # fmt: skip


FARES = """A win rate is the chance that a draw of the policy is preferred, by a group's own true reward, to a draw of the reference;
.5 is the reference itself. `true max-min` knows the true rewards: it is the ceiling of what can be done for the worst off."""
CLAIMS = """Held at {first} users. The paper does not say which of its two objectives made its figures: these are of `max-min`, the
largest least expectation; `per-sample min`, which the released code follows, stands beside it in every table."""
GAINS = """Each arm less the single reward, at the same KL, paired over runs. A gain of the minority stands beside the cost of the majority."""
GROUPS = """Expectation-maximisation over users. Log-likelihood is in nats per pair, of users nobody learnt from, whose other pairs
found their group: the number of groups is where it stops rising. The adjusted Rand index does not ask what a group is called."""
KL = """Arms further apart than .02 nats are refused. At equal beta in place of equal KL, whoever goes further would win by that."""
SPOKEN = """A small transformer learns templated reviews. The majority wants words of praise, the minority few words. Users choose between
two reviews of one film; rewards are learnt over the model's own hidden states ({groups}; share of each in max-min: {share}),
and every arm says the best of {n} draws about films that nobody judged. Intervals are over films."""
PRACTISED = """Policy gradient with a leave-one-out baseline, from the same base, until it is far enough; then back towards the base until every
arm is at the same KL, in nats, over its own draws."""
ATTRITION = """A reply without a word loses to every other, and is counted; dropped, it would raise the win rate of whoever says nothing."""
DIFFER = """The paper's policy objective is recalled, not seen; max-min of expectations and the code's minimum per sample are both arms.

Groups, users and rewards are planted: the paper's preference pairs are not public, and its judge is a served model.

The majority is always said to pay. Where two groups want opposite things and every arm goes equally far, it must.

Ties count half. Several starts take the place of one; its split by user number is the first of them."""
