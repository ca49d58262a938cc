"""A questionnaire as data: read from its folder, put as items, scored (`administered`).

`instrument.toml` declares what a card holds (`instrument_card`), and is refused with every fault at once (`instrument_faults`):
ids, options with a score each, items with their key, subscales, missing policies, cut-offs, rules (`rules`) and norms.

- `key = -1` mirrors the options' scores. An item's own `score` counts as it stands; where it runs against the published order,
  its key must be -1, so that the item is known to be reversed.
- An item in no subscale says `scored = false`. It may still stand in a rule.
- `missing`: `null`; `mean_if:<k>` means the answered items where at least k are; `median_if:<m>` gives up to m missing items the
  median of the answered ones in the subscale; `drop_if:<m>` means the answered items unless more than m of all scored items are
  missing. A sum is then that mean times the number of items.
- `range_mean` is the mean of 100 (score - low) / (high - low). `centred_mean` subtracts the respondent's mean over the items of
  all centred subscales, after the key.
- `withheld = ["9"]` lists items, subscales and rules that are never given per reply (`released`).
- A subscale that is a centred_mean may leave out `low` and `high`. `note` is free text in any table.
"""

import tomllib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.errors import CardError
from sociolect.frames import Items
from sociolect.measure import rules
from sociolect.measure.administered import score
from sociolect.measure.instrument_card import Cutoff, Instrument, Item, Norm, Options, Rule, Subscale
from sociolect.measure.instrument_faults import HEAD, faults
from sociolect.measure.instrument_range import centre, policy, reach, scores, span
from sociolect.measure.instrument_text import text_faults

__all__ = ["Instrument", "items", "read", "score"]

PARAPHRASED = "unvalidated paraphrase"


def read(folder: Path, *, text: Path | None = None) -> Instrument:
    """The instrument in a folder, with the wording that ships, or the user's `text`, or placeholders where there is neither.

    `text` is a file like text.toml: `[items]` and `[options.<name>]` say the words by id, `[framing]` the instruction,
    `[paraphrase.<name>]` further wordings. Where the card ships its own wording, another makes its status
    "unvalidated paraphrase". Raises CardError with every fault at once.
    """
    said, bundled = _toml(folder / "instrument.toml"), folder / "text.toml"
    found = faults(said)
    if said.get("text_bundled") is False and bundled.exists():
        found.append("text.toml lies in the folder, and text_bundled = false says that no wording may: take it away")
    if said.get("text_bundled") is True and not bundled.exists():
        found.append("text_bundled = true, and there is no text.toml")
    path = text if text is not None else bundled if said.get("text_bundled") is True and bundled.exists() else None
    words = _toml(path) if path is not None else {}
    if path is not None:
        found += [f"{path.name}: {fault}" for fault in text_faults(words, said)]
    if found:
        raise CardError(f"{folder.name}/instrument.toml: " + "; ".join(found))
    own = text is not None and said["text_bundled"]
    return _instrument(said, words, PARAPHRASED if own else said["status"], path)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise CardError(f"{path.parent.name}/{path.name} cannot be read: {error}") from error


def _instrument(said: Mapping[str, Any], words: Mapping[str, Any], status: str, path: Path | None) -> Instrument:
    """The values of a card without faults."""
    groups = said.get("options", {})
    options = {name: _options(name, one, words.get("options", {}).get(name)) for name, one in groups.items()}
    spans = {one["id"]: span(one, groups) for one in said["item"]}
    every = len({i for one in said.get("subscale", []) for i in one["items"]})
    around = centre(said.get("subscale", []))
    return Instrument(
        **{name: said[name] for name in HEAD},
        status=status,
        text_bundled=said["text_bundled"],
        sensitive=said["sensitive"],
        withheld=tuple(said.get("withheld", ())),
        options=tuple(options.values()),
        items=tuple(
            Item(
                id=one["id"],
                wording=words["items"][one["id"]] if words else f"item {one['id']}",
                facet=one.get("facet"),
                options=options[one["options"]] if "options" in one else None,
                key=one.get("key", 1),
                scores=scores(one, groups) if "options" in one else {},
                unit=one.get("unit"),
                low=(spans[one["id"]] or (None, None))[0],
                high=(spans[one["id"]] or (None, None))[1],
                follows=one.get("follows"),
                scored=one.get("scored", True),
            )
            for one in said["item"]
        ),
        subscales=tuple(_subscale(one, spans, around, every) for one in said.get("subscale", [])),
        cutoffs=tuple(Cutoff(**_bare(one)) for one in said.get("cutoff", [])),
        rules=tuple(Rule(**_bare(one), expression=rules.parsed(one["when"])) for one in said.get("rule", [])),
        norms=tuple(Norm(**_bare(one)) for one in said.get("norm", [])),
        instruction=words.get("framing", {}).get("instruction"),
        paraphrases=words.get("paraphrase", {}),
        text_hash=sha256(path.read_bytes()).hexdigest() if path is not None else None,
    )


def _bare(one: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in one.items() if k != "note"}


def _options(name: str, one: Mapping[str, Any], words: Mapping[str, str] | None) -> Options:
    ids = tuple(one["ids"])
    wording = tuple(words[i] for i in ids) if words else tuple(f"option {n}" for n in range(1, len(ids) + 1))
    return Options(name, ids, tuple(map(float, one.get("score", ()))), one["direction"], wording)


def _subscale(
    one: Mapping[str, Any], spans: Mapping[str, tuple[float, float] | None], around: list[str], every: int
) -> Subscale:
    own = one["items"]
    name, limit = policy(one.get("missing", "null"), len(own), every)
    low, high = reach(
        one["how"], [s for i in own if (s := spans[i])], [s for i in around if i not in own and (s := spans[i])]
    )
    return Subscale(one["id"], tuple(own), one["how"], name, limit, low, high)


def items(instrument: Instrument) -> Items:
    """The instrument's items, in the order of the card, to be put to people or models.

    Columns: item, prompt (the wording, or "item 1"), options (option ids; null for numbers), wording (the options' words, or
    "option 1"), facet, sign (1, -1; null where the item counts in no subscale or is nominal), answer (choice or number), unit,
    low and high (a number's range; an option's lowest and highest score), follows, instruction.
    """
    return frames.items(
        pl.DataFrame(
            [
                (
                    one.id,
                    one.wording,
                    list(one.options.ids) if one.options else None,
                    list(one.options.wording) if one.options else None,
                    one.facet,
                    one.sign,
                    one.answer,
                    one.unit,
                    one.low,
                    one.high,
                    one.follows,
                    instrument.instruction,
                )
                for one in instrument.items
            ],
            schema={
                "item": pl.String,
                "prompt": pl.String,
                "options": pl.List(pl.String),
                "wording": pl.List(pl.String),
                "facet": pl.String,
                "sign": pl.Int64,
                "answer": pl.String,
                "unit": pl.String,
                "low": pl.Float64,
                "high": pl.Float64,
                "follows": pl.String,
                "instruction": pl.String,
            },
            orient="row",
        )
    )
