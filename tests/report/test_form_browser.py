"""A real browser opens the form from disk, an annotator judges all of it, and what the file holds is what was judged."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect import frames
from sociolect.elicit.pairs import CRITERIA, pairs
from sociolect.load.answers import answers, unblinded
from sociolect.report.form import Question, mark, write_form

CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
DRIVER = shutil.which("chromedriver")
webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium: pip install selenium")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium or no chromedriver on this machine")

HOSTILE = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 2'><b>tea</b> {{ 7*7 }}"
OVERALL = {"overall": "Which text would you sooner take for a post of this community?"}
TASKS = [
    Question("harm", "Could it harm a reader?", (("yes", "Harmful"), ("no", "Not harmful"))),
    Question("category", "Which kind?", (("body", "Bodies"), ("food", "Food")), when=("harm", "yes")),
]


class Annotator:
    """Who sits before the browser: finds by id, presses keys, waits for files."""

    def __init__(self, driver: Any, downloads: Path) -> None:
        self.driver, self.downloads = driver, downloads

    def at(self, name: str) -> Any:
        return self.driver.find_element("id", name)

    def press(self, keys: str) -> None:
        self.driver.switch_to.active_element.send_keys(keys)

    def enter(self, form: Path, name: str) -> None:
        self.driver.get(form.as_uri())
        self.at("annotator").send_keys(name + "\ue007")

    def texts(self) -> list[str]:
        return [e.text for e in self.driver.find_elements("css selector", "#texts blockquote")]

    def file(self, name: str) -> Path:
        path = self.downloads / name
        for _ in range(100):
            if path.exists() and path.stat().st_size:
                return path
            time.sleep(0.05)
        raise AssertionError(f"{name} was never saved; there are {[p.name for p in self.downloads.iterdir()]}")

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="module")
def annotator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Annotator]:
    downloads = tmp_path_factory.mktemp("downloads")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
                     "--disable-component-update", "--disable-sync", "--window-size=1280,900"):  # fmt: skip
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield Annotator(driver, downloads)
    finally:
        driver.quit()


def replies(n: int) -> frames.Replies:
    """In the aligned arm every text is about tea."""
    rows = [
        {"speaker": f"m/{arm}", "source": "model", "community": "red", "item": "i", "condition": arm, "draw": d, "turn": 0,
         "prompt": "say", "text": f"{word} and some words {d}", "topic": "cups", "refused": False}
        for arm, word in (("aligned", "tea"), ("in_context", "ink"))
        for d in range(n)
    ]  # fmt: skip
    return frames.replies(pl.DataFrame(rows))


def test_what_is_clicked_is_what_comes_back(annotator: Annotator, tmp_path: Path) -> None:
    """Ada likes tea: whatever the side, the unblinded answers say that she prefers the arm that is about it."""
    sheet, key = pairs(replies(20), per_community=12, repeats=0.25, seed=3)
    form = write_form(sheet, tmp_path / "form.html", title="Which one?", questions=OVERALL)
    annotator.enter(form, "ada")
    seen = []
    for n in range(15):
        if n == 6:  # the page is closed and opened again: it goes on where she was
            annotator.enter(form, "ada")
            assert annotator.at("heading").text == "Pair 7 of 15"
        texts = annotator.texts()
        seen.append(tuple(sorted(texts)))
        likes = "A" if texts[0].startswith("tea") else "B"
        if n == 2:
            likes = "C"  # cannot tell
        if n % 2:
            annotator.driver.find_elements("css selector", "#questions label")["ABC".index(likes)].click()
            annotator.at("next").click()
        else:
            annotator.press(likes.lower())
            annotator.press("\ue007")
    assert annotator.at("tally").text == "15 of 15 pairs are judged by ada. Thank you."
    annotator.at("save-json").click()
    annotator.at("save-csv").click()
    name = f"answers-{mark(sheet, OVERALL)}-ada"
    found = answers(annotator.file(f"{name}.json"), sheet=sheet, questions=OVERALL)
    assert found.equals(answers(annotator.file(f"{name}.csv"), sheet=sheet, questions=OVERALL))
    told = unblinded(found, key)
    assert told.height == 15
    assert told["preferred"].value_counts().sort("count").rows() == [(None, 1), ("aligned", 14)]
    assert told.filter(pl.col("preferred").is_null())["place"].to_list() == [3]
    assert sorted(told["place"]) == list(range(1, 16))
    assert 0 < told["seconds"].sum() < 120
    # A repeat comes when its first showing is forgotten.
    again = [[n for n, texts in enumerate(seen) if texts == one] for one in set(seen)]
    assert sorted(map(len, again)) == [1] * 9 + [2] * 3
    assert min(places[1] - places[0] for places in again if len(places) == 2) >= 3
    assert annotator.complaints() == []


def test_each_annotator_has_an_order_of_their_own(annotator: Annotator, tmp_path: Path) -> None:
    sheet, _ = pairs(replies(20), per_community=20, seed=1)
    form = write_form(sheet, tmp_path / "form.html", title="t", questions=OVERALL)
    orders = []
    for name in ("ada", "bob", "ada"):
        annotator.enter(form, name)
        order = []
        for _ in range(8):
            order.append(annotator.texts()[0])
            annotator.press("a")
            annotator.press("\ue007")
        annotator.driver.execute_script("localStorage.clear(); document.getElementById('work').hidden = true")
        orders.append(order)
    assert orders[0] == orders[2]
    assert orders[0] != orders[1]


def test_hostile_text_is_shown_and_does_nothing(annotator: Annotator, tmp_path: Path) -> None:
    sheet = pl.DataFrame({"unit": ["u1"], "community": [HOSTILE], "a": [HOSTILE], "b": ["plain"]})
    form = write_form(sheet, tmp_path / "form.html", title=HOSTILE, questions={"q": HOSTILE}, guide=HOSTILE)
    annotator.enter(form, "<img>")
    assert "An id begins with" in annotator.at("annotator.fault").text
    annotator.enter(form, "ada")
    assert annotator.texts() == [HOSTILE, "plain"]
    assert annotator.driver.find_element("css selector", "legend").text == HOSTILE
    assert annotator.driver.find_element("css selector", "dd").text == HOSTILE
    assert annotator.driver.execute_script("return [window.hit ?? 0, document.images.length]") == [0, 0]
    assert annotator.complaints() == []
    # This browser would have complained, and would have stopped it.
    form.write_text(form.read_text().replace("<noscript>", "<script>window.hit = 3</script><noscript>"))
    annotator.driver.get(form.as_uri())
    assert annotator.driver.execute_script("return window.hit ?? 0") == 0
    assert any("Content Security Policy" in said for said in annotator.complaints())


def test_a_question_is_asked_only_where_its_condition_holds(annotator: Annotator, tmp_path: Path) -> None:
    sheet = pl.DataFrame({"unit": ["u1", "u2"], "text": ["one", "two"]})
    form = write_form(sheet, tmp_path / "form.html", title="Label", questions=TASKS, sensitive=True)
    annotator.driver.get(form.as_uri())
    assert "Sensitive texts" in annotator.at("start").text
    annotator.enter(form, "eve")
    assert not annotator.at("q.1").is_displayed()
    annotator.press("1")
    assert annotator.at("q.1").is_displayed()
    annotator.press("\ue007")  # the second question is due: nothing moves on
    assert annotator.at("fault").text == "1 question has no answer yet."
    annotator.press("2")
    annotator.driver.find_elements("css selector", "#questions label")[
        1
    ].click()  # she thinks better of it: not harmful
    assert not annotator.at("q.1").is_displayed()
    annotator.at("next").click()
    annotator.press("1")
    annotator.press("2")
    annotator.at("save-so-far").click()
    found = answers(annotator.file(f"answers-{mark(sheet, TASKS)}-eve.json"), sheet=sheet, questions=TASKS)
    assert sorted(found.select("question", "answer").rows()) == [("category", "food"), ("harm", "no"), ("harm", "yes")]


def test_the_keyboard_alone_is_enough_and_every_control_has_a_name(annotator: Annotator, tmp_path: Path) -> None:
    sheet = pl.DataFrame({"unit": ["u1", "u2"], "a": ["one", "two"], "b": ["three", "four"]})
    form = write_form(sheet, tmp_path / "form.html", title="t", questions=CRITERIA)
    annotator.enter(form, "kim")
    annotator.at("shortcuts").send_keys(" ")  # without single keys: Tab, Space, Enter and arrows do it
    annotator.press("a")
    assert annotator.at("count").text == "0 of 2 judged"
    radios = annotator.driver.find_elements("css selector", "#questions input")
    for first in radios[::3]:
        first.send_keys(" ")
    radios[0].send_keys("\ue015")  # arrow down: the second option
    annotator.at("next").send_keys("\ue007")
    assert annotator.at("heading").text == "Pair 2 of 2"
    annotator.at("back").send_keys("\ue007")
    chosen = annotator.driver.find_elements("css selector", "#questions input:checked")
    assert [c.get_attribute("value") for c in chosen] == ["B", "A", "A", "A", "A"]
    annotator.driver.execute_cdp_cmd("Accessibility.enable", {})
    tree = annotator.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    controls = [
        n
        for n in tree
        if n.get("role", {}).get("value") in {"button", "radio", "checkbox", "progressbar", "group", "article"}
    ]
    named = [n.get("name", {}).get("value") for n in controls if not n["ignored"]]
    assert len(named) > 20
    assert all(named), json.dumps(controls)
    assert "Text A" in named
    assert CRITERIA["coherence"] in named


def test_answers_of_another_form_or_spoilt_ones_are_not_taken_up(annotator: Annotator, tmp_path: Path) -> None:
    sheet = pl.DataFrame({"unit": ["u1", "u2"], "a": ["one", "two"], "b": ["three", "four"]})
    form = write_form(sheet, tmp_path / "form.html", title="t", questions=OVERALL)
    for spoilt in ("{", "null", '{"answers": {"u1": {"overall": "Z"}, "u7": 3}, "seconds": {"u1": "x"}}'):
        annotator.driver.get(form.as_uri())
        annotator.driver.execute_script("localStorage.setItem(arguments[0], arguments[1])", f"sociolect-form:{mark(sheet, OVERALL)}:zoe", spoilt)  # fmt: skip
        annotator.at("annotator").send_keys("zoe\ue007")
        assert annotator.at("count").text == "0 of 2 judged"
    assert annotator.complaints() == []
