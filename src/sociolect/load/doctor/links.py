"""What is wrong with ids and with who answers whom."""

import numpy as np
import polars as pl

from sociolect.load.doctor.findings import Found
from sociolect.load.doctor.masks import some

_NUMBER, _FLOAT, _ROUNDED = r"^\d+$", r"^\d+\.0$", r"^\d(?:\.\d+)?[eE]\+\d+$"
_BASE36 = r"^[0-9a-z]+$"  # of such ids some are whole numbers by chance


def links(rows: pl.DataFrame, key: bytes) -> list[Found]:
    """The findings about ids and parents. `rows` has row, and of post, person, parent, time, said (a hash of the text) what is there.

    Where an id comes twice, the row that is first by author, parent, time and text stands for it, wherever it stands.

    >>> rows = pl.DataFrame({"post": ["a", "b", "c"], "parent": ["b", "a", "x"]}).with_row_index("row")
    >>> [(f.name, f.rows.to_list()) for f in links(rows, bytes(32)) if len(f.rows)]
    [('orphans', [2]), ('reply_cycles', [0, 1])]
    """
    if "post" not in rows.columns:
        return []
    found = [
        _found("missing_posts", rows.filter(pl.col("post").is_null()), rows, (), key),
        *_spelling(rows, key),
        *_repeats(rows, key),
    ]
    if "parent" in rows.columns and rows["parent"].null_count() < rows.height:
        found += _parents(rows, key)
    return found


def _found(name: str, hits: pl.DataFrame, rows: pl.DataFrame, ids: tuple[str, ...], key: bytes) -> Found:
    return Found(name, hits["row"], rows.height, examples=some(hits, ids, key))


def _spelling(rows: pl.DataFrame, key: bytes) -> list[Found]:
    post = pl.col("post")
    form = (
        pl.when(post.str.contains(_ROUNDED)).then(pl.lit("rounded"))
        .when(post.str.contains(_NUMBER)).then(pl.lit("whole number"))
        .when(post.str.contains(_FLOAT)).then(pl.lit("number with .0"))
        .when(post.is_not_null()).then(pl.lit("other"))
    )  # fmt: skip
    said = rows.select("row", "post", form=form)
    counts = said.drop_nulls("form").filter(pl.col("form") != "rounded")["form"].value_counts()
    commonest = counts.sort("count", "form", descending=[True, False])["form"].first() if counts.height else None
    odd = said.filter(pl.col("form").is_not_null() & ~pl.col("form").is_in(["rounded", commonest or ""]))
    if commonest == "other" and bool(said.filter(form="other")["post"].str.contains(_BASE36).all()):
        odd = odd.clear()
    return [
        _found("rounded_ids", said.filter(form="rounded"), rows, ("post",), key),
        _found("mixed_ids", odd, rows, ("post",), key),
    ]


def _repeats(rows: pl.DataFrame, key: bytes) -> list[Found]:
    named = rows.filter(pl.col("post").is_not_null())
    again = named.filter(pl.col("post").is_duplicated())
    whole = [c for c in named.columns if c != "row"]
    first = pl.struct(whole).is_first_distinct()
    same = again.filter(~first)
    other = again.filter(first & ~pl.col("post").is_first_distinct())
    return [
        _found("repeated_rows", same, rows, ("post",), key),
        _found("repeated_ids", other, rows, ("post",), key),
    ]


def _parents(rows: pl.DataFrame, key: bytes) -> list[Found]:
    whole: list[str] = [c for c in ("post", "person", "parent", "time", "said") if c in rows.columns]
    named = rows.filter(pl.col("post").is_not_null()).select("row", *whole)
    twice = named.filter(pl.col("post").is_duplicated()).sort(whole).unique("post", keep="first", maintain_order=True)
    posts = pl.concat([named.filter(~pl.col("post").is_duplicated()), twice]).with_row_index("node")
    up = posts.select(
        "node", parent="post", by="person" if "person" in whole else pl.lit(None, pl.String), **_time(whole)
    )
    said = rows.select("row", *whole).filter(pl.col("parent").is_not_null())
    said = said.join(up.rename({"node": "up"}), on="parent", how="left", maintain_order="left")
    own, lost = pl.col("post").eq_missing(pl.col("parent")), pl.col("up").is_null()
    pair = ("post", "parent")
    found = [
        _found("orphans", said.filter(lost), rows, pair, key),
        _found("own_parents", said.filter(own), rows, ("post",), key),
        _found("reply_cycles", said.filter(pl.col("row").is_in(_looped(posts).implode())), rows, pair, key),
    ]
    if "person" in whole:
        self_reply = said.filter(~own & (pl.col("person") == pl.col("by")))
        found.append(_found("self_replies", self_reply, rows, ("person",), key))
    if "time" in whole:
        found.append(_found("early_replies", said.filter(~own & (pl.col("time") < pl.col("then"))), rows, pair, key))
    return found


def _time(whole: list[str]) -> dict[str, pl.Expr]:
    return {"then": pl.col("time")} if "time" in whole else {}


def _looped(posts: pl.DataFrame) -> pl.Series:
    """The rows on a cycle of two posts or more.

    After n jumps along n posts a chain has ended or gone round: where it stands then are the ends and every post of the
    cycles, since a jump along a cycle only turns it. Jumps double, so 20 passes do for a million posts.
    """
    n = posts.height
    up = posts.select("node", "parent").join(
        posts.select(parent="post", up="node"), on="parent", how="left", maintain_order="left"
    )["up"]
    parent = up.fill_null(n).to_numpy().astype(np.int64)  # n: no parent, whose parent is itself
    parent = np.append(np.where(parent == np.arange(n), n, parent), n)
    for _ in range(max(1, n).bit_length()):
        parent = parent[parent]
    on = np.unique(parent)
    return posts["row"].gather(pl.Series(on[on < n]))
