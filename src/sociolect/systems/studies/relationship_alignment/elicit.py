"""Asking for a comment in place of the one a person wrote, with every subset of the facts about the two people told or not."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Literal

import polars as pl

from sociolect import frames
from sociolect.elicit.ask import ask
from sociolect.errors import InputError, UsageError, unknown
from sociolect.frames import Items, Replies
from sociolect.models.model import Model
from sociolect.seeds import derive, substream
from sociolect.systems.studies.relationship_alignment.outcomes import read
from sociolect.systems.studies.relationship_alignment.wordings import (
    VARIABLES,
    fact,
    laid_out,
    placebo,
    quoted,
    templates,
    values,
)

Subsets = Literal["blocks", "single", "all32"]
BLOCKS: dict[str, tuple[str, ...]] = {
    "gender": ("commenter_gender", "poster_gender"), "age": ("commenter_age", "poster_age"), "closeness": ("closeness",),
}  # fmt: skip
CONTROLS = ("placebo", "false")
ORDERS = ("drawn", "fixed", "reversed")
PROMPTINGS = ("plain", "reason")
EVERYONE = "everyone"  # the one community of this study: the frame takes no null
_OWN = (
    "prompt", "text", "raw", "length", "refused", "outcome", "options", "choice", "logprob", "echo",
    "context", "template", "facts", "unknown", "stated", "facts_of",
)  # fmt: skip


def conditions(
    subsets: Subsets = "blocks", *, relation: Sequence[str] = (), controls: Sequence[str] = ()
) -> dict[str, tuple[str, ...]]:
    """The conditions by name, with the variables that each tells; `none` comes first, then by how much is told.

    `blocks`: every subset of gender (of both), age (of both) and closeness. `single`: the five variables one by one, none
    and all. `all32`: every subset of the five. The same subset has the same name everywhere. `relation` names further
    columns, told together: alone (`relation`), and beside all else (`all+relation`). `controls`: placebo, false.
    Raises UsageError for a family or control nobody knows, or a relation that cannot be one.

    >>> list(conditions())
    ['none', 'closeness', 'gender', 'age', 'gender+closeness', 'age+closeness', 'gender+age', 'all']
    >>> conditions()["gender+closeness"]
    ('commenter_gender', 'poster_gender', 'closeness')
    """
    if subsets == "blocks":
        sets = [sum((BLOCKS[b] for b in some), ()) for k in range(4) for some in combinations(BLOCKS, k)]
    elif subsets == "single":
        sets = [(), *((v,) for v in VARIABLES), VARIABLES]
    elif subsets == "all32":
        sets = [some for k in range(6) for some in combinations(VARIABLES, k)]
    else:
        raise unknown("family of subsets", subsets, ("blocks", "single", "all32"))
    sets = [tuple(v for v in VARIABLES if v in some) for some in sets]
    out = {_name(some): some for some in sorted(sets, key=len)}
    odd = [r for i, r in enumerate(relation) if r in VARIABLES or r in relation[:i] or not re.fullmatch(r"\w+", r)]
    if odd:
        raise UsageError(
            f"relation={odd}: due are columns beside the five variables, each once, named by letters, digits, _"
        )
    if relation:
        out |= {"relation": tuple(relation), "all+relation": (*VARIABLES, *relation)}
    for control in controls:
        if control not in CONTROLS:
            raise unknown("control", control, CONTROLS)
    return out | dict.fromkeys(controls, VARIABLES)


def _name(some: Sequence[str]) -> str:
    if len(some) in (0, len(VARIABLES)):
        return "all" if some else "none"
    whole = {v: block for block, vs in BLOCKS.items() if all(v in some for v in vs) for v in vs}
    return "+".join(dict.fromkeys(whole.get(v, v) for v in VARIABLES if v in some))


def prompts(
    pairs: Replies,
    condition: str,
    *,
    template: str = "feed",
    order: str = "drawn",
    prompting: str = "plain",
    relation: Sequence[str] = (),
    seed: int = 0,
) -> Items:
    """One prompt per pair: the post as a quotation, and the facts that the condition tells, each where it is known.

    `order`: drawn per pair (for every condition the same), fixed as in `VARIABLES`, or reversed. `template` is a name, or
    `drawn` per pair. `placebo` tells as many sentences as `all`, of the same length, that mean nothing; `false` all facts of another
    pair, in `facts_of`. Columns added: `context` (the condition), `template`, `facts` (how many are told), `unknown` (how
    many the condition would tell and nobody knows), `stated` (`variable=value` of each social fact told), `facts_of`.

    Raises UsageError for an unknown name, InputError for pairs that cannot be told (see `wordings.values`), that are not
    people's, repeat an item or have no post text.
    """
    known = conditions("all32", relation=relation, controls=CONTROLS)
    _check(known, condition, template, order, prompting)
    _check_pairs(pairs)
    rows = pairs.sort("item")
    items, posts = rows["item"].to_list(), rows["post_text"].to_list()
    facts = values(rows, relation if "relation" in condition else ())
    told = known[condition]
    other = _another(len(items), seed) if condition == "false" else range(len(items))
    laid = {post: quoted(post) for post in dict.fromkeys(posts)}
    words, shapes, counted, stated = [], [], [], []
    for i, (item, post) in enumerate(zip(items, posts, strict=True)):
        said = [(v, value) for v in _slots(told, item, order, seed) if (value := facts[v][other[i]]) is not None]
        meant = condition != "placebo"
        sentences = [fact(v, value) if meant else placebo(v, item, seed) for v, value in said]
        shape = template if template != "drawn" else [*templates()][derive(seed, "template", item) % len(templates())]
        words.append(laid_out(shape, laid[post], sentences, reason=prompting == "reason"))
        shapes.append(shape)
        counted.append(len(said))
        stated.append([f"{v}={value}" for v, value in said] if meant else [])
    whose = [items[j] for j in other] if condition == "false" else [None] * len(items)
    asked = pl.DataFrame(
        {
            "item": pl.Series(items, dtype=pl.String),
            "prompt": pl.Series(words, dtype=pl.String),
            "options": pl.Series([None] * len(items), dtype=pl.List(pl.String)),
            "context": pl.Series([condition] * len(items), dtype=pl.String),
            "template": pl.Series(shapes, dtype=pl.String),
            "facts": pl.Series(counted, dtype=pl.Int64),
            "stated": pl.Series(stated, dtype=pl.List(pl.String)),
            "facts_of": pl.Series(whose, dtype=pl.String),
        }
    )
    return frames.items(asked.with_columns(unknown=len(told) - pl.col("facts")))


def comment(
    models: Mapping[str, Model],
    pairs: Replies,
    *,
    conditions: Iterable[str],
    draws: int = 2,
    template: str = "feed",
    order: str = "drawn",
    prompting: str = "plain",
    relation: Sequence[str] = (),
    tokens: int = 256,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Replies:
    """What each model comments in place of each person: models x conditions x pairs x draws rows, every one answered alike.

    The speaker is the model's name in `models`, the item the pair it answers for, and all that is known of the pair rides
    along. Draws, decoding and seed are the same in every condition. `outcome` is answered, refused, empty or unparsed, and
    `text` is null unless it is answered; the words as they came are in `raw`. With `prompting="reason"` the comment is what
    follows the last marker COMMENT: at the head of a line; without one the reply is unparsed. A variant is named in the
    condition (`all/reason`, `all/reversed`, `all/role`), so that variants stack; `context` is the bare condition.

    Raises UsageError for draws below 1, no model or no condition; else as `prompts`.
    """
    asked = list(dict.fromkeys(conditions))
    if draws < 1 or not models or not asked:
        raise UsageError(f"{len(models)} models, {len(asked)} conditions, draws={draws}: at least one of each is due")
    variant = [v for v, plain in ((template, "feed"), (order, "drawn"), (prompting, "plain")) if v != plain]
    riders = pairs.drop([c for c in pairs.columns if c in _OWN or (c in frames.KEYS and c != "item")])
    parts = []
    for condition in asked:
        items = prompts(
            pairs, condition, template=template, order=order, prompting=prompting, relation=relation, seed=seed
        )
        name = "/".join([condition, *variant])
        for speaker, model in sorted(models.items()):
            said = ask(
                {EVERYONE: model}, items, draws=draws, condition=name,
                tokens=tokens, temperature=temperature, top_p=top_p, seed=seed,
            )  # fmt: skip
            parts.append(read(said, reason=prompting == "reason").with_columns(speaker=pl.lit(speaker)))
    whole = pl.concat(parts).drop("options", "choice", "logprob")
    return frames.replies(whole.join(riders, on="item", how="left", maintain_order="left"))


def _slots(told: Sequence[str], item: str, order: str, seed: int) -> Sequence[str]:
    """The variables in the order of their slots; drawn by variable, so that what else is told moves none past another."""
    if order == "drawn":
        return sorted(told, key=lambda v: derive(seed, "order", item, v))
    return told if order == "fixed" else told[::-1]


def _another(n: int, seed: int) -> list[int]:
    """For every pair another pair, each taken once: one ring through all of them, drawn."""
    ring = substream(seed, "false facts").permutation(n).tolist()
    after = dict(zip(ring, [*ring[1:], *ring[:1]], strict=True))
    return [after[i] for i in range(n)]


def _check(known: Mapping[str, object], condition: str, template: str, order: str, prompting: str) -> None:
    for kind, name, due in (
        ("condition", condition, known), ("template", template, (*templates(), "drawn")),
        ("order of facts", order, ORDERS), ("prompting", prompting, PROMPTINGS),
    ):  # fmt: skip
        if name not in due:
            raise unknown(kind, name, due)


def _check_pairs(pairs: pl.DataFrame) -> None:
    faults = [f"column {c!r} is missing" for c in ("post_text",) if c not in pairs.columns]
    if not faults:
        blank = pairs.filter(pl.col("post_text").fill_null("").str.strip_chars() == "").height
        faults += [f"{blank} have no post text"] * bool(blank)
    strangers = pairs.filter(pl.col("source") != "human").height
    faults += [f"{strangers} are a model's: due is one row per comment of a person"] * bool(strangers)
    twice = pairs.height - pairs["item"].n_unique()
    faults += [f"{twice} repeat the item of another"] * bool(twice)
    faults += ["there are fewer than 2"] * (pairs.height < 2)
    if faults:
        raise InputError("these pairs cannot be asked about: " + "; ".join(faults))
