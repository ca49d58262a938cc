"""A questionnaire put to models: answers drawn, weighed, or told as a group's distribution; refusals and doubts kept."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl

from sociolect import frames, text
from sociolect.elicit.parse import number, parse
from sociolect.elicit.verbalised import shares
from sociolect.errors import InputError, UsageError, unknown
from sociolect.frames import Items, Replies
from sociolect.models.model import Chat, Message, Model
from sociolect.seeds import derive

Mode = Literal["sampled", "logprob", "verbalised"]
MODES = ("sampled", "logprob", "verbalised")
_LEFT = ("group_prompt", "wording", "instruction", "stem", "framed")  # the prompt says it all
_FOUND = {
    "raw": pl.String(), "text": pl.String(), "choice": pl.String(), "outcome": pl.String(), "refused": pl.Boolean(),
    "position": pl.Int64(), "shares": pl.List(pl.Float64), "mass": pl.Float64(), "stated": pl.Float64(),
}  # fmt: skip


def administer(
    models: Mapping[str, Model],
    items: Items,
    *,
    condition: str,
    mode: Mode = "sampled",
    draws: int = 1,
    sequence: bool = False,
    system: str | None = None,
    tokens: int = 64,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Replies:
    """Every item of one condition put to each community's model; `items` is one of the frames that `variants` makes.

    sampled: `draws` replies an item, each read by `parse` (`choice` is an option id, or a number as text). logprob: the
    probability of each label as the whole reply (its words where there is no label), once an item. verbalised: `draws`
    times the distribution the model states for the group. The last two fill `shares` (in the order of `shown`, sum 1), with
    `mass`, the probability of all labels together, or `stated`, the sum as it was said; they leave `choice` null, since
    nothing was chosen, and leave out items answered with a number, which have nothing to weigh.

    `outcome` is answered, refused, unparsed or blank, and never an option in disguise; `position` is the place of the
    choice as shown, from 0. `{community}` in a framing or in `system` becomes the community's name. With `sequence`
    (sampled only) each item is asked after the earlier ones and the model's own answers to them, in the order of the rows.
    The seed of a draw depends on the community and the prompt alone. Conditions that share a prompt belong in one call of
    `administered`, where it is drawn anew each time it comes.

    Raises InputError where no item can be asked so, UsageError for an unknown mode or a sequence of anything but samples.
    """
    how: dict[str, Any] = {"tokens": tokens, "temperature": temperature, "top_p": top_p, "seed": seed}
    return administered(models, {condition: items}, mode=mode, draws=draws, sequence=sequence, system=system, **how)


def administered(
    models: Mapping[str, Model],
    variants: Mapping[str, Items],
    *,
    mode: Mode = "sampled",
    draws: int = 1,
    sequence: bool = False,
    system: str | None = None,
    tokens: int = 64,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Replies:
    """Every condition of `variants` administered, in one batch per model; the rest as in `administer`."""
    if mode not in MODES:
        raise unknown("mode", mode, MODES)
    if sequence and mode != "sampled":
        raise UsageError(f"a sequence needs the model's own answers, and {mode} gives none: ask with mode='sampled'")
    asked = _asked(variants, mode, sequence=sequence)
    repeats = 1 if mode == "logprob" else draws
    spread = pl.Series(np.repeat(np.arange(asked.height), repeats), dtype=pl.UInt32)
    decoding: dict[str, Any] = {"tokens": tokens, "temperature": temperature, "top_p": top_p}
    rows = [_Asked.of(row) for row in asked.iter_rows(named=True)]
    every = [row for row in rows for _ in range(repeats)]
    parts = []
    for community, model in sorted(models.items()):
        named = asked.with_columns(prompt=_named(asked, community))
        told = system.replace("{community}", community) if system else None
        head = (Message("system", told),) if told else ()
        chats: list[Chat] = [(*head, Message("user", prompt)) for prompt in named["prompt"]]
        stream = derive(seed, "administer", mode, community)
        if mode == "logprob":
            found = _weighed(model, chats, rows)
        elif sequence:
            sizes = asked.group_by("condition", maintain_order=True).len()["len"]
            ends = np.cumsum([0, *sizes])
            said = [t for a, b in pairwise(ends) for t in _in_turn(model, chats[a:b], repeats, decoding, stream)]
            found = _read(said, every, mode)
        else:
            said = model.generate([c for c in chats for _ in range(repeats)], **decoding, seed=stream)
            found = _read(said, every, mode)
        parts.append(
            named.drop([c for c in (*_LEFT, *_FOUND) if c in named.columns])[spread].with_columns(
                found.get_columns(),
                speaker=pl.lit(model.name),
                source=pl.lit("model"),
                community=pl.lit(community),
                mode=pl.lit(mode),
                draw=pl.Series(np.tile(np.arange(repeats), asked.height), dtype=pl.Int64),
                turn=pl.lit(0, pl.Int64),
            )
        )
    return frames.replies(pl.concat(parts))


def reread(replies: Replies) -> Replies:
    """Replies that came back from elsewhere, as an Inspect log, with what each came to: read as `administer` reads its own.

    Reads `raw` beside the columns that `variants` wrote; replies without options or stem are free text, and answered. Adds
    choice, outcome, refused (also where it was true before: a provider may withhold a reply), position, and drops the words
    that the prompt says anyway. Where several options were shown and the reply means none of them the outcome is unparsed.

    >>> shown = {"stem": ["Tea is warm."], "options": [["n", "y"]], "wording": [["no", "yes"]], "shown": [["y", "n"]], "labels": [["A", "B"]]}
    >>> keys = {"speaker": "m", "source": "model", "community": "c", "item": "1", "condition": "a", "draw": 0, "turn": 0}
    >>> said = pl.DataFrame({**{k: [v] for k, v in keys.items()}, **shown, "prompt": ["Tea is warm."], "raw": ["B."], "text": ["B."]})
    >>> reread(frames.replies(said)).select("choice", "outcome", "position").row(0)
    ('n', 'answered', 1)
    """
    if "raw" not in replies.columns:
        raise InputError("these replies have no column 'raw': what came back word for word is due")
    laid = {"stem", "options"} <= set(replies.columns)
    free = _Asked("", (), (), (), None, None, None)
    rows = [_Asked.of(row) if laid and row["stem"] is not None else free for row in replies.iter_rows(named=True)]
    found = _read([raw or "" for raw in replies["raw"]], rows, "sampled")
    open_ = pl.Series([row is free for row in rows], dtype=pl.Boolean)
    before = replies["refused"].fill_null(value=False) if "refused" in replies.columns else pl.lit(value=False)
    told = replies.drop([c for c in (*_LEFT, *_FOUND) if c in replies.columns]).with_columns(
        found.get_columns(), mode=pl.lit("sampled")
    )
    return frames.replies(
        told.with_columns(refused=pl.col("refused") | before).with_columns(
            outcome=pl.when(pl.col("refused")).then(pl.lit("refused")).when(open_ & (pl.col("outcome") == "unparsed"))
            .then(pl.lit("answered")).otherwise("outcome"),
            choice=pl.when(~pl.col("refused") & ~open_).then("choice"), position=pl.when(~pl.col("refused")).then("position"),
        )
    )  # fmt: skip


class _Asked(NamedTuple):
    """What reading a reply needs to know of one question as it was shown; equal questions are read alike."""

    question: str
    shown: tuple[str, ...] | None
    labels: tuple[str, ...]
    words: tuple[str, ...]
    unit: str | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "_Asked":
        question = f"{row.get('instruction') or ''}\n{row['stem']}".strip()
        held = row.get("unit"), row.get("low"), row.get("high")
        if row["options"] is None:
            return cls(question, None, (), (), *held)
        spelt = dict(zip(row["options"], row["wording"], strict=True))
        return cls(
            question, tuple(row["shown"]), tuple(row["labels"] or ()), tuple(spelt[o] for o in row["shown"]), *held
        )


def _asked(variants: Mapping[str, Items], mode: Mode, *, sequence: bool) -> pl.DataFrame:
    """All that is asked, condition by condition: by item, or in the order of the rows where that is the order of asking."""
    parts = [
        (items if sequence else items.sort("item")).with_columns(condition=pl.lit(name))
        for name, items in sorted(variants.items())
    ]
    asked = pl.concat(parts) if parts else pl.DataFrame()
    if asked.height and mode != "sampled":
        asked = asked.filter(pl.col("options").is_not_null())
    if asked.is_empty():
        raise InputError(
            f"none of the items can be asked by {mode}: {'items' if mode == 'sampled' else 'options'} are due"
        )
    return asked.with_columns(prompt=pl.col("group_prompt")) if mode == "verbalised" else asked


def _named(asked: pl.DataFrame, community: str) -> pl.Series:
    """The prompts with the community's name where the framing asks for it; an item's own braces stay."""
    holes = [framed.count("{community}") if framed else 0 for framed in asked["framed"]]
    rows = zip(asked["prompt"], holes, strict=True)
    return pl.Series([p.replace("{community}", community, n) if n else p for p, n in rows], dtype=pl.String)


def _in_turn(model: Model, chats: Sequence[Chat], draws: int, decoding: Mapping[str, Any], seed: int) -> list[str]:
    """Each draw is a conversation of its own through all the items: replies item by item, draw by draw."""
    so_far: list[Chat] = [()] * draws
    out: list[str] = []
    for place, chat in enumerate(chats):
        # the system's words stand once, at the head
        due = [(*past, *(m for m in chat if m.role != "system" or not past)) for past in so_far]
        said = model.generate(due, **decoding, seed=derive(seed, "turn", place))
        so_far = [(*past, Message("assistant", reply)) for past, reply in zip(due, said, strict=True)]
        out += said
    return out


def _weighed(model: Model, chats: Sequence[Chat], rows: Sequence[_Asked]) -> pl.DataFrame:
    weights = model.logprobs(chats, [row.labels or row.words for row in rows])
    kept: list[list[float] | None] = []
    masses: list[float] = []
    for row in weights:
        total = float(np.logaddexp.reduce(row))
        # no mass at all is no answer: it has no shares
        kept.append([float(p) for p in np.exp(np.asarray(row) - total)] if np.isfinite(total) else None)
        masses.append(float(np.exp(total)))
    n = len(rows)
    nothing = [None] * n
    outcome = ["answered" if k is not None else "unparsed" for k in kept]
    columns = (nothing, nothing, nothing, outcome, [False] * n, nothing, kept, masses, nothing)
    return pl.DataFrame(dict(zip(_FOUND, columns, strict=True)), schema=_FOUND)


def _read(said: Sequence[str], rows: Sequence[_Asked], mode: Mode) -> pl.DataFrame:
    """What each reply came to: the outcome, and the choice or the shares where there is one."""
    told = [text.clean(s).strip() or None for s in said]
    refused = pl.DataFrame({"t": told}, schema={"t": pl.String}).select(text.refuses(pl.col("t")))["t"].to_list()
    known: dict[tuple[str, _Asked], tuple[Any, ...]] = {}
    out: list[tuple[Any, ...]] = []
    for reply, words, no, row in zip(said, told, refused, rows, strict=True):
        if words is None or no:
            out.append((reply, words, None, "blank" if words is None else "refused", bool(no), None, None, None, None))
            continue
        if (words, row) not in known:
            known[words, row] = _answer(words, row, mode)
        choice, position, found, stated = known[words, row]
        outcome = "unparsed" if choice is None and found is None else "answered"
        out.append((reply, words, choice, outcome, False, position, found, None, stated))
    return pl.DataFrame(out, schema=_FOUND, orient="row")


def _answer(words: str, row: _Asked, mode: Mode) -> tuple[str | None, int | None, list[float] | None, float | None]:
    """Choice, its place as shown, shares and their stated sum: whichever the mode gives."""
    if row.shown is None:
        return number(words, prompt=row.question, unit=row.unit, low=row.low, high=row.high), None, None, None
    if mode == "verbalised":
        found = shares(words, labels=row.labels, wording=row.words)
        return None, None, *(found or (None, None))
    choice = parse(words, labels=row.labels, wording=row.words, ids=row.shown, prompt=row.question)
    return choice, None if choice is None else row.shown.index(choice), None, None
