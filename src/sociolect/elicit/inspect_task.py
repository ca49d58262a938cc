"""Items as an Inspect task: a data set whose samples carry every key needed to come back, in memory or as files of its own.

The files need nothing of this package: `inspect eval task.py --model openai/gpt-4o` runs them wherever Inspect is installed.
`load.inspect_log` reads what comes back.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from sociolect.errors import InputError, UsageError, needs
from sociolect.fingerprint import fingerprint
from sociolect.frames import Items
from sociolect.settle import replaced

FORMAT = 1  # of the metadata; the reader refuses a newer one
TASK, SAMPLES = "task.py", "samples.jsonl"
_OWN = ("sociolect", "task", "item", "condition", "community", "digest")
# what a reply says of itself when it comes back: an item's column of that name would be lost
_TAKEN = ("speaker", "source", "draw", "turn", "text", "raw", "stop", "refused", "choice", "outcome", "position", "temperature", "top_p", "tokens", "uuid")  # fmt: skip
_SOURCE = '''"""{count} questions exported by Sociolect. Run them: inspect eval {task} --model provider/name"""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.model import GenerateConfig
{imports}from inspect_ai.solver import generate


@task
def {name}():
    return Task(
        dataset=json_dataset(str(Path(__file__).with_name({samples!r}))),
        solver=generate(),  # the prompt is whole: options and the way to answer stand in it
        {scorer}epochs={draws},
        config=GenerateConfig({config}),
        metadata={{"sociolect": {format}}},
    )
'''


def samples(
    variants: Mapping[str, Items],
    *,
    name: str = "instrument",
    community: str | None = None,
    system: str | None = None,
    target: str | None = None,
) -> list[dict[str, Any]]:
    """One sample per condition and item, as plain values: id, input, choices, target, metadata; sorted by condition and item.

    `variants` is what `elicit.variants` makes, by condition; items in free text may come as they are. The metadata hold the
    task's name, item, condition, community, a digest of the words put, and every further column of the item: nothing is found again by its
    place. `{community}` in a framing or in `system` becomes the community's name. `target` names a column of option ids that
    are right: the sample's target is that option's label, else its words.

    Raises InputError where options were never laid out, two samples share an id, or a value is none that JSON holds;
    UsageError for a column that is not there.

    >>> import polars as pl
    >>> from sociolect import frames
    >>> tea = frames.items(pl.DataFrame({"item": ["1"], "prompt": ["What of tea?"], "options": [None]}, schema_overrides={"options": pl.List(pl.String)}))
    >>> found = samples({"asked": tea}, community="red")[0]
    >>> found["id"], found["input"], found["metadata"]["condition"]
    ('1#c66790da', 'What of tea?', 'asked')
    """
    out: list[dict[str, Any]] = []
    bare = [
        name for name, items in variants.items() if items["options"].null_count() < items.height and "shown" not in items.columns
    ]  # fmt: skip
    if bare:
        raise InputError(f"condition {bare[0]!r} has options that nobody laid out: make it with elicit.variants")
    for condition, items in sorted(variants.items()):
        if target is not None and target not in items.columns:
            raise UsageError(f"no column {target!r} to take targets from; there are: {', '.join(items.columns)}")
        for row in items.sort("item").iter_rows(named=True):
            if taken := sorted(set(row) & {*_OWN, *_TAKEN} - {"item"}):
                raise InputError(
                    f"items have a column {taken[0]!r}, which the export or the log writes itself: rename it"
                )
            prompt = str(row["prompt"])
            if community is not None and (holes := str(row.get("framed") or "").count("{community}")):
                prompt = prompt.replace("{community}", community, holes)
            told = system.replace("{community}", community or "{community}") if system else None
            chat = [{"role": "system", "content": told}] if told else []
            words = dict(zip(row["options"] or (), row.get("wording") or row["options"] or (), strict=True))
            kept = {k: v for k, v in row.items() if k not in ("item", "prompt", "group_prompt")}
            one = {
                "id": f"{row['item']}#{sha256(condition.encode()).hexdigest()[:8]}",
                "input": [*chat, {"role": "user", "content": prompt}] if chat else prompt,
                "target": _right(row, words, target) if target else "",
                "metadata": {
                    "sociolect": FORMAT, "task": name, "item": row["item"], "condition": condition, "community": community,
                    "digest": fingerprint([*((told,) if told else ()), prompt]), **kept,
                },
            }  # fmt: skip
            if row["options"]:
                one["choices"] = [words[o] for o in row["shown"]]
            out.append(one)
    if not out:
        raise InputError("there are no items: nothing to export")
    if len(out) > len({one["id"] for one in out}):
        raise InputError(
            f"{len(out) - len({one['id'] for one in out})} samples share an id with another: rename their items"
        )
    try:
        json.dumps(out, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"the items hold a value that JSON does not: {error}; drop or change that column") from error
    return out


def task(
    variants: Mapping[str, Items],
    *,
    name: str = "instrument",
    draws: int = 1,
    community: str | None = None,
    system: str | None = None,
    target: str | None = None,
    tokens: int = 64,
    temperature: float = 1.0,
    top_p: float = 1.0,
) -> Any:
    """The items as an `inspect_ai.Task`, for `inspect_ai.eval`; an epoch is a draw. Raises MissingExtra without inspect_ai."""
    try:
        from inspect_ai import Task
        from inspect_ai.dataset import MemoryDataset, Sample
        from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig
        from inspect_ai.scorer import match
        from inspect_ai.solver import generate
    except ImportError as error:
        raise needs("an Inspect task", "inspect") from error
    _checked(name, draws)
    kind = {"system": ChatMessageSystem, "user": ChatMessageUser}

    def sample(one: dict[str, Any]) -> Any:
        said = one["input"]
        chat = said if isinstance(said, str) else [kind[m["role"]](content=m["content"]) for m in said]
        return Sample(**{**one, "input": chat})

    made = [sample(one) for one in samples(variants, name=name, community=community, system=system, target=target)]
    return Task(
        dataset=MemoryDataset(made, name=name),
        solver=generate(),
        scorer=match(location="exact") if target else None,
        epochs=draws,
        config=GenerateConfig(max_tokens=tokens, temperature=temperature, top_p=top_p),
        metadata={"sociolect": FORMAT},
        name=name,
    )


def written(
    variants: Mapping[str, Items],
    folder: Path,
    *,
    name: str = "instrument",
    draws: int = 1,
    community: str | None = None,
    system: str | None = None,
    target: str | None = None,
    tokens: int = 64,
    temperature: float = 1.0,
    top_p: float = 1.0,
) -> int:
    """The same as a folder that `inspect eval` runs alone: task.py and samples.jsonl; how many samples it holds.

    Raises UsageError where the folder holds a task already, or the name is no name of a task.
    """
    _checked(name, draws)
    if (folder / TASK).exists():
        raise UsageError(f"{folder} holds a task already: name another folder")
    made = samples(variants, name=name, community=community, system=system, target=target)
    said = {
        "count": len(made), "task": TASK, "samples": SAMPLES, "name": name, "draws": draws, "format": FORMAT,
        "imports": "from inspect_ai.scorer import match\n" if target else "",
        "scorer": 'scorer=match(location="exact"),  # a first look: Sociolect reads the replies anew\n        ' if target else "",
        "config": f"max_tokens={tokens!r}, temperature={temperature!r}, top_p={top_p!r}",
    }  # fmt: skip
    lines = "".join(json.dumps(one, ensure_ascii=False, allow_nan=False) + "\n" for one in made)
    replaced(folder / SAMPLES, lines.encode("utf-8", "replace"))
    replaced(folder / TASK, _SOURCE.format(**said).encode())
    return len(made)


def _right(row: Mapping[str, Any], words: Mapping[str, str], target: str) -> str:
    """The label of the option that is right, as it is shown; its words where there is none."""
    if (right := row[target]) is None:
        return ""
    if row["shown"] is None or right not in row["shown"]:
        raise InputError(f"item {row['item']}: {target} is {right!r}, which is none of its options")
    place = row["shown"].index(right)
    return str(row["labels"][place] if row["labels"] else words[right])


def _checked(name: str, draws: int) -> None:
    faults = [f"{name!r} is no name of a task: letters, digits and _ are due, a letter first"] * (
        not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)
    )
    faults += [f"draws is {draws}: 1 or more is due"] * (draws < 1)
    if faults:
        raise UsageError("; ".join(faults))
