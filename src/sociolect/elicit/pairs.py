"""Blinded sheets for people to judge: pairs of replies from two arms, or single replies, with the key kept apart."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect import text
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import KEYS, Replies
from sociolect.report.table import legible
from sociolect.seeds import derive, substream

# The study's criteria (Chu et al. 2024, Sec. 5.2.5), in our words.
CRITERIA: Mapping[str, str] = {
    "language": "Which text uses the words and phrases that members of this community use?",
    "themes": "Which text is about what members of this community talk about?",
    "capitalisation": "Which text is capitalised and punctuated as members of this community do it?",
    "coherence": "Which text is more coherent?",
    "overall": "All in all, which text would you sooner take for a post of this community?",
}
SIDES = ("A", "B")


def pairs(
    replies: Replies,
    *,
    arms: tuple[str, str] = ("aligned", "in_context"),
    topic: str = "topic",
    per_community: int = 50,
    tolerance: float = 0.2,  # ours: the paper matched no lengths
    repeats: float = 0.0,
    lowercase: bool = False,
    seed: int = 0,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The sheet that annotators see, and the key that tells who spoke.

    sheet: unit (an opaque id), community, topic, a, b (the two texts); it names no arm, and its order says nothing.
    key: one row a unit and side: unit, side (A or B), arm, words, topic, repeat_of, and the keys of the reply.

    Both texts of a pair are of one community and topic; their word counts differ by at most `tolerance` of the longer
    one (`balance` says how near they came). Each community gets exactly `per_community` pairs, as evenly over its
    topics as these allow; a reply is used once. Each arm stands on side A in half of a community's pairs, and of a
    topic's, to within one. Both arms are rendered alike: unwrapped, outer space off, lower-cased where `lowercase`.
    Refusals and empty replies are in no pair: `balance` counts them. `repeats` is the share of pairs that are shown
    twice, sides swapped, under another id: `repeat_of` names the first.

    Raises UsageError for keywords out of range, InputError where arms or topics are missing, RefusedError where a
    community has too few pairs.
    """
    faults = [f"arms are {arms!r}: two different ones are due"] * (len(arms) != 2 or len(set(arms)) != 2)
    faults += [f"per_community is {per_community}: at least 1 is due"] * (per_community < 1)
    faults += [f"tolerance is {tolerance}: 0 to below 1 is due"] * (not 0 <= tolerance < 1)
    faults += [f"repeats is {repeats}: a share, 0 to 1, is due"] * (not 0 <= repeats <= 1)
    if faults:
        raise UsageError("; ".join(faults))
    said = _rendered(replies, arms, topic, lowercase=lowercase)
    groups = {c: g for (c,), g in sorted(said.partition_by("community", as_dict=True).items())}
    found = {str(c): _matched(group, arms, topic, tolerance, seed) for c, group in groups.items()}
    every = sorted(replies.filter(pl.col("condition").is_in(arms))["community"].unique())
    short = {c: n for c in every if (n := sum(map(len, found.get(c, {}).values()))) < per_community}
    if short:
        counts = "; ".join(
            f"{c}: {n} ({', '.join(f'{arm} {said.filter(community=c, condition=arm).height}' for arm in arms)} replies)"
            for c, n in short.items()
        )
        raise RefusedError(
            f"too few pairs of one topic and like length where {per_community} per community are due: {counts}; "
            f"ask for fewer, widen tolerance={tolerance}, or generate more"
        )
    shown: list[tuple[str, int, int, str | None]] = []  # id, row on side A, row on side B, repeat of
    for community, topics in found.items():
        rng = substream(seed, "pairs", community)
        quotas = _even([len(p) for p in topics.values()], per_community, rng)
        drawn = []
        for (name, matched), quota in zip(topics.items(), quotas, strict=True):
            picked = rng.permutation(len(matched))[:quota]
            drawn += [(_id(seed, community, name, n), *matched[i]) for n, i in enumerate(picked)]
        # Turn and turn about, from a drawn start: balanced within every topic and over all of them.
        start = int(rng.integers(2))
        sided = [(i, y, x, None) if (n + start) % 2 else (i, x, y, None) for n, (i, x, y) in enumerate(drawn)]
        again = rng.permutation(len(sided))[: round(repeats * len(sided))]
        shown += sided + [(_id(seed, "again", sided[i][0]), sided[i][2], sided[i][1], sided[i][0]) for i in again]
    units, first, second, repeat_of = (
        list(column) for column in zip(*sorted(shown, key=lambda row: row[0]), strict=True)
    )
    a, b = said[first], said[second]
    sheet = pl.DataFrame(
        {
            "unit": units,
            "community": a["community"],
            "topic": a[topic].cast(pl.String),
            "a": a["shown"],
            "b": b["shown"],
        }
    )
    sides = [
        rows.select(
            pl.Series("unit", units), pl.lit(side).alias("side"), pl.col("condition").alias("arm"), "words",
            pl.col(topic).cast(pl.String).alias("topic"), pl.Series("repeat_of", repeat_of, dtype=pl.String), *KEYS,
        )
        for side, rows in zip(SIDES, (a, b), strict=True)
    ]  # fmt: skip
    return sheet, pl.concat(sides).sort("unit", "side")


def singles(
    replies: Replies,
    *,
    arms: Sequence[str] = ("human", "in_context", "aligned"),
    topic: str = "topic",
    per_arm: int = 20,  # Sec. 5.2.6: 60 posts per community, 20 of each
    lowercase: bool = False,
    seed: int = 0,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A blinded sheet of single replies to label, and its key: exactly `per_arm` of each arm in each community.

    sheet: unit, community, topic, text. key: unit, arm, words, topic and the keys of the reply. Rendered as in `pairs`,
    and as evenly over topics. Raises RefusedError where an arm has too few replies.
    """
    if per_arm < 1 or not arms or len(set(arms)) != len(arms):
        raise UsageError(f"per_arm is {per_arm} and arms are {arms!r}: at least 1 of each of different arms is due")
    said = _rendered(replies, arms, topic, lowercase=lowercase)
    every = sorted(replies.filter(pl.col("condition").is_in(arms))["community"].unique())
    cells = [(c, arm, said.filter(community=c, condition=arm)) for c in every for arm in arms]
    if short := [f"{c}, {arm}: {rows.height}" for c, arm, rows in cells if rows.height < per_arm]:
        raise RefusedError(
            f"too few replies where {per_arm} per community and arm are due: {'; '.join(short)}; ask for fewer"
        )
    parts = []
    for community, arm, rows in cells:
        rng = substream(seed, "singles", community, arm)
        topics = sorted(rows.partition_by(topic, as_dict=True).items())
        quotas = _even([part.height for _, part in topics], per_arm, rng)
        parts += [part[rng.permutation(part.height)[:q]] for (_, part), q in zip(topics, quotas, strict=True)]
    chosen = pl.concat(parts)
    units = [_id(seed, *map(str, row)) for row in chosen.select(*KEYS).iter_rows()]
    chosen = chosen.with_columns(pl.Series("unit", units), pl.col(topic).cast(pl.String).alias("topic")).sort("unit")
    sheet = chosen.select("unit", "community", "topic", pl.col("shown").alias("text"))
    return sheet, chosen.select("unit", pl.col("condition").alias("arm"), "words", "topic", *KEYS)


def balance(replies: Replies, key: pl.DataFrame) -> pl.DataFrame:
    """What the key of `pairs` holds, one row a community and arm.

    replies, refused, empty: how many there were and how many could not be shown. pairs, topics; fewest and most: pairs of
    a topic; on_a: how many pairs show the arm as A; words: mean length; gap: the largest difference of length in a pair,
    as a share of the longer text, the same for both arms. Repeats are not counted.
    """
    once = key.filter(pl.col("repeat_of").is_null())
    longer = pl.col("words").max().over("unit")
    once = once.with_columns(
        gap=pl.when(longer > 0).then((longer - pl.col("words").min().over("unit")) / longer).otherwise(0.0),
        of_topic=pl.len().over("community", "arm", "topic"),
    )
    found = once.group_by("community", "arm").agg(
        pairs=pl.len(), topics=pl.col("topic").n_unique(), fewest=pl.col("of_topic").min(), most=pl.col("of_topic").max(),
        on_a=(pl.col("side") == "A").sum(), words=pl.col("words").mean(), gap=pl.col("gap").max(),
    )  # fmt: skip
    silent = pl.col("text").is_null() | (pl.col("text").str.strip_chars() == "")
    refused = _refused(replies)
    asked = replies.group_by("community", pl.col("condition").alias("arm")).agg(
        replies=pl.len(), refused=refused.sum(), empty=(silent & ~refused).sum()
    )
    return asked.join(found, on=["community", "arm"], how="inner").sort("community", "arm")


def _refused(replies: pl.DataFrame) -> pl.Expr:
    return pl.col("refused").fill_null(value=False) if "refused" in replies.columns else pl.lit(value=False)


def _rendered(replies: Replies, arms: Sequence[str], topic: str, *, lowercase: bool) -> pl.DataFrame:
    """The arms' replies that can be shown, with `shown` and `words`, in the order of their keys."""
    here = replies.filter(pl.col("condition").is_in(list(arms)))
    faults = [f"no reply is of arm {arm!r}" for arm in arms if here.filter(condition=arm).is_empty()]
    if topic not in replies.columns:
        faults.append(f"column {topic!r} is missing: pairs are of one topic")
    elif lost := here[topic].null_count():
        faults.append(f"column {topic!r} is null in {lost} row{'s' * (lost > 1)} of these arms")
    if faults:
        there = ", ".join(sorted(replies["condition"].unique()))
        raise InputError(f"no sheet can be made of these replies: {'; '.join(faults)}; the arms are {there or 'none'}")
    here = here.filter(~_refused(here), pl.col("text").is_not_null()).sort(*KEYS)
    bare = [text.unwrap(legible(said)).strip() for said in here["text"]]
    shown = pl.Series("shown", [said.lower() for said in bare] if lowercase else bare, dtype=pl.String)
    here = here.with_columns(shown, shown.str.count_matches(text.WORD).cast(pl.Int64).alias("words"))
    return here.filter(pl.col("shown") != "").with_row_index("row")


def _matched(
    group: pl.DataFrame, arms: tuple[str, str], topic: str, tolerance: float, seed: int
) -> dict[str, list[tuple[int, int]]]:
    """As many pairs (row of the first arm, row of the second) as each topic holds."""
    out = {}
    for (name,), part in sorted(group.partition_by(topic, as_dict=True).items()):
        sides = []
        for arm in arms:
            rows = part.filter(condition=arm)
            # Replies of one length are in no order of their own.
            rng = substream(seed, "pairs", "order", str(group["community"][0]), str(name), arm)
            sides.append(rows[rng.permutation(rows.height)].sort("words", maintain_order=True))
        x, y = sides
        at = _nearest(x["words"].to_numpy(), y["words"].to_numpy(), tolerance)
        first, second = x["row"].to_list(), y["row"].to_list()
        out[str(name)] = [(first[i], second[j]) for i, j in at]
    return out


def _nearest(x: npt.NDArray[np.int64], y: npt.NDArray[np.int64], tolerance: float) -> list[tuple[int, int]]:
    """The most pairs of two sorted lists that lie within the tolerance of the longer.

    Both ends of what a length may be paired with rise with it, so taking the two shortest that fit loses no pair.
    """
    i = j = 0
    out = []
    while i < len(x) and j < len(y):
        if abs(int(x[i]) - int(y[j])) <= tolerance * max(x[i], y[j]):
            out.append((i, j))
            i, j = i + 1, j + 1
        elif x[i] < y[j]:
            i += 1
        else:
            j += 1
    return out


def _even(room: Sequence[int], total: int, rng: np.random.Generator) -> list[int]:
    """Shares of `total` that are as even as the room allows; who gets one more is drawn."""
    quota = np.zeros(len(room), dtype=int)
    while total > 0:
        open_ = np.flatnonzero(quota < np.array(room))
        if total < len(open_):
            open_ = np.sort(rng.permutation(open_)[:total])
        step = min(max(1, total // len(open_)), int((np.array(room) - quota)[open_].min()))
        quota[open_] += step
        total -= step * len(open_)
    return [int(q) for q in quota]


def _id(seed: int, *names: str | int) -> str:
    """A name that says nothing: twelve hexadecimal digits."""
    return f"{derive(seed, 'unit', *names):016x}"[-12:]
