"""What a player remembers from round to round; nobody reads another's."""

from typing import NamedTuple

LAST = 3  # [code] strategies, round summaries and notes kept
SUSPICION = ("suspect", "suspicious", "lying", "liar", "traitor", "distrust")  # ours: the paper is silent on the words
STRATEGY = ("strategy", "plan", "vote for", "target", "alliance", "blend in")


class Memory(NamedTuple):
    """Player info, events, suspicions, strategies, round summaries, notes."""

    info: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    suspicions: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()
    summaries: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def filed(memory: Memory, note: str) -> Memory:
    """The memory with one more note, filed by its words beside the last notes.

    >>> found = filed(filed(Memory(), "I suspect Player 2."), "My plan: keep quiet.")
    >>> found.suspicions, found.strategies, len(found.notes)
    (('I suspect Player 2.',), ('My plan: keep quiet.',), 2)
    """
    if not note:
        return memory
    low = note.lower()
    suspicions = (*memory.suspicions, note) if any(w in low for w in SUSPICION) else memory.suspicions
    strategies = (*memory.strategies, note) if any(w in low for w in STRATEGY) else memory.strategies
    return memory._replace(
        suspicions=suspicions[-LAST:], strategies=strategies[-LAST:], notes=(*memory.notes, note)[-LAST:]
    )


def happened(memory: Memory, event: str) -> Memory:
    """The memory with one more event; events are all kept."""
    return memory._replace(events=(*memory.events, event))


def summed_up(memory: Memory, summary: str) -> Memory:
    """The memory with one more round's summary, the last three kept."""
    return memory._replace(summaries=(*memory.summaries, summary)[-LAST:])


def remembered(memory: Memory) -> str:
    """The memory as a player reads it; the empty word where there is none.

    >>> remembered(happened(Memory(), "Player 1 is out."))
    'What you remember\\nEvents: Player 1 is out.'
    """
    parts = [
        f"{name}: {' / '.join(lines)}"
        for name, lines in (
            ("Players", memory.info), ("Events", memory.events), ("Suspicions", memory.suspicions),
            ("Strategies", memory.strategies), ("Rounds", memory.summaries),
            # what is filed above is not said twice
            ("Notes", tuple(n for n in memory.notes if n not in memory.suspicions + memory.strategies)),
        )
        if lines
    ]  # fmt: skip
    return "\n".join(["What you remember", *parts]) if parts else ""
