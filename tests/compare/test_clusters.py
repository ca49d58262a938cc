import polars as pl
import pytest

from sociolect.compare.clusters import factors
from sociolect.errors import InputError

SAID = pl.DataFrame({
    "source": ["model", "human", "model", "human", "human"],
    "speaker": ["m", "bob", "m", "ada", "bob"],
    "topic": ["tea", "tea", None, None, "war"],
    "template": ["v", None, "u", None, None],
})  # fmt: skip


def test_people_by_speaker_and_models_by_topic_and_template() -> None:
    found = [codes.tolist() for codes in factors(SAID, ["topic", "template"])]
    assert found == [[-1, 1, -1, 0, 1], [0, -1, -1, -1, -1], [1, -1, 0, -1, -1]]
    order = [4, 2, 0, 3, 1]
    moved = factors(SAID[order], ["topic", "template"])
    assert [codes.tolist() for codes in moved] == [[codes[i] for i in order] for codes in found]


def test_people_alone_need_no_columns_and_models_do() -> None:
    people = SAID.filter(source="human").drop("topic", "template")
    assert [codes.tolist() for codes in factors(people, ["topic"])] == [[1, 0, 1]]
    with pytest.raises(InputError, match="column 'topic' is missing"):
        factors(SAID.drop("topic"), ["topic", "template"])
    with pytest.raises(InputError, match="1 model row is null in all of topic"):
        factors(SAID, ["topic"])
    with pytest.raises(InputError, match="name the columns"):
        factors(SAID, [])
