"""A real browser explores a small workspace: what it shows is what the server says, by mouse and by keyboard alone."""

import time
from typing import Any
from urllib.parse import quote

import pytest

pytestmark = pytest.mark.xdist_group("explorer")  # one browser and one server for all
ENTER, DOWN, ESCAPE, RIGHT = "\ue007", "\ue015", "\ue00c", "\ue014"
# Of a picture of the canvas: [points that are not ground, colours among them that are far apart].
SEEN = """
const [png, done] = arguments;
createImageBitmap(new Blob([Uint8Array.from(atob(png), (c) => c.charCodeAt(0))])).then((canvas) => {
  const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height }).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const held = copy.getImageData(0, 0, canvas.width, canvas.height).data;
  const inks = new Map();
  let inked = 0;
  for (let i = 0; i < held.length; i += 4) {
    if (Math.abs(held[i] - held[0]) + Math.abs(held[i + 1] - held[1]) + Math.abs(held[i + 2] - held[2]) < 90) continue;
    inked += 1;
    const key = [held[i] >> 6, held[i + 1] >> 6, held[i + 2] >> 6].join();
    inks.set(key, (inks.get(key) ?? 0) + 1);
  }
  done([inked, [...inks.values()].filter((n) => n > 40).length]);
});
"""


@pytest.fixture(autouse=True)
def _quiet(analyst: Any) -> Any:
    """The browser complains of nothing: no script failed, and the policy stopped nothing."""
    yield
    assert [said for said in analyst.complaints() if "api/account/9999" not in said] == []


def test_numbers_and_list_come_first_and_the_picture_after_them(analyst: Any) -> None:
    analyst.open()
    told = analyst.ask("api/overview")
    assert analyst.text("h1") == told["title"]
    assert analyst.texts("#facts dd") == [f"{told['people']}", f"{told['ties']}", "3", f"{told['posts']}", f"{told['modularity']:.3f}"]  # fmt: skip
    assert analyst.texts("#communities tbody a") == ["red", "blue", "few"]
    assert analyst.texts("#communities tbody tr:first-child td") == ["30", "0.75", f"{told['communities'][0]['conductance']:.2f}"]  # fmt: skip
    assert analyst.texts("#communities tbody tr:last-child td .unseen") == ["not known"] * 2
    marks = ["overview", "painted", "points", "picture"]
    times = analyst.js("arguments[0].map((m) => performance.getEntriesByName(m)[0].startTime)", marks)
    assert times == sorted(times)
    inked, inks = analyst.driver.execute_async_script(
        SEEN, analyst.driver.find_element("id", "canvas").screenshot_as_base64
    )
    assert inked > 1000
    assert inks >= 2
    assert f"{told['drawn']['nodes']} of {told['people']} people and {told['drawn']['edges']} of {told['ties']} ties" in analyst.text("#drawn")  # fmt: skip


def test_a_community_opens_with_its_members_words_and_posts(analyst: Any) -> None:
    analyst.open()
    analyst.click("#communities tbody tr:nth-child(2) a")
    analyst.sees("#selected h3", "blue")
    told = analyst.ask("api/community/blue")
    assert analyst.texts("#members tbody th") == [one["name"] for one in told["members"]]
    assert analyst.texts("#members tbody tr:first-child td")[:2] == [str(told["members"][0]["degree"]), "1.00"]
    assert [words.split(",")[0] for words in analyst.texts(".words li bdi")] == [one["word"] for one in told["words"]]
    assert analyst.texts("blockquote") == told["exemplars"]
    assert analyst.js("location.hash") == "#c=blue"
    assert analyst.texts("tr.open a") == ["blue"]
    analyst.click("#members tbody a")
    analyst.sees("#selected .kind", "ACCOUNT")
    analyst.driver.back()
    analyst.sees("#selected h3", "blue")
    analyst.driver.refresh()
    analyst.sees("#selected h3", "blue")


def test_of_few_people_nothing_but_their_number_is_shown(analyst: Any) -> None:
    analyst.open("#c=few", drawn=False)
    analyst.sees("#withheld", "fewer than 10 people")
    assert analyst.texts("#selected dd") == ["4", "–", "not known"]
    assert not analyst.js("document.querySelector('#members, .words, #selected blockquote')")
    assert "zebrafish" not in analyst.text("body")


def test_what_is_grown_is_what_the_server_says(analyst: Any) -> None:
    question = {"seeds": ["red00", "red05"], "ranker": "average", "size": 12, "truth": {"column": "year", "value": 2004}}  # fmt: skip
    told = analyst.ask("api/grow", question)
    analyst.open("#tab=grow&ranker=average&size=12&truth=t%3Ayear&value=2004&seed=red00&seed=red05")
    analyst.click("#grow-go")
    analyst.sees("#grown h4", f"{len(told['members'])} account")
    recall = told["curve"][-1][1]
    assert 0 < recall < told["candidate_recall"]
    assert analyst.text("#recall") == f"{recall:.3f}"
    assert analyst.text("#candidate-recall") == f"{told['candidate_recall']:.3f}"
    assert analyst.texts("#grown-members tbody th") == [one["name"].replace("\x00", "\u25a1").replace("\u202e", "\u25a1") for one in told["members"]]  # fmt: skip
    assert "Hit" not in analyst.texts("#grown-members thead th"), "a year is told of no single person"
    assert analyst.texts("#grown dt")[0] == "Recall after 10"
    assert analyst.js("document.querySelector('.curve path').getAttribute('d').split('L').length") == len(told["curve"])
    analyst.click("#grown details summary")
    assert analyst.texts("#grown details td:last-child") == [f"{point[1]:.3f}" for point in told["curve"]]
    assert f"recall {recall:.3f}" in analyst.until("document.getElementById('said').textContent")
    assert analyst.ask("api/grow", question)["members"] == told["members"]  # a reload finds the same again
    analyst.driver.refresh()
    analyst.sees("#recall", f"{recall:.3f}")


def test_hits_in_a_community_are_told_row_by_row(analyst: Any) -> None:
    question = {"seeds": ["red00", "red05"], "ranker": "average", "size": 12, "truth": {"community": "red"}}
    told = analyst.ask("api/grow", question)
    analyst.open("#tab=grow&ranker=average&size=12&truth=c%3A&value=red&seed=red00&seed=red05&grown=1")
    analyst.sees("#grown h4", "12 accounts added")
    hits = ["✓ yes" if one["hit"] else "no" for one in told["members"]]
    assert analyst.texts("#grown-members tbody td:last-child") == hits
    href = analyst.js("document.querySelector('#export a[href*=grown]').getAttribute('href')")
    assert href.startswith("api/export?what=grown.csv&growth="), "this page's own growth"


def test_whoever_is_in_a_community_of_few_has_no_place(analyst: Any) -> None:
    analyst.open(f"#a={analyst.ask('api/search?q=few00')['accounts'][0]['account']}", drawn=False)
    analyst.sees("#selected .note", "fewer than 10 people")
    assert analyst.texts("#selected dd")[:2] == ["withheld", "–"]


def test_a_server_that_is_gone_is_said_where_one_looks(analyst: Any) -> None:
    analyst.open("#tab=grow&seed=red00&size=5")
    analyst.driver.execute_script("window.fetch = () => Promise.reject(new TypeError('Failed to fetch'))")
    analyst.click("#grow-go")
    words = "the explorer does not answer: look whether it still runs in the terminal"
    analyst.sees("#grow-fault", words)
    analyst.click("#search")
    analyst.press("red")
    analyst.sees("#search-list", words)
    analyst.press(ESCAPE)
    analyst.click("#communities tbody a")
    analyst.sees("#selected [role=alert]", words)


def test_the_keyboard_alone_searches_opens_seeds_and_grows(analyst: Any) -> None:
    analyst.open()
    analyst.tab_to("#search")
    analyst.press("red0")
    found = [one["name"] for one in analyst.ask("api/search?q=red0")["accounts"]]
    analyst.until("document.querySelectorAll('#search-list [role=option]').length === arguments[0]", len(found))
    assert analyst.texts("#search-list [role=option] bdi") == found
    assert analyst.js("document.activeElement.getAttribute('aria-expanded')") == "true"
    analyst.press(DOWN + DOWN)
    chosen = analyst.js("document.getElementById(document.activeElement.getAttribute('aria-activedescendant')).querySelector('bdi').innerText")  # fmt: skip
    assert chosen == found[1]
    analyst.press(ENTER)
    analyst.sees("#selected h3", found[1])
    assert analyst.js("document.activeElement.id") == "search"
    analyst.press(ESCAPE + "blue1")
    analyst.until("!document.getElementById('search-list').hidden")
    analyst.press(ESCAPE)
    assert analyst.js("document.getElementById('search-list').hidden")
    analyst.tab_to("[data-seed]")
    analyst.press(ENTER)
    analyst.sees("#tab-grow", "Grow (1)")
    analyst.driver.execute_script("document.getElementById('tab-selected').focus()")
    analyst.press(RIGHT)
    assert analyst.js("document.activeElement.id") == "tab-grow"
    analyst.tab_to("#seed")
    analyst.press("red1")
    analyst.until("document.querySelector('#seed-list [role=option]')")
    analyst.press(DOWN + ENTER)
    assert analyst.texts("#seeds bdi") == [found[1], "red10"]
    analyst.tab_to("#seeds li:last-child button")
    analyst.press(ENTER)
    assert analyst.texts("#seeds bdi") == [found[1]]
    analyst.tab_to("#grow-go")
    analyst.press(ENTER)
    analyst.sees("#grown h4", "added")
    analyst.tab_to("#grown-members a")


def test_the_picture_is_moved_by_keys_buttons_and_clicks(analyst: Any) -> None:
    analyst.open()
    analyst.tab_to("#stage")
    analyst.press("+")
    analyst.until("/v=[-.0-9]+%2C[-.0-9]+%2C1\\.6000/.test(location.hash)")
    analyst.press(RIGHT)
    analyst.click("#zoom-in")
    analyst.until("location.hash.endsWith('2.5600')")
    analyst.driver.execute_script("document.getElementById('stage').focus()")
    analyst.press("0")
    analyst.until("!location.hash.includes('v=')")
    # A click on a point opens its account: the places are those of nodes.bin.
    place = "const n = (await import('./picture.js')).nodesOf(await (await fetch('api/nodes.bin')).arrayBuffer()); const b = document.getElementById('stage').getBoundingClientRect();"  # fmt: skip
    held = analyst.driver.execute_async_script(
        "const done = arguments[0]; (async () => {" + place + """
        const span = (a) => [Math.min(...a), Math.max(...a)];
        const [[l, r], [d, u]] = [span(n.x), span(n.y)];
        const half = Math.max(r - l, u - d) / 2;
        const unit = 0.93 * Math.min(b.width, b.height) / 2 / half;
        done([n.account[7], b.x + b.width / 2 + (n.x[7] - (l + r) / 2) * unit, b.y + b.height / 2 - (n.y[7] - (d + u) / 2) * unit]);
        })();"""
    )  # fmt: skip
    time.sleep(0.3)
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        pressed = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
        analyst.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "x": held[1], "y": held[2], **pressed})  # fmt: skip
    analyst.sees("#selected h3", analyst.ask(f"api/account/{held[0]}")["name"].strip("\u202e\x00"))


def test_names_and_texts_that_bite_are_shown_and_do_nothing(analyst: Any) -> None:
    name = "<img src=x onerror=alert(1)>"
    analyst.open("#c=red")
    analyst.sees("#members", name)
    assert "\u25a1evil" in analyst.text("#members")
    assert "\u202e" not in analyst.js("document.body.textContent")
    analyst.click("#search")
    analyst.press("<img")
    analyst.until("document.querySelector('#search-list [role=option]')")
    analyst.press(ENTER)
    analyst.sees("#selected h3", name)
    for seed in (name, 'a"b/c%2Fd', "../../etc/passwd"):
        analyst.open(f"#tab=grow&seed={quote(seed, safe='')}&size=5&grown=1", drawn=False)
        analyst.sees("#grown h4", "5 accounts added")
        assert analyst.texts("#seeds bdi") == [seed]
    assert analyst.js("[document.images.length, document.querySelectorAll('script').length]") == [0, 1]


def test_every_export_is_a_file_of_the_server(analyst: Any) -> None:
    analyst.open("#tab=grow&seed=red00&size=5&grown=1", drawn=False)
    analyst.sees("#grown h4", "5 accounts added")
    analyst.driver.execute_script("document.getElementById('tab-export').click()")
    links = analyst.js("[...document.querySelectorAll('#export a')].map((a) => [a.innerText, a.href, a.hasAttribute('download')])")  # fmt: skip
    assert len(links) == 6
    for words, href, saved in links:
        kept = analyst.js("fetch(arguments[0]).then((r) => [r.status, r.headers.get('content-disposition')])", href)
        assert kept[0] == 200, words
        assert kept[1].startswith("attachment; filename="), words
        assert saved


def test_faults_are_one_clear_line(analyst: Any) -> None:
    analyst.open("#a=9999", drawn=False)
    analyst.sees("#selected [role=alert]", "no account 9999")
    analyst.open("#tab=grow&size=0", drawn=False)
    analyst.click("#grow-go")
    assert analyst.text("#grow-fault") == "Add at least one seed; accounts to add are a whole number from 1 to 5000."


def test_without_webgl_all_but_the_picture_works(analyst: Any) -> None:
    script = {"source": "HTMLCanvasElement.prototype.getContext = () => null"}
    mine = analyst.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    try:
        analyst.open("#c=blue", drawn=False)
        analyst.sees("#unseen-picture", "needs WebGL 2")
        analyst.sees("#selected h3", "blue")
        assert not analyst.js("document.querySelector('.tools').checkVisibility()"), "buttons that move nothing"
        analyst.open("", drawn=False)
        analyst.sees("#unseen-picture", "needs WebGL 2")
    finally:
        analyst.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", mine)
