"""Tiny classifiers made on the spot, held against transformers' own pipeline."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import ModelError, UsageError
from sociolect.measure.emotion import emotion
from sociolect.measure.pretrained import pretrained
from sociolect.measure.toxicity import toxicity

WORDS = ["tea", "rain", "hill", "bread", "song", "lamp", "river", "chalk"]
TEXTS = ["tea rain", "hill", "bread song lamp river chalk tea", "tea rain", "lamp lamp lamp", "unseen words"]


def made(folder: Path, *, kind: str = "bert", names: list[str], problem: str | None = None, head: bool = True) -> Path:
    """A random model whose weights are large enough to have opinions, with its tokenizer, saved to a folder."""
    import tokenizers
    import torch
    import transformers

    torch.manual_seed(1)
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {w: i for i, w in enumerate([*specials, *WORDS])}
    inner = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    inner.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    words = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    small: dict[str, Any] = {
        "vocab_size": len(vocabulary), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 12, "initializer_range": 0.8, "pad_token_id": 0,
        "problem_type": problem, "id2label": dict(enumerate(names)), "label2id": {v: k for k, v in enumerate(names)},
    }  # fmt: skip
    Config, Classifier, Bare = {
        "bert": (transformers.BertConfig, transformers.BertForSequenceClassification, transformers.BertModel),
        "roberta": (
            transformers.RobertaConfig,
            transformers.RobertaForSequenceClassification,
            transformers.RobertaModel,
        ),
    }[kind]
    module = (Classifier if head else Bare)(Config(**small)).eval()
    module.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "problem", "names"),
    [
        ("bert", "multi_label_classification", ["anger", "joy", "fear"]),
        ("bert", "single_label_classification", ["anger", "joy", "fear"]),
        ("roberta", None, ["fine", "toxic"]),
        ("bert", None, ["toxic"]),
    ],
)
def test_numbers_equal_transformers_own_pipeline(
    tmp_path: Path, kind: str, problem: str | None, names: list[str]
) -> None:
    import transformers

    folder = made(tmp_path, kind=kind, names=names, problem=problem)
    reader = pretrained(folder, batch=2)
    pipe = transformers.pipeline("text-classification", model=str(folder), tokenizer=str(folder), top_k=None)
    due = [{row["label"]: row["score"] for row in rows} for rows in pipe(TEXTS)]
    found = reader.probabilities(TEXTS)
    assert reader.labels == tuple(names)
    assert np.allclose(found, [[row[v] for v in names] for row in due], atol=1e-6)
    assert np.ptp(found, axis=0).max() > 0.05  # the model is not deaf: equal numbers would prove nothing
    assert np.allclose(found.sum(1), 1) != reader.multi


def test_the_order_and_the_batches_of_texts_change_nothing(tmp_path: Path) -> None:
    folder = made(tmp_path, names=["anger", "joy"])
    reader = pretrained(folder, batch=2)
    order = [4, 2, 0, 5, 1, 3]
    one, two = reader.probabilities(TEXTS), reader.probabilities([TEXTS[i] for i in order])
    assert one[order].tobytes() == two.tobytes()
    assert one[0].tobytes() == one[3].tobytes()
    assert np.allclose(one, pretrained(folder, batch=64).probabilities(TEXTS), atol=1e-6)
    assert reader.probabilities([]).shape == (0, 2)


def test_a_long_text_is_read_up_to_the_cut_and_counted(tmp_path: Path) -> None:
    reader = pretrained(made(tmp_path, names=["anger", "joy"]), tokens=5)
    assert reader.tokens == 5
    assert np.allclose(*reader.probabilities(["tea rain hill", "tea rain hill bread song"]))
    assert reader.longer(["tea rain hill", "tea rain hill bread", "tea " * 40]) == 2
    # RoBERTa's positions begin after its padding's: 12 of them hold 11 tokens
    wide = pretrained(made(tmp_path / "r", kind="roberta", names=["anger", "joy"]))
    assert wide.tokens == 11
    assert np.isfinite(wide.probabilities(["tea " * 40])).all()


def test_emotion_and_toxicity_take_it_as_they_take_our_own(tmp_path: Path) -> None:
    reader = pretrained(
        made(tmp_path, names=["LABEL_0", "LABEL_1"]), rename={"LABEL_0": "fine", "LABEL_1": "offensive"}
    )
    said = pl.DataFrame(
        {"speaker": "m", "source": "model", "community": "red", "item": ["1", "2"], "condition": "a", "draw": 0,
         "turn": 0, "prompt": "p", "text": ["tea rain", None]}
    ).with_columns(pl.col("draw", "turn").cast(pl.Int64))  # fmt: skip
    chance = reader.probabilities(["tea rain"])[0]
    assert toxicity(frames.replies(said), reader)["value"].to_list() == [chance[1], None]
    felt = emotion(frames.replies(said), reader)
    assert felt["measure"].unique().sort().to_list() == ["emotion:fine", "emotion:offensive"]
    assert felt.filter(item="1")["value"].sum() == pytest.approx(1)


def test_multi_can_be_said_against_the_config(tmp_path: Path) -> None:
    folder = made(tmp_path, names=["anger", "joy"], problem="single_label_classification")
    soft, free = pretrained(folder).probabilities(TEXTS), pretrained(folder, multi=True).probabilities(TEXTS)
    logit = np.log(free / (1 - free))
    assert np.allclose(soft[:, 0], 1 / (1 + np.exp(logit[:, 1] - logit[:, 0])))


def test_what_is_no_reader_is_refused(tmp_path: Path) -> None:
    bare = made(tmp_path / "bare", names=["anger", "joy"], head=False)
    with pytest.raises(ModelError, match="no trained text classifier: it has no weights for classifier"):
        pretrained(bare)
    unnamed = made(tmp_path / "unnamed", names=["LABEL_0", "LABEL_1"])
    with pytest.raises(ModelError, match=r"does not name its labels \(LABEL_0, LABEL_1\).*rename="):
        pretrained(unnamed)
    with pytest.raises(ModelError, match=r"does not name its labels \(LABEL_0\)"):
        pretrained(unnamed, rename={"LABEL_1": "toxic"})
    with pytest.raises(UsageError, match=r"tokens is 99.*rename names WRONG.*several labels would be called x"):
        pretrained(unnamed, tokens=99, rename={"WRONG": "a", "LABEL_0": "x", "LABEL_1": "x"})
    with pytest.raises(UsageError, match="probability 1 always"):
        pretrained(made(tmp_path / "one", names=["toxic"]), multi=False)
    with pytest.raises(ModelError, match="is a regression"):
        pretrained(made(tmp_path / "number", names=["much"], problem="regression"))
    with pytest.raises(ModelError, match="cannot be opened"):
        pretrained(tmp_path / "nowhere")


def test_a_pickle_is_not_read(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = made(tmp_path, names=["anger", "joy"])
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="cannot be opened"):
        pretrained(folder)
    assert "anger" in json.loads((folder / "config.json").read_text())["label2id"]
