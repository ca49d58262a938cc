"""What models said in Inspect logs, as replies: by the keys that each sample carries, never by its place in the log."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from sociolect import frames, text
from sociolect.errors import InputError
from sociolect.fingerprint import fingerprint
from sociolect.frames import Replies
from sociolect.load.inspect_file import logs, opened
from sociolect.load.inspect_keys import TYPES, columns, keyed, number, whole

FORMAT = 1  # of the metadata that `elicit.inspect_task` writes
LEFT_OUT = {"log": pl.String(), "reason": pl.String(), "count": pl.Int64(), "where": pl.String()}
FURTHER = "a further choice of one sample: ask with epochs, which are draws"
_OWN = ("sociolect", "digest", "item", "condition", "community")
_MADE = {**{c: k.dtype for c, k in frames.SHAPES["replies"].columns.items()},
         "raw": pl.String(), "task": pl.String(), "refused": pl.Boolean(), "stop": pl.String(), "temperature": pl.Float64(), "top_p": pl.Float64(), "tokens": pl.Int64()}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Logged:
    """The replies, and the samples that are none: log, reason, count, where (the first one's id)."""

    replies: Replies
    left_out: pl.DataFrame


def inspect_log(
    paths: str | Path | Sequence[str | Path], *, community: str | Mapping[str, str] | None = None
) -> Logged:
    """One reply per sample and epoch of Inspect logs (.eval, .json, or folders of them): model is speaker, epoch - 1 is draw.

    Only samples that `elicit.inspect_task` exported are read; their metadata say item, condition and every further column.
    `community` says whom the models speak for: one name, or a name by model; else what was exported, else the model's own
    name. `task` is the name it was exported under. `raw` is what came back without reasoning, `text` the same cleaned (null: nothing came), `stop` why it ended;
    `refused` where the text opens as a refusal or the provider withheld it. `temperature`, `top_p` and `tokens` are what the
    log says, null where it says nothing. The choice is read out by `elicit.administer.reread`.

    Left out and counted: samples that ended in an error or at a limit, were cancelled or never run, were put in other words
    than exported, lack a key or hold one of another kind than was exported, are not ours, or stand in several logs (a retried
    log holds its predecessor's). Raises InputError for what is no log, a log without samples, an export of a newer format, two different replies to one draw, or no reply at all;
    MissingExtra for a log that needs Inspect to unpack.
    """
    rows: list[dict[str, Any]] = []
    left: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    known: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    clash = 0
    for path in logs([paths] if isinstance(paths, str | Path) else paths):
        head, samples = opened(path)
        seen = 0
        for sample in samples:
            seen += 1
            reason, row = _row(head, sample)
            if row is not None:
                if more := len(_choices(sample)) - 1:
                    left[path.name, FURTHER] += more
                    first.setdefault((path.name, FURTHER), str(sample.get("id")))
                row["community"] = _whose(community, row)
                key = tuple(row[k] for k in frames.KEYS)
                if key in known:
                    # what an earlier log holds word for word is the same draw; anything else is another run
                    same = known[key] == (row["uuid"], row["raw"])
                    clash += not same
                    reason = "the same sample as in an earlier log"
                else:
                    known[key] = (row["uuid"], row["raw"])
                    rows.append(row)
            if reason:
                left[path.name, reason] += 1
                first.setdefault((path.name, reason), str(sample.get("id")))
        if (missing := _due(head) - seen) > 0:
            left[path.name, "never run, or cancelled"] += missing
            first[path.name, "never run, or cancelled"] = ""
    if clash:
        raise InputError(f"{clash} draws have two different replies in these logs: read one run of a model at a time, or name a community for each")  # fmt: skip
    told = [(log, reason, count, first[log, reason]) for (log, reason), count in sorted(left.items())]
    if not rows:
        said = "; ".join(f"{count} {reason}" for _, reason, count, _ in told) or "they hold no samples"
        raise InputError(f"no reply can be read from these logs: {said}")
    return Logged(_framed(rows), pl.DataFrame(told, schema=LEFT_OUT, orient="row"))


def _row(head: Mapping[str, Any], sample: Mapping[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """The reply of one sample, or the reason why there is none."""
    metadata = _dict(sample.get("metadata"))
    if "sociolect" not in metadata:
        return "not exported by Sociolect", None
    if not isinstance(metadata["sociolect"], int) or metadata["sociolect"] > FORMAT:
        raise InputError(f"sample {str(sample.get('id'))[:80]!r} was exported in format {str(metadata['sociolect'])[:80]}, and {FORMAT} is known here: update sociolect")  # fmt: skip
    if sample.get("error"):
        return "ended in an error", None
    if isinstance(limit := sample.get("limit"), dict):
        return f"stopped at its {str(limit.get('type', 'limit'))[:40]} limit", None
    put = [_words(m.get("content"), sample) for m in _put(sample)]
    if not put or fingerprint(put) != metadata.get("digest"):
        return "put in other words than exported", None
    epoch = sample.get("epoch")
    if not keyed(metadata) or not (whole(epoch) and epoch > 0):
        return "its keys are not those exported", None
    choice = _choices(sample)[0] if _choices(sample) else {}
    raw = _words(_dict(choice.get("message")).get("content"), sample)
    config = _dict(head["eval"].get("model_generate_config")) | _dict(_dict(head.get("plan")).get("config"))
    stop, (temperature, top_p, tokens) = (
        choice.get("stop_reason"),
        (config.get(c) for c in ("temperature", "top_p", "max_tokens")),
    )
    return "", {k: v for k, v in metadata.items() if k not in _OWN} | {
        "speaker": head["eval"]["model"], "source": "model", "community": metadata.get("community"), "task": metadata.get("task"), "item": metadata["item"],
        "condition": metadata["condition"], "draw": epoch - 1, "turn": 0, "prompt": put[-1], "raw": raw,
        "text": text.clean(raw).strip() or None, "stop": stop if isinstance(stop, str) else None,
        "temperature": temperature if number(temperature) else None, "top_p": top_p if number(top_p) else None,
        "tokens": tokens if whole(tokens) else None, "uuid": sample.get("uuid"),
    }  # fmt: skip


def _choices(sample: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_dict(c) for c in _list(_dict(sample.get("output")).get("choices"))]


def _put(sample: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages that the model was put, in their order: a solver may have written others than the sample's input."""
    said = [m for m in _list(sample.get("messages")) if isinstance(m, dict) and m.get("role") in ("system", "user")]
    if said:
        return said
    given = sample.get("input")
    return [{"content": given}] if isinstance(given, str) else [m for m in _list(given) if isinstance(m, dict)]


def _words(content: Any, sample: Mapping[str, Any]) -> str:
    """The words of a message: its text parts without reasoning, from the attachments where they were put there."""
    if isinstance(content, list):
        return "".join(
            _words(p.get("text"), sample) for p in content if isinstance(p, dict) and p.get("type") == "text"
        )
    said = content if isinstance(content, str) else ""
    if said.startswith("attachment://"):
        return str(_dict(sample.get("attachments")).get(said.removeprefix("attachment://"), said))
    return said


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _due(head: Mapping[str, Any]) -> int:
    """How many samples the run should hold: those of its data set, as often as it has epochs."""
    data, config = _dict(head["eval"].get("dataset")), _dict(head["eval"].get("config"))
    ids, held, epochs = data.get("sample_ids"), data.get("samples"), config.get("epochs")
    asked = len(ids) if isinstance(ids, list) else held if whole(held) else 0
    return asked * (epochs if whole(epochs) and epochs > 0 else 1)


def _whose(community: str | Mapping[str, str] | None, row: Mapping[str, Any]) -> str:
    own = str(row["community"] or row["speaker"])
    if isinstance(community, Mapping):
        return community.get(str(row["speaker"]), own)
    return community or own


def _framed(rows: list[dict[str, Any]]) -> Replies:
    """The rows as a frame, sorted by their keys; a column that no row fills is text."""
    made = columns([{c: v for c, v in row.items() if c != "uuid"} for row in rows], TYPES | _MADE)
    told = made.with_columns(refused=(text.refuses(pl.col("text")).fill_null(value=False)) | (pl.col("stop") == "content_filter").fill_null(value=False))  # fmt: skip
    return frames.replies(told.sort(*frames.KEYS))
