"""The form of a text, apart from what it says: arms that differ in form can look different for that alone."""

import re

import polars as pl

from sociolect import text
from sociolect.frames import Replies, Scores
from sociolect.measure.scoring import score

_MARKS = re.compile(r"[\"“”„«»#]|(?<!\w)['‘’]|['‘’](?!\w)")


def style(replies: Replies) -> Scores:
    """Six numbers on the form of each reply; null without text. The format audit of a study averages them per arm.

    `style:words` their count · `style:capitals` share of upper case among cased letters (null without any) · `style:lower`
    1.0 where no letter is upper case · `style:quotes` double quotation marks · `style:hashtags` · `style:links`.
    """
    said = pl.when(pl.col("text").str.strip_chars() != "").then(pl.col("text"))
    upper, lower = said.str.count_matches(r"\p{Lu}"), said.str.count_matches(r"\p{Ll}")
    found = replies.select(
        words=said.str.count_matches(text.WORD),
        capitals=pl.when(upper + lower > 0).then(upper / (upper + lower)),
        lower=upper == 0,
        quotes=said.str.count_matches(r"[\"“”„«»]"),
        hashtags=said.str.count_matches(r"(?:^|[^\p{L}\p{N}_&])#[\p{L}\p{N}_]+"),
        links=said.str.count_matches(r"(?i)https?://|\bwww\."),
    )
    return score(replies, {f"style:{c}": found[c].cast(pl.Float64) for c in found.columns})


def normalise(words: str) -> str:
    """The text in plain form: unwrapped, lower-cased, without quotation marks and hash signs, single-spaced.

    A fidelity value on normalised texts beside the raw one tells form from content.

    >>> normalise('Here is a post: "I\\'m on #Keto  NOW"')
    "i'm on keto now"
    """
    return " ".join(_MARKS.sub("", text.unwrap(words)).lower().split())
