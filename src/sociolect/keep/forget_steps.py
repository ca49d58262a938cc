"""What becomes of each step of a workspace when somebody is forgotten: kept, cut, marked stale, or removed."""

import json
import shutil
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.forgotten import Register, without
from sociolect.frames import Society
from sociolect.keep.forget_files import traced
from sociolect.points import point
from sociolect.record import mapping
from sociolect.settle import replaced
from sociolect.traces import Traces, marks, unmarked

PARTS = ("people", "ties", "set_aside", "posts")  # the posts last: while they stand, what was said can be looked up
ANSWERS = {"posts.parquet": ("thread", "parent")}
STALE = "stale.json"
WHY = "somebody whose posts it may have learnt from was forgotten: train it anew"
ARRAYS = {".npy", ".npz", ".pt", ".bin", ".gguf"}


class Fate(NamedTuple):
    """A step's folder, what is done with it (cut, stale, removed), how many rows that is about, and why."""

    folder: Path
    done: str
    rows: int | None
    why: str


def steps(folder: Path) -> list[Path]:
    """The folders of all steps, of the branches too."""
    # What is hidden was on its way somewhere when a run was killed, and goes as a whole.
    seen = (p for p in folder.rglob("*") if p.parent.name == "steps" and p.is_dir())
    return sorted(p for p in seen if not any(q.startswith(".") for q in p.relative_to(folder).parts))


def tables(folder: Path) -> Iterator[pl.DataFrame]:
    """Every table of every step that can be read."""
    for step in steps(folder):
        for path in sorted(step.rglob("*.parquet")):
            try:
                yield pl.read_parquet(path)
            except (OSError, pl.exceptions.PolarsError):  # removed below, as what cannot be searched
                continue


def fates(folder: Path, known: Traces, *, derived: bool, keep: Collection[str]) -> list[Fate]:
    """What is to be done with which step, societies last; steps that are kept are left out.

    With `derived`, what a model said or learnt is taken to come from the person's posts: their step does not tell. `keep`
    names steps of which somebody knows that it does not.
    """
    found = [_fate(step, known, derived=derived and step.name not in keep) for step in steps(folder)]
    return sorted(
        (f for f in found if f), key=lambda f: (f.done == "cut", (f.folder / "posts.parquet").exists(), f.folder)
    )


def _fate(step: Path, known: Traces, *, derived: bool) -> Fate | None:
    # A file that is hidden was being written when a run was killed: it is gone by the time that this is done.
    files = sorted(p for p in step.rglob("*") if p.is_file() and p.name != "step.json" and p.name[0] != ".")
    parquet = [p for p in files if p.suffix == ".parquet"]
    held = [p for p in files if traced(p, known)]
    names = {p.name for p in files}
    try:
        # An answer to one of their posts stays in a society, and is no row that goes.
        rows = sum(
            int(marks(pl.read_parquet(p).drop(ANSWERS.get(p.name, ()), strict=False), known).sum())
            for p in held
            if p in parquet
        )
        models = derived and any(_models(p) for p in parquet)
    except (OSError, pl.exceptions.PolarsError):
        return Fate(step, "removed", None, "a table that cannot be read")
    if traced(step / "step.json", known):
        return Fate(step, "removed", None, "its record names the person")
    if names >= {f"{p}.parquet" for p in PARTS}:
        return Fate(step, "cut", rows, f"rows about the person{_others(step, known)}") if held else None
    if models:
        return Fate(step, "removed", None, "replies of models that may have seen the posts")
    if any(p.suffix == ".safetensors" for p in files):
        if held:
            return Fate(step, "removed", None, "a trace beside its weights")
        fresh = any(not (p.parent / STALE).exists() for p in files if p.suffix == ".safetensors")
        return Fate(step, "stale", None, "weights that may have learnt the posts") if derived and fresh else None
    if held and names == {"frame.parquet"}:
        return Fate(step, "cut", rows, "rows about the person")
    if held:
        return Fate(step, "removed", None, "a trace in its files")
    if derived and any(p.suffix in ARRAYS for p in files):
        return Fate(step, "removed", None, "arrays that may be made of the posts")
    return None


def _others(step: Path, known: Traces) -> str:
    """How many posts of others go with them: whoever forgets sees what it costs."""
    posts = pl.read_parquet(step / "posts.parquet")
    # Whose thread or parent alone is theirs stays, under another thread's name.
    others = posts.filter(~pl.col("person").is_in(known.ids)).drop("thread", "parent")
    count = int(marks(others, known).sum())
    return f", {count} of them posts of others that name them or hold their words" if count else ""


def done(fate: Fate, known: Traces, register: Register) -> None:
    """Does it. Nothing is written in place: a step of a branch may be a hard link of the one above."""
    step = fate.folder
    if fate.done == "removed":
        # Under another name first: half a step is never taken for a whole one.
        aside = step.with_name(f".{step.name}.gone")
        shutil.rmtree(aside, ignore_errors=True)
        step.rename(aside)
        point("forget aside")
        shutil.rmtree(aside)
    elif fate.done == "stale":
        for folder in sorted({p.parent for p in step.rglob("*.safetensors")}):
            stale(folder)
        _record(step, key=None)
    elif (step / "posts.parquet").exists():
        _society(step, known, register)
    else:
        _put(step / "frame.parquet", unmarked(pl.read_parquet(step / "frame.parquet"), known))
        point("forget cut")
        _record(step, key=None)


def stale(folder: Path) -> None:
    """Marks the weights in a folder as not to be used, in `stale.json` and on their card."""
    replaced(folder / STALE, (json.dumps({"stale": WHY}) + "\n").encode())
    point("forget stale")
    card = mapping(folder / "card.json")
    if card is not None:
        said = card | {"shareable": False, "stale": WHY}
        replaced(folder / "card.json", (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode())


def _society(step: Path, known: Traces, register: Register) -> None:
    """The society cut; its step keeps its key, so that it is not loaded anew: what is made of it then differs, and is."""
    read = {p: pl.read_parquet(step / f"{p}.parquet") for p in PARTS}
    whole = Society(
        frames.people(read["people"]), frames.posts(read["posts"]), frames.ties(read["ties"]), read["set_aside"]
    )
    kept = without(whole, known, register)
    for part in PARTS:
        _put(step / f"{part}.parquet", getattr(kept, part))
        point("forget cut")
    _record(step)


def _put(path: Path, frame: pl.DataFrame) -> None:
    held = BytesIO()
    frame.write_parquet(held)
    replaced(path, held.getvalue())


def _record(step: Path, **changed: Any) -> None:
    """The step's record with the sizes of its files as they are now; with key=None it is made anew the next time."""
    said = mapping(step / "step.json")
    if said is None:
        return
    sizes = {name: (step / name).stat().st_size for name in said.get("bytes", {}) if (step / name).exists()}
    replaced(step / "step.json", json.dumps(said | {"bytes": sizes} | changed, indent=1).encode())


def _models(path: Path) -> bool:
    """Whether a table holds what models said, or numbers about it."""
    shape = pl.read_parquet_schema(path)
    return shape.get("source") == pl.String and bool(
        (pl.read_parquet(path, columns=["source"])["source"] == "model").any()
    )
