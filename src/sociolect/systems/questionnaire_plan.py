"""The plan that every instrument shares: every prompt is laid out as the run would lay it out, and counted."""

from collections.abc import Callable, Mapping
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.compare.detectable import detectable, paired
from sociolect.elicit.variants import PUBLISHED, TEMPLATES, calls
from sociolect.frames import Items
from sociolect.measure import instrument as engine
from sociolect.measure.instrument import Instrument
from sociolect.systems import questionnaire
from sociolect.systems.planned import CHARS, Plan, Range, asked, made_of, standing, weighed
from sociolect.systems.questionnaire_page import CONTROL

TOKENS = 64  # what an answer may take, as in `administered`
ANSWER = Range(8, 1, TOKENS)  # ours: a letter and an end, or a sentence around it
# ours: the share of a score's variance that wordings share, beyond what they do to all communities alike; planted ones share none
ICC, PLANTED_ICC = 0.1, 0.02
SECONDS = (
    3.5e-4,
    0.7,
)  # of a scripted call, and of the validity card for one subscale and six pairs: measured on `planted10`


def planner(folder: Path) -> Callable[..., Plan]:
    """The plan of the instrument in that folder, as `questionnaire.recipe` is its run."""

    def made(
        *,
        size: str = "tiny",
        text: Path | None = None,
        models: Mapping[str, str] | None = None,
        seed: int = 0,
        **_: Any,
    ) -> Plan:
        return planned(folder, size=size, text=text, models=models, seed=seed)

    return made


def planned(folder: Path, *, size: str, text: Path | None, models: Mapping[str, str] | None, seed: int) -> Plan:
    """Calls, tokens and detectable differences of one administration, as `questionnaire.page` makes them."""
    card, dial, names = engine.read(folder, text=text), questionnaire.SIZES[size], dict(models or {})
    every = tuple(TEMPLATES)[: max(questionnaire.LEAST_TEMPLATES, dial.most // len(card.items))]
    tongues = [name for community, name in names.items() if community != CONTROL]
    framing = "named" if len(set(tongues)) < len(tongues) else "plain"
    ways = {f: questionnaire._plan(card, every, framing=f, seed=seed) for f in {framing, "plain"}}
    rows, scripted = [], 0
    for community in names or questionnaire.PLANTED:
        name = names.get(community, f"planted/{community}")
        where = standing(name)
        for mode, found in ways["plain" if community == CONTROL else framing].items():
            count = calls(found, draws=dial.draws, modes=(mode,), models=1)
            scripted += count if where == "scripted" else 0
            # a server that offers no log-probabilities is not asked for them
            least = 0 if mode == "logprob" and where == "served" else count
            rows.append(asked(
                "replies", name, "logprobs" if mode == "logprob" else "generate", Range(count, least, count), where=where,
                prompt=_mean(found, "group_prompt" if mode == "verbalised" else "prompt"),
                reply=_reply(card, mode), chars=weighed(name).chars if where == "local" else CHARS,
            ))  # fmt: skip
    communities = [c for c in names or questionnaire.PLANTED if c != CONTROL]
    pairs = comb(len(communities), 2)
    asked_of = sum(v.height for found in ways[framing].values() for v in found.values()) * dial.draws
    return made_of(
        calls=rows,
        comparisons=_differences(
            card, communities, whole=_whole(card, ways[framing]) * dial.draws, templates=len(every), planted=not names
        ),
        work={
            "asking": scripted * SECONDS[0],
            "validity": SECONDS[1] * max(1, len(card.subscales)) * max(pairs, 1) / 6,
        },
        disk=Range(1, 0.4, 4).times(2e5 + 60.0 * asked_of * max(len(names), len(questionnaire.PLANTED) * (not names))),
        notes=_notes(names),
    )


def differences(
    card: Instrument, *, pairs: list[str], n: int, templates: int, icc: float = ICC, family: int = 1
) -> list[dict[str, object]]:
    """A row of comparisons per subscale and pair: in standard deviations of one administration's score.

    Two communities are asked by the same templates, so what a wording does to both cancels. The interval must exclude 0.
    """
    doubt = paired(2**0.5, n=n, clusters=[(templates, icc)])
    least = detectable(doubt, family=family)
    return [
        {
            "measure": f"{card.id}:{scale.id}", "contrast": pair, "unit": "sd of one administration's score", "n": n, "clusters": templates,
            "sd": 1.0, "icc": icc, "family": family, "level": 0.05, "detectable": least,
        }
        for scale in card.subscales
        for pair in pairs
    ]  # fmt: skip


def _differences(
    card: Instrument, communities: list[str], *, whole: int, templates: int, planted: bool
) -> list[dict[str, object]]:
    pairs = [f"{a} - {b}" for a, b in combinations(sorted(communities), 2)]
    return differences(card, pairs=pairs, n=whole, templates=templates, icc=PLANTED_ICC if planted else ICC)


def _whole(card: Instrument, ways: Mapping[Any, Mapping[str, Items]]) -> int:
    """In how many conditions the whole instrument is asked in its published wording: each gives a score of every subscale."""
    plain = (
        v.filter(~pl.col("placebo"), ~pl.col("negated"), pl.col("paraphrase") == PUBLISHED)
        for v in ways["sampled"].values()
    )
    return sum(v["item"].n_unique() == len(card.items) for v in plain)


def _mean(found: Mapping[str, Items], column: str) -> float:
    """The mean characters of a prompt over all that is asked; questions for a number have no group's prompt."""
    said = pl.concat([v.select(column) for v in found.values()]).drop_nulls()
    mean = said[column].str.len_chars().mean()
    return float(mean) if isinstance(mean, int | float) else 0.0


def _reply(card: Instrument, mode: str) -> Range:
    """The tokens of an answer: weighed options are read, not written, but each passes through the model."""
    if mode != "logprob":
        return ANSWER if mode == "sampled" else Range(40, 5, TOKENS)
    offered = [len(one.options.ids) for one in card.items if one.options]
    return Range(2, 1, 3).times(sum(offered) / max(len(offered), 1))


def _notes(names: Mapping[str, str]) -> list[str]:
    out = [
        f"Differences are of one subscale's score, in its own standard deviations; wordings are taken to share {ICC if names else PLANTED_ICC:g} of its variance "
        "beyond what they do to both communities.",
        "An answer is taken to be 8 tokens (1 to 64); prompts are laid out as they will be asked.",
    ]
    if any(standing(n) == "served" for n in names.values()):
        out.append("A server that offers no log-probabilities is not asked by them: calls may be fewer.")
    return out
