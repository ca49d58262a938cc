"""One question in eight forms, one of them twice: letters or numbers, up or down, answered by label or by words."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.elicit.administer import administered
from sociolect.elicit.ask import chosen
from sociolect.elicit.variants import variants
from sociolect.frames import Items, Replies
from sociolect.models.model import Chat, Message, Model
from sociolect.seeds import derive

# dossier, A.5: the question, a blank line, one labelled option a line, a reminder of the form of the answer
FORMS = {
    "label": "{item}\n\n{options}\n\nAnswer with the label of one option, and nothing else.",
    "text": "{item}\n\n{options}\n\nAnswer with the full words of one option, and nothing else.",
}
TASK = {
    "label": "You are asked a question with options. Give the label of the option that fits best. Do not explain, add nothing.",
    "text": "You are asked a question with options. Give the full words of the option that fits best. Do not explain, add nothing.",
}
# dossier, D.2: a person from the country, convincing to readers; the others are what the optimiser chooses among (ours)
PERSONAS = {
    "persona": "Imagine that you are a person from {community}. Answer as that person would, so that readers are convinced of it.",
    "typical": "Answer as most people in {community} would answer in a survey, not as a visitor expects them to.",
    "inside": "You grew up and live in {community}. You answer a survey at your door. Say what you think yourself.",
}
RETEST = "retest"


def forms(items: Items, *, denials: bool = False, seed: int = 0) -> dict[str, Items]:
    """The eight forms of every item, and one of them again as a retest; with `denials` each item's denial in two forms.

    >>> from sociolect.systems.studies.randomness_not_representation.load import invented
    >>> made = forms(invented().items)
    >>> len(made), sum(v.height for v in made.values())
    (9, 144)
    """
    way: dict[str, Any] = {"orders": ("forward", "reversed"), "seed": seed}
    found = variants(items, labels=("letters", "numbers"), templates=FORMS, **way)
    found[RETEST] = found[next(iter(found))]
    if denials:
        found |= variants(items, framings=("negated",), templates={"label": FORMS["label"]}, **way)
    return found


def asked(
    models: Mapping[str, Model],
    items: Mapping[str, Items],
    *,
    persona: str | None = None,
    choosing: bool = False,
    draws: int = 1,
    temperature: float = 1.0,
    seed: int = 0,
) -> Replies:
    """Every form put to every community's model; a form asked again has the next `draw`, and its own `condition` otherwise.

    A reply is read once, in the form it was asked for: what cannot be read is `unparsed`, is never asked again in another
    form, and counts. With `choosing` a model that writes no answers chooses among the labels (or the words) by probability.
    """
    parts = []
    for form in FORMS:
        mine = {name: one for name, v in items.items() if (one := frames.items(v.filter(template=form))).height}
        if not mine:
            continue
        system = f"{persona}\n{TASK[form]}" if persona else TASK[form]
        how: dict[str, Any] = {"system": system, "draws": draws, "temperature": temperature, "seed": seed}
        parts.append(
            _chosen(models, mine, form=form, **how) if choosing else administered(models, mine, tokens=32, **how)
        )
    told = pl.concat(parts, how="diagonal_relaxed")
    again = pl.col("condition") == RETEST
    base = told.filter(again.not_()).select("condition", "order", "label_style", "template", "framing").unique()
    first = next(iter(n for n in items if n != RETEST))
    assert first in set(base["condition"])
    return frames.replies(
        told.with_columns(
            draw=pl.when(again).then(pl.col("draw") + draws).otherwise(pl.col("draw")),
            condition=pl.when(again).then(pl.lit(first)).otherwise(pl.col("condition")),
        )
    )


def _chosen(
    models: Mapping[str, Model],
    items: Mapping[str, Items],
    *,
    form: str,
    system: str,
    draws: int,
    temperature: float,
    seed: int,
) -> pl.DataFrame:
    """The same for a model that cannot follow an instruction: a draw from what it thinks of each label, or of the words."""
    rows = pl.concat([v.sort("item").with_columns(condition=pl.lit(n)) for n, v in sorted(items.items())])
    rows = pl.concat([rows.with_columns(draw=pl.lit(d, pl.Int64)) for d in range(draws)])
    parts = []
    for community, model in sorted(models.items()):
        head = Message("system", system.replace("{community}", community))
        chats: list[Chat] = [(head, Message("user", prompt)) for prompt in rows["prompt"]]
        offered = [list(row["labels"] if form == "label" else row["shown"]) for row in rows.iter_rows(named=True)]
        picked = chosen(model, chats, offered, temperature=temperature, seed=derive(seed, "chosen", community))
        places = [some.index(said) for some, (said, _) in zip(offered, picked, strict=True)]
        choice = [row["shown"][at] for row, at in zip(rows.iter_rows(named=True), places, strict=True)]
        parts.append(rows.drop("group_prompt", "stem", "framed").with_columns(
            raw=pl.Series([said for said, _ in picked]), text=pl.Series([said for said, _ in picked]), choice=pl.Series(choice),
            outcome=pl.lit("answered"), refused=pl.lit(False), position=pl.Series(places, dtype=pl.Int64),
            speaker=pl.lit(model.name), source=pl.lit("model"), community=pl.lit(community), mode=pl.lit("chosen"), turn=pl.lit(0, pl.Int64),
        ))  # fmt: skip
    return pl.concat(parts)
