"""Real people: opinion groups that vote on the same statements, in a folder of open Polis data; no statement is shown."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect import frames
from sociolect.align.reward_groups import split
from sociolect.align.tilted import at_kl, same_kl, tilted
from sociolect.compare.bootstrap import bootstrap
from sociolect.compare.interval import FloatArray
from sociolect.errors import InputError, RefusedError
from sociolect.find.quality import adjusted_rand
from sociolect.report.content import Section
from sociolect.report.plots import forest
from sociolect.seeds import substream
from sociolect.systems.aligners.maxmin_rlhf.align import learnt, scored

SEEN, MOST, PAIRS = 20, 120, 25  # ours: people who voted on a statement, statements, and pairs of a person, at most
L2 = 0.01
KEYS = ("participant", "group-id")


class Votes(NamedTuple):
    """Votes (people, statements): 1 agree, 0 pass, -1 disagree, nan not seen; each person's declared group; what was left out."""

    people: tuple[str, ...]
    group: tuple[str, ...]
    votes: FloatArray
    left: dict[str, int]


def read(folder: Path) -> Votes:
    """The votes of one conversation, from its participants-votes.csv (or .csv.gz).

    People without a group, or without both an agreement and a disagreement, cannot say what they prefer to what; of the
    statements those that at least 20 of the people saw are kept, the 120 most seen. All others are counted.
    Raises InputError where there is no such file, or its columns are others.
    """
    file = next((folder / name for name in ("participants-votes.csv", "participants-votes.csv.gz") if (folder / name).is_file()), None)  # fmt: skip
    if file is None:
        raise InputError(f"{folder.name} holds no participants-votes.csv: name the folder of one Polis conversation")
    table = pl.read_csv(file, infer_schema=False)
    statements = [c for c in table.columns if c.isdigit()]
    if missing := [c for c in KEYS if c not in table.columns] or ([] if statements else ["a column per statement"]):
        raise InputError(f"{folder.name}/{file.name} lacks {', '.join(missing)}")
    votes = table.select(pl.col(statements).cast(pl.Float64, strict=False)).to_numpy()
    odd = int((~np.isnan(votes) & ~np.isin(votes, (-1, 0, 1))).sum())
    if odd:
        raise InputError(f"{folder.name}/{file.name} holds {odd} votes that are none of 1, 0, -1")
    known = (table["group-id"].fill_null("") != "").to_numpy()
    both = ((votes == 1).any(1) & (votes == -1).any(1)) if len(votes) else known
    kept = known & both
    seen = (~np.isnan(votes[kept])).sum(0)
    order = np.argsort(-seen, kind="stable")[:MOST]
    some = np.sort(order[seen[order] >= SEEN])
    left = {"people without a group": int((~known).sum()), "people who agreed or disagreed with nothing": int((known & ~both).sum()), "statements fewer than 20 saw, or beyond the 120 most seen": len(statements) - len(some)}  # fmt: skip
    here = table.filter(pl.Series(kept))
    return Votes(tuple(here["participant"]), tuple(here["group-id"]), votes[kept][:, some], left)


def fared(folder: Path, *, groups: int, starts: int, kl: float, seed: int) -> pl.DataFrame:
    """How much more people held out agree with statements drawn under each arm than with one drawn evenly, by declared group.

    A statement's reward is learnt for everybody, and for each group that expectation-maximisation finds, from what people
    agreed with over what they disagreed with; arms are policies over statements, `kl` nats from even. Effects with `people`;
    further rows: `adjusted Rand` of the groups found against the declared ones, and `group-aware consensus`, the rank
    correlation of an arm's score with the product of the groups' shares of agreement, each (agreed + 1) / (seen + 2), Polis' own.
    """
    v = read(folder)
    if len(v.people) < 40 or v.votes.shape[1] < 10 or len(set(v.group)) < 2:
        raise RefusedError(f"{len(v.people)} people of {len(set(v.group))} groups and {v.votes.shape[1]} statements: 40 people of two groups and 10 statements are due")  # fmt: skip
    out = split(v.people, seed=seed)
    chosen, rejected, users = _pairs(v, ~out, seed)
    one_hot = np.eye(v.votes.shape[1])
    found = learnt(one_hot[chosen], one_hot[rejected], users, groups=groups, starts=starts, l2=L2, seed=seed)
    arms = scored(found.single, found.groups.weights, at_kl(kl))
    made = tilted(np.stack(list(arms.scores.values())), kl=kl)
    same_kl(made.kl.tolist(), list(arms.scores))
    votes, group = v.votes[out], np.array(v.group)[out]
    seen = ~np.isnan(votes)
    agrees = np.where(seen, votes == 1, 0.0)
    rows: list[dict[str, object]] = []
    for arm, policy in zip(arms.scores, made.policy, strict=True):
        apart = (agrees * policy).sum(1) / (seen * policy).sum(1) - agrees.sum(1) / seen.sum(1)
        for name in sorted(set(v.group)):
            mine = group == name
            rows.append({"measure": "agreement over even", "arm": arm, "group": f"group {name}", **_mean(apart[mine], seed), "n": int(mine.sum()), "people": int(mine.sum())})  # fmt: skip
    declared = dict(zip(v.people, v.group, strict=True))
    members = [frames.members(pl.DataFrame({"person": list(found.groups.users), "community": c})) for c in ([str(g) for g in found.groups.group], [declared[u] for u in found.groups.users])]  # fmt: skip
    n = len(found.groups.users)
    rows.append({"measure": "adjusted Rand", "arm": "expectation-maximisation", "group": "declared groups", "estimate": adjusted_rand(*members).value, "low": None, "high": None, "n": n, "people": n})  # fmt: skip
    consensus = _consensus(v, ~out)
    rows += [{"measure": "group-aware consensus", "arm": arm, "group": "all groups", **_rank(score, consensus, seed), "n": len(consensus), "people": n} for arm, score in arms.scores.items()]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(("estimate", "low", "high"), pl.Float64))


def section(effects: pl.DataFrame, left: dict[str, int]) -> Section:
    """What the page says of it: a figure where every group has people enough, and counts of what was left out."""
    told = "; ".join(f"{n} {what}" for what, n in left.items())
    named = effects.filter(measure="agreement over even")
    figure = forest(named, label="arm", group="measure", beside="group", axis="share agreed with, over statements drawn evenly", title="How much more people held out agree with each arm's statements")  # fmt: skip
    return Section(
        "The same with people who voted",
        POLIS.format(left=told),
        figure=figure,
        table=effects,
        name="polis",
        people="people",
    )


def _pairs(v: Votes, learn: npt.NDArray[np.bool_], seed: int) -> tuple[list[int], list[int], list[str]]:
    chosen, rejected, users = [], [], []
    for i in np.flatnonzero(learn):
        yes, no = (np.flatnonzero(v.votes[i] == vote) for vote in (1, -1))
        if not len(yes) or not len(no):  # what they did see may have been left out
            continue
        picked = substream(seed, "polis", v.people[i]).permutation(len(yes) * len(no))[:PAIRS]
        chosen += yes[picked // len(no)].tolist()
        rejected += no[picked % len(no)].tolist()
        users += [v.people[i]] * len(picked)
    return chosen, rejected, users


def _consensus(v: Votes, learn: npt.NDArray[np.bool_]) -> FloatArray:
    shares = []
    for name in sorted(set(v.group)):
        votes = v.votes[learn & (np.array(v.group) == name)]
        shares.append(((votes == 1).sum(0) + 1) / ((~np.isnan(votes)).sum(0) + 2))
    return np.asarray(np.prod(shares, axis=0))


def _mean(values: FloatArray, seed: int) -> dict[str, float | None]:
    values = values[~np.isnan(values)]
    return _ends(partial(_weighted, values=values), len(values), seed)


def _weighted(w: FloatArray, *, values: FloatArray) -> FloatArray:
    return np.asarray((w * values).sum(1) / w.sum(1))


def _rank(one: FloatArray, two: FloatArray, seed: int) -> dict[str, float | None]:
    from scipy.stats import rankdata

    return _ends(partial(_correlated, x=rankdata(one), y=rankdata(two)), len(one), seed)


def _correlated(w: FloatArray, *, x: FloatArray, y: FloatArray) -> FloatArray:
    share = w / w.sum(1, keepdims=True)
    a, b = (v - (share * v).sum(1, keepdims=True) for v in (x, y))
    return np.asarray((share * a * b).sum(1) / np.sqrt((share * a * a).sum(1) * (share * b * b).sum(1)))


def _ends(statistic: partial[FloatArray], n: int, seed: int) -> dict[str, float | None]:
    try:
        found = bootstrap(statistic, np.arange(n), batched=True, seed=seed)
    except RefusedError:
        return {"estimate": None, "low": None, "high": None}
    return {"estimate": float(found.estimate), "low": float(found.low), "high": float(found.high)}


POLIS = """Opinion groups that Polis declared voted on the same statements. Rewards are learnt from three people in four; the others' votes
say who agrees with what an arm would say. Declared groups were made from these very votes, so that finding them again is no surprise.

Left out: {left}. No statement is shown."""
