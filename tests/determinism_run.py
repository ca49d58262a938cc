"""One run of a system in a process of its own, so that what a run must not depend on can be varied around it.

    python tests/determinism_run.py SLUG FOLDER CORES ROWS LESS KEYWORDS

CORES is how many the package is told the machine has, and how many communities are fine-tuned at once. ROWS 0 leaves the
people, posts and ties in the order they were loaded in; any other number draws an order. LESS (JSON) replaces parts of the
system's tiny size, and a base model trained on the spot then reads its examples once; KEYWORDS (JSON) are the recipe's.
Hash seed and threads of libraries come from the environment.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any


def main(slug: str, folder: Path, *, cores: int, rows: int, less: dict[str, Any], keywords: dict[str, Any]) -> None:
    os.cpu_count = lambda: cores  # before anything reads it

    from importlib import import_module

    from sociolect import arguments, systems
    from sociolect.align import finetune, workers
    from sociolect.models import scratch
    from sociolect.report.page import write
    from sociolect.workspace import workspace

    def at_once(work: Any, do: Any, *, workers: int, _true: Any = workers.side_by_side) -> None:
        _true(work, do, workers=cores)

    vars(finetune)["side_by_side"] = at_once
    if rows:
        _reorder(rows)
    card = systems.find(slug)
    if less:
        sizes = import_module(f"sociolect.systems.{card.shelf}.{slug}.sizes")
        sizes.SIZES["tiny"] = sizes.SIZES["tiny"]._replace(**less)
        scratch.SIZES["tiny"] = scratch.SIZES["tiny"]._replace(epochs=1)
    with workspace(folder, system=slug, keywords=keywords) as work:
        write(card.run(work, **arguments.keywords(card, keywords)), folder / "report.html")


def _reorder(seed: int) -> None:
    """Every society a step loads or makes comes with its rows in another order."""
    from sociolect import frames, workspace
    from sociolect.frames import Society

    true = workspace.Workspace.society

    def society(*said: Any, **keywords: Any) -> Society:
        made = true(*said, **keywords)
        people, posts, ties = (
            getattr(made, part).sample(fraction=1.0, shuffle=True, seed=seed + n)
            for n, part in enumerate(("people", "posts", "ties"))
        )
        return Society(frames.people(people), frames.posts(posts), frames.ties(ties), made.set_aside)

    workspace.Workspace.society = society  # type: ignore[method-assign]  # what is tested stands between load and the rest


if __name__ == "__main__":
    slug, folder, cores, rows, less, keywords = sys.argv[1:]
    main(slug, Path(folder), cores=int(cores), rows=int(rows), less=json.loads(less), keywords=json.loads(keywords))
