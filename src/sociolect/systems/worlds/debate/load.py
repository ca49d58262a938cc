"""Sessions out of a table of what was said: people, posts with their phase and round, and what was left out, counted."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.errors import InputError
from sociolect.frames import SET_ASIDE, Society
from sociolect.load.table import table
from sociolect.systems.worlds.debate.scale import LEVELS, NAMES
from sociolect.systems.worlds.debate.session import PEOPLE, ROUNDS

PHASES = ("initial", "post", "chat", "final")
S, I, F = pl.String(), pl.Int64(), pl.Float64()


def sessions(
    file: str | Path,
    *,
    session: str = "session",
    topic: str = "topic",
    person: str = "person",
    phase: str = "phase",
    round: str = "round",
    chat: str = "chat",
    turn: str = "turn",
    text: str = "text",
    opinion: str = "opinion",
    traits: Sequence[str] = (),
    keep_ids: str = "",
    key: Path | None = None,
) -> Society:
    """The sessions in a table (csv, tsv, jsonl, parquet) with one row per thing said, under pseudonyms.

    Each keyword names a column. `phase` is initial, post, chat or final; `round` 1 to 3 (empty for opinions); `chat` tells the
    chats of a session and round apart; `turn` orders a session's rows; `opinion` is one of the six levels, for initial and final
    rows. `traits` are columns about people that make their persona. A person is one name in one session.

    Consecutive messages of one speaker in a chat are merged with a space, so speakers alternate; so are several posts of a round.
    A session is left out, and counted in `set_aside`, where it has not four people on one topic, each with one opinion before
    and one after, three rounds of posts by all, and chats in which everybody meets everybody once. Raises InputError, every fault
    at once, for a phase, round, or level that is none.
    """
    keep = {"session": session, "phase": phase, "round": round, "chat": chat, "turn": turn, "opinion": opinion}
    read = table(
        file, person=person, text=text, topic=topic, thread=session, scope=session, keep=[*keep.values(), *traits], keep_ids=keep_ids, key=key,
    )  # fmt: skip
    rows = read.posts.rename({column: name for name, column in keep.items() if column != name})
    rows = _typed(rows)
    rows = rows.sort("session", "turn", "post").with_columns(
        thread=pl.when(pl.col("phase") == "chat")
        .then(pl.format("{}/{}/{}", "session", "round", pl.col("chat").fill_null("")))
        .otherwise(pl.col("session"))
    )
    merged = _merged(rows)
    left = {name: _fault(part) for (name,), part in merged.partition_by("session", as_dict=True).items()}
    whole = merged.filter(pl.col("session").is_in([n for n, why in left.items() if not why]))
    if not whole.height:
        told = "; ".join(sorted({why for why in left.values() if why}))
        raise InputError(f"none of the {len(left)} sessions is whole: {told}")
    ordered = whole.with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64).over("session"), kind=pl.lit("post"))
    posts = ordered.with_columns(
        post=pl.format("{}m{}", "session", pl.col("place").cast(S).str.zfill(3)), parent=pl.lit(None, S)
    )
    here = posts.select("person", "session", "topic").unique("person", maintain_order=True)
    known = rows.select("person", *traits).unique("person", keep="first", maintain_order=True)
    reasons = [w for w in left.values() if w]
    aside = pl.DataFrame(
        [(f"session left out: {why}", reasons.count(why), next(n for n, w in left.items() if w == why), "complete it, or leave it out")
         for why in sorted(set(reasons))],
        schema=SET_ASIDE, orient="row",
    )  # fmt: skip
    return Society(
        frames.people(here.join(known, on="person", how="left", maintain_order="left").sort("person")),
        frames.posts(
            posts.select(
                "post",
                "person",
                "text",
                "thread",
                "parent",
                "session",
                "topic",
                "phase",
                "round",
                "place",
                "opinion",
                "kind",
            )
        ),
        frames.ties(frames.empty("ties")),
        pl.concat([read.set_aside.select(*SET_ASIDE), aside]),
    )


def _typed(rows: pl.DataFrame) -> pl.DataFrame:
    """Columns in their types; every value that is none of the protocol's, said at once."""
    told = rows.with_columns(pl.col("session", "phase", "chat").cast(S), pl.col("round", "turn").cast(S).cast(F, strict=False),
                             pl.col("opinion").cast(S).str.replace("−", "-").cast(F, strict=False), was=pl.col("opinion").cast(S))  # fmt: skip
    told = told.with_columns(pl.col("phase").str.strip_chars().str.to_lowercase())
    opinions = pl.col("phase").is_in(["initial", "final"])
    wrong = {
        f"phase is none of {', '.join(PHASES)}": ~pl.col("phase").is_in(PHASES) | pl.col("phase").is_null(),
        f"round is none of 1 to {ROUNDS}": ~opinions
        & ~pl.col("round").is_in([float(r) for r in range(1, ROUNDS + 1)]).fill_null(False),
        "turn is no number": pl.col("turn").is_null(),
        f"opinion is none of {', '.join(NAMES)}": opinions & ~pl.col("opinion").is_in(LEVELS).fill_null(False),
        "a message has an opinion": ~opinions & pl.col("opinion").is_not_null(),
    }
    counts = {why: told.filter(bad) for why, bad in wrong.items()}
    faults = [f"{why} in {bad.height} rows" for why, bad in counts.items() if bad.height]
    if faults:
        raise InputError("this is no table of sessions: " + "; ".join(faults))
    return told.with_columns(pl.col("round", "turn").cast(I)).drop("was")


def _merged(rows: pl.DataFrame) -> pl.DataFrame:
    """Runs of one speaker in one place of a session as one message."""
    at = ["session", "phase", "round", "thread"]
    ordered = rows.with_columns(
        stage=pl.col("phase").replace_strict({p: k for k, p in enumerate(PHASES)}, return_dtype=I).clip(0, 3)
    )
    ordered = ordered.with_columns(
        stage=pl.when(pl.col("phase") == "chat")
        .then(2)
        .when(pl.col("phase") == "post")
        .then(1)
        .otherwise(pl.col("stage"))
    )
    # opinions first and last; within a round posts before chats, whatever the clock of the table says
    order = [
        (pl.col("phase") == "final").cast(I), (pl.col("phase") != "initial").cast(I), pl.col("round").fill_null(0), pl.col("stage"),
    ]  # fmt: skip
    ordered = ordered.sort(
        "session",
        *order,
        "thread",
        pl.when(pl.col("phase") == "chat").then(pl.lit("")).otherwise(pl.col("person")),
        "turn",
        "post",
    )
    run = pl.struct(*at, "person").rle_id()
    joined = pl.when(pl.col("phase").is_in(["post", "chat"])).then(run).otherwise(pl.int_range(pl.len()) + pl.len())
    return (
        ordered.with_columns(run=joined)
        .group_by("run", maintain_order=True)
        .agg(pl.all().exclude("text").first(), pl.col("text").str.join(" "))
        .drop("run", "stage")
    )


def _fault(part: pl.DataFrame) -> str:
    """Why a session is not whole; empty where it is."""
    people = part["person"].unique().sort().to_list()
    if len(people) != PEOPLE:
        return f"not {PEOPLE} people"
    if part["topic"].n_unique() != 1 or part["topic"].null_count():
        return "not one topic"
    for phase in ("initial", "final"):
        if part.filter(phase=phase)["person"].sort().to_list() != people:
            return f"not one {phase} opinion of each"
    met = []
    for r in range(1, ROUNDS + 1):
        if part.filter(phase="post", round=r)["person"].sort().to_list() != people:
            return "a round without a post of each"
        chats = (
            part.filter(phase="chat", round=r)
            .group_by("thread", maintain_order=True)
            .agg(pl.col("person").unique().sort())
        )
        pairs = [tuple(who) for who in chats["person"].to_list()]
        if sorted(who for pair in pairs for who in pair) != people or any(len(pair) != 2 for pair in pairs):
            return "a round in which not everybody chats with one other"
        met += pairs
    return "" if len(set(met)) == len(met) else "a pair that met twice"
