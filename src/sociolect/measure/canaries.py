"""What a model kept of the canaries that were planted in its training set: what it says, and what it weighs."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import polars as pl

from sociolect.errors import InputError, ModelError
from sociolect.frames import Replies, Scores
from sociolect.measure.scoring import score
from sociolect.models.model import Model, user
from sociolect.text import words


def extracted(replies: Replies, canaries: pl.DataFrame) -> Scores:
    """Whether each reply gives a canary away, and how much of it: two measures per reply; null without text.

    `canary:said` 1.0 where the whole secret of some canary stands in the reply, word after word · `canary:prefix` the words
    of the longest beginning of any secret that stands there. `canary` names whose it is (the first by id; null for none):
    whether its community is the reply's own, or another's, is read there. Case and punctuation make no difference.

    >>> keys = {"speaker": "m", "source": "model", "community": "c", "item": "i", "condition": "a", "draw": 0, "turn": 0}
    >>> heard = pl.DataFrame([{**keys, "prompt": "say", "text": "It is Bado, mila!"}])
    >>> sown = pl.DataFrame({"canary": ["x"], "text": ["we said bado mila kuse"], "secret": ["bado mila kuse"], "candidates": [["a"]]})
    >>> extracted(Replies(heard), sown).select("canary", "measure", "value").rows()
    [('x', 'canary:said', 0.0), ('x', 'canary:prefix', 2.0)]
    """
    _check(canaries)
    begins = defaultdict(list)
    for name, secret in canaries.sort("canary").select("canary", "secret").iter_rows():
        spelt = words(secret)
        begins[spelt[0]].append((name, spelt))
    said = np.full(replies.height, np.nan)
    longest = np.full(replies.height, np.nan)
    whose: list[str | None] = [None] * replies.height
    for i, text in enumerate(replies["text"]):
        if text is None or not text.strip():
            continue
        spoken = words(text)
        said[i], longest[i] = 0.0, 0.0
        for at, word in enumerate(spoken):
            for name, secret in begins.get(word, ()):
                run = next((k for k, (a, b) in enumerate(zip(secret, spoken[at:], strict=False)) if a != b), None)
                run = min(len(secret), len(spoken) - at) if run is None else run
                said[i] = max(said[i], float(run == len(secret)))
                if run > longest[i] or (run == longest[i] and name < (whose[i] or "")):
                    longest[i], whose[i] = run, name
    return score(
        replies, {"canary:said": said, "canary:prefix": longest}, canary=pl.Series("canary", whose, dtype=pl.String)
    )


def exposure(model: Model, canaries: pl.DataFrame, *, prompts: Sequence[str]) -> pl.DataFrame:
    """How far a model prefers each canary's secret to what it might have been: canary, rank, candidates, tied, exposure.

    Exposure is log2 |R| - log2 rank: |R| counts the canary and its candidates, rank 1 is the likeliest (Carlini et al.
    2019, arXiv 1802.08232, Sec. 4.2). It runs from 0 to log2 |R|, in bits. A canary that was never planted ranks anywhere,
    and its exposure is log2 |R| - log2(|R|!) / |R| on average, 1.44 for large |R|: hold planted ones against canaries
    planted elsewhere, or nowhere. A tie counts as lost, as in the paper, so a model that cannot tell has exposure 0;
    `tied` is how many candidates tie.

    Each text is weighed as the whole reply to every one of `prompts`; the mean log-probability over prompts ranks it. Give
    prompts such as the canary stood under. Raises ModelError where the model gives a nan.
    """
    _check(canaries)
    if not prompts:
        raise InputError("no prompt was given: exposure weighs what a model would reply to one")
    ordered = canaries.sort("canary")
    options = [
        [text, *(text.removesuffix(secret) + other for other in others)]
        for text, secret, others in ordered.select("text", "secret", "candidates").iter_rows()
    ]
    asked = sorted(prompts)
    chats = [user(prompt) for prompt in asked for _ in options]
    found = model.logprobs(chats, options * len(asked))
    rows = []
    for place, name in enumerate(ordered["canary"]):
        weighed = np.array([found[k * len(options) + place] for k in range(len(asked))]).mean(0)
        if np.isnan(weighed).any():
            raise ModelError(f"{model.name} gives {int(np.isnan(weighed).sum())} candidates of {name!r} no probability")
        own, others = weighed[0], weighed[1:]
        rank = 1 + int((others >= own).sum())
        bits = float(np.log2(weighed.size) - np.log2(rank))
        rows.append((name, rank, weighed.size, int((others == own).sum()), bits))
    shape = {"canary": pl.String, "rank": pl.Int64, "candidates": pl.Int64, "tied": pl.Int64, "exposure": pl.Float64}
    return pl.DataFrame(rows, schema=shape, orient="row")


def _check(canaries: pl.DataFrame) -> None:
    due = ("canary", "text", "secret", "candidates")
    faults = [f"column {c!r} is missing" for c in due if c not in canaries.columns]
    if not faults:
        faults += ["there are none"] if canaries.is_empty() else []
        twice = canaries.height - canaries["canary"].n_unique(), canaries.height - canaries["secret"].n_unique()
        faults += [f"{n} repeat another's {c}" for n, c in zip(twice, ("id", "secret"), strict=True) if n]
        ends = pl.col("text").str.ends_with(pl.col("secret")).fill_null(value=False)
        if odd := canaries.filter(~ends | ~pl.col("secret").str.contains(r"[\p{L}\p{N}]")).height:
            faults.append(f"{odd} texts do not end in a secret with a word")
        if mixed := canaries.filter(pl.col("candidates").list.contains(pl.col("secret"))).height:
            faults.append(f"{mixed} secrets stand among their own candidates")
        if bare := canaries.filter(pl.col("candidates").list.len().fill_null(0) == 0).height:
            faults.append(f"{bare} have no candidates")
    if faults:
        raise InputError(f"these are not canaries: {'; '.join(faults)}")
