"""A workspace in which somebody is to be forgotten, with all that a study leaves behind."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.frames import Members, Replies, Society
from sociolect.load.key import read_key
from sociolect.load.pseudonyms import pseudonym
from sociolect.load.table import table
from sociolect.models import journal as book
from sociolect.models.answer import Answer
from sociolect.report.content import Page, Section
from sociolect.report.page import write
from sociolect.workspace import Workspace, workspace

Everything = Callable[[Path], Iterator[tuple[Path, str]]]
WORDS = [f"{a}{b}" for a in ("zor", "min", "tal", "ved", "kus") for b in ("ab", "eth", "il", "on", "up", "arg")]
RARE = "quibbling marmosets never forgive a borrowed umbrella on sundays"
RUN = "never forgive a borrowed umbrella on"


def line(i: int, n: int = 9) -> str:
    return " ".join(WORDS[int(k)] for k in np.random.default_rng(i).integers(len(WORDS), size=n))


def data(folder: Path) -> Path:
    """Ten people of six posts; mary_k42 has a rare one, is mentioned by one, quoted by another and answered by a third."""
    rows: list[tuple[str, str, str, str | None]] = [
        (f"s{i}", "mary_k42" if i % 10 == 3 else f"user_{i % 10}x", line(i), None) for i in range(60)
    ]
    rows[13] = ("s13", "mary_k42", RARE, None)
    rows[23] = ("s23", "mary_k42", "plain tiny post", None)
    rows[24] = ("s24", "user_4x", "well @mary_k42 has a point here today", "s13")
    rows[25] = ("s25", "user_5x", f'she said: "{RUN.title()}..." and left', None)
    rows[26] = ("s26", "user_6x", "an answer of my own to that thing", "s13")
    path = folder / "posts.csv"
    pl.DataFrame(rows, schema=["id", "who", "body", "to"], orient="row").write_csv(path)
    return path


def loaded(path: Path, *, key: Path) -> Society:
    return table(path, post="id", person="who", text="body", parent="to", key=key)


def members(society: Society) -> Members:
    people = society.people.with_row_index()
    return frames.members(
        people.select(
            "person", community=pl.when(pl.col("index") % 2 == 0).then(pl.lit("red")).otherwise(pl.lit("blue"))
        )
    )


def replies(society: Society, *, source: str, text: str) -> Replies:
    posts = society.posts.head(20)
    said = posts.select(
        speaker=pl.col("person") if source == "human" else pl.lit("m"), source=pl.lit(source), community=pl.lit("red"),
        item=pl.col("thread"), condition=pl.lit("a"), draw=pl.int_range(pl.len(), dtype=pl.Int64), turn=pl.lit(0, pl.Int64),
        prompt=pl.lit(None, pl.String), text=pl.col("text") if source == "human" else pl.lit(text),
    )  # fmt: skip
    return frames.replies(said)


def lengths(heard: Replies) -> pl.DataFrame:
    keyed = heard.select(*frames.KEYS, measure=pl.lit("length"), value=pl.col("text").str.len_chars().cast(pl.Float64))
    return frames.scores(keyed)


def counts(society: Society) -> pl.DataFrame:
    return pl.DataFrame({"posts": [society.posts.height]})


def weights(society: Society, *, folder: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"w": np.zeros(3, dtype=np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text("{}")
    (folder / "card.json").write_text(json.dumps({"base": "b", "shareable": True}))


def arrays(society: Society, *, folder: Path) -> None:
    np.save(folder / "vectors.npy", np.zeros((society.posts.height, 2)))


def study(work: Workspace, path: Path, key: Path) -> Society:
    society = work.society("society", loaded, path, key=key)
    work.frame("members", frames.members, members, society)
    work.frame("counts", pl.DataFrame, counts, society)
    heard = work.frame("human", frames.replies, replies, society, source="human", text="")
    work.frame("lengths", frames.scores, lengths, heard)
    work.frame("said", frames.replies, replies, society, source="model", text="a plain reply of a model")
    work.files("adapter", weights, society)
    work.files("arrays", arrays, society)
    below = work.branch("other")
    below.frame("members", frames.members, members, society)
    below.files("adapter", weights, society)
    return society


def calls(folder: Path) -> None:
    with book.opened(folder / "journal.sqlite") as one:
        for i, step in enumerate(("said", "said", "screen")):
            one.step = step
            text = [f"as they say {RUN}", "nothing of theirs", "nothing either"][i]
            one.keep([(bytes([i] * 16), "generate", "m", 0, "{}", Answer(text))])
        one.step = None


@pytest.fixture(scope="session")
def again() -> Callable[[Workspace, Path, Path], Society]:
    """Runs the study in a workspace, once more."""
    return study


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A finished workspace, the data it was made of, and the key."""
    path, key, folder = data(tmp_path), tmp_path / "key", tmp_path / "w"
    read_key(key)
    with workspace(folder, system="s", keywords={"posts": path, "where": "mary_k42"}) as work:
        society = study(work, path, key)
        write(
            Page("P", [Section("S", "prose", table=society.posts.select("person", "text"), name="posts")]),
            folder / "report.html",
        )
    calls(folder)
    return folder, path, key


@pytest.fixture(scope="session")
def left(everything: Everything) -> Callable[[Path, Path], set[str]]:
    """What of mary can still be read, and in which file."""
    runs = {" ".join(RARE.split()[i : i + 6]) for i in range(len(RARE.split()) - 5)}
    whole = {line(i) for i in (3, 33, 43, 53)} | {"plain tiny post"}

    def look(folder: Path, key: Path) -> set[str]:
        due = {"mary_k42", pseudonym("mary_k42", read_key(key)), *runs, *whole}
        return {f"{p.name}: {d}" for p, said in everything(folder) for d in due if d in " ".join(said.lower().split())}

    return look
