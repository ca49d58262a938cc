"""The arms: one base model, untouched, shown posts, or fine-tuned on them; and fine-tuned on shuffled communities."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.align.canaries import sown
from sociolect.align.demonstrations import demonstrations, pooled
from sociolect.align.finetune import finetune_each, folder_name
from sociolect.align.in_context import in_context
from sociolect.align.jobs import seen_card
from sociolect.align.shareable import judged, learnt
from sociolect.align.templates import render, templates
from sociolect.compare.memorisation import memorisation, shareable
from sociolect.elicit.ask import ask
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Effects, Examples, Members, Posts, Replies
from sociolect.load.planted_tasks import tasks
from sociolect.measure.canaries import exposure
from sociolect.measure.memorised import memorised
from sociolect.models.local import Local, local
from sociolect.models.model import Model
from sociolect.models.scratch import scratch
from sociolect.systems.studies.community_fidelity.elicit import prompts
from sociolect.text import words as words_of

TIMES = 140  # ours: how often a base trained here meets each general task; at 66 it was still at chance, at 140 it knows them all
TOP_K = 50  # [code] the framework's default; the model protocol has none, so it is bound when the weights are opened
ARMS = ("base", "in_context", "aligned", "shuffled")


def topical(posts: Posts, topics: pl.DataFrame) -> Posts:
    """The posts with a column `topic`: the first topic whose words they hold, as said in a prompt; null where none is."""
    told = [(words, set(words_of(words))) for words in topics["words"]]
    held = [next((w for w, need in told if need <= said), None) for said in (set(words_of(t)) for t in posts["text"])]
    return frames.posts(posts.with_columns(topic=pl.Series(held, dtype=pl.String)))


def train_base(posts: Posts, *, general: Examples | None = None, folder: Path, size: str, seed: int) -> None:
    """A small transformer trained from nothing on everybody's training posts, without naming a community.

    Half of its examples stand after posts of one community, so that it learns to read the posts an in-context prompt shows.
    With `general` it learns these tasks too, over and over, so that there is something to forget.
    """
    said = pooled(posts, group="community", context=80, topic_column="topic", seed=seed)
    if general is not None:
        plain = general.select(
            "prompt", "reply", community=pl.lit("pooled"), exemplars=pl.lit(0, pl.Int64), held_out=pl.lit(False)
        )
        said = frames.examples(pl.concat([said, *[plain] * TIMES], how="diagonal_relaxed"))
    scratch(said, folder, size=size, seed=seed)


def general(file: Path | None, *, plants: bool) -> Examples:
    """The general demonstrations that a mix adds: a file's (columns prompt, reply), or the planted tasks.

    Raises InputError where the file cannot be read as one, UsageError where real posts come without one.
    """
    if file is None:
        if not plants:
            raise UsageError(
                "--mix adds general demonstrations: name their table with --general (columns prompt, reply)"
            )
        return tasks()
    readers: dict[str, Callable[[Path], pl.DataFrame]] = {
        ".csv": pl.read_csv,
        ".jsonl": pl.read_ndjson,
        ".parquet": pl.read_parquet,
    }
    if file.suffix not in readers:
        raise InputError(f"{file.name} is no table of general demonstrations: due is .csv, .jsonl or .parquet")
    try:
        said = readers[file.suffix](file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{file} cannot be read as general demonstrations: {error}") from error
    if missing := {"prompt", "reply"} - set(said.columns):
        raise InputError(f"{file} has no column {', '.join(sorted(missing))}: a demonstration needs prompt and reply")
    kept = said.select(pl.col("prompt", "reply").cast(pl.String)).drop_nulls().unique(maintain_order=True)
    return frames.examples(
        kept.with_columns(community=pl.lit("general"), item=pl.format("g{}", pl.int_range(pl.len())))
    )


def given(base: str) -> Path | str:
    """Where a named base lies: a folder, whose content then counts for every step made of it, or a hub id.

    Raises UsageError for a model whose weights are not to be had: it cannot be fine-tuned.
    """
    if not base.startswith("hf/"):
        raise UsageError(
            f"--base {base}: this study fine-tunes its base, so it takes hf/<hub id or folder>; without --base it trains its own"
        )
    where = base.removeprefix("hf/")
    return Path(where) if Path(where).is_dir() else where


def opened(base: Path | str) -> Local:
    """The base model, in the arms' common setting."""
    return local(base, top_k=TOP_K, name="base")


def demonstrate(
    posts: Posts, members: Members, *, name_community: bool, most: int, general: Examples | None, mix: float, seed: int
) -> Examples:
    return demonstrations(
        posts,
        members,
        topic_column="topic",
        name_community=name_community,
        most=most,
        general=general,
        mix=mix,
        seed=seed,
    )


def held_against(
    apart: Posts, members: Members, manner: dict[str, Any], *, secrets: pl.DataFrame | None
) -> dict[str, Any]:
    """What `teach` tests memorisation with: demonstrations of people whom no model learns from, and the canaries.

    What a model gives away of its own people is held against them.
    """
    never = demonstrate(apart, members, **manner | {"general": None, "mix": 0.0})
    return {"apart": never, "secrets": secrets, "tested": min(200, manner["most"] // 4)}


def teach(
    base: Path | str,
    examples: Examples,
    *,
    folder: Path,
    apart: Examples | None = None,
    secrets: pl.DataFrame | None = None,
    tested: int = 200,
    seed: int = 0,
    **settings: Any,
) -> None:
    """Every community's fine-tuned weights, one folder each below `folder`.

    With `apart`, demonstrations of people that no model learns from, each is tested for what it memorised, on at most `tested`
    posts a side and on its canaries among `secrets`; its card says the outcome. Untested, it says that it is not shareable.
    """
    made = finetune_each(opened(base), examples, folder=folder, seed=seed, **settings)
    for name, model in made.items() if apart is not None else ():
        found, ok, why = _memory(model, name, examples, apart, secrets, n=tested, seed=seed)
        judged(folder / folder_name(name), found, ok=ok, why=why)


def _memory(
    model: Local,
    name: str,
    examples: Examples,
    apart: Examples | None,
    secrets: pl.DataFrame | None,
    *,
    n: int,
    seed: int,
) -> tuple[Effects | None, bool, str]:
    """What one community's model memorised, whether it may be shared, and why not."""
    own = learnt(examples.filter(pl.col("community") == name), seed=seed)
    other = apart.filter(pl.col("community") == name) if apart is not None else own.clear()
    bits = None
    if secrets is not None:
        dealt = sown(examples).filter(pl.col("community") == name).drop("community")
        mine = secrets.filter(pl.col("canary").is_in(dealt["canary"].implode()))
        prompts = [render(row) for row in templates().head(3).iter_rows(named=True)]
        bits = exposure(model, mine, prompts=prompts).join(dealt, on="canary") if mine.height else None
    try:
        found = memorisation(memorised(model, own, other, n=n, seed=seed), canaries=bits, seed=seed)
    except (InputError, RefusedError) as error:
        return None, False, str(error)
    return found, *shareable(found)


def memory(folder: Path, communities: Sequence[str]) -> pl.DataFrame:
    """What the cards say of each community's weights: community, measure, estimate, low, high, n, shareable, why."""
    rows: list[dict[str, Any]] = []
    for name in communities:
        card = seen_card(folder / folder_name(name))
        numbers = {k: v for k, v in card.get("memorisation", {}).items() if k != "tested"}
        verdict = {"community": name, "shareable": "yes" if card.get("shareable") else "no", "why": card.get("why")}
        rows += [verdict | {"measure": k, **v} for k, v in numbers.items()] or [verdict]
    shape: dict[str, pl.DataType] = {"community": pl.String(), "measure": pl.String()}
    shape |= dict.fromkeys(("estimate", "low", "high"), pl.Float64()) | {"n": pl.Int64(), "shareable": pl.String()}
    return pl.DataFrame(rows, schema=shape | {"why": pl.String()})


def asked(
    arm: str, base: Path | str, adapters: Path | None, examples: Examples, topics: pl.DataFrame, *, held_out: frozenset[str],
    name_community: bool, templates: int, exemplars: int, decoding: dict[str, Any], seed: int,
) -> Replies:  # fmt: skip
    """What one arm says on every topic in every template, for each community.

    Arms differ in one thing: what the base was given of the community (nothing, posts in the prompt, or weights).
    """
    whole = opened(base)
    said = []
    for (name,), part in sorted(examples.partition_by("community", as_dict=True).items()):
        model: Model = whole
        if arm == "in_context":
            model = in_context(whole, frames.examples(part), exemplars=exemplars, guard=held_out, seed=seed)
        elif adapters is not None:
            model = local(whole.folder, adapter=adapters / folder_name(str(name)), top_k=TOP_K, name=f"base@{name}")
        items = prompts(topics, community=str(name) if name_community else None, templates=templates)
        said.append(ask({str(name): model}, items, condition=arm, seed=seed, **decoding))
    return frames.replies(pl.concat(said))
