"""A community grown from seed accounts, live, and how much of a chosen truth it holds."""

import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import RefusedError, SociolectError, UsageError, unknown
from sociolect.explore.answers import RANKERS, few, large, place
from sociolect.explore.atlas import Atlas, kept
from sociolect.find.expansion import grow as expanded
from sociolect.find.expansion import similarity
from sociolect.find.lsh import Index, index, opened
from sociolect.find.minhash import signatures
from sociolect.find.recall import candidate_recall, recall_curve
from sociolect.find.sets import sets
from sociolect.find.walktrap import walktrap_of
from sociolect.frames import Society

SEEDS, SIZE = 1_000, 5_000  # of one question
STEP = 10  # additions between two points of the recall curve (dossier: every 10)
GROUPED = 100  # members that WALKTRAP is run on: its time grows with the cube, and twice as many take 25 ms
ROOM = 2 << 30  # bytes of an index made here: values and keys, some 12 bytes per hash and account
_ONE = Lock()
_OPEN: dict[str, Index] = {}


def grow(atlas: Atlas, question: Mapping[str, Any]) -> tuple[dict[str, Any], pl.DataFrame]:
    """What the page is told of a growth, and its members as a frame (account, community, score).

    The question has `seeds` (names), `size`, `ranker`, and `truth`: null, {"community": name} or {"column", "value"}.
    Recall leaves the seeds out above and below: hits / (members of the truth - seeds among them), after every 10
    additions; `candidate_recall` is its ceiling, the share that lies in the active set. `groups` are WALKTRAP's on the
    similarities of the first 100.

    A column is a trait, and a hit would tell it of one person: against a column every `hit` is null, and recall is told
    after every 10 additions, or as many tens as hold k, and not in between. That keeps a person's trait off the page;
    it is no lock against whoever subtracts many answers, and holds the files anyway.

    Raises UsageError for a question of another shape, with every fault at once, and RefusedError for a truth of fewer
    than k people, and where fewer are added than recall of a trait is told of.
    """
    seeds, size, ranker = _checked(question)
    truth = _truth(atlas, question.get("truth"))
    trait = truth is not None and "column" in question["truth"]
    step = STEP * -(-atlas.k // STEP) if trait else STEP
    lsh = ready(atlas)
    given = pl.Series(seeds, dtype=pl.String)
    bare = given.filter(_rows(lsh.signatures.accounts, given).is_null() & _numbers(atlas, given).is_not_null())
    if bare.len():
        raise RefusedError(
            f"{bare[0][:80]!r} is in no set of the index (it has no ties, or came later): take another seed"
        )
    begun = time.perf_counter()
    found = expanded(lsh, seeds, size=size, ranker=ranker)
    ms = 1000 * (time.perf_counter() - begun)
    number = _numbers(atlas, found.members["account"])
    place = atlas.accounts["community"].gather(number)
    members = found.members.with_columns(number=number, community=large(atlas).gather(place))
    hits, curve, reached = None, None, None
    if truth is not None:
        names = members["account"].to_list()
        hits = None if trait else members["account"].is_in(truth.implode()).to_list()
        until = len(names) // step * step if trait else max(len(names), 1)
        if not until:
            raise RefusedError(
                f"recall of a trait is told after every {step} accounts, and {len(names)} are added: add more, or take another truth"
            )
        curve = recall_curve(names, truth, seeds, every=step, until=until)
        reached = candidate_recall(lsh, truth.to_list(), seeds)
    alike = similarity(lsh, found.rows[:GROUPED])
    likeness = float(alike[~np.eye(len(alike), dtype=bool)].mean()) if len(alike) > 1 else None
    taken = pl.concat([_numbers(atlas, given), number]).drop_nulls().to_numpy().astype(np.int64)
    rows = members.select("number", "account", "community", "score").rows()
    told = hits or [None] * members.height
    answer = {
        "members": [
            {"account": number, "name": name, "community": community, "score": score, "hit": hit}
            for (number, name, community, score), hit in zip(rows, told, strict=True)
        ],
        "seeds": [{"account": n, "name": name} for n, name in zip(_numbers(atlas, given), seeds, strict=True)],
        "active": found.active,
        "ms": round(ms, 3),
        "candidate_recall": reached,
        "curve": curve,
        "groups": _groups(alike, members.height),
        "quality": quality(atlas, taken, likeness),
        "index": {"hashes": lsh.hashes, "bands": lsh.bands},
    }
    return answer, members.select("account", "community", "score")


def ready(atlas: Atlas) -> Index:
    """The LSH index of the workspace, opened once: the run's own, or one of neighbours made in `explore/` at first use.

    One made here has 1,000 hashes in 500 bands up to some 170,000 accounts, and fewer beyond, so that it fits 2 GB.
    """
    with _ONE:
        key = str(atlas.found.lsh or atlas.folder)
        if key not in _OPEN:
            _OPEN[key] = opened(atlas.found.lsh) if atlas.found.lsh else _made(atlas)
        return _OPEN[key]


def bands_for(accounts: int) -> int:
    """How many bands of two hashes an index of so many accounts gets: 500, or what 2 GB hold.

    >>> bands_for(26_537), bands_for(1_000_000)
    (500, 89)
    """
    return int(np.clip(ROOM // (24 * max(accounts, 1)), 10, 500))


def _made(atlas: Atlas) -> Index:
    found = atlas.found
    folder = found.folder / "explore" / f".index-{found.key}"
    with suppress(SociolectError, OSError, ValueError, KeyError, pl.exceptions.PolarsError):  # torn: it is made anew
        return opened(folder / "lsh")
    shutil.rmtree(folder, ignore_errors=True)
    ties = frames.ties(atlas.ties())
    pairs = sets(Society(frames.people(frames.empty("people")), frames.posts(frames.empty("posts")), ties))
    bands = bands_for(pairs["account"].n_unique())

    def make(part: Path) -> None:
        index(signatures(pairs, hashes=2 * bands), bands=bands, folder=part / "lsh")

    kept(folder, make)
    return opened(folder / "lsh")


def _checked(question: Mapping[str, Any]) -> tuple[list[str], int, str]:
    seeds, size, ranker = question.get("seeds"), question.get("size"), question.get("ranker", RANKERS[0])
    faults = []
    if not (isinstance(seeds, list) and seeds and len(seeds) <= SEEDS and all(isinstance(s, str) for s in seeds)):
        faults.append(f"seeds: due is a list of 1 to {SEEDS} names")
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= SIZE:
        faults.append(f"size: due is a whole number from 1 to {SIZE}")
    if ranker not in RANKERS:
        faults.append(str(unknown("ranker", str(ranker)[:40], RANKERS)))
    if odd := sorted(set(question) - {"seeds", "size", "ranker", "truth"}):
        faults.append(f"{', '.join(odd)[:80]}: not asked for")
    if faults:
        raise UsageError("; ".join(faults))
    return list(seeds), int(size), str(ranker)  # type: ignore[arg-type]  # looked at above


def _truth(atlas: Atlas, said: object) -> pl.Series | None:
    """The names of those who are in the chosen truth."""
    if said is None:
        return None
    names = atlas.accounts["account"]
    if isinstance(said, dict) and set(said) == {"community"}:
        row = place(atlas, str(said["community"]))
        if row["size"] < atlas.k:
            raise RefusedError(f"community {row['name']!r} has {few(atlas)}: recall would point at them")
        return names.filter((atlas.accounts["community"] == row["community"]).fill_null(False))
    if isinstance(said, dict) and set(said) == {"column", "value"}:
        column = str(said["column"])
        if column not in atlas.truths.columns:
            raise unknown("truth", column[:80], atlas.truths.columns)
        value = said["value"]
        value = str(value).lower() if isinstance(value, bool) else str(value)
        chosen = names.filter((atlas.truths[column] == value).fill_null(False))
        if not chosen.len():
            raise UsageError(f"no {column} {value[:80]!r} of {atlas.k} people or more")
        return chosen
    raise UsageError('truth: due is null, {"community": name} or {"column": name, "value": value}')


def _groups(alike: NDArray[np.float64], height: int) -> list[int | None] | None:
    """WALKTRAP's group of each member, null beyond those it was run on; null where they are too few to part."""
    if len(alike) < 2:
        return None
    labels = walktrap_of(alike).tolist()
    return [*labels, *([None] * (height - len(labels)))]


def quality(atlas: Atlas, numbers: NDArray[np.int64], likeness: float | None = None) -> dict[str, float | None]:
    """How good a community some accounts are by their ties, in milliseconds; null where it has no value.

    With the weight inside (each tie once) and the weight that leaves: density is the share of pairs that are tied,
    separability inside / leaving, conductance as in `find.quality`. `similarity` is the mean estimated Jaccard similarity
    of the first 100, handed in.
    """
    here = np.unique(numbers)
    inside = np.zeros(atlas.accounts.height, dtype=bool)
    inside[here] = True
    spans = [slice(atlas.starts[i], atlas.starts[i + 1]) for i in here]
    held = np.concatenate([inside[atlas.neighbours[s]] for s in spans]) if spans else np.zeros(0, dtype=bool)
    weight = np.concatenate([atlas.weights[s] for s in spans]) if spans else np.zeros(0)
    internal, volume = float(weight[held].sum() / 2), float(weight.sum())
    external = float(weight[~held].sum())
    smaller = min(volume, float(atlas.accounts["strength"].sum()) - volume)
    n = here.size
    return {
        "n": n,
        "internal": internal,
        "external": external,
        "density": float(held.sum() / (n * (n - 1))) if n > 1 else None,
        "separability": internal / external if external else None,
        "conductance": external / smaller if smaller > 1e-9 * volume else None,
        "similarity": likeness,
    }


def warm(atlas: Atlas) -> None:
    """Opens or makes the index and loads the kernels, while nobody waits; what cannot be done is said when it is asked for."""
    with suppress(SociolectError):
        best = atlas.accounts["account"][int(atlas.accounts["degree"].arg_max() or 0)]
        grow(atlas, {"seeds": [best], "size": 1})


def _numbers(atlas: Atlas, accounts: pl.Series) -> pl.Series:
    """The numbers of accounts; null for one the atlas does not know, as an index of another year might."""
    return _rows(atlas.accounts["account"], accounts)


def _rows(names: pl.Series, asked: pl.Series) -> pl.Series:
    """Where each of those asked for stands among names in order; null for one that does not."""
    at = names.search_sorted(asked, side="left").clip(0, names.len() - 1)
    return pl.select(pl.when(names.gather(at) == asked).then(at)).to_series().cast(pl.UInt32)
