"""How toxic a text is, as one number."""

from sociolect.errors import RefusedError, unknown
from sociolect.frames import Replies, Scores
from sociolect.measure.pretrained import Reader
from sociolect.measure.scoring import said, score, spread


def toxicity(replies: Replies, reader: Reader, *, positive: str = "offensive") -> Scores:
    """The reader's probability of the label `positive` for each reply: measure `toxicity`, in [0, 1]; null without text.

    A reader trained with `balance=False` says how likely a text is at the training set's rate; a balanced one at even odds.
    Raises UsageError where the reader has no such label, RefusedError where it has no other to tell it from.
    """
    if positive not in reader.labels:
        raise unknown("label", positive, reader.labels)
    if not reader.multi and len(reader.labels) < 2:
        raise RefusedError(f"toxicity needs a label beside {positive}")
    places, texts = said(replies)
    chance = reader.probabilities(texts)[:, reader.labels.index(positive)]
    return score(replies, {"toxicity": spread(places, chance, replies.height)})
