"""Conversations of agreements (Polis exports) as endorsement votes: statements are nodes, who agreed with which is the vote."""

from pathlib import Path

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import InputError, RefusedError
from sociolect.load.aside import Aside
from sociolect.load.key import read_key
from sociolect.load.pseudonyms import pseudonyms
from sociolect.systems.networks.moral_graph.find import replies_of
from sociolect.systems.networks.moral_graph.load import VOTES, Trial

MOST = 40  # ours: statements of a graph, those with the most votes; each adds a pair with every other
_FILES = ("participants-votes.csv", "participants-votes.csv.gz")


def is_conversation(folder: Path) -> bool:
    """Whether a folder holds an export of votes by participants."""
    return any((folder / name).is_file() for name in _FILES)


def conversation(folder: Path, *, most: int = MOST, key: bytes | None = None) -> Trial:
    """The conversation in that folder: participants-votes.csv alone is read (1 agree, 0 pass, -1 disagree, empty: not seen).

    Each participant who judged both of two statements is asked about both directions: a step is a yes where they agree with the target and
    disagree with the source, a no the other way round, else unsure. Agreement is also the value vote: popularity is the share
    of those who saw a statement that agreed. Groups are the export's opinion groups. The `most` statements with the most votes are
    the nodes; those left out are counted. Nobody's words are read.
    Raises InputError where the file is no such export, RefusedError where fewer than two statements have votes.
    """
    path = next((folder / n for n in _FILES if (folder / n).is_file()), None)
    if path is None:
        raise InputError(f"{folder.name} holds no {_FILES[0]}: due is the folder of one conversation")
    try:
        told = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path.name} cannot be read as a table: {str(error).splitlines()[0]}") from error
    if missing := [c for c in ("participant", "group-id") if c not in told.columns]:
        raise InputError(
            f"{path.name} has no column {', '.join(missing)}: due are participant, group-id and one per statement"
        )
    statements = [c for c in told.columns if c.isdigit()]
    votes = (
        told.select(pl.col(statements).cast(pl.Float64, strict=False)).to_numpy()
        if statements
        else np.zeros((told.height, 0))
    )
    aside = Aside()
    odd = ~np.isnan(votes) & ~np.isin(votes, (-1, 0, 1))
    aside.add("vote that is not 1, 0 or -1", int(odd.sum()), path.name, "nothing")
    votes = np.where(odd, np.nan, votes)
    seen = (~np.isnan(votes)).sum(0)
    order = sorted((-int(n), k) for k, n in enumerate(seen) if n)[:most]
    chosen = sorted(k for _, k in order)
    aside.add(
        "statement with fewer votes than those kept",
        int((seen > 0).sum()) - len(chosen),
        path.name,
        f"raise most above {most}",
    )
    if len(chosen) < 2:
        raise RefusedError(f"{len(chosen)} statements of {folder.name} have votes: a graph takes two or more")
    names = [f"statement {statements[k]}" for k in chosen]
    secret = read_key() if key is None else key
    said = pseudonyms(told["participant"], secret)
    people = pl.DataFrame({
        "person": told["participant"].replace_strict(said, return_dtype=pl.String),
        "group": told["group-id"].map_elements(lambda g: f"group {g}", return_dtype=pl.String),
    })  # fmt: skip
    frame = _votes(votes[:, chosen], names, people)
    aside.add("participant without a vote on these", told.height - frame["voter"].n_unique(), path.name, "nothing")
    cards = frames.items(
        pl.DataFrame({"item": names, "prompt": names, "title": names}).with_columns(
            options=pl.lit(None, pl.List(pl.String))
        )
    )
    about = {
        "voters": str(frame["voter"].n_unique()),
        "votes": str(int((~np.isnan(votes[:, chosen])).sum())),
        "runs": "",
    }
    return Trial(cards, replies_of(frame), frames.people(people.sort("person")), aside.frame(), about)


def _votes(
    votes: np.ndarray[tuple[int, int], np.dtype[np.float64]], names: list[str], people: pl.DataFrame
) -> pl.DataFrame:
    """Value votes and votes on both directions of every pair that somebody judged both of."""
    n, here = len(names), ~np.isnan(votes)
    who, at = np.nonzero(here)
    agreed = votes[who, at] == 1
    value = pl.DataFrame({"who": who, "one": np.full(who.size, -1), "other": at, "said": np.where(agreed, 3, 4)})
    one, other = np.nonzero(~np.eye(n, dtype=bool))
    both, pair = np.nonzero(here[:, one] & here[:, other])
    source, target = votes[both, one[pair]], votes[both, other[pair]]
    said = np.where((target == 1) & (source == -1), 0, np.where((source == 1) & (target == -1), 1, 2))
    wisdom = pl.DataFrame({"who": both, "one": one[pair], "other": other[pair], "said": said})
    words = pl.Series(["wiser", "not wiser", "not sure", "wise to consider", "not now"])
    every = pl.concat([value, wisdom])
    name = pl.Series(names)
    return pl.DataFrame({
        "voter": people["person"].gather(every["who"]), "group": people["group"].gather(every["who"]),
        "context": pl.Series(["conversation"] * every.height, dtype=pl.String),
        "kind": pl.Series(np.where(every["one"].to_numpy() < 0, "value", "wisdom"), dtype=pl.String),
        "source": pl.Series([names[k] if k >= 0 else None for k in every["one"].to_list()], dtype=pl.String),
        "target": name.gather(every["other"]), "choice": words.gather(every["said"]),
    }, schema=VOTES)  # fmt: skip
