"""Strategies in `status`, and the alarms about them as a user meets them."""

from pathlib import Path

import pytest

from adapters.log.sqlite import SQLiteLog
from domain.event import NewEvent, Owner
from tests.projections.account_events import fetch
from tests.projections.bot_records import at, claim, decision, posted
from tests.tools.command import MARKET, fills_page, run, small_book, take_up, written

MANUAL = "DRIFT ALERT manual_beside_decision fill-2 at position"


def book_with(folder: Path, *events: NewEvent) -> Path:
    """Return a small book with more events in its log, not projected."""
    book = small_book(folder)
    append(book, *events)
    return book


def append(book: Path, *events: NewEvent) -> None:
    """Append what a bot or an operator recorded, as the ledger takes it in."""
    with SQLiteLog.open(book / "log.sqlite") as log:
        log.append(list(events))


def account_of(book: Path) -> Owner:
    told = run(book, "status", "--json").json
    return Owner(told["account"], told["mode"])


def beside(owner: Owner, hour: float) -> NewEvent:
    """Return a decision on the market of the small book, on the side of its second fill."""
    return decision(at(hour, 120), instrument=MARKET, side="no", owner=owner)


def test_project_tells_of_a_manual_fill_beside_a_decision_once(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    append(book, beside(account_of(book), 11))
    told = run(book, "project")
    assert told.code == 1
    assert told.out.count(MANUAL) == 1
    assert "120 s before the posted decision d1 of alpha" in " ".join(told.out.split())
    again = run(book, "rebuild")
    assert (again.code, MANUAL in again.out) == (0, False)
    assert MANUAL in run(book, "drift").out
    status = run(book, "status", "--json")
    assert (status.code, status.json["canaries"]) == (1, 1)


def test_ingest_tells_of_the_fill_that_it_brought(tmp_path: Path) -> None:
    book = tmp_path / "book"
    run(book, "init")
    append(book, beside(account_of(book), 11))
    assert "DRIFT ALERT" not in run(book, "project").out
    told = run(book, "ingest", written(tmp_path / "pages", fills=fills_page()))
    assert told.code == 1
    assert MANUAL in told.out


@pytest.mark.parametrize("seconds", [601, -601])
def test_nothing_is_told_of_a_fill_far_from_every_decision(tmp_path: Path, seconds: int) -> None:
    book = small_book(tmp_path)
    append(book, beside(account_of(book), 11 + (seconds - 120) / 3600))
    assert "DRIFT ALERT" not in run(book, "project").out


def test_status_shows_strategies_and_how_many_fills_nothing_explains(tmp_path: Path) -> None:
    told = run(small_book(tmp_path), "status", "--json").json
    assert told["unattributed_fills"] == 2
    assert [one["strategy"] for one in told["strategies"]] == ["unattributed"]
    # without rules there are no strategies to show
    assert "since fill" not in run(tmp_path / "book", "status").out


def test_what_a_strategy_of_the_rules_made_is_shown_and_one_without_data_is_unknown(
    tmp_path: Path,
) -> None:
    rules = '[strategies.maker]\nprefixes = ["bot-"]\n[strategies.silent]\nprefixes = ["s-"]\n'
    book = small_book(tmp_path)
    take_up(book, rules)
    status = run(book, "status", "--json")
    assert (status.code, status.json["unattributed_fills"]) == (0, 1)
    found = {one["strategy"]: one for one in status.json["strategies"]}
    assert {name: one["state"] for name, one in found.items()} == {
        "maker": "flowing",
        "silent": "unknown",
        "unattributed": "flowing",
    }
    assert found["maker"]["realized_net"] == "2.13"
    assert (found["silent"]["realized_net"], found["silent"]["last_fill_at"]) == (None, None)
    shown = run(book, "status").out
    assert "2.13 USD" in shown
    assert "2026-06-01 10:00Z" in shown
    assert max(len(line) for line in shown.splitlines()) <= 100


def test_a_strategy_that_posts_and_is_not_known_to_be_filled_needs_a_look(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    owner = account_of(book)
    append(
        book,
        decision(at(10), owner=owner, strategy="asked", decision_id="d1", instrument="X"),
        fetch("fills", (at(0), at(12)), at=at(12), owner=owner),
        decision(at(13), owner=owner, strategy="unasked", decision_id="d2", instrument="X"),
        posted(at(13), "o-1", owner=owner, strategy="recorded", instrument="X"),
        decision(at(13), owner=owner, strategy="shy", decision_id="d3", outcome="shadow"),
    )
    run(book, "project")
    status = run(book, "status", "--json")
    assert status.code == 1
    verdict = status.json["verdict"]
    assert "asked no_fills; recorded unknown; unasked unknown; " in verdict
    assert "shy" not in verdict


def test_accounts_are_named_where_there_are_several(tmp_path: Path) -> None:
    other = Owner("other", "paper")
    book = book_with(tmp_path, decision(at(10), owner=other), claim("fill-9", "alpha"))
    run(book, "project")
    assert "alpha of kalshi/other/paper unknown" in run(book, "status", "--json").json["verdict"]
    assert "kalshi/other/paper" in "".join(run(book, "status").out.split())
    assert "DRIFT ALERT claim_of_unknown_fill fill-9" in run(book, "drift").out
