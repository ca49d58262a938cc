"""A figure that is more than shapes does not get onto a page."""

import pytest

from sociolect.errors import InputError
from sociolect.report.inert import inert

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9"><title>t</title><desc>d</desc>'


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<foreignObject><div/></foreignObject>",
        '<a href="https://example.org"><text>x</text></a>',
        '<image href="https://example.org/a.png"/>',
        '<use xlink:href="#a"/>',
        '<rect onload="alert(1)"/>',
        '<rect fill="url(https://example.org/#a)"/>',
        '<rect fill="URL (#a)"/>',
        '<rect style="fill:red"/>',
        '<rect id="content"/>',
        '<rect fill="u\\72l(a)"/>',
        "<style>*{display:none}</style>",
        '<animate attributeName="x"/>',
        '<g xmlns="http://www.w3.org/1999/xhtml"/>',
        "<rect",
    ],
)
def test_refused(inside: str) -> None:
    with pytest.raises(InputError):
        inert(f"{HEAD}{inside}</svg>", "f")


@pytest.mark.parametrize(
    "svg",
    [
        '<!DOCTYPE svg [<!ENTITY a "aa">]>' + HEAD + "<text>&a;</text></svg>",
        '<?xml-stylesheet href="https://example.org/a.css"?>' + HEAD + "</svg>",
        '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
        "<p>no svg</p>",
        HEAD + "<text>\ud800</text></svg>",
    ],
)
def test_what_is_no_bare_svg_is_refused(svg: str) -> None:
    with pytest.raises(InputError):
        inert(svg, "f")


def test_every_fault_at_once() -> None:
    with pytest.raises(InputError, match=r"<script>.*'onclick'.*<image>"):
        inert(HEAD + '<script/><rect onclick="a"/><image/></svg>', "f")


def test_text_stays_text() -> None:
    said = inert(HEAD + "<text>&lt;/svg&gt;&lt;script&gt;</text><!-- gone --></svg>", "f")
    assert "<text>&lt;/svg&gt;&lt;script&gt;</text></svg>" in said
    assert "gone" not in said
    assert "http" not in said
