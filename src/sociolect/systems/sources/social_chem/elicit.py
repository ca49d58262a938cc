"""Rules written on demand, with one attribute flipped, by a word model; and judgements weighed level by level."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.frames import Items, Replies
from sociolect.models.local import Local, local
from sociolect.models.model import Model, generated, user, weighed
from sociolect.models.open import open_model
from sociolect.seeds import derive, substream
from sociolect.systems.sources.social_chem.align import Part, prompt, prompts, written
from sociolect.systems.sources.social_chem.dimensions import ASKED
from sociolect.systems.sources.social_chem.planted import JUDGED, LEVELS
from sociolect.text import clean, neutralise

TOP_P = 0.9  # [code]
TOKENS = {"planted": 12, "rule": 100, "action": 100}  # ours: room for 75 words of which few are long
ORDER = 4  # ours: the word model sees three words, fewer than there are attributes
# ours: three ways to ask for the level of an action
PARAPHRASES = (
    "How would most people judge this action: {action}?",
    "Is it good or bad to do this: {action}? Answer with one level.",
    "Action: {action}. Moral judgement:",
)
SPOKEN = {level: level.replace("-", " ") for level in LEVELS}


def opened(folder: Path, base: str | None) -> Local:
    """The taught generator."""
    if base is None:
        return local(folder, threads=1, batch=256, name="scratch/social_chem")
    under = open_model(base)
    assert isinstance(under, Local)  # it was taught, so it has weights
    return local(under.folder, adapter=folder / "taught", name=f"{base}@social_chem")


def asked(table: pl.DataFrame, *, part: Part, n: int, draws: int = 1) -> pl.DataFrame:
    """The first `n` rows of a split with what is asked of the generator, `draws` times over; a row with no level asks nothing."""
    rows = written(table, part).sort("rule", "annotator").unique("situation", keep="first", maintain_order=True)
    rows = rows.filter(pl.any_horizontal(pl.col(ASKED[part]).is_not_null())).head(n)
    return pl.concat([rows.with_columns(draw=pl.lit(d, pl.Int64)) for d in range(draws)])


def shuffled(rows: pl.DataFrame, *, part: Part, seed: int) -> pl.DataFrame:
    """What is put to the generator where tokens are shuffled: in each draw, every row's levels are another row's."""
    parts = []
    for (draw,), some in rows.group_by("draw", maintain_order=True):
        order = substream(seed, "shuffled", "asked", int(draw)).permutation(some.height)
        parts.append(some.with_columns(some.select(ASKED[part])[order]))
    return pl.concat(parts)


def flipped(rows: pl.DataFrame, *, part: Part, seed: int) -> pl.DataFrame:
    """Each row once for each attribute that it asks, `flip`, with that one at another level, drawn among those that occur."""
    rng, parts = substream(seed, "flips"), []
    for name in ASKED[part]:
        mine = rows.filter(pl.col(name).is_not_null())
        known = rows[name].drop_nulls().unique().sort().to_list()
        if len(known) < 2:
            continue
        other = [str(rng.choice([k for k in known if k != level])) for level in mine[name]]
        parts.append(mine.with_columns(pl.Series(name, other, dtype=pl.String), flip=pl.lit(name)))
    return pl.concat(parts)


def rules(
    folder: Path, rows: pl.DataFrame, *, part: Part, base: str | None = None, greedy: bool = False, seed: int = 0
) -> pl.DataFrame:
    """The rows with what the generator wrote for them, `wrote`, null where it wrote nothing. `greedy` takes the likeliest words."""
    how = {"temperature": 0.0} if greedy else {"top_p": TOP_P}
    chats = [user(p) for p in prompts(rows, part=part)]
    said = generated(opened(folder, base), chats, tokens=TOKENS[part], seed=derive(seed, "write"), **how)
    return rows.with_columns(wrote=pl.Series([s.strip() or None for s in said], dtype=pl.String))


def word_model(taught: pl.DataFrame, rows: pl.DataFrame, *, part: Part, seed: int = 0) -> pl.DataFrame:
    """The rows with what an n-gram model of the same lines writes: it goes on from the last three words."""
    counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for line, end in zip(prompts(taught, part=part), taught["said"], strict=True):
        words = [*line.split(), *end.split(), ""]
        for place in range(len(line.split()), len(words)):
            for size in range(ORDER):
                counts[tuple(words[place - size : place])][words[place]] += 1
    rng, wrote = substream(seed, "word model"), []
    for line in prompts(rows, part=part):
        words = line.split()
        begun = len(words)
        while len(words) - begun < TOKENS[part]:
            history = next(h for size in range(ORDER - 1, -1, -1) if (h := tuple(words[len(words) - size :])) in counts)
            seen = sorted(counts[history].items())
            total = counts[history].total()
            word = seen[int(np.searchsorted(np.cumsum([n for _, n in seen]), rng.integers(total), side="right"))][0]
            if not word:
                break
            words.append(word)
        wrote.append(" ".join(words[begun:]) or None)
    return rows.with_columns(wrote=pl.Series(wrote, dtype=pl.String))


def surprise(folder: Path, rows: pl.DataFrame, *, part: Part, base: str | None = None) -> pl.DataFrame:
    """Nats and tokens (its end included) of each held-out rule: situation, arm (with or without attributes), nats, tokens."""
    model = opened(folder, base)
    texts = rows["said"].to_list()
    ways = {
        "with attributes": prompts(rows, part=part),
        "without": [prompt(w, None, part=part) for w in rows["words"]],
    }
    parts = []
    for arm, lines in ways.items():
        logp = weighed(model, [user(line) for line in lines], [[t] for t in texts])
        parts.append(
            rows.select("situation", arm=pl.lit(arm)).with_columns(
                nats=pl.Series([-row[0] for row in logp]), tokens=pl.Series([len(model.reply_ids(t)) for t in texts])
            )
        )
    return pl.concat(parts)


def level_items(breakdowns: pl.DataFrame) -> Items:
    """The question for the moral judgement of each action, in three wordings; the options are the five levels.

    Where annotators of a rule put its action in other words, the commonest stands for all.
    """
    counts = breakdowns.drop_nulls("action_text").group_by("rule", "action_text").len()
    told = counts.sort("rule", "len", "action_text", descending=[False, True, False])
    actions = told.unique("rule", keep="first", maintain_order=True).select("rule", "action_text")
    rows = [
        (f"{rule}:{k}", words.format(action=neutralise(clean(action)).rstrip(". ")), list(SPOKEN.values()), rule, str(k))
        for rule, action in actions.iter_rows()
        for k, words in enumerate(PARAPHRASES)
    ]  # fmt: skip
    return frames.items(
        pl.DataFrame(
            rows,
            schema={
                "item": pl.String,
                "prompt": pl.String,
                "options": pl.List(pl.String),
                "rule": pl.String,
                "template": pl.String,
            },
            orient="row",
        )
    )


def judged(models: Mapping[str, Model], items: Items) -> pl.DataFrame:
    """Each model's share of each level for each rule, the mean over wordings: arm, rule, and one column per level."""
    parts = []
    for arm, model in models.items():
        found = np.array(weighed(model, [user(p) for p in items["prompt"]], [list(o) for o in items["options"]]))
        found = np.exp(found - found.max(1, keepdims=True))
        shares = found / found.sum(1, keepdims=True)
        told = items.select("rule", "template").hstack(pl.DataFrame(shares, schema=list(LEVELS)))
        mean = told.sort("rule", "template").group_by("rule", maintain_order=True).agg(pl.col(LEVELS).mean())
        parts.append(mean.select(arm=pl.lit(arm), rule="rule", **{level: level for level in LEVELS}))
    return pl.concat(parts)


def judged_by(names: Mapping[str, str], weights: Sequence[Path], items: Items) -> pl.DataFrame:
    """`judged` by the models of these names, one at a time in memory; `weights` are the folders that they are read from."""
    return pl.concat([judged({arm: open_model(name)}, items) for arm, name in sorted(names.items())])


def said(breakdowns: pl.DataFrame) -> Replies:
    """The annotators' judgements as replies of people: one row each, `choice` the level."""
    return frames.replies(
        breakdowns.drop_nulls([JUDGED, "action_text"]).select(
            speaker="annotator", source=pl.lit("human"), community=pl.lit("annotators"), item="rule", condition=pl.lit(JUDGED),
            draw=pl.int_range(pl.len(), dtype=pl.Int64).over("annotator", "rule"), turn=pl.lit(0, pl.Int64), prompt="action_text",
            text=JUDGED, choice=JUDGED, m="m",
        ).sort("item", "speaker", "draw")
    )  # fmt: skip
