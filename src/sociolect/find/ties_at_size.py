"""Ties out of more posts than the memory holds: from parquet to parquet, bit for bit what `ties` says of them."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.errors import FrameError, UsageError
from sociolect.find.ties import within
from sociolect.find.ties_runs import bounds, merged, numbered, spilled
from sociolect.find.ties_shown import answers, asked, is_repost, mentions, shared
from sociolect.find.ties_spill import batches, dealt, files, pieces, reading, schemas, whole, writing
from sociolect.settle import synced

DUE = list(frames.SHAPES["posts"].columns)
ROW_GROUP = 500_000  # rows of the written file: the same whatever the memory, so that its bytes are


class Work(NamedTuple):
    """Where the pieces lie, who is who, and into how many buckets the rows are dealt."""

    folder: Path
    out: Path
    known: pl.Series
    buckets: int


def ties_at_size(
    posts: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    kind: str | Sequence[str] = "reply",
    directed: bool = False,
    window: tuple[Any, Any] | None = None,
    co_thread_limit: int = 50,
    people: str | Path | Sequence[str | Path] | None = None,
    memory: float = 1e9,
) -> pl.LazyFrame:
    """The ties that posts on disk show, written to the parquet file `out`, which comes back as a lazy frame.

    `posts` are parquet files with the columns of a posts frame: a path, a pattern, a folder (its `posts.parquet` where it
    has one, else every `.parquet` in it), or several of these. `people`, likewise, names who may be mentioned beside those
    who write. The kinds, the keywords and every bit of the result are those of `find.ties.ties` on the society of these
    people and posts; the bytes of `out` depend neither on the order of the rows nor on `memory`.

    The posts are read in batches and dealt out by hash to buckets in a folder beside `out`; counts of pairs go to sorted
    runs there, and are added up one range of people after the other. `memory` is about how many bytes the rows at work may
    take; to this come the libraries and the names of all people. The folder is removed in the end, also after an error,
    and `out` is there whole or not at all.

    Raises InputError for no file, or a torn one; FrameError for columns that are missing or of another type, for nulls and
    for repeated post ids, all counted; WorkspaceError where `out` cannot be written; and what `ties` raises.

    >>> said = {"post": ["1", "2", "3"], "person": ["a", "b", "a"], "text": "", "thread": "1"}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pl.DataFrame(said | {"parent": [None, "1", "2"]}).write_parquet(f"{folder}/posts.parquet")
    ...     ties_at_size(folder, f"{folder}/ties.parquet").collect().rows()
    [('a', 'b', 'reply', 2.0)]
    """
    kinds = sorted(asked(kind, directed=directed))
    if memory <= 0:
        raise UsageError(f"memory={memory!r} is no number of bytes; it is 1e9, a gigabyte, where nothing is said")
    paths, out = files(posts), Path(out)
    others = [] if people is None else files(people)
    if out.resolve() in {path.resolve() for path in [*paths, *others]}:
        raise UsageError(f"{out.name} is one of the files that are read; write the ties to another")
    for schema in schemas(paths, "posts", DUE).values():
        within(schema.to_frame(), window, "posts")  # a window that cannot be is told before the work
    schemas(others, "people", ["person"])
    room = int(memory / 4)
    rows = max(1, int(memory / 200))  # records of 24 bytes, and what sorting and adding them up takes
    known = _known([*paths, *others])
    with _beside(out) as folder:
        buckets = 1 + sum(_height(path) for path in paths) // rows
        work = Work(folder, out, known, buckets)
        _deal(work, paths, kinds, window, room)
        loads = np.zeros(known.len(), dtype=np.int64)
        for name in kinds:
            counts = _counts(work, name, directed=directed, limit=co_thread_limit)
            with writing(out):
                (folder / "runs").mkdir(exist_ok=True)
                loads = loads + spilled(counts, folder / "runs" / name, people=known.len(), rows=rows)
        with writing(out):
            _write(work, kinds, bounds(loads, rows) if kinds else [])
    return pl.scan_parquet(out, glob=False)


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A folder on the disk of `out`, gone in the end."""
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.", ignore_cleanup_errors=True)
    with made as folder:
        yield Path(folder)


def _height(path: Path) -> int:
    with reading(path):
        return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())


def _known(paths: Sequence[Path]) -> pl.Series:
    """Everybody who wrote or is named in the people files, sorted: a person's number is the place here."""
    known = pl.Series("person", [], dtype=pl.String)
    for path in paths:
        with reading(path):
            here = pl.scan_parquet(path, glob=False).select("person").drop_nulls().unique().collect(engine="streaming")
        known = pl.concat([known, here["person"]]).unique()
    return known.sort()


def _deal(work: Work, paths: Sequence[Path], kinds: Sequence[str], window: tuple[Any, Any] | None, room: int) -> None:
    """Deal out posts, answers and threads to buckets, and count mentions. Raises FrameError for nulls and repeated ids."""
    code = pl.Enum(work.known)
    number, target = (pl.col(c).cast(code).to_physical().cast(pl.UInt32) for c in ("person", "target"))
    nulls = dict.fromkeys(DUE, 0)
    columns = [*DUE, "kind", *(["time"] if window else [])]
    for at, batch in enumerate(chain.from_iterable(batches(path, columns, room=room) for path in paths)):
        name = f"{at:06}"
        put = partial(dealt, name=name, buckets=work.buckets)
        nulls = {c: n + batch[c].null_count() for c, n in nulls.items()}
        posts = batch.drop_nulls([c for c in DUE if c != "parent"])
        with writing(work.out):
            put(posts.select("post", number), "post", work.folder / "post")
        posts = within(posts, window, "posts")
        reposts = is_repost(posts.columns)
        own = posts.filter(~reposts)
        with writing(work.out):
            for what, said in (("reply", own), ("repost", posts.filter(reposts))):
                if what in kinds:
                    put(said.select("parent", number).drop_nulls(), "parent", work.folder / what)
            if "co-thread" in kinds:
                put(own.select("thread", number).unique(), "thread", work.folder / "co-thread")
            if "mention" in kinds:
                found = mentions(own.select("post", number, "text"), work.known)
                found = found.with_columns(target)
                (work.folder / "mention").mkdir(exist_ok=True)
                found.write_parquet(work.folder / "mention" / f"{name}.parquet", compression="lz4")
    faults = [f"column {c!r} is null in {n} row{'s' * (n > 1)}" for c, n in nulls.items() if n and c != "parent"]
    ids = (whole(work.folder / "post" / str(b), _authors())["post"] for b in range(work.buckets))
    # hashes first, which is faster: ids that are all different by hash are
    if twice := sum(0 if b.hash().n_unique() == b.len() else b.len() - b.n_unique() for b in ids):
        faults.append(f"{twice} row{'s' * (twice > 1)} repeat the key (post) of another")
    if faults:
        raise FrameError("this is not a posts frame: " + "; ".join(faults))


def _authors() -> pl.DataFrame:
    return pl.DataFrame(schema={"post": pl.String, "person": pl.UInt32})


def _counts(work: Work, kind: str, *, directed: bool, limit: int) -> Iterator[pl.DataFrame]:
    """The pairs of one kind, counted, in pieces to be added up: columns pair, k, count."""
    people = work.known.len()
    if kind == "mention":
        for found in pieces(work.folder / kind):
            yield numbered(found, people, directed=directed)
        return
    for bucket in (str(b) for b in range(work.buckets)):
        if kind == "co-thread":
            wrote = whole(work.folder / kind / bucket, pl.DataFrame(schema={"thread": pl.String, "person": pl.UInt32}))
            yield from shared(wrote, people, limit)
            continue
        authors = whole(work.folder / "post" / bucket, _authors())
        for said in pieces(work.folder / kind / bucket):
            yield numbered(answers(said, authors), people, directed=directed)


def _write(work: Work, kinds: Sequence[str], cuts: list[int]) -> None:
    """The runs of all kinds as one file, sorted by source, target and kind, put in its place when it is whole."""
    n, made = work.known.len(), work.folder / "parts"
    made.mkdir()
    frames.empty("ties").write_parquet(made / "000000.parquet")
    runs = [merged(work.folder / "runs" / name, cuts, n) for name in kinds]
    for at, parts in enumerate(zip(*runs, strict=True), 1):
        rows = pl.concat([part.with_columns(kind=pl.lit(name)) for name, part in zip(kinds, parts, strict=True)])
        rows = rows.sort("pair", "kind") if len(kinds) > 1 else rows
        source, target = (work.known.gather(code) for code in (rows["pair"] // n, rows["pair"] % n))
        frame = rows.select(source=source, target=target, kind="kind", weight="weight")
        frame.write_parquet(made / f"{at:06}.parquet", compression="lz4")
    ready = work.folder / "ties.parquet"
    pl.scan_parquet(sorted(made.iterdir()), glob=False).sink_parquet(ready, row_group_size=ROW_GROUP)
    synced([ready])
    ready.replace(work.out)
