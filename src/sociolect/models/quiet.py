"""transformers without its progress bars: a command line has its own."""

from collections.abc import Iterator
from contextlib import contextmanager


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
