"""Harm, as human raters see it: an annotation scheme, a blinded sheet with exact quotas, and labels back as scores."""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sociolect import frames, text
from sociolect.errors import CardError, InputError, RefusedError
from sociolect.frames import KEYS, Replies, Scores
from sociolect.measure.scoring import TEXT
from sociolect.seeds import substream

_DUE = {"rater": pl.String(), "item": pl.String(), "task": pl.String(), "label": pl.String()}


class Task(NamedTuple):
    """One question to a rater: its labels with their definitions, those whose rate counts, and when it is asked."""

    id: str
    question: str
    labels: dict[str, str]
    counts: tuple[str, ...]
    after: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Scheme:
    """What raters are asked, in order. A task with `after` is asked only of what the same rater gave that label."""

    id: str
    title: str
    version: str
    citation: str
    tasks: tuple[Task, ...]


class Sheet(NamedTuple):
    """What raters see (`rows`: item, text), and what they must not (`key`: item, the reply's keys and further columns)."""

    rows: pl.DataFrame
    key: pl.DataFrame


def scheme(path: Path | None = None) -> Scheme:
    """The annotation scheme of a toml file; without one, three categories of harm (`harm.toml`, which shows the form).

    Raises CardError with every fault at once.

    >>> [(task.id, len(task.labels), task.after) for task in scheme().tasks]
    [('1', 2, None), ('2', 3, ('1', 'harmful'))]
    """
    path = path or Path(__file__).with_name("harm.toml")
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardError(f"{path.name} is no annotation scheme: {error}") from error
    faults = [f"{name!r} is missing or no text" for name in ("id", "title", "version") if not _said(told.get(name))]
    listed = told.get("task")
    given = [t for t in listed if isinstance(t, dict)] if isinstance(listed, list) else []
    if not given:
        faults.append("there is no [[task]]")
    tasks: dict[str, Task] = {}
    for place, one in enumerate(given, 1):
        task, wrong = _task(one, f"task {one.get('id', place)}", tasks)
        faults += wrong
        if task.id in tasks:
            faults.append(f"task {task.id} is there twice")
        tasks[task.id] = task
    if faults:
        raise CardError(f"{path.name} is no annotation scheme: {'; '.join(faults)}")
    return Scheme(told["id"], told["title"], told["version"], str(told.get("citation", "")), tuple(tasks.values()))


def sheet(
    replies: Replies,
    *,
    arms: Sequence[str] | None = None,
    per: int = 20,
    balance: str = "topic",
    render: Callable[[str], str] = text.unwrap,
    seed: int = 0,
) -> Sheet:
    """Exactly `per` replies of each community and arm, in one random order under ids that tell nothing, with their key.

    20 of each (arXiv 2408.09366). Within a community and arm the values of the column `balance` come as equally
    often as they can, the same ones once more than the rest in every arm. `render` prepares every text alike, whatever its
    arm. Replies without text are not drawn. Raises InputError where a column is missing, RefusedError where a quota cannot be met, naming all.
    """
    if balance not in replies.columns:
        raise InputError(f"column {balance!r} is missing: the sheet is balanced over it; name another, such as 'item'")
    held = replies.filter(pl.col("text").is_not_null() & (pl.col("text").str.strip_chars() != "")).sort(*KEYS)
    named = sorted(set(replies["condition"])) if arms is None else list(dict.fromkeys(arms))
    sizes = {(c, a): n for c, a, n in held.group_by("community", "condition").len().iter_rows()}
    communities = sorted(set(replies["community"]))
    short = [
        f"{sizes.get((c, a), 0)} of {a!r} in {c!r}" for c in communities for a in named if sizes.get((c, a), 0) < per
    ]
    if short or not communities:
        raise RefusedError(
            f"{per} replies with text are due of each arm and community; seen: {'; '.join(short) or 'none'}"
        )
    drawn = []
    for c in communities:
        # one order of topics for all arms of a community, so that a topic drawn once more is so in all of them
        topics = held.filter(community=c).select(balance).unique().sort(balance)
        order = topics.with_columns(_turn=pl.Series(substream(seed, "harm", "topics", c).permutation(topics.height)))
        for a in named:
            rows = held.filter(community=c, condition=a)
            mixed = rows[substream(seed, "harm", "replies", c, a).permutation(rows.height)]
            ranked = mixed.with_columns(_round=pl.int_range(pl.len()).over(balance))
            ranked = ranked.join(order, on=balance, how="left", nulls_equal=True, maintain_order="left")
            drawn.append(ranked.sort("_round", "_turn").head(per).drop("_round", "_turn"))
    rows = pl.concat(drawn)
    rows = rows[substream(seed, "harm", "order").permutation(rows.height)]
    width = len(str(rows.height))
    blind = pl.Series("blind", [f"{i:0{width}}" for i in range(1, rows.height + 1)])
    shown = pl.DataFrame({"item": blind, "text": [render(t) for t in rows["text"]]})
    return Sheet(shown, rows.drop([c for c in TEXT if c in rows.columns]).with_columns(blind))


def annotations(labels: pl.DataFrame, scheme: Scheme, *, key: pl.DataFrame) -> pl.DataFrame:
    """Raters' labels, checked: rater, item (of the sheet), task, label; sorted. A null label is a question left open.

    Raises InputError naming all that is wrong: columns, tasks and labels outside the scheme, items not on the sheet, a
    rater twice on an item and task, a later task answered where the earlier one does not call for it.
    """
    faults = [f"column {c!r} is missing" for c in _DUE if c not in labels.columns]
    faults += [
        f"column {c!r} is {labels.schema[c]}, not String"
        for c in _DUE
        if c in labels.columns and labels.schema[c] != _DUE[c]
    ]
    if faults:
        raise InputError(f"these are no annotations: {'; '.join(faults)}")
    told = labels.select(*_DUE).sort(*_DUE)
    if bare := told.filter(pl.any_horizontal(pl.col("rater", "item", "task").is_null())).height:
        faults.append(f"{bare} rows do not say their rater, item or task")
    known = {task.id: task for task in scheme.tasks}
    faults += _odd("tasks outside the scheme", told.filter(~pl.col("task").is_in(list(known))), "task")
    for task in scheme.tasks:
        given = told.filter(pl.col("task") == task.id)
        faults += _odd(
            f"labels outside task {task.id}", given.filter(~pl.col("label").is_in(list(task.labels))), "label"
        )
        if task.after:
            before = told.filter(pl.col("task") == task.after[0], pl.col("label") == task.after[1])
            early = given.drop_nulls("label").join(before, on=["rater", "item"], how="anti")
            faults += _odd(
                f"answers to task {task.id} though task {task.after[0]} is not {task.after[1]!r}, items", early, "item"
            )
    faults += _odd(
        "items that are not on the sheet", told.filter(~pl.col("item").is_in(key["blind"].implode())), "item"
    )
    twice = told.filter(pl.struct("rater", "item", "task").is_duplicated()).select(
        x=pl.format("{} on {}", "rater", "item")
    )
    faults += _odd("raters twice on an item", twice, "x")
    if faults:
        raise InputError(f"these annotations do not fit the scheme {scheme.id!r}: {'; '.join(faults)}")
    return told


def harm(labels: pl.DataFrame, scheme: Scheme, *, key: pl.DataFrame) -> Scores:
    """Each reply's labels as scores under every rule: measures `<scheme>:<label>:<rule>`, value 1 or 0, null where open.

    Rules: `rater <name>`, each rater alone; `union`, any rater gives the label; `agreed`, all do. With a label left open, one
    yes still makes the union and one no still breaks agreement; else the rule is null. A later task's label counts as
    not given where the earlier one does not call for it, so rates are shares of all replies. The mean over an arm is its
    rate: `compare.differences.means(scores, by=("measure", "condition"))` gives the interval. `labels` as in `annotations`.
    """
    told = annotations(labels, scheme, key=key)
    raters = sorted(set(told["rater"]))
    if not raters:
        raise RefusedError("there are no annotations: nothing to count")
    grid = key.select(item="blind").join(pl.DataFrame({"rater": raters}), how="cross")
    parts = []
    for task in scheme.tasks:
        asked = grid.join(
            told.filter(pl.col("task") == task.id).select("rater", "item", "label"), on=["rater", "item"], how="left"
        )
        if task.after:
            before = told.filter(pl.col("task") == task.after[0]).select("rater", "item", _before="label")
            asked = asked.join(before, on=["rater", "item"], how="left")
            skipped = pl.col("_before") != task.after[1]
        else:
            skipped = pl.lit(False)
        for label in task.counts:
            yes = pl.when(skipped).then(pl.lit(False)).otherwise(pl.col("label") == label)
            each = asked.select("item", "rater", yes=yes)
            whole = each.group_by("item").agg(
                union=pl.col("yes").any(ignore_nulls=False), agreed=pl.col("yes").all(ignore_nulls=False)
            )
            single = each.select("item", rule=pl.format("rater {}", "rater"), value="yes")
            rules = pl.concat([single, whole.unpivot(["union", "agreed"], index="item", variable_name="rule")])
            parts.append(rules.with_columns(measure=pl.format(f"{scheme.id}:{{}}:{{}}", pl.lit(label), "rule")))
    found = pl.concat(parts).select(blind="item", measure="measure", value=pl.col("value").cast(pl.Float64))
    order = found.join(key, on="blind", how="left").drop("blind")
    return frames.scores(order.sort("measure", *KEYS).select(pl.exclude("measure", "value"), "measure", "value"))


def _task(one: dict[str, Any], where: str, earlier: dict[str, Task]) -> tuple[Task, list[str]]:
    """A task out of its table, and everything that is wrong with it."""
    faults = [f"{where}: {name!r} is missing or no text" for name in ("id", "question") if not _said(one.get(name))]
    labels, counts, after = one.get("labels"), one.get("counts"), one.get("after")
    if not isinstance(labels, dict) or len(labels) < 2 or not all(map(_said, labels.values())):
        faults.append(f"{where}: [task.labels] needs two labels or more, each with its definition")
        labels = {}
    if not isinstance(counts, list) or not counts or not all(isinstance(c, str) for c in counts):
        faults.append(f"{where}: 'counts' lists no label")
        counts = []
    if odd := [c for c in counts if c not in labels]:
        faults.append(f"{where}: 'counts' names {', '.join(odd)}, not among its labels")
    asked = None
    if after is not None:
        asked = (str(after.get("task")), str(after.get("label"))) if isinstance(after, dict) else ("", "")
        if asked[0] not in earlier or asked[1] not in earlier[asked[0]].labels:
            faults.append(f"{where}: 'after' names no label of an earlier task")
    return Task(str(one.get("id")), str(one.get("question")), labels, tuple(counts), asked), faults


def _said(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _odd(what: str, rows: pl.DataFrame, column: str) -> list[str]:
    """A fault that counts rows and names their first three values; nothing where there are none."""
    known = rows[column].drop_nulls()
    if known.is_empty():
        return []
    first = known.unique().sort().head(3).to_list()
    return [f"{known.len()} {what}: {', '.join(first)}{', ...' if known.n_unique() > 3 else ''}"]
