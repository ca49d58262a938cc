"""The command `sociolect` itself, and the options that several of its commands share."""

from pathlib import Path
from typing import Annotated

import typer

EXIT_CODES = (
    "Exit codes: 0 done · 1 a fault of sociolect itself, or a stale page (docs --check) · 2 a command, keyword or value that "
    "does not exist · 3 data that cannot be read · 4 a part that is not installed · 5 data from which no honest number can be "
    "made · 6 a model that cannot do what was asked · 7 a workspace in use, torn or full, or one that does not hold (verify) "
    "· 8 a budget that is spent or cannot be kept · 9 a cluster that cannot be joined or has no room · 130 interrupted."
)
app = typer.Typer(
    help="Align language models with communities, and measure how faithful they are.",
    epilog=EXIT_CODES,
    add_completion=False,
)
Out = Annotated[Path | None, typer.Option(help="The workspace: a folder, made if need be. Default: runs/<name>.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]
Data = Annotated[
    Path | None, typer.Option(help="The folder that a study file's paths are relative to. Default: the file's own.")
]
Prices = Annotated[Path | None, typer.Option(help="What tokens cost: a TOML file, see docs/guide/served-models.md.")]
Budget = Annotated[float | None, typer.Option(help="The money a workspace may spend on model calls: a hard stop.")]
Device = Annotated[
    str, typer.Option(help="Where local models are asked and fine-tuned: cpu, cuda or cuda:1. See docs/guide/gpu.md.")
]
Dtype = Annotated[str, typer.Option(help="The number format of local models: fp32 or bf16.")]
Nodes = Annotated[
    str | None,
    typer.Option("--cluster", help="Hand work out to a Ray cluster: auto or host:port. See docs/guide/cluster.md."),
]
Workspace = Annotated[Path, typer.Argument(help="The workspace: the folder of a run.")]
ANY = {"allow_extra_args": True, "ignore_unknown_options": True}
