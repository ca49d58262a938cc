"""Files of interactions become people and ties: every row is summed into one, or counted aside."""

import gzip
import math
import stat
import statistics
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sociolect.errors import InputError, UsageError
from sociolect.frames import Society
from sociolect.load.network import network
from sociolect.load.network_ties import summed


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def _aside(society: Society) -> dict[str, tuple[int, str]]:
    return {r["reason"]: (r["count"], r["where"]) for r in society.set_aside.iter_rows(named=True)}


MENTIONS = """from,to,date,mood,n
ada,bob,01/05/2018 23:59,1,2
bob,ada,02/05/2018 10:00,0.5,1
ada,bob,03/05/2018 10:00,-1,1
ada,cyd,03/05/2018 11:00,,4
"""


def test_rows_of_one_pair_are_summed_and_their_sentiment_and_time_kept(tmp_path: Path) -> None:
    society = network(
        _write(tmp_path / "m.csv", MENTIONS),
        source="from",
        target="to",
        weight="n",
        kind="mention",
        time="date",
        time_format="%d/%m/%Y %H:%M",
        sentiment="mood",
        keep_ids="a test",
    )
    rows = {(r["source"], r["target"]): r for r in society.ties.iter_rows(named=True)}
    assert set(rows) == {("ada", "bob"), ("ada", "cyd"), ("bob", "ada")}
    both = rows["ada", "bob"]
    assert (both["kind"], both["weight"], both["sentiment"], both["sentiment_n"]) == ("mention", 3.0, 0.0, 2)
    assert both["sentiment_sd"] == pytest.approx(statistics.stdev([1, -1]))
    assert [both[c].strftime("%d %H:%M") for c in ("time", "last")] == ["01 23:59", "03 10:00"]
    none = rows["ada", "cyd"]
    assert (none["weight"], none["sentiment"], none["sentiment_n"], none["sentiment_sd"]) == (4.0, None, 0, None)
    assert rows["bob", "ada"]["sentiment_sd"] is None
    assert society.people["person"].to_list() == ["ada", "bob", "cyd"]
    assert society.posts.height == 0
    assert _aside(society)["row that says a pair and kind again, summed into one tie"][0] == 1


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 4), st.integers(0, 4), st.sampled_from("xy"), st.floats(0.1, 9), st.floats(-1, 1) | st.none()
        ),
        min_size=1,
        max_size=40,
    ),
    directed=st.booleans(),
)
def test_sums_are_those_of_a_dictionary_whatever_the_order(
    rows: list[tuple[int, int, str, float, float | None]], directed: bool
) -> None:
    shape = {"a": pl.UInt32, "b": pl.UInt32, "kind": pl.String, "weight": pl.Float64, "sentiment": pl.Float64}
    frame = pl.DataFrame(rows, schema=shape, orient="row")
    made, merged = summed(frame, 5, directed=directed, kind="tie")
    due: dict[tuple[int, int, str], list[tuple[float, float | None]]] = {}
    for a, b, kind, weight, mood in rows:
        ends = (a, b) if directed else (min(a, b), max(a, b))
        due.setdefault((*ends, kind), []).append((weight, mood))
    assert [r[:3] for r in made.rows()] == sorted(due)
    assert merged == len(rows) - len(due)
    for a, b, kind, weight, mood, n, sd in made.rows():
        said = [m for _, m in due[a, b, kind] if m is not None]
        assert weight == pytest.approx(math.fsum(w for w, _ in due[a, b, kind]))
        assert (n, mood is None, sd is None) == (len(said), not said, len(said) < 2)
        if said:
            assert mood == pytest.approx(statistics.fmean(said), abs=1e-12)
        if sd is not None:
            assert sd == pytest.approx(statistics.stdev(said), abs=1e-9)
    assert made.equals(summed(frame.reverse(), 5, directed=directed, kind="tie")[0])


def test_every_form_of_a_table_gives_the_same_society(tmp_path: Path) -> None:
    frame = pl.DataFrame({"source": ["1", "2", "1"], "target": ["2", "3", "2"], "weight": ["1", "0.5", "2"]})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_csv(tmp_path / "t.tsv", separator="\t")
    frame.write_ndjson(tmp_path / "t.jsonl")
    (tmp_path / "z.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    frame.cast({"source": pl.Int64, "target": pl.Int32, "weight": pl.Float32}).write_parquet(tmp_path / "t.parquet")
    frame.cast({"source": pl.Float64, "target": pl.UInt64, "weight": pl.Float64}).write_parquet(tmp_path / "f.parquet")
    for name in ("t.csv", "t.tsv", "t.jsonl", "z.csv.gz", "t.parquet", "f.parquet"):
        rows = network(tmp_path / name, keep_ids="a test").ties.rows()
        assert rows == [("1", "2", "tie", 3.0), ("2", "3", "tie", 0.5)], name


def test_a_file_without_a_header_has_its_ends_first(tmp_path: Path) -> None:
    society = network(_write(tmp_path / "e.tsv", "7\t8\n8\t9\n"), header=False, keep_ids="a test")
    assert society.ties.select("source", "target").rows() == [("7", "8"), ("8", "9")]


def test_weight_empty_counts_rows(tmp_path: Path) -> None:
    path = _write(tmp_path / "w.csv", "source,target,weight\na,b,9\na,b,-1\n")
    assert network(path, weight="", keep_ids="a test").ties["weight"].to_list() == [2.0]


def test_direction_mutual_and_kind(tmp_path: Path) -> None:
    path = _write(tmp_path / "d.csv", "source,target,what\na,b,reply\nb,a,reply\na,c,reply\nc,a,like\n")
    ties = network(path, keep_ids="a test").ties
    assert ties.select("source", "target", "weight").rows() == [
        ("a", "b", 1),
        ("a", "c", 1),
        ("b", "a", 1),
        ("c", "a", 1),
    ]
    ties = network(path, directed=False, keep_ids="a test").ties
    assert ties.select("source", "target", "weight").rows() == [("a", "b", 2), ("a", "c", 2)]
    society = network(path, kind="what", mutual=True, keep_ids="a test")
    assert society.ties.select("source", "target", "kind").rows() == [("a", "b", "reply"), ("b", "a", "reply")]
    assert _aside(society)["tie that is not returned, left out by mutual"][0] == 2


def test_what_makes_no_tie_is_counted_with_its_place(tmp_path: Path) -> None:
    text = "source,target,weight,kind\na,b,1,x\na,a,1,x\n,b,1,x\na,,1,x\na,b,0,x\na,b,-2,x\na,b,nan,x\na,b,inf,x\na,b,many,x\na,b,,x\na,c,1,\n"
    society = network(_write(tmp_path / "bad.csv", text), kind="kind", keep_ids="a test")
    assert society.ties.rows() == [("a", "b", "x", 1.0)]
    assert _aside(society) == {
        "tie without a source or a target": (2, "bad.csv, row 3"),
        "tie without a kind": (1, "bad.csv, row 11"),
        "tie of a person to itself": (1, "bad.csv, row 2"),
        "tie with a weight that is missing or no number": (2, "bad.csv, row 9"),
        "tie with a weight that is not finite": (2, "bad.csv, row 7"),
        "tie with a weight of 0 or below": (2, "bad.csv, row 5"),
        "ids kept as they are: a test": (3, "bad.csv"),
    }
    # whoever is named in a row that makes no tie is still somebody
    assert society.people["person"].to_list() == ["a", "b", "c"]


def test_sentiment_and_time_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "s.csv", "source,target,mood,at\na,b,good,2020-01-01\na,b,1,yesterday\na,b,inf,2020-01-03\n"
    )
    society = network(path, sentiment="mood", time="at", keep_ids="a test")
    assert society.ties.select("sentiment", "sentiment_n").row(0) == (1.0, 1)
    assert [society.ties[c].dt.day()[0] for c in ("time", "last")] == [1, 3]
    aside = _aside(society)
    assert aside["sentiment that is no finite number, left empty"][0] == 2
    assert aside["time that cannot be read, left empty"][0] == 1
    with pytest.raises(InputError, match="no row holds a sentiment that is a number; name another column"):
        network(path, sentiment="at", keep_ids="a test")


def test_ids_beyond_32_bits_stay_apart_and_floats_that_cannot_are_refused(tmp_path: Path) -> None:
    big = 2**62 + 1
    pl.DataFrame({"source": [big, big + 1], "target": [big + 1, 3_000_000_000]}).write_parquet(tmp_path / "i.parquet")
    society = network(tmp_path / "i.parquet", keep_ids="a test")
    assert sorted(society.people["person"]) == ["3000000000", str(big), str(big + 1)]
    pl.DataFrame({"source": [1e18, 2.0], "target": [2.0, 3.0]}).write_parquet(tmp_path / "f.parquet")
    with pytest.raises(InputError, match=r"holds ids as floats beyond 2\*\*53"):
        network(tmp_path / "f.parquet", keep_ids="a test")
    with pytest.raises(InputError, match=r"ids written as floats, such as 1e\+18, which no longer tell people apart"):
        network(_write(tmp_path / "f.csv", "source,target\n1e+18,2\n2,3\n"), keep_ids="a test")
    # a name is no number because it looks like one
    named = network(_write(tmp_path / "n.csv", "source,target\n1e5,bob\n"), keep_ids="a test")
    assert named.people["person"].to_list() == ["1e5", "bob"]
    floats = network(_write(tmp_path / "g.csv", "source,target\n1.0,2\n2.0,3\n"), keep_ids="a test")
    assert floats.people["person"].to_list() == ["1", "2", "3"]


def test_several_files_are_one_network_of_people_apart(tmp_path: Path) -> None:
    for name in ("red", "blue"):
        _write(tmp_path / f"{name}.csv", "source,target\n1,2\n")
    society = network([tmp_path / "red.csv", tmp_path / "blue.csv"], keep_ids="a test")
    assert society.ties.select("source", "target").rows() == [("blue/1", "blue/2"), ("red/1", "red/2")]
    assert society.people.rows() == [(f"{n}/{i}", n) for n in ("blue", "red") for i in (1, 2)]
    (tmp_path / "other").mkdir()
    twin = _write(tmp_path / "other" / "red.tsv", "source\ttarget\n1\t2\n")
    with pytest.raises(UsageError, match="two files are called 'red', so their people cannot be told apart"):
        network([tmp_path / "red.csv", twin])


def test_people_are_pseudonyms_under_the_key_and_the_same_ones_each_time(tmp_path: Path) -> None:
    path = _write(tmp_path / "p.csv", "source,target\nada,bob\n")
    first = network(path, key=tmp_path / "key")
    assert not {"ada", "bob"} & {*first.people["person"], *first.ties["source"], *first.ties["target"]}
    assert all(p.startswith("p") and len(p) == 17 for p in first.people["person"])
    assert first.ties.equals(network(path, key=tmp_path / "key").ties)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert not set(network(path, key=tmp_path / "other").people["person"]) & set(first.people["person"])


def test_a_table_of_people_brings_traits_and_no_names(tmp_path: Path) -> None:
    ties = _write(tmp_path / "t.csv", "source,target\n" + "".join(f"u{i},u{i + 1}\n" for i in range(20)))
    rows = "".join(f"u{i},Name {i},{1000 + i},{'left' if i % 2 else 'right'},{i % 3}.5\n" for i in [*range(18), 3, 99])
    people = _write(tmp_path / "who.csv", "id,name,account,camp,score\n" + rows + ",Nobody,1,left,1\n")
    society = network(ties, people=people, person="id", key=tmp_path / "key")
    assert society.people.columns == ["person", "camp", "score"]
    assert dict(society.people["camp"].value_counts().iter_rows()) == {"left": 9, "right": 9, None: 3}
    assert society.people.schema["score"] == pl.Float64
    aside = _aside(society)
    assert aside["trait 'name' is nearly everyone's own, left out"][0] == 1
    assert aside["trait 'account' is nearly everyone's own, left out"][0] == 1
    assert aside["row of people without an id"][0] == 1
    assert aside["row of people with another's id"][0] == 1
    assert aside["row of people whom no tie names"][0] == 1
    assert aside["tied person whom the table of people does not tell of"][0] == 3
    chosen = network(ties, people=people, person="id", keep="name, camp", keep_ids="a test")
    assert chosen.people.columns == ["person", "name", "camp"]
    assert chosen.people.row(by_predicate=pl.col("person") == "u3")[1:] == ("Name 3", "left")


def test_what_the_table_of_people_cannot_be_is_one_line(tmp_path: Path) -> None:
    ties = _write(tmp_path / "t.csv", "source,target\na,b\n")
    who = _write(tmp_path / "who.csv", "id,camp,network\na,x,y\n")
    for keywords, due in (
        ({"person": "idd"}, r"who.csv has no column 'idd' \(person\); did you mean 'id'\?"),
        ({"person": "camp"}, "none of its 1 ids in 'camp' is in the network; is it the column of ids"),
        ({"person": "id", "keep": "color"}, r"no trait 'color' \(keep\); there are: camp, network"),
    ):
        with pytest.raises(InputError, match=due):
            network(ties, people=who, keep_ids="a test", person=keywords["person"], keep=keywords.get("keep", ()))
    with pytest.raises(InputError, match="these files say nothing of people but their ids"):
        network(ties, keep="age", keep_ids="a test")
    person = _write(tmp_path / "made.csv", "id,person\na,x\n")
    with pytest.raises(InputError, match="trait 'person' has the name of a column that is made here"):
        network(ties, people=person, person="id", keep_ids="a test")


@pytest.mark.parametrize(
    ("text", "keywords", "due"),
    [
        (
            "from,to\na,b\n",
            {},
            "which columns are the two ends of a tie has not been said; say source='from', target='to'",
        ),
        ("x,y\na,b\n", {}, "say source= and target=; the columns are: x, y"),
        ("from,to\na,b\n", {"source": "form", "target": "to"}, r"no column 'form' \(source\); did you mean 'from'"),
        (
            "from,to\na,b\n",
            {"source": "from", "target": "to", "kind": "knid"},
            r"no column 'knid' \(kind\), and it is none of",
        ),
        ("from,to\na,b\n", {"source": "f", "target": "t", "weight": "w"}, "'f' .*'t' .*'w'"),
        ("source,target\n", {}, "a header and no rows that can be read"),
        ("source,target\na,a\n,b\n", {}, "no tie between two people is left; set aside: 1 tie without a source"),
        ("", {}, "is empty: it has no header and no rows"),
    ],
)
def test_a_table_that_holds_no_network_is_one_line(
    tmp_path: Path, text: str, keywords: dict[str, str], due: str
) -> None:
    with pytest.raises(InputError, match=due) as caught:
        network(_write(tmp_path / "t.csv", text), keep_ids="a test", **keywords)  # type: ignore[arg-type]  # names of columns
    assert "\n" not in str(caught.value)


def test_keywords_that_contradict_are_said_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"mutual=True asks .*; people= names a table .*; time_format= says"):
        network(tmp_path / "t.csv", directed=False, mutual=True, person="id", time_format="%Y")
    with pytest.raises(UsageError, match="no file was named"):
        network([])
    with pytest.raises(InputError, match="there is no file"):
        network(tmp_path / "t.csv")
    with pytest.raises(InputError, match="name it .csv"):
        network(_write(tmp_path / "t.edges", "1 2\n"))


def test_a_column_called_tie_is_no_kind_unless_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ties.csv"
    file.write_text("source,target,tie\na,b,1\n")
    told = {"source": "source", "target": "target", "keep_ids": "a test"}
    assert network(file, **told).ties["kind"].to_list() == ["tie"]  # type: ignore[arg-type]  # a map of texts
    assert network(file, kind="tie", **told).ties["kind"].to_list() == ["1"]  # type: ignore[arg-type]  # likewise
