"""Finders: a society comes in, and who belongs where comes out."""

from collections.abc import Callable

from sociolect.frames import Members, Society, Ties

Finder = Callable[[Society], Members]
Linker = Callable[[Society], Ties]
