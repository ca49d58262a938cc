"""Weights as they are read: an adapter over its own base and no other, once or as a worker keeps them, now or later."""

import json
import pickle
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.align.test_finetune import llama

from sociolect.align.distributed import wanted
from sociolect.align.lora import adapted, write_adapter
from sociolect.errors import ModelError
from sociolect.models import device, distributed
from sociolect.models import local as opening
from sociolect.models import weights as reading
from sociolect.models.local import local
from sociolect.models.weights import Weights, digest, ready


def adapter(base: Path, folder: Path, *, seed: int, card: bool = True) -> Path:
    """An adapter that changes every layer, in a folder of its own."""
    import torch

    module = Weights(base).module
    taught = adapted(module, rank=2, alpha=4, seed=seed)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in taught.named_parameters():
            if name.endswith("lora_B"):
                weight.copy_(torch.randn(weight.shape, generator=draw))
    folder.mkdir()
    write_adapter(taught, folder, base="base", rank=2, alpha=4)
    if card:
        said = {"base": "scratch/test", "dtype": "fp32", "base_digest": digest(module)}
        (folder / "card.json").write_text(json.dumps(said))
    return folder


def other(base: Path, folder: Path) -> Path:
    """A model of the same shape, whose weights are others."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(base, folder)
    held = load_file(folder / "model.safetensors")
    save_file({name: t + 0.01 for name, t in held.items()}, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def lies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, two adapters over it, and a model of its shape."""
    at = tmp_path_factory.mktemp("weights")
    llama(at / "base")
    adapter(at / "base", at / "a", seed=1)
    adapter(at / "base", at / "b", seed=2)
    other(at / "base", at / "other")
    return at


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    """Nothing stands in memory before, nor after."""
    for held in (reading._base, reading._ready):
        held.clear()
    yield
    for held in (reading._base, reading._ready):
        held.clear()


def refused(weights: Weights) -> str:
    with pytest.raises(ModelError) as error:
        _ = weights.module
    with pytest.raises(ModelError) as again:
        ready(weights)
    assert str(again.value) == str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_an_adapter_adds_its_product_to_each_layer(lies: Path) -> None:
    from safetensors.torch import load_file

    held = load_file(lies / "a/adapter_model.safetensors")
    name = "model.layers.1.mlp.up_proj"
    up, down = (held[f"base_model.model.{name}.lora_{half}.weight"] for half in "BA")
    bare = Weights(lies / "base").module.get_submodule(name).weight.detach()
    due = bare + (4 / 2) * up @ down  # Hu et al. 2021, Sec. 4.1
    made = Weights(lies / "base", lies / "a").module.get_submodule(name).weight.detach()
    assert float((made - due).abs().max()) < 1e-5
    assert float((made - bare).abs().max()) > 0.1


def test_an_adapter_over_another_base_of_its_shape_is_refused(lies: Path) -> None:
    said = refused(Weights(lies / "other", lies / "a"))
    assert said.startswith("adapter 'a' was made for other weights than ")
    assert digest(Weights(lies / "base").module) in said


@pytest.mark.parametrize("change", [{"hidden_size": 64}, {"num_hidden_layers": 3}, {"num_hidden_layers": 1}], ids=str)
def test_an_adapter_without_a_card_over_another_shape_is_refused(
    change: dict[str, int], lies: Path, tmp_path: Path
) -> None:
    llama(tmp_path / "shape", **change)
    laid = Path(shutil.copytree(lies / "a", tmp_path / "bare"))
    (laid / "card.json").unlink()
    assert refused(Weights(tmp_path / "shape", laid)).startswith("adapter 'bare' does not fit ")


def test_an_adapter_that_misses_layers_or_its_weights_is_refused(lies: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    laid = Path(shutil.copytree(lies / "a", tmp_path / "torn"))
    held = load_file(laid / "adapter_model.safetensors")
    save_file({name: t for name, t in held.items() if "layers.1.mlp" not in name}, laid / "adapter_model.safetensors")
    said = refused(Weights(lies / "base", laid))
    assert said.startswith("adapter 'torn' does not fit ")
    (laid / "adapter_model.safetensors").unlink()
    assert refused(Weights(lies / "base", laid)).startswith("the adapter has no adapter_model.safetensors")


def test_what_a_worker_keeps_says_what_each_model_says_by_itself(lies: Path) -> None:
    laid = [None, lies / "a", lies / "b", None, lies / "other", lies / "a"]
    due = {at: digest(local(lies / "base", adapter=at).module) for at in laid}
    assert len(set(due.values())) == 4
    assert due[lies / "other"] == digest(Weights(lies / "other").module)  # full weights stand alone
    for at in laid:
        assert digest(ready(Weights(lies / "base", at))) == due[at]
        assert len(reading._ready) == 1
    (held,) = reading._base.values()
    assert digest(held) == due[None]
    assert ready(Weights(lies / "base", lies / "a")) is ready(Weights(lies / "base", lies / "a"))


def test_a_way_of_attending_stays_with_the_model_it_was_said_of(lies: Path) -> None:
    assert ready(Weights(lies / "base", attention="eager")).config._attn_implementation == "eager"
    assert ready(Weights(lies / "base", lies / "a")).config._attn_implementation == "sdpa"
    assert ready(Weights(lies / "base")).config._attn_implementation == "sdpa"


def test_a_folder_that_changed_is_read_anew(lies: Path, tmp_path: Path) -> None:
    base = Path(shutil.copytree(lies / "base", tmp_path / "base"))
    first = digest(ready(Weights(base)))
    shutil.copy(lies / "other/model.safetensors", base)
    assert digest(ready(Weights(base))) == digest(Weights(lies / "other").module) != first


def test_threads_that_ask_two_models_wait_for_each_other(lies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = list[str](), list[int]()
    own = device.on_device

    def slow(module: Any, *where: Any) -> Any:
        inside.append("x")
        most.append(len(inside))
        time.sleep(0.05)
        inside.pop()
        return own(module, *where)

    monkeypatch.setattr(reading, "on_device", slow)
    due = [digest(Weights(lies / "base", at)._own) for at in (lies / "a", lies / "b")]
    most.clear()
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda at: digest(ready(Weights(lies / "base", lies / at))), "abab"))
    assert made == due * 2
    assert max(most) == 1


def test_weights_that_are_first_wanted_where_nothing_learns_can_learn_later(
    lies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What torch moves to a GPU in inference mode can never learn."""
    import torch

    own, modes = device.on_device, list[bool]()

    def seen(module: Any, *where: Any) -> Any:
        modes.append(torch.is_inference_mode_enabled())
        return own(module, *where)

    monkeypatch.setattr(reading, "on_device", seen)
    with torch.inference_mode():
        _ = Weights(lies / "base", lies / "a").module
    assert modes == [False]


def test_weights_travel_without_themselves(lies: Path) -> None:
    held = Weights(lies / "base", lies / "a", "bf16", "cpu", "eager", "abc")
    _ = held.module, held.config
    sent = pickle.dumps(held)
    assert len(sent) < 1000
    assert pickle.loads(sent) == held
    assert not {"_own", "config"} & vars(pickle.loads(sent)).keys()
    assert "_own" not in vars(replace(held, adapter=None))
    known = Weights("here", known=held.module)
    with pytest.raises(ModelError, match="^here lies in the memory of one process alone: write it to a folder first$"):
        pickle.dumps(known)


def test_a_process_reads_at_once_and_on_a_cluster_nobody_reads_here(
    lies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = local(lies / "base", adapter=lies / "a")
    assert "_own" in vars(here.weights)
    monkeypatch.setattr(opening, "session", lambda: "a cluster")
    there = local(lies / "base", adapter=lies / "a")
    assert "_own" not in vars(there.weights)
    assert there.weights.config.to_dict() == here.module.config.to_dict()
    assert there.weights.generation_config.to_dict() == here.module.generation_config.to_dict()
    assert (
        (there.ends, there.context, there.version)
        == (here.ends, here.context, here.version)
        == ((1,), 64, here.version)
    )
    assert "_own" not in vars(there.weights)


def test_nodes_read_the_commit_of_a_hub_model_that_this_process_has(
    lies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    for commit, at in (("1" * 40, "base"), ("2" * 40, "other")):
        shutil.copytree(lies / at, tmp_path / "models--we--tiny/snapshots" / commit)
    (refs := tmp_path / "models--we--tiny/refs").mkdir()
    (refs / "main").write_text("1" * 40)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    told = distributed.sent(Weights("we/tiny"))
    before = local("we/tiny").version
    (refs / "main").write_text("2" * 40)  # as on a node that fetched it later
    assert local("we/tiny").version != before  # answers of the one are none of the other
    assert digest(ready(told.here())) == digest(Weights(lies / "base").module)
    assert digest(ready(Weights("we/tiny"))) == digest(Weights(lies / "other").module)
    shutil.rmtree(tmp_path / "models--we--tiny/snapshots" / ("1" * 40))
    assert refused(told.here()).startswith("we/tiny cannot be opened: ")


def test_a_worker_is_given_room_for_all_that_it_holds(lies: Path) -> None:
    from safetensors.torch import load_file

    count = sum(t.numel() for t in load_file(lies / "base/model.safetensors").values())
    full = Weights("we/none", lies / "other", "bf16")
    room = {
        Weights(lies / "base"): 8,  # room for an adapter over it, which the same workers are asked for next
        Weights(lies / "base", lies / "a"): 8,  # the base, and a copy into which it is merged
        Weights(lies / "base", lies / "a", "bf16", "cuda"): 4,
        Weights(lies / "base", None, "bf16", "cuda"): 4,  # the base, and the copy on its way to the GPU
        full: 2,
    }
    for held, each in room.items():
        assert distributed.needs(held, threads=1).memory == each * count + 10**9
    base = local(lies / "base")
    assert wanted(base, lora=False).memory == 20 * count + 10**9  # weight, gradient, two moments, and the base
    assert wanted(base, lora=True).memory == 8 * count + 10**9
    assert distributed.needs(Weights("we/none"), threads=1).memory == 0
