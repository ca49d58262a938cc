"""Quality of communities on estimated Jaccard similarities, beside groups of as many accounts drawn at random."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.find.jaccard_quality import JaccardQuality, jaccard_quality
from sociolect.find.lsh import opened
from sociolect.frames import Effects
from sociolect.seeds import derive
from sociolect.systems.networks.minhash_communities.find import drawn
from sociolect.systems.networks.minhash_communities.measure import SCHEMA, mean

FIELDS = [name for name in JaccardQuality._fields if name != "n"]
MOST = 2_000  # ours: members of a community that is weighed; its similarities alone then take 32 MB
ROW = {"truth": pl.String, "community": pl.String, "of": pl.String, "n": pl.Int64, **dict.fromkeys(FIELDS, pl.Float64)}


def weighed(folder: Path, communities: Mapping[str, Mapping[str, Sequence[str]]], *, seed: int) -> pl.DataFrame:
    """One row per community and one per group of as many accounts drawn at random: truth, community, of, n, the measures.

    Communities of more than 2,000 accounts are left out.
    """
    lsh = opened(folder)
    everyone = lsh.signatures.accounts.to_list()
    rows = []
    for truth, known in communities.items():
        for name, persons in known.items():
            if not 2 <= len(persons) <= MOST:
                continue
            others = drawn(everyone, len(persons), seed, "weighed", truth, name)
            for of, who in (("community", persons), ("random", others)):
                found = jaccard_quality(lsh, who, seed=derive(seed, "weighed", truth, name))
                rows.append((truth, name, of, *found))
    return pl.DataFrame(rows, schema=ROW, orient="row")


def compared(found: pl.DataFrame) -> Effects:
    """Each measure's mean over communities, over random groups, and the difference of the two (paired), with intervals.

    `left_out` is how many communities have no value.

    >>> row = {"truth": "t", "n": 9, **dict.fromkeys(FIELDS, 0.5)}
    >>> rows = [row | {"community": c, "of": of} for c in "ab" for of in ("community", "random")]
    >>> compared(pl.DataFrame(rows, schema=ROW))["contrast"].to_list()[:3]
    ['t', 'random accounts, as many', 't - random']
    """
    rows = []
    wide = found.filter(of="community").join(found.filter(of="random"), on=["truth", "community"], suffix="_random")
    for (truth,), part in wide.group_by("truth", maintain_order=True):
        for name in FIELDS:
            both = part.drop_nulls([name, f"{name}_random"])
            if not both.height:
                continue
            one, other = both[name], both[f"{name}_random"]
            lost = part.height - both.height
            for contrast, values in (
                (truth, one),
                ("random accounts, as many", other),
                (f"{truth} - random", one - other),
            ):
                told = (
                    contrast
                    if wide["truth"].n_unique() == 1 or contrast != "random accounts, as many"
                    else f"{contrast} as {truth}"
                )
                rows.append((name, told, *mean(values.to_list()), "t, communities", lost))
    return frames.effects(pl.DataFrame(rows, schema={**SCHEMA, "left_out": pl.Int64}, orient="row"))
