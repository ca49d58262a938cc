"""transformers in silence: no progress bars, no word on lengths."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def no_bars() -> Iterator[None]:
    """Reading and writing weights in silence; bars that were on are on again afterwards."""
    from transformers.utils import logging

    on = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if on:
            logging.enable_progress_bar()


def lengths_held_here(tokenizer: Any) -> Any:
    """The tokenizer, silent about long texts: lengths are held against the model's context here, with an error or a count."""
    tokenizer.deprecation_warnings["sequence-length-is-longer-than-the-specified-maximum"] = True
    return tokenizer
