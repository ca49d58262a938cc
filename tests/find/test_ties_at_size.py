"""From parquet to parquet, bit for bit what `ties` says; its own tests hold `ties` against the truth."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect import frames
from sociolect.errors import FrameError, InputError, RefusedError, UsageError, WorkspaceError
from sociolect.find.ties import ties
from sociolect.find.ties_at_size import ties_at_size
from sociolect.find.ties_runs import bounds, merged, spilled
from sociolect.find.ties_shown import KINDS
from sociolect.find.ties_spill import batches
from sociolect.frames import Society
from sociolect.load.planted import planted

START = datetime(2024, 5, 1, tzinfo=UTC)
NAMES = ("ann", "bob", "p1", "p1-x", "team/p3", "odd[1]")
SAYINGS = (
    "hello",
    "@ann",
    "@ann, @bob's (@p1) @ann",
    "me@p1.org",
    "@p1-x…",
    "@odd[1]: hi",
    "@team/p3.",
    "@silent",
    "@",
)


def posts_of(said: list[tuple[Any, ...]]) -> pl.DataFrame:
    """Posts as (person, text, thread, parent, kind, has a time), numbered from 0, an hour apart."""
    columns = dict(zip(("person", "text", "thread", "parent", "kind", "timed"), zip(*said, strict=True), strict=True))
    n = len(said)
    frame = pl.DataFrame({"post": [str(i) for i in range(n)], **columns}, schema_overrides={"kind": pl.String})
    at = pl.Series("time", [START + timedelta(hours=i) for i in range(n)])
    parent = pl.col("parent").cast(pl.String)
    return frame.with_columns(parent, pl.when("timed").then(at).alias("time")).drop("timed")


def talk(posts: int = 3000, seed: int = 1) -> pl.DataFrame:
    """Much talk of 40 people in threads of all sizes, so that a pair shares threads of dozens of sizes."""
    rng = np.random.default_rng(seed)
    threads = np.repeat(np.arange(posts), rng.integers(2, 45, posts))[:posts]
    said = zip(
        [f"p{i}" for i in rng.integers(0, 40, posts)],
        [f"@p{i}! and @p{j}" for i, j in rng.integers(0, 50, (posts, 2))],
        threads.astype(str).tolist(),
        [None if p < 0 else int(p) for p in rng.integers(-200, posts, posts)],
        rng.choice(["post", "reply", "repost"], posts).tolist(),
        [True] * posts,
        strict=True,
    )
    return posts_of([*said])


def society(posts: pl.DataFrame, *silent: str) -> Society:
    people = pl.concat([posts["person"], pl.Series("person", silent, dtype=pl.String)]).unique().to_frame()
    return Society(frames.people(people), frames.posts(posts), frames.ties(frames.empty("ties")))


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.sampled_from(SAYINGS),
            st.sampled_from("uvw"),
            st.none() | st.integers(0, 24),  # of itself, of later posts and of posts that are not here, too
            st.sampled_from(["post", "reply", "repost", None]),
            st.booleans(),
        ),
        min_size=1,
        max_size=20,
    ),
    st.booleans(),
    st.sampled_from([None, (START + timedelta(hours=3), START + timedelta(hours=12)), (None, "2024-05-01T08:00")]),
    st.sampled_from([1.0, 2e3, 1e9]),
    st.integers(1, 3),
)
def test_every_bit_is_that_of_ties(
    said: list[tuple[Any, ...]], directed: bool, window: Any, memory: float, pieces: int
) -> None:
    posts = posts_of(said)
    kinds = KINDS[:3] if directed else KINDS
    due = ties(society(posts, "silent"), kind=kinds, directed=directed, window=window, co_thread_limit=4)
    with TemporaryDirectory() as folder:
        for i in range(pieces):
            posts.gather_every(pieces, i).write_parquet(Path(folder, f"posts_{i}.parquet"), row_group_size=3)
        people = Path(folder, "people")
        pl.DataFrame({"person": ["silent"]}).write_parquet(people)
        keywords: Any = {"kind": kinds, "directed": directed, "window": window, "co_thread_limit": 4}
        at_size = ties_at_size(folder, Path(folder, "out"), people=people, memory=memory, **keywords)
        assert at_size.collect().equals(due)
        assert len([*Path(folder).iterdir()]) == pieces + 2


def test_planted_ties_are_found(tmp_path: Path) -> None:
    world = planted(people=120, communities=3, seed=4)
    world.posts.write_parquet(tmp_path / "posts.parquet")
    built = ties_at_size(tmp_path, tmp_path / "out", kind=("reply", "repost", "mention"), directed=True, memory=2e5)
    assert built.collect().equals(world.ties.select(*frames.SHAPES["ties"].columns).sort("source", "target", "kind"))


def test_co_thread_weights_are_newmans_sums(tmp_path: Path) -> None:
    posts = talk()
    posts.write_parquet(tmp_path / "posts.parquet", row_group_size=700)
    found = ties_at_size(tmp_path, tmp_path / "out", kind="co-thread", memory=4e4).collect()
    due: dict[tuple[str, str], Fraction] = {}
    wrote = posts.filter(pl.col("kind") != "repost").group_by("thread").agg(pl.col("person").unique())
    for persons in wrote["person"]:
        for a, b in combinations(sorted(persons), 2):
            due[a, b] = due.get((a, b), Fraction()) + Fraction(1, len(persons) - 1)
    assert {(a, b) for a, b, *_ in found.rows()} == set(due)
    np.testing.assert_allclose(found["weight"], [float(due[a, b]) for a, b, *_ in found.rows()], rtol=1e-12)
    assert found.equals(ties(society(posts), kind="co-thread"))


def test_bytes_depend_on_no_order_and_no_memory(tmp_path: Path) -> None:
    posts = talk()
    written = set()
    for seed, (memory, group) in enumerate([(1e9, 3000), (1e5, 500), (1e9, 100), (3e5, 3000)]):
        folder = tmp_path / str(seed)
        folder.mkdir()
        halves = posts.sample(fraction=1, shuffle=True, seed=seed) if seed else posts
        halves[:1000].write_parquet(folder / "b.parquet", row_group_size=group)
        halves[1000:].write_parquet(folder / "a.parquet", row_group_size=group)
        ties_at_size([folder / "a.parquet", folder / "b.parquet"], folder / "out", kind=KINDS, memory=memory)
        written.add((folder / "out").read_bytes())
    assert len(written) == 1
    assert pl.read_parquet(tmp_path / "0" / "out").equals(ties(society(posts), kind=KINDS))


def run(code: str, folder: Path, hashseed: int = 0) -> str:
    names = "from pathlib import Path; import sys; from sociolect.find.ties_at_size import ties_at_size\n"
    names += f"folder = Path(sys.argv[1]); kinds = {KINDS}\n"
    environment = os.environ | {"PYTHONHASHSEED": str(hashseed), "POLARS_MAX_THREADS": "3" if hashseed else "1"}
    done = subprocess.run(
        [sys.executable, "-c", names + code, folder], check=False, env=environment, capture_output=True, text=True
    )
    assert not done.returncode, done.stderr
    return done.stdout


def test_bytes_depend_on_no_hash_seed_and_no_threads(tmp_path: Path) -> None:
    talk(1000).write_parquet(tmp_path / "posts.parquet", row_group_size=400)
    written = set()
    for hashseed in (0, 77):
        run("ties_at_size(folder, folder / 'out', kind=kinds, memory=1e5)", tmp_path, hashseed)
        written.add((tmp_path / "out").read_bytes())
    assert len(written) == 1


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    talk().write_parquet(tmp_path / "posts.parquet")
    (tmp_path / "out").write_text("of an earlier day")
    # a limit on the size of files fails a write in the middle, as a full disk does
    full = (
        "import resource\nfrom sociolect.errors import WorkspaceError\n"
        "for most in (1_000, 6_000, 20_000):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))\n"
        "    try:\n        ties_at_size(folder, folder / 'out', kind=kinds)\n"
        "    except WorkspaceError as error:\n        print(error)\n"
    )
    said = run(full, tmp_path).splitlines()
    assert len(said) == 3
    assert all(line.startswith("out cannot be written: ") and "make room" in line for line in said)
    assert {path.name for path in tmp_path.iterdir()} == {"posts.parquet", "out"}
    assert (tmp_path / "out").read_text() == "of an earlier day"


def test_no_posts_make_no_ties(tmp_path: Path) -> None:
    frames.empty("posts").write_parquet(tmp_path / "posts.parquet")
    assert ties_at_size(tmp_path, tmp_path / "out", kind=KINDS).collect().equals(frames.empty("ties"))
    assert ties_at_size(tmp_path, tmp_path / "out", kind=()).collect().equals(frames.empty("ties"))


def test_files_that_are_not_there_or_torn_are_told(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"no parquet file at gone\.parquet, none\*\.parquet; name a file"):
        ties_at_size([tmp_path / "gone.parquet", str(tmp_path / "none*.parquet")], out)
    with pytest.raises(InputError, match=r"/\*\.parquet"):
        ties_at_size(tmp_path, out)
    (tmp_path / "a.parquet").write_text("person,text\n")
    with pytest.raises(InputError, match=r"a\.parquet is no parquet file, or a broken one: .*fetch or write it again"):
        ties_at_size(tmp_path, out)
    talk(200).write_parquet(tmp_path / "a.parquet")
    half = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(half[: len(half) // 2])
    with pytest.raises(InputError, match="broken one"):
        ties_at_size(tmp_path, out)
    (tmp_path / "a.parquet").write_bytes(bytes(len(half) // 2) + half[len(half) // 2 :])  # the footer stands
    with pytest.raises(InputError, match="broken one"):
        ties_at_size(tmp_path, out, kind=KINDS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_columns_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    talk(20).drop("text").with_columns(pl.col("parent").cast(pl.Int64)).write_parquet(tmp_path / "a.parquet")
    talk(20).with_columns(kind=1).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(FrameError) as told:
        ties_at_size(tmp_path, tmp_path / "out")
    assert str(told.value) == (
        "this is not a posts frame: a.parquet: column 'text' is missing; column 'parent' is Int64, not String; "
        "b.parquet: column 'kind' is Int32, not String"
    )
    pl.DataFrame({"name": ["a"]}).write_parquet(tmp_path / "p")
    talk(20).write_parquet(tmp_path / "c")
    with pytest.raises(FrameError, match="not a people frame: p: column 'person' is missing"):
        ties_at_size(tmp_path / "c", tmp_path / "out", people=tmp_path / "p")


def test_nulls_and_repeated_ids_are_counted_over_all_buckets(tmp_path: Path) -> None:
    posts = talk(400)
    two = pl.int_range(pl.len()) < 2
    posts.with_columns(
        person=pl.when(~two).then("person"), thread=pl.when(~two.reverse()).then("thread")
    ).write_parquet(tmp_path / "a.parquet")
    posts[100:110].write_parquet(tmp_path / "b.parquet")
    with pytest.raises(FrameError) as told:
        ties_at_size(tmp_path, tmp_path / "out", memory=1e4)
    assert str(told.value) == (
        "this is not a posts frame: column 'person' is null in 2 rows; column 'thread' is null in 2 rows; "
        "10 rows repeat the key (post) of another"
    )
    assert {path.name for path in tmp_path.iterdir()} == {"a.parquet", "b.parquet"}


def test_what_cannot_be_asked_is_told_before_the_work(tmp_path: Path) -> None:
    path, out = tmp_path / "posts.parquet", tmp_path / "out"
    talk(20).drop("time").write_parquet(path)
    with pytest.raises(UsageError, match="did you mean 'mention'"):
        ties_at_size(path, out, kind="mentions")
    with pytest.raises(UsageError, match="no direction"):
        ties_at_size(path, out, kind=KINDS, directed=True)
    with pytest.raises(UsageError, match="memory=0 is no number of bytes"):
        ties_at_size(path, out, memory=0)
    with pytest.raises(UsageError, match=r"posts\.parquet is one of the files that are read"):
        ties_at_size(path, path)
    with pytest.raises(RefusedError, match="without a column 'time'"):
        ties_at_size(path, out, window=(START, None))
    with pytest.raises(WorkspaceError, match=r"out cannot be written: (Not a directory|File exists)"):
        ties_at_size(path, path / "out")
    talk(20).write_parquet(path)
    with pytest.raises(UsageError, match="no ISO time"):
        ties_at_size(path, out, window=("May", None))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 24), st.integers(2, 4), st.integers(1, 3)), max_size=40), st.integers(1, 12))
def test_runs_add_up(counts: list[tuple[int, int, int]], rows: int) -> None:
    due: dict[int, Fraction] = {}
    for pair, k, count in counts:
        due[pair] = due.get(pair, Fraction()) + Fraction(count, k - 1)
    schema = dict.fromkeys(("pair", "k", "count"), pl.Int64)
    held = (pl.DataFrame(counts[i : i + 3], schema=schema, orient="row") for i in range(0, len(counts), 3))
    with TemporaryDirectory() as folder:
        loads = spilled(held, Path(folder, "runs"), people=5, rows=rows)
        cuts = bounds(loads, rows)
        found = pl.concat(merged(Path(folder, "runs"), cuts, 5))
    assert found["pair"].to_list() == sorted(due)
    assert found["weight"].to_list() == pytest.approx([float(due[pair]) for pair in sorted(due)])


def test_batches_keep_to_their_room(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": ["x" * 100] * 5000, "other": 1})
    frame.write_parquet(tmp_path / "a")
    read = [*batches(tmp_path / "a", ["text", "kind"], room=50_000)]
    assert pl.concat(read).equals(frame.select("text"))
    assert len(read) < 20
    assert max(batch.height for batch in read) <= 500
