"""Expected seconds and memory on graphics cards: closed forms by hand, published counts, and what is unknown stays unknown."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sociolect import arguments, systems
from sociolect.errors import ModelError, UsageError
from sociolect.keep import plan_gpu, plan_memory
from sociolect.keep.plan import Planned, amounts, lines, planned
from sociolect.keep.plan_gpu import CARDS, Cards, hired, share
from sociolect.keep.plan_speed import Speed, measured_card
from sociolect.models.placement import Placement, placed
from sociolect.systems.planned import Range, asked, learnt, made_of
from sociolect.systems.planned_weights import Shape, counted, shape

BF16, FP32 = Placement("cuda", "bf16"), Placement("cuda", "fp32")
H200 = Cards(CARDS["h200"])
N = 8_000_000_000
BUILT = Shape(32, 4096, 14336, (1024.0,) * 3, (128256.0,) * 3)
# config.json of Llama-3.1-8B, as far as it is read
LLAMA = {
    "num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32, "num_key_value_heads": 8,
    "vocab_size": 128256,
}  # fmt: skip
NAME = "hf/meta-llama/Llama-3.1-8B"


def total(plan: Planned, what: str) -> tuple[float | None, float | None, float | None]:
    return plan.totals.filter(what=what).select("planned", "low", "high").row(0)


def row_of(calls: float, prompt: int, reply: int, kind: Any = "generate") -> dict[str, Any]:
    """Calls of prompts and replies of so many tokens each, known for sure."""
    return asked("s", NAME, kind, calls, where="local", prompt=prompt, reply=Range(reply, reply, reply), chars=(1.0, 1.0, 1.0))  # fmt: skip


def plan_with(monkeypatch: pytest.MonkeyPatch, made: Any, **said: Any) -> Planned:
    monkeypatch.setattr("sociolect.systems.instruments.gad7.plan.plan", lambda **_: made)
    return planned(systems.find("gad7"), {}, speed=Speed(1.0), **said)


def test_reading_is_two_operations_a_weight_and_token() -> None:
    # 640 prompts of 1,000 tokens: 2 x 8e9 x 640,000 = 1.024e16 operations, of 989.4e12 a second
    found = plan_gpu.asked(row_of(640, 1000, 0), N, BUILT, H200, BF16)
    assert found == pytest.approx([1.024e16 / 989.4e12 / busy for busy in (0.3, 0.45, 0.15)])
    # in fp32 the tensor cores stand still: 67e12
    slow = plan_gpu.asked(row_of(640, 1000, 0), N, BUILT, H200, FP32)
    assert slow.likely == pytest.approx(1.024e16 / 67e12 / 0.3)
    # an option is read, not written
    assert plan_gpu.asked(row_of(640, 900, 100, "logprobs"), N, BUILT, H200, BF16) == pytest.approx(list(found))


def test_writing_takes_the_bandwidth_or_the_launching_of_layers() -> None:
    reading = 2 * N * 6400 / (362.05e12 * 0.3)
    # L40S, 64 rows at once, 10 steps: 16 GB of weights, and 64 x 110 tokens x 131,072 bytes of keys and values
    step = (16e9 + 64 * 110 * 2 * 32 * 1024 * 2) / (864e9 * 0.6)
    assert step > 0.032  # slower than 32 layers can be launched at 1 ms
    found = plan_gpu.asked(row_of(64, 100, 10), N, BUILT, Cards(CARDS["l40s"]), BF16)
    assert found.likely == pytest.approx(reading + 10 * step)
    # H200: the same step would take 6 ms, and 32 layers are not launched in less than 32
    quick = plan_gpu.asked(row_of(64, 100, 10), N, BUILT, H200, BF16)
    assert quick.likely == pytest.approx(2 * N * 6400 / (989.4e12 * 0.3) + 10 * 0.032)
    # vLLM launches a step at once, and writes 256 replies together
    engine = plan_gpu.asked(row_of(256, 100, 10) | {"model": "vllm/x-8B"}, N, BUILT, H200, BF16)
    step = max((16e9 + 256 * 110 * 131072) / (4800e9 * 0.6), 2 * N * 256 / (989.4e12 * 0.3))
    assert engine.likely == pytest.approx(2 * N * 25600 / (989.4e12 * 0.3) + 10 * step)


def test_learning_is_six_operations_a_weight_and_token_and_an_adapter_spares_two() -> None:
    # Kaplan et al. 2020, table 1: 6 N D; with layers computed twice 8 N D, of adapters 6 N D (low: 4 N D, nothing twice)
    tokens = Range(1e6, 1e6, 1e6)
    full = plan_gpu.learnt(learnt("s", NAME, N, tokens), N, BUILT, H200, BF16)
    lora = plan_gpu.learnt(learnt("s", NAME, N, tokens, rank=8), N, BUILT, H200, BF16)
    peak = 989.4e12
    assert full == pytest.approx([8 * N * 1e6 / peak / 0.3, 6 * N * 1e6 / peak / 0.45, 8 * N * 1e6 / peak / 0.15])
    assert lora == pytest.approx([6 * N * 1e6 / peak / 0.3, 4 * N * 1e6 / peak / 0.45, 6 * N * 1e6 / peak / 0.15])
    # a tiny model is as slow as its layers are launched: three passes of 3 layers for each 4,096 tokens
    tiny = plan_gpu.learnt(learnt("s", "x", 700_000, tokens), 700_000, BUILT._replace(layers=3.0), H200, BF16)
    assert tiny.likely == pytest.approx(1e6 / 4096 * 3 * 3 * 1e-3)


def test_three_communities_are_no_faster_on_four_cards_than_on_three() -> None:
    def hours(cards: int, parts: int) -> float:
        row = learnt("s", NAME, N, Range(1e6, 1e6, 1e6), parts=parts)
        return plan_gpu.learnt(row, N, BUILT, Cards(CARDS["h200"], cards), BF16).likely

    assert hours(4, 3) == hours(3, 3) == pytest.approx(hours(1, 3) / 3)
    assert hours(4, 6) == pytest.approx(hours(1, 6) / 3)  # two rounds of four
    assert hours(4, 1) == hours(1, 1)
    assert share(100, 4) == 0.25


def test_every_weight_that_learns_takes_sixteen_bytes_beside_the_base() -> None:
    # arXiv 1910.02054, Sec. 3.1, without its copy in 16 bits, which is the base: 8e9 x (2 + 16) bytes
    made = made_of(training=[learnt("s", NAME, N, Range(1e6, 1e6, 1e6))])
    found = plan_memory.of_card(made, H200, BF16)
    assert found is not None
    assert 144e9 < found.low < 147e9
    assert found.low < found.likely < found.high
    adapter = plan_memory.of_card(made_of(training=[learnt("s", NAME, N, Range(1, 1, 1), rank=8)]), H200, BF16)
    assert adapter is not None
    assert 16e9 < adapter.low < 18e9


def test_a_batch_holds_the_keys_and_values_of_its_rows(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    name = f"hf/{tmp_path}"

    def held(calls: int, reply: int) -> Range:
        row = row_of(calls, 1000, reply) | {"model": name}
        return plan_memory._asked(row, N, BUILT, BF16)

    # 131,072 bytes a token (2 x 32 layers x 8 heads x 128 x 2 bytes), 64 rows however many are asked
    assert held(6400, 200).likely - held(6400, 100).likely == pytest.approx(64 * 100 * 131_072)
    assert held(6400, 200).low - held(6400, 100).low == pytest.approx(100 * 131_072)  # as few as one row, at worst


def test_what_does_not_fit_has_no_time_and_what_may_not_fit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, tokens = [row_of(100, 100, 10)], Range(1e6, 1e6, 1e6)
    with placed("cuda", "bf16"):
        full = plan_with(monkeypatch, made_of(calls=calls, training=[learnt("s", NAME, N, tokens)]), cards=H200)
        assert total(full, "time") == total(full, "card hours") == total(full, "rent") == (None, None, None)
        (said,) = [note for note in full.notes if note.startswith("It does not fit")]
        assert (
            "H200 SXM has 141 GB. Take an adapter instead of every weight (--lora-rank 8), a smaller model or a larger card"
            in said
        )
        some = made_of(calls=calls, training=[learnt("s", NAME, N, tokens, rank=8, parts=6)])
        tight = plan_with(monkeypatch, some, cards=Cards(CARDS["l40s"], 4))
        assert total(tight, "time")[0] is not None
        assert any(note.startswith("It may not fit") for note in tight.notes)
    with placed("cuda", "fp32"):
        wide = plan_with(monkeypatch, made_of(calls=calls), cards=Cards(CARDS["l4"]))
        assert any("Take --dtype bf16, a smaller model" in note for note in wide.notes)


def test_rent_is_hours_times_cards_times_the_price(monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_of(calls=[row_of(64, 100, 10)], training=[learnt("s", NAME, N, Range(1e6, 1e6, 1e6), rank=8, parts=3)])
    with placed("cuda", "bf16"):
        plan = plan_with(monkeypatch, made, cards=Cards(CARDS["h200"], 4, 3.5))
        free = plan_with(monkeypatch, made, cards=Cards(CARDS["h200"], 4))
    time, hours, rent = (total(plan, what) for what in ("time", "card hours", "rent"))
    assert hours == pytest.approx([s * 4 / 3600 for s in time if s is not None])
    assert rent == pytest.approx([h * 3.5 for h in hours if h is not None])
    assert total(free, "rent") == (None, None, None)
    assert total(free, "card hours") == hours
    assert any(note.startswith("3 models learn side by side at most: 1 of 4 cards wait") for note in plan.notes)
    shown = dict(lines(plan))["What is learnt"].row(0, named=True)
    assert (shown["method"], shown["weights"], shown["parts"]) == ("lora 8", "8,000,000,000", "3")


def test_a_model_of_unknown_size_has_no_time_and_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    row = row_of(10, 10, 10) | {"model": "hf/no/such"}
    made = made_of(calls=[row], training=[learnt("s", "hf/no/such", None, Range(1, 1, 1))])
    plan = plan_with(monkeypatch, made, cards=Cards(CARDS["h200"], 1, 3.5))
    for what in ("time", "card memory", "card hours", "rent", "disk"):
        assert total(plan, what) == (None, None, None), what


def test_a_run_without_a_local_model_gains_nothing_from_a_card() -> None:
    plan = planned(systems.find("gad7"), {}, speed=Speed(1.0), cards=H200)
    assert "No model of this run stands here: a device or a card changes nothing." in plan.notes
    assert total(plan, "card memory") == (None, None, None)


def test_an_adapter_and_whole_weights_take_their_place_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def disk(**how: Any) -> float:
        rows = [learnt("s", NAME, N, Range(1, 1, 1), parts=6, **how)]
        found = total(plan_with(monkeypatch, made_of(training=rows, disk=Range(0, 0, 0)), cards=H200), "disk")[0]
        assert found is not None
        return found

    with placed("cuda", "bf16"):
        assert disk() == 6 * 2 * N
        assert disk(rank=8) == pytest.approx(6 * 4 * shape(NAME, N).adapter(8))
    assert disk() == 6 * 4 * N


def test_a_published_model_is_built_as_its_config_says(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    told = shape(f"hf/{tmp_path}", N)
    assert told == BUILT
    # as PEFT prints it for all linear layers of Llama-3.1-8B: trainable params: 41,943,040
    assert told.adapter(16) == 41_943_040
    # one whose config is not here has about its depth, width and keys
    guessed = shape(NAME, N)
    assert guessed.layers == pytest.approx(32, rel=0.15)
    assert guessed.hidden == pytest.approx(4096, rel=0.15)
    assert guessed.kept[1] < 1024 < guessed.kept[2]


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("hf/Qwen/Qwen2.5-0.5B-Instruct", 500_000_000),
        ("hf/HuggingFaceTB/SmolLM2-135M", 135_000_000),
        ("hf/EleutherAI/pythia-1.4b-deduped", 1_400_000_000),
        ("vllm/meta-llama/Llama-3.1-8B@runs/x/adapter-2b", 8_000_000_000),
        ("hf/a/model-8bit", None),
        ("hf/a/b8B", None),
        ("hf/mistralai/Mixtral-8x22B", None),
    ],
)
def test_a_size_is_read_off_a_name_that_says_one(name: str, weights: int | None) -> None:
    assert counted(name) == weights


def test_a_model_in_the_hubs_cache_is_counted_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")
    np, safe = pytest.importorskip("numpy"), pytest.importorskip("safetensors.numpy")
    at = tmp_path / "models--a--b-8B"
    snapshot = at / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    (at / "refs").mkdir()
    (at / "refs" / "main").write_text("c0ffee")
    (snapshot / "config.json").write_text(json.dumps(LLAMA))
    safe.save_file({"w": np.zeros((3, 5), dtype=np.float32)}, snapshot / "model.safetensors")
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert counted("hf/a/b-8B") == 15
    assert shape("hf/a/b-8B", 15) == BUILT
    # of two files one is here: the download was cut short, and the name says more
    (snapshot / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": "1", "v": "2"}}))
    assert counted("hf/a/b-8B") == 8_000_000_000


def test_what_is_said_of_cards_is_refused_all_at_once() -> None:
    assert hired(None) is None
    assert hired("H100", gpus=4, price_hour=2.0) == Cards(CARDS["h100"], 4, 2.0)
    assert hired(None, device="cuda", gpus=2) == Cards(None, 2)
    with pytest.raises(UsageError, match="no graphics card 'h20'; did you mean 'h200'"):
        hired("h20")
    with pytest.raises(UsageError, match=r"gpus=0: due is 1 or more; price_hour=-1: due is 0 or more"):
        hired("l4", gpus=0, price_hour=-1)
    with pytest.raises(UsageError, match="say which with --gpu"):
        hired(None, gpus=4)


def test_a_device_is_measured_by_layers_of_the_models_own_width() -> None:
    pytest.importorskip("torch")
    built = Shape(2, 64, 176, (64.0,) * 3, (1000.0,) * 3)
    few = measured_card(1000, built, "cpu", "fp32", learns=True)
    assert few.weights == 1000
    assert 0 < (few.read or 0) < (few.write or 0) < 0.1
    assert 0 < (few.learn or 0) < 0.1
    many = measured_card(1000, built._replace(layers=2000.0), "cpu", "fp32")
    assert many.learn is None
    assert (many.write or 0) / (few.write or 1) == pytest.approx(1000, rel=0.9)
    with pytest.raises((ModelError, UsageError), match="torch sees"):
        measured_card(1000, built, "cuda:99", "fp32")


def test_the_cards_of_this_machine_share_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_of(calls=[row_of(640, 100, 0)], training=[learnt("s", NAME, N, Range(1e3, 1e3, 1e3), parts=3)])
    monkeypatch.setattr("sociolect.systems.instruments.gad7.plan.plan", lambda **_: made)
    card = Speed(1.0, N, learn=1e-2, read=1e-4, write=1e-3)
    with placed("cuda"):
        plan = planned(systems.find("gad7"), {}, speed=Speed(1.0, card=card), cards=Cards(None, 2))
    # ten batches on two cards, three communities in two rounds
    assert total(plan, "time")[0] == pytest.approx(64_000 * 1e-4 / 2 + 1e3 * 1e-2 * 2 / 3)
    assert total(plan, "card hours")[0] == pytest.approx((3.2 + 20 / 3) * 2 / 3600)


def test_a_card_holds_one_model_at_a_time_however_many_were_taught() -> None:
    made = made_of(calls=[row_of(1, 1, 1)], training=[learnt("s", NAME, N, Range(1, 1, 1), rank=8, parts=6)])
    alone, spread = (plan_memory.of_card(made, Cards(CARDS["h200"], n), BF16) for n in (1, 4))
    assert alone == spread
    assert alone is not None
    assert 16e9 < alone.low < 18e9 < alone.likely < 60e9  # weights of 16 GB; learning keeps a step's tokens beside them


def test_the_guides_figures_are_those_of_the_plan() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guide" / "gpu.md").read_text("utf-8")
    said = arguments.keywords(
        systems.find("community_fidelity"), {"size": "small", "base": NAME, "lora_rank": "8"}
    )  # as the guide says it
    for cards, told in (
        (H200, ("card memory", "memory", "disk")),
        (Cards(CARDS["h200"], 4), ("card memory", "memory")),
    ):
        with placed("cuda", "bf16"):
            plan = amounts(planned(systems.find("community_fidelity"), said, speed=Speed(1.0), cards=cards).totals)
        for what in told:
            row = plan.filter(what=what).select("what", "planned", "low", "high").row(0)
            assert re.search(r"\n" + r"\s{2,}".join(map(re.escape, row)) + r"\s{2,}", guide), row
