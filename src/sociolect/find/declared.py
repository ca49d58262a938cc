"""Declared communities: a column says them, or a person who has read the clusters does."""

import tomllib
from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, RefusedError, unknown
from sociolect.frames import Members, Society


def declared(society: Society, *, column: str) -> Members:
    """The communities that a column of the people, or else of the posts, declares.

    Of people: the value, weight 1. Of posts: the value that most of a person's posts carry; `weight` is its share of
    the posts that carry one. `tied` marks who had several values equally often and went to the first by alphabet: their
    number is `members["tied"].sum()`. Null declares nothing: such people are no members, their number is
    `society.people.height - members.height`. Raises UsageError for a column that is nowhere, RefusedError where it is
    all null.

    >>> said = {"post": ["1", "2", "3"], "person": "a", "text": "", "thread": "1", "parent": "1"}
    >>> posts = frames.posts(pl.DataFrame(said | {"team": ["x", "x", "y"]}))
    >>> declared(Society(frames.empty("people"), posts, frames.empty("ties")), column="team").rows()
    [('a', 'x', 0.6666666666666666, False)]
    """
    people, posts = society.people, society.posts
    if column in people.columns and column != "person":
        said: pl.DataFrame = people
        where = "people"
    elif column in posts.columns and column not in {"post", "person", "text", "parent"}:
        said, where = posts, "posts"
    else:
        fit = {*people.columns, *(posts.columns if posts.height else ())} - {"person", "post", "text", "parent"}
        raise unknown("column that could declare communities", column, fit)
    counts = (
        said.select("person", community=pl.col(column).cast(pl.String))
        .drop_nulls()
        .group_by("person", "community")
        .agg(n=pl.len())
        .with_columns(
            weight=pl.col("n") / pl.col("n").sum().over("person"), most=pl.col("n") == pl.col("n").max().over("person")
        )
        .filter("most")
        .with_columns(tied=pl.len().over("person") > 1)
        .sort("person", "community")
        .unique("person", keep="first", maintain_order=True)
    )
    if not counts.height:
        raise RefusedError(f"column {column!r} of {where} declares no community: all {said.height} rows are null")
    return frames.members(counts.select("person", "community", "weight", "tied"))


def merged(members: Members, file: Path | str) -> Members:
    """The communities as a person named, merged and dropped them in a TOML file; the others' members are left out.

    The file holds one line per community, `name = ["c00", "c07"]`, then `drop = ["c11"]` (may be absent) and
    `why = "..."`. Every cluster must be named or dropped, once. Where one person's rows merge, `weight` is summed and
    `stability` is the larger one: who stays with a part stays with the whole.
    Raises InputError with all faults at once.

    >>> import tempfile
    >>> who = frames.members(pl.DataFrame({"person": ["a", "b", "c"], "community": ["c00", "c01", "c02"]}))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "communities.toml")
    ...     _ = file.write_text('tea = ["c00", "c02"]\\ndrop = ["c01"]\\nwhy = "c01 is spam"')
    ...     merged(who, file).rows()
    [('a', 'tea'), ('c', 'tea')]
    """
    target = _decisions(Path(file), members["community"].unique().sort().to_list())
    kept = members.with_columns(pl.col("community").replace_strict(target, default=None, return_dtype=pl.String))
    kept = kept.drop_nulls("community").sort("person", "community", *members.columns[2:])
    if kept.select("person", "community").is_duplicated().any():
        how = {"weight": pl.col("weight").sum(), "stability": pl.col("stability").max()}
        rest = [how.get(c, pl.col(c).first()) for c in members.columns if c not in {"person", "community"}]
        kept = kept.group_by("person", "community", maintain_order=True).agg(rest).select(members.columns)
    return frames.members(kept)


def _decisions(file: Path, clusters: list[str]) -> dict[str, str]:
    """Which name each kept cluster goes by."""
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as fault:
        raise InputError(f'{file.name}: {fault}; due is TOML with lines like name = ["c00", "c07"]') from fault
    why, faults = said.pop("why", None), []
    if not isinstance(why, str) or not why.strip():
        faults.append('`why = "..."` is missing: say why these were merged and dropped')
    used: dict[str, str] = {}
    for name, parts in said.items():
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            faults.append(f'{name} is {parts!r}, not a list of clusters like ["c00"]')
            continue
        if not parts and name != "drop":
            faults.append(f"{name} holds no cluster")
        for part in parts:
            if part not in clusters:
                faults.append(f"{name} holds {part!r}, which is no cluster")
            elif part in used:
                faults.append(
                    f"{part} is in {used[part]} and in {name}" if used[part] != name else f"{part} is in {name} twice"
                )
            used.setdefault(part, name)
    if left := [cluster for cluster in clusters if cluster not in used]:
        faults.append(f"neither named nor dropped: {', '.join(left)}")
    if set(said) <= {"drop"}:
        faults.append("no community is named")
    if faults:
        raise InputError(f"{file.name}: " + "; ".join(faults))
    return {part: name for part, name in used.items() if name != "drop"}
