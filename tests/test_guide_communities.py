"""The code in the guide to communities runs, and finds what it plants; its commands take the keywords that it names."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import arguments, systems
from sociolect.find.declared import declared
from sociolect.find.quality import adjusted_rand
from sociolect.load.planted import planted

GUIDE = (Path(__file__).parents[1] / "docs" / "guide" / "communities.md").read_text("utf-8")


def test_the_guide_finds_its_planted_communities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made: dict[str, Any] = {}
    for block in GUIDE.split("```python\n")[1:]:
        exec(block.split("```")[0], made)
    truth = declared(planted(people=600, communities=6, seed=1), column="planted")
    assert adjusted_rand(made["members"], truth).value > 0.9
    home = made["grown"].members.join(truth, left_on="account", right_on="person")["community"]
    assert home.len() == 50
    seeds = truth.filter(pl.col("person").is_in(made["seeds"]))["community"].mode()[0]
    assert (home == seeds).mean() > 0.8
    assert made["opened"](Path("index")).signatures.accounts.to_list()[0] == "newcomer"


def test_the_guide_s_commands_are_commands() -> None:
    blocks = [b for b in GUIDE.replace("\\\n", " ").split("```")[1::2] if not b.startswith("python")]
    lines = [line.split("#")[0].split() for b in blocks for line in b.splitlines() if line.startswith("sociolect run")]
    assert len(lines) == 6
    card = systems.find("minhash_communities")
    for _, _, what, *words in lines:
        if what.endswith(".toml"):
            slug, said = arguments.study(Path(__file__).parents[1] / what, Path())
            assert (slug, words) == (card.slug, ["--data", "../shared/data"])
        else:
            said = {k: v for k, v in arguments.words(words).items() if k != "out"}
        assert arguments.keywords(card, said) is not None
    flags = set(re.findall(r"`--([a-z-]+)`", GUIDE))
    assert {f.replace("-", "_") for f in flags} <= set(card.keywords)
