"""The recipe from end to end: planted people, named models, the trial's files, a conversation; and what every keyword changes."""

from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import systems
from sociolect.errors import RefusedError, UsageError
from sociolect.report.page import write
from sociolect.systems.networks.moral_graph import players, steps
from sociolect.systems.networks.moral_graph.material import values
from sociolect.systems.networks.moral_graph.plan import plan
from sociolect.systems.networks.moral_graph.sizes import SIZES, Dial
from sociolect.systems.networks.moral_graph.test_loading import export, planted
from sociolect.workspace import workspace

CARD = systems.read(systems.SYSTEMS / "networks" / "moral_graph")
RANK = {v.title: k for k, v in enumerate(values())}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sizes = import_module("sociolect.systems.networks.moral_graph.sizes")
    monkeypatch.setitem(sizes.SIZES, "tiny", Dial(12, 60, 100, 50, 4, 20))
    monkeypatch.setenv("SOCIOLECT_KEY_FILE", str(tmp_path / "key"))


def run(folder: Path, **keywords: Any) -> Any:
    with workspace(folder, system="moral_graph", keywords={}) as work:
        page = CARD.run(work, **keywords)
        write(page, folder / "report.html")
    return page


@pytest.mark.slow
def test_the_planted_expert_value_rises_and_the_page_says_so(made: Any) -> None:
    told = made.page.tables
    claims = {r["claim"].split(":")[0]: r for r in told["claims"].to_dicts()}
    expert = claims["expert values rise to the top without anyone saying who is an expert"]
    assert expert["same sign?"] == "planted: yes"
    assert expert["low"] > 0
    assert expert["n"] == 200
    assert told["claims"]["same sign?"].to_list().count("not measured") == 4
    top = told["ranks"].row(0, named=True)
    assert (top["title"], top["rank"], top["popular"]) == ("Standing Beside", 1.0, 12.0)
    panel = {(g, o): t for g, o, t, _ in told["panel"].iter_rows()}
    assert panel["all contexts", "PageRank"] > 0.75
    assert panel["all contexts", "popularity"] < 0
    left = dict(told["left_out"].select("what", "count").iter_rows())
    assert left["both directions kept: must be 0"] == 0
    assert (
        left["asked in one direction only: nobody could say less wise"] + left["asked in both directions"]
        == told["pairs"].height / 2
    )
    assert told["interviews"].row(0)[1:4] == (24, 24, 0)
    assert told["interviews"]["3 of 4 policies back"].to_list() == [24]
    assert told["recovery"].filter(measure="Kendall's tau, PageRank")["estimate"].to_list()[0] >= 0.8
    assert told["brigading"]["estimate"].to_list()[0] <= 1
    assert "largest single rise, places" in told["brigading"]["measure"].to_list()
    assert set(told["contexts"]["context"]) == {"choice", "daughter", "weapons"}
    assert made.page.sections[0].figure.count("→") == told["pairs"]["kept"].sum()


@pytest.mark.slow
def test_what_is_asked_is_what_the_plan_says(made: Any) -> None:
    replies = pl.read_parquet(made.folder / "steps" / "interviews" / "frame.parquet")
    rows = plan().calls.filter(step="interviews").to_dicts()
    for row in rows:
        mine = replies.filter(
            pl.col("model") == row["model"], (pl.col("phase") == "agree") == (row["kind"] == "logprobs")
        )
        assert mine.height == row["calls"], row
    assert len(rows) == 3
    assert plan().calls.filter(step="canonical")["calls"].to_list() == [12]
    gained = made.page.tables["ranks"].with_columns(half=(pl.col("gained_high") - pl.col("gained_low")) / 2)
    least = plan().comparisons["detectable"][0]
    assert 0.4 < float(gained["half"].to_numpy().mean()) / least < 2.5  # 1.96 standard errors beside 2.8


def test_where_nobody_knows_better_no_order_is_found(small: None, tmp_path: Path) -> None:
    page = run(tmp_path / "run", null=True)
    told = page.tables
    assert [s.title for s in page.sections if s.level == "note"] == ["Nothing is planted"]
    tau = told["recovery"].filter(measure="Kendall's tau, PageRank", contrast="all pairs, 8 votes").row(0, named=True)
    assert tau["low"] < 0 < tau["high"] or abs(tau["estimate"]) < 0.3
    assert told["ranks"]["first"].to_numpy().max() < 0.95


def test_named_models_are_interviewed_and_vote(small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sociolect.models.scripted import player

    known = {
        "endpoint/x#asker": players.interviewer(),
        "endpoint/x#judge": players.judge(),
        "endpoint/x#proposer": players.proposer(RANK),
    }

    class Both:
        """A persona that votes for whatever is offered first."""

        name = "both"

        def generate(self, chats: Any, **keywords: Any) -> list[str]:
            return players.persona().generate(chats, **keywords)

        def logprobs(self, chats: Any, options: Any) -> list[list[float]]:
            asked = [players.persona() if o[0].startswith("yes") else player("first-option") for o in options]
            return [m.logprobs([c], [o])[0] for m, c, o in zip(asked, chats, options, strict=True)]

    monkeypatch.setattr(steps, "open_model", lambda name: known.get(name) or Both())
    named = {
        "interviewer": "endpoint/x#asker",
        "judge": "endpoint/x#judge",
        "proposer": "endpoint/x#proposer",
        "red": "endpoint/x#red",
        "blue": "endpoint/x#blue",
    }
    page = run(tmp_path / "run", models=named, personas=True, voters=12)
    told = page.tables
    assert told["interviews"]["community"].to_list() == ["red", "blue"]
    assert told["interviews"]["accepted"].to_list() == [12, 12]
    assert set(told["votes"]["choice"]) == {"wise to consider", "wiser"}
    assert told["ranks"]["popularity"].drop_nulls().unique().to_list() == [1.0]
    assert "24 model voters" in page.summary
    assert "recovery" not in told
    assert dict(page.made)["models"].startswith("interviewer=endpoint/x#asker")
    with pytest.raises(RefusedError, match="0 values came out of 12 interviews"):
        run(tmp_path / "mute", models={"interviewer": "endpoint/x#judge", "red": "endpoint/x#red"}, personas=True)


def test_the_trial_s_folder_makes_its_page_without_people_s_words(small: None, tmp_path: Path) -> None:
    folder = planted(tmp_path / "t")
    page = run(tmp_path / "run", votes=folder, runs=("main",), until="2023-12-31")
    told = page.tables
    claims = told["claims"].select("here", "same sign?").rows()
    assert claims[:2] == [(12.0, "no"), (2.0, "no")]  # 12 voters, two contexts: not the trial's 500 and three
    left = dict(told["left_out"].select("what", "count").iter_rows())
    assert left["fewer than ten voters: no order of their own"] == 1  # the second context, of one voter
    html = (tmp_path / "run" / "report.html").read_text()
    assert "Rules" not in html
    assert "card a" in html
    assert "SECRET" not in html
    assert told["ranks"]["people"].to_list() == [12, 12]
    assert told["pairs"]["people"].to_list() == [12, 12]
    with pytest.raises(RefusedError, match="voters: how sure an order is cannot be told below ten"):
        run(tmp_path / "late", votes=planted(tmp_path / "l", impressions=[]), since="2024")
    one = [{"cardId": "a", "caseId": "c1", "userId": "u0"}]
    few = run(tmp_path / "few", votes=planted(tmp_path / "f", impressions=one), runs=("main",)).tables
    assert dict(few["ranks"].select("title", "people").iter_rows()) == {"card a": 1, "card b": 12}
    csv = pl.read_csv(tmp_path / "few" / "tables" / "ranks.csv")
    assert csv.filter(title="card a")["pagerank"].to_list() == [None]
    assert "card a →" not in (tmp_path / "few" / "report.html").read_text()
    shown = run(tmp_path / "again", votes=folder, since="2023-10-01", until="2023-12-31", texts=True, group="sex")
    assert "Rules" in (tmp_path / "again" / "report.html").read_text()
    assert [s.level for s in shown.sections if s.title == "Group view"] == ["note"]
    assert {"vote of another run or date", "file outside the list, never opened"} <= set(
        shown.tables["left_out"]["what"]
    )


def test_a_conversation_makes_its_page(small: None, tmp_path: Path) -> None:
    rows = [f"{k},{k % 2},3,{1 if k % 2 else -1},{-1 if k % 2 else 1},{(1, 0, -1)[k % 3]}" for k in range(40)]
    page = run(tmp_path / "run", votes=export(tmp_path / "c", rows))
    told = page.tables
    assert "40 people, 3 statements" in page.summary
    assert [s.title for s in page.sections if s.level == "note"] == ["These are agreements"]
    assert told["ranks"].height == 3
    assert told["ranks"]["popularity"].to_list() == pytest.approx([0.5, 0.5, 0.35], abs=0.2)
    assert told["claims"]["same sign?"].unique().to_list() == ["not measured"]
    overlap = told["groups"].filter(measure="edge overlap").row(0, named=True)
    # the two groups are planted as opposites: mixed halves of them keep no edge, so there is no floor
    assert (overlap["estimate"], overlap["floor"], overlap["p"]) == (0.0, None, None)
    with pytest.raises(UsageError, match="--runs, --since, --until and --group are about the trial's files"):
        run(tmp_path / "no", votes=tmp_path / "c", group="sex")
    fewer = run(tmp_path / "fewer", votes=tmp_path / "c", most=2).tables
    assert fewer["ranks"].height == 2


def test_the_other_keywords_are_real(small: None, tmp_path: Path) -> None:
    plain = run(tmp_path / "plain").tables
    more = run(tmp_path / "more", voters=30, brigade=(0.3,), seed=1).tables
    assert plain["votes"]["votes"].sum() == 60 * 11
    assert more["votes"]["votes"].sum() == 30 * 11
    assert more["brigading"]["contrast"].unique().to_list() == ["30% of 200 voters"]
    assert not more["recovery"].equals(plain["recovery"])


def test_a_space_of_that_name_embeds_the_cards(small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sociolect.measure import embedding

    class Blind:
        """A space in which all texts are one: every card is a candidate, and the judge alone tells them apart."""

        def vectors(self, texts: Any) -> Any:
            return [[1.0, 0.0]] * len(texts)

    asked: list[str] = []

    def opened(name: str) -> Blind:
        asked.append(name)
        return Blind()

    monkeypatch.setattr(embedding, "sentence_transformer", opened)
    told = run(tmp_path / "run", embed="folder/of-a-model").tables
    assert set(asked) == {"folder/of-a-model"}
    assert "contexts" not in told  # all contexts are one in that space
    assert told["ranks"].height == 12


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"size": "full"}, "name the folder of votes with --votes, or --models interviewer="),
        ({"models": {"red": "scripted/echo"}}, "names no interviewer"),
        ({"models": {"interviewer": "scripted/echo"}}, "names nobody to interview"),
        ({"models": {"interviewer": "scripted/echo", "a": "scripted/echo"}, "null": True}, "--null is for planted voters: leave --models out"),
        ({"personas": True, "since": "2023"}, "--personas tells named models.*; --runs, --since and --until choose among --votes"),
        ({"voters": 9}, "--voters 9: due is 10 or more"),
        ({"texts": True}, "--texts, --group and --most are about the votes in --votes"),
        ({"models": {"interviewer": "scripted/echo", "a": "scripted/echo"}, "brigade": (0.3,)}, "--brigade is about planted voters"),
        ({"votes": Path("nowhere"), "embed": "x"}, "--embed compares the cards of interviews"),
        ({"most": 1, "brigade": (1.0,)}, "--most 1: .*; --brigade takes shares"),
        ({"votes": Path("nowhere"), "null": True, "models": {"interviewer": "a", "b": "c"}}, "leave --models out; --null is for planted voters: leave --votes out.*there are none of the files"),
    ],
)  # fmt: skip
def test_keywords_that_cannot_go_together(tmp_path: Path, keywords: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        run(tmp_path / "run", **keywords)


def test_the_full_size_is_the_trial_s_and_a_plan_counts_the_named_models() -> None:
    assert (SIZES["full"].interviews, SIZES["full"].voters) == (500, 500)
    named = plan(size="full", models={"interviewer": "openai/m", "red": "hf/x", "blue": "hf/y"}).calls
    assert named.filter(step="votes").select("model", "calls").rows() == [("hf/x", 5500), ("hf/y", 5500)]
    assert named.filter(model="openai/m")["step"].to_list() == ["interviews", "canonical", "hypotheses"]
    assert plan(votes=Path("x")).calls.is_empty()
    assert plan(voters=800).comparisons["detectable"][0] == pytest.approx(
        plan(voters=200).comparisons["detectable"][0] / 2, rel=0.02
    )


def test_the_example_study_s_keywords_are_the_recipe_s() -> None:
    from sociolect import arguments

    example = systems.SYSTEMS.parents[2] / "examples" / "polis_ubi.toml"
    slug, said = arguments.study(example, Path("sets"))
    made = arguments.keywords(CARD, said)
    assert (slug, made) == ("moral_graph", {"votes": Path("sets/polis_opendata/scoop-hivemind.ubi"), "most": 30})
    # --data on the command line is where a study file's paths lie: no keyword of a system can have that name
    assert "data" not in CARD.keywords
