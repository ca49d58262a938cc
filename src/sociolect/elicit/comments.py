"""What people commented, in the frame in which models answer: each comment with its post, both people, and how close they are."""

import polars as pl

from sociolect import frames, text
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Replies, Society

CLOSENESS, GENDERS = ("stranger", "not_close", "close"), ("woman", "man", "other")
ADULT = 18
_MADE = (
    "source", "condition", "speaker", "item", "draw", "turn", "prompt", "post_text", "poster", "commenter", "length", "refused",
)  # fmt: skip
_DECLARING = ("relation", "declared")


def comments(
    society: Society,
    *,
    closeness: pl.DataFrame | None = None,
    adults: bool = True,
    k: int = 10,
    condition: str = "observed",
) -> tuple[Replies, pl.DataFrame]:
    """The comments people made on one another's posts as replies, and what became of every one: outcome, reason, count.

    A comment is a post with kind `reply`, or with a parent where there is no column kind. The commenter is the speaker, the
    comment's own id the item (the pair), community everyone, draw 0. Beside it ride post (what it answers), thread,
    post_text, poster, commenter, length (words), refused, closeness, the further columns of the comment's row, and every
    trait of both people as commenter_<trait> and poster_<trait>; age as years, gender as woman, man, other.

    Left out, each under one reason, in this order: reposts, whose post is not here, without words, on a post without words, by
    the poster itself, the same words by the same person on the same post again, and with `adults` where either is told to
    be under 18 (by age, or by a trait `minor`). What is unknown stays in and stays null.

    `closeness` (source = commenter, target = poster, closeness; a row for each comment where it has post) is used where given,
    else a column of the comments, else ties of kind relation or declared. Genders of fewer than `k` people are emptied.
    The counts of `left out` and `kept` add up to `found`; `emptied` and `unknown` count kept comments.
    Raises InputError for classes and columns that are not as due, RefusedError where no comment is left.

    >>> said = {"post": ["1", "2", "3"], "person": ["a", "b", "a"], "text": ["I ran", "wow", "yes"], "thread": "1"}
    >>> posts = frames.posts(pl.DataFrame(said | {"parent": [None, "1", "1"]}))
    >>> made, counts = comments(Society(frames.empty("people"), posts, frames.empty("ties")))
    >>> made.select("item", "poster", "post_text", "length").rows()
    [('2', 'a', 'I ran', 1)]
    >>> counts.filter(outcome="left out").rows()
    [('left out', "comment on a post of one's own", 1)]
    """
    if k < 1:
        raise UsageError(f"k is {k}: say 1 or more people")
    _check(society, closeness)
    posts = society.posts.with_columns(
        _kind=pl.col("kind") if "kind" in society.posts.columns else pl.lit(None, pl.String)
    )
    replies = (pl.col("_kind") == "reply") | (pl.col("_kind").is_null() & pl.col("parent").is_not_null())
    found = posts.filter(replies | (pl.col("_kind") == "repost"))
    asked = posts.select(parent="post", post_text="text", poster="person")
    made = found.rename({"person": "commenter"} | ({"community": "said_in"} if "community" in posts.columns else {}))
    made = made.join(asked, on="parent", how="left", maintain_order="left").sort("post")
    emptied: list[tuple[str, int]] = []
    made = _traits(_close(made, society, closeness), society.people)
    left_out = []
    for reason, bad in _rules(made, adults=adults).items():
        kept = made.filter(~bad.fill_null(value=False))
        left_out.append((reason, made.height - kept.height))
        made = kept
    if not made.height:
        raise RefusedError(
            "no comment is left: " + ("; ".join(f"{n} x {why}" for why, n in left_out if n) or "nobody replies")
        )
    made = _held(made, k, emptied)
    unknown = [
        (c, made[c].null_count())
        for c in ("closeness", "commenter_gender", "poster_gender", "commenter_age", "poster_age")
    ]
    tally = [
        ("found", "comments", found.height),
        *(("left out", *row) for row in left_out),
        ("kept", "comments", made.height),
    ]
    tally += [*(("emptied", *row) for row in emptied), *(("unknown", *row) for row in unknown)]
    counts = pl.DataFrame(
        [row for row in tally if row[2] or row[0] in {"found", "kept"}],
        orient="row",
        schema={"outcome": pl.String, "reason": pl.String, "count": pl.Int64},
    )
    return _replies(made, condition), counts


def _check(society: Society, closeness: pl.DataFrame | None) -> None:
    posts, faults = society.posts, []
    sides = {f"{side}_{c}" for side in ("commenter", "poster") for c in society.people.columns}
    taken = sorted({c for c in posts.columns if c in _MADE or c in sides})
    if taken:
        faults.append(f"columns {', '.join(map(repr, taken))} of the posts have names that are made here: rename them")
    if closeness is not None and (missing := {"source", "target", "closeness"} - set(closeness.columns)):
        faults.append(
            f"closeness has no column {', '.join(map(repr, sorted(missing)))}: due are source, target, closeness"
        )
    elif closeness is not None:
        key = ["post"] if "post" in closeness.columns else ["source", "target"]
        if twice := closeness.height - closeness.select(key).n_unique():
            faults.append(f"closeness has {twice} rows that repeat another's {' and '.join(key)}: keep one of each")
    if faults:
        raise InputError("; ".join(faults))


def _rules(made: pl.DataFrame, *, adults: bool) -> dict[str, pl.Expr]:
    """Why a comment is left out, in the order in which it is asked."""
    said = text.key(pl.col("text"))
    # where no letter is, there is no key: then the signs themselves must agree
    same = pl.struct("commenter", "parent", pl.when(said != "").then(said).otherwise("text").alias("said"))
    rules = {
        "repost": pl.col("_kind") == "repost",
        "comment whose post is not here": pl.col("poster").is_null(),
        "comment without words": pl.col("text").str.strip_chars() == "",
        "comment on a post without words": pl.col("post_text").str.strip_chars() == "",
        "comment on a post of one's own": pl.col("commenter") == pl.col("poster"),
        "comment that says again what its author said on its post": ~same.is_first_distinct(),
    }
    if adults:
        under = [pl.col(f"{side}_age").cast(pl.Float64, strict=False) < ADULT for side in ("commenter", "poster")]
        under += [pl.col(c) for c in ("commenter_minor", "poster_minor") if c in made.columns]
        rules["comment by or to someone under 18"] = pl.any_horizontal(u.fill_null(value=False) for u in under)
    return rules


def _close(made: pl.DataFrame, society: Society, closeness: pl.DataFrame | None) -> pl.DataFrame:
    """The comments with their closeness: as given, else as they carry it, else as ties declare it."""
    if closeness is None and "closeness" in made.columns:
        told = made
    else:
        made = made.drop([c for c in ("closeness",) if c in made.columns])
        if closeness is None:
            ties = society.ties.filter(pl.col("kind").is_in(_DECLARING))
            if "closeness" not in ties.columns:
                return made.with_columns(closeness=pl.lit(None, pl.String))
            closeness = ties.select("source", "target", "closeness").drop_nulls().unique()
            if twice := closeness.height - closeness.select("source", "target").n_unique():
                raise InputError(
                    f"ties declare another closeness twice for {twice} pairs of people: keep one kind of tie"
                )
        by = ["post"] if "post" in closeness.columns else ["commenter", "poster"]
        given = closeness.rename({"source": "commenter", "target": "poster"}).select(*by, "closeness")
        made = told = made.join(given, on=by, how="left", maintain_order="left")
    odd = set(told["closeness"].drop_nulls().cast(pl.String).unique()) - set(CLOSENESS)
    if odd:
        raise InputError(f"closeness holds {', '.join(map(repr, sorted(odd)[:6]))}, not only {', '.join(CLOSENESS)}")
    return made.with_columns(pl.col("closeness").cast(pl.String))


def _traits(made: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """The comments with the traits of both people; gender and age are there, if null."""
    absent = {c: d for c, d in (("gender", pl.String()), ("age", pl.Float64())) if c not in people.columns}
    people = people.with_columns(pl.lit(None, dtype).alias(c) for c, dtype in absent.items())
    for side in ("commenter", "poster"):
        named = people.rename({c: side if c == "person" else f"{side}_{c}" for c in people.columns})
        made = made.join(named, on=side, how="left", maintain_order="left")
    return made


def _held(made: pl.DataFrame, k: int, emptied: list[tuple[str, int]]) -> pl.DataFrame:
    """Ages as years, genders as the three words, and none of them where fewer than k people have it."""
    for c in ("commenter_age", "poster_age"):
        years = made[c].cast(pl.Float64, strict=False).fill_nan(None)
        emptied.append((f"{c} that is no number", made[c].count() - years.count()))
        made = made.with_columns(years.alias(c))
    sides = [("commenter", "commenter_gender"), ("poster", "poster_gender")]
    for _, c in sides:
        odd = made[c].is_not_null() & ~made[c].cast(pl.String).is_in(GENDERS)
        emptied.append((f"{c} that is none of {', '.join(GENDERS)}", int(odd.sum())))
        made = made.with_columns(made[c].cast(pl.String).set(odd, None).alias(c))
    who = pl.concat([made.select(person=side, gender=c) for side, c in sides]).drop_nulls().unique()
    few = who.group_by("gender").len().filter(pl.col("len") < k)["gender"].sort().to_list()
    for _, c in sides:
        hit = made[c].is_in(few).fill_null(value=False)
        emptied.append((f"{c} of fewer than {k} people", int(hit.sum())))
        made = made.with_columns(made[c].set(hit, None).alias(c))
    return made


def _replies(made: pl.DataFrame, condition: str) -> Replies:
    return frames.replies(
        made.select(
            speaker="commenter",
            source=pl.lit("human"),
            community=pl.lit("everyone"),
            item="post",
            condition=pl.lit(condition),
            draw=pl.lit(0, pl.Int64),
            turn=pl.lit(0, pl.Int64),
            prompt=pl.lit(None, pl.String),
            text="text",
            post="parent",
            refused=text.refuses(pl.col("text")),
            length=pl.col("text").str.count_matches(text.WORD).cast(pl.Int64),
            **({"weight": pl.col("weight").cast(pl.Float64)} if "weight" in made.columns else {}),
            **{c: pl.col(c) for c in made.columns if c not in {"post", "parent", "text", "kind", "_kind", "weight"}},
        )
    )
