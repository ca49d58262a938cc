"""A measure as it is told to another process: a function of a module, and readers that are opened where they read."""

import inspect
import pickle
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from sociolect.cluster.folders import Parcel, parcel
from sociolect.errors import UsageError
from sociolect.fingerprint import fingerprint, of_file


class Opened(NamedTuple):
    """What `make(*said, **keywords)` gives, made once in each process that needs it."""

    make: Callable[..., Any]
    said: tuple[Any, ...]
    keywords: dict[str, Any]


def opened(make: Callable[..., Any], *said: Any, **keywords: Any) -> Any:
    """A reader that each worker opens for itself, once, by `make(*said, **keywords)`; one may stand inside another.

    `partial(toxicity, reader=opened(pretrained, Path("weights")))` is a measure that takes a few bytes to send, whatever
    its weights take. It is for `measure.partitions.measured`, and no reader in this process.
    """
    return Opened(make, said, keywords)


def name(measure: Any) -> str:
    """What a measure is called: the function's module and name.

    >>> from sociolect.measure.style import style
    >>> name(partial(style))
    'sociolect.measure.style.style'
    """
    while isinstance(measure, partial):
        measure = measure.func
    kind = measure if hasattr(measure, "__qualname__") else type(measure)
    return f"{_module(kind)}.{kind.__qualname__}"


def identity(measure: Any, *, values: bool = True) -> str:
    """What tells two measures apart: their functions, the code of those that are not ours, and what they were given.

    Without `values`, readers and other things that have no fingerprint are passed over. Raises UsageError where
    something in it has neither a fingerprint nor a pickle.
    """
    return fingerprint(_prints(measure, values))


def pickled(measure: Any) -> bytes:
    """The measure as bytes. Raises UsageError where it cannot be sent to another process."""
    try:
        return pickle.dumps(measure)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UsageError(
            f"{name(measure)} cannot be sent to another process ({' '.join(str(error).split())}): due is a function of a "
            "module, or functools.partial of one over plain values, paths, and readers as measure.opened.opened(...)"
        ) from error


def sent(measure: Any) -> Any:
    """The measure with its folders as parcels: a node that does not see one is sent it."""
    return _over(measure, lambda leaf: parcel(leaf) if isinstance(leaf, Path) and leaf.is_dir() else leaf)


def ready(measure: Any) -> Any:
    """The measure with its readers open. Raises what opening raises, and AbsentError where a folder must be sent first."""
    return _over(measure, lambda leaf: leaf.here() if isinstance(leaf, Parcel) else leaf, _made)


def _made(reader: Opened) -> Any:
    return reader.make(*reader.said, **reader.keywords)


def _over(value: Any, leaf: Callable[[Any], Any], whole: Callable[[Opened], Any] = lambda reader: reader) -> Any:
    """The value with `leaf` done to each plain thing in it, and `whole` to each reader that is to be opened."""
    match value:
        case Parcel():
            return leaf(value)
        case partial():
            said, keywords = _over([list(value.args), value.keywords], leaf, whole)
            return partial(_over(value.func, leaf, whole), *said, **keywords)
        case Opened():
            said, keywords = _over([list(value.said), value.keywords], leaf, whole)
            return whole(Opened(_over(value.make, leaf, whole), tuple(said), keywords))
        case dict():
            return {k: _over(v, leaf, whole) for k, v in value.items()}
        case list():
            return [_over(v, leaf, whole) for v in value]
        case _:
            return leaf(value)


def _prints(value: Any, values: bool) -> Any:
    match value:
        case partial():
            return [
                "partial",
                _prints(value.func, values),
                _prints(list(value.args), values),
                _prints(value.keywords, values),
            ]
        case Opened():
            return [
                "opened",
                _prints(value.make, values),
                _prints(list(value.said), values),
                _prints(value.keywords, values),
            ]
        case dict():
            return {str(k): _prints(v, values) for k, v in value.items()}
        case list():
            return [_prints(v, values) for v in value]
        case _ if inspect.ismethod(value):
            return ["method", _prints(value.__self__, values), _prints(value.__func__, values)]
        case _ if inspect.isclass(value) or (callable(value) and inspect.isfunction(inspect.unwrap(value))):
            return [name(value), _code(value)]
    try:
        return fingerprint(value)
    except TypeError:
        return sha256(pickled(value)).hexdigest() if values else None


def _code(function: Any) -> str | None:
    """The digest of the file that a function stands in; of this package, `provenance.code` speaks for all of them."""
    if _module(function).partition(".")[0] == "sociolect":
        return None
    try:
        path = inspect.getsourcefile(function)
        return of_file(Path(path)) if path and Path(path).is_file() else fingerprint(inspect.getsource(function))
    except TypeError:  # it is built into Python
        return None
    except OSError as error:
        raise UsageError(
            f"the code of {name(function)} cannot be read: put it in a file, or scores of another code would be taken for its own"
        ) from error


def _module(function: Any) -> str:
    # a spawned process knows the script of its parent by another name
    return "__main__" if function.__module__ == "__mp_main__" else str(function.__module__)
