"""Align language models with communities, and measure people and models with the same instruments."""

__version__ = "0.1.0"
