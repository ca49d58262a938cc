"""What the study holds once everyone was heard: what the further measures are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sociolect.frames import Examples, Members, Posts, Replies, Scores, Society
from sociolect.systems.studies.community_fidelity.sizes import Dial
from sociolect.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain from the data to the replies.

    `train` is the training posts with their topic, `judged` the judge side's, equally many of each community. `known` is
    every reply with its fate, `kept` the kept ones at equal n, `halves` people's half by author.
    """

    workspace: Workspace
    society: Society
    members: Members
    train: Posts
    judged: Posts
    topics: pl.DataFrame
    demonstrations: Examples
    base: Path | str
    weights: Mapping[str, Path | None]
    heard: Replies
    overlaps: Scores
    known: pl.DataFrame
    kept: Replies
    halves: pl.DataFrame
    origin: Scores
    tones: tuple[Scores, ...]
    dial: Dial
    sensitive: bool
    plants: bool
    seed: int

    @property
    def communities(self) -> list[str]:
        return sorted(self.members["community"].unique())
