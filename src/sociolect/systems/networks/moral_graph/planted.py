"""Planted voters who know which of two values is wiser, with noise: replications as arrays, and one panel vote by vote."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect.find.endorsement import Counts
from sociolect.seeds import substream
from sociolect.systems.networks.moral_graph.hypotheses import MIX, SHOWN, Hypothesis, drawn

Floats = NDArray[np.float64]
VALUES, VOTERS = 12, 200  # the dossier's acceptance
RANDOM, UNSURE = 0.2, 0.15  # share of voters who vote at random; share of votes that are not sure
SEEN = 6  # [code] cards each person sees, of which most mark two


class Design(NamedTuple):
    """Which ordered pairs are shown (values at most `reach` places apart; None: all), and how many voters see each."""

    reach: int | None = 3
    shows: int = 8


NEAR = Design()


def replicated(
    replications: int,
    design: Design = NEAR,
    *,
    values: int = VALUES,
    voters: int = VOTERS,
    brigade: float = 0.0,
    pushed: int | None = None,
    null: bool = False,
    seed: int = 0,
) -> Counts:
    """The counts (replications, values, values) of voters who know the order 0 < 1 < ... of wisdom, with noise.

    Each shown pair is seen by `shows` voters drawn without replacement. 15% of votes are not sure; a fifth of the voters vote
    at random, the others by the planted order. A `brigade`, the first voters by number, says yes to every step to the value `pushed` and
    no to every step from it; all other random numbers stay as they are. With `null` everybody votes at random.
    """
    rng = substream(seed, "moral_graph", "planted", values, voters)
    a, b = np.nonzero(~np.eye(values, dtype=bool))
    if design.reach is not None:
        a, b = (side[np.abs(a - b) <= design.reach] for side in (a, b))
    random = rng.random((replications, voters)) < (1.0 if null else RANDOM)
    out = np.zeros((3, replications, values, values))
    for one, other in zip(a.tolist(), b.tolist(), strict=True):
        who = np.argpartition(rng.random((replications, voters)), design.shows - 1, axis=1)[:, : design.shows]
        blind = np.take_along_axis(random, who, axis=1)
        coin, unsure = rng.random(who.shape) < 0.5, rng.random(who.shape) < UNSURE
        yes = np.where(blind, coin, other > one)
        if pushed is not None and pushed in (one, other):
            mob = who < round(brigade * voters)
            yes, unsure = np.where(mob, other == pushed, yes), unsure & ~mob
        out[0, :, one, other] = (yes & ~unsure).sum(1)
        out[1, :, one, other] = (~yes & ~unsure).sum(1)
        out[2, :, one, other] = unsure.sum(1)
    return Counts(*out)


def panel(
    cards: Mapping[str, str],
    wisdom: Mapping[str, int],
    marked: Mapping[str, float],
    hypotheses: Sequence[Hypothesis],
    ids: Sequence[str],
    *,
    voters: int = VOTERS,
    groups: Sequence[str] = ("north", "south"),
    mix: Sequence[float] = MIX,
    null: bool = False,
    seed: int = 0,
) -> pl.DataFrame:
    """Votes of planted people, one row each: voter, group, context, kind (value, wisdom), source, target, choice.

    Everybody comes for one context. They see six cards and mark each with the share `marked` of its value; then they see five
    hypotheses, drawn by the votes so far. `wisdom` and `marked` are by card id, `ids` the ids of the canonical cards by place. A
    value vote has its card as target and no source. Groups are drawn apart from how people vote: between them there is nothing to find.
    """
    contexts = sorted({h.context for h in hypotheses})
    rng = substream(seed, "moral_graph", "panel")
    by = {c: [h for h in hypotheses if h.context == c] for c in contexts}
    place = {c: (np.array([h.source for h in by[c]]), np.array([h.target for h in by[c]])) for c in contexts}
    votes = {c: np.zeros((2, len(by[c])), dtype=np.int64) for c in contexts}  # yes, shown
    rows: list[tuple[str, str, str, str, str | None, str, str]] = []
    for k in range(voters):
        who, context = f"voter-{k:04}", contexts[k % len(contexts)]
        group = groups[int(rng.integers(len(groups)))]
        blind = bool(rng.random() < (1.0 if null else RANDOM))
        for at in rng.permutation(len(ids))[:SEEN].tolist():
            chance = 0.35 if blind else marked[ids[at]]  # ours: blind people mark two of six
            said = "wise to consider" if rng.random() < chance else "not now"
            rows.append((who, group, context, "value", None, ids[at], said))
        source, target = place[context]
        yes, shown = votes[context]
        to = np.bincount(target, yes, minlength=len(ids)).astype(np.int64)[target]
        for at in drawn(yes, shown, to, rng, most=SHOWN, mix=mix):
            one, other = ids[source[at]], ids[target[at]]
            up = bool(rng.random() < 0.5) if blind else wisdom[other] > wisdom[one]
            said = "not sure" if rng.random() < UNSURE else "wiser" if up else "not wiser"
            rows.append((who, group, context, "wisdom", one, other, said))
            yes[at] += said == "wiser"
            shown[at] += 1
    return pl.DataFrame(
        rows,
        schema=dict.fromkeys(("voter", "group", "context", "kind", "source", "target", "choice"), pl.String),
        orient="row",
    )
