"""NormAd's stories as items: planted ones in invented words, or the released table from a file of your own."""

import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.errors import InputError
from sociolect.frames import SET_ASIDE, Items
from sociolect.load.aside import Aside
from sociolect.load.read import opened
from sociolect.seeds import substream

LABELS = ("yes", "no", "neutral")
WORDS = ("Yes", "No", "Neither")
QUESTION = "Is what {who} did socially acceptable?"
# The release's headings, spacing and case apart, as our columns.
COLUMNS = {
    "id": "item", "country": "country", "background": "background", "axis": "axis", "subaxis": "subaxis", "value": "value",
    "ruleofthumb": "rule", "story": "story", "explanation": "explanation", "goldlabel": "gold", "othercountry": "other_country",
    "group": "group",
}  # fmt: skip
DUE = ("item", "country", "value", "rule", "story", "gold")
COUNTRIES, RULES = 12, 20  # ours: enough of both for an interval over countries and a recall per label


class Loaded(NamedTuple):
    """The items, and what could not be one: reason, count, where, mend."""

    items: Items
    set_aside: pl.DataFrame


def planted(*, countries: int = COUNTRIES, rules: int = RULES, seed: int = 0) -> Items:
    """Countries x rules x 3 stories in invented words, a third of each label.

    Each country has one way with each of so many of sixty things. A story shows somebody go that way (yes), another way (no),
    or be met by a thing that the country has no rule on and another country has (neutral). Ways are drawn evenly, so without
    the country the three labels are equally likely, whatever the story. One story in four names its country.
    Columns beside the frame's: wording, country, group, axis, subaxis, value, rule, background, story, gold, explanation,
    origin (whose rule a neutral story is about), thing and way (what the story shows).

    >>> stories = planted(countries=4, rules=3)
    >>> stories.height, stories["gold"].value_counts(sort=True)["count"].to_list()
    (36, [12, 12, 12])
    """
    said = _toml("items.toml")
    things = [(t, axis, one) for axis, one in said["axes"].items() for t in one["things"]]
    names = [(c, g) for g, own in said["groups"].items() for c in own]
    if not 2 <= countries <= len(names) or not 1 <= rules <= len(things) // 2:
        raise InputError(f"{countries} countries with {rules} rules: 2 to {len(names)}, and 1 to {len(things) // 2}, can be planted")  # fmt: skip
    ways = list(said["ways"])
    # the same country has the same rules, however many countries are planted with it
    held: dict[str, dict[int, str]] = {}
    for country, _ in names[:countries]:
        rng = substream(seed, "normad", country)
        own = sorted(rng.permutation(len(things))[:rules].tolist())
        held[country] = {int(t): str(rng.choice(ways)) for t in own}
    rows = []
    for country, group in names[:countries]:
        rng = substream(seed, "normad", country, "stories")
        whole = " ".join(_rule(things[t], way) for t, way in held[country].items())
        foreign = [(t, way, c) for c, own in held.items() for t, way in own.items() if t not in held[country]]
        if not foreign:
            raise InputError(f"no country has a rule that {country} lacks: plant fewer rules")
        for n, (at, way) in enumerate(held[country].items(), 1):
            thing, axis, _ = things[at]
            for label in LABELS:
                place, shown, whose = at, way, None
                if label == "no":
                    shown = str(rng.choice([w for w in ways if w != way]))
                elif label == "neutral":
                    place, shown, whose = foreign[int(rng.integers(len(foreign)))]
                who = str(rng.choice(said["people"]))
                where = f"In {country}, " if rng.random() < 0.25 else ""
                act = f"{where}{who} {things[place][2]['when'].format(thing=things[place][0])} and answers with a {shown}."
                story = f"{act} {QUESTION.format(who=who)}"
                why = {
                    "yes": f"The rule asks for a {way}.",
                    "no": f"The rule asks for a {way}.",
                    "neutral": f"The rule is about a {thing}.",
                }[label]
                rows.append((
                    f"{country.lower().replace(' ', '-')}.{n:02}.{label}", story, list(LABELS), list(WORDS), country, group, axis, things[at][2]["subaxis"],
                    f"To answer with {said['ways'][way]}.", _rule(things[at], way), whole, story, label, why, whose, things[place][0], shown,
                ))  # fmt: skip
    kept = ("item", "prompt", "options", "wording", "country", "group", "axis", "subaxis", "value", "rule", "background", "story", "gold", "explanation",
            "origin", "thing", "way")  # fmt: skip
    return frames.items(pl.DataFrame(rows, schema=kept, orient="row", schema_overrides={"origin": pl.String}))


def _rule(thing: tuple[str, str, dict[str, Any]], way: str) -> str:
    return f"{thing[2]['rule'].format(thing=thing[0])}, one answers with a {way}."


def normad(path: Path) -> Loaded:
    """The released table as items, from csv, tsv, jsonl or parquet; a row that is no item is set aside and counted.

    Columns are found by the release's headings. `group` is the table's own, else the cluster of the cultural map; null where
    the country is on neither. Raises InputError for an archive (it is wrapped to stay out of crawls: unpack it yourself, and
    keep what it holds local), a column that is missing, an id that comes twice, or no row that is an item.
    """
    if path.suffix.lower() in (".zip", ".enc", ".7z", ".gpg"):
        raise InputError(
            f"{path.name} is a wrapped archive: unpack it yourself, keep it local, and name the table in it"
        )
    aside = Aside()
    with opened(path, aside) as table:
        found = {COLUMNS[key]: c for c in table.columns if (key := re.sub(r"[^a-z]", "", c.lower())) in COLUMNS}
        if missing := [c for c in DUE if c not in found]:
            raise InputError(f"{table.name} has no column for {', '.join(missing)}; it has: {', '.join(table.columns)}")
        read = table.read(list(found.values())).rename({c: name for name, c in found.items()})
    rows = read.with_columns(pl.all().cast(pl.String).str.strip_chars().replace("", None)).with_columns(
        pl.col("gold").str.to_lowercase()
    )
    rows = rows.with_columns(pl.lit(None, pl.String).alias(c) for c in COLUMNS.values() if c not in rows.columns)
    known = pl.col("gold").is_in(list(LABELS))
    whole = pl.all_horizontal(pl.col(c).is_not_null() for c in DUE)
    left = [*aside.frame().iter_rows()]
    for reason, bad in (("a field is empty", ~whole), ("the gold label is none of yes, no, neutral", whole & ~known)):
        if count := rows.filter(bad).height:
            left.append((reason, count, str(rows.filter(bad)["item"][0]), "fill or delete these rows"))
    rows = rows.filter(whole & known).unique(maintain_order=True)
    if rows.is_empty():
        raise InputError(f"{path.name}: no row is a story with its label; see the release's own table")
    if twice := rows.height - rows["item"].n_unique():
        raise InputError(f"{path.name}: {twice} ids come twice with other rows: give each story an id of its own")
    map_ = {country: group for group, own in _toml("groups.toml").items() for country in own}
    by = pl.col("country").str.replace_all(r"[_-]", " ").str.to_lowercase().replace_strict({c.lower(): g for c, g in map_.items()}, default=None, return_dtype=pl.String)  # fmt: skip
    options = pl.lit(pl.Series([list(LABELS)])), pl.lit(pl.Series([list(WORDS)]))
    made = rows.with_columns(
        prompt=pl.col("story"), options=options[0].first(), wording=options[1].first(), group=pl.coalesce("group", by)
    )
    return Loaded(frames.items(made.sort("item")), pl.DataFrame(left, schema=SET_ASIDE, orient="row"))


def audit(items: Items) -> pl.DataFrame:
    """The neutral rows that mix two countries: item, country, names (the other one), in (the column that names it).

    A rule, value or background that names another country than the row's, or a column `other_country` that holds one.
    Neutral rows of the release are suspect, and a public fork repairs them: what stands here may not be neutral.

    >>> audit(planted(countries=4, rules=3)).height
    0
    """
    countries = sorted(items["country"].unique())
    patterns = {c: re.compile(rf"(?<!\w){re.escape(c)}(?!\w)", re.IGNORECASE) for c in countries}
    rows = []
    for row in items.filter(pl.col("gold") == "neutral").sort("item").iter_rows(named=True):
        for column in ("rule", "value", "background"):
            said = row.get(column) or ""
            rows += [
                (row["item"], row["country"], c, column)
                for c in countries
                if c != row["country"] and patterns[c].search(said)
            ]
        if (other := row.get("other_country")) and other != row["country"]:
            rows.append((row["item"], row["country"], other, "other_country"))
    return pl.DataFrame(rows, schema=dict.fromkeys(("item", "country", "names", "in"), pl.String), orient="row")


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
