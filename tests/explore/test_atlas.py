"""The prepared workspace: networkx's numbers come out, nothing of few people does, and a cache is never a stale one."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest

from sociolect import frames
from sociolect.errors import UsageError
from sociolect.explore import answers, prepare
from sociolect.explore.atlas import Atlas, atlas
from sociolect.fingerprint import of_folder
from sociolect.frames import Members, Society

Crowd = tuple[Society, Members]
Write = Callable[..., Path]


@pytest.fixture(scope="module")
def made(explored: Path) -> Atlas:
    return atlas(explored)


@pytest.fixture(scope="module")
def net(crowd: Crowd) -> Any:
    """The same network in networkx, kinds and directions summed."""
    graph = nx.Graph()
    for a, b, _, weight in crowd[0].ties.rows():
        graph.add_edge(a, b, weight=weight + (graph.edges[a, b]["weight"] if graph.has_edge(a, b) else 0.0))
    return graph


def number(made: Atlas, name: str) -> int:
    at = made.accounts["account"].index_of(name)
    assert at is not None
    return at


def same(one: Atlas, other: Atlas) -> bool:
    told = [(a.counts, a.nodes, a.edges, answers.community(a, a.communities["name"][0])) for a in (one, other)]
    return told[0] == told[1] and one.ties().equals(other.ties())


def test_the_overview_has_the_numbers_of_networkx(made: Atlas, net: Any, crowd: Crowd) -> None:
    told = answers.overview(made)
    groups = {c: set(crowd[1].filter(community=c)["person"]) for c in ("red", "blue", "few")}
    assert (told["people"], told["members"], told["ties"], told["posts"]) == (54, 54, net.number_of_edges(), 84)
    assert told["modularity"] == pytest.approx(nx.community.modularity(net, groups.values()), abs=1e-12)
    red, blue, few = told["communities"]
    assert [(c["name"], c["size"], c["shown"]) for c in (red, blue, few)] == [("red", 30, 30), ("blue", 20, 20), ("few", 4, 0)]  # fmt: skip
    for one in (red, blue):
        due = nx.conductance(net, groups[one["name"]], weight="weight")
        assert one["conductance"] == pytest.approx(due, abs=1e-12)
    assert (red["stability"], blue["stability"]) == (0.75, 1.0)
    assert [few[c] for c in ("stability", "conductance", "x", "y")] == [None] * 4, "few is of four people"
    assert told["k"] == 10
    json.dumps(told, allow_nan=False)


def test_an_account_has_its_neighbours_the_strongest_first(made: Atlas, net: Any) -> None:
    for name in ("red00", "blue03", "=1+1"):
        told = answers.account(made, number(made, name))
        due = sorted(((d["weight"], other) for other, d in net.adj[name].items()), key=lambda w: (-w[0], w[1]))
        assert [(n["weight"], n["name"]) for n in told["neighbours"]] == due[:20]
        assert told["degree"] == net.degree[name]
        assert told["strength"] == pytest.approx(net.degree(name, weight="weight"))
        assert all(made.accounts["account"][n["account"]] == n["name"] for n in told["neighbours"])
    assert answers.account(made, number(made, "red00"))["community"] == "red"
    for wrong in (-1, 54):
        with pytest.raises(UsageError, match="no account"):
            answers.account(made, wrong)


def test_an_account_tells_no_trait_and_no_more_than_was_agreed(made: Atlas) -> None:
    told = answers.account(made, 0)
    assert set(told) == {"account", "name", "community", "stability", "degree", "strength", "withheld", "neighbours"}
    assert set(told["neighbours"][0]) == {"account", "name", "community", "weight"}


def test_a_community_has_its_members_by_degree_page_by_page(
    made: Atlas, net: Any, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PAGE", 8)
    for name, pages in (("red", 4), ("blue", 3)):
        told = [answers.community(made, name, page=p) for p in range(pages)]
        who = [m for page in told for m in page["members"]]
        group = set(crowd[1].filter(community=name)["person"])
        assert {m["name"] for m in who} == group
        assert [(m["degree"], m["name"]) for m in who] == sorted(((net.degree[n], n) for n in group), key=lambda d: (-d[0], d[1]))  # fmt: skip
        assert told[0]["pages"] == pages
        with pytest.raises(UsageError, match="no page"):
            answers.community(made, name, page=pages)
    with pytest.raises(UsageError, match="no community 'green'"):
        answers.community(made, "green")


def test_a_community_has_its_words_neighbours_and_exemplars_without_names(made: Atlas, net: Any) -> None:
    told = answers.community(made, "red")
    assert told["words"][0]["word"] == "kestrel"
    assert told["withheld"] is None
    assert len(told["exemplars"]) == 3
    assert all("kestrel" in text for text in told["exemplars"])
    everything = json.dumps([told["words"], told["exemplars"]])
    assert not [name for name in net if name in everything], "mentions are masked"
    assert "borrowed" not in everything, "a repost's words are another's"
    assert told["neighbours"] == [{"name": "blue", "weight": 2.5, "share": pytest.approx(2.5 / 2.75)}]
    assert told["stability"] == {"mean": 0.75, "quartiles": [0.75, 0.75, 0.75]}


def test_of_few_people_a_size_is_told_and_nothing_else(made: Atlas) -> None:
    told = answers.community(made, "few")
    assert told["withheld"] == "fewer than 10 people"
    assert [told[c] for c in ("members", "neighbours", "words", "exemplars", "stability", "conductance", "pages")] == [[], [], None, None, None, None, 0]  # fmt: skip
    assert "zebrafish" not in json.dumps([w.to_dicts() for w in (made.words, made.exemplars) if w is not None])


def test_whose_place_is_in_a_community_of_few_is_told_nowhere(made: Atlas) -> None:
    told = answers.account(made, number(made, "few00"))
    assert (told["community"], told["stability"], told["withheld"]) == (None, None, "fewer than 10 people")
    assert answers.account(made, number(made, "red00"))["withheld"] is None
    everybody = [answers.account(made, i) for i in range(54)]
    named = [told, *everybody, *(n for one in everybody for n in one["neighbours"]), *answers.search(made, "f")["accounts"]]  # fmt: skip
    assert {one["community"] for one in named} == {"red", "blue", None}


def test_k_moves_what_is_withheld(tmp_path: Path, crowd: Crowd, write: Write) -> None:
    folder = write(tmp_path, *crowd)
    assert answers.community(atlas(folder, k=4), "few")["withheld"] is None
    assert answers.community(atlas(folder, k=4), "few")["words"][0]["word"] == "zebrafish"
    assert answers.community(atlas(folder, k=21), "blue")["withheld"] == "fewer than 21 people"
    with pytest.raises(UsageError, match="--k 1: due is 2 or more"):
        atlas(folder, k=1)


def test_truths_have_only_values_that_many_people_share(made: Atlas) -> None:
    assert answers.overview(made)["truths"] == [
        {"column": "team", "values": [{"value": "red", "size": 30}, {"value": "blue", "size": 20}]},
        {"column": "year", "values": [{"value": "2004", "size": 30}, {"value": "2005", "size": 24}]},
    ], "four people are no value, and a handle or a score is no truth"


def test_a_sensitive_study_quotes_nobody(tmp_path: Path, crowd: Crowd, write: Write) -> None:
    folder = write(tmp_path, *crowd, sensitive=True)
    told = answers.community(atlas(folder), "red")
    assert told["exemplars"] is None
    assert told["words"]
    with pytest.raises(UsageError, match="due is 10 or more in a sensitive study"):
        atlas(folder, k=9)


def test_the_picture_is_the_network(made: Atlas, net: Any, crowd: Crowd) -> None:
    n = int.from_bytes(made.nodes[:4], "little")
    assert len(made.nodes) == 4 + 18 * n
    x, y = (np.frombuffer(made.nodes, "<f4", n, 4 + 4 * n * i) for i in (0, 1))
    group = np.frombuffer(made.nodes, "<u2", n, 4 + 8 * n)
    size = np.frombuffer(made.nodes, "<f4", n, 4 + 10 * n)
    names = made.accounts["account"].gather(np.frombuffer(made.nodes, "<u4", n, 4 + 14 * n)).to_list()
    assert sorted(names) == sorted(net)
    assert max(np.abs(x).max(), np.abs(y).max()) <= 1
    degree = np.array([net.degree[name] for name in names])
    assert size == pytest.approx(np.sqrt(degree / degree.max()), abs=1e-6)
    place = {"red": 0, "blue": 1, "few": 65_535}  # of few people: drawn as whoever is in none
    assert group.tolist() == [place[c] for c in (dict(crowd[1].select("person", "community").rows())[n] for n in names)]
    m = int.from_bytes(made.edges[:4], "little")
    ends = np.frombuffer(made.edges, "<u4", offset=4).reshape(2, m)
    assert 0 < m <= 4 * n
    assert all(net.has_edge(names[a], names[b]) for a, b in ends.T)


def test_beyond_the_limit_the_best_connected_are_drawn(
    tmp_path: Path, crowd: Crowd, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "DRAWN", 20)
    made = atlas(write(tmp_path, *crowd))
    drawn = np.frombuffer(made.nodes, "<u4", 20, 4 + 14 * 20)
    degree = made.accounts["degree"].to_numpy()
    assert answers.overview(made)["drawn"]["nodes"] == 20
    assert degree[drawn].min() >= np.delete(degree, drawn).max()
    names = made.accounts["account"].gather(drawn).to_list()
    large = [n for n in names if not n.startswith("few")]
    assert sum(c["shown"] for c in answers.overview(made)["communities"]) == len(large) > 0


def test_search_finds_exact_then_prefix_then_substring(made: Atlas) -> None:
    names = [a["name"] for a in answers.search(made, "RED0")["accounts"]]
    assert names[0] == "red00"
    assert len(names) == 10
    assert [a["name"] for a in answers.search(made, "=")["accounts"]] == ["=1+1", "<img src=x onerror=alert(1)>"]
    assert answers.search(made, "lue")["communities"] == [{"name": "blue", "size": 20}]
    assert answers.search(made, "blue")["communities"] == [{"name": "blue", "size": 20}]
    assert answers.search(made, "  ") == {"accounts": [], "communities": []}
    assert len(answers.search(made, "e")["accounts"]) == 20
    for odd in (".*", "[(", "\x00nothing", "a" * 10_000):
        assert answers.search(made, odd)["accounts"] == []
    assert answers.search(made, "<IMG")["accounts"][0]["name"].startswith("<img src=x")


def test_it_is_prepared_once_and_writes_nothing_else(tmp_path: Path, crowd: Crowd, write: Write) -> None:
    folder = write(tmp_path, *crowd)
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    said: list[str] = []
    first = atlas(folder, say=said.append)
    assert said == ["network", "communities", "picture", "words"]
    again = atlas(folder, say=said.append)
    assert len(said) == 4
    assert (again.nodes, again.edges, again.counts) == (first.nodes, first.edges, first.counts)
    after = {
        p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and "explore" not in p.relative_to(folder).parts
    }
    assert after == before
    assert [p.name for p in (folder / "explore").iterdir()] == [first.folder.name]


def test_another_step_or_a_torn_cache_is_prepared_anew(tmp_path: Path, crowd: Crowd, write: Write) -> None:
    folder = write(tmp_path, *crowd)
    first = atlas(folder)
    whole = crowd[1].with_columns(community=pl.lit("all"))
    write(folder, crowd[0], whole)
    other = atlas(folder)
    assert other.communities["name"].to_list() == ["all"]
    assert other.folder != first.folder
    assert not first.folder.exists(), "a stale one goes"
    for name in ("accounts.parquet", "weights.npy", "counts.json", "nodes.bin", "edges.bin", "ties.parquet"):
        torn = other.folder / name
        torn.write_bytes(torn.read_bytes()[: torn.stat().st_size // 2])
        assert same(atlas(folder), other), name
    for name in ("nodes.bin", "words.parquet", "exemplars.parquet"):
        (other.folder / name).unlink()
        assert same(atlas(folder), other), name


def test_the_order_of_the_rows_changes_no_byte(tmp_path: Path, crowd: Crowd, write: Write, made: Atlas) -> None:
    whole, members = crowd
    turned = Society(
        frames.people(whole.people.reverse()), frames.posts(whole.posts.reverse()), frames.ties(whole.ties.reverse())
    )
    other = atlas(write(tmp_path, turned, frames.members(members.reverse())))
    assert (other.nodes, other.edges, other.counts) == (made.nodes, made.edges, made.counts)
    assert other.accounts.equals(made.accounts)
    assert other.communities.equals(made.communities)
    assert answers.community(other, "red") == answers.community(made, "red")


def test_ties_are_linked_from_the_posts_where_there_are_none(tmp_path: Path, crowd: Crowd, write: Write) -> None:
    bare = replace(crowd[0], ties=frames.ties(frames.empty("ties")))
    folder = write(tmp_path, bare, crowd[1], network="('mention',)")
    made = atlas(folder)
    assert set(made.ties()["kind"]) == {"mention"}
    assert {n["name"] for n in answers.account(made, number(made, "red05"))["neighbours"]} == {"red04", "red06"}
    write(folder, bare, crowd[1])
    assert set(atlas(folder).ties()["kind"]) == {"mention", "repost"}, "else reply, mention and repost"


def test_people_without_community_or_tie_are_accounts_too(tmp_path: Path, crowd: Crowd, write: Write) -> None:
    whole, members = crowd
    some = frames.members(members.filter(pl.col("person") != "red00").drop("stability"))
    alone = pl.concat([whole.people, whole.people.head(1).with_columns(person=pl.lit("alone"))])
    made = atlas(write(tmp_path, replace(whole, people=frames.people(alone)), some))
    assert answers.overview(made)["communities"][0]["stability"] is None
    told = answers.account(made, number(made, "alone"))
    assert (told["community"], told["degree"], told["neighbours"]) == (None, 0, [])
    assert answers.account(made, number(made, "red00"))["community"] is None
    n = int.from_bytes(made.nodes[:4], "little")
    at = np.frombuffer(made.nodes, "<u4", n, 4 + 14 * n).tolist().index(number(made, "red00"))
    assert np.frombuffer(made.nodes, "<u2", n, 4 + 8 * n)[at] == 65_535


def test_the_sums_of_a_run_do_not_count_what_was_prepared(tmp_path: Path, crowd: Crowd, write: Write) -> None:
    folder = write(tmp_path, *crowd)
    before = of_folder(folder)
    atlas(folder)
    assert of_folder(folder) == before


def test_people_without_traits_are_no_truth(tmp_path: Path, crowd: Crowd, write: Write) -> None:
    bare = replace(crowd[0], people=frames.people(crowd[0].people.select("person")), posts=frames.posts(frames.empty("posts")))  # fmt: skip
    made = atlas(write(tmp_path, bare, crowd[1]))
    assert answers.overview(made)["truths"] == []
    assert answers.community(made, "red")["words"] is None
    assert answers.community(made, "red")["exemplars"] is None
    assert atlas(made.found.folder).truths.columns == []
