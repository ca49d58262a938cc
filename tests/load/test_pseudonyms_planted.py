"""Two hundred odd handles in every place a name can stand: none remains in any column, and the networks are the same."""

from pathlib import Path

import polars as pl
import pytest

from sociolect.load.hidden_columns import ids, riders
from sociolect.load.pii import masked
from sociolect.load.pseudonyms import known, pseudonyms
from sociolect.load.table import table
from sociolect.seeds import substream

STEMS = (
    "ana", "Иван", "δήμος", "משה", "محمد", "さくら", "李雷", "김철수", "नीला", "ñandú", "j.doe", "x_y", "a-b", "[ab]", "o^o", "m|away",
    "two_words", "o'neil", "plus+one", "q~q", "ğüş", "0xbeef", "dot.dot.dot", "ΩmeGa", "UPPER",
)  # fmt: skip
HANDLES = [f"{stem}{n:03}" if n % 2 else f"{n:03}{stem}zq" for n in range(8) for stem in STEMS]
FORMS = (
    "hi @{}!", "@{}: ok", "> {} wrote:\n> yes", "On Tue, 3 May 2022 at 10:01, {} wrote:", "RT @{}: so true", "RT {}: so", "quoting {} here",
    '[quote="{}"]', "[quote={}]no[/quote]", "#{} rocks", "https://host.example/user/{}/status/1", "see host.example/u/{}", "x?user={}&a=1",
    "{}: hello", "<@{}> hey", "Am Montag schrieb {}:\nja", "www.example.org/profile/{}",
)  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = substream(1, "handles")
    rows = []
    for i, handle in enumerate(HANDLES):
        for k, form in enumerate(FORMS):
            other = HANDLES[int(rng.integers(len(HANDLES)))]
            parent = f"at://did/{HANDLES[i - 1]}/{k}" if i else None
            rows.append(
                {"id": f"at://did/{handle}/{k}", "who": handle, "text": form.format(other), "to": parent, "friend": other,
                 "url": f"https://host.example/{other}/1", "tags": [other, "tea"], "n": k}
            )  # fmt: skip
    path = tmp_path_factory.mktemp("handles") / "posts.parquet"
    pl.DataFrame(rows).write_parquet(path)
    return path


def test_no_handle_remains_in_any_column_and_the_networks_are_the_same(file: Path) -> None:
    said = {"post": "id", "person": "who", "text": "text", "parent": "to", "keep": "friend,url,tags,n"}
    key = file.parent / "key" / "key"
    plain, made = table(file, **said, keep_ids="to compare"), table(file, **said, key=key)  # type: ignore[arg-type]  # all are texts
    whole = "\n".join(str(v) for row in made.posts.iter_rows() for v in row).lower()
    left = [h for h in HANDLES if h.lower() in whole]
    assert not left
    new = dict(zip(plain.posts["person"], made.posts["person"], strict=True))
    assert len(set(new.values())) == len(HANDLES)
    assert [new[w] for w in plain.posts["friend"]] == made.posts["friend"].to_list()
    replaced = dict(zip(plain.posts["post"], made.posts["post"], strict=True))
    assert [replaced.get(p) for p in plain.posts["parent"]] == made.posts["parent"].to_list()
    assert [replaced.get(t) for t in plain.posts["thread"]] == made.posts["thread"].to_list()
    told = dict(made.set_aside.select("reason", "count").iter_rows())
    assert told["id that holds a name, replaced by a keyed one"] == made.posts.height
    # a mention says whom it names: the same network, under other names
    at = [i for i, t in enumerate(plain.posts["text"]) if t.startswith("hi @")]
    assert [made.posts["text"][i] for i in at] == [f"hi @{new[plain.posts['friend'][i]]}!" for i in at]


def test_ids_without_a_name_stay_unless_all_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_text("id,who,body\n17,17,hello\nada-1,ada,hi\nt_ada2,ada,ho\n")
    society = table(path, post="id", person="who", text="body", key=tmp_path / "key")
    assert society.posts["post"].to_list()[0] == "17"
    assert society.posts["post"][1].startswith("i")
    assert society.posts["post"][2] == "t_ada2"
    every = table(path, post="id", person="who", text="body", key=tmp_path / "key", pseudonymous_ids=True)
    assert every.posts["post"].str.contains("^i[a-z2-7]{16}$").all()
    assert every.posts["thread"].to_list() == every.posts["post"].to_list()


def test_a_column_of_words_keeps_words_that_are_also_names() -> None:
    frame = pl.DataFrame({"person": ["man", "ada_1"], "name": ["man", "ada_1"], "scope": ""})
    who = known(frame, pseudonyms(frame["person"], b"k" * 32), b"k" * 32)
    column = pl.Series("gender", ["man", "woman", "other", "ada_1", None, "diverse", "agender"])
    made, left = riders(column, None, who, masked)
    assert made.to_list()[:3] == ["man", "woman", "other"]
    assert made[3] == who.find("", "ada_1")
    assert made[4] is None
    assert left == 1
    assert riders(pl.Series("friend", ["man", "man", None]), None, who, masked)[0][0] == who.find("", "man")
    assert riders(pl.Series("age", [31, 17]), None, who, masked)[0].to_list() == [31, 17]
    assert ids(pl.DataFrame({"post": ["a", "b"]}), who)[1] == 0
