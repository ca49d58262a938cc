"""Where a text says a name, and the text with its pseudonym there: one function per mark that tells a name from a word."""

import re
from collections.abc import Callable, Sequence, Set
from itertools import accumulate
from urllib.parse import unquote

from sociolect.load.pseudonyms import Names

NICK = r"\w\[\]\\^`{}|\-"  # what a name may be made of, on IRC
MARK = r"0-9_\[\]\\^`{}|\-"  # what tells a name from a word
TOKEN = rf"[{NICK}]*[{MARK}][{NICK}]*"
_AT = re.compile(r"[@＠]([^\s@＠<>,;:!?\"'()]+)")
_AT_LOOSE = re.compile(r"[@＠]([^\s@＠][^\n@＠]{0,63})")
_SLACK = re.compile(r"<@([^<>\n]{1,160})>")
_REDDIT = re.compile(r"(?<![\w/])/?[uU]/([\w\-]{2,})")
_WHOLE = re.compile(rf"(?<![{NICK}])(?=[^\W0-9_]*+[{MARK}])[{NICK}]+")
_UNKNOWN = re.compile(r"[\[\]\\^`{}|\-]*\w(?:[\w.\-\[\]\\^`{}|]*\w)?")
_ADDRESSED = re.compile(r"(\s*)@?([^:,\s][^:,\n]{0,63})([:,])")
_PIECES = re.compile(r"\w+|\W")
_FINE = re.compile(r"[^\W_]+|[\W_]")
_LONGEST = 24  # pieces of a name, words and single signs: bounds the search in drawn lines and code
_GIVEN = re.compile(r"@?p[a-z2-7]{16}")

# What stands between a name and what it said, in the mail programs and forums of many languages.
WROTE = (
    r"wrote|writes|said|says|posted|replied|schrieb|schreibt|sagte|a écrit|a dit|escribió|dijo|escreveu|disse|ha scritto"
    r"|schreef|skrev|napisała?|yazdı|написала?|пишет|写道|說|说|さんが書きました|님이 작성"
)
_WROTE = re.compile(rf"(?im)^([^\n]{{1,200}}?)\s*(?:<email>\s*)?((?:{WROTE})(?![^\W_])[^\n:：]{{0,40}}[:：])")
_QUOTING = r"RT|MT|quoting|quote from|quoted from|(?:originally )?posted by|written by|replying to|in reply to"
_SAID_BY = re.compile(rf"(?i)(?<!\w)(?:{_QUOTING})\s*:?\s+|\[(?:quote|user|mention)(?:=[\"']?|\])")
QUOTES = rf"(?i:{WROTE})[^\n:：]{{0,40}}[:：]|\b(?:RT|MT)\b|(?i:\b(?:{_QUOTING[6:]})\b|\[quote|\[user|\[mention)"
_TAG = re.compile(r"(?<![\w&])([#＃])([^\s#＃@<>]{1,64})")
ADDRESS = r"(?i)(?:[a-z][a-z0-9+.\-]{1,12}:)?//|www\.|\w\.[a-z]{2,24}/|/(?:users?|u|profiles?|people|members?|authors?)/|[?&;][a-z_]+="
_ADDRESS = re.compile(
    r"(?i)(?:\b[a-z][a-z0-9+.\-]{1,12}:)?//[^\s<>\"|]+|\bwww\.[^\s<>\"|]+|\b[\w\-]+(?:\.[\w\-]+)*\.[a-z]{2,24}/[^\s<>\"|]*"
    r"|[^\s<>\"|]*\w/(?:users?|u|profiles?|people|members?|authors?)/[^\s<>\"|]+|[^\s<>\"|]*[?&][a-z_]+=[^\s<>\"|]+"
)
_SEGMENT = re.compile(r"[^/?&=#@:;,+~()]+")
_KEYED = re.compile(
    r"(?i)((?<=\w)/(?:users?|u|profiles?|people|members?|authors?)/@?"
    r"|[?&;](?:user|user_?name|screen_?name|author|handle|member|account|profile)=@?)([^/?&=#@:;,\s]+)"
)


def addressed(names: Names, text: str, scope: str) -> str:
    """Whoever is spoken to at the start: `nick: ...`, `nick, ...`."""
    head, rest = "", text
    while (m := _ADDRESSED.match(rest)) and (found := names.find(scope, m[2].strip())):
        head, rest = f"{head}{m[1]}@{found}{m[3]}", rest[m.end() :]
    return head + rest


def handles(names: Names, text: str, scope: str) -> str:
    """@handles, Slack's <@handle>, u/handles; a handle nobody here has gets the pseudonym of a stranger."""

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
    text = (_AT_LOOSE if names.loose else _AT).sub(put, text)
    return _REDDIT.sub(named, text) if "u/" in text or "U/" in text else text


def quoted(names: Names, text: str, scope: str) -> str:
    """Whose words are repeated: `> NAME wrote:`, `On ..., NAME wrote:`, `RT NAME:`, `quoting NAME`, `[quote=NAME]`."""

    def wrote(m: re.Match[str]) -> str:
        head = m[1]
        pieces = [p.start() for p in _PIECES.finditer(head)][-_LONGEST:]
        for start in pieces:
            name = head[start:].strip()
            within = start and head[start - 1].isalnum() and head[start].isalnum()
            if name and not within and (found := names.find(scope, name)):
                return f"{head[:start]}@{found}{m[0][len(head) :]}"
        name = _writer(head)
        if not name or _GIVEN.fullmatch(name):
            return m[0]
        at = head.rindex(name)
        return f"{head[:at]}@{names.stranger(scope, name)}{m[0][at + len(name) :]}"

    text = _WROTE.sub(wrote, text)
    said, last = "", 0
    for m in _SAID_BY.finditer(text):
        name = _longest(text[m.end() : m.end() + 80], lambda n: names.find(scope, n))
        if m.end() >= last and name:
            said += f"{text[last : m.end()]}@{names.find(scope, name)}"
            last = m.end() + len(name)
    return said + text[last:]


def _writer(head: str) -> str:
    """The name of a stranger before `wrote:`, where the line is that of a mail program; nothing where it may be a sentence."""
    mail = re.match(r"[>|\s]*On\b(.*)", head)
    if not mail:
        one = re.fullmatch(r"\s*[>|][>|\s]*([^\s>|]{2,64})\s*", head)
        return one[1] if one else ""
    after = re.split(r",\s|\d\s|(?i:\b[ap]\.?m\.?\s)", mail[1])[-1].strip().removesuffix("<email>").strip(" <>\t")
    return after if len(after) > 1 else ""


def tagged(names: Names, text: str, scope: str) -> str:
    """Hashtags that are a name."""

    def put(m: re.Match[str]) -> str:
        name = _longest(m[2], lambda n: names.find(scope, n))
        return f"{m[1]}{names.find(scope, name)}{m[2][len(name) :]}" if name else m[0]

    return _TAG.sub(put, text)


def pathed(names: Names, text: str, scope: str) -> str:
    """Names in addresses: a part of the path, a value of the query, a label of the host; whoever stands after /user/ or ?user=."""

    def part(m: re.Match[str]) -> str:
        plain = unquote(m[0])
        if found := names.find(scope, plain):
            return found
        labels = plain.split(".")
        if len(labels) > 1 and (put := [names.find(scope, one) or one for one in labels]) != labels:
            return ".".join(put)
        name = inside(plain, lambda n: odd(n.lower()) and names.find(scope, n))
        return f"{plain[: name[0]]}{names.find(scope, plain[slice(*name)])}{plain[name[1] :]}" if name else m[0]

    def stranger(m: re.Match[str]) -> str:
        return m[0] if _GIVEN.fullmatch(m[2]) else m[1] + names.stranger(scope, unquote(m[2]))

    return _ADDRESS.sub(lambda m: _KEYED.sub(stranger, _SEGMENT.sub(part, m[0])), text)


def whole(names: Names, text: str, scope: str) -> str:
    """Known names that no word could be, wherever they stand."""

    def put(m: re.Match[str]) -> str:
        said, rest = "", m[0]
        while place := inside(rest, lambda n: odd(n.lower()) and names.find(scope, n)):
            start, end = place
            said, rest = f"{said}{rest[:start]}@{names.find(scope, rest[start:end])}", rest[end:]
        return said + rest

    return _WHOLE.sub(put, text)


def quaint(names: Names, text: str, scope: str) -> str:
    """Known names with a sign that stands in no word (a dot, a plus, an emoji), wherever they stand."""
    said, rest = "", text
    while place := inside(rest, lambda n: curious(n.lower()) and names.find(scope, n)):
        start, end = place
        said, rest = f"{said}{rest[:start].removesuffix('@')}@{names.find(scope, rest[start:end])}", rest[end:]
    return said + rest


def odd(name: str) -> bool:
    """Whether a name can be told from a word wherever it stands."""
    number = name.isdigit() and len(name) < 6
    return len(name) > 1 and not number and " " not in name and re.fullmatch(rf"(?=.*\w){TOKEN}", name) is not None


def curious(name: str) -> bool:
    """Whether a name of three signs or more holds one that stands in no word and in no other name.

    >>> curious("j.doe"), curious("ada"), curious("ann lee")
    (True, False, False)
    """
    return len(name) > 2 and " " not in name and bool(re.search(rf"[^{NICK}]", name)) and bool(re.search(r"\w", name))


def embedded(known: Set[str], text: str) -> bool:
    """Whether an id holds one of the lower-cased names between its signs; a number that is the whole id is none.

    >>> embedded({"ada", "1234567"}, "chat_ada.1"), embedded({"ada", "1234567"}, "1234567"), embedded({"ada"}, "adapted-1")
    (True, False, False)
    """
    # A log's ids are hundreds of thousands, each of many pieces: hence no call for each run of them.
    ends = [0, *accumulate(map(len, _FINE.findall(text)))]
    return any(
        (part := text[start:end].lower()) in known and not (end - start == len(text) and part.isdigit())
        for i, start in enumerate(ends)
        for end in ends[i + 1 : i + 1 + _LONGEST]
    )


def inside(token: str, found: Callable[[str], object]) -> tuple[int, int] | None:
    """The place of the longest known name in a run of name characters, from the left, parted only where no word is."""
    ends = [0, *accumulate(map(len, _PIECES.findall(token)))]
    for i, start in enumerate(ends):
        for end in reversed(ends[i + 1 : i + 1 + _LONGEST]):
            if found(token[start:end]):
                return start, end
    return None


def _longest(said: str, found: Callable[[str], object]) -> str:
    """The longest beginning that is a known name and does not end within a word."""
    ends: Sequence[int] = [m.end() for m in _PIECES.finditer(said)]
    return next((said[:end] for end in reversed(ends[:64]) if found(said[:end])), "")
