"""Data of one's own: ties, people and posts in, communities and every fault out."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import InputError, UsageError
from sociolect.frames import Society
from sociolect.seeds import substream
from sociolect.systems.networks.minhash_communities.groups import agreement
from sociolect.systems.networks.minhash_communities.load import among, truth_of
from sociolect.systems.networks.minhash_communities.sizes import knobs
from sociolect.systems.networks.minhash_communities.test_minhash_communities import run

TEAMS, EACH = 3, 40


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three teams of 40 who are tied to half of their own and to a few others; posts with a hashtag or two of the team's."""
    folder = tmp_path_factory.mktemp("files")
    draw, n = substream(7, "teams"), TEAMS * EACH
    team = np.repeat(np.arange(TEAMS), EACH)
    tied = draw.random((n, n)) < np.where(team[:, None] == team, 0.5, 0.02)
    a, b = np.nonzero(tied & ~np.eye(n, dtype=bool))
    who = np.array([f"u{i:03}" for i in range(n)])
    pl.DataFrame({"from": who[a], "to": who[b]}).write_csv(folder / "ties.csv")
    pl.DataFrame({"id": who, "team": [f"team {t}" for t in team], "half": [f"h{i % 2}" for i in range(n)]}).write_csv(folder / "people.csv")  # fmt: skip
    rows = [
        (who[i], f"#t{team[i]}x{draw.integers(30)} and #t{team[i]}x{draw.integers(30)}")
        for i in range(n)
        for _ in range(8)
    ]
    pl.DataFrame(rows, schema=["who", "body"], orient="row").write_csv(folder / "posts.csv")
    return folder


LESS: dict[str, Any] = {"size": "full", "hashes": 200, "bands": 100, "seeds_n": 10, "restarts": 2, "keep_ids": "a test"}


def test_a_network_s_declared_teams_are_grown_and_found(files: Path, tmp_path: Path) -> None:
    columns = {"source": "from", "target": "to", "person": "id"}
    page = run(tmp_path, ties=files / "ties.csv", people=files / "people.csv", columns=columns, truth=("team", "team+half"), **LESS)  # fmt: skip
    told = page.tables
    assert told["agreement"].filter(measure="adjusted Rand", contrast="team")["estimate"][0] == 1.0
    recall = (
        told["recall"].filter(pl.col("contrast") == "average, K = 200, b = 100", measure="recall").row(0, named=True)
    )
    assert recall["estimate"] > 0.9
    assert (recall["n"], recall["method"]) == (2, "t, restarts, communities as given")
    left = told["left_out"]
    assert left.filter(where="team+half", what="20 members or fewer with a signature")["count"].to_list() == [2 * TEAMS]
    modular = told["structure"].filter(measure="modularity", contrast="found").row(0, named=True)
    assert modular["p"] <= 0.05
    assert [s.title for s in page.sections if s.level] == []
    assert "u001" not in (tmp_path / "report.html").read_text()


def test_without_a_truth_the_page_says_what_cannot_be_had(files: Path, tmp_path: Path) -> None:
    page = run(tmp_path, ties=files / "ties.csv", columns={"source": "from", "target": "to"}, rewired=0, **LESS)
    told = page.tables
    assert "--rewired 0 was said" in next(s.prose for s in page.sections if s.title == "Is there anything to find?")
    assert not {"recall", "gained", "control", "agreement"} & set(told)
    assert [s.title for s in page.sections if s.level == "warning"] == ["No recall"]
    assert "No truth is known" in page.summary
    assert told["communities"]["size"].to_list() == [EACH] * TEAMS
    assert of_found(told)["high"] < 0
    assert (tmp_path / "steps" / "timings" / "frame.parquet").is_file()
    assert told["walktrap"].height


def of_found(told: dict[str, pl.DataFrame]) -> dict[str, Any]:
    return told["jaccard_quality"].filter(measure="conductance", contrast="found - random").row(0, named=True)


def test_a_table_of_posts_is_signed_by_its_hashtags(files: Path, tmp_path: Path) -> None:
    page = run(tmp_path, posts=files / "posts.csv", columns={"person": "who", "text": "body"}, of="hashtags", finder="lsh", **LESS)  # fmt: skip
    told = page.tables
    assert told["communities"]["size"].to_list() == [EACH] * TEAMS
    assert told["left_out"].filter(where="graph of alike accounts").height == 3


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"size": "full"}, "--size full is the paper's protocol on data of your own"),
        ({"seeds_n": 0, "restarts": 0}, "--seeds-n 0: due is 1 or more; --restarts 0: due is 1 or more"),
        ({"consensus": 1}, "a consensus takes two runs or more"),
        ({"finder": "walktrap", "resolution": 2.0}, "WALKTRAP has no resolution"),
        ({"bands": 300}, "--hashes 1000 --bands 300"),
        ({"mutual": True}, "name them with --ties or --posts"),
        ({"columns": {"source": "a"}}, "name them with --ties or --posts"),
        ({"ties": Path("x.csv"), "null": True}, "--null is about the planted graph"),
        ({"ties": Path("x.csv"), "columns": {"sorce": "a"}}, "did you mean 'source'"),
        ({"posts": Path("x.csv"), "people": Path("y.csv")}, "--people goes with --ties"),
        ({"posts": Path("x.csv"), "mutual": True}, "--mutual and --connected go with --ties"),
        ({"connected": True}, "name them with --ties or --posts"),
        ({"truth": ("plnted",)}, "did you mean 'planted'"),
    ],
)
def test_keywords_that_cannot_be_are_refused(said: dict[str, Any], error: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=error):
        run(tmp_path, **said)


def test_a_folder_is_its_network_files(tmp_path: Path) -> None:
    for name in ("b.mat", "a.mat", "c.gml.gz", "SOURCE.md"):
        (tmp_path / name).write_text("")
    assert [p.name for p in among(tmp_path)] == ["a.mat", "b.mat", "c.gml.gz"]
    (empty := tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no network"):
        among(empty)


def test_columns_joined_by_a_plus_declare_together() -> None:
    crowd = pl.DataFrame({"person": ["a", "b", "c"], "school": ["x", "y", "y"], "dorm": [1, 1, None]})
    society = Society(frames.people(crowd), frames.posts(frames.empty("posts")), frames.ties(frames.empty("ties")))
    assert truth_of(society, "school+dorm").select("person", "community").rows() == [("a", "x / 1"), ("b", "y / 1")]
    with pytest.raises(UsageError, match="did you mean 'dorm'"):
        truth_of(society, "school+dorn")


def test_the_coarser_index_keeps_the_width_of_a_band() -> None:
    fine, coarse = knobs(600, 200)
    assert (coarse.hashes, coarse.bands) == (120, 40)
    assert fine.hashes // fine.bands == coarse.hashes // coarse.bands


def test_a_truth_about_other_people_agrees_with_nothing() -> None:
    ties = frames.ties(pl.DataFrame({"source": ["a", "c"], "target": ["b", "d"], "kind": "tie", "weight": 1.0}))
    society = Society(frames.people(frames.empty("people")), frames.posts(frames.empty("posts")), ties)
    found = frames.members(pl.DataFrame({"person": list("abcd"), "community": list("xxyy")}))
    others = frames.members(pl.DataFrame({"person": ["z"], "community": ["x"]}))
    told = agreement(society, found, {"theirs": others, "same": found}, finder="leiden", resolution=1.0, runs=2, seed=0)
    assert told.filter(contrast="theirs").select("estimate", "n").unique().rows() == [(None, 0)]
    assert told.filter(contrast="same", measure="adjusted Rand").select("estimate", "low", "high").row(0) == (
        1.0,
        1.0,
        1.0,
    )
