"""One loop for every game, dialogue and simulation, thousands of them at once.

A world is four pure functions on a state of its own. `turn` says who acts now and what each of them sees; the loop asks all
who are due, over all games, in one batch for each model, and hands what they said to `move`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from math import isnan, nan
from typing import Any, NamedTuple, Protocol, TypeVar

import polars as pl

from sociolect import frames, text
from sociolect.elicit.ask import chosen
from sociolect.errors import ModelError, UsageError
from sociolect.frames import KEYS, Replies, Scores
from sociolect.models.model import Chat, Model, generated
from sociolect.seeds import derive

S = TypeVar("S")


class Due(NamedTuple):
    """What is asked of a player: a chat, the options to choose among (None: free words), and the phase it stands in.

    Options are one or more texts, each once: an empty list is no free question, and one that stands twice would weigh twice.
    """

    chat: Chat
    options: tuple[str, ...] | None = None
    phase: str = ""


class World(Protocol[S]):
    """The rules of a game. A state is a value: `move` gives a new one, and leaves the old one as it was."""

    def begin(self, players: Sequence[str], seed: int) -> S: ...
    def turn(self, state: S) -> Mapping[str, Chat | Due]:
        """Who acts now, and what each of them sees; nobody: the game is over."""
        ...

    def move(self, state: S, said: Mapping[str, str]) -> S: ...
    def tally(self, state: S) -> Mapping[str, Mapping[str, float | None]]:
        """What each player ends with, by measure; null where a measure is undefined."""
        ...


# The players of every game, or of each game its own.
Players = Mapping[str, Model] | Sequence[Mapping[str, Model]]


class Played(NamedTuple):
    """What was said, what each player ended with, and the state that each game ended in, game by game."""

    replies: Replies
    scores: Scores
    states: tuple[Any, ...]


def game_seed(seed: int, game: int) -> int:
    """The seed that the game of this number begins with, in any run of the root seed."""
    return derive(seed, "game", game)


def play(
    world: World[S] | Sequence[World[S]],
    players: Players,
    *,
    games: int = 1,
    turns: int = 1000,
    legible: Callable[[S, str, str], bool] | None = None,
    tries: int = 1,
    communities: Mapping[str, str] | None = None,
    people: Collection[str] = (),
    condition: str = "played",
    tokens: int = 256,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Played:
    """`games` games to their end, all at once: each turn is one batch for each model, over all games.

    `world` are the rules of every game, or of each game its own.

    A reply has `speaker` the seat, `item` game:<number>, `turn` the turn of its game from 0, `prompt` the last message seen,
    `text` what was said (as the others are told it: without control characters, chat marks broken), `raw` as it came, `choice`
    among options (with `logprob`), and further `model`, `phase`, `tries`, `refused`, `outcome`: answered, refused, invalid, blank.
    An option that is chosen is an answer, even one that declines. Its `community` is that of the seat in `communities`, else the
    model's name; `people` are seats whose words are people's.

    `legible(state, seat, text)` says whether the world can read a text. What it cannot is asked again, in the same words and
    with a draw of its own, up to `tries` times in all; the last reply stands, as invalid. The loop never answers for a player:
    `move` gets every text that came, legible or not, and decides what an illegible one does.

    Scores: one row per game, seat and measure of the world's tally. Seats of one model play on its streams, so that the same
    seed gives the same games; two models of one name draw apart. A run that was killed plays on from its journal
    (`models.journal`) to the same bytes. Raises UsageError for no seat, too few tries, or a world that names an unknown seat,
    asks nothing or offers no options; ModelError for a model that gives something else than was asked, and where a game is not
    over after `turns` turns.

    >>> from sociolect.models.scripted import scripted
    >>> class Once:
    ...     def begin(self, players, seed): return {who: None for who in players}
    ...     def turn(self, state): return {w: user("a number?") for w, told in state.items() if told is None}
    ...     def move(self, state, said): return {**state, **said}
    ...     def tally(self, state): return {w: {"told": float(told)} for w, told in state.items()}
    >>> from sociolect.models.model import user
    >>> play(Once(), {"ada": scripted(["7"]), "bo": scripted(["9"])}).scores["value"].to_list()
    [7.0, 9.0]
    """
    seated = [players] * games if isinstance(players, Mapping) else list(players)
    faults = [f"tries={tries}, turns={turns}: 1 or more are due"] if tries < 1 or turns < 1 else []
    faults += [f"games={games}: 1 or more are due"] if games < 1 else []
    faults += ["a game without players"] if (games > 0 and not seated) or not all(seated) else []
    faults += [f"{len(seated)} seatings for {games} games"] if seated and len(seated) != games and games != 1 else []
    known = {who for seats in seated for who in seats}
    if odd := sorted({*(communities or {}), *people} - known):
        faults.append(f"communities or people name {', '.join(odd)}, who sits in no game")
    if faults:
        raise UsageError("this cannot be played: " + "; ".join(faults))
    # rules may be a named tuple, which is a sequence too
    many = isinstance(world, Sequence) and not hasattr(world, "begin")
    worlds: list[Any] = [*world] if isinstance(world, Sequence) and many else [world] * len(seated)
    if len(worlds) != len(seated):
        raise UsageError(f"this cannot be played: {len(worlds)} worlds for {len(seated)} games")
    states = [worlds[g].begin(tuple(seats), game_seed(seed, g)) for g, seats in enumerate(seated)]
    going: list[int] = list(range(len(states)))
    told: list[tuple[object, ...]] = []
    for t in range(turns + 1):
        due = [(g, who, _due(one, who, g, seated[g])) for g in going for who, one in worlds[g].turn(states[g]).items()]
        if not due:
            break
        if t == turns:
            raise ModelError(f"{len({g for g, *_ in due})} of {len(states)} games are not over after {turns} turns")
        asking = [(seated[g][who], one) for g, who, one in due]
        heard = _heard(asking, tokens, temperature, top_p, derive(seed, "play", t))
        clear = _clear(due, heard, states, legible, range(len(due)))
        for again in range(1, tries):
            lost = [i for i, read in enumerate(clear) if read is False]
            if not lost:
                break
            anew = _heard([asking[i] for i in lost], tokens, temperature, top_p, derive(seed, "play", t, again))
            for i, reply in zip(lost, anew, strict=True):
                heard[i] = reply._replace(tries=again + 1)
            for i, read in zip(lost, _clear(due, heard, states, legible, lost), strict=True):
                clear[i] = read
        said: dict[int, dict[str, str]] = {}
        for (g, who, one), reply, read in zip(due, heard, clear, strict=True):
            told.append((who, g, t, seated[g][who].name, one.phase, one.chat[-1].text, *reply, read))
            said.setdefault(g, {})[who] = reply.text
        for g, moves in said.items():
            states[g] = worlds[g].move(states[g], moves)
        going = list(said)
    worth = [
        (who, g, _sits(who, g, seated[g]).name, measure, _number(value, measure, who, g))
        for g, state in enumerate(states)
        for who, found in worlds[g].tally(state).items()
        for measure, value in found.items()
    ]
    put = {"condition": pl.lit(condition), "draw": pl.lit(0, pl.Int64)}
    replies = _columns(told, _TOLD).with_columns(**_whose(communities, people), **put)
    scores = _columns(worth, _WORTH).with_columns(**_whose(communities, people), **put)
    return Played(
        frames.replies(_outcome(replies).select(*KEYS, *_SAID)),
        frames.scores(scores.with_columns(turn=pl.lit(0, pl.Int64)).select(*KEYS, "measure", "value", "model")),
        tuple(states),
    )


class _Reply(NamedTuple):
    text: str
    raw: str
    choice: str | None
    logprob: float | None
    tries: int = 1


_SAID = ("prompt", "text", "raw", "choice", "logprob", "model", "phase", "tries", "refused", "outcome")
_TOLD: dict[str, Any] = {
    "speaker": pl.String, "game": pl.Int64, "turn": pl.Int64, "model": pl.String, "phase": pl.String, "prompt": pl.String,
    "text": pl.String, "raw": pl.String, "choice": pl.String, "logprob": pl.Float64, "tries": pl.Int64, "legible": pl.Boolean,
}  # fmt: skip
_WORTH: dict[str, Any] = {
    "speaker": pl.String, "game": pl.Int64, "model": pl.String, "measure": pl.String, "value": pl.Float64,
}  # fmt: skip


def _columns(rows: Sequence[tuple[object, ...]], schema: Mapping[str, Any]) -> pl.DataFrame:
    """Rows as a frame, built by columns: many times quicker than row by row."""
    return pl.DataFrame(list(zip(*rows, strict=True)) if rows else None, schema=schema, orient="col")


def _clear(
    due: Sequence[tuple[int, str, Due]],
    heard: Sequence["_Reply"],
    states: Sequence[Any],
    legible: Callable[[Any, str, str], bool] | None,
    which: Iterable[int],
) -> list[bool | None]:
    """Whether the world can read these replies; None where any text can be read."""
    if legible is None:
        return [None for _ in which]
    return [bool(legible(states[due[i][0]], due[i][1], heard[i].text)) for i in which]


def _sits(who: str, game: int, seats: Mapping[str, Model]) -> Model:
    if who not in seats:
        raise UsageError(f"the world of game {game} names {who!r}, who is none of its players: {', '.join(seats)}")
    return seats[who]


def _due(one: Chat | Due, who: str, game: int, seats: Mapping[str, Model]) -> Due:
    """What is asked, where it can be asked."""
    _sits(who, game, seats)
    due = one if isinstance(one, Due) else Due(one)
    fault = (
        "" if due.chat and isinstance(due.chat, tuple) else f"asks {due.chat!r}: a chat of one message or more is due"
    )
    if due.options is not None:
        if isinstance(due.options, str) or not all(isinstance(o, str) and o.strip() for o in due.options):
            fault = f"offers {due.options!r}: options are texts, none of them blank"
        elif not due.options or len(set(due.options)) < len(due.options):
            fault = f"offers {list(due.options)}: one option or more is due, each once; None is for free words"
    if fault:
        raise UsageError(f"the world of game {game}, to {who!r}, {fault}")
    return due


def _number(value: object, measure: str, who: str, game: int) -> float | None:
    if value is None:
        return None
    try:
        number = nan if isinstance(value, str) else float(value)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError):
        number = nan
    if isnan(number):
        raise UsageError(f"the world of game {game} gives {who!r} {value!r} for {measure}: a number is due, or None")
    return number


def _heard(
    asking: Sequence[tuple[Model, Due]], tokens: int, temperature: float, top_p: float, seed: int
) -> list[_Reply]:
    """One reply to each, in their order: what each model is to write in one batch, what it is to choose in another."""
    out: dict[int, _Reply] = {}
    named: Counter[str] = Counter()
    for model in {id(model): model for model, _ in asking}.values():
        # two models of one name would draw alike, and read each other's answers in a journal
        drawn = derive(seed, "namesake", named[model.name]) if named[model.name] else seed
        named[model.name] += 1
        mine = [i for i, (player, _) in enumerate(asking) if player is model]
        free = [i for i in mine if not asking[i][1].options]
        chats = [asking[i][1].chat for i in free]
        words = generated(model, chats, tokens=tokens, temperature=temperature, top_p=top_p, seed=drawn) if free else []
        # What one player says stands in the prompts of others: it never speaks there as another role.
        out |= {
            i: _Reply(text.neutralise(text.clean(raw)), raw, None, None) for i, raw in zip(free, words, strict=True)
        }
        put = [i for i in mine if asking[i][1].options]
        offered = [asking[i][1].options or () for i in put]
        picked = chosen(model, [asking[i][1].chat for i in put], offered, temperature=temperature, seed=drawn)
        out |= {i: _Reply(option, option, option, logp) for i, (option, logp) in zip(put, picked, strict=True)}
    return [out[i] for i in range(len(asking))]


def _whose(communities: Mapping[str, str] | None, people: Collection[str]) -> dict[str, pl.Expr]:
    seat = pl.col("speaker")
    human = seat.is_in(sorted(people))
    return {
        "source": pl.when(human).then(pl.lit("human")).otherwise(pl.lit("model")),
        "community": seat.replace_strict(dict(communities), default=pl.col("model"))
        if communities
        else pl.col("model"),
        "item": pl.format("game:{}", pl.col("game")),
    }


def _outcome(told: pl.DataFrame) -> pl.DataFrame:
    """What came of each reply, told apart so that none is mistaken for another; an empty text is null."""
    blank = pl.col("text").str.strip_chars() == ""
    picked = pl.col("choice").is_not_null()
    kinds = told.with_columns(refused=text.refuses(pl.col("text")) & ~blank & ~picked).with_columns(
        outcome=pl.when(blank)
        .then(pl.lit("blank"))
        .when(pl.col("legible").fill_null(False))  # null where any text can be read
        .then(pl.lit("answered"))
        .when(pl.col("refused"))
        .then(pl.lit("refused"))
        .when(pl.col("legible").is_null())
        .then(pl.lit("answered"))
        .otherwise(pl.lit("invalid"))
    )
    return kinds.with_columns(text=pl.when(blank).then(None).otherwise(pl.col("text")))
