"""Three small studies that pass every point where a run may be killed, for the sweep to kill them there."""

import json
import resource
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import polars as pl

from sociolect import frames
from sociolect.elicit.ask import ask
from sociolect.errors import SociolectError
from sociolect.frames import Examples, Items, Members, Replies, Society
from sociolect.models.answer import Answer
from sociolect.models.journaled import heard
from sociolect.models.model import Chat, streams
from sociolect.models.served import served
from sociolect.report.content import Page, Section
from sociolect.report.page import write
from sociolect.workspace import Workspace, workspace


@dataclass(frozen=True, slots=True)
class Paid:
    """A model that costs: each call is a POST to a server that counts it, and the answer is its stream's."""

    url: str
    name: str = "paid"
    version: str = "1"

    def generate(self, chats: Sequence[Chat], *, seed: int = 0, **sampling: Any) -> list[str]:
        def one_by_one(due: Sequence[int]) -> Iterator[list[tuple[int, Answer]]]:
            for i in due:
                yield [(i, Answer(self._call(drawn[i])))]

        drawn = streams(chats, seed)
        return heard(self, chats, one_by_one, {**sampling, "seed": seed})

    def _call(self, stream: int) -> str:
        said = {"messages": [{"role": "user", "content": f"{stream}"}], "max_tokens": 1}
        request = Request(
            f"{self.url}/chat/completions", json.dumps(said).encode(), {"content-type": "application/json"}
        )
        with urlopen(request) as answer:
            return str(json.loads(answer.read())["choices"][0]["message"]["content"])

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        raise NotImplementedError


ITEMS = [f"tell us about thing {i}" for i in range(4)]


def society(*, people: int) -> Society:
    said = pl.DataFrame({"post": [f"t{i}" for i in range(2 * people)]}).with_columns(
        person=pl.format("p{}", pl.int_range(pl.len()) % people), text=pl.format("a word and {}", pl.int_range(pl.len())),
        thread=pl.col("post"), parent=pl.lit(None, pl.String),
    )  # fmt: skip
    who = pl.DataFrame({"person": [f"p{i}" for i in range(people)]})
    return Society(frames.people(who), frames.posts(said), frames.ties(frames.empty("ties")))


def halves(everyone: pl.DataFrame) -> Members:
    return frames.members(
        everyone.select(
            "person", community=pl.when(pl.col("person").hash(0) % 2 == 0).then(pl.lit("a")).otherwise(pl.lit("b"))
        )
    )


def items() -> Items:
    return frames.items(
        pl.DataFrame(
            {"item": [f"i{k}" for k in range(len(ITEMS))], "prompt": ITEMS, "options": [None] * len(ITEMS)},
            schema_overrides={"options": pl.List(pl.String)},
        )
    )


def asked(model: Any, *, draws: int) -> Replies:
    return ask({"a": model}, items(), draws=draws, tokens=8)


def lengths(replies: pl.DataFrame) -> pl.DataFrame:
    return (
        replies.group_by("item")
        .agg(pl.col("text").str.len_chars().sum().alias("length"), pl.len().alias("n"))
        .sort("item")
    )


def printed(folder: Path, work: Workspace, told: pl.DataFrame) -> None:
    write(Page("Swept", [Section("Lengths", table=told)]), folder / "report.html")


def tables(folder: Path, url: str) -> None:
    """Loads, finds, asks a model that costs, measures, branches, prints."""
    with workspace(folder, system="kills", keywords={"people": 12}) as work:
        people = work.society("load", society, people=12)
        members = work.frame("communities", frames.members, halves, people.people)
        said = work.frame("replies", frames.replies, asked, Paid(url), draws=2)
        work.frame("lengths", pl.DataFrame, lengths, said.head(2))  # whose place the next one takes
        told = work.frame("lengths", pl.DataFrame, lengths, said)
        more = work.branch("more").frame("replies", frames.replies, asked, Paid(url), draws=3)
        printed(folder, work, told.with_columns(members=pl.lit(members.height), more=pl.lit(more.height)))


def endpoint(folder: Path, url: str) -> None:
    """Asks a real endpoint through the client, several calls in flight, then prints."""
    with workspace(folder, system="kills", keywords={}) as work:
        model = served("m", url=url, key=None, workers=2, pause=0.01)
        said = work.frame("replies", frames.replies, asked, model, draws=2)
        printed(folder, work, work.frame("lengths", pl.DataFrame, lengths, said))


def training(folder: Path, url: str) -> None:
    """Makes a small base, teaches two communities with a checkpoint at each step, asks one of them, prints."""
    with workspace(folder, system="kills", keywords={}) as work:
        base = work.files("base", untrained)
        taught = work.files("taught", teach, base, examples())
        said = work.frame("replies", frames.replies, from_weights, base, taught, draws=2)
        printed(folder, work, work.frame("lengths", pl.DataFrame, lengths, said))


def untrained(*, folder: Path) -> None:
    from tests.align.test_finetune import llama

    llama(folder)


def examples() -> Examples:
    rows = [(c, p, f"w{i} w{i + k}") for k, c in enumerate("ab") for i in range(8) for p in ("say it",)]
    return frames.examples(pl.DataFrame(rows, schema=["community", "prompt", "reply"], orient="row"))


def teach(base: Path, learnt: Examples, *, folder: Path) -> None:
    from sociolect.align.finetune import finetune_each
    from sociolect.models.local import local

    model = local(base, name="scratch/test", threads=1)
    finetune_each(model, learnt, folder=folder, epochs=1, rate=1e-2, batch_tokens=24, save_every=0, workers=1)


def from_weights(base: Path, taught: Path, *, draws: int) -> Replies:
    from sociolect.models.local import local

    return asked(local(base, adapter=taught / "a", name="scratch/test@a", threads=1, batch=2), draws=draws)


def forgetting(folder: Path, url: str) -> None:
    """Forgets somebody in a workspace that stands; their key lies beside it."""
    from sociolect.keep.forget import forget

    forget(folder, url, key=folder.parent / "key")


STUDIES: dict[str, Callable[[Path, str], None]] = {
    "tables": tables,
    "endpoint": endpoint,
    "training": training,
    "forgetting": forgetting,
}


def made(folder: Path) -> dict[str, bytes]:
    """What must not depend on a kill: the page, its tables, every step's tables and weights, by name."""
    kept = (p for p in sorted(folder.rglob("*")) if p.suffix in {".parquet", ".csv", ".html", ".safetensors"})
    return {str(p.relative_to(folder)): sha256(p.read_bytes()).digest() for p in kept}


def child(study: str, folder: str, url: str) -> int:
    """The exit code of one run of a study in this process."""
    try:
        STUDIES[study](Path(folder), url)
    except BaseException as error:
        # The limit on what may be written is no limit on what is said of it.
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if isinstance(error, SociolectError):
            print(error, file=sys.stderr)
            return error.exit_code
        traceback.print_exc()
        return 1
    return 0
