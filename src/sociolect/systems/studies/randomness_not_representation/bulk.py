"""All questions in one prompt, one line of answer for each: the third context of arm B."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from sociolect import frames, text
from sociolect.elicit.parse import parse
from sociolect.frames import Items, Replies
from sociolect.models.model import Chat, Message, Model, user
from sociolect.seeds import derive

_LINE = re.compile(r"^\W*(?:question\s+)?(\d{1,4})\s*[:.)]\s*(.+)$", re.IGNORECASE)
_PART = re.compile(r"^Question (\d+)\n", re.MULTILINE)
ASK = "Answer every question on a line of its own, as: 1: your answer."


def together(
    models: Mapping[str, Model], items: Items, *, condition: str, system: str, temperature: float = 0.0, seed: int = 0
) -> Replies:
    """One reply per model, cut into a row per item: `choice` null and outcome unparsed where no line, or two, answer it.

    `items` is one of the frames that `variants` makes.
    """
    rows = items.sort("item")
    asked = "\n\n".join(f"Question {n}\n{prompt}" for n, prompt in enumerate(rows["prompt"], 1)) + f"\n\n{ASK}"
    chat: Chat = (Message("system", system), Message("user", asked))
    parts = []
    for community, model in sorted(models.items()):
        (raw,) = model.generate(
            [chat], tokens=16 * rows.height, temperature=temperature, seed=derive(seed, "bulk", community)
        )
        told = text.clean(raw).strip()
        refused = pl.DataFrame({"t": [told]}).select(text.refuses(pl.col("t"))).item()
        lines: dict[int, list[str]] = {}
        for line in told.splitlines():
            if found := _LINE.match(line.strip()):
                lines.setdefault(int(found[1]), []).append(found[2].strip())
        choices = [_choice(lines.get(n, []), row) for n, row in enumerate(rows.iter_rows(named=True), 1)]
        outcome = [
            "answered" if c is not None else "blank" if not told else "refused" if refused else "unparsed"
            for c in choices
        ]
        parts.append(rows.drop("group_prompt", "wording", "instruction", "stem", "framed", strict=False).with_columns(
            raw=pl.lit(raw), text=pl.Series([" ".join(lines.get(n, [])) or None for n in range(1, rows.height + 1)], dtype=pl.String),
            choice=pl.Series(choices, dtype=pl.String), outcome=pl.Series(outcome), refused=pl.lit(bool(refused)), speaker=pl.lit(model.name),
            source=pl.lit("model"), community=pl.lit(community), condition=pl.lit(condition), mode=pl.lit("bulk"),
            draw=pl.lit(0, pl.Int64), turn=pl.lit(0, pl.Int64),
        ))  # fmt: skip
    return frames.replies(pl.concat(parts))


def _choice(said: Sequence[str], row: Mapping[str, Any]) -> str | None:
    if len(said) != 1:
        return None
    words = dict(zip(row["options"], row["wording"], strict=True))
    return parse(
        said[0], labels=row["labels"], wording=[words[o] for o in row["shown"]], ids=row["shown"], prompt=row["stem"]
    )


@dataclass(frozen=True, slots=True)
class Lister:
    """A model that answers many questions in one prompt as it answers each alone."""

    name: str
    one: Model

    def generate(self, chats: Sequence[Chat], **how: Any) -> list[str]:
        """Each chat's answer, or a numbered line for each of its questions."""
        out = []
        plain = [chat for chat in chats if not _PART.search(chat[-1].text)]
        alone = iter(self.one.generate(plain, **how))
        for chat in chats:
            parts = _PART.split(chat[-1].text)[1:]
            if not parts:
                out.append(next(alone))
                continue
            said = self.one.generate([user(part) for part in parts[1::2]], **how)
            out.append("\n".join(f"{n}: {answer}" for n, answer in zip(parts[::2], said, strict=True)))
        return out

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """Of questions asked alone."""
        return self.one.logprobs(chats, options)
