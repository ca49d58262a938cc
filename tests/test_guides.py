"""The code in the guides runs, and finds what it plants."""

from pathlib import Path
from typing import Any

GUIDES = Path(__file__).parents[1] / "docs" / "guide"


def test_the_guide_to_relations_finds_its_planted_slope() -> None:
    """The guide plants a slope of .3 on closeness: both kinds of error hold it, and the likelihood ratio shows it."""
    code = (GUIDES / "relations.md").read_text().split("```python\n")[1].split("```")[0]
    made: dict[str, Any] = {}
    exec(code, made)
    for name in ("fit", "robust"):
        row = made[name].summary(columns=["closeness"]).row(0, named=True)
        assert row["low"] < 0.3 < row["high"]
        assert row["p"] < 0.001
    found = made["likelihood_ratio"](made["full"], made["none"]).row(0, named=True)
    assert found["df"] == 1
    assert found["p"] < 0.001
