"""The key under which names become pseudonyms: a file that only its owner can read, away from the data."""

import os
import secrets
from pathlib import Path

from sociolect.errors import InputError


def key_file() -> Path:
    """Where the key lies unless a path is given: $SOCIOLECT_KEY_FILE, else the user's configuration folder."""
    said = os.environ.get("SOCIOLECT_KEY_FILE")
    if said:
        return Path(said).expanduser()
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "sociolect" / "key"


def read_key(path: str | Path | None = None) -> bytes:
    """The key in that file, made of 256 random bits on first use; two processes at once end with the same one.

    The key is no part of what a seed decides: it must not be guessed. Raises InputError where others can read the file, it holds
    no key, or it cannot be made.
    """
    path = Path(path).expanduser() if path else key_file()
    try:
        if not path.exists():
            _make(path)
        mode = path.stat().st_mode
        said = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise InputError(
            f"the key file {path} cannot be read or made ({error.strerror}): name another with key= or SOCIOLECT_KEY_FILE"
        ) from error
    if mode & 0o077:
        raise InputError(f"the key file {path} is open to others (mode {mode & 0o777:o}): chmod 600 {path}")
    try:
        key = bytes.fromhex(said)
    except ValueError:
        key = b""
    if len(key) < 16:
        raise InputError(
            f"the key file {path} holds no key of 32 hexadecimal digits or more: move it away, and a new one is made"
        )
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)  # unlike a rename, this never replaces the key another process has just made
        except FileExistsError:
            return
    finally:
        part.unlink(missing_ok=True)
