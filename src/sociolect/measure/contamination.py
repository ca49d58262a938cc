"""Whether items that a model is to be tested on stand in what it was taught: runs of words, compared as hashes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import polars as pl

from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Examples, Items
from sociolect.text import words

RUN = 13  # words: Brown et al. 2020, arXiv 2005.14165, Appendix C
_FEWEST = 4  # ours: a text of fewer words stands anywhere by chance
_LEAST = 0.5  # ours: of an item's runs, so that a form that many items share does not convict one of them
_FOUND = {"example": pl.Int64, "item": pl.String, "column": pl.String, "share": pl.Float64}


def contaminated(
    examples: Examples, items: Items, *, columns: Sequence[str] = ("prompt",), run: int = RUN
) -> pl.DataFrame:
    """Which examples hold an item's text: example (its row, from 0), item, column, share (of its runs of words, half or more).

    A run is `run` words in a row of an item's text in one of `columns`, or all of them where the text is shorter; it stands in
    an example where its prompt or its reply holds it, case and punctuation apart. A text of fewer than four words is not
    looked for. Name the columns that say what is asked of (a story, a stem), not a form that all items share.
    Only hashes are compared. Raises InputError for a column that the items lack, UsageError for a run below four words.

    >>> taught = pl.DataFrame({"community": ["c"], "prompt": ["Tell me."], "reply": ["well, DALO meets a brask today"]})
    >>> asked = pl.DataFrame({"item": ["1"], "prompt": ["Dalo meets a brask."], "options": [None]})
    >>> contaminated(Examples(taught), Items(asked)).row(0)
    (0, '1', 'prompt', 1.0)
    """
    if run < _FEWEST:
        raise UsageError(f"run is {run}: {_FEWEST} words or more are due, for fewer stand anywhere by chance")
    if missing := [c for c in columns if c not in items.columns]:
        raise InputError(
            f"these items have no column {', '.join(map(repr, missing))}; they have: {', '.join(items.columns)}"
        )
    whose: dict[bytes, set[tuple[str, str]]] = {}
    count: dict[tuple[str, str], int] = {}
    sizes: set[int] = set()
    for column in columns:
        for item, said in items.select("item", pl.col(column).cast(pl.String)).sort("item").iter_rows():
            spelt = words(said or "")
            if len(spelt) < _FEWEST:
                continue
            sizes.add(size := min(run, len(spelt)))
            prints = set(_prints(spelt, size))
            count[item, column] = len(prints)
            for one in prints:
                whose.setdefault(one, set()).add((item, column))
    rows: list[tuple[int, str, str, float]] = []
    for n, parts in enumerate(examples.select("prompt", "reply").iter_rows()):
        spelt_parts = [words(said or "") for said in parts]
        here = {p for spelt in spelt_parts for size in sorted(sizes) for p in _prints(spelt, size) if p in whose}
        seen = Counter(key for one in here for key in whose[one])
        found = {key: held / count[key] for key, held in seen.items()}
        rows += [(n, *key, share) for key, share in sorted(found.items()) if share >= _LEAST]
    return pl.DataFrame(rows, schema=_FOUND, orient="row")


def kept_out(examples: Examples, items: Items, *, columns: Sequence[str] = ("prompt",), run: int = RUN) -> Examples:
    """The same examples, where no item's text stands in any of them; else RefusedError that says how many and which first."""
    found = contaminated(examples, items, columns=columns, run=run)
    if found.height:
        raise RefusedError(
            f"{found['example'].n_unique()} of {examples.height} examples hold the text of {found['item'].n_unique()} items "
            f"(example {found['example'][0]}, item {found['item'][0]}): a model taught by them cannot be tested on these items; "
            "take the examples out and teach it anew, or ask other items"
        )
    return examples


def _prints(spelt: Sequence[str], size: int) -> Iterator[bytes]:
    for at in range(len(spelt) - size + 1):
        yield blake2b(" ".join(spelt[at : at + size]).encode(), digest_size=12).digest()
