"""An analyst before a real browser, and a real server before a small workspace: what the browser tests share."""

import json
import shutil
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sociolect.explore.app import app
from sociolect.explore.atlas import atlas

CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
DRIVER = shutil.which("chromedriver")
# WebGL without a graphics card; no window, nothing from the network
QUIET = ("headless=new", "no-sandbox", "use-angle=swiftshader", "enable-unsafe-swiftshader", "no-first-run", "disable-sync",
         "disable-background-networking", "disable-component-update", "window-size=1440,900")  # fmt: skip
TAB = "\ue004"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of the workspace's explorer, served from a thread as long as the block lasts."""
    import uvicorn

    with socket.socket() as ear:
        ear.bind(("127.0.0.1", 0))
        port = ear.getsockname()[1]
        config = uvicorn.Config(app(atlas(folder), token="token", port=port), log_level="critical", lifespan="off", ws="none")  # fmt: skip
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [ear]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{port}/token/"
        server.should_exit = True
        thread.join(10)


class Analyst:
    """Looks by CSS selector, presses keys, waits for what the page says, and collects what the browser complains of."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver, self.address = driver, address

    def open(self, hash_: str = "", *, drawn: bool = True) -> None:
        self.driver.get("about:blank")
        self.driver.get(self.address + hash_)
        self.until(f"performance.getEntriesByName('{'picture' if drawn else 'overview'}').length")

    def ask(self, path: str, question: dict[str, Any] | None = None) -> Any:
        body = None if question is None else json.dumps(question).encode()
        request = urllib.request.Request(self.address + path, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def js(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(f"return {script}", *values)

    def until(self, script: str, *values: Any) -> Any:
        end = time.monotonic() + 20
        while not (found := self.js(script, *values)):
            if time.monotonic() > end:
                raise AssertionError(
                    f"never true: {script}; the page says {self.js('document.body.innerText')[:600]!r}"
                )
            time.sleep(0.01)
        return found

    def text(self, selector: str) -> str:
        return str(self.js("document.querySelector(arguments[0])?.innerText ?? ''", selector)).strip()

    def texts(self, selector: str) -> list[str]:
        return list(self.js("[...document.querySelectorAll(arguments[0])].map((e) => e.innerText.trim())", selector))

    def sees(self, selector: str, words: str) -> None:
        self.until("(document.querySelector(arguments[0])?.innerText ?? '').includes(arguments[1])", selector, words)

    def press(self, keys: str) -> None:
        self.driver.switch_to.active_element.send_keys(keys)

    def click(self, selector: str) -> None:
        self.driver.find_element("css selector", selector).click()

    def tab_to(self, selector: str) -> None:
        """Presses Tab until the focus stands there."""
        for _ in range(80):
            if self.js("document.activeElement.matches(arguments[0])", selector):
                return
            self.press(TAB)
        raise AssertionError(f"Tab never reaches {selector}")

    def media(self, **features: str) -> None:
        told = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": told})

    def width(self, pixels: int, high: int = 900) -> None:
        size = {"width": pixels, "height": high, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="session")
def analyst(explored: Path) -> Iterator[Analyst]:
    """One browser and one server for all tests of a worker; skips where there is no Chromium."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("no chromium or no chromedriver on this machine")
    webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium: pip install selenium")
    pytest.importorskip("uvicorn", reason="no uvicorn: pip install 'sociolect[explore]'")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in QUIET:
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with serving(explored) as address:
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        try:
            yield Analyst(driver, address)
        finally:
            driver.quit()
