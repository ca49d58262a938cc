"""Comparisons: scores come in, and effects with their doubt come out."""

from collections.abc import Callable

from sociolect.frames import Effects, Scores

Comparison = Callable[[Scores], Effects]
