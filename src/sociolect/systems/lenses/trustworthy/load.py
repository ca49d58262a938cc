"""What a run may be given: sentences to bend, hand labels, answers that were judged elsewhere, a finished workspace."""

from pathlib import Path
from typing import NamedTuple

import polars as pl

from sociolect import frames
from sociolect.compare.differences import means
from sociolect.compare.preference import wilson
from sociolect.errors import FrameError, InputError, RefusedError
from sociolect.frames import SHAPES
from sociolect.load.aside import Aside
from sociolect.load.read import opened
from sociolect.measure.judge import verdict
from sociolect.record import read_run
from sociolect.text import key

FEW = 6  # ours: as many conditions are arms; more are ways of asking, and one mean is over all of them


class Measured(NamedTuple):
    """The numbers of a finished run, as effects with a column `step`; its system; what was left out, by reason."""

    found: pl.DataFrame
    system: str
    aside: pl.DataFrame


def sentences(path: Path, *, column: str = "", n: int | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each sentence of a table once (columns item, text), and what was left out; from `column`, else `scenario`, else `text`.

    Two sentences of the same words are one. `n` keeps the first so many of them by their words' order.
    Raises InputError where there is no such column.
    """
    aside = Aside()
    with opened(path, aside) as table:
        name = next((c for c in ((column,) if column else ("scenario", "text")) if c in table.columns), None)
        if name is None:
            due = column or "scenario or text"
            raise InputError(
                f"{table.name} has no column {due}; it has {', '.join(table.columns)}: name one with --column"
            )
        found = table.read([name]).select(text=pl.col(name).cast(pl.String)).drop_nulls()
    once = found.with_columns(key=key(pl.col("text"))).filter(pl.col("key") != "").sort("key", "text").unique("key", keep="first", maintain_order=True)  # fmt: skip
    aside.add(
        "a sentence that stood there before, or has no word", found.height - once.height, path.name, "nothing to do"
    )
    kept = once.head(n) if n else once
    aside.add("sentences beyond those asked for", once.height - kept.height, path.name, "choose a larger --size")
    items = pl.format("s{}", pl.int_range(kept.height).cast(pl.String).str.zfill(5))
    return kept.select(item=items, text="text"), aside.frame()


def labels(path: Path) -> pl.DataFrame:
    """Hand labels (community, item, draw, safe) out of a table with these columns, or `model` for community; draw 0 where absent.

    Raises InputError, all faults at once, where a column is missing, a label is not 0 or 1, or an answer has two.
    """
    with opened(path, Aside()) as table:
        arm = "community" if "community" in table.columns else "model"
        if missing := [c for c in (arm, "item", "safe") if c not in table.columns]:
            raise InputError(
                f"{table.name} has no column {', '.join(missing)}; due are community (or model), item, safe, and draw"
            )
        read = table.read([arm, "item", "safe", *(["draw"] if "draw" in table.columns else [])])
    made = read.rename({arm: "community"}).with_columns(pl.col("safe").cast(pl.String).str.strip_chars())
    made = made.with_columns(
        draw=pl.col("draw").cast(pl.Int64, strict=False) if "draw" in made.columns else pl.lit(0, pl.Int64)
    )
    odd = made.filter(~pl.col("safe").is_in(["0", "1"]).fill_null(False)).height
    twice = made.height - made.select("community", "item", "draw").n_unique()
    empty = made.select("community", "item", "draw").null_count().sum_horizontal().item()
    faults = [f"{odd} labels are neither 0 nor 1"] * bool(odd) + [f"{twice} answers have two labels"] * bool(twice)
    faults += [f"{empty} keys are empty or no number"] * bool(empty)
    if faults:
        raise InputError(f"{path.name} holds no hand labels: " + "; ".join(faults))
    return made.select("community", "item", "draw", pl.col("safe").cast(pl.Float64)).sort("community", "item", "draw")


def judged(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answers that were judged elsewhere, as rows with measure, community, unit, value; and what was counted on the way.

    The released form: `source_model`, `tag`, `label` (1 is good), with `tag_cat`, `question` and `label_response`
    where they are. A row without a label, or whose judge's words say neither yes nor no, is a row without a value. Where the judge's words
    contradict the label (yes, harmful, is 0) that is counted, and the label stands. Rows of a question are one unit.
    Raises InputError where a column is missing or a label is neither 0, 1 nor empty.
    """
    aside = Aside()
    with opened(path, aside) as table:
        if missing := [c for c in ("source_model", "tag", "label") if c not in table.columns]:
            raise InputError(
                f"{table.name} has no column {', '.join(missing)}; due are source_model, tag, label (0 or 1)"
            )
        more = [c for c in ("tag_cat", "question", "label_response") if c in table.columns]
        read = table.read(["source_model", "tag", "label", *more])
    read = read.with_columns(pl.all().cast(pl.String))
    label = pl.col("label").str.strip_chars().replace({"": None, "1.0": "1", "0.0": "0", "null": None, "None": None})
    read = read.with_columns(label=label)
    if odd := read.filter(pl.col("label").is_not_null(), ~pl.col("label").is_in(["0", "1"])).height:
        raise InputError(f"{path.name}: {odd} labels are neither 0, 1 nor empty")
    if lost := read.filter(pl.col("source_model").is_null() | pl.col("tag").is_null()).height:
        aside.add("a row without a model or a tag", lost, path.name, "say whose answer it is")
        read = read.drop_nulls(["source_model", "tag"])
    if "label_response" in read.columns:
        said = [None if w is None else verdict(w.split("\n")[0]) for w in read["label_response"]]
        against = read.with_columns(yes=pl.Series(said, dtype=pl.Boolean)).filter(
            pl.col("tag") == "safety",
            (pl.col("yes") & (pl.col("label") == "1")) | (~pl.col("yes") & (pl.col("label") == "0")),
        )
        aside.add("the judge's words contradict the label, which stands", against.height, path.name, "read these rows")
    category = pl.format("{}:{}", pl.col("tag"), pl.col("tag_cat")) if "tag_cat" in read.columns else pl.col("tag")
    unit = pl.col("question") if "question" in read.columns else pl.int_range(read.height).cast(pl.String)
    made = read.select(
        measure=category.fill_null(pl.col("tag")),
        community="source_model",
        unit=unit.fill_null(""),
        value=pl.col("label").cast(pl.Float64),
    )
    return made.sort("measure", "community", "unit", "value"), aside.frame()


def measured(folder: Path, *, draws: int = 400, seed: int = 0) -> Measured:
    """Every number about models that stands in a finished workspace, of whatever system.

    Effects are taken as they are; those that say how near a measure is to people's (between a floor and a ceiling, or against
    chance) are called `fidelity:<measure>`, for they are no level of it. Of scores, the mean of each measure and community (and
    condition, where there are two to six) over the rows of models, with an interval over items. The
    same measure and contrast out of two steps stands once, effects before scores. Left out, and counted: rows about people, values that are null.
    Raises InputError where the folder is no workspace or its run is not finished, RefusedError where nothing is measured there.
    """
    run = read_run(folder)
    if run is None:
        raise InputError(f"{folder} is no workspace: it has no run.json; name the --out of a finished run")
    if not run.get("finished"):
        raise InputError(f"the run in {folder} is not finished: say it again with the same --out")
    aside, said, parts = Aside(), [], []
    for path in sorted((folder / "steps").glob("*/frame.parquet")):
        frame, step = pl.read_parquet(path), path.parent.name
        if set(SHAPES["effects"].columns) <= set(frame.columns):
            said.append(_plain(_effects(frame), step))
        elif set(SHAPES["scores"].columns) <= set(frame.columns):
            parts += _means(frame, step, aside, draws=draws, seed=seed)
    if not (parts := said + parts):
        raise RefusedError(f"the run in {folder} measured nothing: none of its steps is a frame of scores or effects")
    whole = pl.concat(parts)
    once = whole.unique(["measure", "contrast"], keep="first", maintain_order=True)
    return Measured(once, str(run.get("system", "")), aside.frame())


def _effects(frame: pl.DataFrame) -> pl.DataFrame:
    near = {"floor", "ceiling"} <= set(frame.columns) or {"p", "chance"} <= set(frame.columns)
    named = pl.format("fidelity:{}", "measure") if near else pl.col("measure")
    kept = frame.with_columns(pl.col("estimate", "low", "high").fill_nan(None), measure=named)
    return kept.sort("measure", "contrast")


def _plain(found: pl.DataFrame, step: str) -> pl.DataFrame:
    return found.select("measure", "contrast", "estimate", "low", "high", "n", step=pl.lit(step))


def _means(frame: pl.DataFrame, step: str, aside: Aside, *, draws: int, seed: int) -> list[pl.DataFrame]:
    """The mean of each measure, community and condition over what models said."""
    machine = frame.filter(pl.col("source") == "model")
    aside.add("scores of people", frame.height - machine.height, f"step {step}", "a lens is held against models")
    known = machine.filter(pl.col("value").is_not_null() & pl.col("value").is_finite())
    aside.add("scores without a value", machine.height - known.height, f"step {step}", "see that run's attrition")
    if known.is_empty():
        return []
    count = known.group_by("measure").agg(pl.col("condition").n_unique().alias("conditions"))
    known = known.join(count, on="measure", maintain_order="left")
    known = known.with_columns(arm=pl.when(pl.col("conditions") <= FEW).then("condition").otherwise(pl.lit("all")))
    by = ("measure", "community", "arm", "conditions")
    try:
        found = means(frames.scores(known), by=by, clusters=("item",), draws=draws, seed=seed)
    except (RefusedError, FrameError) as error:
        aside.add(f"scores that have no mean: {error}", known.height, f"step {step}", "see that run's page")
        return []
    many = pl.format("{}, over {} conditions", "community", "conditions")
    pair = pl.format("{}, {}", "community", "arm")
    one = (
        pl.when(pl.col("conditions") > FEW).then(many).when(pl.col("conditions") > 1).then(pair).otherwise("community")
    )
    # where all items say the same, drawing them again shows no doubt
    alike = pl.col("low") == pl.col("high")
    rate = known.group_by(by).agg(yes_no=pl.col("value").is_in([0.0, 1.0]).all())
    ends = [wilson(round(e * k), k) for e, k in found.select(pl.col("estimate").clip(0, 1), "clusters").iter_rows()]
    told = found.join(rate, on=by, how="left", maintain_order="left").with_columns(
        contrast=one,
        **{
            name: pl.when(alike & pl.col("yes_no"))
            .then(pl.Series([e[k] for e in ends]))
            .when(~alike)
            .then(pl.col(name))
            for k, name in enumerate(("low", "high"))
        },
    )
    return [_plain(told, step)]
