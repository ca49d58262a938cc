"""Aligners: a model and examples come in, and a model comes out."""

from collections.abc import Callable

from sociolect import frames
from sociolect.frames import Examples, Replies, Scores
from sociolect.models.model import Model

Aligner = Callable[[Model, Examples], Model]
Practice = Callable[[Model], tuple[Replies, Scores]]


def each(aligner: Aligner, model: Model, examples: Examples) -> dict[str, Model]:
    """One model aligned with every community in turn, by community name."""
    groups = sorted(examples.partition_by("community", as_dict=True).items())
    return {str(name): aligner(model, frames.examples(part)) for (name,), part in groups}
