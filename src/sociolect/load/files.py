"""Bytes on disk: what a file is, and its lines made fit to read, in blocks so that no file has to fit in memory."""

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sociolect.errors import InputError
from sociolect.load.aside import Aside

FORMS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".txt": "txt",
}
LONGEST = 16 << 20  # ours: no post is 16 MiB; a line that is, is a broken file
_BLOCK = 4 << 20
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"PAR1": "parquet",
    b"PK\x03\x04": "a zip or spreadsheet file",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
}


class Block(NamedTuple):
    """Whole lines of a file: the number of the first of them, the bytes, and the size of a line too long to hold."""

    line: int
    data: bytes
    oversize: int = 0


def form(path: Path) -> tuple[str, bool]:
    """What a file holds (csv, tsv, jsonl, parquet, txt) and whether it is gzipped, by its name, checked against its first bytes.

    Raises InputError where it is not there, is a folder, cannot be read, is empty, or is not what its name says.
    """
    if not path.exists():
        names = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
        near = get_close_matches(path.name, names, n=1)
        hint = f"; did you mean {str(path.with_name(near[0]))!r}?" if near else "; check the path"
        raise InputError(f"there is no file {str(path)!r}{hint}")
    if not path.is_file():
        raise InputError(f"{str(path)!r} is a folder, not a table: name the file in it")
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise InputError(
            f"{str(path)!r} cannot be read ({error.strerror}): give yourself leave to, as with chmod u+r"
        ) from error
    if not head:
        raise InputError(f"{path.name} is empty: it has no header and no rows")
    suffixes = [s.lower() for s in path.suffixes]
    gzipped = suffixes[-1:] == [".gz"]
    kind = FORMS.get((suffixes[:-1] if gzipped else suffixes)[-1:][0] if suffixes[: -1 if gzipped else None] else "")
    found = next((what for magic, what in _MAGIC.items() if head.startswith(magic)), "text")
    due = "gzip" if gzipped else "parquet" if kind == "parquet" else "text"
    if kind is None or (kind == "parquet" and gzipped):
        raise InputError(
            f"{path.name} is no table this reads: name it .csv, .tsv, .jsonl (each also .gz) or .parquet, by what it holds"
            + (f" (it holds {found})" if found != "text" else "")
        )
    if found != due:
        mend = {
            "gzip": f"rename it to {path.name}.gz" if not gzipped else "",
            "text": f"rename it to {path.name.removesuffix(path.suffix)}" if gzipped else "name it by what it holds",
            "UTF-16 text": f"convert it: iconv -f UTF-16 -t UTF-8 {path.name}",
            "parquet": "name it .parquet",
        }.get(found, "unpack it, or export it as csv, first")
        raise InputError(f"{path.name} should hold {due} by its name, and holds {found}: {mend}")
    return kind, gzipped


def unzipped(path: Path, into: Path) -> Path:
    """A gzipped file's content in the folder `into`; raises InputError, saying how far it read, where it breaks off."""
    out, read, lines = into / path.stem, 0, 0
    try:
        with gzip.open(path) as packed, out.open("wb") as plain:
            while data := packed.read(_BLOCK):
                plain.write(data)
                read, lines = read + len(data), lines + data.count(b"\n")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path.name} is a broken gzip file ({error}): {read:,} bytes, {lines:,} whole lines could be read; fetch or pack it again"
        ) from error
    except OSError as error:
        raise InputError(
            f"{path.name} cannot be unpacked to {into}: {error.strerror}; make room, or set TMPDIR"
        ) from error
    return out


def blocks(path: Path) -> Iterator[Block]:
    """A file's lines in blocks of some megabytes, each ending in a newline; a line over LONGEST comes as its size alone."""
    line, rest, skipped = 1, b"", 0
    with path.open("rb") as file:
        while data := file.read(_BLOCK):
            if skipped:
                cut = data.find(b"\n")
                skipped += len(data) if cut < 0 else cut
                if cut < 0:
                    continue
                yield Block(line, b"\n", skipped)
                line, skipped, data = line + 1, 0, data[cut + 1 :]
            cut = data.rfind(b"\n") + 1
            if not cut:
                rest += data
                if len(rest) > LONGEST:
                    skipped, rest = len(rest), b""
                continue
            whole, rest = rest + data[:cut], data[cut:]
            yield from _parted(line, whole)
            line += whole.count(b"\n")
    if skipped:
        yield Block(line, b"\n", skipped)
    elif rest:
        yield from _parted(line, rest + b"\n")


def _parted(line: int, whole: bytes) -> Iterator[Block]:
    """A block, with its first line on its own where that is too long: only the first can have grown over blocks."""
    first = whole.find(b"\n")
    if first > LONGEST:
        yield Block(line, b"\n", first)
        line, whole = line + 1, whole[first + 1 :]
    if whole:
        yield Block(line, whole)


def scrubbed(path: Path, into: Path, name: str, kind: str, aside: Aside) -> Path:
    """The file itself where its lines are fit to read, else a copy in `into` without NUL bytes, bad UTF-8 and endless lines.

    What was mended is counted. An endless line of a csv or tsv file is refused, since where its row ends cannot be known.
    """
    nul = bad = huge = 0
    where: dict[str, str] = {}
    for block in blocks(path):
        if block.oversize:
            if kind in {"csv", "tsv"}:
                raise InputError(
                    f"{name}, line {block.line} is {block.oversize:,} bytes long, over {LONGEST:,}: a line end or a closing quotation "
                    "mark is missing; mend that line"
                )
            huge += 1
            where.setdefault("huge", f"{name}, line {block.line}")
        n, b = _faults(block, where, name)
        nul, bad = nul + n, bad + b
    aside.add("line too long to be a post", huge, where.get("huge", ""), f"cut it below {LONGEST:,} bytes")
    aside.add("NUL byte taken out of a line", nul, where.get("nul", ""), "nothing, or export the file again")
    aside.add(
        "line with bytes that are no UTF-8, shown as \ufffd", bad, where.get("bad", ""), "export the file as UTF-8"
    )
    if not nul + bad + huge:
        return path
    out = into / f"scrubbed-{path.name}"
    with out.open("wb") as file:
        for block in blocks(path):
            file.write(block.data.replace(b"\0", b"").decode("utf-8", "replace").encode())
    return out


def _faults(block: Block, where: dict[str, str], name: str) -> tuple[int, int]:
    """How many lines of a block hold NUL bytes, and how many hold bytes that are no UTF-8."""
    nul = bad = 0
    if b"\0" in block.data:
        lines = [n for n, said in enumerate(block.data.split(b"\n"), block.line) if b"\0" in said]
        nul = len(lines)
        where.setdefault("nul", f"{name}, line {lines[0]}")
    if not block.data.isascii():
        try:
            block.data.decode()
        except UnicodeDecodeError:
            for n, said in enumerate(block.data.split(b"\n"), block.line):
                if said != said.decode("utf-8", "replace").encode():
                    bad += 1
                    where.setdefault("bad", f"{name}, line {n}")
    return nul, bad


def regular(path: Path, columns: int, separator: str, *, quoted: bool) -> bool:
    """Whether every row has that many fields and every quotation mark stands where RFC 4180 lets it stand.

    Then any reader reads the same rows, and the fast one may be taken. A blank line is no row, and the careful reader skips it.
    """
    inside, fields, sep = False, 0, ord(separator)
    for block in blocks(path):
        a = np.frombuffer(block.data.removeprefix(b"\xef\xbb\xbf") if block.line == 1 else block.data, dtype=np.uint8)
        newline = a == 10
        marks = newline | (a == sep)
        if quoted and (inside or b'"' in block.data):
            quote = a == 34
            open_ = np.bitwise_xor.accumulate(quote.view(np.uint8)).astype(bool) ^ inside
            opens, closes = np.flatnonzero(quote & open_), np.flatnonzero(quote & ~open_)
            before, after = (
                a[opens[opens > 0] - 1],
                a[closes + 1],
            )  # a block ends in a newline, so closes + 1 is inside it
            if not (np.isin(before, [sep, 10, 34]).all() and np.isin(after, [sep, 10, 13, 34]).all()):
                return False
            marks &= ~open_
            inside = bool(open_[-1])
        at = np.flatnonzero(marks)
        ends = np.flatnonzero(newline[at])
        if not len(ends):
            fields += len(at)
            continue
        counts = np.diff(ends, prepend=-1) - 1
        counts[0] += fields
        if (counts != columns - 1).any():
            return False
        fields = len(at) - int(ends[-1]) - 1
    return not inside


def joined(path: Path) -> tuple[int, int]:
    """How many line ends stand inside quotation marks, and the number of the line that the first of them ends."""
    inside, count, first = False, 0, 0
    for block in blocks(path):
        if not inside and b'"' not in block.data:
            continue
        a = np.frombuffer(block.data, dtype=np.uint8)
        within = np.bitwise_xor.accumulate((a == 34).view(np.uint8)).astype(bool) ^ inside
        at = np.flatnonzero(within & (a == 10))
        if len(at) and not count:
            first = block.line + block.data.count(b"\n", 0, int(at[0]))
        inside, count = bool(within[-1]), count + len(at)
    return count, first


def json_of(path: Path) -> Any:
    """What a JSON file holds, gzipped where it is called so; half of a surrogate pair, which no file can hold, becomes a `?`.

    Raises OSError and ValueError, whatever is wrong with the file.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        said = json.loads(data.decode("utf-8-sig"))
        # only an escape can say half a pair
        return json.loads(json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")) if b"\\u" in data else said
    except (EOFError, zlib.error, RecursionError) as error:
        raise ValueError(str(error)) from error


def plain_name(path: Path) -> bool:
    """Whether a reader takes the path as it stands: `*`, `?` and `[` would be read as a pattern.

    >>> plain_name(Path("posts.csv")), plain_name(Path("posts[1].csv"))
    (True, False)
    """
    return not set("*?[]{}") & set(os.fspath(path))
