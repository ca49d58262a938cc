"""vLLM itself beside `Local`, on the same weights: the numbers are those of another program."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from sociolect.models import vllm_engine
from sociolect.models.local import Local, local
from sociolect.models.model import user
from sociolect.models.vllm_open import vllm

pytestmark = pytest.mark.skipif(
    find_spec("vllm") is None, reason="vllm is not installed: pip install 'sociolect[vllm]', or a build for the CPU"
)
CHATS = [user(f"{ask} {more}") for ask in ("write a line", "tell us a thing") for more in ("", "ash bay", "oak pine")]
OPTIONS = [["ash bay cod", "oak", "fig gum hay ivy"]] * len(CHATS)


def test_an_adapter_on_its_base_says_what_the_merged_weights_say(tiny: Local, tmp_path: Path) -> None:
    import copy

    import peft
    import torch

    layers = ["q_proj", "v_proj", "down_proj"]
    made = peft.get_peft_model(copy.deepcopy(tiny.weights.module), peft.LoraConfig(r=8, target_modules=layers))
    draw = torch.Generator().manual_seed(1)
    for name, weight in made.named_parameters():
        if "lora_" in name:
            weight.data = torch.randn(weight.shape, generator=draw) * 0.05
    made.peft_config["default"].base_model_name_or_path = Path(tiny.folder).name
    made.save_pretrained(str(tmp_path / "red"))
    try:
        for worn in (None, tmp_path / "red"):
            theirs = vllm(tiny.folder, adapter=worn, dtype="fp32", lora_rank=8, memory=0.3)
            ours = local(tiny.folder, adapter=worn)
            assert theirs.generate(CHATS, tokens=16, temperature=0) == ours.generate(CHATS, tokens=16, temperature=0)
            for found, due in zip(theirs.logprobs(CHATS, OPTIONS), ours.logprobs(CHATS, OPTIONS), strict=True):
                assert found == pytest.approx(due, abs=1e-3)
            said = theirs.generate(CHATS, tokens=8, seed=3)
            assert theirs.generate(CHATS[::-1], tokens=8, seed=3) == said[::-1]
            assert theirs.generate(CHATS, tokens=8, seed=4) != said
        assert len(vllm_engine._running) == 1
    finally:
        for run in list(vllm_engine._running):
            vllm_engine.close(run)
