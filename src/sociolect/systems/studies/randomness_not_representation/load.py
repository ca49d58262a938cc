"""The questions and what countries answer: our own invented ones, or the published subset of a survey from a folder."""

import ast
import csv
import gzip
import io
import json
import tomllib
from math import fsum
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from sociolect import frames
from sociolect.errors import InputError
from sociolect.frames import Items
from sociolect.models.respondent import Question, Respondent
from sociolect.seeds import substream
from sociolect.text import clean, neutralise

STABILITY, STEERING, HELD_OUT = (
    "global_opinion_data_stability.csv.gz", "global_opinion_data_steerability.csv", "global_opinion_held_out_data.csv",
)  # fmt: skip
MEANS = {"item": pl.String, "community": pl.String, "value": pl.Float64}
SPREAD = 1.5  # ours: how far planted countries' traits lie apart, in logits


class World(NamedTuple):
    """The items, and what people of each country answer (item, community, value in 0 to 1; null where nobody was asked)."""

    items: Items
    people: pl.DataFrame


def invented(*, most: int | None = None, seed: int = 0) -> World:
    """Sixteen questions of ours, and eight countries whose means follow from a trait of each.

    >>> world = invented()
    >>> world.items.height, world.people["community"].n_unique()
    (16, 8)
    """
    said = tomllib.loads(Path(__file__).with_name("items.toml").read_text(encoding="utf-8"))
    rows = [(i, one["ask"], said["options"][one["options"]], one["facet"]) for i, one in said["items"].items()]
    items = _items(rows[:most])
    easy, leaning = substream(seed, "easiness"), substream(seed, "traits")
    facets = sorted(set(items["facet"]))
    trait = {c: dict(zip(facets, leaning.normal(0, SPREAD, len(facets)), strict=True)) for c in said["countries"]}
    means = []
    for item, options, facet in items.select("item", "options", "facet").iter_rows():
        base = float(easy.normal(0, 0.7))
        means += [(item, c, expected(len(options), base + float(trait[c][facet]))) for c in said["countries"]]
    return World(items, pl.DataFrame(means, schema=MEANS, orient="row"))


def expected(k: int, eta: float) -> float:
    """The mean place, 0 to 1, of a planted respondent's answer to a question with k ordered options.

    >>> expected(4, 0.0), round(expected(2, 1.0), 3)
    (0.5, 0.731)
    """
    words = [f"o{j}" for j in range(k)]
    known = {"q": Question({w: float(j) for j, w in enumerate(words)}, loading=0.0, easiness=eta)}
    shares = Respondent("planted", known).distribution("q\n" + "\n".join(f"- {w}" for w in words))
    return fsum(share * j / (k - 1) for j, share in enumerate(shares.values()))


def published(folder: Path) -> World:
    """The 77 questions of arm A from a folder of your own, options in their mapped order, and the mean of every country.

    Raises InputError, all faults at once, where files are missing or a row is not what it should be.
    """
    rows = _rows(folder, STABILITY)
    asked: dict[str, tuple[str, str, list[str], str | None]] = {}
    means: dict[tuple[str, str], float] = {}
    faults: list[str] = []
    for place, row in enumerate(rows, 2):
        try:
            way, item = ast.literal_eval(row["variation"]), row["question_idx"]
            options = [str(o) for o in ast.literal_eval(row["options"])]
            weights = ast.literal_eval(row["mean_weights"])
        except (KeyError, ValueError, SyntaxError) as error:
            faults.append(f"line {place}: {error}")
            continue
        if way["direction_format"] == "ascending":
            asked[item] = (item, row["question_text"], options, None)
            means |= {(item, str(country)): float(value) for country, value in weights.items()}
    if faults or not asked:
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise InputError(f"{STABILITY} cannot be read: {'; '.join(faults[:5]) or 'no ascending row'}{more}")
    table = [(item, country, value) for (item, country), value in sorted(means.items())]
    return World(_items([asked[i] for i in sorted(asked)]), pl.DataFrame(table, schema=MEANS, orient="row"))


def steering(folder: Path, *, held_out: bool = False) -> World:
    """The 180 questions of arm D (letters and their options), and each country's mean; null where it has none."""
    text = (
        (folder / (HELD_OUT if held_out else STEERING)).read_text(encoding="utf-8-sig")
        if (folder / STEERING).is_file()
        else ""
    )
    if not text:
        raise InputError(f"{folder.name} holds no {STEERING}: name the folder of the published subset")
    head, *body = list(csv.reader(io.StringIO(text)))
    rows: list[Any] = []
    for n, question in enumerate(head[1:], 1):
        stem, *options = question.strip().split("\n")
        rows.append((f"steer:{n:03}", stem.strip(), [o.partition(". ")[2].strip() for o in options], None))
    means = [
        (rows[j][0], line[0], float(cell) if cell.strip() else None) for line in body for j, cell in enumerate(line[1:])
    ]
    return World(_items(rows), pl.DataFrame(means, schema=MEANS, orient="row"))


def mapped(folder: Path) -> dict[str, int]:
    """How the option map treats its entries: used as they are, reordered, rejected."""
    found = json.loads((folder / "options_map.json").read_text(encoding="utf-8"))
    kinds = [
        "kept" if one["mapped_options"] is None else "rejected" if one["mapped_options"] == "reject" else "reordered"
        for one in found
    ]
    return {kind: kinds.count(kind) for kind in ("kept", "reordered", "rejected")}


def _items(rows: list[Any]) -> Items:
    shape: dict[str, Any] = {"item": pl.String, "prompt": pl.String, "options": pl.List(pl.String), "facet": pl.String}
    # a survey is somebody else's text: none of it speaks as another role
    told = [
        (item, neutralise(clean(stem)), [neutralise(clean(o)) for o in options], facet)
        for item, stem, options, facet in rows
    ]
    return frames.items(pl.DataFrame(told, schema=shape, orient="row"))


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    try:
        with gzip.open(folder / name, "rt", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"{folder.name} holds no readable {name}: name the folder of the published subset") from error
