"""What the study's sections are made of, as one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from sociolect.frames import Replies
from sociolect.systems.studies.relationship_alignment.sizes import Dial
from sociolect.systems.studies.relationship_alignment.terms import Block


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """People's and models' comments, scored and prepared, and the block all regressions share.

    `wide` has tones as they were scored, `table` as they are regressed (`prepare.prepared`); `speakers` are the models in the
    order they were named, `told` their conditions; `weak` are tones the reader does not tell well on labelled text.
    """

    people: Replies
    replies: Sequence[Replies]
    wide: pl.DataFrame
    table: pl.DataFrame
    eps: Mapping[str, float]
    block: Block
    speakers: tuple[str, ...]
    told: tuple[str, ...]
    weak: tuple[str, ...]
    at: Dial
    planted: bool
    seed: int

    @property
    def human(self) -> pl.DataFrame:
        """People's rows of the prepared table."""
        return self.table.filter(pl.col("source") == "human")

    def conditions(self, speaker: str) -> list[str]:
        """The conditions this model answered, in the order they were asked; the floor is not one of them."""
        here = set(self.table.filter(pl.col("speaker") == speaker)["condition"].unique())
        return [c for c in self.told if c in here]
