"""Bad networks, indexes and workspaces, brought by the command: one clear line and an exit code, or counted and left out."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from sociolect import cli
from sociolect.errors import RefusedError, UsageError, WorkspaceError

Pairs = Sequence[tuple[object, ...]]
Write = Callable[[Path], Path]
Say = pytest.CaptureFixture[str]
SMALL = ("--hashes", "50", "--bands", "25", "--rewired", "0", "--keep-ids", "ids of a test")
BIG = 2**62


def rings(of: Callable[[int], object] = str) -> list[tuple[object, ...]]:
    """Three rings of twenty people, each tied to the four who follow: 240 ties of 60 people."""
    return [(of(20 * g + i), of(20 * g + (i + d) % 20)) for g in range(3) for i in range(20) for d in range(1, 5)]


def csv(rows: Pairs, head: str = "source,target", before: bytes = b"", name: str = "ties.csv") -> Write:
    def write(folder: Path) -> Path:
        text = "\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n"
        (folder / name).write_bytes(before + text.encode())
        return folder / name

    return write


def raw(name: str, held: bytes) -> Write:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(held)
        return folder / name

    return write


def parquet(rows: Pairs, kind: type[pl.DataType], *, cut: bool = False) -> Write:
    def write(folder: Path) -> Path:
        frame = pl.DataFrame(list(rows), schema={"source": kind, "target": kind}, orient="row")
        frame.write_parquet(path := folder / "ties.parquet")
        if cut:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return path

    return write


def place(folder: Path) -> Path:
    (folder / "nothing").mkdir()
    return folder / "nothing"


def ended(capsys: Say, *words: object) -> tuple[int, str]:
    """The exit code, and what was said beside the steps: one line, or none."""
    code = cli.ended(list(map(str, words)))
    said = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("step ")]
    assert len(said) == (code != 0), said
    return code, "".join(said)


BAD = {
    "ties to oneself alone": (csv([("a", "a"), ("b", "b")]), [], 3, "2 tie of a person to itself"),
    "no row": (csv([]), [], 3, "a header and no rows"),
    "an empty file": (raw("ties.csv", b""), [], 3, "is empty"),
    "a missing file": (lambda folder: folder / "tie.csv", [], 3, "there is no file"),
    "a folder of nothing": (place, [], 3, "holds no network: due are files that end in .csv"),
    "other columns": (csv(rings(), "who,whom"), [], 3, "say source= and target=; the columns are: who, whom"),
    "a column not there": (csv(rings()), ["--columns", "source=sorce"], 3, "no column 'sorce' (source); did you mean"),
    "a role not there": (csv(rings()), ["--columns", "sorce=source"], 2, "did you mean 'source'?"),
    "UTF-16": (raw("ties.csv", "source,target\na,b\n".encode("utf-16")), [], 3, "iconv"),
    "half a parquet file": (parquet(rings(), pl.String, cut=True), [], 3, "broken parquet file"),
    "floats beyond 2**53": (parquet(rings(lambda i: float(BIG + i)), pl.Float64), [], 3, "floats beyond 2**53"),
    "floats written out": (csv(rings(lambda i: f"{BIG + i:.17e}")), [], 3, "ids written as floats"),
    "none returned": (csv([("a", "b"), ("b", "c")]), ["--mutual"], 3, "2 tie that is not returned"),
    "half a GML": (raw("ties.gml", b"graph [ edge [ source 1 target"), [], 3, "ends inside 'edge'"),
    "half a GraphML": (raw("ties.graphml", b"<graphml><graph>"), [], 3, "is no XML"),
    "no MATLAB": (raw("ties.mat", b"MATLAB 5.0, it says"), [], 3, "no MATLAB file"),
    "sets nobody has": (csv(rings()), ["--of", "hashtags"], 5, "nobody has an element among 'hashtags'"),
    "one who is followed": (csv([("a", "b")]), ["--of", "followers"], 5, "nobody to be alike"),
    "a truth nobody told": (csv(rings()), ["--truth", "team"], 2, "there are: none"),
    "people without their ids": (csv(rings()), ["--people", "p.csv"], 2, "--columns person="),
    "bands that do not go": (csv(rings()), ["--bands", "33"], 2, "--bands 33"),
    "a cap of one": (csv(rings()), ["--cap", "1"], 5, "cap=1 left out every element"),
    "numbers out of range": (csv(rings()), ["--restarts", "0", "--most", "0"], 2, "--restarts 0: due is 1 or more; --most 0"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOLECT_KEY_FILE", str(tmp_path / "key"))


@pytest.mark.parametrize("case", BAD)
def test_a_bad_network_is_one_clear_line(case: str, tmp_path: Path, capsys: Say) -> None:
    write, more, due, told = BAD[case]
    small = [] if "--bands" in more else SMALL
    code, said = ended(capsys, "run", "minhash_communities", "--ties", write(tmp_path), "--out", tmp_path / "run", *small, *more)  # fmt: skip
    assert (code, said[:7]) == (due, "error: ")
    assert told in said


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a network with something of everything that is left out, and two who know nobody else."""
    folder = tmp_path_factory.mktemp("bad")
    rows = [(a, b, 1) for a, b in rings()]
    odd = [("0", "0", 1), ("1", "1", 1), *rows[:5], *((b, a, w) for a, b, w in rows[:3]), ("0", "9", -1), ("0", "9", 0), ("0", "9", "NaN"),
           ("0", "9", "inf"), ("0", "9", "much"), ("", "9", 1), ("0", "", 1), ("alone", "together", 1)]  # fmt: skip
    path = csv([*rows, *odd], "source,target,weight", before=b"\xef\xbb\xbf")(folder)
    words = [
        "run",
        "minhash_communities",
        "--ties",
        path,
        "--columns",
        "weight=weight",
        "--out",
        folder / "run",
        *SMALL,
    ]
    assert cli.ended(list(map(str, words))) == 0
    return folder / "run"


def test_what_is_left_out_is_counted(run: Path) -> None:
    """Of 258 rows: 240 ties between 60 people, five said again, three said back, one of two outsiders, nine left out."""
    aside = dict(pl.read_parquet(run / "steps" / "load" / "set_aside.parquet").select("reason", "count").rows())
    assert aside == {
        "tie of a person to itself": 2,
        "tie with a weight of 0 or below": 2,
        "tie with a weight that is not finite": 2,
        "tie with a weight that is missing or no number": 1,
        "tie without a source or a target": 2,
        "row that says a pair and kind again, summed into one tie": 5,
        "ids kept as they are: ids of a test": 62,
    }
    ties = pl.read_parquet(run / "steps" / "load" / "ties.parquet")
    assert (ties.height, ties["weight"].sum()) == (240 + 3 + 1, 240 + 5 + 3 + 1)
    members = pl.read_parquet(run / "steps" / "communities" / "frame.parquet")
    assert sorted(members["community"].value_counts()["count"]) == [2, 20, 20, 20]


@pytest.mark.parametrize(("kind", "first"), [(pl.Int64, BIG), (pl.UInt64, 2**64 - 60), (pl.String, 10**30)])
def test_large_ids_stay_apart(kind: type[pl.DataType], first: int, tmp_path: Path) -> None:
    """60 ids that are one another as floats are 60 people, and keep their last digit."""
    from sociolect.load.network import network

    rows = rings(lambda i: str(first + i) if kind is pl.String else first + i)
    society = network(parquet(rows, kind)(tmp_path), source="source", target="target", keep_ids="test")
    assert society.people["person"].to_list() == [str(first + i) for i in range(60)]


def test_one_tie_is_a_small_network(tmp_path: Path, capsys: Say) -> None:
    """Two people with nobody in common: the estimates are exact, and a ratio to no error is not to be had."""
    code, _ = ended(capsys, "run", "minhash_communities", "--ties", csv([("a", "b")])(tmp_path), "--out", tmp_path / "run", *SMALL)  # fmt: skip
    errors = pl.read_parquet(tmp_path / "run" / "steps" / "errors" / "frame.parquet")
    assert code == 0
    assert dict(errors.select("measure", "estimate").rows()) == {"rmse": 0, "rmse in theory": 0, "ratio": None, "bias": 0}  # fmt: skip
    assert errors.select("low", "high").null_count().row(0) == (4, 4)


def test_a_picture_that_cannot_be_drawn_is_told(tmp_path: Path, capsys: Say) -> None:
    """Fans tied to two or three of 605 stars: the 600 best connected are all stars, and no tie joins two of them."""
    rows = [(f"fan{(2 * star + k) % 1210}", f"star{star}") for star in range(605) for k in range(5)]
    code, _ = ended(capsys, "run", "minhash_communities", "--ties", csv(rows)(tmp_path), "--out", tmp_path / "run", "--restarts", 1, *SMALL)  # fmt: skip
    assert code == 0
    assert "No network is drawn: no tie joins two of the best connected." in (tmp_path / "run/report.html").read_text()


def test_posts_without_a_tie_are_told_of_the_finder_that_needs_none(tmp_path: Path, capsys: Say) -> None:
    posts = csv([(f"u{i}", f"all of #tag{i % 3}") for i in range(30)], "author,body", name="posts.csv")(tmp_path)
    words = ["--posts", posts, "--columns", "person=author,text=body", "--of", "hashtags", "--finder", "leiden"]
    code, said = ended(capsys, "run", "minhash_communities", *words, "--out", tmp_path / "run", *SMALL)
    assert (code, said[:7]) == (5, "error: ")
    assert "say --finder lsh, which ties accounts whose hashtags are alike" in said


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def filed(run: Path) -> None:
    shutil.rmtree(run)
    run.write_text("")


def altered(run: Path) -> None:
    held = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(held | {"finished": False}))


WORKSPACES: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "no communities": (lambda run: shutil.rmtree(run / "steps" / "communities"), 5, "holds no communities"),
    "no society": (lambda run: shutil.rmtree(run / "steps" / "load"), 5, "holds no people, posts and ties"),
    "not finished": (altered, 7, "is not finished: run the same command again"),
    "half a record": (lambda run: halved(run / "run.json"), 7, "is torn"),
    "half its ties": (lambda run: halved(run / "steps" / "load" / "ties.parquet"), 7, "is torn"),
    "no ties": (lambda run: (run / "steps" / "load" / "ties.parquet").unlink(), 7, "lacks steps/load/ties.parquet"),
    "a file": (filed, 7, "is a file: name the folder"),
    "not there": (shutil.rmtree, 7, "is not there"),
}


@pytest.mark.parametrize("case", WORKSPACES)
def test_a_bad_workspace_is_one_clear_line(case: str, run: Path, tmp_path: Path, capsys: Say) -> None:
    wrong, due, told = WORKSPACES[case]
    wrong(shutil.copytree(run, tmp_path / "copy"))
    code, said = ended(capsys, "explore", tmp_path / "copy", "--no-browser")
    assert (code, said[:7]) == (due, "error: ")
    assert told in said


def test_an_index_cut_in_half_is_told_and_made_again(run: Path, tmp_path: Path, capsys: Say) -> None:
    """The explorer says so where an index is asked for; the command that made it makes it again, and what rests on it stays."""
    from sociolect.explore.atlas import atlas
    from sociolect.explore.growth import grow

    copy = shutil.copytree(run, tmp_path / "run")
    halved(next((copy / "steps" / "index").glob("values-*.npy")))
    with pytest.raises(
        WorkspaceError, match=r"torn: values-1\.npy has \d+ bytes, not \d+; .*run again the command"
    ) as told:
        grow(atlas(copy), {"seeds": ["0"], "size": 5})
    assert "\n" not in str(told.value)
    words = ["--ties", run.parent / "ties.csv", "--columns", "weight=weight", *SMALL]
    assert cli.ended(list(map(str, ["run", "minhash_communities", *words, "--out", copy]))) == 0
    assert capsys.readouterr().err.splitlines() == ["step index"]
    assert (copy / "report.html").read_bytes() == (run / "report.html").read_bytes()


@pytest.mark.parametrize(
    ("seeds", "kind", "told"),
    [
        ([], UsageError, "there are no seeds"),
        (["alone"], RefusedError, "shares a bucket with nobody else"),
        (["nobody"], UsageError, "no account 'nobody'"),
        ([9], UsageError, "account 9 is no text, as 1 of 1: due are names"),
        ([None], UsageError, "1 of 1 accounts are null"),
    ],
)
def test_bad_seeds_are_one_clear_line(seeds: list[str], kind: type[Exception], told: str, run: Path) -> None:
    from sociolect.find.expansion import grow
    from sociolect.find.lsh import opened

    with pytest.raises(kind, match=told) as raised:
        grow(opened(run / "steps" / "index"), seeds, size=5)
    assert "\n" not in str(raised.value)
