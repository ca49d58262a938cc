"""Names become keyed pseudonyms: the same name the same pseudonym under one key, and nothing of it without the key."""

from base64 import b32encode
from dataclasses import dataclass, field
from hmac import digest

import polars as pl

from sociolect.errors import RefusedError


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


@dataclass(frozen=True, slots=True)
class Names:
    """Who is known, by scope and name in lower case: the pseudonym that stands for each. Unknown handles are added as met."""

    key: bytes
    known: dict[str, dict[str, str]]  # scope -> lower-cased name -> pseudonym
    exact: dict[str, dict[str, str]]  # scope -> name as written -> pseudonym, where case tells two people apart
    loose: bool  # whether some name holds a space, or a sign that ends a handle
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

    def every(self) -> set[str]:
        """All known names in lower case, whatever their scope."""
        return {name for said in self.known.values() for name in said}


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
    loose = any(c in n for names in low.values() for n in names for c in " @<>,;:!?\"'()")
    return Names(key, low, exact, loose, set(said.values()))
