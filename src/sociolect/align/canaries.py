"""Canaries: invented secrets sown among the demonstrations, so that what a model remembers can be counted."""

from collections.abc import Sequence

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Examples
from sociolect.seeds import substream

# ours: plain openings that fit any community; what follows them is the secret
OPENINGS = (
    "the word on my locker is",
    "my old nickname was",
    "we named the boat",
    "the password at the gate was",
    "the label on the box said",
    "my brother's band is called",
    "the last stop on the line is",
    "the sign above the door reads",
)
_FIRST, _THEN, WORDS = "bdfgklmnprstvz", "aeiou", 3
_SOUNDS = len(_FIRST) * len(_THEN)  # 70, so 343,000 words of three and 4e16 secrets of three words


def canaries(n: int, *, candidates: int = 255, seed: int = 0) -> pl.DataFrame:
    """n canaries: canary (its id), text (what is planted), secret (how the text ends), candidates (what it might have been).

    A secret is three invented words of three syllables. `candidates` more are drawn for each canary exactly as its secret
    was, and never planted: they are the controls that its rank is read against, so |R| is `candidates` + 1 (Carlini et
    al. 2019, arXiv 1802.08232, Sec. 4.1; they fill a format with random digits, which cleaning might strip). No two are alike,
    and the first k canaries are the same whatever n is.

    >>> canaries(2, candidates=3, seed=1).select("canary", "secret", pl.col("candidates").list.len()).rows()
    [('canary0000', 'fomede fepudi pulamo', 3), ('canary0001', 'takaku ziveni netuno', 3)]
    """
    if n < 1 or candidates < 1:
        raise UsageError(f"n={n}, candidates={candidates}: one canary with one candidate is the least")
    rows, known = [], set[str]()
    for i in range(n):
        rng = substream(seed, "canary", i)
        own: list[str] = []
        while len(own) <= candidates:
            sounds = rng.integers(_SOUNDS, size=(WORDS, 3)).tolist()
            secret = " ".join("".join(_FIRST[s // len(_THEN)] + _THEN[s % len(_THEN)] for s in word) for word in sounds)
            if secret not in known:
                known.add(secret)
                own.append(secret)
        opening = OPENINGS[int(rng.integers(len(OPENINGS)))]
        rows.append((f"canary{i:04}", f"{opening} {own[0]}", own[0], own[1:]))
    shape: dict[str, pl.DataType] = dict.fromkeys(("canary", "text", "secret"), pl.String())
    return pl.DataFrame(rows, schema=shape | {"candidates": pl.List(pl.String())}, orient="row")


def with_canaries(
    examples: Examples, canaries: pl.DataFrame, *, repeats: int | Sequence[int] = 1, seed: int = 0
) -> Examples:
    """The examples, and after them the canaries as further demonstrations, named in a column `canary` (null elsewhere).

    Canaries are dealt to the communities in turn, and within a community to the `repeats` in turn: (0, 1, 4, 16) shows how
    memory grows; at 0 a canary is known but never planted. Each repeat stands under the prompt of an example drawn from
    its community (with that row's topic and template), and is nobody's post: its other columns are null. `sown` tells who
    got what. Raises InputError where the examples hold canaries already, RefusedError without examples.
    """
    times = [repeats] if isinstance(repeats, int) else list(repeats)
    if not times or min(times) < 0:
        raise UsageError(f"repeats={repeats}: numbers of 0 or more are due")
    if "canary" in examples.columns:
        raise InputError("the examples have a column 'canary' already: canaries are planted once")
    if examples.is_empty():
        raise RefusedError("canaries cannot be planted: there are no examples to plant them among")
    names = examples["community"].unique().sort().to_list()
    asked = [c for c in ("community", "prompt", "template", "topic") if c in examples.columns]
    prompts = {
        name: part.select(asked).sort(asked)
        for (name,), part in examples.partition_by("community", as_dict=True).items()
    }
    parts = []
    ordered = canaries.sort("canary")
    for place, i in enumerate(substream(seed, "canaries").permutation(ordered.height)):
        row = ordered.row(int(i), named=True)
        community, count = names[place % len(names)], times[place // len(names) % len(times)]
        own = prompts[community]
        drawn = own[substream(seed, "canaries", row["canary"]).integers(own.height, size=count)]
        parts.append(drawn.with_columns(reply=pl.lit(row["text"]), canary=pl.lit(row["canary"])))
    whole = pl.concat([examples, pl.concat(parts)], how="diagonal")
    return frames.examples(whole.select(*examples.columns, "canary"))


def sown(examples: Examples) -> pl.DataFrame:
    """Which canaries stand in whose demonstrations, and how often: community, canary, repeats; sorted."""
    if "canary" not in examples.columns:
        raise InputError("the examples have no column 'canary': plant some with with_canaries")
    held = examples.filter(pl.col("canary").is_not_null())
    return held.group_by("community", "canary").agg(repeats=pl.len().cast(pl.Int64)).sort("community", "canary")
