from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.models.faulty_server import Faulty, Plan

from sociolect import frames
from sociolect.frames import Examples
from sociolect.models.local import Local
from sociolect.models.scratch import scratch
from sociolect.models.threads import patient_torch

patient_torch()  # before a test file loads torch itself, and its threads spin

WORDS = [
    "ash",
    "bay",
    "cod",
    "dew",
    "elm",
    "fig",
    "gum",
    "hay",
    "ivy",
    "jay",
    "kelp",
    "lark",
    "moss",
    "newt",
    "oak",
    "pine",
    "quay",
    "reed",
    "sage",
    "teal",
]
NEXT = (0.7, 0.2, 0.1)  # each word is followed by one of three others


def bigram_line(rng: np.random.Generator, length: int, *, planted: bool = True) -> str:
    """A line of the planted language, or of its null, in which any word may follow any other."""
    at, line = int(rng.integers(20)), []
    for _ in range(length):
        line.append(WORDS[at])
        at = (at * 3 + 1 + int(rng.choice(3, p=NEXT)) * 5) % 20 if planted else int(rng.integers(20))
    return " ".join(line)


def bigram_examples(count: int, *, planted: bool = True, seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    asks = ["write a line", "say something to your friends about today", "tell us a thing"]
    rows = [("red", asks[i % 3], bigram_line(rng, int(rng.integers(4, 20)), planted=planted)) for i in range(count)]
    return frames.examples(pl.DataFrame(rows, schema=["community", "prompt", "reply"], orient="row"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Local:
    """A model that has learnt enough to end its replies at different lengths."""
    folder: Path = tmp_path_factory.mktemp("tiny") / "model"
    return scratch(bigram_examples(400), folder, epochs=3)


@pytest.fixture
def serve() -> Iterator[Callable[..., Faulty]]:
    """Starts servers that fail as a plan says, and ends them."""
    made: list[Faulty] = []

    def make(plan: Plan, **settings: Any) -> Faulty:
        made.append(Faulty(plan, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()
