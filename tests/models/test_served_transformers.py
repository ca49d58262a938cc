"""A served model against `transformers serve`, offline, with a model made on the spot."""

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from sociolect.errors import ModelError
from sociolect.models.model import user
from sociolect.models.served import Served, served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, ("fastapi", "uvicorn", "openai"))),
        reason="transformers serve needs fastapi, uvicorn and openai",
    ),
]


@pytest.fixture(scope="session")
def endpoint(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address and the model's name at a server that runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log"
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(tiny.folder), "--port", str(port)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HF_HOME": str(log.parent)}
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--device", "cpu"], stdout=out, stderr=out, env=offline
        )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            if server.poll() is not None or _healthy(url):
                break
            time.sleep(0.1)
        assert server.poll() is None, log.read_text()[-2000:]
        yield f"{url}/v1", str(tiny.folder)
    finally:
        server.terminate()
        server.wait(20)


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def model(endpoint: tuple[str, str], **settings: Any) -> Served:
    url, name = endpoint
    return served(name, url=url, key=None, workers=4, **settings)


def test_it_writes_what_the_same_weights_write_here(endpoint: tuple[str, str], tiny: Any) -> None:
    chats = [user("write a line"), user("tell us a thing"), user("write a line")]
    found = dict(model(endpoint).answers(chats, due=[0, 1, 2], tokens=12, temperature=0.0))
    assert [found[i].text.strip() for i in range(3)] == tiny.generate(chats, tokens=12, temperature=0.0)
    assert found[0].prompt_tokens == len(tiny.prompt_ids(chats[0]))
    assert 1 <= (found[0].reply_tokens or 0) <= 12
    assert found[0].finish in {"stop", "length"}
    assert found[0].price is None  # nobody has said what it costs


def test_a_completions_endpoint_goes_on_with_a_plain_text(endpoint: tuple[str, str]) -> None:
    first, again = model(endpoint, api="completions").generate(
        [user("ash bay"), user("ash bay")], tokens=5, temperature=0.0
    )
    assert first == again


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_it_ignores_log_probabilities_and_that_is_said(endpoint: tuple[str, str], api: Any) -> None:
    with pytest.raises(ModelError, match="gives no log-probabilities though it was asked"):
        model(endpoint, api=api).logprobs([user("write a line")], [["ash", "bay"]])


def test_its_list_of_models_fails_offline_and_nothing_depends_on_it(endpoint: tuple[str, str]) -> None:
    with pytest.raises(urllib.error.HTTPError, match="500"):
        urllib.request.urlopen(f"{endpoint[0]}/models", timeout=30)
    assert len(model(endpoint).generate([user("write a line")], tokens=3)) == 1
