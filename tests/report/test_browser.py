"""A real browser opens the page from disk: it complains of nothing, fetches nothing, and shows the numbers."""

import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from sociolect.report import plots
from sociolect.report.content import Headline, Page, Section
from sociolect.report.page import write

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--enable-logging=stderr",
    "--v=0",
]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_the_page_opens_from_disk(tmp_path: Path) -> None:
    effects = pl.DataFrame(
        {"measure": ["f1"], "contrast": ["a - b"], "estimate": [0.371], "low": [0.2], "high": [0.5], "n": [30]}
    )
    figure = plots.forest(effects, floor=0.1, ceiling=0.6)
    page = Page(
        "A page", [Section("Effects", "<img src=x onerror=alert(1)>", table=effects, name="effects", figure=figure)],
        [Headline("Gain", "0.371", "0.200 to 0.500", "effects")],
    )  # fmt: skip
    path = write(page, tmp_path / "report.html")
    assert CHROMIUM is not None
    ran = subprocess.run(
        [CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    said = [line for line in ran.stderr.splitlines() if re.search(r"CONSOLE|Content.Security.Policy|Refused to", line)]
    assert said == []
    assert '<span class="value">0.371</span>' in ran.stdout
    assert '<td class="number">0.371</td>' in ran.stdout
    assert "<circle" in ran.stdout


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_this_browser_would_have_complained(tmp_path: Path) -> None:
    path = write(Page("A page", [Section("s")]), tmp_path / "report.html")
    path.write_text(path.read_text().replace("<h1>", '<h1 style="color:red"><script>alert(1)</script>'))
    assert CHROMIUM is not None
    ran = subprocess.run(
        [CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert re.search(r"CONSOLE.*Content Security Policy", ran.stderr), ran.stderr[-2000:]
