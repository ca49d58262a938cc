"""The public trial's files, and conversations of agreements, as cards and votes: only what is listed here is ever opened."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.errors import InputError, RefusedError, UsageError
from sociolect.frames import Items, People, Replies
from sociolect.load.aside import Aside
from sociolect.load.key import read_key
from sociolect.load.pseudonyms import pseudonyms
from sociolect.systems.networks.moral_graph.find import replies_of
from sociolect.text import clean, neutralise

# The files that may be opened, and of each the fields that are read, each under the names it may have.
FILES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "votes": {
        "source": ("from", "fromId"), "target": ("to", "toId"), "context": ("context", "contextId"), "relationship": ("relationship",),
        "user": ("user", "userId"), "run": ("run", "runId"), "time": ("time", "createdAt"),
    },
    "cards": {
        "card": ("id", "card"), "title": ("title",), "description": ("description", "instructionsShort"),
        "policies": ("policies", "evaluationCriteria"),  # [code] the released data have the older name
    },
    "contexts": {"context": ("id", "context"), "text": ("text", "name")},
    "hypotheses": {"source": ("from", "fromId"), "target": ("to", "toId"), "context": ("context", "contextId")},
    "impressions": {"card": ("card", "cardId", "valuesCardId"), "case": ("case", "caseId"), "user": ("user", "userId")},
    "value_votes": {"card": ("card", "cardId", "valuesCardId"), "case": ("case", "caseId"), "user": ("user", "userId")},
    "participants": {"user": ("user", "userId", "id"), "party": ("party",), "age": ("age",), "sex": ("sex",)},
}  # fmt: skip
_DATE = re.compile(r"^\d{4}(-\d\d(-\d\d([T ].*)?)?)?$")
NEEDED = ("votes", "cards")
MEANS = {"upgrade": "wiser", "no_upgrade": "not wiser", "not_sure": "not sure"}  # [code]
VOTES = dict.fromkeys(("voter", "group", "context", "kind", "source", "target", "choice"), pl.String)


class Trial(NamedTuple):
    """Cards as items, all votes as replies of people, the people with their traits, and what was set aside, by reason."""

    cards: Items
    replies: Replies
    people: People
    set_aside: pl.DataFrame
    about: dict[str, str]


def part(folder: Path, name: str, aside: Aside) -> pl.DataFrame:
    """One listed file's listed fields, all as text (policies as lists); every other field is dropped and counted.

    Raises RefusedError for a name that is not on the list: accounts, addresses and chats are never opened. Raises InputError
    where the file is no list of records or lacks a field.
    """
    if name not in FILES:
        raise RefusedError(f"{name!r} is not opened: this loader reads {', '.join(FILES)} and nothing else")
    path = folder / f"{name}.json"
    try:
        rows: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} cannot be read as JSON: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise InputError(f"{path.name} is no list of records: due is [{{...}}, ...]")
    said = {key for row in rows for key in row}
    where = {field: next((n for n in names if n in said), None) for field, names in FILES[name].items()}
    optional = {"run", "time", "party", "age", "sex", "context", "description"}
    if rows and (missing := [f for f, n in where.items() if n is None and f not in optional]):
        due = "; ".join(f"{f} (as {' or '.join(FILES[name][f])})" for f in missing)
        raise InputError(f"{path.name} lacks {due}; it has {', '.join(sorted(said))}")
    dropped = said - {n for n in where.values() if n}
    aside.add(
        f"field of {name} that is not read: {', '.join(sorted(dropped))}",
        len(dropped),
        path.name,
        "nothing: it may name people",
    )
    schema = {f: pl.List(pl.String) if f == "policies" else pl.String for f in where}
    table = {
        f: [_listed(r.get(n)) if f == "policies" else _text(r.get(n)) for r in rows] if n else [None] * len(rows)
        for f, n in where.items()
    }
    return pl.DataFrame(table, schema=schema)


def trial(
    folder: Path,
    *,
    runs: Sequence[str] = (),
    since: str = "",
    until: str = "",
    group: str = "party",
    key: bytes | None = None,
) -> Trial:
    """The trial in that folder; users become pseudonyms, comments are never read, policies are found under either name.

    `runs`, `since` and `until` (ISO dates; since <= time < until) choose the votes of the trial among test runs and late votes: where several
    runs stand in the file and none of these is said, RefusedError, with their names. `group` is a trait of the participants.
    A value vote without an impression is left out, and counted: shown counts are the denominators.
    """
    if not folder.is_dir():
        raise InputError(f"{str(folder)!r} is no folder: due is the folder of {', '.join(f'{n}.json' for n in FILES)}")
    here = {p.stem for p in folder.iterdir() if p.suffix == ".json"}
    if lost := [n for n in NEEDED if n not in here]:
        raise InputError(
            f"{folder.name} lacks {', '.join(f'{n}.json' for n in lost)}; it has {', '.join(sorted(here)) or 'no JSON file'}"
        )
    aside = Aside()
    others = [p for p in folder.iterdir() if p.name not in {f"{n}.json" for n in FILES}]
    aside.add(
        "file outside the list, never opened", len(others), folder.name, "nothing: accounts and chats are not for this"
    )
    found = {n: part(folder, n, aside) for n in FILES if n in here}
    votes = _of_the_run(found["votes"], runs, since, until, aside)
    cards = found["cards"].drop_nulls("card").unique("card", keep="first", maintain_order=True)
    aside.add(
        "card that repeats another's id",
        found["cards"].height - cards.height,
        "cards.json",
        "nothing: the first stands",
    )
    told = {
        "users": [
            votes["user"],
            *(found[n]["user"] for n in ("impressions", "value_votes", "participants") if n in found),
        ]
    }
    secret = read_key() if key is None else key
    names = pseudonyms(pl.concat(told["users"]).rename("user"), secret)
    people = _people(found.get("participants"), names, group)
    groups = dict(people.select("person", "group").iter_rows())
    rows = _wisdom(votes, set(cards["card"]), names, groups, aside)
    rows += _values(found, set(cards["card"]), names, groups, aside)
    frame = pl.DataFrame(rows, schema=VOTES, orient="row")
    if frame.is_empty():
        raise RefusedError(f"no vote of {folder.name} is left: look at runs, since and until")
    about = {
        "voters": str(frame["voter"].n_unique()),
        "votes": str(votes.height),
        "runs": ", ".join(sorted(set(votes["run"].drop_nulls()))),
    }
    return Trial(_items(cards), replies_of(frame), people, aside.frame(), about)


def _of_the_run(votes: pl.DataFrame, runs: Sequence[str], since: str, until: str, aside: Aside) -> pl.DataFrame:
    """The votes of the trial itself; all others are counted."""
    if odd := [w for w in (since, until) if w and not _DATE.match(w)]:
        raise UsageError(f"{odd[0]!r} is no date: since and until are like 2023, 2023-10 or 2023-10-02")
    strange_times = votes["time"].drop_nulls().filter(~votes["time"].drop_nulls().str.contains(_DATE.pattern))
    if (since or until) and strange_times.len():
        raise InputError(
            f"{strange_times.len()} times of votes.json are no ISO dates, as {strange_times[0]!r}: "
            "choose votes by runs, or rewrite the times as 2023-10-02T12:00:00Z"
        )
    several = votes["run"].drop_nulls().unique().sort().to_list()
    if len(several) > 1 and not (runs or since or until):
        span = (
            votes.group_by("run")
            .agg(pl.len(), pl.col("time").min().alias("a"), pl.col("time").max().alias("b"))
            .sort("run")
        )
        said = "; ".join(f"{r or 'no run'}: {n} votes, {a} to {b}" for r, n, a, b in span.iter_rows())
        raise RefusedError(
            f"{len(several)} runs stand in votes.json, tests among them: name the trial's with runs, since or until ({said})"
        )
    if strange := sorted(set(runs) - set(several)):
        raise InputError(f"no vote is of run {strange[0]!r}; there are: {', '.join(several) or 'none'}")
    kept = pl.lit(value=True)
    if runs:
        kept &= pl.col("run").is_in(list(runs)).fill_null(value=False)
    if since:
        kept &= (pl.col("time") >= since).fill_null(value=False)
    if until:
        kept &= (pl.col("time") < until).fill_null(value=False)
    chosen = votes.filter(kept)
    aside.add(
        "vote of another run or date", votes.height - chosen.height, "votes.json", "nothing, or say runs, since, until"
    )
    return chosen


def _people(told: pl.DataFrame | None, names: Mapping[str, str], group: str) -> People:
    if told is None:
        everyone = sorted(names.values())
        none = pl.Series("group", [None] * len(everyone), dtype=pl.String)
        return frames.people(pl.DataFrame({"person": pl.Series(everyone, dtype=pl.String), "group": none}))
    if group not in told.columns or group == "user":
        raise InputError(
            f"participants have no trait {group!r}: due is {', '.join(c for c in told.columns if c != 'user')}"
        )
    first = told.drop_nulls("user").unique("user", keep="first", maintain_order=True)
    return frames.people(
        first.select(
            person=pl.col("user").replace_strict(dict(names)), group=pl.col(group), party="party", age="age", sex="sex"
        ).sort("person")
    )


Row = tuple[str, str | None, str, str, str | None, str, str | None]


def _wisdom(
    votes: pl.DataFrame, cards: set[str], names: Mapping[str, str], groups: Mapping[str, str | None], aside: Aside
) -> list[Row]:
    out: list[Row] = []
    for row in votes.iter_rows(named=True):
        if row["user"] is None or row["source"] not in cards or row["target"] not in cards:
            aside.add("vote without a user, or on a card that is not here", 1, "votes.json", "nothing")
        elif row["relationship"] not in MEANS:
            aside.add(f"vote with another answer than {', '.join(MEANS)}", 1, "votes.json", "nothing")
        else:
            who = names[row["user"]]
            out.append(
                (
                    who,
                    groups.get(who),
                    row["context"] or "not told",
                    "wisdom",
                    row["source"],
                    row["target"],
                    MEANS[row["relationship"]],
                )
            )
    return out


def _values(
    found: Mapping[str, pl.DataFrame],
    cards: set[str],
    names: Mapping[str, str],
    groups: Mapping[str, str | None],
    aside: Aside,
) -> list[Row]:
    if "impressions" not in found:
        aside.add(
            "value votes without impressions: no share can be made",
            found["value_votes"].height if "value_votes" in found else 0,
            "value_votes.json",
            "add impressions.json",
        )
        return []
    keys = ("user", "case", "card")
    shown = set(found["impressions"].select(keys).drop_nulls().iter_rows())
    marked = set(found["value_votes"].select(keys).drop_nulls().iter_rows()) if "value_votes" in found else set()
    aside.add(
        "value vote without an impression",
        len(marked - shown),
        "value_votes.json",
        "nothing: shown counts are the denominators",
    )
    aside.add(
        "impression of a card that is not here", sum(c not in cards for *_, c in shown), "impressions.json", "nothing"
    )
    return [
        (names[u], groups.get(names[u]), case, "value", None, card, "wise to consider" if (u, case, card) in marked else "not now")
        for u, case, card in sorted(shown) if card in cards
    ]  # fmt: skip


def _items(cards: pl.DataFrame) -> Items:
    """The cards as items: the prompt is the card's words, which never speak as another role."""
    rows = [
        (r["card"], neutralise(clean("\n".join([f"CARD: {r['title']} | {r['description'] or ''}", *(f"- {p}" for p in r["policies"] or [])]))),
         None, neutralise(clean(r["title"] or "")), len(r["policies"] or []))
        for r in cards.iter_rows(named=True)
    ]  # fmt: skip
    schema: dict[str, Any] = {
        "item": pl.String,
        "prompt": pl.String,
        "options": pl.List(pl.String),
        "title": pl.String,
        "policies": pl.Int64,
    }
    return frames.items(pl.DataFrame(rows, schema=schema, orient="row"))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _listed(value: object) -> list[str] | None:
    return [str(v) for v in value] if isinstance(value, list) else None
