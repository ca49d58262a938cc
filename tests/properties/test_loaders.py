"""What holds of every table: written down in any format it reads back the same, no row is lost unseen, order is only order."""

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.load.aside import Aside
from sociolect.load.network import network
from sociolect.load.read import opened
from sociolect.load.table import table
from sociolect.text import clean, neutralise

NAMES = ["id", "who", "body", "to", "a", "b", "w"]  # in this order they are written
FORMATS = ["csv", "tsv", "jsonl", "parquet", "csv.gz", "jsonl.gz"]
# Texts that a text file can hold, and that the loaders leave as they are.
words = st.text(st.characters(codec="utf-8", exclude_characters="\r\0", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]) | st.sampled_from('",\n;\'"\t|\\#='), min_size=1, max_size=12)  # fmt: skip
bodies = words.filter(lambda t: t.strip() and neutralise(clean(t)) == t and not t.strip().startswith("["))
ids = st.from_regex(r"[a-z]{1,3}[0-9]{1,2}", fullmatch=True)


def written(folder: Path, rows: list[dict[str, str]], form: str, *, mark: bool = False, ends: str = "\n") -> Path:
    """The rows as a file of that format, by other writers than ours."""
    path = folder / f"posts.{form}"
    rows = [{name: row[name] for name in NAMES if name in row} for row in rows]
    if form == "parquet":
        pl.DataFrame(rows).write_parquet(path)
        return path
    held = io.StringIO()
    if form.startswith("jsonl"):
        held.write("".join(json.dumps(row, ensure_ascii=mark) + ends for row in rows))
    else:
        names = list(rows[0])
        out = csv.DictWriter(
            held, names, delimiter="\t" if form == "tsv" else ",", quoting=csv.QUOTE_ALL, lineterminator=ends
        )
        out.writeheader()
        out.writerows(rows)
    data = held.getvalue().encode("utf-8-sig" if mark else "utf-8")
    path.write_bytes(gzip.compress(data, mtime=0) if form.endswith("gz") else data)
    return path


posts = st.lists(
    st.fixed_dictionaries({"id": ids, "who": ids, "body": bodies}), min_size=1, max_size=6, unique_by=lambda row: row["id"]
)  # fmt: skip


@settings(max_examples=40)
@given(posts, st.sampled_from(FORMATS), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_a_table_reads_back_as_it_was_written(rows: list[dict[str, str]], form: str, mark: bool, ends: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, aside = written(Path(folder), rows, form, mark=mark, ends=ends), Aside()
        with opened(path, aside) as source:
            assert list(source.columns) == ["id", "who", "body"]
            found = source.read(["who", "body", "id"])
        assert found.rows() == [(row["who"], row["body"], row["id"]) for row in rows]
        told = table(path, post="id", person="who", text="body", keep_ids="a test")
        assert told.posts["text"].to_list() == [row["body"] for row in rows]
        assert told.posts["person"].to_list() == [row["who"] for row in rows]
        assert set(told.people["person"]) == {row["who"] for row in rows}


@settings(max_examples=25)
@given(posts, st.sampled_from(FORMATS), st.sampled_from(FORMATS))
def test_the_format_is_no_part_of_the_data(rows: list[dict[str, str]], one: str, other: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        said: dict[str, Any] = {"post": "id", "person": "who", "text": "body", "key": Path(folder, "key")}
        a, b = (table(written(Path(folder), rows, form), **said) for form in (one, other))
        assert a.posts.equals(b.posts)
        assert a.people.equals(b.people)


odd = st.fixed_dictionaries(
    {
        "id": ids | st.just(""),
        "who": ids | st.sampled_from(["", "[deleted]"]),
        "body": st.sampled_from(["tea", "so it is", "", " ", "[removed]"]),
        "to": ids | st.just(""),
    }
)


@settings(max_examples=40)
@given(st.lists(odd, min_size=1, max_size=8), st.data())
def test_every_row_is_kept_or_counted_and_order_is_only_order(rows: list[dict[str, str]], data: st.DataObject) -> None:
    from sociolect.errors import InputError

    left = {"post without an id", "row that repeats a post word for word", "row with another post's id and other content",
            "post without an author", "post without text"}  # fmt: skip
    moved = data.draw(st.permutations(rows))
    with tempfile.TemporaryDirectory() as folder:
        said: dict[str, Any] = {"post": "id", "person": "who", "text": "body", "parent": "to", "keep_ids": "a test"}
        try:
            one = table(written(Path(folder), rows, "csv"), **said)
        except InputError:
            ids = [row["id"].strip() for row in rows]  # of two rows with one id the first is taken, whatever it lacks
            whole = [all(row[c].strip() and row[c][0] != "[" for c in ("id", "who", "body")) for row in rows]
            assert not any(good and ids.count(at) == 1 for good, at in zip(whole, ids, strict=True))
            return
        counts = dict(one.set_aside.select("reason", "count").iter_rows())
        assert one.posts.height + sum(counts.get(reason, 0) for reason in left) == len(rows)
        assert set(one.posts["parent"].drop_nulls()) <= set(one.posts["post"])
        frames.posts(one.posts)
        two = table(written(Path(folder), moved, "csv"), **said)
        assume(len({row["id"] for row in rows}) == len(rows))  # of two rows with one id the first is taken
        assert two.posts.sort("post").equals(one.posts.sort("post").select(two.posts.columns))
        assert two.people.equals(one.people)


edges = st.lists(st.tuples(ids, ids, st.integers(1, 9)), min_size=1, max_size=12)


@settings(max_examples=40)
@given(edges, st.randoms(use_true_random=False), st.booleans(), st.sampled_from(["csv", "tsv", "jsonl", "parquet"]))
def test_a_network_counts_every_row(edges: list[tuple[str, str, int]], chance: Any, directed: bool, form: str) -> None:
    assume(any(a != b for a, b, _ in edges))
    rows = [{"a": a, "b": b, "w": str(w)} for a, b, w in edges]
    said: dict[str, Any] = {"source": "a", "target": "b", "weight": "w", "directed": directed, "keep_ids": "a test"}
    with tempfile.TemporaryDirectory() as folder:
        one = network(written(Path(folder), rows, form), **said)
        chance.shuffle(rows)
        assert network(written(Path(folder), rows, form), **said).ties.equals(one.ties)
    counts = dict(one.set_aside.select("reason", "count").iter_rows())
    loops = sum(a == b for a, b, _ in edges)
    again = counts.get("row that says a pair and kind again, summed into one tie", 0)
    assert counts.get("tie of a person to itself", 0) == loops
    assert one.ties.height + again + loops == len(edges)
    assert one.ties["weight"].sum() == sum(w for a, b, w in edges if a != b)
    assert set(one.people["person"]) == {p for a, b, _ in edges for p in (a, b)}
