"""Figures as SVG text: the same frame gives the same bytes, and every figure says in words what it shows."""

from sociolect.report.balance import balance
from sociolect.report.bars import bars
from sociolect.report.confusion import confusion
from sociolect.report.flow import flow
from sociolect.report.forest import forest
from sociolect.report.lines import lines
from sociolect.report.network import network
from sociolect.report.profiles import profiles

__all__ = ["balance", "bars", "confusion", "flow", "forest", "lines", "network", "profiles"]
