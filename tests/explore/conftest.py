"""A small workspace to explore: two communities with words of their own, one of four people, and names that bite."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from sociolect import frames
from sociolect.frames import Members, Society

HOSTILE = ["<img src=x onerror=alert(1)>", "=1+1", "../../etc/passwd", 'a"b/c%2Fd', "\u202eevil\x00", "@SUM(1)"]
WORDS = {"red": "kestrel", "blue": "gneiss", "few": "zebrafish"}


def society() -> tuple[Society, Members]:
    """30 people in red, 20 in blue, 4 in few: each a ring with chords, tied to one another by few weak ties.

    The last six of red have hostile names. Everybody posts once, and names the next one; the first of red reposts.
    """
    people = {c: [f"{c}{i:02}" for i in range(n)] for c, n in (("red", 24), ("blue", 20), ("few", 4))}
    people["red"] += HOSTILE
    ties = []
    for group in people.values():
        n = len(group)
        steps = (1, 2, 3) if n > 4 else (1,)
        ties += [(group[i], group[(i + s) % n], "reply", 1.0 + (i + s) % 3) for s in steps for i in range(n)]
    ties += [(people["red"][i], people["blue"][i], "mention", 0.5) for i in range(5)]
    ties += [(people["few"][0], people["red"][0], "mention", 0.25), ("red00", "red01", "mention", 0.5)]
    who = [(p, c) for c, group in people.items() for p in group]
    said = [
        (f"{c}{i:02}", p, f"@{group[(i + 1) % len(group)]} saw a {WORDS[c]} today, number {i}", "post")
        for c, group in people.items()
        for i, p in enumerate(group)
    ]
    said += [(f"copy{i:02}", p, "borrowed borrowed words", "repost") for i, p in enumerate(people["red"])]
    posts = pl.DataFrame(said, schema=["post", "person", "text", "kind"], orient="row").with_columns(
        thread="post", parent=pl.when(pl.col("kind") == "repost").then(pl.lit("blue00"))
    )
    rows = pl.DataFrame(who, schema=["person", "community"], orient="row")
    traits = rows.select(
        "person",
        team=pl.when(pl.col("community") == "few").then(pl.lit("lone")).otherwise("community"),
        year=pl.when(pl.col("community") == "red").then(2004).otherwise(2005),
        handle=pl.concat_str(pl.lit("h"), "person"),
        score=pl.lit(0.5),
    )
    members = rows.with_columns(stability=pl.when(pl.col("community") == "red").then(0.75).otherwise(1.0))
    schema = {"source": pl.String, "target": pl.String, "kind": pl.String, "weight": pl.Float64}
    tied = frames.ties(pl.DataFrame(ties, schema=schema, orient="row"))
    return Society(frames.people(traits), frames.posts(posts), tied), frames.members(members)


def written(folder: Path, whole: Society, members: Members, **keywords: object) -> Path:
    """The workspace of a finished run with this society and these members."""
    for name in ("load", "communities"):
        (folder / "steps" / name).mkdir(parents=True, exist_ok=True)
    for part in ("people", "posts", "ties"):
        getattr(whole, part).write_parquet(folder / "steps" / "load" / f"{part}.parquet")
    members.write_parquet(folder / "steps" / "communities" / "frame.parquet")
    run = {"schema": 1, "system": "community_fidelity", "keywords": keywords, "finished": True}
    (folder / "run.json").write_text(json.dumps(run))
    return folder


@pytest.fixture(scope="session")
def crowd() -> tuple[Society, Members]:
    return society()


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    return written


@pytest.fixture(scope="session")
def explored(tmp_path_factory: pytest.TempPathFactory, crowd: tuple[Society, Members]) -> Path:
    """The workspace of `society`, prepared once for the whole session."""
    return written(tmp_path_factory.mktemp("explored") / "runs", *crowd)
