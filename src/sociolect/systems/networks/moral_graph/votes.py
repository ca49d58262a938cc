"""Votes of models: each draw of a community's model is one voter, who marks six values and judges five steps."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from sociolect.elicit.ask import chosen
from sociolect.models.model import Model, user
from sociolect.seeds import derive, substream
from sociolect.systems.networks.moral_graph.hypotheses import MIX, SHOWN, Hypothesis, drawn
from sociolect.systems.networks.moral_graph.load import VOTES
from sociolect.systems.networks.moral_graph.material import cases, options, question
from sociolect.systems.networks.moral_graph.planted import SEEN
from sociolect.text import neutralise


def asked(
    models: Mapping[str, Model],
    cards: pl.DataFrame,
    hypotheses: Sequence[Hypothesis],
    *,
    voters: int,
    mix: Sequence[float] = MIX,
    seed: int = 0,
) -> pl.DataFrame:
    """Votes (voter, group, context, kind, source, target, choice) of `voters` draws of each community's model.

    A voter comes for one context, sees six cards drawn at random, and five hypotheses drawn by all votes so far: so voters are asked one
    after another, the communities' k-th voters in one batch each. Draws of one model are not people: its intervals say how sure the
    model's own answers are.
    """
    ids, texts = cards["card"].to_list(), [neutralise(t) for t in cards["text"]]
    told = cases()
    contexts = sorted({h.context for h in hypotheses})
    by = {c: [h for h in hypotheses if h.context == c] for c in contexts}
    votes = {c: np.zeros((2, len(by[c])), dtype=np.int64) for c in contexts}
    rows: list[tuple[str, str, str, str, str | None, str, str]] = []
    for k in range(voters):
        for community, model in sorted(models.items()):
            rng = substream(seed, "moral_graph", "asked", community, k)
            context, who = contexts[k % len(contexts)], f"{community}-{k:04}"
            seen = rng.permutation(len(ids))[:SEEN].tolist()
            yes, shown = votes[context]
            target = np.array([h.target for h in by[context]])
            to = np.bincount(target, yes, minlength=len(ids)).astype(np.int64)[target]
            places = drawn(yes, shown, to, rng, most=SHOWN, mix=mix)
            steps = [by[context][at] for at in places]
            chats = [user(question("value", texts[at], context=told.get(context, context))) for at in seen]
            for h in steps:
                pair = (f"The first value:\n{texts[h.source]}", f"The second value:\n{texts[h.target]}")
                story = (neutralise(h.story),) if h.story else ()
                chats.append(user(question("wisdom", *pair, *story, context=told.get(context, context))))
            offered = [options("value")] * len(seen) + [options("wisdom")] * len(steps)
            said = [answer for answer, _ in chosen(model, chats, offered, seed=derive(seed, "vote", who))]
            rows += [(who, community, context, "value", None, ids[at], said[i]) for i, at in enumerate(seen)]
            for i, (at, h) in enumerate(zip(places, steps, strict=True), len(seen)):
                rows.append((who, community, context, "wisdom", ids[h.source], ids[h.target], said[i]))
                yes[at] += said[i] == options("wisdom")[0]
                shown[at] += 1
    return pl.DataFrame(rows, schema=VOTES, orient="row")
