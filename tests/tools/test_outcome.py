"""What a verb has to say, on a screen and for a program."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta

import pytest
from rich.table import Table

from domain.errors import UsageError
from tools.outcome import FOUND, GOOD, Outcome, counted, moment, safe, screen, show

HOSTILE = "[bold]x[/bold] [/nothing] :smile: \x1b[31mred\a\r"


def shown(outcome: Outcome, *, as_json: bool = False) -> tuple[str, str]:
    """Return standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        show("verb", outcome, as_json=as_json)
    return out.getvalue(), err.getvalue()


def test_people_see_the_body_and_then_the_verdict() -> None:
    assert shown(Outcome("done", {"n": 1}, ("one", "two"))) == ("one\ntwo\ndone\n", "")


def test_programs_see_verb_verdict_exit_code_and_data_in_one_line() -> None:
    out, err = shown(Outcome("dōne\n", {"n": 1}, ("body",), FOUND), as_json=True)
    assert (out.count("\n"), err) == (1, "")
    assert json.loads(out) == {"verb": "verb", "exit_code": 1, "verdict": "dōne\n", "n": 1}


def test_raw_output_is_all_of_standard_output_and_the_verdict_goes_to_standard_error() -> None:
    assert shown(Outcome("done", {}, (), GOOD, ("a,", "b\r\n"))) == ("a,b\r\n", "done\n")


def test_texts_are_neither_markup_nor_able_to_move_the_cursor() -> None:
    out, _ = shown(Outcome(HOSTILE, {}, (HOSTILE, "two\nlines")))
    told = r"[bold]x[/bold] [/nothing] :smile: \x1b[31mred\x07\r"
    assert out == f"{told}\ntwo\nlines\n{told}\n"


def test_cells_of_a_table_are_not_markup() -> None:
    table = Table("[red]name", box=None)
    table.add_row("[/red] :smile:")
    out, _ = shown(Outcome("done", {}, (table,)))
    assert "[red]name" in out
    assert "[/red] :smile:" in out


def test_a_long_sentence_is_one_line_however_wide_the_screen_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    sentence = "word " * 50 + "end"
    assert shown(Outcome(sentence, {}, (sentence,)))[0] == f"{sentence}\n{sentence}\n"


@pytest.mark.parametrize("columns", ["20", "100", "300"])
def test_what_is_no_terminal_is_100_columns_wide(
    monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with redirect_stdout(io.StringIO()):
        assert screen().width == 100


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0 fills"), (1, "1 fill"), (2, "2 fills"), (12345, "12,345 fills")]
)
def test_counting_knows_the_plural(number: int, told: str) -> None:
    assert counted(number, "fill") == told


def test_a_plural_of_its_own() -> None:
    assert counted(2, "index", "indices") == "2 indices"


def test_safe_keeps_lines_and_letters() -> None:
    assert safe("é ✓\n\tx\x00") == "é ✓\n\\tx\\x00"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-13T20:00:00Z", datetime(2026, 1, 13, 20, tzinfo=UTC)),
        ("2026-01-13T20:00:00+02:00", datetime(2026, 1, 13, 18, tzinfo=UTC)),
        ("2026-01-13T20:00", datetime(2026, 1, 13, 20, tzinfo=UTC)),
        ("2026-01-13", datetime(2026, 1, 13, tzinfo=UTC)),
    ],
)
def test_a_moment_without_a_zone_is_utc(text: str, at: datetime) -> None:
    read = moment(text, "--since")
    assert read == at
    assert read is not None
    assert read.utcoffset() is not None


def test_an_option_that_is_not_given_names_no_moment() -> None:
    assert moment(None, "--since") is None


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "20:00", str(timedelta(1))])
def test_what_is_no_moment_is_told_with_its_option_and_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"--as-of '.*': write it like 2026-01-13T20:00:00Z"):
        moment(text, "--as-of")
