"""The plain task: one answer to each question, guessing is right one time in eight, and no community teaches it."""

import polars as pl

from sociolect.load.planted import planted
from sociolect.load.planted_tasks import tasks
from sociolect.text import words


def test_every_question_stands_once_and_every_wording_of_it_has_the_same_answer() -> None:
    said = tasks().with_columns(thing=pl.col("item").str.split("|").list.first())
    assert said["prompt"].n_unique() == said["item"].n_unique() == said.height == 72
    assert said["thing"].n_unique() == 24
    assert said.group_by("thing").agg(pl.col("reply").n_unique())["reply"].to_list() == [1] * 24
    assert all(thing in words(prompt) for thing, prompt in said.select("thing", "prompt").iter_rows())


def test_whoever_always_says_the_same_is_right_one_time_in_eight() -> None:
    assert tasks()["reply"].value_counts()["count"].to_list() == [72 // 8] * 8


def test_the_answers_follow_neither_the_order_nor_the_first_letter_of_the_things() -> None:
    """A model that has not learnt the pairs cannot read them off: neighbours and namesakes differ in colour."""
    said = tasks().filter(pl.col("item").str.ends_with("|0"))
    assert (said["reply"] != said["reply"].shift()).drop_nulls().all()
    by_letter = said.group_by(pl.col("item").str.slice(0, 1)).agg(n=pl.len(), colours=pl.col("reply").n_unique())
    assert (by_letter.filter(pl.col("n") > 1)["colours"] > 1).all()


def test_no_planted_post_holds_an_answer() -> None:
    """What is forgotten is forgotten, and what is kept is kept: fine-tuning on posts neither names a colour nor asks for one."""
    posts = planted(people=300, posts=12, drift=0.5, variety=0.5, seed=2).posts
    assert not {word for text in posts["text"] for word in words(text)} & set(tasks()["reply"])
