"""A recorded log comes back as it was asked: by its keys, each loss counted, scores as from asking directly.

`tests/fixtures/inspect/tea.json` is a log of Inspect 0.3.285: three items in two orders, two epochs, run with mockllm where this
package was not installed; its events are taken out. The mock answers, refuses, is withheld by a filter, says nothing, and
fails once.
"""

import json
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames
from sociolect.elicit.administer import administer, reread
from sociolect.elicit.inspect_task import samples
from sociolect.elicit.outcomes import outcomes
from sociolect.elicit.variants import variants
from sociolect.errors import InputError, MissingExtra
from sociolect.load.inspect_log import inspect_log
from sociolect.measure.administered import score
from sociolect.measure.instrument import items, read
from sociolect.systems import SYSTEMS, questionnaire

LOG = Path(__file__).parents[1] / "fixtures" / "inspect" / "tea.json"
FORWARD, REVERSED = (f"{order}/letters/published/plain/0" for order in ("forward", "reversed"))


@pytest.fixture
def log() -> dict[str, Any]:
    said: dict[str, Any] = json.loads(LOG.read_text())
    return said


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., Path]:
    """Writes a log, as .json or as the zip that a .eval log is."""

    def write(log: dict[str, Any], name: str = "a.json") -> Path:
        path = tmp_path / name
        if path.suffix == ".json":
            path.write_text(json.dumps(log))
            return path
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("header.json", json.dumps({k: v for k, v in log.items() if k != "samples"}))
            for n, one in enumerate(log["samples"]):
                packed.writestr(f"samples/{n}.json", json.dumps(one))
        return path

    return write


def test_the_recorded_log_comes_back_by_its_keys(log: dict[str, Any], kept: Callable[..., Path]) -> None:
    found = inspect_log(LOG)
    told = (
        reread(found.replies)
        .select("item", "condition", "draw", "outcome", "choice", "text")
        .sort("item", "condition", "draw")
    )
    no = "I'm sorry, but I can't help with that."
    assert told.rows() == [
        ("1", FORWARD, 0, "answered", "y", "B."), ("1", FORWARD, 1, "refused", None, no),
        ("1", REVERSED, 0, "answered", "y", "A"), ("1", REVERSED, 1, "refused", None, no),
        ("2", FORWARD, 0, "answered", "n", "Answer: no"), ("2", FORWARD, 1, "unparsed", None, "It depends."),
        ("2", REVERSED, 0, "answered", "n", "Answer: no"),
        ("3", FORWARD, 0, "blank", None, None), ("3", FORWARD, 1, "answered", "y", "yes"),
        ("3", REVERSED, 0, "refused", None, "I would say yes"), ("3", REVERSED, 1, "answered", "y", "yes"),
    ]  # fmt: skip
    assert found.left_out.rows() == [("tea.json", "ended in an error", 1, "2#02cb4f70")]
    first = found.replies.row(0, named=True)
    assert (first["speaker"], first["source"], first["community"], first["turn"]) == (
        "mockllm/model",
        "model",
        "red",
        0,
    )
    assert (first["temperature"], first["tokens"], first["stop"], first["task"]) == (0.5, 16, "stop", "tea")
    assert outcomes(reread(found.replies)).row(0)[2:] == (11, 6, 3, 1, 1)
    log["samples"] = log["samples"][::-1]
    for name in ("a.json", "a.eval"):
        assert inspect_log(kept(log, name)).replies.equals(found.replies)


def test_scores_from_a_log_are_those_from_asking_directly(log: dict[str, Any], kept: Callable[..., Path]) -> None:
    card = read(SYSTEMS / "instruments" / "planted10")
    asked = variants(items(card))
    (name, one), model = next(iter(asked.items())), questionnaire.respondents(card)["elm"]
    direct = administer({"elm": model}, one, condition=name, draws=2, seed=3)
    held = {one["metadata"]["item"]: one for one in samples(asked, community="elm")}
    log["samples"] = [
        held[r["item"]] | {"epoch": r["draw"] + 1, "output": {"choices": [{"message": {"content": r["raw"]}, "stop_reason": "stop"}]}}
        for r in direct.sample(fraction=1, shuffle=True, seed=1).iter_rows(named=True)
    ]  # fmt: skip
    log["eval"] |= {"model": model.name, "dataset": {"samples": 10}}
    back = inspect_log(kept(log))
    assert back.left_out.is_empty()
    again = reread(back.replies)
    same = [c for c in direct.columns if c in again.columns]
    assert set(direct.columns) == set(same)
    assert again.select(same).sort(*frames.KEYS).equals(direct.select(same).sort(*frames.KEYS))
    columns = [*frames.KEYS, "measure", "value"]
    scored = (score(r, card).select(columns).sort(columns[:-1]) for r in (again, direct))
    assert next(scored).equals(next(scored))


def change(log: dict[str, Any], how: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The log with its first sample changed."""
    how(log["samples"][0])
    return log


@pytest.mark.parametrize(("how", "reason"), [
    (lambda s: s.update(limit={"type": "token", "limit": 5}), "stopped at its token limit"),
    (lambda s: s.update(metadata={}), "not exported by Sociolect"),
    (lambda s: s["messages"][1].update(content="Think first. Tea is warm."), "put in other words than exported"),
    (lambda s: s["messages"].insert(1, {"role": "user", "content": "Think first."}), "put in other words than exported"),
    (lambda s: s["metadata"].update(shown=["y"]), "its keys are not those exported"),
    (lambda s: s["metadata"].update(labels=["A"]), "its keys are not those exported"),
    (lambda s: s["metadata"].update(item=7), "its keys are not those exported"),
    (lambda s: s["metadata"].update(negated="no"), "its keys are not those exported"),
    (lambda s: s["metadata"].update(low=float("nan")), "its keys are not those exported"),
    (lambda s: s.update(epoch=0), "its keys are not those exported"),
    (lambda s: s.update(epoch="1"), "its keys are not those exported"),
    (lambda s: s.update(metadata="none"), "not exported by Sociolect"),
])  # fmt: skip
def test_what_is_no_reply_is_counted_by_its_reason(
    log: dict[str, Any], kept: Callable[..., Path], how: Any, reason: str
) -> None:
    found = inspect_log(kept(change(log, how)))
    assert (found.replies.height, reason in found.left_out["reason"].to_list()) == (10, True)
    assert found.left_out["count"].sum() == 2


def test_a_further_choice_of_one_sample_is_counted_and_is_no_draw(
    log: dict[str, Any], kept: Callable[..., Path]
) -> None:
    """`--num-choices 3` asks a model for three replies at once; epochs are the draws."""
    plain = inspect_log(LOG).replies
    found = inspect_log(kept(change(log, lambda s: s["output"].update(choices=s["output"]["choices"] * 3))))
    assert found.replies.equals(plain)
    assert found.left_out.filter(pl.col("reason").str.starts_with("a further choice"))["count"].to_list() == [2]


def test_numbers_of_a_column_are_of_one_kind_and_two_kinds_are_refused(
    log: dict[str, Any], kept: Callable[..., Path]
) -> None:
    for n, one in enumerate(log["samples"]):
        one["metadata"]["weight"] = 1 if n % 2 else 0.5
    assert inspect_log(kept(log)).replies["weight"].unique().sort().to_list() == [0.5, 1.0]
    log["samples"][0]["metadata"]["weight"] = "heavy"
    with pytest.raises(InputError, match="'weight' holds values of more than one kind"):
        inspect_log(kept(log))


def test_half_a_surrogate_pair_and_a_torn_part_are_no_traceback(log: dict[str, Any], kept: Callable[..., Path]) -> None:
    log["samples"][0]["output"]["choices"][0]["message"]["content"] = "A \ud800"
    said = inspect_log(kept(log)).replies["raw"].to_list()
    assert said.count("A ?") == 1
    path = kept(log, "a.eval")
    raw = bytearray(path.read_bytes())
    raw[raw.rindex(b"samples/", 0, raw.index(b"PK\x01\x02")) + 30] ^= 255  # in the last sample's packed bytes
    path.write_bytes(raw)
    with pytest.raises(InputError, match="cannot be read as an Inspect log"):
        inspect_log(path)


def test_a_part_that_unpacks_to_more_than_any_sample_is_refused(
    log: dict[str, Any], kept: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept(log, "a.eval")
    monkeypatch.setattr("sociolect.load.inspect_file.MOST", 100)
    with pytest.raises(InputError, match=r"unpacks to .* bytes, and 100 is the most"):
        inspect_log(path)


def test_samples_that_never_ran_are_counted(log: dict[str, Any], kept: Callable[..., Path]) -> None:
    log["samples"] = log["samples"][:5]
    assert inspect_log(kept(log)).left_out.filter(reason="never run, or cancelled")["count"].to_list() == [7]
    path = kept(log, "a.eval")
    with zipfile.ZipFile(path) as packed:
        start = json.loads(packed.read("header.json"))
        rest = {n: packed.read(n) for n in packed.namelist() if n.startswith("samples/")}
    with zipfile.ZipFile(path, "w") as packed:  # a run cut short has no header
        packed.writestr("_journal/start.json", json.dumps(start))
        for name, raw in rest.items():
            packed.writestr(name, raw)
    assert inspect_log(path).replies.height == 5


def test_a_retried_log_holds_its_predecessors_samples_once_and_another_run_is_refused(
    log: dict[str, Any], kept: Callable[..., Path], tmp_path: Path
) -> None:
    kept(log, "a.json")
    kept(log, "b.eval")
    found = inspect_log(tmp_path)
    assert found.replies.height == 11
    assert found.left_out.filter(reason="the same sample as in an earlier log")["count"].to_list() == [11]
    again = change(log, lambda s: s.update(uuid="another"))
    kept(again, "b.json")
    with pytest.raises(InputError, match="1 draws have two different replies"):
        inspect_log([tmp_path / "a.json", tmp_path / "b.json"])
    other = json.loads(LOG.read_text())
    other["eval"]["model"] = "mockllm/other"
    two = inspect_log([kept(log, "a.json"), kept(other, "c.json")], community={"mockllm/other": "blue"})
    assert two.replies.group_by("speaker", "community").len().sort("speaker").rows() == [
        ("mockllm/model", "red", 11),
        ("mockllm/other", "blue", 11),
    ]
    assert inspect_log(LOG, community="green").replies["community"].unique().to_list() == ["green"]


def test_a_community_that_nobody_named_is_the_model(log: dict[str, Any], kept: Callable[..., Path]) -> None:
    for one in log["samples"]:
        one["metadata"]["community"] = None
    assert inspect_log(kept(log)).replies["community"].unique().to_list() == ["mockllm/model"]


def test_attachments_are_put_back_and_control_characters_taken_out(
    log: dict[str, Any], kept: Callable[..., Path]
) -> None:
    one = log["samples"][0]
    one["attachments"] = {"abc": "\x1b[31mA"}
    one["output"]["choices"][0]["message"]["content"] = "attachment://abc"
    row = inspect_log(kept(log)).replies.filter(
        item=one["metadata"]["item"], condition=one["metadata"]["condition"], draw=one["epoch"] - 1
    )
    assert row.select("raw", "text").row(0) == ("\x1b[31mA", "[31mA")


def test_free_text_comes_back_as_it_was_said(log: dict[str, Any], kept: Callable[..., Path]) -> None:
    free = frames.items(
        pl.DataFrame(
            {"item": ["1"], "prompt": ["What of tea?"], "options": [None]},
            schema_overrides={"options": pl.List(pl.String)},
        )
    )
    (one,) = samples({"asked": free})
    log["samples"] = [one | {"epoch": 1, "output": {"choices": [{"message": {"content": "Tea is 3 parts warmth."}}]}}]
    told = reread(inspect_log(kept(log)).replies).row(0, named=True)
    assert (told["text"], told["outcome"], told["choice"], told["options"]) == (
        "Tea is 3 parts warmth.",
        "answered",
        None,
        None,
    )


@pytest.mark.parametrize(("how", "said"), [
    (lambda log: log.pop("eval"), "no Inspect log"),
    (lambda log: log.pop("samples"), "--no-log-samples"),
    (lambda log: log.update(samples=[]), "no reply can be read from these logs: 12 never run"),
    (lambda log: log["samples"][0]["metadata"].update(sociolect=2), "exported in format 2, and 1 is known"),
])  # fmt: skip
def test_what_is_no_log_of_ours_is_refused(log: dict[str, Any], kept: Callable[..., Path], how: Any, said: str) -> None:
    how(log)
    with pytest.raises(InputError, match=said):
        inspect_log(kept(log))


def test_what_is_no_log_at_all_is_refused(tmp_path: Path) -> None:
    for name, raw in (("a.json", b"{"), ("b.eval", b"nothing"), ("c.json", b"[]")):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(InputError, match=name):
            inspect_log(tmp_path / name)
    for path in (tmp_path / "none.eval", tmp_path / "a.txt", tmp_path / "empty"):
        if path.name == "empty":
            path.mkdir()
        with pytest.raises(InputError, match=r"ends in \.eval or \.json"):
            inspect_log(path)
    with pytest.raises(InputError, match="no column 'raw'"):
        reread(frames.replies(frames.empty("replies")))


def test_a_log_that_needs_inspect_to_unpack_is_unpacked_by_it(
    kept: Callable[..., Path], log: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept(log, "a.eval")
    zstandard = path.read_bytes().replace(b"\x08\x00", b"\x5d\x00")  # the method that Inspect packs with; deflate is 8
    path.write_bytes(zstandard)
    monkeypatch.setitem(sys.modules, "inspect_ai", None)
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)
    with pytest.raises(MissingExtra, match="convert --to json"):
        inspect_log(path)
    reader = types.SimpleNamespace(
        read_eval_log=lambda *_, **__: types.SimpleNamespace(model_dump_json=lambda: json.dumps(log))
    )
    monkeypatch.setitem(sys.modules, "inspect_ai", types.ModuleType("inspect_ai"))
    monkeypatch.setitem(sys.modules, "inspect_ai.log", reader)
    assert inspect_log(path).replies.equals(inspect_log(LOG).replies)
