"""What the page is told: plain values for JSON, out of the atlas; nothing about few people, no trait of anyone."""

from typing import Any

import polars as pl

from sociolect.errors import UsageError
from sociolect.explore.atlas import Atlas

LISTED = 2_000  # communities in the overview, the largest first
HITS, NEIGHBOURS, PAGE = 20, 20, 50
RANKERS = ("average", "agglomerative", "pagerank")


def overview(atlas: Atlas) -> dict[str, Any]:
    """The numbers of the whole, its communities by size, and what can be asked of it.

    `unlisted` communities are beyond the 2,000 largest; a truth is a column of people with its values and how many people
    have each, none of fewer than k.
    """
    counts = atlas.counts
    told = atlas.communities.head(LISTED).select(
        "name", "size", stability="mean", conductance="conductance", x="x", y="y", shown="shown"
    )
    nodes, edges = (int.from_bytes(buffer[:4], "little") for buffer in (atlas.nodes, atlas.edges))
    return {
        "title": atlas.found.title,
        "people": counts["people"],
        "ties": counts["ties"],
        "members": counts["members"],
        "modularity": counts["modularity"],
        "k": atlas.k,
        "communities": told.to_dicts(),
        "unlisted": max(atlas.communities.height - LISTED, 0),
        "truths": [{"column": c, "values": _values(atlas.truths[c])} for c in atlas.truths.columns],
        "drawn": {"nodes": nodes, "edges": edges},
        "posts": counts["posts"],
        "posts_read": counts["posts_read"],
        "rankers": list(RANKERS),
    }


def search(atlas: Atlas, text: str) -> dict[str, Any]:
    """Accounts and communities whose name is the text, begins with it, or holds it: in that order, 20 each at most."""
    said = text.strip().lower()[:200]
    if not said:
        return {"accounts": [], "communities": []}
    accounts = _found(atlas.accounts["lower"], said)
    communities = _found(atlas.communities["lower"], said)
    return {
        "accounts": [_account(atlas, i) for i in accounts],
        "communities": atlas.communities[communities].select("name", "size").to_dicts(),
    }


def account(atlas: Atlas, number: int) -> dict[str, Any]:
    """An account's place, how sure it is, and its 20 strongest neighbours; UsageError for a number that is none.

    The place in a community of fewer than k people is null, with the reason in `withheld`; so everywhere.
    """
    if not 0 <= number < atlas.accounts.height:
        raise UsageError(f"no account {number}; there are 0 to {atlas.accounts.height - 1}")
    row, told = atlas.accounts.row(number, named=True), _account(atlas, number)
    at = slice(atlas.starts[number], min(atlas.starts[number + 1], atlas.starts[number] + NEIGHBOURS))
    near = zip(atlas.neighbours[at].tolist(), atlas.weights[at].tolist(), strict=True)
    hidden = few(atlas) if row["community"] is not None and told["community"] is None else None
    return {
        **told,
        "stability": row["stability"] if hidden is None else None,
        "degree": row["degree"],
        "strength": row["strength"],
        "withheld": hidden,
        "neighbours": [{**_account(atlas, other), "weight": weight} for other, weight in near],
    }


def community(atlas: Atlas, name: str, *, page: int = 0) -> dict[str, Any]:
    """A community's numbers, a page of 50 members, its words, exemplars and neighbours; of fewer than k people only a size.

    Raises UsageError for a name or a page that is not there.
    """
    row = place(atlas, name)
    number, size = row["community"], row["size"]
    if size < atlas.k:
        bare = dict.fromkeys(("stability", "conductance", "words", "exemplars"))
        return {"name": name, "size": size, **bare, "members": [], "pages": 0, "page": 0, "neighbours": [],
                "withheld": few(atlas)}  # fmt: skip
    pages = -(-size // PAGE)
    if not 0 <= page < pages:
        raise UsageError(f"no page {page} of {name!r}; there are 0 to {pages - 1}")
    # everybody of a larger community comes before: sizes are those of `members`
    first = int(atlas.communities["size"][:number].sum()) + page * PAGE
    who = atlas.members[first : min(first + PAGE, first - page * PAGE + size)].tolist()
    shown = atlas.accounts[who].select("account", "degree", "stability").to_dicts()
    beside = atlas.between.filter(community=number)
    names = atlas.communities["name"].gather(beside["other"]).alias("name")
    stable = {key: row[key] for key in ("mean", "q25", "q50", "q75")}
    return {
        "name": name,
        "size": size,
        "stability": {"mean": stable.pop("mean"), "quartiles": list(stable.values())}
        if row["mean"] is not None
        else None,
        "conductance": row["conductance"],
        "members": [{"account": i, "name": m.pop("account"), **m} for i, m in zip(who, shown, strict=True)],
        "page": page,
        "pages": pages,
        "words": _rows(atlas.words, name, "word", "z"),
        "exemplars": None if (told := _rows(atlas.exemplars, name, "text")) is None else [row["text"] for row in told],
        "withheld": None,
        "neighbours": pl.DataFrame([names, beside["weight"], beside["share"]]).to_dicts(),
    }


def place(atlas: Atlas, name: str) -> dict[str, Any]:
    """The row of a community; UsageError for a name that none has."""
    at = atlas.communities["name"].index_of(name)
    if at is None:
        raise UsageError(f"no community {name[:80]!r}; search for one, or take one of the list")
    return atlas.communities.row(at, named=True)


def large(atlas: Atlas) -> pl.Series:
    """The names of the communities by number; null of one of fewer than k people."""
    return atlas.communities.select(pl.when(pl.col("size") >= atlas.k).then("name")).to_series()


def few(atlas: Atlas) -> str:
    """Why something is not told of a small community."""
    return f"fewer than {atlas.k} people"


def _account(atlas: Atlas, number: int) -> dict[str, Any]:
    name, community = atlas.accounts.select("account", "community").row(number)
    told, size = (None, 0) if community is None else atlas.communities.select("name", "size").row(community)
    return {"account": number, "name": name, "community": told if size >= atlas.k else None}


def _found(lower: pl.Series, said: str) -> list[int]:
    holds = lower.str.contains(said, literal=True).arg_true()
    near = lower.gather(holds)
    exact, begins = near == said, near.str.starts_with(said)
    ranked = [holds.filter(mask).head(HITS) for mask in (exact, begins & ~exact, ~begins)]
    return pl.concat(ranked).head(HITS).to_list()


def _values(column: pl.Series) -> list[dict[str, Any]]:
    counted = column.drop_nulls().alias("value").value_counts(name="size")
    return counted.sort("size", "value", descending=[True, False]).to_dicts()


def _rows(frame: pl.DataFrame | None, community: str, *columns: str) -> list[dict[str, Any]] | None:
    return None if frame is None else frame.filter(community=community).select(columns).to_dicts()
