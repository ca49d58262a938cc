"""vLLM's models, over a stand-in for vLLM that computes by transformers and PEFT: each number is theirs, not ours."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.models import fake_vllm
from tests.models.faulty_server import Faulty, Plan, http

from sociolect.models import vllm_engine
from sociolect.models.journal import journal
from sociolect.models.local import Local, local
from sociolect.models.model import user
from sociolect.models.open import open_model
from sociolect.models.vllm_model import Vllm
from sociolect.models.vllm_open import vllm

CHATS = [user("write a line"), user("tell us a thing"), user("say something to your friends about today")]
OPTIONS = [["ash bay cod", "oak"], ["fig", "fig gum"], ["teal", "sage teal oak"]]
NEAR = 1e-4  # nats: sums of some logits in 32 bits, in another order


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[fake_vllm.Here]:
    monkeypatch.delenv("SOCIOLECT_VLLM_URL", raising=False)
    yield fake_vllm.installed(monkeypatch)
    for run in list(vllm_engine._running):
        vllm_engine.close(run)


@pytest.fixture(scope="session")
def red(tiny: Local, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lora(tiny, tmp_path_factory.mktemp("adapters") / "red")


def lora(tiny: Local, folder: Path, *, rank: int = 4, seed: int = 1) -> Path:
    """An adapter that says something: PEFT's own, with a drawn up-projection."""
    import copy

    import peft
    import torch

    made = peft.get_peft_model(
        copy.deepcopy(tiny.weights.module),
        peft.LoraConfig(r=rank, lora_alpha=8, target_modules=["q_proj", "down_proj"]),
    )
    draw = torch.Generator().manual_seed(seed)
    for name, weight in made.named_parameters():
        if "lora_" in name:
            weight.data = torch.randn(weight.shape, generator=draw) * 0.2
    made.peft_config["default"].base_model_name_or_path = Path(tiny.folder).name
    made.save_pretrained(str(folder))
    return folder


def opened(tiny: Local, **settings: Any) -> Vllm:
    return vllm(tiny.folder, dtype="fp32", **settings)


def test_base_and_adapter_say_and_weigh_what_local_does(here: fake_vllm.Here, tiny: Local, red: Path) -> None:
    said = {}
    for worn in (None, red):
        ours, theirs = opened(tiny, adapter=worn), local(tiny.folder, adapter=worn)
        assert ours.generate(CHATS, tokens=12, temperature=0) == theirs.generate(CHATS, tokens=12, temperature=0)
        said[worn] = ours.logprobs(CHATS, OPTIONS)
        for mine, due in zip(said[worn], theirs.logprobs(CHATS, OPTIONS), strict=True):
            assert mine == pytest.approx(due, abs=NEAR)
    assert said[None][0][0] != pytest.approx(said[red][0][0], abs=0.01)
    assert [one["model"] for one in here.started] == [str(tiny.folder)], "base and adapter share one engine"
    assert (
        here.started[0] | {"enable_lora": True, "max_lora_rank": 64, "logprobs_mode": "raw_logprobs"} == here.started[0]
    )
    assert {w.lora_path for w in here.worn if w} == {str(red.resolve())}


def test_a_draw_hangs_on_seed_and_words_alone(here: fake_vllm.Here, tiny: Local, tmp_path: Path) -> None:
    model, chats = opened(tiny, batch=2), [CHATS[0], CHATS[1], CHATS[0]]
    said = model.generate(chats, tokens=8, seed=5)
    assert said[0] != said[2], "a chat that comes twice is drawn twice"
    assert model.generate(chats[::-1], tokens=8, seed=5)[1] == said[1]
    assert model.generate(chats, tokens=8, seed=6) != said
    # top_k=1 leaves the likeliest token, as a temperature of 0 does
    assert opened(tiny, top_k=1).generate(CHATS, tokens=8) == model.generate(CHATS, tokens=8, temperature=0)
    before = here.requests
    with journal(tmp_path / "calls.db"):
        told = model.generate(chats, tokens=8, seed=5), model.logprobs(CHATS, OPTIONS)
        asked = here.requests - before
        assert (model.generate(chats, tokens=8, seed=5), model.logprobs(CHATS, OPTIONS)) == told
    assert told[0] == said
    assert here.requests - before == asked, "the journal answers"


def test_what_options_share_is_asked_once(here: fake_vllm.Here, tiny: Local) -> None:
    model = opened(tiny)
    model.logprobs(CHATS[:1], [["fig", "fig"]])
    once = here.requests
    assert once == len(tiny.reply_ids("fig"))
    model.logprobs([CHATS[0]] * 3, [["fig", "fig"]] * 3)
    assert here.requests == 2 * once


def test_full_weights_run_in_an_engine_of_their_own(here: fake_vllm.Here, tiny: Local, tmp_path: Path) -> None:
    whole = Path(shutil.copytree(tiny.folder, tmp_path / "blue"))
    small = [opened(tiny, memory=0.5), opened(tiny, memory=0.5, adapter=whole)]
    for model in small:
        model.generate(CHATS[:1], tokens=2)
    assert [one["model"] for one in here.started] == [str(tiny.folder), str(whole)]
    assert here.ended == [], "half and half fit one GPU"
    small[0].generate(CHATS[:1], tokens=2)
    opened(tiny, memory=0.4).generate(CHATS[:1], tokens=2)
    assert here.ended == ["blue"], "the one that was unused for longest makes room"
    assert small[1].name == "vllm/model@blue"


def test_weights_that_changed_are_not_answered_for(here: fake_vllm.Here, tiny: Local, tmp_path: Path) -> None:
    at = lora(tiny, tmp_path / "red")
    model = opened(tiny, adapter=at)
    before, version = model.logprobs(CHATS[:1], OPTIONS[:1]), model.version
    lora(tiny, at, seed=2)
    assert model.version != version
    assert model.logprobs(CHATS[:1], OPTIONS[:1]) != before
    assert len({w.lora_int_id for w in here.worn if w}) == 2
    others = replace(model, top_k=3), replace(model, context=9), replace(model, tensor_parallel=2)
    assert len({one.version for one in (model, *others)}) == 4
    (at / "card.json").write_text("{}")
    assert opened(tiny, adapter=at).version == model.version, "a note is no weight"


def test_a_server_answers_as_the_engine_does(
    here: fake_vllm.Here, tiny: Local, red: Path, serve: Callable[..., Faulty], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened(tiny, adapter=red)
    due = engine.generate(CHATS, tokens=9, seed=3), engine.generate(CHATS, tokens=9, temperature=0)
    weights = engine.logprobs(CHATS, OPTIONS)
    asked: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> bytes:
        asked.append(body)
        llm, only = vllm_engine.engine(engine.engine().run), body.get("allowed_token_ids")  # type: ignore[union-attr]  # an Engine
        keys = ("temperature", "top_p", "top_k", "seed", "max_tokens", "stop_token_ids")
        how = fake_vllm.SamplingParams(
            **{k: body[k] for k in keys if k in body}, ignore_eos=True, logprob_token_ids=only
        )
        worn = fake_vllm.LoRARequest("red-1", next(iter(llm.known)), str(red))
        worn = replace(worn, lora_name=llm.known[worn.lora_int_id][0])
        out = llm.generate([{"prompt_token_ids": body["prompt"]}], [how], use_tqdm=False, lora_request=worn)[0].outputs[
            0
        ]
        one = {"text": "", "finish_reason": "stop", "token_ids": only or list(out.token_ids)}
        if only:
            one["logprobs"] = {"token_logprobs": [out.logprobs[0][only[0]].logprob]}
        return http(200, json.dumps({"choices": [one]}).encode())

    plan: Plan = lambda _, __: ""  # noqa: E731  # nothing goes wrong
    monkeypatch.setenv("SOCIOLECT_VLLM_URL", serve(plan, answer=answer).url)
    # the same words open it, with the setting of an engine too
    model = open_model(f"vllm/{tiny.folder}@{red}", memory=0.5)
    assert isinstance(model, Vllm)
    assert model.name == engine.name == "vllm/model@red"
    assert model.version != engine.version
    assert (model.generate(CHATS, tokens=9, seed=3), model.generate(CHATS, tokens=9, temperature=0)) == due
    for mine, theirs in zip(model.logprobs(CHATS, OPTIONS), weights, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-9)
    assert {body["model"] for body in asked} == {"red"}
    assert all(body["repetition_penalty"] == 1.0 and body["min_p"] == 0.0 for body in asked)
    assert [b["top_k"] for b in asked if "top_k" in b] == [0] * 6
    away = open_model(f"vllm/{tiny.folder}@elsewhere/green")
    assert isinstance(away, Vllm)
    assert away.served is not None
    assert (away.name, away.served.model) == ("vllm/model@green", "green")


def test_a_prompt_and_a_reply_share_the_context(here: fake_vllm.Here, tiny: Local) -> None:
    width = len(tiny.prompt_ids(CHATS[0]))
    narrow = opened(tiny, context=width + 2)
    ids = narrow.engine().continued(
        [tiny.prompt_ids(CHATS[0])], [0], [2], ends=(), temperature=0.0, top_p=1, top_k=None
    )
    assert len(ids[0]) == 2
    assert narrow.logprobs(CHATS[:1], [["fig"]])[0] == pytest.approx(tiny.logprobs(CHATS[:1], [["fig"]])[0], abs=NEAR)
    seen = SimpleNamespace(limits=[])
    whole = type(narrow.engine()).continued

    def spy(self: Any, prompts: Any, seeds: Any, limits: Any, **how: Any) -> Any:
        seen.limits = limits
        return whole(self, prompts, seeds, limits, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vllm_engine.Engine, "continued", spy)
        narrow.generate(CHATS[:1], tokens=50)
    assert seen.limits == [2]


def test_an_end_token_is_no_part_of_a_reply(here: fake_vllm.Here, tiny: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    fig = tiny.reply_ids("fig")
    monkeypatch.setattr(vllm_engine.Engine, "continued", lambda *_, **__: [fig])
    group = next(opened(tiny)._answers(CHATS[:1], [0], tokens=9, temperature=0.0, top_p=1.0, seed=0))
    assert [(i, one.text, one.reply_tokens) for i, one in group] == [(0, "fig", len(fig) - 1)]
