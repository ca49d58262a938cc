"""Put the same items to many models, in one batch per model."""

from collections.abc import Mapping, Sequence

import polars as pl

from sociolect import frames, text
from sociolect.frames import Items, Replies
from sociolect.models.model import Chat, Message, Model, generated, streams, weighed
from sociolect.seeds import derive


def ask(
    models: Mapping[str, Model],
    items: Items,
    *,
    draws: int = 1,
    condition: str = "asked",
    system: str | None = None,
    tokens: int = 256,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Replies:
    """Every item put to each community's model, `draws` times over: communities x items x draws rows.

    Items without options are answered in free text. Items with options are answered by drawing an option from the model's
    probabilities over them (`temperature=0` takes the likeliest), with the choice in `choice` and its normalised
    log-probability in `logprob`. What a model wraps a reply in is taken off for every model alike (`text.unwrap`); the
    words as they came stay in `raw`. An empty reply is null. `refused` says whether a reply opens as a refusal. The
    items' further columns ride along. The seed of a draw does not depend on the arm, so that arms are paired.
    """
    asked = pl.concat([items.with_columns(draw=pl.lit(d, pl.Int64)) for d in range(draws)]).sort("item", "draw")
    chats: list[Chat] = [
        (*((Message("system", system),) if system else ()), Message("user", prompt)) for prompt in asked["prompt"]
    ]
    free = asked["options"].is_null().to_list()
    parts = []
    for community, model in sorted(models.items()):
        stream = derive(seed, "ask", community)
        said: dict[int, str] = {}
        if any(free):
            open_chats = [c for c, f in zip(chats, free, strict=True) if f]
            told = generated(model, open_chats, tokens=tokens, temperature=temperature, top_p=top_p, seed=stream)
            said = dict(zip([i for i, f in enumerate(free) if f], told, strict=True))
        put = [i for i, f in enumerate(free) if not f]
        offered = [list(asked["options"][i]) for i in put]
        drawn = chosen(model, [chats[i] for i in put], offered, temperature=temperature, seed=stream)
        picked = dict(zip(put, drawn, strict=True))
        raw = [said[i] if i in said else picked[i][0] for i in range(len(chats))]
        parts.append(
            asked.with_columns(
                speaker=pl.lit(model.name),
                source=pl.lit("model"),
                community=pl.lit(community),
                condition=pl.lit(condition),
                turn=pl.lit(0, pl.Int64),
                raw=pl.Series(raw, dtype=pl.String),
                text=pl.Series([text.unwrap(r) or None for r in raw], dtype=pl.String),
                choice=pl.Series([picked[i][0] if i in picked else None for i in range(len(chats))], dtype=pl.String),
                logprob=pl.Series([picked[i][1] if i in picked else None for i in range(len(chats))], dtype=pl.Float64),
            )
        )
    return frames.replies(pl.concat(parts).with_columns(refused=text.refuses(pl.col("text"))))


def chosen(
    model: Model, chats: Sequence[Chat], options: Sequence[Sequence[str]], *, temperature: float = 1.0, seed: int = 0
) -> list[tuple[str, float]]:
    """The option drawn for each chat from the model's probabilities over its options, and its log-probability among them.

    `temperature=0` takes the likeliest.

    >>> from sociolect.models.model import user
    >>> from sociolect.models.scripted import scripted
    >>> chosen(scripted(["no"]), [user("tea?")], [["yes", "no"]])
    [('no', 0.0)]
    """
    import numpy as np

    if not chats:
        return []
    out = []
    for some, found, stream in zip(options, weighed(model, chats, options), streams(chats, seed), strict=True):
        logp = np.asarray(found) - np.logaddexp.reduce(found)
        if temperature == 0:
            pick = int(np.argmax(logp))
        else:
            odds = np.exp((logp - logp.max()) / temperature)  # the likeliest at 1: a low temperature leaves it there
            pick = int(np.random.default_rng(stream).choice(len(odds), p=odds / odds.sum()))
        out.append((some[pick], float(logp[pick])))
    return out
