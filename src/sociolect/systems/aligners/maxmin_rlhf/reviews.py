"""Templated film reviews, in which two attributes can be counted: a majority wants praise, a minority wants few words.

The setting of the paper's GPT-2 experiment. Praise makes a review longer, so the two wishes oppose each other.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.compare.welfare import win_rate
from sociolect.frames import Examples, Items, Replies
from sociolect.models.scratch import scratch
from sociolect.seeds import derive, substream
from sociolect.systems.aligners.maxmin_rlhf.load import GROUPS, SCALE, Choices, Floats, choices

PRAISE = ("lovely", "superb", "great", "moving", "witty", "brilliant", "charming", "warm")
PLAIN = ("long", "dark", "slow", "french", "old", "loud", "red", "quiet")
FILMS = (
    "tide", "orchard", "ferry", "lantern", "quarry", "meadow", "harbour", "winter", "signal", "border", "garden", "tunnel",
    "island", "letter", "market", "window", "summer", "station", "river", "mirror", "bakery", "castle", "desert", "engine",
)  # fmt: skip
WINS = {"setting": pl.String, "item": pl.String, "arm": pl.String, "group": pl.String, "win": pl.Float64, "empty": pl.Int64}  # fmt: skip
TOKENS = 16  # ours: the longest planted review takes 10


def items(films: int, *, part: int | None = None) -> Items:
    """What is asked: one prompt a film; part 0 is the half that rewards are learnt from, part 1 the other half."""
    rows = [
        (f"film{i:02d}", f"how was the {film} ?", None) for i, film in enumerate(FILMS[:films]) if part in (None, i % 2)
    ]
    return frames.items(pl.DataFrame(rows, schema=dict(zip(("item", "prompt", "options"), (pl.String, pl.String, pl.List(pl.String)), strict=True)), orient="row"))  # fmt: skip


def examples(n: int, *, films: int, seed: int) -> Examples:
    """Reviews to learn the language from: 0 to 3 words of praise and 0 to 4 plain ones, in any order."""
    rng = substream(seed, "reviews")
    rows = []
    for i in range(n):
        told = [*rng.choice(PRAISE, rng.integers(4), replace=False), *rng.choice(PLAIN, rng.integers(5), replace=False)]
        words = [str(told[k]) for k in rng.permutation(len(told))]
        rows.append(("everybody", f"how was the {FILMS[i % films]} ?", " ".join(["a", *words, "film"])))
    return frames.examples(pl.DataFrame(rows, schema=["community", "prompt", "reply"], orient="row"))


def base(n: int, *, films: int, epochs: int, folder: Path, seed: int) -> None:
    """A small transformer that has learnt these reviews and nothing else, left in the folder."""
    scratch(examples(n, films=films, seed=seed), folder, epochs=epochs, threads=1, seed=derive(seed, "reviews"))


def counted(texts: Sequence[str | None]) -> tuple[Floats, Floats]:
    """The words of praise and all words of each text; nan for one without a word.

    >>> [part.tolist() for part in counted(["a lovely dark film", None])]
    [[1.0, nan], [4.0, nan]]
    """
    words = [(text or "").split() for text in texts]
    praise = [sum(w in PRAISE for w in said) if said else np.nan for said in words]
    return np.array(praise, dtype=float), np.array([len(said) or np.nan for said in words], dtype=float)


def wishes(texts: Sequence[str | None], reference: Sequence[str | None], *, null: bool = False) -> Floats:
    """What each review is worth to the majority and to the minority (2, texts), in log-odds: -inf for one without a word.

    Praise for the one, fewer words for the other, each 3 times its standard deviations over the reference's reviews. An
    empty reply loses to every other: dropped, it would raise the win rate of whoever says nothing. With `null` both want praise.
    """
    out = []
    for sign, mine, theirs in zip((1.0, -1.0), counted(texts), counted(reference), strict=True):
        here = theirs[~np.isnan(theirs)]
        worth = sign * SCALE * (mine - here.mean()) / (here.std() or 1.0)
        out.append(np.where(np.isnan(mine), -np.inf, worth))
    return np.stack([out[0], out[0] if null else out[1]])


def chosen_by(replies: Replies, sizes: tuple[int, int], *, pairs: int, null: bool, seed: int) -> Choices:
    """What so many users of the majority and of the minority choose between two replies to one prompt.

    `replies` has as many draws of every item, in order of item and draw: a pair's replies are numbered so.
    """
    worth = wishes(replies["raw"].to_list(), replies["raw"].to_list(), null=null)
    block = replies.height // replies["item"].n_unique()
    floor = np.where(np.isinf(worth), -1e3, worth)  # finite: an empty reply against an empty one is even
    return choices(floor, sizes, pairs=pairs, seed=seed, name="user", block=block)


def judged(said: Replies, reference: Replies, *, setting: str, null: bool) -> pl.DataFrame:
    """One row per prompt, arm and group: how likely a reply of the arm is preferred to a draw of the reference there.

    Columns setting, item, arm, group, win, and `empty`, how many of the arm's replies have no word.
    """
    rows = []
    every = reference["raw"].to_list()
    for (item, arm), mine in said.sort("item").group_by("item", "community", maintain_order=True):
        texts, theirs = mine["raw"].to_list(), reference.filter(item=item)["raw"].to_list()
        worth = wishes([*texts, *theirs], every, null=null)
        policy = np.repeat([1 / len(texts), 0.0], [len(texts), len(theirs)])
        other = np.repeat([0.0, 1 / len(theirs)], [len(texts), len(theirs)])
        empty = sum(not (text or "").split() for text in texts)
        rows += [
            (setting, item, arm, g, float(w), empty)
            for g, w in zip(GROUPS, win_rate(policy, other, worth), strict=True)
        ]
    return pl.DataFrame(rows, schema=WINS, orient="row")
