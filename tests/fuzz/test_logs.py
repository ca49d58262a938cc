"""Inspect logs under fire: what another program wrote about what models said, as JSON and as the zip of a .eval file."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from sociolect.elicit.administer import reread
from sociolect.load.inspect_log import inspect_log

LOG = Path(__file__).parents[1] / "fixtures" / "inspect" / "tea.json"


def _short() -> dict[str, Any]:
    """The recorded log with three of its samples: a shift of one byte then hits what is read oftener."""
    said: dict[str, Any] = json.loads(LOG.read_bytes())
    said["samples"] = said["samples"][:3]
    return said


def _packed(said: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("header.json", json.dumps({k: v for k, v in said.items() if k != "samples"}))
        for n, one in enumerate(said["samples"]):
            packed.writestr(f"samples/{n}.json", json.dumps(one))
    return out.getvalue()


def _read(path: Path) -> Any:
    def one(data: bytes) -> object:
        path.write_bytes(data)
        return reread(inspect_log(path).replies)

    return one


def test_inspect_logs(tmp_path: Path, fuzz: Any) -> None:
    said = _short()
    fuzz([json.dumps(said).encode()], _read(tmp_path / "a.json"), shape="json", n=200, known=[b"[" * 100_000])
    fuzz([_packed(said)], _read(tmp_path / "a.eval"), n=60)
