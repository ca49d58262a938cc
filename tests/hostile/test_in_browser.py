"""A real browser opens what holds the whole collection: nothing runs, nothing is fetched, nothing is complained of."""

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sociolect.explore.app import app
from sociolect.explore.atlas import Atlas
from sociolect.report.content import Page
from sociolect.report.form import write_form
from sociolect.report.page import write

CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
DRIVER = shutil.which("chromedriver")
QUIET = ("headless=new", "no-sandbox", "use-angle=swiftshader", "enable-unsafe-swiftshader", "no-first-run", "disable-sync",
         "disable-background-networking", "disable-component-update")  # fmt: skip
# every element that is not of this list would be of a text's making
OURS = """return [...new Set([...document.querySelectorAll('*')].filter((e) => e.namespaceURI !== 'http://www.w3.org/2000/svg')
  .map((e) => e.localName))].sort()"""
HANDLERS = """return [...document.querySelectorAll('*')].flatMap((e) => [...e.attributes].map((a) => a.name))
  .filter((n) => n.startsWith('on') || ['src', 'srcset', 'style', 'srcdoc', 'formaction'].includes(n))"""
BAD = {"script", "iframe", "object", "embed", "img", "video", "audio", "svg", "math", "template", "base", "marquee", "foreignobject",
       "animate", "set", "source", "image", "noscript", "frame", "applet", "textarea"}  # fmt: skip


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    if not (CHROMIUM and DRIVER):
        pytest.skip("no chromium or no chromedriver on this machine")
    webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium: pip install selenium")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in QUIET:
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield made
    finally:
        made.quit()


def inert(driver: Any, address: str, *, own: set[str]) -> None:
    """Nothing that a text asked for has happened since the address was opened."""
    told = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = {e["params"]["request"]["url"] for e in told if e["method"] == "Network.requestWillBeSent"}
    assert all(url.startswith((address, "data:")) for url in asked), asked
    opened = [
        e for e in told if e["method"] in {"Page.javascriptDialogOpening", "Page.windowOpen", "Page.downloadWillBegin"}
    ]
    assert opened == []
    assert [entry["message"] for entry in driver.get_log("browser")] == [], "no policy was broken, no script failed"
    assert set(driver.execute_script(OURS)) & BAD <= own
    assert set(driver.execute_script(HANDLERS)) <= ({"src", "style"} if address.startswith("http") else set())
    assert len(driver.window_handles) == 1


@pytest.mark.slow
def test_nothing_runs_is_fetched_or_complained_of(
    driver: Any, hostile_page: Page, names: list[str], texts: list[str], tmp_path: Path
) -> None:
    page = write(hostile_page, tmp_path / "report.html")
    driver.get(page.as_uri())
    inert(driver, page.as_uri(), own=set())
    shown = driver.execute_script("return [...document.querySelectorAll('#table-texts td')].map((e) => e.textContent)")
    assert len(shown) == 2 * len(texts)
    assert sum("{{7*7}}" in t for t in shown) == 1

    some = names[::8]
    sheet = pl.DataFrame({"unit": [f"u{i}" for i in range(len(some))], "text": some, "community": some})
    form = write_form(sheet, tmp_path / "form.html", title=names[0], questions={"q": names[1]}, guide=names[2])
    driver.get(form.as_uri())
    driver.find_element("id", "annotator").send_keys("ada\ue007")
    step = "document.querySelector('#work input[type=radio]').click(); document.getElementById('judgement').requestSubmit();"
    seen = driver.execute_script(
        f"const seen = []; for (let i = 0; i < {len(some) - 1}; i++) {{ "
        f"seen.push(document.querySelector('#texts blockquote').textContent); {step} }} return seen"
    )
    assert len(set(seen)) > 0.8 * len(some)
    inert(driver, form.as_uri(), own={"script", "noscript"})


@pytest.mark.slow
def test_the_explorer_shows_every_name_and_runs_none(driver: Any, explored: Atlas) -> None:
    uvicorn = pytest.importorskip("uvicorn", reason="no uvicorn: pip install 'sociolect[explore]'")
    with socket.socket() as ear:
        ear.bind(("127.0.0.1", 0))
        port = ear.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app(explored, token="token", port=port), log_level="critical", lifespan="off", ws="none"))  # fmt: skip
        thread = threading.Thread(target=server.run, kwargs={"sockets": [ear]}, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{port}/token/"
        try:
            driver.get(address)
            wait = "const end = arguments[0]; const go = () => performance.getEntriesByName('overview').length ? end(true) : setTimeout(go, 20); go()"
            driver.set_script_timeout(20)
            assert driver.execute_async_script(wait)
            for name in explored.communities["name"].to_list()[:12]:
                driver.execute_script("document.title = 'waits'; location.hash = arguments[0]", f"#{name}")
            inert(driver, address, own={"script", "noscript"})
        finally:
            server.should_exit = True
            thread.join(10)
            driver.get("about:blank")
