"""sociolect list | docs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sociolect import systems
from sociolect.cli.app import Json, app
from sociolect.cli.show import show


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the systems: shelf, name, what each needs, how near it comes to its paper, the verbs it extends, title and paper.

    Near is one of: numbers (its published numbers come back, on its own data), claims (its claims are tested on real data of
    its kind), method (its method recovers planted truth; claims wait for models and data of your own), scoring (an instrument
    with its published scoring), part (some of it; its README says what is missing).
    """
    cards = systems.catalog().values()
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "slug": c.slug,
                        "shelf": c.shelf,
                        "title": c.title,
                        "paper": c.paper,
                        "needs": c.needs,
                        "near": c.near,
                        "verbs": c.verbs,
                        "keywords": list(c.keywords),
                    }
                    for c in cards
                ]
            )
        )
        return
    show(
        ("shelf", "system", "needs", "near", "extends", "title", "paper"),
        [(c.shelf, c.slug, ", ".join(c.needs), c.near, ", ".join(c.verbs), c.title, c.paper) for c in cards],
    )


@app.command()
def docs(
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("docs"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with code 1 where a page is stale.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the generated pages: the frames, the systems, the files; and the list of files in the README beside them."""
    from sociolect.docs import pages, readme

    made = pages()
    if (front := out / "../README.md").exists():
        made["../README.md"] = readme(front.read_text("utf-8"))
    stale = [n for n, text in made.items() if not (out / n).exists() or (out / n).read_text("utf-8") != text]
    for name in [] if check else stale:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(made[name], "utf-8")
    said = f"{'stale' if check else 'written'}: {', '.join(stale) or 'nothing'}"
    print(json.dumps({"stale" if check else "written": stale}) if as_json else said)
    if check and stale:
        raise typer.Exit(1)
