"""Every system, whatever it is: its recipe runs tiny to a written page, offline, and twice alike."""

from collections.abc import Callable
from typing import Any

import pytest

from sociolect.systems import Card, catalog


@pytest.mark.slow
@pytest.mark.parametrize("card", catalog().values(), ids=lambda c: c.slug)
def test_every_recipe_runs_tiny_and_twice_alike(card: Card, ran: Callable[..., Any]) -> None:
    first, second = ran(card.slug), ran(card.slug, again=1)
    assert first.page.sections
    assert first.bytes["report.html"].startswith(b"<!doctype html>")
    assert len(first.bytes) > 1
    assert first.bytes == second.bytes
