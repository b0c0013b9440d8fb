import pytest

from adapters.kalshi import errors
from adapters.kalshi.errors import FetchError, UnfitKeyError, said
from domain.errors import CannotDoError, UsageError


@pytest.mark.parametrize(
    "name",
    ["RefusedError", "NotThereError", "BadRequestError", "UnreachableError", "CursorLoopError"],
)
def test_what_the_exchange_does_to_us_is_exit_3(name: str) -> None:
    error = getattr(errors, name)
    assert issubclass(error, FetchError)
    assert issubclass(error, CannotDoError)
    assert error.exit_code == 3


def test_a_key_that_cannot_be_used_is_exit_2() -> None:
    assert issubclass(UnfitKeyError, UsageError)
    assert UnfitKeyError.exit_code == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error":"too many requests"}', "too many requests"),
        ('{"error":{"code":"not_found","message":"no such market"}}', "no such market: not_found"),
        (
            '{"code":"bad","message":"limit too large","details":"max 1000"}',
            "limit too large: max 1000: bad",
        ),
        ('{"error":"same","message":"same"}', "same"),
        ('{"error":404}', ""),
        ("[1,2]", ""),
        ("", ""),
        ("upstream gone", "upstream gone"),
        ("<html><h1>502</h1></html>", ""),
        ('{"error":"a\\u001b[2Jb\\nc\\u202ed"}', "a [2Jb c d"),
    ],
)
def test_the_words_of_the_api_are_found_wherever_they_stand(body: str, words: str) -> None:
    assert said(body) == words


def test_the_words_of_the_api_are_cut_to_length() -> None:
    assert said('{"error":"' + "x" * 5000 + '"}') == "x" * 199 + "…"
