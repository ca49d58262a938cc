"""The explorer in a real browser on 27,037 people and 1,087,129 ties: first useful paint, and how fast it answers a hand.

`python benchmarks/explorer.py [--json] [--times 40] [--planted]`: the four graphs of facebook100 as one where ../shared has
them, else a planted graph of the same size. The workspace is prepared first (its time is printed). Chromium runs headless,
1440 by 900, and draws WebGL without a graphics card. Paint is from the start of navigation until the numbers and the list
of communities are painted, and until all points and ties are. An interaction is from the event's own time stamp, for real
input, until the frame that shows its answer is painted. Due: paint under 1 s, p95 of each interaction under 100 ms.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sociolect import frames
from sociolect.find.leiden import leiden
from sociolect.frames import Members, Society
from sociolect.seeds import substream

REAL = Path(__file__).parents[2] / "shared" / "data" / "facebook100_subset"
PEOPLE, TIES = 27_037, 1_087_129
SERVER = "import sys; from sociolect.cli import main; sys.argv = ['sociolect', 'explore', sys.argv[1], '--json', '--no-browser']; main()"
NAMES = """return fetch("api/account/100").then((r) => r.json()).then((a) => [a.name, ...a.neighbours.slice(0, 4).map((n) => n.name)])"""
# From the event's time stamp to the paint after its answer; the answer is a mark of the page, or the next frame.
TIMER = """
window.took = null;
const [kind, mark] = arguments;
addEventListener(kind, (event) => {
  const painted = () => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => { window.took = performance.now() - event.timeStamp; };
    channel.port2.postMessage(0);
  });
  if (!mark) { painted(); return; }
  performance.clearMarks(mark);
  const seen = new PerformanceObserver((list) => { if (list.getEntriesByName(mark).length) { seen.disconnect(); painted(); } });
  seen.observe({ type: "mark" });
}, { capture: true, once: true, passive: true });
"""


def society(planted: bool) -> tuple[Society, Members]:
    """The real graphs with communities by Leiden, or the planted one with its own."""
    if not planted:
        from scipy.io import loadmat

        people, ties = [], []
        for path in sorted(REAL.glob("*.mat")):
            near = loadmat(path)["A"].tocoo()
            names = np.array([f"{path.stem}-{i:05}" for i in range(near.shape[0])])
            once = near.row < near.col
            people.append(pl.DataFrame({"person": names, "network": [path.stem] * names.size}))
            ties.append(pl.DataFrame({"source": names[near.row[once]], "target": names[near.col[once]]}))
        whole = _society(pl.concat(people), pl.concat(ties))
        return whole, leiden(whole, seed=1)
    rng = substream(1, "benchmark", "explorer")
    share = rng.dirichlet(np.full(40, 0.8))
    label = np.sort(rng.choice(40, PEOPLE, p=share))
    start, end = np.searchsorted(label, label, "left"), np.searchsorted(label, label, "right")
    a = (PEOPLE * rng.random(3 * TIES) ** 1.5).astype(np.int64)
    a = rng.permutation(PEOPLE)[a]  # few have many ties
    inside = rng.random(a.size) < 0.8
    b = np.where(
        inside, start[a] + (rng.random(a.size) * (end - start)[a]).astype(np.int64), rng.integers(0, PEOPLE, a.size)
    )
    key = np.unique(np.minimum(a, b) * PEOPLE + np.maximum(a, b))
    key = np.sort(rng.choice(key[key // PEOPLE != key % PEOPLE], TIES, replace=False))
    names = np.array([f"p{i:05}" for i in range(PEOPLE)])
    everybody = pl.DataFrame({"person": names, "planted": pl.Series(label).cast(pl.String)})
    whole = _society(everybody, pl.DataFrame({"source": names[key // PEOPLE], "target": names[key % PEOPLE]}))
    return whole, frames.members(everybody.select("person", community=pl.format("c{}", "planted")))


def _society(people: pl.DataFrame, ties: pl.DataFrame) -> Society:
    none = pl.DataFrame(schema=dict.fromkeys(("post", "person", "text", "thread", "parent"), pl.String))
    tied = ties.with_columns(kind=pl.lit("friend"), weight=pl.lit(1.0))
    return Society(frames.people(people), frames.posts(none), frames.ties(tied))


def workspace(folder: Path, planted: bool) -> None:
    """The folder that the explorer opens."""
    whole, members = society(planted)
    load, found = folder / "steps" / "load", folder / "steps" / "communities"
    for place in (load, found):
        place.mkdir(parents=True)
    for part in ("people", "posts", "ties"):
        getattr(whole, part).write_parquet(load / f"{part}.parquet")
    members.write_parquet(found / "frame.parquet")
    (folder / "run.json").write_text(json.dumps({"system": "benchmark", "schema": 1, "finished": True, "keywords": {}}))


def browser() -> Any:
    """Chromium without a window, without a graphics card, without the network."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = next(
        p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))
    )
    for said in ("headless=new", "no-sandbox", "use-angle=swiftshader", "enable-unsafe-swiftshader", "no-first-run", "disable-sync",
                 "disable-background-networking", "disable-component-update", "window-size=1440,900"):  # fmt: skip
        options.add_argument(f"--{said}")
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


class Hand:
    """Who moves the mouse and the keys, and reads the time that each answer took."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def until(self, asked: str, seconds: float = 30) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if (value := self.driver.execute_script(f"return {asked}")) is not None:
                return value
            time.sleep(0.01)
        raise TimeoutError(f"{asked}; the browser says {self.driver.get_log('browser')}")

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})

    def click(self, x: float, y: float) -> None:
        self.mouse("mousePressed", x, y, button="left", clickCount=1)
        self.mouse("mouseReleased", x, y, button="left", clickCount=1)

    def middle(self, selector: str, nth: int = 0) -> tuple[float, float]:
        script = "const e = document.querySelectorAll(arguments[0])[arguments[1]]; e.scrollIntoView({block: 'nearest'}); const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]"
        x, y = self.driver.execute_script(script, selector, nth)
        return x, y

    def took(self, kind: str, mark: str | None, act: Callable[..., object], *said: Any, **more: Any) -> float:
        """Milliseconds from the event to the paint of its answer; then a rest, as a hand takes one."""
        self.driver.execute_script(TIMER, kind, mark)
        act(*said, **more)
        found = float(self.until("window.took"))
        time.sleep(0.15)
        return found


def painted(hand: Hand, address: str) -> tuple[float, float, float]:
    """Milliseconds to the painted list, to the points, and to the whole picture, of one visit with an empty cache."""
    hand.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    hand.driver.get("about:blank")
    hand.driver.get(address)
    hand.until("performance.getEntriesByName('picture')[0] ?? null")
    listed, points, whole = (
        hand.driver.execute_script("return performance.getEntriesByName(arguments[0])[0].startTime", m)
        for m in ("painted", "points", "picture")
    )
    return listed, points, whole


def interactions(hand: Hand, times: int) -> dict[str, list[float]]:
    """The times of each kind of interaction."""
    driver, rng = hand.driver, substream(1, "benchmark", "hand")
    kinds = ("search keystroke", "open community", "hover a point", "zoom step", "drag step", "click a point", "grow")
    out: dict[str, list[float]] = {name: [] for name in kinds}
    shown = driver.execute_script("return document.querySelectorAll('#communities-rows tbody a').length")
    left, top, wide, high = driver.execute_script(
        "const b = document.getElementById('canvas').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]"
    )

    def here() -> tuple[float, float]:
        return left + wide * (0.2 + 0.6 * rng.random()), top + high * (0.2 + 0.6 * rng.random())

    search = driver.find_element("id", "search")
    name, *near = driver.execute_script(NAMES)
    for _ in range(-(-times // 8)):
        search.clear()
        out["search keystroke"] += [hand.took("input", "found", search.send_keys, letter) for letter in name[:8]]
    search.send_keys("\ue00c")
    for n in range(times):
        at = hand.middle("#communities-rows tbody a", n % min(shown, 12))
        out["open community"].append(hand.took("click", "opened", hand.click, *at))
        hand.mouse("mouseMoved", 5, 5)
        out["hover a point"].append(hand.took("pointermove", None, hand.mouse, "mouseMoved", *here()))
    for n in range(times):
        at = here()
        turn = {"deltaX": 0, "deltaY": -60 if n % 8 < 4 else 60}
        out["zoom step"].append(hand.took("wheel", None, hand.mouse, "mouseWheel", *at, **turn))
        held = {"button": "left", "buttons": 1}
        hand.mouse("mousePressed", *at, button="left", clickCount=1)
        hand.mouse("mouseMoved", at[0] + 20, at[1], **held)
        to = (at[0] + 60, at[1] + 20)
        out["drag step"].append(hand.took("pointermove", None, hand.mouse, "mouseMoved", *to, **held))
        hand.mouse("mouseReleased", *to, button="left", clickCount=1)
    driver.find_element("id", "reset").click()
    time.sleep(1)
    while len(out["click a point"]) < times:
        at = here()
        hand.mouse("mouseMoved", *at)
        if driver.execute_script("return document.getElementById('stage').classList.contains('on-point')"):
            out["click a point"].append(hand.took("pointerup", "opened", hand.click, *at))
    question = "#tab=grow&size=100&truth=c%3A&value=c00&" + "&".join(f"seed={seed}" for seed in (name, *near))
    driver.execute_script("location.hash = arguments[0]", question)
    time.sleep(0.3)
    driver.find_element("id", "grow-go").click()  # the index is made or opened at the first question
    hand.until("performance.getEntriesByName('grown')[0] ?? null", 300)
    for _ in range(times):
        out["grow"].append(hand.took("click", "grown", hand.click, *hand.middle("#grow-go")))
    return out


def main() -> None:
    """Prints the table, or the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--visits", type=int, default=7)
    parser.add_argument("--planted", action="store_true")
    told = parser.parse_args()
    planted = told.planted or not REAL.is_dir()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "workspace"
        workspace(place, planted)
        began = time.perf_counter()
        server = subprocess.Popen([sys.executable, "-c", SERVER, str(place)], stdout=subprocess.PIPE, text=True)
        driver = None
        try:
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())["address"]
            prepared = time.perf_counter() - began
            driver = browser()
            hand = Hand(driver)
            visits = [painted(hand, address) for _ in range(told.visits)]
            found = interactions(hand, told.times)
        finally:
            if driver is not None:
                driver.quit()
            server.terminate()
            server.wait()
    paint = {
        name: statistics.median(v)
        for name, v in zip(("list painted", "points drawn", "picture whole"), zip(*visits, strict=True), strict=True)
    }
    worst = max(v[0] for v in visits)
    hands = {
        name: (float(np.percentile(v, 50)), float(np.percentile(v, 95)), max(v), len(v)) for name, v in found.items()
    }
    if told.json:
        print(
            json.dumps(
                {
                    "graph": "planted" if planted else "facebook100",
                    "prepared_s": prepared,
                    "paint_ms": paint,
                    "worst_paint_ms": worst,
                    "hands_ms": hands,
                }
            )
        )
        return
    print(
        f"{'planted' if planted else 'facebook100'}: {PEOPLE:,} people, {TIES:,} ties; prepared and serving after {prepared:.1f} s"
    )
    for name, ms in paint.items():
        print(
            f"{name:<18} {ms:7.0f} ms"
            + (f"   worst of {told.visits} visits {worst:.0f}   due < 1000" if name == "list painted" else "")
        )
    print(f"{'interaction':<18} {'p50':>7} {'p95':>7} {'worst':>7}   n   due p95 < 100 ms")
    for name, (p50, p95, most, n) in hands.items():
        print(f"{name:<18} {p50:7.1f} {p95:7.1f} {most:7.1f} {n:4}   {'yes' if p95 < 100 else 'NO'}")


if __name__ == "__main__":
    main()
