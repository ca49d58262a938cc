"""One knob at a time: the study run again with other values of it, one row for each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from sociolect import frames, text
from sociolect.align.finetune import folder_name
from sociolect.compare.differences import means
from sociolect.elicit.ask import ask
from sociolect.errors import UsageError
from sociolect.frames import Effects, Examples, Replies, Scores
from sociolect.measure.scoring import score
from sociolect.models.local import local
from sociolect.models.model import Model
from sociolect.report import plots
from sociolect.report.content import Page, Section
from sociolect.systems.studies.community_fidelity import align, injections
from sociolect.systems.studies.community_fidelity.chain import Chain
from sociolect.workspace import Workspace

KNOBS = (
    "templates",
    "name_community",
    "lora_rank",
    "temperature",
    "examples_n",
    "hashtags",
    "quality",
    "injected",
    "seed",
)
OFF = {"ablate": (), "by": None, "instrument": "", "answers": None}  # asked once, of the study itself


def versatility(base: Any, weights: Mapping[str, Any], tasks: Examples, *, communities: Sequence[str]) -> Replies:
    """What the untouched base and each community's fine-tuned model answer to general tasks, greedily."""
    items = frames.items(tasks.select("item", "prompt", options=pl.lit(None, pl.List(pl.String)), due="reply"))
    tokens = 4 * int(tasks["reply"].str.split(" ").list.len().max())  # type: ignore[arg-type]  # an integer column
    said = []
    whole = align.opened(base)
    for name in communities:
        tuned = local(whole.folder, adapter=weights["aligned"] / folder_name(name), name=f"base@{name}")
        arms: dict[str, Model] = {"base": whole, "aligned": tuned}
        said += [ask({name: m}, items, condition=arm, tokens=tokens, temperature=0.0) for arm, m in arms.items()]
    return frames.replies(pl.concat(said))


def right(replies: Replies) -> Scores:
    """Whether each answer is the one that is due, word for word: measure `versatility`, 1 or 0."""
    hit = (text.key(pl.col("text")) == text.key(pl.col("due"))).fill_null(value=False)
    return score(replies, {"versatility": replies.select(hit.cast(pl.Float64)).to_series()})


def forgetting(chain: Chain, tasks: Examples) -> Effects:
    """Accuracy on the general tasks of the base and the fine-tuned models; the tasks are the clusters."""
    heard = chain.workspace.frame("versatility", frames.replies, versatility, chain.base, chain.weights, tasks, communities=chain.communities)  # fmt: skip
    return means(right(heard), clusters=("item",), seed=chain.seed)


def sections(
    run: Callable[..., Page], workspace: Workspace, said: Mapping[str, Any], *, chain: Chain, tasks: Examples | None, here: Effects
) -> list[Section]:  # fmt: skip
    """Mixes and ablations: the study again in a branch of its workspace for every value but the one it has already."""
    out = []
    ratios = said["mix"]
    if tasks is not None:
        rows = [_row("mix", ratios[0], here, forgetting(chain, tasks))]
        for ratio in ratios[1:]:
            below = workspace.branch(f"mix={ratio:g}")
            run(below, **(dict(said) | OFF | {"mix": (ratio,)}))
            known = means(right(frames.replies(_step(below, "versatility"))), clusters=("item",), seed=chain.seed)
            rows.append(_row("mix", ratio, _step(below, "origin_fidelity"), known))
        shown = pl.concat(rows).with_columns(n=pl.col("n").cast(pl.Int64))
        prose = """General demonstrations for each one of the community's. Fidelity is the origin F1 between floor and ceiling; \
versatility is accuracy on general tasks that the base knows."""
        out.append(
            Section(
                "Fidelity against versatility",
                prose,
                table=shown,
                name="mix",
                figure=plots.forest(shown, reference=None) if len(ratios) > 1 else "",
            )
        )
        out.append(
            Section(
                "What fine-tuning forgets",
                "The untouched base and the fine-tuned models on the same tasks.",
                table=forgetting(chain, tasks),
                name="versatility",
            )
        )
    if said["ablate"]:
        rows, poisoned = [], []
        for knob, value in wanted(said["ablate"]):
            below = workspace.branch(f"{knob}={value}")
            run(below, **(dict(said) | OFF | {knob: value, "mix": ratios[:1]}))
            rows.append(_row(knob, value, _step(below, "origin_fidelity"), None))
            if knob == "injected":
                both = injections.heard(workspace), injections.heard(below)
                poisoned.append(injections.shifts(*both, share=value, seed=chain.seed))
        rows.append(_row("as run", "", here, None))
        prose = "The fine-tuned arm's origin F1 between floor and ceiling, with one knob turned; all else is as in this run."
        shown = pl.concat(rows)
        out.append(
            Section(
                "One knob at a time", prose, table=shown, name="ablations", figure=plots.forest(shown, reference=None)
            )
        )
        out += [injections.section(poisoned)] if poisoned else []
    return out


def wanted(said: Sequence[str]) -> list[tuple[str, Any]]:
    """Knob and value out of `temperature=0.5`, each once; raises UsageError with every fault at once.

    >>> wanted(["temperature=0.5", "name_community=true", "lora_rank=8"])
    [('temperature', 0.5), ('name_community', True), ('lora_rank', 8)]
    """
    kinds: dict[str, Callable[[str], Any]] = {
        "temperature": float, "name_community": _truth, "quality": _truth, "hashtags": _hashtags, "templates": int,
        "lora_rank": int, "examples_n": int, "injected": _share, "seed": int,
    }  # fmt: skip
    out, faults = [], []
    for one in said:
        knob, parted, value = one.partition("=")
        knob = knob.strip().replace("-", "_")
        try:
            if not parted or knob not in kinds:
                raise ValueError(one)
            out.append((knob, kinds[knob](value.strip())))
        except (ValueError, KeyError):
            faults.append(repr(one))
    if faults:
        raise UsageError(f"--ablate takes knob=value of {', '.join(KNOBS)}; not {', '.join(faults)}")
    return list(dict.fromkeys(out))


def _share(word: str) -> float:
    if not 0 < float(word) <= 1:
        raise ValueError(word)
    return float(word)


def _truth(word: str) -> bool:
    return {"true": True, "false": False}[word.lower()]


def _hashtags(word: str) -> str:
    return {"strip": "strip", "word": "word"}[word.lower()]


def _row(knob: str, value: object, bounded: pl.DataFrame, tasks: pl.DataFrame | None) -> pl.DataFrame:
    """The fine-tuned arm at one value of a knob, as rows of one table."""
    found = bounded.filter((pl.col("measure") == "macro_f1") & (pl.col("contrast") == "aligned"))
    columns = ("estimate", "low", "high", "n")
    name = f"{knob} {value}".strip()
    parts = [
        found.select(measure=pl.lit("origin macro F1"), contrast=pl.lit(name), **{c: c for c in columns}),
        found.select(
            measure=pl.lit("normalised fidelity"), contrast=pl.lit(name), estimate="normalised", low="normalised_low",
            high="normalised_high", n="n",
        ),
    ]  # fmt: skip
    if tasks is not None:
        known = tasks.filter(pl.col("contrast") == "aligned")
        parts.append(known.select(measure=pl.lit("versatility"), contrast=pl.lit(name), **{c: c for c in columns}))
    return pl.concat(parts)


def _step(below: Workspace, name: str) -> pl.DataFrame:
    return pl.read_parquet(below.folder / "steps" / name / "frame.parquet")
