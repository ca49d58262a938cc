"""PVQ-21: asked of planted or named models, scored, with its validity card."""

from pathlib import Path
from typing import Literal

from sociolect.report.content import Page
from sociolect.systems import questionnaire
from sociolect.workspace import Workspace


def run(
    workspace: Workspace,
    *,
    size: Literal["tiny", "small", "full"] = "tiny",
    text: Path | None = None,
    models: dict[str, str] | None = None,
    seed: int = 0,
) -> Page:
    """The page of one administration; `text` names the wording where the folder may not hold it."""
    return questionnaire.page(workspace, Path(__file__).parent, size=size, text=text, models=models, seed=seed)
