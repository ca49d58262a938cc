"""What an error says, and the exit code it carries."""

import pytest

from sociolect import errors


@pytest.mark.parametrize(
    ("error", "code", "also"),
    [
        (errors.SociolectError, 1, Exception),
        (errors.UsageError, 2, ValueError),
        (errors.InputError, 3, ValueError),
        (errors.FrameError, 3, errors.InputError),
        (errors.CardError, 3, errors.InputError),
        (errors.MissingExtra, 4, ImportError),
        (errors.RefusedError, 5, RuntimeError),
        (errors.ModelError, 6, RuntimeError),
        (errors.WorkspaceError, 7, RuntimeError),
    ],
)
def test_each_error_ends_with_its_own_code_and_is_what_python_expects(
    error: type[errors.SociolectError], code: int, also: type[Exception]
) -> None:
    assert error.exit_code == code
    assert issubclass(error, also)
    assert issubclass(error, errors.SociolectError)
    assert str(error("seen; due; mend")) == "seen; due; mend"


@pytest.mark.parametrize(
    ("name", "known", "told"),
    [
        ("leidn", ["louvain", "leiden"], "no finder 'leidn'; did you mean 'leiden'?"),
        ("xyz", ["louvain", "leiden"], "no finder 'xyz'; there are: leiden, louvain"),
        ("xyz", [], "no finder 'xyz'; there are: none"),
        ("", iter(["leiden"]), "no finder ''; there are: leiden"),
        ("Leiden", ("leiden",), "no finder 'Leiden'; did you mean 'leiden'?"),
    ],
)
def test_an_unknown_name_brings_the_nearest_or_all(name: str, known: list[str], told: str) -> None:
    assert str(errors.unknown("finder", name, known)) == told


def test_a_missing_part_says_how_to_install_it() -> None:
    assert str(errors.needs("a served model", "serve")).endswith("pip install 'sociolect[serve]'")
