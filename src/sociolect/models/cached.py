"""Any model behind a journal of its own: what was once asked and paid for is not asked again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sociolect.models.answer import Answer
from sociolect.models.journal import opened, session
from sociolect.models.journaled import heard, weighed
from sociolect.models.model import Chat, Model


@dataclass(frozen=True, slots=True)
class Cached:
    """A model behind a journal."""

    model: Model
    path: Path
    version: str = ""

    @property
    def name(self) -> str:
        return self.model.name

    def generate(
        self, chats: Sequence[Chat], *, tokens: int = 256, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> list[str]:
        """The journal's replies where it has them, the model's elsewhere; a repeated chat is another draw, never the same row."""

        setting: dict[str, Any] = {"tokens": tokens, "temperature": temperature, "top_p": top_p, "seed": seed}

        def ask(due: Sequence[int]) -> Iterator[list[tuple[int, Answer]]]:
            if session() is None and (answers := getattr(self.model, "answers", None)):
                # As they come, and none that is not due: each may cost money.
                for pair in answers(chats, due=due, **setting):
                    yield [pair]
                return
            # A draw depends on how often its chat came before: with one missing, the model is given all of that chat's.
            missing = {chats[i] for i in due}
            rows = [i for i, chat in enumerate(chats) if chat in missing]
            said = self.model.generate([chats[i] for i in rows], **setting)
            yield [(i, Answer(text)) for i, text in zip(rows, said, strict=False)]

        sampling = {"tokens": tokens, "temperature": float(temperature), "top_p": float(top_p), "seed": seed}
        with opened(self.path) as book:
            return heard(self, chats, ask, sampling, journal=book)

    def logprobs(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[list[float]]:
        """The journal's numbers where it has them, the model's elsewhere; weighing is no draw."""
        with opened(self.path) as book:
            return weighed(self, chats, options, self.model.logprobs, journal=book)


def cached(model: Model, path: Path | str, *, version: str = "") -> Cached:
    """The same model, with a journal of its calls in a SQLite file that several processes may share.

    A call is known by the model's name and `version` (give a checkpoint's hash where a name can mean two sets of weights),
    the chat, every decoding setting, the seed, and how often the chat came before in the call. Refusals and empty replies
    are what the model said, and are kept; errors are not. Raises WorkspaceError for a journal that is torn or locked.
    """
    return Cached(model, Path(path), version)
