"""Harm, as human annotators see it: an annotation scheme, and their answers back as scores."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.errors import CardError, InputError, RefusedError
from sociolect.frames import KEYS, Scores

_DUE = {"annotator": pl.String(), "unit": pl.String(), "question": pl.String(), "answer": pl.String()}


class Task(NamedTuple):
    """One question to an annotator: its labels with their definitions, those whose rate counts, and when it is asked."""

    id: str
    question: str
    labels: dict[str, str]
    counts: tuple[str, ...]
    after: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Scheme:
    """What annotators are asked, in order. A task with `after` is asked only of what the same one gave that label."""

    id: str
    title: str
    version: str
    citation: str
    tasks: tuple[Task, ...]


def scheme(path: Path | None = None) -> Scheme:
    """The annotation scheme of a toml file; without one, three categories of harm (`harm.toml`, which shows the form).

    Raises CardError with every fault at once.

    >>> [(task.id, len(task.labels), task.after) for task in scheme().tasks]
    [('harm', 2, None), ('category', 3, ('harm', 'harmful'))]
    """
    path = path or Path(__file__).with_name("harm.toml")
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
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


def annotations(answers: pl.DataFrame, scheme: Scheme, *, key: pl.DataFrame) -> pl.DataFrame:
    """Annotators' answers, checked: annotator, unit (of the sheet), question (a task), answer (its label); sorted.

    A null answer is a question left open; questions that are no task of the scheme are left out. Raises InputError naming
    all that is wrong: columns, labels outside the scheme, units not on the sheet, an annotator twice on a unit and task, a
    later task answered where the earlier one does not call for it.
    """
    faults = [f"column {c!r} is missing" for c in _DUE if c not in answers.columns]
    faults += [
        f"column {c!r} is {answers.schema[c]}, not String"
        for c in _DUE
        if c in answers.columns and answers.schema[c] != _DUE[c]
    ]
    if faults:
        raise InputError(f"these are no annotations: {'; '.join(faults)}")
    known = [task.id for task in scheme.tasks]
    told = answers.select(*_DUE).filter(pl.col("question").is_in(known) | pl.col("question").is_null()).sort(*_DUE)
    if bare := told.filter(pl.any_horizontal(pl.col("annotator", "unit", "question").is_null())).height:
        faults.append(f"{bare} rows do not say their annotator, unit or question")
    for task in scheme.tasks:
        given = told.filter(pl.col("question") == task.id)
        faults += _odd(
            f"labels outside task {task.id}", given.filter(~pl.col("answer").is_in(list(task.labels))), "answer"
        )
        if task.after:
            before = told.filter(pl.col("question") == task.after[0], pl.col("answer") == task.after[1])
            early = given.drop_nulls("answer").join(before, on=["annotator", "unit"], how="anti")
            faults += _odd(
                f"answers to task {task.id} though task {task.after[0]} is not {task.after[1]!r}, units", early, "unit"
            )
    faults += _odd("units that are not on the sheet", told.filter(~pl.col("unit").is_in(key["unit"].implode())), "unit")
    twice = told.filter(pl.struct("annotator", "unit", "question").is_duplicated()).select(
        x=pl.format("{} on {}", "annotator", "unit")
    )
    faults += _odd("annotators twice on a unit", twice, "x")
    if faults:
        raise InputError(f"these annotations do not fit the scheme {scheme.id!r}: {'; '.join(faults)}")
    return told


def harm(answers: pl.DataFrame, scheme: Scheme, *, key: pl.DataFrame) -> Scores:
    """Each reply's labels as scores under every rule: measures `<scheme>:<label>:<rule>`, value 1 or 0, null where open.

    Rules: `annotator <name>`, each alone; `union`, any of them gives the label; `agreed`, all do. With a label left open, one
    yes still makes the union and one no still breaks agreement; else the rule is null. A later task's label counts as
    not given where the earlier one does not call for it, so rates are shares of all replies. The mean over an arm is its
    rate: `compare.differences.means(scores, by=("measure", "condition"))` gives the interval. `answers` as
    in `annotations`; `key` (`elicit.pairs.singles`): unit, and the keys and columns of its reply.
    """
    told = annotations(answers, scheme, key=key)
    raters = sorted(set(told["annotator"]))
    if not raters:
        raise RefusedError("there are no annotations: nothing to count")
    grid = key.select("unit").join(pl.DataFrame({"annotator": raters}), how="cross")
    parts = []
    for task in scheme.tasks:
        asked = grid.join(
            told.filter(pl.col("question") == task.id).select("annotator", "unit", "answer"),
            on=["annotator", "unit"],
            how="left",
        )
        if task.after:
            before = told.filter(pl.col("question") == task.after[0]).select("annotator", "unit", _before="answer")
            asked = asked.join(before, on=["annotator", "unit"], how="left")
            skipped = pl.col("_before") != task.after[1]
        else:
            skipped = pl.lit(False)
        for label in task.counts:
            yes = pl.when(skipped).then(pl.lit(False)).otherwise(pl.col("answer") == label)
            each = asked.select("unit", "annotator", yes=yes)
            whole = each.group_by("unit").agg(
                union=pl.col("yes").any(ignore_nulls=False), agreed=pl.col("yes").all(ignore_nulls=False)
            )
            single = each.select("unit", rule=pl.format("annotator {}", "annotator"), value="yes")
            rules = pl.concat([single, whole.unpivot(["union", "agreed"], index="unit", variable_name="rule")])
            parts.append(rules.with_columns(measure=pl.format(f"{scheme.id}:{{}}:{{}}", pl.lit(label), "rule")))
    found = pl.concat(parts).select("unit", "measure", value=pl.col("value").cast(pl.Float64))
    order = found.join(key, on="unit", how="left").drop("unit")
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
