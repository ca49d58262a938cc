"""What a community said, made into something to learn from: a request, and a post verbatim as the reply."""

from collections.abc import Mapping, Sequence

import polars as pl

from sociolect import frames, text
from sociolect.align.layout import exemplar, laid_out
from sociolect.align.templates import render
from sociolect.align.templates import templates as our_templates
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Examples, Members, Posts
from sociolect.seeds import derive, substream

HELD_OUT = 0.05  # share of the people that a base model's held-out loss is about


def demonstrations(
    posts: Posts,
    members: Members,
    *,
    most: int = 10_000,  # Sec. 4.1
    topic_column: str | None = None,
    name_community: bool = False,  # the paper's table names none; its code does
    templates: pl.DataFrame | None = None,
    general: Examples | None = None,
    mix: float = 0.0,  # 5.2 in the paper: 52,000 general pairs to 10,000 posts
    seed: int = 0,
) -> Examples:
    """One example per post: the post byte for byte as the reply, one template drawn uniformly as the prompt.

    Columns: community, prompt, reply, post, person, template, and topic where `topic_column` names a column of the posts.
    At most `most` posts per community, drawn at random; fewer are never padded. A post that repeats an earlier one of its
    community is left out (`repeats` counts them). `mix` adds that many rows of `general` per post, again and again where they
    are fewer, without a post or a person, under the community's name. Neither draw depends on the order of the rows.

    Raises InputError on an empty post, RefusedError where no post has a member as its author (arXiv 2408.09366, Sec. 4.1).

    >>> posts = pl.DataFrame({"post": ["1"], "person": ["ada"], "text": ["hi all"], "thread": ["1"], "parent": [None]},
    ...     schema_overrides={"parent": pl.String})
    >>> members = frames.members(pl.DataFrame({"person": ["ada"], "community": ["red"]}))
    >>> demonstrations(frames.posts(posts), members)["reply"].to_list()
    ['hi all']
    """
    _check(posts, most=most, mix=mix, topic_column=topic_column, general=general)
    rows = _template_rows(templates)
    kept = _distinct(_said(posts, members))
    if kept.is_empty():
        raise RefusedError(
            f"no example can be made: of {posts.height} posts and {members['person'].n_unique()} members, no post "
            "is by a member; load the posts and the members with the same pseudonym key"
        )
    out: list[pl.DataFrame] = []
    for (name,), part in sorted(kept.partition_by("community", as_dict=True).items()):
        own = _draw(part, most, seed, "demonstrations", str(name)).sort("post")
        chosen = [rows[derive(seed, "template", post) % len(rows)] for post in own["post"]]
        topics = own[topic_column].to_list() if topic_column else [None] * own.height
        prompts = [
            render(row, topic=topic, community=str(name) if name_community else None)
            for row, topic in zip(chosen, topics, strict=True)
        ]
        columns: dict[str, Sequence[object]] = {"template": [row["template"] for row in chosen]}
        columns |= {"topic": topics} if topic_column else {}
        out.append(_examples(own, prompts, columns))
        if general is not None and mix:
            more = general.select("prompt", "reply").unique().sort("prompt", "reply")
            # rows come again where fewer are there than are asked for: a ratio is what it says
            due = round(mix * own.height)
            rounds = range(-(-due // more.height))
            more = pl.concat([_draw(more, more.height, seed, "general", str(name), str(k)) for k in rounds]).head(due)
            out.append(more.with_columns(community=pl.lit(name), template=pl.lit("general")))
    return frames.examples(pl.concat(out, how="diagonal"))


def repeats(posts: Posts, members: Members) -> pl.DataFrame:
    """How many posts say what an earlier post of their community said: community, posts, repeats.

    Two posts are repeats when they share their words, whatever the case, punctuation and spacing.
    """
    said, kept = _said(posts, members), _distinct(_said(posts, members))
    return (
        said.group_by("community")
        .agg(posts=pl.len())
        .join(kept.group_by("community").agg(kept=pl.len()), on="community")
        .select("community", "posts", repeats=pl.col("posts") - pl.col("kept"))
        .sort("community")
    )


def pooled(
    posts: Posts,
    *,
    context: int = 120,
    words: int = 20,
    group: str | None = None,
    topic_column: str | None = None,
    templates: pl.DataFrame | None = None,
    seed: int = 0,
) -> Examples:
    """Examples from everybody's posts, under the one community "pooled": what a base model is trained on.

    Half of them, drawn at random, stand after a block of other posts of the same person (of the same thread where that
    person has fewer than two others; of the same value of the column `group` where it is named), each cut to its first
    `words` words, up to `context` words in all. The block looks exactly as `in_context` lays it out, so that a model
    trained from nothing learns to read one. `held_out` marks a twentieth of the people, who stand in no block. A prompt names the post's topic where `topic_column` does, never a community.
    """
    for column in (group, topic_column):
        _check(posts, most=1, mix=0.0, topic_column=column, general=None)
    rows = _template_rows(templates)
    # The group may be the posts' own community, which no example names.
    own = posts.with_columns(pl.col(group).alias("_group")) if group else posts
    kept = _distinct(own.with_columns(community=pl.lit("pooled"))).sort("post")
    if kept.is_empty():
        raise RefusedError("no example can be made: there are no posts")
    said = dict(zip(kept["post"].to_list(), (exemplar(t, words) for t in kept["text"].to_list()), strict=True))
    by = {
        c: dict(kept.group_by(c, maintain_order=True).agg("post").iter_rows())
        for c in (("_group",) if group else ("person", "thread"))
    }
    topics = dict.fromkeys(said) | (dict(kept.select("post", topic_column).iter_rows()) if topic_column else {})
    # Whom the held-out loss is about stands in no block either: what was read in a prompt has been learnt.
    out = {p for p in kept["person"].unique() if substream(seed, "pooled", "held out", p).random() < HELD_OUT}
    apart = [p in out for p in kept["person"].to_list()]
    hidden = set(kept["post"].filter(pl.Series(apart, dtype=pl.Boolean)).to_list())
    prompts, chosen, blocks = [], [], []
    for row in kept.iter_rows(named=True):
        rng = substream(seed, "pooled", row["post"])
        template = rows[int(rng.integers(len(rows)))]
        block: list[str] = []
        if rng.random() < 0.5:
            near: list[str] = next((ids for c in by if len(ids := by[c].get(row[c], [])) > 2), [])
            # A block of any length up to the longest: the model meets short and long ones alike.
            left = int(rng.integers(words, max(words, context) + 1))
            # Every post has a word at least, so no block needs more than `context` of them.
            picked = rng.choice(len(near), min(len(near), context + 1), replace=False) if near else ()
            # As `in_context` does: first what is on the topic.
            for post in sorted((near[int(i)] for i in picked), key=lambda post: topics[post] != topics[row["post"]]):
                if post == row["post"] or post in hidden or not said[post]:
                    continue
                if (left := left - len(said[post].split())) < 0:
                    break
                block.append(said[post])
        prompts.append(laid_out(block, render(template, topic=topics[row["post"]])))
        chosen.append(template["template"])
        blocks.append(len(block))
    return _examples(kept, prompts, {"template": chosen, "exemplars": blocks, "held_out": apart})


def shuffled(members: Members, *, seed: int = 0) -> Members:
    """The members with their communities dealt anew among them: every community keeps its size. The floor of a study.

    >>> members = frames.members(pl.DataFrame({"person": ["a", "b", "c"], "community": ["red", "red", "blue"]}))
    >>> shuffled(members, seed=1)["community"].value_counts(sort=True).rows()
    [('red', 2), ('blue', 1)]
    """
    people = members["person"].unique().sort()
    dealt = people.gather(substream(seed, "shuffled").permutation(len(people)))
    return frames.members(
        members.sort("person", "community").with_columns(pl.col("person").replace_strict(people, dealt))
    )


def _check(posts: Posts, *, most: int, mix: float, topic_column: str | None, general: Examples | None) -> None:
    if most < 1 or not mix >= 0 or (mix > 0 and general is None):
        raise UsageError(
            f"most={most}, mix={mix}: most is at least 1, mix at least 0, and a mix above 0 needs general="
        )
    if topic_column and topic_column not in posts.columns:
        raise InputError(f"the posts have no column {topic_column!r}; they have: {', '.join(posts.columns)}")
    empty = posts.filter(pl.col("text").str.strip_chars() == "")
    mute = 0 if general is None else general.filter(pl.col("reply").str.strip_chars() == "").height
    if empty.height or mute:
        first = f" (the first is post {empty['post'].min()!r})" if empty.height else ""
        raise InputError(
            f"{empty.height} posts{first} and {mute} general replies are empty: nothing can be learnt; leave them out"
        )


def _template_rows(templates: pl.DataFrame | None) -> Sequence[Mapping[str, str]]:
    frame = our_templates() if templates is None else templates
    if lacks := {"template", "role", "request", "request_topic"} - set(frame.columns):
        raise InputError(f"the templates lack: {', '.join(sorted(lacks))}")
    if frame.is_empty():
        raise InputError("there are no templates: at least one is due")
    return frame.sort("template").to_dicts()


def _said(posts: Posts, members: Members) -> pl.DataFrame:
    return posts.drop("community", strict=False).join(members.select("person", "community"), on="person")


def _distinct(said: pl.DataFrame) -> pl.DataFrame:
    # A post without a single word (a smile) is told from others by its own signs.
    words = text.key(pl.col("text"))
    same = pl.when(words == "").then("text").otherwise(words).alias("same")
    return said.sort("post").unique([pl.col("community"), same], keep="first", maintain_order=True)


def _draw(frame: pl.DataFrame, most: int, seed: int, *names: str) -> pl.DataFrame:
    return frame[substream(seed, *names).permutation(frame.height)[:most]]


def _examples(own: pl.DataFrame, prompts: list[str], columns: Mapping[str, Sequence[object]]) -> Examples:
    return frames.examples(
        own.select(
            "community", prompt=pl.Series(prompts, dtype=pl.String), reply="text", post="post", person="person"
        ).with_columns(**{c: pl.Series(c, values) for c, values in columns.items()})
    )
