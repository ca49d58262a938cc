"""Golden values: scikit-learn's TF-IDF and SVD; transformers' own hidden states for a model made on the spot."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from sociolect import frames
from sociolect.errors import MissingExtra, ModelError, RefusedError
from sociolect.frames import Replies
from sociolect.measure.embedding import embedding, lsa, sentence_transformer, space

WORDS = ["red", "blue", "green", "tea", "wine", "milk", "cold", "warm", "sour", "sweet", "old", "new"]


def texts(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=rng.integers(2, 9))) for _ in range(n)]


def replies(said: list[str | None]) -> Replies:
    rows = {"item": [f"i{i}" for i in range(len(said))], "text": said}
    constant = {
        "speaker": "m",
        "source": "model",
        "community": "red",
        "condition": "aligned",
        "topic": "t",
        "prompt": "p",
    }
    made = pl.DataFrame(rows, schema_overrides={"text": pl.String})
    return frames.replies(
        made.with_columns(
            **{k: pl.lit(v) for k, v in constant.items()}, draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64)
        )
    )


def test_lsa_spans_what_sklearn_spans() -> None:
    reference, others = texts(80), texts(10, seed=1)
    ours = lsa(reference, dims=6)
    tfidf = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    svd = TruncatedSVD(6, algorithm="arpack").fit(tfidf.fit_transform(reference))
    due = svd.transform(tfidf.transform(others))
    found = ours.vectors(others)
    np.testing.assert_allclose(np.abs(found), np.abs(due), atol=1e-6)


def test_lsa_is_of_the_reference_alone_and_of_no_order() -> None:
    reference, others = texts(60), texts(20, seed=2)
    ours = lsa(reference, dims=5, seed=3)
    again = lsa(reference[::-1], dims=5, seed=3)
    assert ours.vectors(others).tobytes() == again.vectors(others).tobytes()
    assert ours.vectors(others[:1]).tobytes() == ours.vectors(others)[:1].tobytes()
    unseen = ours.vectors(["zebra zebra", others[0] + " zebra"])
    assert not unseen[0].any()
    np.testing.assert_allclose(unseen[1], ours.vectors(others[:1])[0])
    np.testing.assert_allclose(lsa(reference, dims=5, seed=9).vectors(others), ours.vectors(others), atol=1e-6)


def test_a_space_needs_more_texts_than_dimensions() -> None:
    with pytest.raises(RefusedError, match="no space of 20 dimensions: there are 20 reference texts.*fewer dimensions"):
        lsa(texts(20), dims=20)
    with pytest.raises(RefusedError, match="span 2 dimensions, not 3"):
        lsa(["a b", "c d"] * 5, dims=3)


def test_embedding_keeps_keys_and_drops_words() -> None:
    made = lsa(texts(40), dims=3)
    told = replies(["red tea", None, "  ", "blue wine", "red tea"])
    found = embedding(told, made)
    assert found["item"].to_list() == ["i0", "i3", "i4"]
    assert {"topic", "space", "vector"} <= set(found.columns)
    assert not {"text", "prompt"} & set(found.columns)
    assert found["space"].unique().to_list() == ["lsa/3"]
    np.testing.assert_array_equal(
        np.array(found["vector"].to_list()), made.vectors(["red tea", "blue wine", "red tea"])
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_undefined_numbers_and_wrong_shapes_are_refused(bad: float) -> None:
    class Broken:
        name, dims, width = "broken", 2, 2

        def vectors(self, texts: Any) -> NDArray[np.float64]:
            out = np.ones((len(texts), self.width))
            out[0, 0] = bad
            return out

    with pytest.raises(RefusedError, match="broken gave nan or infinite numbers for 1 of 2 different texts"):
        embedding(replies(["a", "b", "b"]), Broken())
    Broken.width = 3
    with pytest.raises(ModelError, match=r"shape \(2, 3\), not \(2, 2\)"):
        embedding(replies(["a", "b"]), Broken())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of one layer with random weights, and the sentence-transformers folder that averages its tokens."""
    pytest.importorskip("sentence_transformers", reason="the extra 'embed' is not installed")
    import torch
    import transformers
    from sentence_transformers import SentenceTransformer

    from sociolect.models.quiet import no_bars

    out = tmp_path_factory.mktemp("embed")
    torch.manual_seed(0)
    ids = {w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])}
    config = transformers.BertConfig(
        vocab_size=len(ids), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=32,
    )  # fmt: skip
    with no_bars():
        transformers.BertModel(config).save_pretrained(out / "bert")
        transformers.BertTokenizerFast(ids).save_pretrained(out / "bert")
        SentenceTransformer(str(out / "bert"), local_files_only=True).save(str(out / "tiny"))
    return out


def test_a_sentence_transformer_gives_the_mean_of_its_tokens(folder: Path) -> None:
    import torch
    import transformers

    made = sentence_transformer(folder / "tiny", batch=2)
    assert (made.name, made.dims, made.tokens) == ("st/tiny", 16, 32)
    told = ["red tea", "sweet old wine is new", "blue"]
    found = made.vectors(told)
    tokenizer, model = (
        c.from_pretrained(str(folder / "bert")) for c in (transformers.AutoTokenizer, transformers.AutoModel)
    )
    with torch.inference_mode():
        due = [model.eval()(**tokenizer(t, return_tensors="pt")).last_hidden_state[0].mean(0).numpy() for t in told]
    np.testing.assert_allclose(found, due, atol=1e-5)
    assert made.vectors(told[::-1])[::-1].tobytes() == found.tobytes()
    np.testing.assert_allclose(sentence_transformer(folder / "bert").vectors(told), due, atol=1e-5)
    short = sentence_transformer(folder / "tiny", tokens=3).vectors(["red tea wine milk", "red"])
    np.testing.assert_allclose(short[0], short[1], atol=1e-5)  # [CLS] red [SEP]
    assert embedding(replies(["red tea"]), space(str(folder / "tiny"), [])).height == 1


def test_a_model_that_is_not_there_or_pickled_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ModelError, match="no sentence-transformers model 'nobody/nothing'.*give its folder, or online=True"
    ):
        sentence_transformer("nobody/nothing")
    import shutil

    import torch

    old = folder / "old"
    shutil.copytree(folder / "tiny", old)
    (old / "model.safetensors").unlink()
    torch.save({}, old / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"'old' has pickled weights \(pytorch_model.bin\)"):
        sentence_transformer(old)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match=r"an embedding by name needs an extra: pip install 'sociolect\[embed\]'"):
        sentence_transformer(folder / "tiny")
