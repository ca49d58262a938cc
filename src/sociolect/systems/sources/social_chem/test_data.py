"""The recipe on a table of the released form: a base and its random twin, judges by name, claims about the set, what was left out."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames, systems
from sociolect.models import scratch
from sociolect.seeds import substream
from sociolect.systems.sources.social_chem import align, load, planted
from sociolect.systems.sources.social_chem.dimensions import ASKED, DIMENSIONS
from sociolect.workspace import workspace

RAW = {name: {word: raw for raw, word in d.levels.items()} for name, d in DIMENSIONS.items()}


def table(folder: Path, situations: int = 700) -> Path:
    """Planted rules as the released file would hold them, some rules bad, test actions judged by five."""
    rng, rows = substream(0, "table"), []
    made = planted.grammar(situations)
    for k, row in enumerate(made.iter_rows(named=True)):
        five = row["split"] == "test" and k % 3 == 0
        for one in range(5 if five else 1):
            split = row["split"] if one == 0 else "test-extra"
            judged = str(int(rng.integers(-2, 3)))
            rows.append({
                "area": "dearabby", "m": "5" if five else "1", "split": split, "rot-bad": "1" if k % 50 == 0 else "0", "situation-short-id": row["situation"],
                "situation": row["words"], "rot-id": row["rule"], "rot": row["rule_text"], "action": " ".join(row["rule_text"].split()[1:]),
                "rot-worker-id": f"w{k % 7}", "breakdown-worker-id": f"w{one + 7}", **dict.fromkeys(DIMENSIONS, ""),
                **{name: RAW[name][row[name]] for name in ASKED["planted"]}, "action-moral-judgment": judged,
                "rot-categorization": "advice|social-norms" if row["rot-agree"] in ("all", "most") else "advice",
            })  # fmt: skip
    path = folder / "released.tsv"
    pl.DataFrame(rows).select(load.COLUMNS).write_csv(path, separator="\t")
    return path


def run(folder: Path, **keywords: Any) -> Any:
    with workspace(folder, system="social_chem", keywords={}) as work:
        return systems.find("social_chem").run(work, **keywords)


@pytest.mark.slow
def test_a_released_table_with_a_base_and_judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = table(tmp_path)
    # as a short training would leave it: what is tested is the way, not the learning
    monkeypatch.setitem(align.TAUGHT, "epochs", 1)
    small = scratch.SIZES["micro"]._replace(epochs=1, context=128)
    monkeypatch.setitem(scratch.SIZES, "micro", small)
    learnt = align.examples(load.chosen(load.read(data).table, "train"), part="rule")
    scratch.scratch(frames.examples(learnt.head(600)), tmp_path / "base", size="micro", threads=1)
    name = f"hf/{tmp_path / 'base'}"
    page = run(tmp_path / "w", released=data, base=name, models={"judge": "scripted/first-option"}, mix=True)
    told = page.tables
    claims = {r["claim"]: r for r in told["claims"].iter_rows(named=True)}
    rules = claims["rules of thumb in the released set"]
    assert (rules["here"], rules["same sign?"]) == (686, "no")  # 14 of 700 are marked as bad
    saved = next(r for c, r in claims.items() if "pre-trained" in c)
    assert saved["low"] < saved["here"] < saved["high"]
    assert saved["here"] > 0.5  # the base has read these rules; nothing teaches the twin in one short epoch
    assert saved["same sign?"] == "yes"
    assert set(told["control"]["attribute"]) == {"rot-agree", "rot-categorization"}
    assert told["control"].filter(attribute="rot-categorization")["floor"].null_count() == 3
    assert any("rot-moral-foundations is not judged" in s.prose for s in page.sections)
    far = told["distributions"].filter(measure="Jensen-Shannon divergence")
    assert [c.partition(",")[0] for c in far["contrast"]] == ["judge - annotators", "annotators' halves"]
    assert far["distance"][0] > 0.2  # first option alone, of levels drawn alike
    assert dict(told["left_out"].rows())["the rule is marked as bad"] > 0


@pytest.mark.slow
def test_actions_are_written_where_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scratch.SIZES, "tiny", scratch.SIZES["micro"]._replace(epochs=1, context=128))
    told = run(tmp_path / "w", released=table(tmp_path), part="action").tables
    assert {"action-agency", "action-legal", "action-agree"} <= set(told["control"]["attribute"])
    assert "rot-agree" not in told["control"]["attribute"]
    assert set(told["distributions"]["contrast"]) == {"annotators' halves, 5 each"}
    assert told["claims"]["same sign?"].to_list()[3] == "not measured"
