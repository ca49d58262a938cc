"""As much of vLLM's interface as Sociolect calls, over transformers and PEFT on the CPU: slow, one request at a time, and strict.

Names and defaults are those of vLLM 0.32: `entrypoints/llm.py`, `sampling_params.py`, `lora/request.py`, `outputs.py`.
"""

import sys
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


@dataclass
class SamplingParams:
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int | None = None
    max_tokens: int | None = 16
    stop_token_ids: list[int] = field(default_factory=list)
    ignore_eos: bool = False
    logprobs: int | None = None
    logprob_token_ids: list[int] | None = None
    detokenize: bool = True

    def __post_init__(self) -> None:
        if self.logprob_token_ids is not None and len(self.logprob_token_ids) > 128:
            raise ValueError(f"Requested logprob_token_ids of length {len(self.logprob_token_ids)}")


@dataclass(frozen=True)
class LoRARequest:
    lora_name: str
    lora_int_id: int
    lora_path: str


@dataclass
class Here:
    """What a test may look at and change: the engines that were started, those that were ended, and what goes wrong."""

    started: list[dict[str, Any]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    worn: list[LoRARequest | None] = field(default_factory=list)
    requests: int = 0
    gpu: bool = True
    start_fails: str = ""
    answer_fails: str = ""


def installed(monkeypatch: pytest.MonkeyPatch) -> Here:
    """The stand-in takes the place of vLLM until the test is over."""
    here = Here()

    class LLM:
        def __init__(self, model: str, **said: Any) -> None:
            import torch
            from transformers import AutoModelForCausalLM

            if here.start_fails:
                raise RuntimeError(here.start_fails)
            assert said["load_format"] == "safetensors"
            assert said["trust_remote_code"] is False
            self.module = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, said["dtype"])).eval()
            self.known: dict[int, tuple[str, Any]] = {}
            self.rank, self.model = said.get("max_lora_rank"), model
            most = said["max_model_len"] or self.module.config.max_position_embeddings
            self.llm_engine = SimpleNamespace(
                model_config=SimpleNamespace(max_model_len=most),
                engine_core=SimpleNamespace(shutdown=lambda: here.ended.append(Path(model).name)),
            )
            here.started.append({"model": model, **said})

        def _worn(self, lora: LoRARequest | None) -> Any:
            from peft import PeftModel
            from transformers import AutoModelForCausalLM

            if lora is None:
                return self.module
            if lora.lora_int_id not in self.known:
                assert self.rank is not None
                base = AutoModelForCausalLM.from_pretrained(self.model, dtype=self.module.dtype)
                self.known[lora.lora_int_id] = (lora.lora_name, PeftModel.from_pretrained(base, lora.lora_path).eval())
            name, module = self.known[lora.lora_int_id]
            assert name == lora.lora_name
            return module

        def generate(self, prompts: Any, how: Any, *, use_tqdm: bool, lora_request: LoRARequest | None) -> list[Any]:
            assert not use_tqdm
            if here.answer_fails:
                raise RuntimeError(here.answer_fails)
            here.worn.append(lora_request)
            here.requests += len(prompts)
            module = self._worn(lora_request)
            assert len(prompts) == len(how)
            return [self._one(module, p["prompt_token_ids"], h) for p, h in zip(prompts, how, strict=True)]

        def _one(self, module: Any, ids: list[int], how: SamplingParams) -> Any:
            import torch

            assert len(ids) < self.llm_engine.model_config.max_model_len
            assert how.max_tokens is not None
            assert how.ignore_eos or how.logprob_token_ids
            draw = torch.Generator().manual_seed(how.seed or 0)
            said: list[int] = []
            told: list[dict[int, Any]] = []
            with torch.inference_mode():
                while len(said) < how.max_tokens and not (said and said[-1] in how.stop_token_ids):
                    raw = torch.log_softmax(module(torch.tensor([[*ids, *said]])).logits[0, -1].float(), -1)
                    if how.logprob_token_ids:
                        told.append({t: SimpleNamespace(logprob=float(raw[t])) for t in how.logprob_token_ids})
                    shares = torch.softmax(raw / (how.temperature or 1.0), -1)
                    if how.top_k:
                        shares = shares * (shares >= shares.topk(how.top_k).values[-1])
                    falling, order = shares.sort(descending=True)
                    shares[order[falling.cumsum(0) - falling >= how.top_p]] = 0
                    one = raw.argmax() if how.temperature == 0 else torch.multinomial(shares, 1, generator=draw)[0]
                    said.append(int(one))
            return SimpleNamespace(outputs=[SimpleNamespace(token_ids=tuple(said), logprobs=told or None)])

    platform = SimpleNamespace(is_unspecified=lambda: not here.gpu)
    parts: dict[str, dict[str, Any]] = {
        "vllm": {"LLM": LLM, "SamplingParams": SamplingParams, "TokensPrompt": lambda prompt_token_ids: {"prompt_token_ids": prompt_token_ids}},
        "vllm.platforms": {"current_platform": platform},
        "vllm.lora": {},
        "vllm.lora.request": {"LoRARequest": LoRARequest},
        "vllm.distributed": {"cleanup_dist_env_and_memory": lambda: None},
    }  # fmt: skip
    for name, what in parts.items():
        module = ModuleType(name)
        module.__dict__.update(what)
        module.__spec__ = ModuleSpec(name, None)
        module.__path__ = []
        monkeypatch.setitem(sys.modules, name, module)
    return here
