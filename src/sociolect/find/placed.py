"""Placed: people who were not there when communities were found join the one they are most tied to."""

import polars as pl

from sociolect import frames
from sociolect.find.quality import one_each
from sociolect.frames import SET_ASIDE, Members, People, Ties


def placed(members: Members, ties: Ties, people: People) -> Members:
    """The people who are no members yet, each in the community whose members they are most tied to.

    So communities are found among some people only (`among`), and held-out people join after, without a say in them.
    Ties count in both directions, kinds summed; only ties to members count, never those to others who are placed.
    `weight` is the community's share of them. An exact draw between communities places nobody, nor does having no tie
    to a member: `unplaced` counts both. Raises RefusedError for members in two communities.

    >>> who = frames.members(pl.DataFrame({"person": ["a", "b"], "community": ["x", "y"]}))
    >>> t = pl.DataFrame({"source": ["new", "b"], "target": ["a", "new"], "kind": "reply", "weight": [3.0, 1.0]})
    >>> placed(who, frames.ties(t), frames.people(pl.DataFrame({"person": ["a", "b", "new"]}))).rows()
    [('new', 'x', 0.75)]
    """
    leading = _leading(members, ties, people)
    alone = leading.filter(pl.len().over("person") == 1)
    return frames.members(alone.select("person", "community", "weight").sort("person"))


def unplaced(members: Members, ties: Ties, people: People) -> pl.DataFrame:
    """How many people `placed` could not place, and why, in the columns of `Society.set_aside`.

    >>> who = frames.members(pl.DataFrame({"person": ["a", "b"], "community": ["x", "y"]}))
    >>> t = pl.DataFrame({"source": ["new", "b"], "target": ["a", "new"], "kind": "reply", "weight": 1.0})
    >>> unplaced(who, frames.ties(t), frames.people(pl.DataFrame({"person": ["new", "far"]})))["count"].to_list()
    [1, 1]
    """
    leading = _leading(members, ties, people)
    drawn = leading.filter(pl.len().over("person") > 1)["person"].unique()
    new = people.filter(~pl.col("person").is_in(members["person"].implode()))
    far = new.filter(~pl.col("person").is_in(leading["person"].implode()))["person"]
    rows = [
        ("tied to members of two communities alike", drawn.len(), drawn.min(), "more ties, or leave them out"),
        ("no tie to a member", far.len(), far.min(), "more kinds of ties, or leave them out"),
    ]
    return pl.DataFrame(rows, schema=SET_ASIDE, orient="row").filter(pl.col("count") > 0)


def _leading(members: Members, ties: Ties, people: People) -> pl.DataFrame:
    """For each person who is no member, the community or communities they are most tied to."""
    one_each(members)
    both = pl.concat(
        [
            ties.select(person="source", other="target", tie="weight"),
            ties.select(person="target", other="source", tie="weight"),
        ]
    )
    new = people.select("person").join(members, on="person", how="anti")
    sums = (
        both.join(new, on="person", how="semi")
        .join(members.select("community", other="person"), on="other")
        .sort("person", "community", "tie")  # so that no bit of a sum depends on the order of the rows
        .group_by("person", "community", maintain_order=True)
        .agg(pl.col("tie").sum())
        .with_columns(
            weight=pl.col("tie") / pl.col("tie").sum().over("person"), most=pl.col("tie").max().over("person")
        )
    )
    # .1 + .2 and .3 are one weight: a draw is a draw up to rounding
    return sums.filter(pl.col("tie") >= pl.col("most") * (1 - 1e-9))
