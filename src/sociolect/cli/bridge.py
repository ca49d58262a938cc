"""An instrument out to Inspect and back, for `sociolect instrument --inspect` and `--from-log`."""

import json
import re
from importlib import import_module
from pathlib import Path

import polars as pl

from sociolect import systems
from sociolect.cli.show import plain, show
from sociolect.errors import InputError, UsageError


def place(source: Path) -> Path:
    """The folder of an instrument that was named by its slug; else what was named."""
    known = {c.slug: systems.SYSTEMS / c.shelf / c.slug for c in systems.catalog().values() if c.shelf == "instruments"}
    return source if source.exists() else known.get(str(source), source)


def crossed(
    source: Path,
    text: Path | None,
    *,
    inspect: Path | None,
    log: Path | None,
    draws: int,
    community: str | None,
    as_json: bool,
) -> None:
    """Writes the task into `inspect`, or scores the log; raises UsageError where both or neither were named."""
    if (inspect is None) == (log is None):
        raise UsageError("either --inspect FOLDER, to write a task, or --from-log LOG, to read one back")
    folder = place(source)
    if inspect is not None:
        _out(folder, text, inspect, draws=draws, community=community, as_json=as_json)
    elif log is not None:
        _back(folder, text, log, community=community, as_json=as_json)


def _out(folder: Path, text: Path | None, out: Path, *, draws: int, community: str | None, as_json: bool) -> None:
    from sociolect.elicit.inspect_task import TASK, written
    from sociolect.elicit.variants import variants
    from sociolect.measure.instrument import items, read

    target = None
    if (folder / "instrument.toml").is_file():
        card = read(folder, text=text)
        if card.text_hash is None:
            raise UsageError(
                f"{card.id} ships no wording, and none was named: --text FILE is due, or models would be asked 'item 1'"
            )
        asked = variants(items(card), orders=("forward", "reversed"))
    elif (folder / "elicit.py").is_file() and folder.parent == systems.SYSTEMS / "instruments":
        asked, target = import_module(f"sociolect.systems.instruments.{folder.name}.elicit").exported()
    else:
        raise UsageError(f"{folder}: no such instrument and no such folder; `sociolect list` names them")
    # what has a right answer is asked at temperature 0, as the recipes of benchmarks ask
    heat = 0.0 if target else 1.0
    count = written(asked, out, name=_name(folder), draws=draws, community=community, target=target, temperature=heat)
    if as_json:
        print(json.dumps({"task": str(out / TASK), "samples": count, "draws": draws}))
    else:
        print(f"{count} questions, {draws} times: inspect eval {plain(out / TASK)} --model provider/name")
        back = "run {} --log LOG" if target else "instrument {} --from-log LOG"
        print(f"then: sociolect {back.format(plain(folder.name))}")


def _name(folder: Path) -> str:
    """The task's name: the folder's own where it is a name in Python."""
    name = re.sub(r"\W+", "_", folder.name, flags=re.ASCII).strip("_")
    return name if name[:1].isalpha() else f"task_{name}"


def _back(folder: Path, text: Path | None, log: Path, *, community: str | None, as_json: bool) -> None:
    from sociolect.elicit.administer import reread
    from sociolect.elicit.outcomes import outcomes
    from sociolect.load.inspect_log import inspect_log
    from sociolect.measure.administered import score
    from sociolect.measure.instrument import read

    if not (folder / "instrument.toml").is_file():
        raise UsageError(
            f"{folder.name} is no questionnaire: its recipe reads logs, sociolect run {folder.name} --log {log}"
        )
    card = read(folder, text=text)
    found = inspect_log(log, community=community)
    replies = reread(found.replies)
    # items of two questionnaires may share their ids: the name says which was asked
    if other := sorted({str(n) for n in replies["task"].unique()} - {_name(folder)}):
        raise InputError(
            f"{log.name} holds answers to {', '.join(other)}, not to {_name(folder)} alone: read each log by its own name"
        )
    whole = score(replies, card).filter(pl.col("measure").is_in([f"{card.id}:{s.id}" for s in card.subscales]))
    # as many sheets as there are conditions and draws: a mean over few of them has a range, not an interval
    value = pl.col("value")
    told = whole.sort("value").group_by("speaker", "community", "measure").agg(
        mean=value.mean(), least=value.min(), most=value.max(), sheets=value.count(), undefined=value.null_count(),
    ).sort("community", "speaker", "measure")  # fmt: skip
    counted = outcomes(replies, by=("speaker", "community"))
    if as_json:
        print(
            json.dumps(
                {"outcomes": counted.to_dicts(), "scores": told.to_dicts(), "left_out": found.left_out.to_dicts()}
            )
        )
        return
    for title, table in (("answers", counted), ("scores", told), ("left out", found.left_out)):
        if table.height:
            print(f"\n{title}")
            show(
                table.columns, [[round(c, 3) if isinstance(c, float) else c for c in row] for row in table.iter_rows()]
            )
