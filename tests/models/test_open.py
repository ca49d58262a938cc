from pathlib import Path
from shutil import copytree

import pytest

from sociolect.errors import UsageError
from sociolect.models.local import Local
from sociolect.models.model import user
from sociolect.models.open import open_model
from sociolect.models.served import Served


def test_folders_and_adapters(tiny: Local, tmp_path: Path) -> None:
    chat = [user("write a line")]
    said = tiny.generate(chat, tokens=9, seed=2)
    assert open_model(f"hf/{tiny.folder}").generate(chat, tokens=9, seed=2) == said
    scratch = open_model("scratch/tiny", folder=tiny.folder, threads=1)
    assert isinstance(scratch, Local)
    assert (scratch.name, scratch.threads) == ("scratch/tiny", 1)
    worn = open_model(f"hf/{tiny.folder}@{copytree(tiny.folder, tmp_path / 'red')}")
    assert worn.name == "hf/model@red"
    odd = copytree(tiny.folder, tmp_path / "a@b")
    assert open_model(f"hf/{odd}").name == "hf/a@b"
    assert open_model(f"scratch/tiny@{tmp_path / 'red'}", folder=tiny.folder).name == "scratch/tiny@red"


def test_endpoints() -> None:
    model = open_model("endpoint/http://127.0.0.1:8000/v1#small", workers=2)
    assert isinstance(model, Served)
    assert (model.url, model.model, model.name, model.key, model.workers) == (
        "http://127.0.0.1:8000/v1",
        "small",
        "endpoint/small",
        None,
        2,
    )
    paid = open_model("openai/some-model")
    assert isinstance(paid, Served)
    assert (paid.name, paid.key) == ("openai/some-model", "OPENAI_API_KEY")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("opneai/x", "did you mean 'openai'"),
        ("hf", "names no model"),
        ("hf/", "names no model"),
        ("endpoint/http://127.0.0.1:1/v1", "base url>#<name>"),
        ("scratch/tiny", "train it with scratch"),
        ("scripted/ecko", "did you mean 'echo'"),
    ],
)
def test_faults_are_named(name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        open_model(name)
