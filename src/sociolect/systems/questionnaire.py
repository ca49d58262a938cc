"""The recipe that every instrument shares: read it, ask it in every way that could move an answer, score it, doubt it, one page."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.differences import means
from sociolect.compare.validity import claimable, validity
from sociolect.compare.variance import variance
from sociolect.elicit.administer import Mode, administered
from sociolect.elicit.variants import PUBLISHED, TEMPLATES, calls, variants
from sociolect.errors import ModelError, RefusedError, UsageError
from sociolect.frames import Effects, Items, Replies, Scores
from sociolect.measure import instrument as engine
from sociolect.measure.instrument import Instrument
from sociolect.models.journal import noted
from sociolect.models.model import Model
from sociolect.models.open import folders, open_model
from sociolect.models.respondent import Question, Respondent
from sociolect.report.content import Page
from sociolect.systems import questionnaire_page
from sociolect.systems.questionnaire_page import CONTROL
from sociolect.workspace import Workspace

FEW = 10  # ours: items on which labels, rotations, negation and the modes are tried: enough to see a model's habit


class Dial(NamedTuple):
    """What `size` turns."""

    draws: int  # of each item in each condition
    resamples: int  # of the bootstrap
    most: int  # items times templates, so that a long instrument is tiny too


SIZES = {"tiny": Dial(1, 400, 720), "small": Dial(5, 2000, 10**6), "full": Dial(50, 2000, 10**6)}
LEAST_TEMPLATES = 6
FEWEST = 4  # wordings: below that how much wordings differ is hardly to be seen
# Four planted communities, .5 logits apart around the base model that has no leaning.
PLANTED = {"ash": -0.75, "birch": -0.25, "cedar": 0.25, "elm": 0.75, CONTROL: 0.0}
# What all planted respondents share, so that the validity card has something to find.
HABITS: dict[str, Any] = {"acquiescence": 0.3, "position": 0.1, "refusal": 0.02, "mumble": 0.02}


def recipe(folder: Path) -> Callable[..., Page]:
    """The recipe of the instrument in that folder: `page`, with the folder said."""

    def run(
        workspace: Workspace,
        *,
        size: Literal["tiny", "small", "full"] = "tiny",
        text: Path | None = None,
        models: dict[str, str] | None = None,
        seed: int = 0,
    ) -> Page:
        return page(workspace, folder, size=size, text=text, models=models, seed=seed)

    return run


def page(
    workspace: Workspace,
    folder: Path,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    text: Path | None = None,
    models: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Page:
    """The page of one administration of the instrument in `folder`.

    `models` maps a community to a model's name (`provider/model`), and `base` to the base model that is its control;
    without it four planted communities answer, whose order is known. Communities that share one model are told apart by
    being named in the prompt. `text` is a file of wording where the folder holds none.
    """
    card, dial = engine.read(folder, text=text), SIZES[size]
    names = dict(models or {})
    tongues = [name for community, name in names.items() if community != CONTROL]
    named = len(set(tongues)) < len(tongues)
    every = tuple(TEMPLATES)[: max(LEAST_TEMPLATES, dial.most // len(card.items))]
    plan = _plan(card, every, framing="named" if named else "plain", seed=seed)
    # the base model never hears a community's name
    bare = _plan(card, every, framing="plain", seed=seed) if named else plan
    plans = {c: bare if c == CONTROL else plan for c in names or PLANTED}

    def answered(card: Instrument, names: dict[str, str], weights: list[Path], **_: object) -> Replies:
        planted = {} if names else respondents(card)
        # one model at a time is in memory
        parts = [
            _all(card, {c: planted.get(c) or open_model(names[c])}, plans[c], draws=dial.draws, seed=seed)
            for c in plans
        ]
        return frames.replies(pl.concat(parts))

    count = {m: calls(v, draws=dial.draws, modes=(m,), models=len(plans)) for m, v in plan.items()}
    if names:
        workspace.say(f"asking {len(names)} models: {sum(count.values())} calls in all")
    asking = {"templates": every, "named": named, "draws": dial.draws, "seed": seed}
    replies = workspace.frame("replies", frames.replies, answered, card, names, folders(names.values()), **asking)
    kept = {"draws": dial.resamples, "seed": seed}
    scores = scored(replies, card)
    validated = workspace.frame("validity", frames.effects, validity, scores, replies, scales=scales(card), **kept)
    made = {
        "size": size, "communities": ", ".join(sorted(replies["community"].unique())),
        "models": ", ".join(sorted(replies["speaker"].unique())), "draws": str(dial.draws),
        "calls planned": ", ".join(f"{n} {m}" for m, n in count.items()),
        "templates": str(len(every)), "communities named in the prompt": "yes" if named else "no",
        "wording": card.text_hash or "placeholders", "seed": str(seed),
    }  # fmt: skip
    planted = None if names else {c: t for c, t in PLANTED.items() if c != CONTROL}
    return questionnaire_page.page(
        card,
        replies,
        averages(scores, **kept),
        validated,
        claims(validated),
        varied=split(scores, card, seed=seed),
        made=made,
        planted=planted,
    )


def asked(
    instrument: Instrument,
    models: Mapping[str, Model],
    *,
    draws: int = 1,
    orders: Sequence[str] = ("forward", "reversed"),
    labels: Sequence[str] = ("letters",),
    templates: Sequence[str] = tuple(TEMPLATES),
    framings: Mapping[str, str] | Sequence[str] = ("plain",),
    mode: Mode = "sampled",
    placebo: bool = True,
    seed: int = 0,
) -> Replies:
    """The instrument put to each community's model, everything crossed; `arm` is base for the community `base`, else aligned."""
    ways: dict[str, Any] = {"orders": orders, "labels": labels, "templates": templates, "framings": framings}
    found = variants(engine.items(instrument), **ways, placebo=placebo, seed=seed)
    return _all(instrument, models, {mode: found}, draws=draws, seed=seed)


def scored(replies: Replies, instrument: Instrument, *, mode: str = "sampled") -> Scores:
    """The scores of one mode's answers to the published wording; subscales and rules only where all items were asked.

    What was asked of a few items, in other words or in the negative is for the validity card, and in no community's mean.
    """
    plain = replies.filter(~pl.col("placebo"), ~pl.col("negated"), pl.col("mode") == mode)
    whole = engine.score(frames.replies(plain), instrument)
    sizes = plain.group_by("condition").agg(pl.col("item").n_unique().alias("n"), pl.col("paraphrase").first())
    complete = sizes.filter(pl.col("n") == len(instrument.items), pl.col("paraphrase") == PUBLISHED)["condition"]
    item = pl.col("item") != instrument.id
    main = pl.col("condition").is_in(complete.implode())
    return frames.scores(whole.filter(main | (item & (pl.col("paraphrase") != PUBLISHED))))


def averages(scores: Scores, *, draws: int = 2000, seed: int = 0) -> Effects | None:
    """Each community's mean of each subscale and rule, with an interval over templates; None where nothing has one."""
    whole = scores.filter(~pl.col("measure").str.ends_with(":" + pl.col("item")))
    try:
        return means(frames.scores(whole), by=("measure", "community"), clusters=("template",), draws=draws, seed=seed)
    except RefusedError:
        return None


def split(scores: Scores, instrument: Instrument, *, draws: int = 500, seed: int = 0) -> Effects | None:
    """What the aligned models' answers to each subscale vary with; None where it cannot be told.

    Community (trait), item, wording (template), option order, their interactions and the draw, of the published wording
    with letters. Wordings in which a cell was lost (refused, unparsed) are left out and counted in `left_out`; where fewer
    than four stay, orders are taken together, and order is part of the draw.
    """
    ways = pl.col("order").is_in(["forward", "reversed"]) & (pl.col("label_style") == "letters")
    own = scores.filter(
        ways, pl.col("paraphrase") == PUBLISHED, pl.col("arm") == "aligned", pl.col("value").is_not_null()
    )
    parts = []
    for measure, items in scales(instrument).items():
        mine = own.filter(pl.col("item").is_in(items))
        for rest in (("community", "item", "order"), ("community", "item")):
            cells = mine.group_by("template").agg(n=pl.struct(rest).n_unique())
            whole = cells.filter(pl.col("n") == np.prod([mine[c].n_unique() for c in rest]))
            if whole.height < FEWEST:
                continue
            factors = {"trait": ("community",), "item": ("item",), "wording": ("template",)} | (
                {"order": ("order",)} if "order" in rest else {}
            )
            with suppress(RefusedError):
                found = variance(mine.join(whole, on="template", how="semi"), factors=factors, draws=draws, seed=seed)
                parts.append(
                    found.with_columns(measure=pl.lit(measure), left_out=pl.lit(cells.height - whole.height, pl.Int64))
                )
            break
    return frames.effects(pl.concat(parts)) if parts else None


def claims(card: Effects) -> pl.DataFrame:
    """Every difference between two communities, the higher first, with the claim that may be printed or what it failed."""
    made = card.filter(pl.col("line") == "difference", pl.col("estimate").is_not_null())
    pairs = made.select("first", "second").unique().sort("first", "second")
    told = ["measure", "contrast", "estimate", "low", "high", "n", "claim", "failed"]
    below = pl.col("estimate") < 0
    parts = []
    for first, second in pairs.iter_rows():
        parts.append(claimable(card, first, second).filter(~below.fill_null(False)).select(told))
        parts.append(claimable(card, second, first).filter(~below & (pl.col("estimate") != 0)).select(told))
    return pl.concat(parts).sort("measure", "contrast") if parts else pl.DataFrame()


def scales(instrument: Instrument) -> dict[str, tuple[str, ...]]:
    """Each subscale's measure and the items that make it."""
    return {f"{instrument.id}:{one.id}": one.items for one in instrument.subscales}


def respondents(instrument: Instrument, traits: Mapping[str, float] = PLANTED) -> dict[str, Respondent]:
    """A planted respondent per community: its trait in logits raises every keyed score, its habits it shares with all.

    An option's place in the published order, turned so that agreement is high, is what trait and acquiescence move.
    """
    questions = {}
    for one in instrument.items:
        if one.options is None:
            low, high = one.low or 0.0, one.high or 100.0
            # ours: a quarter into the range; no trait bears on a number
            room: dict[str, Any] = {
                "low": low,
                "high": high,
                "easiness": low + (high - low) / 4,
                "spread": (high - low) / 20,
            }
            questions[one.wording] = Question(loading=0, unit=one.unit or "", **room)
            continue
        k = len(one.options.ids)
        place = {
            w: float(k - 1 - i if one.options.direction == "down" else i) for i, w in enumerate(one.options.wording)
        }
        questions[one.wording] = Question(place, loading=0.0 if one.options.direction == "none" else float(one.key))
    for said in instrument.paraphrases.values():
        questions |= {words: questions[one.wording] for one in instrument.items if (words := said.get(one.id))}
    return {c: Respondent(f"planted/{c}", questions, trait=trait, **HABITS) for c, trait in traits.items()}


def _plan(instrument: Instrument, every: tuple[str, ...], *, framing: str, seed: int) -> dict[Mode, dict[str, Items]]:
    """Every condition, by mode: the whole instrument in both orders, and on a few items all that could move an answer."""
    items = engine.items(instrument)
    few = frames.items(items.filter(pl.col("options").is_not_null()).head(FEW))
    way = partial(variants, templates=every, framings=(framing,), seed=seed)
    found = way(items, orders=("forward", "reversed"), placebo=bool(few.height))
    found |= {n: v for n, v in way(items, paraphrases=instrument.paraphrases).items() if n not in found}
    if not few.height:
        return {"sampled": found}
    found |= way(few, labels=("numbers",)) | way(few, orders=("rotations",))
    found |= variants(few, framings=("negated",), templates=every, seed=seed)
    return {"sampled": found, "logprob": way(few), "verbalised": way(few)}


def _all(
    instrument: Instrument,
    models: Mapping[str, Model],
    plan: Mapping[Mode, Mapping[str, Items]],
    *,
    draws: int,
    seed: int,
) -> Replies:
    """All conditions put to all models; a model that cannot weigh its options is asked all the rest."""
    if not models:
        raise UsageError("no model was named: due is community=provider/model, and base=... for the control")
    parts = []
    for mode, found in plan.items():
        named = found if mode == "sampled" else {f"{name}/{mode}": items for name, items in found.items()}
        for community, model in models.items():
            try:
                with noted(instrument=f"{instrument.id}@{instrument.version}"):
                    parts.append(administered({community: model}, named, mode=mode, draws=draws, seed=seed))
            except ModelError:
                # What cannot be weighed is not identified on the card; without any other mode it is an error.
                if mode != "logprob" or len(plan) == 1:
                    raise
    arm = pl.when(pl.col("community") == CONTROL).then(pl.lit("base")).otherwise(pl.lit("aligned"))
    return frames.replies(pl.concat(parts).with_columns(arm=arm))
