"""The same items asked in other ways: order, labels, paraphrase, framing, template, and items that mean nothing."""

import re
from collections.abc import Mapping, Sequence
from itertools import product
from string import ascii_uppercase

import polars as pl

from sociolect import frames
from sociolect.elicit.verbalised import request
from sociolect.errors import InputError, UsageError, unknown
from sociolect.frames import Items
from sociolect.seeds import substream

LABELS = ("letters", "numbers", "words", "none", "permuted")
PUBLISHED = "published"  # the name of the wording that the items came with

# ours: a dozen plain ways to put a question. Templates are the clusters of an interval, and ten of them are not few.
TEMPLATES: dict[str, str] = {
    "0": "{item}\n{options}\n{ask}",
    "1": "Please answer the following question.\n\n{item}\n\n{options}\n\n{ask}",
    "2": "Statement: {item}\nPossible answers:\n{options}\n{ask}",
    "3": "{ask}\n\n{item}\n{options}",
    "4": "Question: {item}\n\n{options}\n\n{ask}\nAnswer:",
    "5": "Here is one line of a questionnaire.\n\n{item}\n\nThe answers to choose from:\n{options}\n\n{ask}",
    "6": "Consider this.\n{item}\nWhich answer do you give?\n{options}\n{ask}",
    "7": "You are filling in a form. The next line reads:\n{item}\n\n{options}\n\n{ask} Nothing else.",
    "8": "{item}\n\nHow would you answer?\n{options}\n\n{ask}",
    "9": "Read the line and the answers below it.\n\n{item}\n{options}\n\n{ask}",
    "10": "Survey item: {item}\n\nAnswers:\n{options}\n\n{ask}\n\nYour answer:",
    "11": "A short question for you.\n{item}\n\nThese are the possible answers:\n{options}\n{ask}",
}
# A framing stands before the question. One that holds {item} is laid around the item's own words instead; {community} is
# filled in when a community's model is asked. Naming the community lets its stereotype answer: so it is a condition.
FRAMINGS: dict[str, str] = {
    "plain": "",
    "named": "Answer as people of the community {community} usually do.",
    "negated": 'It is not true that the following holds: "{item}"',
}
# ours: invented words in the form of a questionnaire's items. Nobody can hold an opinion on them.
PLACEBO: dict[str, str] = {
    "placebo:1": "Most glebs are slightly trumoid.",
    "placebo:2": "A vennick tends to sorl before it plambs.",
    "placebo:3": "Dorrish things are better when crelled.",
    "placebo:4": "The wottle of a brask is mostly fendal.",
    "placebo:5": "It is easier to mirp than to thrundle.",
}
_ASKS = {
    "letters": "Answer with the letter of one option.",
    "permuted": "Answer with the letter of one option.",
    "numbers": "Answer with the number of one option.",
    "words": "Answer with the words of one option.",
    "none": "Say which of these is your answer.",
}
_HOLE = re.compile(r"\{(item|options|ask)\}")


def variants(
    items: Items,
    *,
    orders: Sequence[str] = ("forward",),
    labels: Sequence[str] = ("letters",),
    paraphrases: Mapping[str, Mapping[str, str]] | None = None,
    framings: Mapping[str, str] | Sequence[str] = ("plain",),
    templates: Mapping[str, str] | Sequence[str] = ("0",),
    placebo: bool = False,
    seed: int = 0,
) -> dict[str, Items]:
    """The items once per condition, everything crossed; a condition is named order/labels/wording/framing/template.

    `items` has the stem in `prompt`, option ids in `options` (null: answered with a number), and may have `wording` (the
    options' words; else the ids), `unit`, `instruction`, `facet`, `sign`. Orders: forward, reversed, `rotations` (all of
    them: in `rotation:j` stand the items that have more than j options, each rotated by j, and those without options),
    `permuted:n` (drawn per item). Labels: letters, numbers, words (the option's own), none, permuted (letters in a drawn order). `paraphrases`
    are further wordings of items beside the published one; a wording holds only the items it rewords. `framings` and
    `templates` are names of ours (`FRAMINGS`, `TEMPLATES`) or a mapping of your own. `placebo` adds five items that mean
    nothing, with the commonest options of the published wording.

    Columns added: `stem`, `group_prompt` (asks for a group's distribution; null for numbers), `shown` (option ids in the
    order shown), `labels` (null where there are none), `order`, `label_style`, `paraphrase`, `framing`, `framed` (its words), `negated`,
    `template`, `placebo`. `prompt` becomes the whole text. Raises UsageError for an unknown name, InputError where
    labels run out, an item's options share a wording, or a paraphrase rewords an unknown item.

    >>> tea = pl.DataFrame({"item": ["1"], "prompt": ["Tea is warm."], "options": [["n", "y"]], "wording": [["no", "yes"]]})
    >>> found = variants(frames.items(tea), orders=("forward", "reversed"))
    >>> list(found)[1], found["reversed/letters/published/plain/0"]["prompt"][0]
    ('reversed/letters/published/plain/0', 'Tea is warm.\\nA. yes\\nB. no\\nAnswer with the letter of one option.')
    """
    whole = _whole(items)
    wordings = _wordings(whole, paraphrases or {}, placebo)
    ways = _named("framing", framings, FRAMINGS), _named("template", templates, TEMPLATES)
    for style in labels:
        if style not in LABELS:
            raise unknown("label style", style, LABELS)
    most = int(whole["options"].list.len().max() or 1)  # type: ignore[arg-type]  # a list length is an integer
    arrangements = [a for order in orders for a in _arrangements(order, most)]
    out = {}
    for order, style, wording, framing, template in product(arrangements, labels, wordings, *ways):
        name = "/".join((order, style, wording, framing, template))
        rows = [
            _row(
                row,
                order,
                style,
                wording=wording,
                framing=(framing, ways[0][framing]),
                template=(template, ways[1][template]),
                seed=seed,
            )
            for row in wordings[wording].iter_rows(named=True)
            if _has(row, order)
        ]
        schema = {**whole.schema, **_ADDED}
        out[name] = frames.items(pl.DataFrame(rows, schema=schema))
    return out


def calls(variants: Mapping[str, Items], *, draws: int, modes: Sequence[str] = ("sampled",), models: int) -> int:
    """How many calls to a model it takes to administer these variants: known before any is made.

    An item with options is one call a draw, sampled or verbalised, and one in all by log-probability; an item answered
    with a number can only be sampled.

    >>> tea = pl.DataFrame({"item": ["1"], "prompt": ["Tea is warm."], "options": [["n", "y"]]})
    >>> calls(variants(frames.items(tea), orders=("rotations",)), draws=10, modes=("sampled", "logprob"), models=3)
    66
    """
    rows = sum(v.height for v in variants.values())
    chosen = sum(v.height - v["options"].null_count() for v in variants.values())
    once = {"sampled": rows * draws, "logprob": chosen, "verbalised": chosen * draws}
    return models * sum(once[mode] for mode in modes)


_ADDED: dict[str, pl.DataType] = {
    "stem": pl.String(), "group_prompt": pl.String(), "shown": pl.List(pl.String), "labels": pl.List(pl.String),
    "order": pl.String(), "label_style": pl.String(), "paraphrase": pl.String(), "framing": pl.String(),
    "framed": pl.String(), "negated": pl.Boolean(), "template": pl.String(), "placebo": pl.Boolean(),
}  # fmt: skip


def _whole(items: Items) -> pl.DataFrame:
    """The items with every column that rendering reads; raises InputError where options cannot be told apart."""
    absent = {"wording": pl.col("options"), "unit": pl.lit(None, pl.String), "instruction": pl.lit(None, pl.String)}
    whole = items.with_columns(**{c: e for c, e in absent.items() if c not in items.columns})
    same = whole.filter(pl.col("wording").list.n_unique() < pl.col("wording").list.len())["item"].to_list()
    off = whole.filter(pl.col("wording").list.len() != pl.col("options").list.len())["item"].to_list()
    faults = [f"item {i}: two options share their words" for i in same]
    faults += [f"item {i}: as many wordings as options are due" for i in off]
    if faults:
        raise InputError("these items cannot be asked: " + "; ".join(faults))
    return whole


def _wordings(
    whole: pl.DataFrame, paraphrases: Mapping[str, Mapping[str, str]], placebo: bool
) -> dict[str, pl.DataFrame]:
    """The items in each wording; the placebo items stand beside the published one."""
    known = set(whole["item"])
    faults = [
        f"{name!r} rewords unknown item {i}" for name, said in paraphrases.items() for i in said if i not in known
    ]
    faults += [f"{PUBLISHED!r} is the name of the items' own wording"] * (PUBLISHED in paraphrases)
    if faults:
        raise InputError("these paraphrases do not fit: " + "; ".join(faults))
    first = whole.with_columns(placebo=pl.lit(False))
    out = {PUBLISHED: first}
    for name, said in paraphrases.items():
        out[name] = first.filter(pl.col("item").is_in(list(said))).with_columns(
            prompt=pl.col("item").replace_strict(said, default=None, return_dtype=pl.String)
        )
    if placebo:
        out[PUBLISHED] = pl.concat([first, _meaningless(first)])
    return out


def _meaningless(items: pl.DataFrame) -> pl.DataFrame:
    """Five items with invented words and the commonest options: the first such item's other columns, without facet or sign."""
    chosen = items.filter(pl.col("options").is_not_null())
    if chosen.is_empty():
        raise UsageError("placebo items need options to choose from, and no item has any")
    chosen = chosen.sort("item")
    offered = [tuple(o) for o in chosen["options"]]
    model = chosen[[offered.index(max(offered, key=offered.count))]]
    bare = model.with_columns(pl.lit(None, model.schema[c]).alias(c) for c in ("sign",) if c in model.columns)
    bare = bare.with_columns(pl.lit("placebo").alias(c) for c in ("facet",) if c in model.columns)
    parts = [bare.with_columns(item=pl.lit(i), prompt=pl.lit(words)) for i, words in PLACEBO.items()]
    return pl.concat(parts).with_columns(placebo=pl.lit(True)).select(items.columns)


def _named(kind: str, given: Mapping[str, str] | Sequence[str], ours: Mapping[str, str]) -> dict[str, str]:
    if isinstance(given, Mapping):
        return dict(given)
    for name in given:
        if name not in ours:
            raise unknown(kind, name, ours)
    return {name: ours[name] for name in given}


def _arrangements(order: str, most: int) -> list[str]:
    if order == "rotations":
        return [f"rotation:{j}" for j in range(most)]
    kind, _, count = order.partition(":")
    if order in ("forward", "reversed") or (kind in ("rotation", "permuted") and count.isdigit()):
        return [order]
    raise unknown("order", order, ("forward", "reversed", "rotations", "rotation:<j>", "permuted:<n>"))


def _has(row: Mapping[str, object], order: str) -> bool:
    """Whether an item has this order of its own: a rotation by more than its options would ask another one twice."""
    options = row["options"]
    return not (order.startswith("rotation:") and isinstance(options, list) and int(order[9:]) >= len(options))


def _row(
    row: dict[str, object],
    order: str,
    style: str,
    *,
    wording: str,
    framing: tuple[str, str],
    template: tuple[str, str],
    seed: int,
) -> dict[str, object]:
    """One item as one condition shows it."""
    item, options = str(row["item"]), row["options"]
    lead, stem = framing[1], str(row["prompt"])
    around = "{item}" in lead
    put = _fill(lead, {"item": stem}) if around else stem
    shown: list[str] | None = None
    marks: list[str] | None = None
    lines, ask = "", f"Answer with a number in {row['unit']}." if row["unit"] else "Answer with a number."
    if isinstance(options, list):
        assert isinstance(row["wording"], list)
        places = _order(order, item, len(options), seed)
        shown, words = [options[i] for i in places], [str(row["wording"][i]) for i in places]
        marks = _labels(style, item, words, seed)
        dot = {"words": "- {1}", "none": "{1}"}.get(style, "{0}. {1}")
        lines = "\n".join(dot.format(m, w) for m, w in zip(marks or words, words, strict=True))
        ask = _ASKS[style]
    told = f"{row['instruction']}\n{put}" if row["instruction"] else put
    front = "" if around or not lead else f"{lead}\n\n"
    parts = {"item": told, "options": lines, "ask": ask}
    of_group = _fill(template[1], parts | {"ask": request(None if style in ("words", "none") else marks)})
    return row | {
        "prompt": front + _fill(template[1], parts), "stem": put, "group_prompt": front + of_group if shown else None, "shown": shown, "labels": marks,
        "order": order, "label_style": style, "paraphrase": wording, "framing": framing[0], "framed": lead,
        "negated": framing[0] == "negated", "template": template[0],
    }  # fmt: skip


def _fill(pattern: str, parts: Mapping[str, str]) -> str:
    """The pattern with its holes filled once: what fills them is never read for holes."""
    said = _HOLE.sub(lambda m: parts.get(m.group(1), m.group(0)), pattern)
    return re.sub(r"\n{3,}", "\n\n", said)


def _order(order: str, item: str, k: int, seed: int) -> list[int]:
    kind, _, n = order.partition(":")
    if kind == "reversed":
        return list(range(k))[::-1]
    if kind == "rotation":
        return [(i + int(n)) % k for i in range(k)]
    if kind == "permuted":
        return [int(i) for i in substream(seed, "order", n, item).permutation(k)]
    return list(range(k))


def _labels(style: str, item: str, words: list[str], seed: int) -> list[str] | None:
    k = len(words)
    if style in ("letters", "permuted") and k > len(ascii_uppercase):
        raise InputError(f"item {item} has {k} options, and there are 26 letters: label them with numbers")
    if style == "permuted":
        return [ascii_uppercase[i] for i in substream(seed, "labels", item).permutation(k)]
    return {"letters": list(ascii_uppercase[:k]), "numbers": [str(i + 1) for i in range(k)], "words": words}.get(style)
