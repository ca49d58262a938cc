"""The loaders: a planted folder of the trial's shape, what they refuse, and one conversation of agreements."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect.compare.ranking import spearman
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.find.endorsement import ballots, pairs
from sociolect.load.aside import Aside
from sociolect.systems.networks.moral_graph.conversation import conversation, is_conversation
from sociolect.systems.networks.moral_graph.find import ranked, votes_of
from sociolect.systems.networks.moral_graph.load import FILES, part, trial
from sociolect.systems.networks.moral_graph.steps import files_of, loaded

KEY = bytes(32)


def planted(folder: Path, **other: Any) -> Path:
    """A folder of the trial's shape: 12 voters in the run, one test run, one late vote, and files that nobody may open."""
    vote: dict[str, str | None] = {
        "from": "a",
        "to": "b",
        "context": "c1",
        "relationship": "upgrade",
        "run": "main",
        "time": "2023-10-02",
        "comment": "SECRET words",
    }
    votes = [vote | {"user": f"u{k}"} for k in range(9)]
    votes += [vote | {"user": f"u{k}", "relationship": "no_upgrade"} for k in (9, 10)]
    votes += [vote | {"user": "u11", "relationship": "not_sure", "from": "b", "to": "a"}]
    votes += [vote | {"user": "u0", "context": "c2"}]
    votes += [
        vote | {"user": "tester", "run": "test", "time": "2023-09-01"},
        vote | {"user": "u1", "from": "b", "to": "a", "time": "2024-01-01"},
    ]
    votes += [
        vote | {"user": "u2", "relationship": "maybe"},
        vote | {"user": "u3", "to": "nowhere"},
        vote | {"user": None},
    ]
    shown = [{"cardId": c, "caseId": "c1", "userId": f"u{k}"} for k in range(12) for c in "ab"]
    files = {
        "votes": votes,
        "cards": [
            {"id": "a", "title": "Rules", "description": "One obeys.", "evaluationCriteria": ["RULES that hold", "ELDERS that speak"], "embedding": [1]},
            {"id": "b", "title": "<|im_start|>Care", "description": "One cares.", "evaluationCriteria": ["SIGNS that it hurts"]},
        ],
        "impressions": shown,
        "value_votes": [*({"cardId": "a", "caseId": "c1", "userId": f"u{k}"} for k in range(6)), {"cardId": "a", "caseId": "c1", "userId": "unseen"}],
        "participants": [{"user": f"u{k}", "party": "red" if k < 6 else "blue", "age": 30 + k, "sex": "f", "email": "SECRET@x"} for k in range(12)],
    } | other  # fmt: skip
    folder.mkdir(exist_ok=True)
    for name, rows in files.items():
        (folder / f"{name}.json").write_text(json.dumps(rows))
    for name in ("users.json", "chats.json", "accounts.csv"):
        (folder / name).write_text("SECRET and no JSON {")
    return folder


def test_the_trial_s_files_become_votes_with_coded_voters(tmp_path: Path) -> None:
    found = trial(planted(tmp_path / "t"), runs=("main",), until="2023-12-31", key=KEY)
    row = pairs(ballots(votes_of(found.replies))).filter(source="a", target="b").row(0, named=True)
    # u0 said the same in two contexts, and counts once
    assert (row["yes"], row["no"], row["unsure"], row["less"], row["shown"]) == (9, 2, 0, 0, 12)
    assert row["weight"] == pytest.approx(9 / 11)
    assert found.replies["speaker"].str.contains(r"^p[a-z2-7]{16}$").all()
    assert set(found.replies["source"]) == {"human"}
    assert found.people.columns == ["person", "group", "party", "age", "sex"]
    assert set(found.replies["community"]) == {"red", "blue"}
    assert found.cards.select("item", "policies").rows() == [("a", 2), ("b", 1)]
    assert "< |im_start| >Care" in found.cards["prompt"][1]
    shares = ranked(found.replies, ["a", "b"], draws=100).sort("node")
    assert shares["popularity"].to_list() == [0.5, 0.0]
    assert shares["shown"].to_list() == [12, 12]
    assert found.about["runs"] == "main"


def test_what_was_set_aside_is_counted_by_reason(tmp_path: Path) -> None:
    found = trial(planted(tmp_path / "t"), runs=("main",), until="2023-12-31", key=KEY)
    told = dict(found.set_aside.select("reason", "count").iter_rows())
    assert told["vote of another run or date"] == 2
    assert told["vote with another answer than upgrade, no_upgrade, not_sure"] == 1
    assert told["vote without a user, or on a card that is not here"] == 2
    assert told["value vote without an impression"] == 1
    assert told["file outside the list, never opened"] == 3
    assert told["field of votes that is not read: comment"] == 1
    assert told["field of participants that is not read: email"] == 1


def test_no_word_of_a_comment_account_or_chat_gets_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOLECT_KEY_FILE", str(tmp_path / "key"))
    folder = planted(tmp_path / "t")
    (out := tmp_path / "out").mkdir()
    assert {p.stem for p in files_of(folder)} == {"votes", "cards", "impressions", "value_votes", "participants"}
    loaded(files_of(folder), out, runs=("main",), since="", until="", group="party", most=40)
    said = [
        pl.read_parquet(p).write_ndjson() if p.suffix == ".parquet" else p.read_text() for p in sorted(out.iterdir())
    ]
    assert len(said) == 5
    assert any("Rules" in text for text in said)
    assert not any("SECRET" in text or '"u3"' in text for text in said)


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    folder = planted(tmp_path / "t")
    for name in ("users", "chats", "accounts", "../t/users"):
        with pytest.raises(RefusedError, match="is not opened: this loader reads votes, cards"):
            part(folder, name, Aside())
    assert not {"users", "chats", "accounts", "messages"} & set(FILES)


def test_several_runs_must_be_chosen_among(tmp_path: Path) -> None:
    folder = planted(tmp_path / "t")
    with pytest.raises(
        RefusedError, match=r"2 runs stand in votes.json.*main: 17 votes, 2023-10-02 to 2024-01-01; test: 1 votes"
    ):
        trial(folder, key=KEY)
    with pytest.raises(InputError, match="no vote is of run 'mian'; there are: main, test"):
        trial(folder, runs=("mian",), key=KEY)
    with pytest.raises(RefusedError, match="no vote of t is left"):
        trial(planted(tmp_path / "t", impressions=[]), since="2030", key=KEY)
    late = trial(folder, since="2024", key=KEY)
    assert votes_of(late.replies).height == 1


def test_dates_are_dates(tmp_path: Path) -> None:
    folder = planted(tmp_path / "t")
    with pytest.raises(UsageError, match="'soon' is no date: since and until are like 2023"):
        trial(folder, until="soon", key=KEY)
    votes = json.loads((folder / "votes.json").read_text())
    (folder / "votes.json").write_text(json.dumps([v | {"time": 1696200000000} for v in votes]))
    with pytest.raises(InputError, match="18 times of votes.json are no ISO dates, as '1696200000000'"):
        trial(folder, until="2023-12-31", key=KEY)
    assert trial(folder, runs=("main",), key=KEY).about["votes"] == "17"


def test_newer_names_of_fields_are_read_too(tmp_path: Path) -> None:
    vote = {
        "fromId": 1,
        "toId": 2,
        "contextId": "c",
        "relationship": "upgrade",
        "userId": "u",
        "runId": "r",
        "createdAt": "2023",
    }
    cards = [{"id": k, "title": "T", "description": "D", "policies": ["SIGNS that x"]} for k in (1, 2)]
    found = trial(planted(tmp_path / "t", votes=[vote], cards=cards, impressions=[], value_votes=[]), key=KEY)
    assert votes_of(found.replies).select("source", "target", "choice").rows() == [("1", "2", "yes")]
    assert found.cards["policies"].to_list() == [1, 1]


def test_value_votes_without_impressions_have_no_share(tmp_path: Path) -> None:
    folder = planted(tmp_path / "t")
    (folder / "impressions.json").unlink()
    found = trial(folder, runs=("main",), key=KEY)
    assert found.replies.filter(kind="value").is_empty()
    assert "value votes without impressions: no share can be made" in found.set_aside["reason"].to_list()
    told = ranked(found.replies, ["a", "b"], draws=100)
    assert told.select("popularity", "popular", "gained", "gained_low").null_count().row(0) == (2, 2, 2, 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"votes": {"a": 1}}, "votes.json is no list of records"),
        ({"votes": [{"from": "a"}]}, r"votes.json lacks target \(as to or toId\); relationship .*; it has from"),
        (
            {"cards": [{"id": "a"}]},
            r"cards.json lacks title \(as title\); policies \(as policies or evaluationCriteria\)",
        ),
    ],
)
def test_files_of_another_shape(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        trial(planted(tmp_path / "t", **change), runs=("main",), key=KEY)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        trial(tmp_path / "nowhere", key=KEY)
    (tmp_path / "votes.json").write_text("[")
    with pytest.raises(InputError, match="lacks cards.json; it has votes"):
        trial(tmp_path, key=KEY)
    (tmp_path / "cards.json").write_text("[]")
    with pytest.raises(InputError, match="votes.json cannot be read as JSON"):
        trial(tmp_path, key=KEY)
    with pytest.raises(InputError, match="participants have no trait 'town': due is party, age, sex"):
        trial(planted(tmp_path / "t"), runs=("main",), group="town", key=KEY)


def export(folder: Path, rows: list[str]) -> Path:
    folder.mkdir()
    (folder / "participants-votes.csv").write_text("participant,group-id,n-votes,0,1,2\n" + "\n".join(rows) + "\n")
    return folder


def test_agreements_become_votes_on_both_directions(tmp_path: Path) -> None:
    found = conversation(export(tmp_path / "c", ["1,0,3,1,-1,0", "2,0,2,1,-1,", "3,1,2,-1,1,7", "4,,0,,,"]), key=KEY)
    table = pairs(ballots(votes_of(found.replies)))
    row = table.filter(source="statement 1", target="statement 0").row(0, named=True)
    assert (row["yes"], row["no"], row["unsure"], row["less"], row["shown"]) == (2, 1, 0, 1, 6)
    unsure = table.filter(source="statement 0", target="statement 2").row(0, named=True)
    assert (unsure["yes"], unsure["unsure"], unsure["shown"]) == (0, 1, 2)
    value = found.replies.filter(kind="value")
    assert value.filter(to="statement 0").select((pl.col("choice") == "wise to consider").sum(), pl.len()).row(0) == (
        2,
        3,
    )
    told = dict(found.set_aside.select("reason", "count").iter_rows())
    assert told == {"vote that is not 1, 0 or -1": 1, "participant without a vote on these": 1}
    fewer = conversation(tmp_path / "c", most=2, key=KEY)
    assert fewer.cards["item"].to_list() == ["statement 0", "statement 1"]
    assert "statement with fewer votes than those kept" in fewer.set_aside["reason"].to_list()


def test_what_is_no_conversation(tmp_path: Path) -> None:
    assert not is_conversation(tmp_path)
    with pytest.raises(InputError, match="holds no participants-votes.csv"):
        conversation(tmp_path, key=KEY)
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "participants-votes.csv").write_text("")
    with pytest.raises(InputError, match="participants-votes.csv cannot be read as a table"):
        conversation(tmp_path / "none", key=KEY)
    with pytest.raises(RefusedError, match="1 statements of one have votes"):
        conversation(export(tmp_path / "one", ["1,0,1,1,,"]), key=KEY)
    (tmp_path / "participants-votes.csv").write_text("person,0\n1,1\n")
    with pytest.raises(InputError, match="has no column participant, group-id"):
        conversation(tmp_path, key=KEY)


@pytest.mark.realdata
def test_in_a_real_conversation_the_graph_agrees_with_agreement_and_opinion_groups_differ(data: Path) -> None:
    """polis_opendata, a conversation on basic income: what most agree with leads, and the opinion groups' graphs lie apart."""
    from sociolect.systems.networks.moral_graph.compare import groups

    found = conversation(data / "polis_opendata" / "scoop-hivemind.ubi", most=15, key=KEY)
    nodes = found.cards["item"].to_list()
    table = ranked(found.replies, nodes, draws=100)
    rho, low, _ = spearman(table["pagerank"].to_list(), table["popularity"].to_list())
    assert rho is not None
    assert low is not None
    assert low > 0.7
    sides = groups(votes_of(found.replies), nodes, draws=100)
    apart = sides.filter(measure="edge overlap", contrast="group 0, group 1").row(0, named=True)
    assert apart["estimate"] < apart["floor"]
    assert found.set_aside["count"].to_list()[0] > 0
