"""DialogRE's dialogues as a society: who answers whom, and the labelled relation of the two."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from sociolect import frames
from sociolect.errors import InputError
from sociolect.frames import Society
from sociolect.load import columns
from sociolect.load.aside import Aside
from sociolect.load.files import json_of
from sociolect.load.person_traits import CLOSENESS

_LABELS = {
    "close": "spouse girl/boyfriend siblings parents children friends roommate",
    "not_close": "acquaintance neighbor alumni boss subordinate client dates",
}
# Ours, after the labels' own words; labels that are not here (impressions, other names, unanswerable, ...) tell no closeness.
RELATIONS: Mapping[str, str] = MappingProxyType(
    {f"per:{label}": close for close, labels in _LABELS.items() for label in labels.split()}
)
_TURN = re.compile(r"\s*(Speaker \d+)((?:\s*,\s*Speaker \d+)*)\s*:\s*(.*)", re.DOTALL)


def dialogre(paths: str | Path | Sequence[str | Path]) -> Society:
    """The dialogues of DialogRE v2 files (.json or .json.gz): each turn a post, answering the turn before where another made it.

    A turn of several speakers is the first's (counted). Closeness is that of the labelled relations of the two speakers, in
    either direction, by `RELATIONS`; where labels differ in class the closer one holds (counted).

    - people: person (`file/number/Speaker n`: the data hold no names of speakers).
    - posts: post, person, text, thread, parent, kind (post, reply), relation (the labels of the two, joined with `+`, those
      that tell no closeness too; null where none is labelled), closeness.
    - ties: who answered whom, kind relation, weight 1, closeness; those without a closeness have none.

    Dialogue-Based Relation Extraction, Yu, Sun, Cardie and Yu 2020 (arXiv 2004.08056). Raises InputError for what is not so made.

    >>> import json, tempfile
    >>> said = ["Speaker 1: hi", "Speaker 2: hey", "Speaker 2: you", "Speaker 1: bye"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "dev.json")
    ...     _ = file.write_text(json.dumps([[said, [{"x": "Speaker 2", "y": "Speaker 1", "r": ["per:boss"]}]]]))
    ...     dialogre(file).posts.filter(kind="reply").select("post", "closeness").rows()
    [('dev/0000/001', 'not_close'), ('dev/0000/003', 'not_close')]
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    aside = Aside()
    rows: list[tuple[str | None, ...]] = []
    for path in map(Path, paths):
        stem = path.name.removesuffix(".gz").removesuffix(".json")
        for n, (turns, triples) in enumerate(_dialogues(path)):
            rows += _turns(f"{stem}/{n:04d}", turns, _relations(triples), path.name, aside)
    schema = ["post", "person", "text", "thread", "parent", "relation", "closeness"]
    made = pl.DataFrame(rows, orient="row", schema=dict.fromkeys(schema, pl.String))
    if not made.height:
        raise InputError(
            f"no turn in {', '.join(Path(p).name for p in paths) or 'no file'}: name DialogRE's json files"
        )
    if twice := made.height - made["post"].n_unique():
        raise InputError(f"{twice} turns come twice: two files have one name; rename one of them")
    made = made.with_columns(columns.neutral(columns.cleaned(made["text"])))
    kind = pl.when(pl.col("parent").is_null()).then(pl.lit("post")).otherwise(pl.lit("reply"))
    posts = made.select(*schema[:5], kind.alias("kind"), *schema[5:])
    to = posts.select(parent="post", target="person")
    ties = (
        posts.drop_nulls("closeness")
        .join(to, on="parent")
        .select(source="person", target="target", closeness="closeness")
    )
    ties = ties.unique().select(
        "source", "target", pl.lit("relation").alias("kind"), pl.lit(1.0).alias("weight"), "closeness"
    )
    return Society(
        frames.people(posts.select(pl.col("person").unique().sort())),
        frames.posts(posts),
        frames.ties(ties.sort("source", "target")),
        aside.frame(),
    )


def _dialogues(path: Path) -> Iterator[tuple[list[str], list[dict[str, Any]]]]:
    due = "due is a list of [turns, relations], as in DialogRE's data_v2"
    try:
        said = json_of(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read as json: {error}; {due}") from error
    if not isinstance(said, list):
        raise InputError(f"{path.name} holds {type(said).__name__}; {due}")
    for n, one in enumerate(said):
        if not (isinstance(one, list) and len(one) == 2 and all(isinstance(part, list) for part in one)):
            raise InputError(f"{path.name}, dialogue {n} is no pair of lists; {due}")
        turns, triples = one
        if not all(isinstance(turn, str) for turn in turns):
            raise InputError(f"{path.name}, dialogue {n} holds turns that are no text; {due}")
        if not all(isinstance(t, dict) and isinstance(t.get("r"), list) and {"x", "y"} <= set(t) for t in triples):
            raise InputError(f"{path.name}, dialogue {n} holds a relation without x, y and a list r; {due}")
        yield turns, triples


def _relations(triples: list[dict[str, Any]]) -> dict[frozenset[str], set[str]]:
    """The labels of each pair of speakers, whichever is x."""
    found: dict[frozenset[str], set[str]] = {}
    for triple in triples:
        found.setdefault(frozenset((str(triple["x"]), str(triple["y"]))), set()).update(map(str, triple["r"]))
    return found


def _turns(
    thread: str, turns: list[str], relations: Mapping[frozenset[str], set[str]], name: str, aside: Aside
) -> Iterator[tuple[str | None, ...]]:
    before: tuple[str, str] | None = None
    for n, turn in enumerate(turns):
        found = _TURN.fullmatch(turn)
        if found is None:
            aside.add("turn without a speaker", 1, f"{name}, {thread}, turn {n}", 'write "Speaker 1: ..."')
            before = None
            continue
        speaker, more, text = found[1], found[2], found[3].strip()
        aside.add(
            "turn of several speakers, taken for the first's", bool(more), f"{name}, {thread}, turn {n}", "nothing"
        )
        # it stays: a turn of no words still stands between two others
        aside.add("turn without text, kept empty", not text, f"{name}, {thread}, turn {n}", "nothing")
        post, person = f"{thread}/{n:03d}", f"{thread}/{speaker}"
        labels = relations.get(frozenset((speaker, before[1])), set()) if before and before[1] != speaker else set()
        classes = {RELATIONS[label] for label in labels if label in RELATIONS}
        if len(classes) > 1:
            aside.add("relations of both classes, the closer taken", 1, f"{name}, {thread}, turn {n}", "nothing")
        yield (
            post,
            person,
            text,
            thread,
            before[0] if before and before[1] != speaker else None,
            "+".join(sorted(labels)) or None,
            max(classes, key=CLOSENESS.index, default=None),
        )
        before = post, speaker
