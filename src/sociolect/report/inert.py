"""A figure that can do nothing: the SVG of `report.plots` comes in, and only shapes and words come out."""

import re
from html import escape
from xml.etree import ElementTree as ET

from sociolect.errors import InputError

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = frozenset(["svg", "g", "title", "desc", "rect", "circle", "line", "path", "text", "tspan"])
ATTRIBUTES = frozenset({
    "viewBox", "width", "height", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "d", "dx", "dy", "transform",
    "class", "role", "aria-hidden", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
    "stroke-linejoin", "stroke-linecap", "opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor",
    "dominant-baseline",
})  # fmt: skip
# A value can reach outside the page by a URL only; a backslash could hide one.
_REACH = re.compile(r"[\\]|url\s*\(|:\s*//|(?:java|vb)script|data:|@import|expression\s*\(", re.IGNORECASE)


def inert(svg: str, anchor: str) -> str:
    """The SVG as it stands in a page, named for screen readers by its own title and description under `anchor`.

    Raises InputError where it is no SVG, has no title, or holds anything but shapes and words.

    >>> inert('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><title>A</title><desc>B</desc></svg>', "f")[:74]
    '<svg viewBox="0 0 1 1" role="img" aria-labelledby="f.title f.desc"><title '
    """
    if re.search(r"<!(?:DOCTYPE|ENTITY)|<\?", svg, re.IGNORECASE):
        raise InputError("a figure must be bare SVG: it holds a DOCTYPE, an entity or a processing instruction")
    try:
        root = ET.fromstring(svg)  # noqa: S314 - entities were refused above, so nothing can expand
    except (ET.ParseError, UnicodeEncodeError) as error:
        raise InputError(f"a figure is not well-formed SVG ({error}): draw it with sociolect.report.plots") from error
    faults = [] if root.tag == f"{SVG}svg" else [f"its root is <{root.tag}>, not <svg>"]
    named = [child.tag for child in root]
    faults += [f"it has no <{name}> of its own" for name in ("title", "desc") if named.count(f"{SVG}{name}") != 1]
    for element in root.iter():
        tag = str(element.tag).removeprefix(SVG)
        if tag not in ELEMENTS:
            faults.append(f"<{tag}> may not stand in it")
        faults += [f"attribute {name!r} may not stand on <{tag}>" for name in element.attrib if name not in ATTRIBUTES]
        faults += [
            f"{name}={value[:40]!r} reaches outside" for name, value in element.attrib.items() if _REACH.search(value)
        ]
    if faults:
        raise InputError("this figure cannot be shown: " + "; ".join(dict.fromkeys(faults)))
    root.attrib.pop("role", None)
    return _said(root, anchor, top=True)


def _said(element: ET.Element, anchor: str, *, top: bool = False) -> str:
    """The element as HTML takes it: no namespace, no prefix, every text escaped."""
    tag = element.tag.removeprefix(SVG)
    attributes = dict(element.attrib)
    if top:
        attributes |= {"role": "img", "aria-labelledby": f"{anchor}.title {anchor}.desc"}
    head = tag + "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    inside = escape(element.text or "", quote=False)
    for child in element:
        name = child.tag.removeprefix(SVG)
        if top and name in {"title", "desc"}:
            inside += f'<{name} id="{anchor}.{name}">{escape(child.text or "", quote=False)}</{name}>'
        else:
            inside += _said(child, anchor)
        inside += escape(child.tail or "", quote=False)
    return f"<{head}>{inside}</{tag}>"
