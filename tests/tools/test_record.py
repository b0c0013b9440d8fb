"""`record`: a script tells the log something, all of it or nothing."""

import json
from pathlib import Path

import pytest

from tests.tools.command import bytes_of, run

QUOTE = {"instrument": "KXMADE", "quoted_at": "2026-05-11T14:30:00Z", "bid": "0.45"}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """An empty book."""
    run(tmp_path / "book", "init")
    return tmp_path / "book"


def test_a_payload_from_standard_input_is_in_the_book(book: Path) -> None:
    ran = run(book, "record", "market.quote", "--json", stdin=json.dumps(QUOTE, indent=2))
    assert ran.code == 0, ran.err
    assert ran.json["keys"] == ["kalshi|main|live|market.quote|quoted-KXMADE-2026-05-11T14:30:00Z"]
    sql = "SELECT instrument_id, bid FROM quote"
    (row,) = run(book, "query", sql, "--json").json["rows"]
    assert row == {"instrument_id": "KXMADE", "bid": "0.45"}


def test_lines_of_payloads_come_from_a_file(book: Path, tmp_path: Path) -> None:
    path = tmp_path / "quotes"
    path.write_text("\n\n".join(json.dumps(QUOTE | {"instrument": name}) for name in "ABC"))
    ran = run(book, "record", "market.quote", path, "--no-project", "--json").json
    assert (ran["new"], ran["duplicates"], ran["projection"]) == (3, 0, None)
    again = run(book, "record", "market.quote", path, "--no-project", "--json").json
    assert (again["new"], again["duplicates"]) == (0, 3)


def test_venue_account_mode_and_key_can_be_told(book: Path) -> None:
    told = ("--venue", "ibkr", "--account", "U1", "--mode", "paper", "--key", "mine")
    ran = run(book, "record", "market.quote", *told, "--json", stdin=json.dumps(QUOTE))
    assert ran.json["keys"] == ["ibkr|U1|paper|market.quote|mine"]


def test_what_is_told_again_after_something_else_is_told_anew(book: Path) -> None:
    told = []
    for bid in ("0.45", "0.46", "0.45", "0.45"):
        text = json.dumps(QUOTE | {"bid": bid})
        ran = run(book, "record", "market.quote", "--no-project", "--json", stdin=text).json
        told.append((ran["new"], ran["revisions"], ran["duplicates"]))
    assert told == [(1, 0, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1)]


def test_a_dry_run_writes_nothing_and_says_so(book: Path) -> None:
    before = bytes_of(book)
    ran = run(book, "record", "market.quote", "--dry-run", stdin=json.dumps(QUOTE))
    assert "1 new event" in ran.verdict
    assert "dry run: nothing was written" in ran.verdict
    assert bytes_of(book) == before


@pytest.mark.parametrize(
    ("arguments", "text", "reason"),
    [
        (["market.quote"], json.dumps(QUOTE) + '{"bid":"1"}', "payload 2: instrument: Field"),
        (["market.quote"], json.dumps(QUOTE | {"bid": 0.45}), "payload 1: bid: Input should be"),
        (["market.quote"], "", "no payload"),
        (["market.quote"], "[]", "payload 1: payload: an object is expected"),
        (["market.quote"], '{"bid"', "standard input: not JSON at character"),
        (["bot.thought"], "{}", "kind 'bot.thought' is not known; there are bot.order_posted"),
        (["bot.rejected_line"], "{}", "is not known"),
        (["market.quote", "--key", "k"], json.dumps(QUOTE) * 2, "--key names one payload"),
        (["market.quote", "--key", ""], json.dumps(QUOTE), "--key: name something in 1 to 500"),
        (["market.quote", "--key", "k" * 501], json.dumps(QUOTE), "--key: name something in 1"),
        (["market.quote"], json.dumps(QUOTE | {"x": "\ud800"}), "payload 1: payload: half a"),
        (["market.quote", "--venue", "bot"], json.dumps(QUOTE), "--venue 'bot'"),
    ],
)
def test_a_wrong_payload_is_named_and_nothing_is_appended(
    book: Path, arguments: list[str], text: str, reason: str
) -> None:
    before = bytes_of(book)
    ran = run(book, "record", *arguments, stdin=text)
    assert ran.code == 2
    assert reason in " ".join(ran.err.split())
    assert bytes_of(book) == before


def test_a_file_that_is_not_there_is_told(book: Path) -> None:
    ran = run(book, "record", "market.quote", "missing.json")
    assert ran.code == 3
    assert "missing.json: cannot be read" in ran.err
