"""Every word stands out from its ground by the WCAG's 4.5 to 1, every mark by 3 to 1, in light and in dark."""

import re
from pathlib import Path

import pytest

from sociolect.report import page
from sociolect.report.ink import COLOURS

CSS = (Path(page.__file__).parent / "page.css").read_text()
BLOCKS = [
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2]
]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    bright, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def over(top: str, ground: str, share: float) -> str:
    return "#" + "".join(
        f"{round(int(top[k : k + 2], 16) * share + int(ground[k : k + 2], 16) * (1 - share)):02x}" for k in (1, 3, 5)
    )


def test_black_on_white_is_21_to_1() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", BLOCKS, ids=["light", "dark"])
def test_words(theme: dict[str, str]) -> None:
    for words in ("ink", "soft", "link"):
        for ground in ("ground", "raised", "alarm-ground", "note-ground"):
            assert contrast(theme[words], theme[ground]) >= 4.5, (words, ground)
    for words, ground in (
        ("alarm", "ground"),
        ("alarm", "alarm-ground"),
        ("ground", "alarm"),
        ("ground", "note"),
        ("ground", "c1"),
    ):
        assert contrast(theme[words], theme[ground]) >= 4.5, (words, ground)
    assert contrast(theme["ink"], over(theme["heat"], theme["ground"], 0.6)) >= 4.5


@pytest.mark.parametrize("theme", BLOCKS, ids=["light", "dark"])
def test_marks(theme: dict[str, str]) -> None:
    for name in (*(f"c{k}" for k in range(1, 9)), "other"):
        assert contrast(theme[name], theme["ground"]) >= 3, name


def test_a_figure_alone_has_the_light_page_s_colours() -> None:
    assert [BLOCKS[0]["other"], *(BLOCKS[0][f"c{k}"] for k in range(1, 9))] == list(COLOURS)
