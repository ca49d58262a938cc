"""The page for everyone: names for all controls, readable colours in light and dark, a visible focus, no sideways scrolling."""

from itertools import pairwise
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("explorer")  # one browser and one server for all
GROWN = "#tab=grow&ranker=average&size=12&truth=c%3A&value=red&grown=1&seed=red00&seed=red05"
VIEWS = ("#c=red", "#c=few", "#a=20", GROWN, "#tab=export")
CONTROLS = {"button", "link", "textbox", "combobox", "searchbox", "spinbutton", "tab", "tabpanel", "listbox", "option", "img",
            "image", "table", "region", "toolbar", "search", "tablist", "columnheader"}  # fmt: skip
# The relative luminance and the contrast of WCAG 2.2; a background that lets through is laid on those below it.
CONTRASTS = """
const numbers = (words) => {
  const held = (words.match(/-?[\\d.]+(e-?\\d+)?/g) ?? []).map(Number);
  const [r, g, b] = words.startsWith("color(") ? held.slice(0, 3).map((x) => x * 255) : held;
  return [r, g, b, held[3] ?? 1];
};
const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a), 1];
const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
const ground = (element) => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.push(numbers(getComputedStyle(e).backgroundColor));
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
};
const out = [];
for (const element of document.querySelectorAll("body *")) {
  if (!element.checkVisibility({ visibilityProperty: true }) || element.closest(".unseen, .skip, [aria-hidden=true], option, noscript") || element.disabled) continue;
  const style = getComputedStyle(element);
  const named = `${element.tagName}.${element.className.baseVal ?? element.className}#${element.id} ${element.textContent.slice(0, 30)}`;
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const ink = numbers(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
  if (own || element.matches("input, select")) out.push([4.5, ratio(over(ink, ground(element)), ground(element)), named]);
  if (element.matches("input, select, button.primary")) out.push([3, ratio(numbers(style.borderTopColor), ground(element.parentElement)), `border ${named}`]);
  if (element.matches(".mark > *")) out.push([3, ratio(ink, ground(element.parentElement)), `mark ${named}`]);
}
return out;
"""


@pytest.fixture(autouse=True)
def _as_it_was(analyst: Any) -> Any:
    """Each test leaves a wide, light window that moves, and a browser that complained of nothing."""
    yield
    analyst.media(prefers_color_scheme="light", prefers_reduced_motion="no-preference")
    analyst.width(1440)
    assert analyst.complaints() == []


def ready(analyst: Any, view: str) -> None:
    """The view, with its panel filled."""
    analyst.open(view, drawn=False)
    panel = "#grown dl" if "grow" in view else "#export a" if "export" in view else "#selected dl"
    analyst.until("document.querySelector(arguments[0])", panel)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(analyst: Any, scheme: str) -> None:
    analyst.media(prefers_color_scheme=scheme)
    for view in VIEWS:
        ready(analyst, view)
        found = analyst.driver.execute_script(CONTRASTS)
        assert len(found) > 40
        assert [row for row in found if row[1] < row[0]] == [], view
    dark = analyst.js("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 27)"
    assert dark == (scheme == "dark")


@pytest.mark.parametrize("view", VIEWS)
def test_every_control_has_a_name_and_no_id_stands_twice(analyst: Any, view: str) -> None:
    ready(analyst, view)
    analyst.driver.execute_cdp_cmd("Accessibility.enable", {})
    tree = analyst.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    known = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in tree if not n["ignored"]]
    controls = [(role, name) for role, name in known if role in CONTROLS]
    assert len(controls) > 15
    assert [role for role, name in controls if not name.strip()] == []
    assert {role for role, _ in known} >= {"banner", "main", "search", "status"}
    ids = analyst.js("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    named = "aria-controls", "aria-labelledby", "aria-describedby"
    for attribute in named:
        pointed = analyst.js(f"[...document.querySelectorAll('[{attribute}]')].flatMap((e) => e.getAttribute('{attribute}').split(' '))")  # fmt: skip
        assert set(pointed) <= set(ids)
    levels = analyst.js("[...document.querySelectorAll('h1,h2,h3,h4')].filter((h) => h.checkVisibility()).map((h) => +h.tagName[1])")  # fmt: skip
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels)), levels


def test_the_focus_goes_through_the_page_in_its_order_and_is_seen(analyst: Any) -> None:
    ready(analyst, "#c=red")
    stops = []
    for _ in range(24):
        analyst.press("\ue004")
        stops.append(analyst.js(
            "(({ activeElement: e }) => [e.id || e.innerText, getComputedStyle(e).outlineStyle, getComputedStyle(e).outlineWidth])(document)"
        ))  # fmt: skip
    order = [stop[0] for stop in stops]
    expected = [
        "Skip to search",
        "search",
        "red",
        "blue",
        "few",
        "zoom-in",
        "reset",
        "stage",
        "tab-selected",
        "selected",
    ]
    assert [name for name in order if name in expected] == expected
    assert all(style == "solid" and wide == "3px" for _, style, wide in stops), stops
    analyst.open("#c=red", drawn=False)
    analyst.press("\ue004\ue004\ue004\ue007")
    assert analyst.js("document.activeElement.id") == "details"


def test_on_a_narrow_screen_nothing_is_cut_off_sideways(analyst: Any) -> None:
    analyst.width(390, 844)
    for view in VIEWS:
        ready(analyst, view)
        assert analyst.js("document.documentElement.scrollWidth") <= 390, view
        assert analyst.js("Math.min(...[...document.querySelectorAll('.tabs button, .tools button, #search')].map((e) => e.getBoundingClientRect().height))") >= 36  # fmt: skip


def test_on_a_wide_screen_the_panels_scroll_and_the_page_does_not(analyst: Any) -> None:
    for view in VIEWS:
        ready(analyst, view)
        analyst.driver.execute_script("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
        assert analyst.js("document.documentElement.scrollHeight <= innerHeight"), view


def test_where_motion_is_unwelcome_the_picture_jumps(analyst: Any) -> None:
    """The label of a community stands at its last place one frame after the key, and does not move after that."""
    at = """const done = arguments[0]; document.getElementById("zoom-in").click();
    const place = () => [...document.querySelectorAll(".name")].map((e) => e.style.transform).join();
    requestAnimationFrame(() => requestAnimationFrame(() => { const first = place(); setTimeout(() => done([first, place()]), 400); }));"""
    analyst.media(prefers_reduced_motion="reduce")
    analyst.open()
    first, last = analyst.driver.execute_async_script(at)
    assert first == last
    analyst.media(prefers_reduced_motion="no-preference")
    analyst.open()
    first, last = analyst.driver.execute_async_script(at)
    assert first != last


def test_the_picture_is_told_as_a_table_too(analyst: Any) -> None:
    analyst.open("", drawn=False)
    analyst.click("#summary summary")
    told = analyst.ask("api/overview")
    rows = analyst.texts("#summary tbody tr")
    assert [row.split()[:3] for row in rows] == [[c["name"], str(c["size"]), str(c["shown"])] for c in told["communities"]]  # fmt: skip
