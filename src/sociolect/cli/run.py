"""sociolect demo | run | resume | plan."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer
from rich.console import Console

from sociolect import arguments, systems
from sociolect.cli.app import ANY, Budget, Data, Device, Dtype, Json, Nodes, Out, Prices, Workspace, app
from sociolect.cli.show import line, progress, show
from sociolect.cluster.session import cluster
from sociolect.errors import SociolectError, UsageError
from sociolect.keep.again import placed_again, said
from sociolect.keep.plan import amounts, lines, planned
from sociolect.keep.plan import record as plan_record
from sociolect.keep.plan_error import estimate_error
from sociolect.keep.plan_gpu import hired
from sociolect.models.placement import placed, placement, there
from sociolect.models.prices import Price, read_prices
from sociolect.models.purse import Purse
from sociolect.record import standing_run
from sociolect.report.page import write
from sociolect.workspace import workspace


@app.command(context_settings=ANY)
def demo(context: typer.Context, out: Out = None, as_json: Json = False) -> None:
    """Run the main job on a planted society: a minute or two, offline. Keywords as for `run community_fidelity`."""
    slug, made = _asked("community_fidelity", None, context.args)
    _run(slug, made, out or Path("runs/demo"), None, None, as_json)


@app.command(context_settings=ANY)
def run(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="A system (see `list`), or a study file that ends in .toml.")] = "",
    out: Out = None,
    data: Data = None,
    budget: Budget = None,
    prices: Prices = None,
    device: Device = "cpu",
    dtype: Dtype = "fp32",
    nodes: Nodes = None,
    as_json: Json = False,
) -> None:
    """Run a system or a study file, with its keywords as --key value."""
    if not what or what.startswith("-"):
        raise UsageError(
            "run what? Say a system (`sociolect list`) or a study file that ends in .toml, then its keywords"
        )
    if data is not None and not what.endswith(".toml"):
        raise UsageError("--data is where a study file's paths lie: a system takes each path as a keyword of its own")
    slug, made = _asked(what, data, context.args)
    with placed(device, dtype):
        _run(slug, made, out or Path("runs") / Path(what).stem, budget, prices, as_json, nodes)


@app.command()
def resume(
    folder: Workspace,
    budget: Budget = None,
    prices: Prices = None,
    nodes: Nodes = None,
    as_json: Json = False,
) -> None:
    """Go on with a run that was stopped, with the keywords it began with: what stands is read back, nothing is paid twice."""
    begun = standing_run(folder)
    kept = begun.get("spending") or {}
    budget = kept.get("budget") if budget is None else budget
    if prices is None and kept.get("prices"):
        prices = folder / kept["prices"]
    with placed_again(begun):
        _run(begun["system"], said(folder, begun), folder, budget, prices, as_json, nodes)


@app.command(context_settings=ANY)
def plan(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="A system, a study file, or the workspace of a run that has ended.")] = "",
    data: Data = None,
    prices: Prices = None,
    like: Annotated[
        Path | None,
        typer.Option(help="The workspace of an earlier run of this system and size, to take the time from."),
    ] = None,
    device: Device = "cpu",
    dtype: Dtype = "fp32",
    gpu: Annotated[
        str | None, typer.Option(help="A card that is not here, by its name (h100, l40s, ...): time and memory on it.")
    ] = None,
    gpus: Annotated[int, typer.Option(help="So many of them, with `run --cluster`.")] = 1,
    price_hour: Annotated[float | None, typer.Option(help="What one of them costs an hour.")] = None,
    as_json: Json = False,
) -> None:
    """Say what a run will take before it runs: calls, tokens, money, time, memory, disk, and the least effects it can show.

    Of a workspace, say how far its plan was from what came.
    """
    if not what or what.startswith("-"):
        raise UsageError("plan what? Say a system (`sociolect list`), a study file that ends in .toml, or a workspace")
    if (Path(what) / "run.json").is_file():
        told = estimate_error(Path(what))
        shown = amounts(told).drop("unit").with_columns(pl.col("ratio").round_sig_figs(3))
        print(json.dumps(told.to_dicts())) if as_json else show(shown.columns, shown.rows())
        return
    if Path(what).is_dir() and what not in systems.catalog():
        standing_run(Path(what))
    slug, made = _asked(what, data, context.args)
    cards = hired(gpu, gpus=gpus, price_hour=price_hour, device=device)
    with placed(device if gpu is None else "cuda", dtype):
        found = planned(
            systems.find(slug), made, prices=read_prices(prices) if prices else None, like=like, cards=cards
        )
    if as_json:
        print(json.dumps(plan_record(found)))
        return
    for title, table in lines(found):
        print(f"\n{title}")
        show(table.columns, table.rows())


def _asked(what: str, data: Path | None, extra: list[str]) -> tuple[str, dict[str, Any]]:
    """The system that is meant, and its keywords, each of its own type."""
    slug, words = arguments.study(Path(what), data) if what.endswith(".toml") else (what, {})
    return slug, arguments.keywords(systems.find(slug), words | arguments.words(extra))


def _run(
    slug: str,
    made: dict[str, Any],
    out: Path,
    budget: float | None,
    prices: Path | None,
    as_json: bool,
    nodes: str | None = None,
) -> None:
    card = systems.find(slug)
    known = read_prices(prices) if prices else None
    where = os.path.relpath(prices.resolve(), out.resolve()) if prices else None
    with (
        joined(nodes, *placement()) as used,
        progress(quiet=as_json) as say,
        workspace(
            out,
            system=slug,
            keywords=arguments.resolved(card, made),
            say=say,
            purse=None if budget is None else Purse(budget),
            prices=known,
            notes={"plan": _planned(card, made, known), "spending": {"budget": budget, "prices": where}, **used},
        ) as work,
    ):
        page = card.run(work, **made)
        path = write(page, out / "report.html").resolve()
    if as_json:
        numbers = [{"label": h.label, "value": h.value, "doubt": h.doubt, "table": h.table} for h in page.headlines]
        print(json.dumps({"page": str(path), "headlines": numbers, "summary": page.summary}))
        return
    console = Console(highlight=False, soft_wrap=True)
    for h in page.headlines:
        console.print(f"{line(h.label)}: [bold]{line(h.value)}[/bold] {line(h.doubt)}")
    if not page.headlines:
        console.print(line(page.summary))
    console.print(f"\nthe page: {line(path.as_uri())}")


def _planned(card: systems.Card, made: dict[str, Any], prices: Mapping[str, Price] | None) -> dict[str, Any]:
    """The plan as run.json keeps it. What is wrong the run itself says: a plan that cannot be made keeps nobody from running."""
    try:
        return plan_record(planned(card, made, prices=prices))
    except SociolectError as error:
        return {"notes": [str(error)]}


@contextmanager
def joined(address: str | None, device: str, dtype: str) -> Iterator[dict[str, Any]]:
    """The cluster is open inside, where one was named; what `run.json` says of it. The device is there, or it is an error."""
    if address is None:
        there(device, dtype)
        yield {}
        return
    with cluster(address) as nodes:
        nodes.takes(device)
        if len(makes := sorted({node.processor for node in nodes.nodes})) > 1:
            Console(stderr=True).print(
                f"[yellow]warning[/yellow]: the nodes have unlike processors ({line('; '.join(makes))}): last digits, and now and "
                "then a word, depend on which of them did the work"
            )
        yield {"cluster": nodes.record()}
