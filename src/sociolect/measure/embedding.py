"""Replies as vectors: in a space fitted to reference texts, or by any sentence-transformers model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sociolect import frames
from sociolect.errors import ModelError, RefusedError, UsageError, needs
from sociolect.frames import Replies, Vectors
from sociolect.measure.ngrams import word_ngrams
from sociolect.measure.scoring import TEXT, said
from sociolect.models.threads import fixed_threads, patient_torch
from sociolect.seeds import substream

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.floating[Any]]
CHUNK = 20_000  # texts embedded at once


class Space(Protocol):
    """Where texts become vectors: its name, how many dimensions it has, and the vectors (n, dims) of n texts."""

    @property
    def name(self) -> str: ...

    @property
    def dims(self) -> int: ...

    def vectors(self, texts: Sequence[str]) -> Floats: ...


@dataclass(frozen=True, slots=True, eq=False)
class Lsa:
    """Latent semantic analysis: TF-IDF of words and word pairs, turned to the main dimensions of the reference texts."""

    name: str
    dims: int
    _kept: NDArray[np.int64] = field(repr=False)
    _idf: NDArray[np.float64] = field(repr=False)
    _turn: NDArray[np.float64] = field(repr=False)

    def vectors(self, texts: Sequence[str]) -> Floats:
        """(n, dims) float64; a text without a word the reference knows is the zero vector."""
        parts = [np.zeros((0, self.dims))]
        for start in range(0, len(texts), CHUNK):
            weighed = _tfidf(word_ngrams(texts[start : start + CHUNK])[:, self._kept], self._idf)
            parts.append(np.asarray(weighed @ self._turn))
        return np.concatenate(parts)


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """A sentence-transformers model in this process's memory; a text beyond `tokens` tokens counts up to there."""

    name: str
    dims: int
    tokens: int | None
    module: Any = field(repr=False)
    batch: int = 64
    threads: int = 2

    def vectors(self, texts: Sequence[str]) -> Floats:
        """(n, dims) float32, as the model gives them. Batches are made by length and words: order changes no byte."""
        told = sorted(set(texts))
        with fixed_threads(self.threads):
            made = self.module.encode(told, batch_size=self.batch, show_progress_bar=False, convert_to_numpy=True)
        place = {text: i for i, text in enumerate(told)}
        return np.asarray(made, dtype=np.float32).reshape(len(told), self.dims)[[place[text] for text in texts]]


def lsa(reference_texts: Sequence[str], *, dims: int = 100, seed: int = 0) -> Lsa:
    """The offline space: TF-IDF and a truncated singular value decomposition, fitted to the reference texts alone.

    Deerwester et al. (1990). Words and word pairs that two reference texts hold count as 1 + log(times), times
    log((1 + n) / (1 + holders)) + 1, each text to length 1. Each dimension's sign makes its largest loading positive;
    the order of the texts changes nothing. Fit it to the reference side, never to the texts under test: these then move
    it towards themselves.

    Raises RefusedError where the reference has no more than `dims` texts or known words, or they span fewer dimensions.

    >>> space = lsa(["red tea", "red wine", "blue tea", "blue wine"], dims=2)
    >>> space.name, space.vectors(["red tea", "unheard"]).shape, float(np.abs(space.vectors(["unheard"])).sum())
    ('lsa/2', (2, 2), 0.0)
    """
    from scipy.sparse.linalg import svds
    from threadpoolctl import threadpool_limits

    if dims < 1:
        raise UsageError(f"dims is {dims}; 1 or more are due")
    texts = sorted(t for t in reference_texts if t and t.strip())
    counts = word_ngrams(texts)
    holders = np.bincount(counts.indices, minlength=counts.shape[1])
    kept = np.flatnonzero(holders >= 2)
    if len(texts) <= dims or kept.size <= dims:
        raise RefusedError(
            f"no space of {dims} dimensions: there are {len(texts)} reference texts with {kept.size} words and word pairs "
            "that two of them hold; take fewer dimensions (dims=) or more texts"
        )
    idf = np.log((1 + len(texts)) / (1 + holders[kept])) + 1
    with threadpool_limits(1):  # sums in another order give other last bits
        start = substream(seed, "lsa").random(min(len(texts), kept.size))
        _, size, turn = svds(_tfidf(counts[:, kept], idf), k=dims, v0=start)
    size, turn = size[::-1], turn[::-1]
    if (rank := int((size > 1e-9 * size[0]).sum())) < dims:
        raise RefusedError(
            f"the reference texts span {rank} dimensions, not {dims}: take fewer dimensions or more texts"
        )
    sign = np.sign(turn[np.arange(dims), np.abs(turn).argmax(1)])
    return Lsa(f"lsa/{dims}", dims, kept, idf, np.ascontiguousarray((turn * sign[:, None]).T))


def sentence_transformer(
    name: Path | str,
    *,
    tokens: int | None = None,
    online: bool = False,
    device: str = "cpu",
    batch: int = 64,
    threads: int = 2,
) -> Encoder:
    """A sentence-transformers model by its hub id or folder; a bare encoder's tokens are averaged.

    Without `online` only what is on this machine is read. `tokens` cuts texts (default: the model's own limit). No code
    that came with a model is run and no pickled weights are read. Raises MissingExtra where sentence-transformers is not
    installed, ModelError where the model is unknown, torn or pickled.
    """
    try:
        patient_torch()
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise needs("an embedding by name", "embed") from error
    from sociolect.models.quiet import no_bars

    here = Path(name).expanduser()
    if here.is_dir() and (
        pickled := [p for p in sorted(here.rglob("*.bin")) if not (p.parent / "model.safetensors").exists()]
    ):
        raise ModelError(
            f"{here.name!r} has pickled weights ({pickled[0].name}), which can run code: save it as safetensors"
        )
    try:
        with no_bars():
            module = SentenceTransformer(
                str(here) if here.is_dir() else str(name), device=device, trust_remote_code=False,
                local_files_only=not online, model_kwargs={"use_safetensors": True},
            )  # fmt: skip
    except Exception as error:  # whatever a broken folder makes the library raise
        where = (
            ""
            if online or here.is_dir()
            else "; it is looked for on this machine only: give its folder, or online=True"
        )
        said = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(f"no sentence-transformers model {str(name)!r}: {said}{where}") from error
    if tokens is not None:
        module.max_seq_length = tokens
    dims = module.get_embedding_dimension() or module.encode(["a"], show_progress_bar=False).shape[1]
    return Encoder(
        f"st/{here.name if here.is_dir() else name}", int(dims), module.max_seq_length, module, batch, threads
    )


def space(name: str, reference_texts: Sequence[str], *, dims: int = 100, seed: int = 0) -> Space:
    """The space of that name: `lsa`, fitted to the reference texts, or a sentence-transformers model's.

    >>> space("lsa", ["red tea", "red wine", "blue tea", "blue wine"], dims=2).name
    'lsa/2'
    """
    return lsa(reference_texts, dims=dims, seed=seed) if name == "lsa" else sentence_transformer(name)


def embedding(replies: Replies, space: Space) -> Vectors:
    """Each reply's vector: the reply's keys and further columns without its words, `vector` and `space`.

    A reply without text gives no row. Raises RefusedError where the space gives undefined numbers, ModelError where it
    gives another number of dimensions than it has.

    >>> embedding(frames.replies(frames.empty("replies")), lsa(["a b", "a b", "b c", "c d", "d c"], dims=2)).height
    0
    """
    places, texts = said(replies)
    told = sorted(set(texts))
    made = space.vectors(told) if told else np.zeros((0, space.dims))
    if made.shape != (len(told), space.dims):
        raise ModelError(f"{space.name} gave vectors of shape {made.shape}, not ({len(told)}, {space.dims})")
    if bad := int((~np.isfinite(made)).any(1).sum()):
        raise RefusedError(
            f"{space.name} gave nan or infinite numbers for {bad} of {len(told)} different texts: no distance can be made of "
            "them; take another model or dtype, or leave these texts out"
        )
    row = {text: i for i, text in enumerate(told)}
    bare = replies[places].drop([c for c in (*TEXT, "vector", "space") if c in replies.columns])
    flat = pl.Series(
        "vector", made[[row[text] for text in texts]].astype(float), dtype=pl.Array(pl.Float64, space.dims)
    )
    return frames.vectors(bare.with_columns(flat.arr.to_list(), space=pl.lit(space.name)))


def _tfidf(counts: "csr_matrix", idf: NDArray[np.float64]) -> "csr_matrix":
    """Rows of length 1, or 0 where there is no known word."""
    from scipy.sparse import csr_matrix

    data = (1 + np.log(counts.data.astype(float))) * idf[counts.indices]
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    size = np.sqrt(np.bincount(row, weights=data**2, minlength=counts.shape[0]))
    return csr_matrix((data / size[row], counts.indices, counts.indptr), shape=counts.shape)
