"""What a model for vLLM is refused for, one line each, and what is left behind then: nothing."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file, save_file
from tests.models import fake_vllm
from tests.models.faulty_server import Faulty, Plan, http

from sociolect.cluster.folders import content
from sociolect.errors import MissingExtra, ModelError, SociolectError, UsageError
from sociolect.models import vllm_engine
from sociolect.models.local import Local
from sociolect.models.model import user
from sociolect.models.open import open_model
from sociolect.models.vllm_open import vllm

CHATS = [user("write a line")]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[fake_vllm.Here]:
    monkeypatch.delenv("SOCIOLECT_VLLM_URL", raising=False)
    yield fake_vllm.installed(monkeypatch)
    for run in list(vllm_engine._running):
        vllm_engine.close(run)


@pytest.fixture
def red(tiny: Local, tmp_path: Path) -> Path:
    """An adapter of rank 4 over one layer of the tiny model, whose up-projection is 0."""
    import numpy as np

    at, layer = tmp_path / "red", "base_model.model.model.layers.0.self_attn.q_proj"
    at.mkdir()
    shape = {"lora_A": (4, 128), "lora_B": (128, 4)}
    save_file(
        {f"{layer}.{half}.weight": np.zeros(s, np.float32) for half, s in shape.items()},
        at / "adapter_model.safetensors",
    )
    said = {
        "peft_type": "LORA",
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ["q_proj"],
        "base_model_name_or_path": "model",
    }
    (at / "adapter_config.json").write_text(json.dumps(said))
    return at


def told(folder: Path, **changes: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_vllm_is_not_installed(tiny: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOCIOLECT_VLLM_URL", raising=False)
    monkeypatch.setitem(sys.modules, "vllm", None)
    monkeypatch.setattr("sociolect.models.vllm_open.find_spec", lambda name: None if name == "vllm" else object())
    with pytest.raises(MissingExtra, match=r"pip install 'sociolect\[vllm\]'"):
        open_model(f"vllm/{tiny.folder}")
    with pytest.raises(MissingExtra, match=r"sociolect\[vllm\]"):
        vllm_engine.imported()
    assert open_model(f"vllm/{tiny.folder}", url="http://127.0.0.1:1/v1").name == "vllm/model", "a server needs none"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"dtype": "fp8"}, "dtype is 'fp8'; due is one of fp32, bf16"),
        ({"tensor_parallel": 0, "memory": 1.5}, r"tensor_parallel=0.*; memory=1.5: due is the share of a GPU"),
        ({"context": 1}, "context=1"),
        ({"lora_rank": 9}, "lora_rank=9: due is None or one of 1, 8, 16"),
        ({"workers": 4}, r"workers: said to a server, and no url= and no \$SOCIOLECT_VLLM_URL"),
    ],
)
def test_settings_that_cannot_be(here: fake_vllm.Here, tiny: Local, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        vllm(tiny.folder, **settings)


def test_folders_that_are_no_model(here: fake_vllm.Here, tiny: Local, red: Path, tmp_path: Path) -> None:
    def says(match: str, folder: Path, **settings: Any) -> None:
        with pytest.raises(ModelError, match=match):
            vllm(folder, **settings)

    pickled = tmp_path / "pickled"
    shutil.copytree(tiny.folder, pickled, ignore=shutil.ignore_patterns("*.safetensors"))
    (pickled / "pytorch_model.bin").write_bytes(b"x")
    says("has no .*safetensors in 'pickled'; other formats can run code", pickled)
    says("vllm/.*nowhere cannot be opened", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    says("'empty' is no adapter", Path(tiny.folder), adapter=tmp_path / "empty")
    (red / "stale.json").write_text("{}")
    says("red may have learnt from somebody who was forgotten", Path(tiny.folder), adapter=red)
    assert vllm(tiny.folder, adapter=red, stale=True).name == "vllm/model@red"
    assert here.started == [], "nothing is started for what is not asked"


def test_adapters_that_do_not_go_over_the_base(here: fake_vllm.Here, tiny: Local, red: Path) -> None:
    def says(match: str, **settings: Any) -> None:
        with pytest.raises(ModelError, match=match):
            vllm(tiny.folder, adapter=red, **settings)

    weights = load_file(red / "adapter_model.safetensors")
    told(red, base_model_name_or_path="org/other")
    says("made for 'other', not for 'model'.*other_base=True")
    assert vllm(tiny.folder, adapter=red, other_base=True).weights.lora
    told(red, base_model_name_or_path="org/model", r=16)
    assert vllm(tiny.folder, adapter=red, lora_rank=16).weights.lora, "a hub id is known by its last part"
    says("rank 16, and the engine of vllm/model@red takes 8: say lora_rank=16", lora_rank=8)
    says("takes none: say lora_rank=16", lora_rank=None)
    told(red, r=4, rank_pattern={"q_proj": 1024})
    says("rank 1024.*512 at most")
    told(red, rank_pattern={}, peft_type="LOHA", r="4")
    says("peft_type is 'LOHA'; due is LORA; r is '4'; due is a whole number")
    told(red, peft_type="LORA", r=4)
    (red / "card.json").write_text(json.dumps({"base_content": content(Path(tiny.folder))}))
    assert vllm(tiny.folder, adapter=red).weights.lora
    (red / "card.json").write_text(json.dumps({"base_content": "another"}))
    says("it learnt over other files than those of 'model'")
    (red / "card.json").unlink()
    for name in weights:
        weights[name] = weights[name][:, :64] if "lora_A" in name else weights[name]
    save_file(weights, red / "adapter_model.safetensors")
    says("its shapes are another base's: model.layers.0.self_attn.q_proj.weight is 128 x 128, not 128 x 64")
    (red / "adapter_model.safetensors").write_bytes(b"torn")
    says("red/adapter_model.safetensors cannot be read")
    (red / "adapter_model.safetensors").rename(red / "adapter_model.bin")
    says("no adapter_model.safetensors; other formats can run code")
    (red / "adapter_config.json").write_text("{")
    says("no adapter_config.json that can be read")


def test_engines_that_fail(here: fake_vllm.Here, tiny: Local) -> None:
    model = vllm(tiny.folder, dtype="fp32")
    here.gpu = False
    with pytest.raises(ModelError, match="vllm finds no GPU that it is built for"):
        model.generate(CHATS)
    here.gpu, here.start_fails = (
        True,
        "1 validation error for ModelConfig\n  CUDA out of memory. Tried to allocate 2 GiB.\nand pages more",
    )
    with pytest.raises(
        ModelError, match=r"of model does not start: CUDA out of memory. Tried .* 2 GiB; memory=0.9 is the share"
    ):
        model.generate(CHATS)
    here.start_fails, here.answer_fails = "", "the engine is dead"
    with pytest.raises(ModelError, match="vllm gives up on model: the engine is dead"):
        model.generate(CHATS)
    assert here.ended == ["model"], "an engine that failed holds requests nobody waits for"
    here.answer_fails = ""
    assert len(model.generate(CHATS, tokens=2)) == 1
    assert len(here.started) == 2


def test_questions_that_cannot_be_put(here: fake_vllm.Here, tiny: Local) -> None:
    model = vllm(tiny.folder, dtype="fp32", context=8)
    with pytest.raises(ModelError, match=r"1 of 1 prompts do not fit the 8 tokens of vllm/model .* is \d+ tokens over"):
        model.generate([user("say something to your friends about today")])
    with pytest.raises(ModelError, match="1 prompts and their options are longer than the 8 tokens"):
        model.logprobs(CHATS, [["ash bay cod dew elm fig"]])
    for hot in (0.005, 2.5, -1.0, float("nan")):
        with pytest.raises(UsageError, match="vllm takes 0, or 0.01 to 2.0"):
            model.generate(CHATS, temperature=hot)
    with pytest.raises(UsageError, match="tokens=0, top_p=0.0: due are 1"):
        model.generate(CHATS, tokens=0, top_p=0.0)
    with pytest.raises(SociolectError, match="1 chats, 2 lists of options"):
        model.logprobs(CHATS, [["a"], ["b"]])


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"token_ids": None}, "without token_ids"),
        ({"token_ids": [1], "logprobs": {"token_logprobs": [-0.5]}}, "no log-probability to a token it was asked for"),
        ({"token_ids": "asked", "logprobs": None}, "no log-probability to a token it was asked for"),
        (
            {"token_ids": "asked", "logprobs": {"token_logprobs": [0.0]}},
            "after its filters: start the server with --logprobs-mode",
        ),
    ],
)
def test_servers_that_answer_otherwise(
    tiny: Local, serve: Callable[..., Faulty], answer: dict[str, Any], says: str
) -> None:
    plan: Plan = lambda _, __: ""  # noqa: E731  # nothing goes wrong on the wire

    def reply(body: dict[str, Any]) -> bytes:
        ids = body["allowed_token_ids"] if answer["token_ids"] == "asked" else answer["token_ids"]
        return http(
            200, json.dumps({"choices": [{"text": "", "finish_reason": "stop", **answer, "token_ids": ids}]}).encode()
        )

    model = vllm(tiny.folder, url=serve(plan, answer=reply).url, tries=1, pause=0)
    with pytest.raises(ModelError, match=says):
        model.logprobs(CHATS, [["oak", "teal"]])
