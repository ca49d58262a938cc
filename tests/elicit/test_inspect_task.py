"""Items go out as an Inspect task with every key, as files that need nothing of ours, and what cannot go is said."""

import ast
import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames
from sociolect.elicit.inspect_task import samples, task, written
from sociolect.elicit.variants import variants
from sociolect.errors import InputError, MissingExtra, UsageError

TEA = frames.items(
    pl.DataFrame(
        {"item": ["1", "2", "3"], "prompt": ["Tea is warm.", "Rain is dry.", "Moss is green."], "options": [["n", "y"]] * 3,
         "wording": [["no", "yes"]] * 3, "right": ["y", "n", "y"]}
    )
)  # fmt: skip
ASKED = variants(TEA, orders=("forward", "reversed"))
FREE = frames.items(
    pl.DataFrame(
        {"item": ["1"], "prompt": ["What of tea?"], "options": [None]}, schema_overrides={"options": pl.List(pl.String)}
    )
)


def test_each_sample_says_item_condition_and_every_column() -> None:
    made = samples(ASKED, community="red")
    assert len({one["id"] for one in made}) == len(made) == 6
    for one in made:
        told = one["metadata"]
        row = ASKED[told["condition"]].filter(item=told["item"]).row(0, named=True)
        assert one["input"] == row["prompt"]
        assert one["choices"] == [dict(zip(row["options"], row["wording"], strict=True))[o] for o in row["shown"]]
        assert {k: told[k] for k in row if k not in ("prompt", "group_prompt")} == {
            k: v for k, v in row.items() if k not in ("prompt", "group_prompt")
        }
        assert told["community"] == "red"
    turned = {name: frames.items(items[::-1]) for name, items in reversed(ASKED.items())}
    assert samples(turned, community="red") == made  # order changes nothing


def test_a_target_is_the_label_of_the_right_option_as_it_is_shown() -> None:
    made = {
        (one["metadata"]["item"], one["metadata"]["order"]): one["target"] for one in samples(ASKED, target="right")
    }
    assert made == {("1", "forward"): "B", ("2", "forward"): "A", ("3", "forward"): "B", ("1", "reversed"): "A", ("2", "reversed"): "B", ("3", "reversed"): "A"}  # fmt: skip
    worded = samples(variants(TEA, labels=("none",)), target="right")
    assert [one["target"] for one in worded] == ["yes", "no", "yes"]
    unknown = frames.items(TEA.with_columns(right=pl.lit(None, pl.String)))
    assert {one["target"] for one in samples(variants(unknown), target="right")} == {""}


def test_a_community_is_named_where_the_framing_asks_for_it_and_nowhere_else() -> None:
    own = frames.items(TEA.with_columns(prompt=pl.lit("Say {community}.")))
    made = samples(variants(own, framings=("named",)), community="red", system="You speak for {community}.")[0]
    system, user = made["input"]
    assert system == {"role": "system", "content": "You speak for red."}
    assert "community red usually do" in user["content"]
    assert "Say {community}." in user["content"]
    plain = samples(variants(own), community="red")[0]
    assert plain["metadata"]["digest"] != made["metadata"]["digest"]


def test_the_written_task_is_python_that_imports_inspect_alone_and_reads_its_own_folder(tmp_path: Path) -> None:
    assert written(ASKED, tmp_path / "out", name="tea", draws=3, tokens=16, temperature=0.5, target="right") == 6
    source = (tmp_path / "out" / "task.py").read_text()
    tree = ast.parse(source)
    modules = {n.module.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert modules == {"pathlib", "inspect_ai"}
    assert [n.name for n in tree.body if isinstance(n, ast.FunctionDef)] == ["tea"]
    for said in ("epochs=3", "max_tokens=16, temperature=0.5, top_p=1.0", "'samples.jsonl'", 'match(location="exact")'):
        assert said in source
    lines = (tmp_path / "out" / "samples.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == samples(ASKED, name="tea", target="right")
    written(ASKED, tmp_path / "plain")
    assert "scorer" not in (tmp_path / "plain" / "task.py").read_text()
    with pytest.raises(UsageError, match="holds a task already"):
        written(ASKED, tmp_path / "out")


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    for items, said in (
        ({"a": TEA}, "options that nobody laid out"),
        ({}, "no items"),
        ({"a": frames.items(FREE.with_columns(condition=pl.lit("x")))}, "column 'condition'"),
        (
            {"a": frames.items(FREE.with_columns(draw=pl.lit(3)))},
            "column 'draw', which the export or the log writes itself",
        ),
        ({"a": frames.items(FREE.with_columns(when=pl.lit(1).cast(pl.Date)))}, "JSON does not"),
        ({"a": frames.items(FREE.with_columns(x=pl.lit(float("nan"))))}, "JSON does not"),
    ):
        with pytest.raises(InputError, match=said):
            samples(items)
    with pytest.raises(InputError, match="right is 'maybe'"):
        samples(
            {"a": frames.items(ASKED["forward/letters/published/plain/0"].with_columns(right=pl.lit("maybe")))},
            target="right",
        )
    with pytest.raises(UsageError, match="no column 'gold'"):
        samples(ASKED, target="gold")
    with pytest.raises(UsageError, match="'a b' is no name of a task.*draws is 0"):
        written(ASKED, tmp_path / "x", name="a b", draws=0)
    assert not (tmp_path / "x").exists()


def test_without_inspect_the_task_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "inspect_ai", None)
    with pytest.raises(MissingExtra, match=r"sociolect\[inspect\]"):
        task(ASKED)


def test_inspect_runs_the_task_and_its_log_comes_back(tmp_path: Path) -> None:
    pytest.importorskip(
        "inspect_ai", reason="inspect_ai is not installed: the recorded log in tests/fixtures stands for it"
    )
    from inspect_ai import eval as evaluate
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    from sociolect.elicit.administer import reread
    from sociolect.load.inspect_log import inspect_log

    def say(chat: list[Any], *_: Any) -> Any:
        said = ModelOutput.from_content("mockllm/model", "B")
        said.usage = ModelUsage()  # else it fetches a vocabulary to count tokens
        return said

    made = task(ASKED, name="tea", draws=2, community="red", target="right")
    model = get_model("mockllm/model", custom_outputs=say)
    (log,) = evaluate(made, model=model, log_dir=str(tmp_path), log_format="eval", display="none")
    assert log.status == "success"
    replies = reread(inspect_log(tmp_path).replies)
    assert replies.height == 12
    assert replies.select((pl.col("choice") == pl.col("shown").list.get(1)).all()).item()
