"""What feelings a text shows."""

from sociolect.frames import Replies, Scores
from sociolect.measure.pretrained import Reader
from sociolect.measure.scoring import said, score, spread

MEASURE = "emotion:"


def emotion(replies: Replies, reader: Reader) -> Scores:
    """The reader's confidence in each emotion for each reply: measures `emotion:<label>`; null without text.

    One row per reply and emotion. Sec. 5.2 of arXiv 2408.09366 reads eleven emotions; any reader's labels do here.
    """
    places, texts = said(replies)
    chance = reader.probabilities(texts)
    return score(
        replies,
        {f"{MEASURE}{v}": spread(places, chance[:, k], replies.height) for k, v in enumerate(reader.labels)},
    )
