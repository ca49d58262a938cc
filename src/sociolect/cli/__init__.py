"""The command line: one file for what is run, one for data, one for workspaces, one for what there is."""

from sociolect.cli.app import app
from sociolect.cli.main import ended, main

__all__ = ["app", "ended", "main"]
