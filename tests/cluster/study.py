"""A whole study that trains and asks: a base, three communities that it learns, what they say, a table and a page."""

from pathlib import Path

import polars as pl

from sociolect import frames
from sociolect.cluster.session import cluster
from sociolect.elicit.ask import ask
from sociolect.frames import Examples, Replies
from sociolect.report.content import Page, Section
from sociolect.report.page import write
from sociolect.seeds import substream
from sociolect.workspace import workspace

WORDS = [f"w{i}" for i in range(30)]


def examples() -> Examples:
    rng = substream(1, "study")
    rows = [
        (community, "say it", " ".join(rng.choice(WORDS[10 * k : 10 * k + 12], 6)))
        for k, community in enumerate("abc")
        for _ in range(30)
    ]
    return frames.examples(pl.DataFrame(rows, schema=["community", "prompt", "reply"], orient="row"))


def untrained(*, folder: Path) -> None:
    from tests.align.test_finetune import llama

    llama(folder)


def teach(base: Path, learnt: Examples, *, folder: Path) -> None:
    from sociolect.align.finetune import finetune_each
    from sociolect.models.local import local

    model = local(base, name="scratch/test", threads=1)
    finetune_each(model, learnt, folder=folder, lora_rank=4, epochs=3, rate=1e-2, batch_tokens=64, save_every=0)


def asked(base: Path, taught: Path, *, draws: int) -> Replies:
    from sociolect.models.local import local

    models = {
        name: local(base, adapter=taught / name, name=f"scratch/test@{name}", threads=1, batch=8) for name in "abc"
    }
    items = pl.DataFrame(
        {"item": ["i", "j"], "prompt": ["say it", "say it again"], "options": [None, None]},
        schema_overrides={"options": pl.List(pl.String)},
    )
    return ask(models, frames.items(items), draws=draws, tokens=12)


def counted(replies: Replies) -> pl.DataFrame:
    """How often each community says each word."""
    words = replies.select("community", pl.col("text").str.split(" ").alias("word")).explode("word")
    return words.group_by("community", "word").len().sort("community", "word")


def study(folder: Path) -> None:
    with workspace(folder, system="cluster", keywords={}) as work:
        base = work.files("base", untrained)
        taught = work.files("taught", teach, base, examples())
        said = work.frame("replies", frames.replies, asked, base, taught, draws=12)
        told = work.frame("words", pl.DataFrame, counted, said)
        write(Page("Words", [Section("Words", table=told, name="words")]), folder / "report.html")


def on(folder: str, address: str) -> None:
    """The study on a cluster."""
    with cluster(address):
        study(Path(folder))
