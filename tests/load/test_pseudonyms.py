"""No name survives in a text, and who speaks to whom does."""

import hashlib
import hmac
import os
import re
import stat
from base64 import b32encode
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sociolect.errors import InputError
from sociolect.load.hidden import hidden
from sociolect.load.key import key_file, read_key
from sociolect.load.pii import masked
from sociolect.load.pseudonyms import Names, known, pseudonym, pseudonyms

KEY, OTHER = b"k" * 32, b"o" * 32
NICK = st.from_regex(r"[A-Za-z][A-Za-z0-9_\[\]\\^`{}|\-]{2,10}", fullmatch=True)


def names(people: list[str], key: bytes = KEY) -> Names:
    frame = pl.DataFrame({"person": people, "name": people, "scope": ""})
    return known(frame, pseudonyms(frame["person"], key), key)


def hide(text: str, people: list[str], key: bytes = KEY) -> str:
    return str(hidden(pl.Series([text]), None, names(people, key)).item())


def p(name: str, key: bytes = KEY) -> str:
    return pseudonym(name, key)


def test_a_pseudonym_is_hmac_sha256_of_the_standard_library() -> None:
    whole = hmac.new(KEY, b"ada", hashlib.sha256).digest()
    assert p("ada") == "p" + b32encode(whole)[:16].decode().lower()


def test_different_keys_give_different_names_and_one_key_the_same() -> None:
    people = [f"user{n}" for n in range(1000)]
    one, two = pseudonyms(pl.Series(people), KEY), pseudonyms(pl.Series(people), OTHER)
    assert len(set(one.values()) | set(two.values())) == 2000
    assert one == pseudonyms(pl.Series(people[::-1]), KEY)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("hi @Bob, see you", "hi @{Bob}, see you"),
        ("hi @bOB.", "hi @{Bob}."),
        ("<@Bob> well", "@{Bob} well"),
        ("<@Bob|bobby>: well", "@{Bob}: well"),
        ("bob: try it", "@{Bob}: try it"),
        ("Bob, a-1: try it", "@{Bob}, @{a-1}: try it"),
        ("Bob,a-1:x", "@{Bob},@{a-1}:x"),
        ("ask foo[bar] or (a-1).", "ask @{foo[bar]} or (@{a-1})."),
        ("`foo[bar]`'s fault", "`@{foo[bar]}`'s fault"),
        ("a-1|away and a-10", "@{a-1}|away and a-10"),
        ("a-1|user_7|x", "@{a-1}|@{user_7}|x"),
        ("-" * 40 + "a-1" + "=-" * 20, "-" * 40 + "@{a-1}" + "=-" * 20),
        ("user_7/user_7", "@{user_7}/@{user_7}"),
        ("Robert said bob is here", "Robert said bob is here"),  # a plain word is no name unless it is addressed
        ("meet @ 5pm, or @home", "meet @ 5pm, or @{home}"),
        ("thanks u/Bob and /u/stranger_9", "thanks @{Bob} and @{stranger_9}"),
        ("it is 2013 now", "it is 2013 now"),  # 2013 writes here, but a short number is a number
        ("@2013 hi", "@{2013} hi"),
        ("@Bob.Then we went", "@{Bob}.Then we went"),
        ("@Ann Lee: and @ann lee!", "@{Ann Lee}: and @{Ann Lee}!"),
    ],
)
def test_names_become_the_pseudonyms_of_their_people(text: str, due: str) -> None:
    people = ["Bob", "a-1", "foo[bar]", "user_7", "2013", "Ann Lee"]
    assert hide(text, people) == re.sub(r"\{(.+?\]?)\}", lambda m: p(m[1]), due)


def test_case_tells_two_people_apart_where_it_must() -> None:
    assert hide("@Bob @bob", ["Bob", "bob"]) == f"@{p('Bob')} @{p('bob')}"


def test_a_scope_keeps_namesakes_apart() -> None:
    frame = pl.DataFrame({"person": ["red/ann", "blue/ann"], "name": "ann", "scope": ["red", "blue"]})
    who = known(frame, pseudonyms(frame["person"], KEY), KEY)
    said = hidden(pl.Series(["@ann hi", "@ann hi", "ann: hi"]), pl.Series(["red", "blue", "green"]), who)
    assert said.to_list() == [f"@{p('red/ann')} hi", f"@{p('blue/ann')} hi", "ann: hi"]


@given(NICK, st.sampled_from(["hello @{} there", "@{}: ok", "{}: ok", "{}, ok", "x <@{}> y", "({})?", "@{}", "yes {}"]))
def test_no_handle_survives(nick: str, form: str) -> None:
    if "{} there" not in form and "@" not in form and not form.startswith("{}"):
        nick += "_1"  # anywhere else only a name that no word could be is known for one
    said = hide(form.format(nick), [nick, "somebody else"])
    assert nick not in said.replace(p(nick), "")
    assert f"@{p(nick)}" in said


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), min_size=1, max_size=20))
def test_the_mention_network_is_the_same_but_for_its_names(edges: list[tuple[int, int, bool]]) -> None:
    people = ["Ada", "bob_2", "c[x]", "Dan-4", "eve", "f|away"]
    texts = [f"hey @{people[b].upper() if up else people[b]} look" for _, b, up in edges]
    said = hidden(pl.Series(texts), None, names(people)).to_list()
    assert [re.findall(r"@(\w+)", t) for t in said] == [[p(people[b])] for _, b, _ in edges]


@given(st.text(max_size=60))
def test_hiding_twice_changes_nothing(text: str) -> None:
    who = names(["bob_1", "Ann"])
    once = hidden(masked(pl.Series([text], dtype=pl.String)), None, who)
    assert hidden(once, None, who).to_list() == once.to_list()


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("go to https://a.org/x?y=1&z=@bob.", "go to <url>."),
        ("(www.a.org/x)", "(<url>)"),
        ("imgur.com/a/b1 and e.g. this/that", "<url> and e.g. this/that"),
        ("[pic](http://a.org/x)", "[pic](<url>)"),
        ("<https://a.org/x|the page>", "<url>"),
        ("write ada.l+x@mail.example.org now", "write <email> now"),
        ("root@host:~", "<email>:~"),
        ("call 555-123-4567 or (555) 123-4567", "call <phone> or <phone>"),
        ("call +44 20 7946 0958!", "call <phone>!"),
        ("0664 1234567", "<phone>"),
        ("on 2013-02-23 at 15:50 for 1361634829 s, v1.2.3", "on 2013-02-23 at 15:50 for 1361634829 s, v1.2.3"),
    ],
)
def test_addresses_are_masked(text: str, due: str) -> None:
    assert masked(pl.Series([text])).item() == due


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOCIOLECT_KEY_FILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    key = read_key()
    made = tmp_path / "sociolect" / "key"
    assert key_file() == made
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert len(key) == 32
    assert read_key() == key == read_key(made)
    assert [f.name for f in made.parent.iterdir()] == ["key"]
    monkeypatch.setenv("SOCIOLECT_KEY_FILE", str(tmp_path / "other"))
    assert read_key() != key
    assert (tmp_path / "other").exists()


def test_a_key_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    read_key(path)
    path.chmod(0o644)
    with pytest.raises(InputError, match=r"open to others \(mode 644\): chmod 600"):
        read_key(path)
    path.write_text("no key")
    path.chmod(0o600)
    with pytest.raises(InputError, match="holds no key"):
        read_key(path)
    with pytest.raises(InputError, match="cannot be read or made"):
        read_key(path / "below")


def test_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    with get_context("fork" if os.name == "posix" else "spawn").Pool(4) as pool:
        keys = pool.map(read_key, [tmp_path / "key"] * 8)
    assert len(set(keys)) == 1
