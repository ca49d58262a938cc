"""NormAd: the ladder of contexts put to planted respondents or named models, scored, with countries as clusters, one page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Effects, Items, Replies, Scores
from sociolect.load.aside import Aside
from sociolect.load.inspect_log import inspect_log
from sociolect.load.read import opened
from sociolect.measure.contamination import kept_out
from sociolect.models.open import folders, open_model
from sociolect.report.content import Page
from sociolect.systems.instruments.normad import agents as planted_agents
from sociolect.systems.instruments.normad import elicit, load, measure
from sociolect.systems.instruments.normad.page import Told, page
from sociolect.systems.instruments.normad.sizes import SIZES, drawn
from sociolect.workspace import Workspace


def run(
    workspace: Workspace,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    stories: Path | None = None,
    models: dict[str, str] | None = None,
    agents: tuple[str, ...] = planted_agents.AGENTS,
    rungs: tuple[str, ...] = elicit.RUNGS,
    orders: Literal["balanced", "shuffled", "fixed"] = "balanced",
    mask: bool = True,
    mode: Literal["auto", "logprob", "sampled"] = "auto",
    temperature: float = 0.0,
    examples: Path | None = None,
    log: Path | None = None,
    seed: int = 0,
) -> Page:
    """The page of one administration: planted stories without `stories`, planted respondents (`agents`) without `models`.

    `stories` is the released table, from a file of your own. `models` maps a name to a model (`provider/model`). `examples` is
    the table, with columns prompt and reply, that the models' adapters were taught by: it must hold none of the stories.
    `log` is an Inspect log of the exported ladder (or a folder of them): then nobody is asked, and the log says who answered.
    """
    _checked(size, stories, models, examples=examples, log=log, temperature=temperature)
    dial, planted = SIZES[size], models is None and log is None
    items, aside = _items(workspace, stories, seed=seed)
    asked_of = items if models is None else drawn(items, dial.most, seed=seed)
    how = {"rungs": tuple(rungs), "orders": orders, "mask": mask, "mode": mode, "temperature": float(temperature)}
    if log is not None:
        replies = workspace.frame("replies", frames.replies, _logged, log, items)
        aside = pl.concat([aside, workspace.frame("log_left_out", pl.DataFrame, _left_out, log)])
        asked_of = frames.items(items.filter(pl.col("item").is_in(replies["item"].unique().implode())))
        rungs = tuple(r for r in elicit.RUNGS if r in set(replies["rung"]))
    else:
        who = () if models else tuple(agents)
        replies = workspace.frame(
            "replies",
            frames.replies,
            _asked,
            asked_of,
            items,
            models,
            who,
            folders((models or {}).values()),
            **how,
            seed=seed,
        )
    if replies["choice"].null_count() == replies.height:
        said = ", ".join(f"{n} {kind}" for kind, n in replies["outcome"].value_counts().sort("outcome").iter_rows())
        raise RefusedError(
            f"none of {replies.height} replies gives a label ({said}): ask a model that answers in a word, or by --mode logprob"
        )
    if examples is not None:
        workspace.frame("kept_out", frames.examples, _clean, examples, asked_of)
    scores = workspace.frame("scores", frames.scores, measure.adapted, replies)
    first = "country" if "country" in rungs else rungs[0]
    last = "rule" if "rule" in rungs else rungs[-1]
    doubt = {"draws": dial.draws, "seed": seed}
    tables: dict[str, Effects] = {
        "rungs": workspace.frame("rungs", frames.effects, measure.rungs_of, scores, **doubt),
        "labels": workspace.frame("labels", frames.effects, measure.labels_of, scores, **doubt),
        "orders": workspace.frame("orders", frames.effects, measure.orders_of, scores, **doubt),
        "groups": workspace.frame("groups", frames.effects, measure.parts_of, scores, "group", rung=first, **doubt),
        "subaxes": workspace.frame("subaxes", frames.effects, measure.parts_of, scores, "subaxis", rung=last, **doubt),
        "f1": workspace.frame(
            "weighted_f1", frames.effects, measure.weighted_f1, replies, "group", rung=first, **doubt
        ),
    }
    gap = None
    if planted and stories is None and "knows half" in agents and "country" in rungs:
        gap = workspace.frame("gap", frames.effects, _gap, scores, items, **doubt)
    made = {"stories": "planted, in invented words" if stories is None else stories.name, "size": size}
    made |= _asking(replies, log) if log is not None else {
        "option orders": orders, "countries masked on rungs that do not name them": "yes" if mask else "no", "answers": mode,
        "temperature": f"{temperature:g}",
    }  # fmt: skip
    made |= {"seed": str(seed)}
    adapters = any("@" in name for name in (models or {}).values())
    told = Told(
        asked_of,
        replies,
        tables,
        measure.asked(replies),
        load.audit(asked_of),
        aside,
        gap,
        planted,
        first,
        last,
        adapters and examples is None,
    )
    return page(told, made)


def _items(workspace: Workspace, stories: Path | None, *, seed: int) -> tuple[Items, pl.DataFrame]:
    if stories is None:
        return workspace.frame("items", frames.items, load.planted, seed=seed), pl.DataFrame(schema=frames.SET_ASIDE)
    aside = workspace.frame("set_aside", pl.DataFrame, _aside, stories)
    return workspace.frame("items", frames.items, _read, stories), aside


def _read(stories: Path) -> Items:
    return load.normad(stories).items


def _aside(stories: Path) -> pl.DataFrame:
    return load.normad(stories).set_aside


def _logged(log: Path, items: Items) -> Replies:
    """The replies of a log, where all of them are about these stories; else InputError."""
    replies = elicit.logged(log)
    if missing := [c for c in ("rung", "gold", "country", "masked", "group", "subaxis") if c not in replies.columns]:
        raise InputError(f"{log.name} is no log of this ladder: column {missing[0]!r} is missing; export it anew")
    known = items.select("item", "gold", "story")
    held = replies.select("item", "gold", "story").unique()
    if strange := held.join(known, on=["item", "gold", "story"], how="anti", nulls_equal=True).height:
        raise InputError(
            f"{strange} stories of {log.name} are not among those asked about: name their table with --stories, or the --seed"
        )
    return replies


def _asking(replies: Replies, log: Path) -> dict[str, str]:
    """How the replies of a log were asked for, as the log says; nothing that this run's keywords say."""
    heat = replies["temperature"].unique().sort() if "temperature" in replies.columns else pl.Series([None])
    return {
        "option orders": ", ".join(map(str, replies["order"].unique().sort())),
        "countries masked on rungs that do not name them": "yes" if replies["masked"].any() else "no",
        "answers": f"read from {log.name}",
        "temperature": ", ".join("not said" if t is None else f"{t:g}" for t in heat),
    }


def _left_out(log: Path) -> pl.DataFrame:
    left = inspect_log(log).left_out
    where = pl.format("{}: {}", "log", "where")
    told = left.select("reason", "count", where=where, mend=pl.lit("run the task again: inspect eval-retry"))
    return told.cast(pl.Schema(frames.SET_ASIDE))


def _asked(
    items: Items, known: Items, models: Mapping[str, str] | None, agents: tuple[str, ...], weights: list[Path],
    *, rungs: tuple[str, ...], orders: str, mask: bool, mode: elicit.Mode, temperature: float, seed: int,
) -> Replies:  # fmt: skip
    """Everything put to everybody; a model at a time is in memory. `weights` are there so that other weights ask anew."""
    ladders = elicit.ladder(items, rungs=rungs, orders=orders, mask=mask, seed=seed)
    how = {"mode": mode, "temperature": temperature, "seed": seed}
    if models is None:
        return elicit.asked(planted_agents.agents(known, agents), ladders, **how)  # type: ignore[arg-type]  # plain keywords
    parts = [elicit.asked({name: open_model(models[name])}, ladders, **how) for name in sorted(models)]  # type: ignore[arg-type]  # plain keywords
    return frames.replies(pl.concat(parts))


def _clean(examples: Path, items: Items) -> pl.DataFrame:
    """The examples, where they hold none of the stories; raises RefusedError where they do."""
    with opened(examples, Aside()) as table:
        if missing := [c for c in ("prompt", "reply") if c not in table.columns]:
            raise InputError(
                f"{table.name} has no column {', '.join(missing)}: due is what the adapter was taught by, prompt and reply"
            )
        read = table.read(["prompt", "reply"])
    rows = read.with_columns(pl.col("prompt", "reply").cast(pl.String).fill_null(""), community=pl.lit("taught"))
    return kept_out(frames.examples(rows), items, columns=("story",))


def _gap(scores: Scores, items: Items, *, draws: int, seed: int) -> Effects:
    """What `knows half` gets right on the country rung in the countries it knows, less in the others."""
    half = planted_agents.half_known(items)
    told = scores.filter(community="knows half").with_columns(
        known=pl.when(pl.col("country").is_in(half)).then(pl.lit("known")).otherwise(pl.lit("unknown"))
    )
    found = measure.parts_of(frames.scores(told), "known", rung="country", draws=draws, seed=seed)
    return frames.effects(found.filter(what="known - others"))


def _checked(
    size: str,
    stories: Path | None,
    models: Mapping[str, str] | None,
    *,
    examples: Path | None,
    log: Path | None,
    temperature: float,
) -> None:
    faults = [f"--temperature {temperature}: 0 or more is due"] if temperature < 0 else []
    if models and log is not None:
        faults.append("--models are asked and --log was asked: name one of them")
    if size == "full" and (stories is None or not (models or log)):
        faults.append(
            "--size full is the released stories put to models: name them with --stories FILE and --models name=provider/model"
        )
    if stories is not None and not (models or log):
        faults.append(
            "planted respondents know the planted stories alone: name models with --models name=provider/model"
        )
    if examples is not None and not (models or log):
        faults.append("--examples is what a model was taught by: name the model with --models")
    if faults:
        raise UsageError("; ".join(dict.fromkeys(faults)))
