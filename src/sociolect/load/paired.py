"""Rows of a post and a comment become posts, people and ties: what one post is, who made it, and what each person is."""

from collections.abc import Sequence

import polars as pl

from sociolect.errors import InputError
from sociolect.load.aside import Aside
from sociolect.load.pseudonyms import pseudonym
from sociolect.load.threads import threads

ANONYMOUS = "anonymous/"
_RIDERS = ("time", "closeness", "setting", "weight")


def settled(said: pl.DataFrame, name: str, aside: Aside, *, keep: Sequence[str] = (), key: bytes = b"") -> pl.DataFrame:
    """The rows that can be let in, each with `comment` (an id of its own), `post` (the id of what it answers) and both people.

    `said` has row, post_text, comment_text, what else of the roles is told, and the columns of `keep`. A comment's id is the one
    told, else its thread and turn, else a digest of its row under `key`: the order of the rows is in none of them. Raises
    InputError where no row is left.
    """
    for role, reason in (
        ("post_text", "pair without the post's text"),
        ("comment_text", "pair without the comment's text"),
        ("commenter", "pair without a commenter"),
        ("poster", "pair without a poster"),
        ("thread", "pair without a thread"),
        ("post_id", "pair without the post's id"),
        ("comment_id", "pair without the comment's id"),
    ):
        if role in said.columns:
            said = _out(
                said,
                pl.col(role).is_null(),
                reason=reason,
                mend="fill it in, or leave that role out",
                name=name,
                aside=aside,
            )
    told = set(said.columns)
    if "comment_id" in told:
        mend = "give each comment an id of its own; the first was kept"
        again = ~pl.col("comment_id").is_first_distinct()
        said = _out(said, again, reason="pair with another comment's id", mend=mend, name=name, aside=aside)
        said = said.with_columns(comment="comment_id")
    elif (
        {"thread", "turn"} <= told and not said["turn"].null_count() and said.select("thread", "turn").is_unique().all()
    ):
        said = said.with_columns(comment=pl.col("thread") + "/" + pl.col("turn").cast(pl.String))
    else:
        said = _identified(said, keep, key)
    if "post_id" in told:
        own = pl.col("post_id") == pl.col("comment")
        said = _out(said, own, reason="comment that answers itself", mend="mend post_id", name=name, aside=aside)
    if not said.height:
        raise InputError(
            f"no pair of {name} can be let in: " + "; ".join(f"{n} x {why}" for why, (n, _, _) in aside.rows.items())
        )
    if "commenter" not in said.columns:
        said = said.with_columns(commenter=ANONYMOUS + pl.col("comment"), own_scope=pl.lit(""))
    return _posted(_answered(said), name, aside)


def _identified(said: pl.DataFrame, keep: Sequence[str], key: bytes) -> pl.DataFrame:
    """Each row with `comment`: `r`, 80 bits of the HMAC-SHA256 of what its roles tell, and a count where rows tell the same.

    Keyed, as names and addresses are among what is told: no one who guesses them can test the guess.
    """
    roles = sorted(set(said.columns) - {"row", *keep})
    told = said.select(pl.struct(roles).struct.json_encode()).to_series().to_list()
    said = said.with_columns(comment=pl.Series(["r" + pseudonym(row, key)[1:] for row in told]))
    ranked = said.select("row", "comment", *keep).sort("comment", *keep, maintain_order=True)
    nth = ranked.select("row", nth=pl.int_range(pl.len()).over("comment"))
    said = said.join(nth, on="row", how="left", maintain_order="left")
    again = pl.when(pl.col("nth") > 0).then("." + (pl.col("nth") + 1).cast(pl.String)).otherwise(pl.lit(""))
    return said.with_columns(pl.col("comment") + again).drop("nth")


def _out(said: pl.DataFrame, bad: pl.Expr, *, reason: str, mend: str, name: str, aside: Aside) -> pl.DataFrame:
    rows = said.filter(bad)
    if not rows.height:
        return said
    aside.add(reason, rows.height, f"{name}, row {rows['row'][0]}", mend)
    return said.filter(~bad)


def _answered(said: pl.DataFrame) -> pl.DataFrame:
    """Each pair with `post`: the id of what the comment answers, a comment of this table where it is one."""
    if "post_id" in said.columns:
        return said.with_columns(post="post_id")
    same: list[str] = [c for c in ("thread", "poster", "post_text") if c in said.columns]
    if "turn" in said.columns:
        earlier = said.select(
            "thread", turn=pl.col("turn") + 1, post_text="comment_text", poster="commenter", earlier="comment"
        )
        on = ["turn", *same]
        earlier = earlier.drop_nulls("turn").group_by(on, maintain_order=True).agg(pl.col("earlier").min())
        said = said.join(earlier, on=on, how="left", maintain_order="left")
        same.append("turn")
    else:
        said = said.with_columns(earlier=pl.lit(None, pl.String))
    return said.with_columns(post=pl.coalesce("earlier", pl.col("comment").min().over(same) + "/post")).drop("earlier")


def _posted(said: pl.DataFrame, name: str, aside: Aside) -> pl.DataFrame:
    """Each pair with `poster` and its scope, told or found."""
    if "poster" in said.columns:
        return said
    made = said.select(post="comment", made_by="commenter", made_scope="own_scope")
    said = said.join(made, on="post", how="left", maintain_order="left")
    other = pl.lit(None, pl.String)
    if "thread" in said.columns and not said["commenter"].str.starts_with(ANONYMOUS).any():
        both = said.group_by("thread").agg(pl.col("commenter").unique().sort().alias("both"))
        said = said.join(both, on="thread", how="left", maintain_order="left")
        # where both answered one post, neither is told to have made it
        two = (pl.col("both").list.len() == 2) & (pl.col("commenter").n_unique().over("post") == 1)
        at = pl.col("both").list.get(0) == pl.col("commenter")
        second = pl.when(at).then(pl.col("both").list.get(1, null_on_oob=True)).otherwise(pl.col("both").list.get(0))
        other = pl.when(two).then(second)
    said = said.with_columns(
        poster=pl.coalesce("made_by", other, ANONYMOUS + pl.col("post")),
        poster_scope=pl.coalesce("made_scope", "own_scope"),  # names of the thread may stand in its first post
    )
    alone = said.filter(pl.col("poster").str.starts_with(ANONYMOUS))["post"].n_unique()
    aside.add("post whose author is not told, a person of its own", alone, name, "give the role poster, if it is known")
    return said.drop([c for c in ("made_by", "made_scope", "both") if c in said.columns])


def paired(
    pairs: pl.DataFrame, name: str, aside: Aside, *, keep: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The posts (with `scope`, in which its author's name holds), people and ties of settled pairs."""
    riders = [c for c in (*_RIDERS, *keep) if c in pairs.columns]
    threaded = [c for c in ("thread",) if c in pairs.columns]
    comments = pairs.select(
        "comment", *threaded, *riders, person="commenter", text="comment_text", parent="post", scope="own_scope"
    ).rename({"comment": "post"})
    # of rows that tell a post differently the one with the smallest id is kept, wherever it stands
    least = pairs.filter(pl.col("comment") == pl.col("comment").min().over("post"))
    first = least.select("post", *threaded, person="poster", text="post_text", scope="poster_scope")
    every = pl.concat([comments.select(first.columns), first.join(comments, on="post", how="anti")])
    told = pairs.select("post", "poster", "post_text").join(
        every.select("post", "person", "text"), on="post", how="left", maintain_order="left"
    )
    other = told["poster"] != told["person"]
    for hit, what in ((told["post_text"] != told["text"], "text"), (other, "poster")):
        mend = "give each post an id of its own"
        aside.add(f"pair that tells another {what} of its post, the first kept", int(hit.sum()), name, mend)
    # what such a row tells of a poster is about someone else
    about = [c for c in pairs.columns if c.startswith("poster_") or c == "closeness"]
    pairs = pairs.with_columns(pl.when(~pl.lit(other)).then(pl.col(about)).name.keep())
    pairs = pairs.with_columns(told["person"].alias("poster"))
    comments = comments.with_columns(pairs[c] for c in ("closeness",) if c in riders)
    roots = first.join(comments, on="post", how="anti", maintain_order="left")
    posts = pl.concat([roots, comments], how="diagonal").with_columns(
        kind=pl.when(pl.col("parent").is_null()).then(pl.lit("post")).otherwise(pl.lit("reply"))
    )
    if not threaded:
        own, cut = threads(posts.select("post", "parent"))
        aside.add("cycle of comments, cut at one", int(cut.sum()), name, "mend the id of that post")
        posts = posts.with_columns(own.alias("thread"), parent=pl.when(~pl.lit(cut)).then("parent"))
    order = ["post", "person", "text", "thread", "parent", "kind", *riders, "scope"]
    return posts.select(order), _people(pairs, posts, name, aside), _ties(pairs, name, aside)


def _people(pairs: pl.DataFrame, posts: pl.DataFrame, name: str, aside: Aside) -> pl.DataFrame:
    """One row a person with each trait: the value most rows tell, the smallest of those told equally often."""
    people = posts.select(pl.col("person").unique().sort())
    sides = {"commenter": "commenter_", "poster": "poster_"}
    traits = {c.split("_", 1)[1] for c in pairs.columns if c.startswith(tuple(sides.values()))} - {"scope"}
    for trait in sorted(traits):
        told = pl.concat(
            [
                pairs.select(person=side, value=f"{prefix}{trait}")
                for side, prefix in sides.items()
                if f"{prefix}{trait}" in pairs.columns
            ],
            how="vertical_relaxed",
        ).drop_nulls()
        if trait == "minor":
            people = people.join(
                told.group_by("person").agg(pl.col("value").any().alias(trait)), on="person", how="left"
            )
            continue
        counts = told.group_by("person", "value").len().sort("person", "len", "value", descending=[False, True, False])
        several = counts["person"].is_duplicated()
        aside.add(
            f"person with more than one {trait}, the one most told kept",
            counts.filter(several)["person"].n_unique(),
            name,
            "mend the table, or nothing",
        )
        most = counts.unique("person", keep="first", maintain_order=True).select("person", pl.col("value").alias(trait))
        people = people.join(most, on="person", how="left")
    return people.sort("person")


def _ties(pairs: pl.DataFrame, name: str, aside: Aside) -> pl.DataFrame:
    """Who is how close to whom; pairs of people whose rows contradict each other are counted and have none."""
    schema = {"source": pl.String, "target": pl.String, "kind": pl.String, "weight": pl.Float64, "closeness": pl.String}
    if "closeness" not in pairs.columns:
        return pl.DataFrame(schema=schema)
    told = pairs.filter(pl.col("commenter") != pl.col("poster")).drop_nulls("closeness")
    found = told.group_by(source="commenter", target="poster").agg(
        pl.col("closeness").first(), several=pl.col("closeness").n_unique() > 1
    )
    aside.add(
        "two people whose closeness differs between rows, no tie",
        found.filter("several").height,
        name,
        "nothing: each comment keeps its own",
    )
    return found.filter(~pl.col("several")).select(
        "source", "target", kind=pl.lit("relation"), weight=pl.lit(1.0), closeness="closeness"
    )
