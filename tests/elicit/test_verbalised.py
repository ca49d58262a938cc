"""A stated distribution is read out of forty planted formats, and out of nothing that could mean another one."""

import json

import pytest

from sociolect.elicit.verbalised import shares

LETTERS = ["A", "B", "C", "D"]
NUMBERS = ["1", "2", "3", "4"]
WORDS = ["Strongly agree", "Agree", "Disagree", "Strongly disagree"]
DUE = [10, 20, 45, 25]


def lines(pattern: str, labels: list[str] = LETTERS, between: str = "\n", back: bool = False) -> str:
    rows = list(zip(labels, WORDS, DUE, strict=True))
    return between.join(
        pattern.format(l=l, w=w, n=n, f=n / 100, lw=w.lower()) for l, w, n in (rows[::-1] if back else rows)
    )


FORMATS: list[tuple[str, list[str]]] = [
    *(
        (lines(p), LETTERS)
        for p in (
            "{l}: {n}", "{l}: {n}%", "{l}: {n} %", "{l} = {n}", "{l} - {n}", "{l}) {n}%", "({l}) {n}", "{l}. {w}: {n}",
            "{l}) {w} - {n}%", "{l}. {w} ({n}%)", "{w}: {n}", "{w} – {n}%", "{lw}: {n}", "{w} ({l}): {n}", "- {l}: {n}",
            "* **{l}**: {n}%", "**{l}. {w}**: {n}", "| {l} | {n}% |", "| {l} | {w} | {n} |", "{n}% {l}", "{n}% {w}", "{n}% for {l}",
            "{l}: {f}", "{w}: {f}", "{l}: {n} people", "{l}: {n} out of 100", "{l}: {n}/100", "{l}: about {n}%", "Option {l}: {n}",
            "{l}: {n}.0",
        )
    ),
    (lines("{l}: {n}", between=", "), LETTERS),
    (lines("{l}:{n}", between=" "), LETTERS),
    (lines("{w} {n}%", between="; "), LETTERS),
    (lines("{l}: {n}", back=True), LETTERS),
    ("Out of 100 people, I expect " + lines("{n}% to {lw}", between=", ") + ".", LETTERS),
    (json.dumps(dict(zip(LETTERS, DUE, strict=True))), LETTERS),
    ("Here it is:\n" + json.dumps(dict(zip(WORDS, [d / 100 for d in DUE], strict=True))), LETTERS),
    ("[10, 20, 45, 25]", LETTERS),
    (lines("{l}: {n}%", labels=NUMBERS) + "\nTotal: 100%", NUMBERS),
    (lines("{l}. {w}: {n}", labels=NUMBERS), NUMBERS),
]  # fmt: skip


def test_forty_planted_formats_are_all_read() -> None:
    assert len(FORMATS) == 40
    missed = [said for said, labels in FORMATS if shares(said, labels=labels, wording=WORDS) is None]
    assert missed == []
    for said, labels in FORMATS:
        found = shares(said, labels=labels, wording=WORDS)
        assert found is not None
        assert found[0] == pytest.approx([d / 100 for d in DUE], abs=1e-12), said
        assert found[1] == pytest.approx(1)


@pytest.mark.parametrize(
    "said",
    [
        "A: 10\nB: 20\nC: 45\nD: 28", "A: 10\nB: 20\nC: 45\nD: 22", "A: .1\nB: .2\nC: .4\nD: .25",  # sums off by more than 2 %
        "A: 10\nB: 20\nC: 70", "A: 10\nA: 20\nC: 45\nD: 25", "A: 10\nB: 20\nC: 45\nE: 25",  # missing, twice, unknown
        "A: 5-15\nB: 20\nC: 45\nD: 25", "A: -10\nB: 40\nC: 45\nD: 25", "10, 20, 70", "Most people agree.", "100", "",
        "A. Agree: 10\nB. Strongly agree: 20\nC. Disagree: 45\nD. Strongly disagree: 25",  # labels of other words
        "A: 10%\nB: 20%\nC: 45%\nD: 25%\nB is what 20% of my street says.",
    ],
)  # fmt: skip
def test_a_distribution_in_doubt_is_refused(said: str) -> None:
    assert shares(said, labels=LETTERS, wording=WORDS) is None


def test_sums_within_two_per_cent_are_stated_and_made_whole() -> None:
    found = shares("A: 10\nB: 20\nC: 45\nD: 27", labels=LETTERS, wording=WORDS)
    assert found is not None
    assert found[1] == pytest.approx(1.02)
    assert found[0] == pytest.approx([10 / 102, 20 / 102, 45 / 102, 27 / 102])


def test_options_without_labels_are_read_by_their_words() -> None:
    found = shares(lines("{w}: {n}"), labels=[], wording=WORDS)
    assert found is not None
    assert found[0] == pytest.approx([0.1, 0.2, 0.45, 0.25])
