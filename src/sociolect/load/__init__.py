"""Loaders: files come in, and a society comes out."""

from collections.abc import Callable

from sociolect.frames import Society

Loader = Callable[..., Society]
