"""Names become keyed pseudonyms, in the columns and in the texts alike, so that who speaks to whom survives and who they are does not."""

import re
from base64 import b32encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hmac import digest
from itertools import repeat

import polars as pl

from sociolect.errors import RefusedError

_NICK = r"\w\[\]\\^`{}|\-"  # what a name may be made of, on IRC
_MARK = r"0-9_\[\]\\^`{}|\-"  # what tells a name from a word
_TOKEN = rf"[{_NICK}]*[{_MARK}][{_NICK}]*"
_AT = re.compile(r"@([^\s@<>,;:!?\"'()]+)")
_AT_SPACED = re.compile(r"@([^\s@<>,;:!?\"'()]+(?: [^\s@<>,;:!?\"'()]+){0,2})")
_SLACK = re.compile(r"<@([^<>\n]{1,160})>")
_REDDIT = re.compile(r"(?<![\w/])/?[uU]/([\w\-]{2,})")
_WHOLE = re.compile(rf"(?<![{_NICK}])(?=[^\W0-9_]*+[{_MARK}])[{_NICK}]+")
_UNKNOWN = re.compile(r"[\[\]\\^`{}|\-]*\w(?:[\w.\-\[\]\\^`{}|]*\w)?")
_ADDRESSED = re.compile(r"(\s*)@?([^:,\s][^:,\n]{0,63})([:,])")
_PIECES = re.compile(r"\w+|\W")
# A mask, what it masks, and a quick test that every text with one passes.
_MASKS = (
    (
        "<url>",
        r"(?i)<(?:https?://|mailto:)[^<>\s|]*(?:\|[^<>\n]*)?>"
        r"|\b(?:(?:https?|ftp)://|www\.|(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|io|co|ly|me|be|gg|uk|de|fr|nl|eu)/)"
        r"[^\s<>\"|]*[^\s<>\"|).,;:!?'\]]",
        r"/|[wW]\.|:",
    ),
    ("<email>", r"[\w.%+\-]*\w@[\w\-]+(?:\.[\w\-]+)*", "@"),
    (
        "<phone>",
        r"\+[0-9][0-9\s().\-]{6,}[0-9]|\(?\b[0-9]{3}\)?[ .\-][0-9]{3}[ .\-][0-9]{4}\b"
        r"|\b0[0-9]{2,4}[ /\-][0-9]{6,8}\b|\b0[0-9]{2,4}[ \-][0-9]{3,4}[ \-][0-9]{3,4}\b",
        r"\+[0-9]|[0-9]{3}",
    ),
)
_LONGEST = 24  # pieces of a name, words and single signs: bounds the search in drawn lines and code
_ROWS = 200_000  # texts looked through at once: bounds the memory that their words take


def pseudonym(name: str, key: bytes) -> str:
    """`p` and 16 base32 digits: 80 bits of HMAC-SHA256 of the name under the key (RFC 2104, RFC 4648).

    >>> pseudonym("ada", bytes(32)), pseudonym("ada", bytes(32)) == pseudonym("bob", bytes(32))
    ('p6uiraospl4isk3ad', False)
    """
    return "p" + b32encode(digest(key, name.encode(), "sha256")[:10]).decode().lower()


def pseudonyms(names: pl.Series, key: bytes) -> dict[str, str]:
    """Each name's pseudonym; raises RefusedError in the one case in about 10**12 where two of 10**6 names would share one."""
    said = {name: pseudonym(name, key) for name in names.drop_nulls().unique().to_list()}
    if len(set(said.values())) != len(said):
        raise RefusedError("two names have one pseudonym under this key: take another key file")
    return said


def masked(texts: pl.Series) -> pl.Series:
    """The texts with `<url>`, `<email>` and `<phone>` in the place of addresses and telephone numbers.

    Telephone numbers are those written +n..., nnn-nnn-nnnn, or with a leading 0 and a gap.

    >>> masked(pl.Series(["see https://a.org/b?c, or ada@b.org / +44 20 7946 0958"])).item()
    'see <url>, or <email> / <phone>'
    """
    for mask, pattern, quick in _MASKS:
        rows = texts.str.contains(quick).fill_null(value=False).arg_true()
        if len(rows):
            texts = texts.clone().scatter(rows, texts.gather(rows).str.replace_all(pattern, mask))
    return texts


@dataclass(frozen=True, slots=True)
class Names:
    """Who is known, by scope and name in lower case: the pseudonym that stands for each. Unknown handles are added as met."""

    key: bytes
    known: dict[str, dict[str, str]]  # scope -> lower-cased name -> pseudonym
    exact: dict[str, dict[str, str]]  # scope -> name as written -> pseudonym, where case tells two people apart
    spaced: bool  # whether some name holds a space
    given: set[str]  # every pseudonym that has been given, which is no handle when it is met again
    strange: dict[tuple[str, str], str] = field(default_factory=dict)

    def find(self, scope: str, name: str) -> str | None:
        exact = self.exact.get(scope)
        return (exact and exact.get(name)) or self.known.get(scope, {}).get(name.lower())

    def stranger(self, scope: str, name: str) -> str:
        """The pseudonym of a handle that wrote nothing here: the one its person would have under that name, in lower case."""
        at = (scope, name.lower())
        if at not in self.strange:
            self.strange[at] = pseudonym(f"{scope}/{name.lower()}" if scope else name.lower(), self.key)
            self.given.add(self.strange[at])
        return self.strange[at]


def known(people: pl.DataFrame, said: dict[str, str], key: bytes) -> Names:
    """The names to look for, from a frame of person (whole id), name (as written in texts) and scope ("" for none)."""
    low: dict[str, dict[str, str]] = {}
    exact: dict[str, dict[str, str]] = {}
    # sorted, so that of two names that differ in case alone the same one is always met by other spellings
    for person, name, scope in people.select("person", "name", "scope").unique().sort("person").iter_rows():
        bare = name.removeprefix("@").removeprefix("/").removeprefix("u/")
        for spelling in {name, bare} - {""}:
            if low.setdefault(scope, {}).setdefault(spelling.lower(), said[person]) != said[person]:
                exact.setdefault(scope, {})[spelling] = said[person]
    return Names(key, low, exact, any(" " in n for names in low.values() for n in names), set(said.values()))


def hidden(texts: pl.Series, scopes: pl.Series | None, names: Names) -> pl.Series:
    """The texts with `@p...` in the place of every name: @handles, Slack's <@handle>, u/handles, whoever is addressed
    at the start (`nick: ...`, `nick, ...`), and known names with a digit, hyphen, underscore or bracket wherever they stand.

    A known name of fewer than 6 digits alone is taken for a number. Names that are plain words stay where nothing marks them.
    """
    people = {n for said in names.known.values() for n in said}
    odd = {n for n in people if _odd(n)}
    heads, tokens = (pl.Series(sorted(some), dtype=pl.String).implode() for some in (people, odd))
    parts = []
    for start in range(0, len(texts), _ROWS):
        part = texts.slice(start, _ROWS)
        within = scopes.slice(start, _ROWS) if scopes is not None else None
        first = part.str.extract(r"^\s*([^:,\s][^:,\n]{0,63})[:,]", 1).str.strip_chars().str.to_lowercase()
        part = _rewritten(part, within, first.is_in(heads), partial(_addressed, names))
        part = _rewritten(part, within, part.str.contains(r"@|[uU]/"), partial(_handles, names))
        if odd:
            part = _rewritten(part, within, _naming(part, tokens, odd), partial(_whole, names))
        parts.append(part)
    return pl.concat(parts) if parts else texts


def _rewritten(
    texts: pl.Series, scopes: pl.Series | None, hit: pl.Series, rewrite: Callable[[str, str], str]
) -> pl.Series:
    rows = hit.fill_null(value=False).arg_true()
    if rows.is_empty():
        return texts
    within = scopes.gather(rows).to_list() if scopes is not None else repeat("")
    said = [rewrite(t, s) for t, s in zip(texts.gather(rows).to_list(), within, strict=False)]
    return texts.clone().scatter(rows, pl.Series(said, dtype=pl.String))


def _odd(name: str) -> bool:
    """Whether a name can be told from a word wherever it stands."""
    number = name.isdigit() and len(name) < 6
    return len(name) > 1 and not number and " " not in name and re.fullmatch(rf"(?=.*\w){_TOKEN}", name) is not None


def _naming(texts: pl.Series, tokens: pl.Series, odd: set[str]) -> pl.Series:
    """Which texts hold one of the odd names as a whole word; a few too many is no harm."""
    some = texts.str.contains(f"[{_MARK}]").fill_null(value=False).arg_true()
    rows = pl.DataFrame({"row": some, "word": texts.gather(some).str.extract_all(_TOKEN)})
    rows = rows.filter(pl.col("word").list.len() > 0).explode("word").with_columns(pl.col("word").str.to_lowercase())
    unique = rows.select(pl.col("word").unique())
    direct = pl.col("word").is_in(tokens)
    inner = [
        w
        for w in unique.filter(~direct & pl.col("word").str.contains(r"\W"))["word"].to_list()
        if _inside(w, odd.__contains__)
    ]
    hits = rows.filter(direct | pl.col("word").is_in(pl.Series(inner, dtype=pl.String).implode()))["row"].unique()
    return pl.Series([False]).new_from_index(0, len(texts)).scatter(hits, True)


def _inside(token: str, found: Callable[[str], object]) -> tuple[int, int] | None:
    """The place of the longest known name in a run of name characters, from the left, parted only where no word is."""
    ends = [0]
    for piece in _PIECES.findall(token):
        ends.append(ends[-1] + len(piece))
    for i, start in enumerate(ends):
        for end in reversed(ends[i + 1 : i + 1 + _LONGEST]):
            if found(token[start:end]):
                return start, end
    return None


def _addressed(names: Names, text: str, scope: str) -> str:
    head, rest = "", text
    while (m := _ADDRESSED.match(rest)) and (found := names.find(scope, m[2].strip())):
        head, rest = f"{head}{m[1]}@{found}{m[3]}", rest[m.end() :]
    return head + rest


def _handles(names: Names, text: str, scope: str) -> str:
    def named(m: re.Match[str]) -> str:
        whole, first = m[1].strip(), m[1].split("|")[0].strip()
        # Slack writes <@id|label>; on IRC a name may hold a bar
        return f"@{names.find(scope, whole) or names.find(scope, first) or names.stranger(scope, first or whole)}"

    def put(m: re.Match[str]) -> str:
        if m.start() and (text[m.start() - 1].isalnum() or text[m.start() - 1] == "_"):
            return m[0]
        if found := names.find(scope, m[1]):
            return f"@{found}"
        name = _longest(m[1], lambda n: n in names.given or names.find(scope, n))
        if name in names.given:
            return m[0]
        name = name or ((unknown := _UNKNOWN.match(m[1])) and unknown[0]) or ""
        return f"@{names.find(scope, name) or names.stranger(scope, name)}{m[1][len(name) :]}" if name else m[0]

    text = _SLACK.sub(named, text) if "<@" in text else text
    text = (_AT_SPACED if names.spaced else _AT).sub(put, text)
    return _REDDIT.sub(named, text) if "u/" in text or "U/" in text else text


def _whole(names: Names, text: str, scope: str) -> str:
    def put(m: re.Match[str]) -> str:
        said, rest = "", m[0]
        while place := _inside(rest, lambda n: _odd(n.lower()) and names.find(scope, n)):
            start, end = place
            said, rest = f"{said}{rest[:start]}@{names.find(scope, rest[start:end])}", rest[end:]
        return said + rest

    return _WHOLE.sub(put, text)


def _longest(said: str, found: Callable[[str], object]) -> str:
    """The longest beginning that is a known name and does not end within a word."""
    ends: Sequence[int] = [m.end() for m in _PIECES.finditer(said)]
    return next((said[:end] for end in reversed(ends) if found(said[:end])), "")
