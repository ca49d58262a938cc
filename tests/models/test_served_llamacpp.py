"""A served model against `llama_cpp.server`, with a model made on the spot: chat, completions, and log-probabilities that add up."""

import importlib
import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sociolect.errors import ModelError
from sociolect.models.model import user
from sociolect.models.served import Served, served
from sociolect.models.served_replies import plain

pytestmark = [
    pytest.mark.llamacpp,
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, ("llama_cpp", "gguf"))),
        reason="the server of llama.cpp is not installed: pip install 'llama-cpp-python[server]' gguf",
    ),
]
WIDTH, LAYERS, HEADS, CONTEXT = 64, 2, 4, 256


def tiny_gguf(file: Path, *, first: bool) -> None:
    """A Llama of random weights over single bytes; `first` says whether each text begins with a mark of its own."""
    gguf: Any = importlib.import_module("gguf")
    rng = np.random.default_rng(1)
    writer = gguf.GGUFWriter(str(file), "llama")
    words = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256)), "\u2581"]
    kinds = [2, 3, 3, *[6] * 256, 1]  # unknown, control, bytes, normal
    for add, value in (
        (writer.add_context_length, CONTEXT), (writer.add_embedding_length, WIDTH), (writer.add_block_count, LAYERS),
        (writer.add_feed_forward_length, 2 * WIDTH), (writer.add_head_count, HEADS), (writer.add_head_count_kv, HEADS),
        (writer.add_layer_norm_rms_eps, 1e-5), (writer.add_rope_dimension_count, WIDTH // HEADS),
        (writer.add_vocab_size, len(words)), (writer.add_tokenizer_model, "llama"), (writer.add_token_list, words),
        (writer.add_token_scores, [0.0] * len(words)), (writer.add_token_types, kinds), (writer.add_bos_token_id, 1),
        (writer.add_eos_token_id, 2), (writer.add_unk_token_id, 0), (writer.add_add_bos_token, first),
        (writer.add_add_space_prefix, False),
    ):  # fmt: skip
        add(value)
    shapes = {"token_embd": (len(words), WIDTH), "output": (len(words), WIDTH)}
    for i in range(LAYERS):
        shapes |= {f"blk.{i}.attn_{part}": (WIDTH, WIDTH) for part in ("q", "k", "v", "output")}
        shapes |= {f"blk.{i}.ffn_{part}": (2 * WIDTH, WIDTH) for part in ("gate", "up")}
        shapes |= {f"blk.{i}.ffn_down": (WIDTH, 2 * WIDTH)}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", rng.normal(0, 0.2, shape).astype(np.float32))
    for name in ("output_norm", *(f"blk.{i}.{part}_norm" for i in range(LAYERS) for part in ("attn", "ffn"))):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()


@pytest.fixture(scope="module", params=[True, False], ids=["with a first mark", "without"])
def endpoint(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, bool]]:
    folder = tmp_path_factory.mktemp("llama")
    tiny_gguf(folder / "tiny.gguf", first=request.param)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(folder / "tiny.gguf"), "--port", str(port)]
    with (folder / "log").open("w") as out:
        server = subprocess.Popen(
            [*command, "--n_ctx", str(CONTEXT), "--n_threads", "1"], stdout=out, stderr=out, env={**os.environ}
        )
    try:
        url = f"http://127.0.0.1:{port}/v1"
        for _ in range(300):
            if server.poll() is not None or _up(url):
                break
            time.sleep(0.1)
        assert server.poll() is None, (folder / "log").read_text()[-2000:]
        yield url, folder / "tiny.gguf", request.param
    finally:
        server.terminate()
        server.wait(20)


def _up(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def model(url: str, **settings: Any) -> Served:
    return served("tiny", url=url, key=None, workers=2, **settings)


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_it_replies(endpoint: tuple[str, Path, bool], api: Any) -> None:
    found = dict(model(endpoint[0], api=api).answers([user("ab"), user("cd")], due=[0, 1], tokens=4, temperature=0.0))
    assert sorted(found) == [0, 1]
    assert found[0].prompt_tokens
    assert found[0].finish in {"stop", "length"}


def test_an_option_weighs_what_the_weights_say(endpoint: tuple[str, Path, bool]) -> None:
    """Golden: the sums that llama.cpp's own logits give in this process. Without a first mark its server shifts them by one."""
    llama_cpp: Any = importlib.import_module("llama_cpp")
    url, file, first = endpoint
    options = ["yes", "no", "perhaps"]
    one = model(url, api="completions")
    if not first:
        with pytest.raises(ModelError, match="nothing shows that they are its tokens'|not its tokens'"):
            one.logprobs([user("well")], [options])
        return
    (found,) = one.logprobs([user("well")], [options])
    here = llama_cpp.Llama(str(file), n_ctx=CONTEXT, n_threads=1, logits_all=True, verbose=False)
    for option, nats in zip(options, found, strict=True):
        head, tail = here.tokenize(plain(user("well")).encode()), here.tokenize(f" {option}\n".encode(), add_bos=False)
        here.reset()
        here.eval([*head, *tail])
        logits = np.asarray(here.scores[: len(head) + len(tail)], dtype=np.float64)
        sums = (
            logits
            - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True))
            - logits.max(1, keepdims=True)
        )
        truth = sum(sums[len(head) - 1 + k, token] for k, token in enumerate(tail))
        assert nats == pytest.approx(truth, abs=1e-3)
