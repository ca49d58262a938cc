"""Every reader of what people write by hand under fire: studies, cards, instruments, schemes, merges, rules, formulas, words."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import arguments, frames, systems
from sociolect.compare import formula
from sociolect.errors import UsageError
from sociolect.find.declared import merged
from sociolect.load.key import read_key
from sociolect.measure import harm, instrument, rules
from sociolect.models.prices import read_prices

DEEP = b"a = " + b"[" * 50_000  # tomllib gives up on it with a RecursionError
INSTRUMENTS = systems.SYSTEMS / "instruments"


def at(path: Path, read: Any, data: bytes) -> object:
    path.write_bytes(data)
    return read(path)


def test_studies(tmp_path: Path, fuzz: Any) -> None:
    said = b'system = "community_fidelity"\nsize = "tiny"\nseed = 3\ncommunities = 4\n# words\nsave_to = "x"\n'

    def read(path: Path) -> object:
        slug, words = arguments.study(path, None)
        return arguments.keywords(systems.find(slug), words)

    words = {k: p.default for k, p in systems.find("community_fidelity").keywords.items()}
    good = "\n".join(f"{k} = {toml}" for k, v in words.items() if (toml := _toml(v))).encode()
    fuzz(
        [b'system = "community_fidelity"\n' + good],
        partial(at, tmp_path / "s.toml", read),
        shape="toml",
        n=150,
        known=[said, DEEP],
    )


def _toml(value: object) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool | int | float)
        else f'"{value}"'
        if isinstance(value, str) and value
        else ""
    )


def test_cards(tmp_path: Path, fuzz: Any) -> None:
    shelf = tmp_path / "studies" / "x"
    shelf.mkdir(parents=True)
    (shelf / "recipe.py").touch()
    seed = (systems.SYSTEMS / "studies" / "community_fidelity" / "card.toml").read_bytes()

    def read(data: bytes) -> object:
        (shelf / "card.toml").write_bytes(data)
        return systems.read(shelf)

    fuzz([seed], read, shape="toml", n=120, known=[DEEP])


def test_instruments(tmp_path: Path, fuzz: Any) -> None:
    for name in ("planted10", "phq9", "eat26"):
        folder = tmp_path / name
        shutil.copytree(INSTRUMENTS / name, folder)
        for file in ("instrument.toml", "text.toml"):
            if not (folder / file).exists():
                continue
            seed = (folder / file).read_bytes()

            def read(data: bytes, folder: Path = folder, file: str = file) -> object:
                (folder / file).write_bytes(data)
                return instrument.items(instrument.read(folder))

            fuzz([seed], read, shape="toml", n=60, known=[DEEP])
            (folder / file).write_bytes(seed)


def test_rules(fuzz: Any) -> None:
    seed = b"item(4) in {4, 5} and not item(10) in {4, 5} or score(1) >= 2.5 and (subscale(a) < 3)"
    fuzz([b"item(4) in {4, 5} and not item(10) in {4, 5}"], lambda data: rules.truth(rules.parsed(data.decode("utf-8", "replace"))), n=150, known=[seed])  # fmt: skip


def test_schemes(tmp_path: Path, fuzz: Any) -> None:
    seed = Path(harm.__file__).with_name("harm.toml").read_bytes()
    fuzz([seed], partial(at, tmp_path / "h.toml", harm.scheme), shape="toml", n=100, known=[DEEP])


def test_merges(tmp_path: Path, fuzz: Any) -> None:
    members = frames.members(pl.DataFrame({"person": ["a", "b", "c"], "community": ["c00", "c01", "c02"]}))
    seed = b'why = "alike"\nred = ["c00", "c01"]\ndrop = ["c02"]\n'
    fuzz([seed], partial(at, tmp_path / "m.toml", partial(merged, members)), shape="toml", n=80, known=[DEEP])


def test_prices(tmp_path: Path, fuzz: Any) -> None:
    seed = b'["gpt-x"]\nprompt = 2.5\nreply = 10.0\n["openai/y"]\nprompt = 0\nreply = 1\n'
    fuzz(
        [seed],
        partial(at, tmp_path / "prices.toml", read_prices),
        shape="toml",
        n=80,
        known=[DEEP, b"[m]\nreply = 1\nprompt = 1" + b"0" * 400],
    )


def test_formulas(fuzz: Any) -> None:
    seed = b"y ~ x + C(group, contr.treatment('a')) * log(z) + poly(x, 2) + (1 | person) + (1 | topic)"

    def read(data: bytes) -> object:
        return formula.read(data.decode("utf-8", "replace"), ["y", "x", "z", "group", "person", "topic"])

    fuzz([seed, b"y ~ 1"], read, n=150)


def test_keys(tmp_path: Path, fuzz: Any) -> None:
    (tmp_path / "key").touch(mode=0o600)
    fuzz([b"ab" * 32 + b"\n"], partial(at, tmp_path / "key", read_key), n=40)


def test_words(fuzz: Any) -> None:
    def read(data: bytes) -> object:
        said = arguments.words(data.decode("utf-8", "replace").split("\n"))
        return arguments.keywords(systems.find("community_fidelity"), {k: said[k] for k in sorted(said)})

    fuzz([b"--seed\n3\n--size=tiny"], read, n=150)
    for word in ("x", "--", "-"):
        try:
            arguments.words([word])
        except UsageError:
            continue
        raise AssertionError(word)
