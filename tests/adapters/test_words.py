"""Words that somebody else wrote."""

import pytest

from adapters.words import CHARACTERS_MAX, plain


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("two\nlines\tand  spaces ", "two lines and spaces"),
        ("a\x1b[2Jb\u202ec", "a [2Jb c"),
        ("", ""),
    ],
)
def test_what_others_wrote_is_one_line_that_no_terminal_obeys(told: str, shown: str) -> None:
    assert plain(told) == shown


def test_what_others_wrote_is_cut_to_length() -> None:
    assert plain("x" * CHARACTERS_MAX) == "x" * CHARACTERS_MAX
    assert plain("x" * 5000) == "x" * (CHARACTERS_MAX - 1) + "…"
    assert plain("abcdef", 4) == "abc…"
