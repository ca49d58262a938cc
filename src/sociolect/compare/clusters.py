"""Which rows of a frame are resampled together."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from sociolect.errors import InputError

Codes = npt.NDArray[np.int64]


def factors(rows: pl.DataFrame, clusters: Sequence[str]) -> list[Codes]:
    """One array of cluster codes per factor: the speaker for people, the named columns for models.

    A model is asked the same topics by the same templates again and again: these are what varies, and they are crossed.
    People are met one by one: a person is the cluster of all they said. -1 says that a row does not vary with a factor.
    The codes follow the sorted names, so the order of the rows changes nothing.

    Raises InputError where a named column is missing, or a model's row is null in all of them.

    >>> said = pl.DataFrame({"source": ["human", "model"], "speaker": ["ada", "m"], "topic": [None, "tea"]})
    >>> [codes.tolist() for codes in factors(said, ["topic"])]
    [[0, -1], [-1, 0]]
    """
    if not clusters:
        raise InputError("no clusters were named: rows of one topic or template are not independent; name the columns")
    human = rows["source"] == "human"
    machine = ~human
    faults = []
    if machine.any():
        faults = [f"column {c!r} is missing" for c in clusters if c not in rows.columns]
        if not faults and (bare := rows.filter(machine, pl.all_horizontal(pl.col(clusters).is_null())).height):
            faults = [f"{bare} model row{'s are' if bare > 1 else ' is'} null in all of {', '.join(clusters)}"]
    if faults:
        raise InputError(f"the clusters of these scores cannot be told: {'; '.join(faults)}")
    out = [_codes(rows["speaker"], human)] if human.any() else []
    return out + ([_codes(rows[c], machine) for c in clusters] if machine.any() else [])


def _codes(names: pl.Series, here: pl.Series) -> Codes:
    known = names.filter(here).drop_nulls().unique().sort()
    if known.is_empty():
        return np.full(names.len(), -1, dtype=np.int64)
    places = pl.DataFrame({"name": known, "code": np.arange(known.len(), dtype=np.int64)})
    found = pl.DataFrame({"name": names, "here": here}).join(places, on="name", how="left", maintain_order="left")
    return found.select(pl.when("here").then(pl.col("code")).fill_null(-1)).to_series().fill_null(-1).to_numpy()
