"""What the page is made of: the vendored bundle is the recorded one, and no file asks for what the policy refuses."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

import sociolect.explore

HERE = Path(sociolect.explore.__file__).parent
SCRIPTS = sorted(HERE.glob("*.js"))
OURS = [path for path in SCRIPTS if path.name != "vendor.js"]


def test_the_bundle_is_the_one_that_was_recorded() -> None:
    recorded = re.findall(r"sha256 of `vendor.js`: `([0-9a-f]{64})`", (HERE / "vendor.md").read_text())
    assert recorded == [sha256((HERE / "vendor.js").read_bytes()).hexdigest()]
    assert "Permission is hereby granted, free of charge" in (HERE / "vendor_licenses.txt").read_text()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_code_out_of_text(path: Path) -> None:
    words = path.read_text()
    assert not re.search(r"\beval\(|\bnew Function\b|\bFunction\(|createObjectURL|\bimportScripts\b", words)


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_no_script_of_ours_makes_markup_or_asks_elsewhere(path: Path) -> None:
    words = path.read_text()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setAttribute\(.style", words
    )
    # the one address is the name of SVG's elements
    assert set(re.findall(r"https?://[^\s\"'`]+", words)) <= {"http://www.w3.org/2000/svg"}
    assert len(words.splitlines()) <= 300


def test_page_and_style_hold_nothing_inline_and_nothing_from_elsewhere() -> None:
    page, style = (HERE / "page.html").read_text(), (HERE / "explore.css").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"https?://|//\w", page)
    assert not re.search(r"@import|url\(|https?://", style)
    named = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert named
    assert all((HERE / name).is_file() for name in named)
    imported = {name for path in OURS for name in re.findall(r'from "\./([\w.]+)"|import\("\./([\w.]+)"\)', path.read_text()) for name in name if name}  # fmt: skip
    assert imported == {path.name for path in SCRIPTS} - {"explore.js"}
