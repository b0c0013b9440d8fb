"""`fetch ibkr`: a gateway asked, a book that agrees with it, and a verdict that says what came."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.ibkr.connection import Address, Limits
from adapters.ibkr.following import Pauses
from adapters.ibkr.session import Plan
from adapters.log.sqlite import SQLiteLog
from domain.errors import UsageError
from tests.adapters.ibkr.desk import ACCOUNT, NOON, executed, filled, reported
from tests.fakes.gateway import (
    Asked,
    CommissionReport,
    Gateway,
    Position,
    Refuse,
    Silence,
    World,
    combo,
    option,
    stock,
    time_text,
)
from tests.tools.command import finish, run, start
from tools import book as books
from tools import fetch_ibkr, following_ibkr, outcome
from tools.book import Book
from tools.fetch_ibkr import Access, Wanted
from tools.following_ibkr import _Rounds
from tools.outcome import Outcome
from tools.recorder import Recorder

PROGRAMS_KEYS = (
    "dry_run complete streams new revisions duplicates commissions_pending drift impossible_values "
    "canaries alerts projection"
)
LOOKS_MAX = 20_000


@contextmanager
def paper(folder: Path, world: World, settings: str = "") -> Iterator[tuple[Book, Gateway]]:
    """Give a paper book whose gateway serves a world."""
    with Gateway(world) as gateway:
        book = books.create(folder / "book", account="main", mode="paper")
        path = book.folder / "book.toml"
        text = path.read_text("utf-8").replace(
            "[ibkr]", f"[ibkr]\nport = {gateway.port}\n{settings}"
        )
        path.write_text(text, "utf-8")
        yield books.load(book.folder), gateway


def entry(gateway: Gateway, **changes: Any) -> Access:  # noqa: ANN401 - as they are given
    """Return an access that does not wait for reports, on the day of the world."""
    plan = Plan(Address(port=gateway.port), "paper", Limits(10, 10), reports_seconds=0)
    return Access(replace(plan, **changes), now=lambda: NOON)


def rows(book: Book, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query over the projection."""
    with book.open_projection() as connection:
        found: list[dict[str, Any]] = connection.cursor().sql(query).to_arrow_table().to_pylist()
        return found


def keys(book: Book, kind: str) -> list[str]:
    """Return the last parts of the keys of a kind in the log."""
    with book.open_log() as log:
        return _keys(log, kind)


def _keys(log: SQLiteLog, kind: str) -> list[str]:
    return [
        row["key"].rpartition("|")[2]
        for batch in log.batches(0, log.head())
        for row in batch.to_pylist()
        if row["kind"] == kind
    ]


def held(world: World) -> World:
    """Return a world whose position is what its executions, all of them bought, come to."""
    bought = sum(Decimal(execution.shares) for execution in world.executions)
    world.positions = [Position(stock(), str(bought), "10.5", ACCOUNT)]
    return world


def busy_world() -> World:
    """Return a day: orders of several clients, a correction, a combination, a rebate, a delay."""
    world = filled(1, 2, 3)
    world.fill(executed(4, side="SLD", client_id="44", price="11.25"), reported(4))
    wrong = executed(5)
    world.fill(wrong)
    right = replace(wrong, exec_id=f"{wrong.exec_id[:-1]}2", shares="4", cum_qty="")
    world.fill(right, CommissionReport(right.exec_id, "0.4"))
    world.fill(executed(6), reported(6, commission="-0.25"))
    world.fill(executed(7), reported(7, commission="-1.0"))
    call = option("AAPL", "20260320", "200", "C", con_id="900001")
    for leg in combo("0000e0d5.6a59af99.00.01", [(call, "BOT", "2", "3.10")], perm_id="1099"):
        world.keep(leg)
        if leg.contract.sec_type != "BAG":
            world.keep(CommissionReport(leg.exec_id, "1.3"))
    world.positions = [Position(stock(), "15", "10.5", ACCOUNT)]
    return world


def test_the_book_agrees_with_what_happened(tmp_path: Path) -> None:
    world = busy_world()
    with paper(tmp_path, world) as (book, gateway):
        told = fetch_ibkr.ibkr(book, Wanted(), entry(gateway))
        truth = world.truth()
        assert told.data["complete"]
        assert told.data["commissions_pending"] == 1
        fills = {row["fill_id"]: row for row in rows(book, "SELECT * FROM fill")}
        assert fills.keys() == truth.fills.keys()
        for fill_id, execution in truth.fills.items():
            fill = fills[fill_id]
            assert fill["executed_at"] == execution.at
            assert (fill["quantity"], fill["price"]) == (
                Decimal(execution.shares),
                Decimal(execution.price),
            )
            assert fill["multiplier"] == Decimal(execution.contract.multiplier or 1)
            assert fill["order_id"] == execution.perm_id
        unknown = {name for name, fill in fills.items() if fill["fee_state"] == "pending"}
        assert unknown == truth.fees_unknown
        fees = sum((fill["fee"] for fill in fills.values() if fill["fee"] is not None), Decimal(0))
        assert fees == truth.fees[ACCOUNT, "USD"]
        held = rows(book, "SELECT account, instrument_id, quantity FROM position")
        assert {(row["account"], row["instrument_id"]): row["quantity"] for row in held} == (
            truth.quantities
        )


def test_a_fetch_in_which_everything_is_as_ever_ends_in_one_line(tmp_path: Path) -> None:
    # the gateway's clock is right, and its day has been a long one
    world = held(filled(1, 2, now=books.now(), since_midnight=False))
    with paper(tmp_path, world) as (book, _):
        first = run(book.folder, "fetch", "ibkr")
        assert (first.code, first.err) == (0, "")
        assert first.out.count("\n") == 1
        assert first.verdict.startswith("4 streams of 1 account complete: 5 new events")
        again = run(book.folder, "fetch", "ibkr", "--json").json
        # a position is a snapshot, new each time
        assert (again["new"], again["duplicates"]) == (1, 4)
        assert set(PROGRAMS_KEYS.split()) <= again.keys()


def test_a_stream_that_fails_is_told_and_ends_in_3(tmp_path: Path) -> None:
    with paper(tmp_path, filled(1)) as (book, gateway):
        gateway.on(Asked.POSITIONS, Refuse(321, "Error validating request"))
        told = run(book.folder, "fetch", "ibkr")
        assert told.code == 3
        assert f"INCOMPLETE positions of {ACCOUNT}: positions: error 321" in told.out
        assert told.verdict.startswith("3 of 4 streams of 1 account complete")
        state = rows(book, "SELECT stream, state FROM stream_status ORDER BY stream")
        assert [row["state"] for row in state] == [
            "complete",
            "complete",
            "complete",
            "incomplete",
        ]


def test_what_cannot_be_read_is_kept_and_told(tmp_path: Path) -> None:
    world = World()
    world.fill(executed(1, time=time_text(executed(1).at, "CEST")))
    world.fill(executed(2, extra=("news",)))
    with paper(tmp_path, world) as (book, gateway):
        told = fetch_ibkr.ibkr(book, Wanted(), entry(gateway))
        assert told.exit_code == 1
        assert len(keys(book, "ibkr.execution")) == 2
        (shape,) = told.data["drift"]
        assert (shape["kind"], shape["status"]) == ("ibkr.execution", "additive")
        (value,) = told.data["impossible_values"]
        assert (value["reason"], value["column_name"]) == ("bad_time", "executed_at")
        assert [row["fill_id"] for row in rows(book, "FROM fill")] == [executed(2).exec_id]


@pytest.mark.parametrize(
    ("zone", "settings"),
    [("", 'gateway_zone = "Europe/Berlin"'), ("dashed UTC", ""), ("epoch", "")],
)
def test_times_are_read_in_every_form(tmp_path: Path, zone: str, settings: str) -> None:
    execution = executed(1)
    shown = execution.at
    world = World()
    text = "20260105  16:01:00" if zone == "" else time_text(shown, zone)
    world.fill(replace(execution, time=text))
    with paper(tmp_path, held(world), settings) as (book, _):
        assert run(book.folder, "fetch", "ibkr").code == 0
        assert [row["executed_at"] for row in rows(book, "FROM fill")] == [shown]


def test_a_time_without_a_zone_is_not_guessed(tmp_path: Path) -> None:
    world = World()
    world.fill(executed(1, time="20260105  16:01:00"))
    with paper(tmp_path, world) as (book, _):
        assert run(book.folder, "fetch", "ibkr").code == 1
        assert rows(book, "FROM fill") == []


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    with paper(tmp_path, filled(1)) as (book, _):
        told = run(book.folder, "fetch", "ibkr", "--dry-run")
        assert told.code == 0
        assert "2 new events" in told.verdict
        assert "(dry run: nothing was written)" in told.verdict
        assert run(book.folder, "fetch", "ibkr", "--dry-run", "--json").json["dry_run"] is True
        with book.open_log() as log:
            assert log.head() == 0


# --- where the gateway is ------------------------------------------------------------------------


def test_another_machine_is_refused_unless_the_book_allows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with paper(tmp_path, World()) as (book, _):
        monkeypatch.setenv("BROKERTRUTH_IBKR_HOST", "192.0.2.7")
        told = run(book.folder, "fetch", "ibkr")
        assert told.code == 2
        assert "192.0.2.7 is not this machine, and the gateway speaks in clear" in told.err
        settings = replace_settings(book, remote=True)
        assert fetch_ibkr.access(settings).plan.address.host == "192.0.2.7"


def replace_settings(book: Book, **changes: Any) -> Book:  # noqa: ANN401 - as they are given
    """Return the book with other settings under [ibkr]."""
    told = book.configuration
    ibkr = told.ibkr.model_copy(update=changes)
    return Book(book.folder, told.model_copy(update={"ibkr": ibkr}))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_this_machine_has_many_names(tmp_path: Path, host: str) -> None:
    book = books.create(tmp_path / "book", account="main", mode="paper")
    assert fetch_ibkr.access(replace_settings(book, host=host)).plan.address.host == host


@pytest.mark.parametrize(("mode", "port"), [("live", 4001), ("paper", 4002)])
def test_the_port_is_that_of_the_mode_where_none_is_named(
    tmp_path: Path, mode: str, port: int
) -> None:
    book = books.create(tmp_path / "book", account="main", mode=mode)
    address = fetch_ibkr.access(book).plan.address
    assert (address.port, address.client_id) == (port, 0)


def test_the_environment_has_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = books.create(tmp_path / "book", account="main", mode="paper")
    monkeypatch.setenv("BROKERTRUTH_IBKR_PORT", "7497")
    monkeypatch.setenv("BROKERTRUTH_IBKR_CLIENT_ID", "12")
    address = fetch_ibkr.access(book).plan.address
    assert (address.port, address.client_id) == (7497, 12)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("PORT", text) for text in ("many", "0", "70000", "-1", "4001.0", "9" * 99)),
        *(("CLIENT_ID", text) for text in ("x", "-1", "2147483648")),
    ],
)
def test_a_number_of_the_environment_that_cannot_be_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    book = books.create(tmp_path / "book", account="main", mode="paper")
    monkeypatch.setenv(f"BROKERTRUTH_IBKR_{name}", text)
    told = run(book.folder, "fetch", "ibkr")
    assert told.code == 2
    assert f"$BROKERTRUTH_IBKR_{name} is '{text}': use a number from " in told.err.replace(
        "\n", " "
    )


@pytest.mark.parametrize("name", ["gateway_zone", "day_zone"])
@pytest.mark.parametrize("zone", ["CEST", "Nowhere/Land", "../etc", ""])
def test_a_zone_that_is_none_is_refused(tmp_path: Path, name: str, zone: str) -> None:
    book = books.create(tmp_path / "book", account="main", mode="paper")
    with pytest.raises(UsageError, match="is no time zone"):
        fetch_ibkr.access(replace_settings(book, **{name: zone}))


def test_a_live_account_is_refused_by_a_paper_book(tmp_path: Path) -> None:
    with paper(tmp_path, World(accounts=("U1234567",))) as (book, _):
        told = run(book.folder, "fetch", "ibkr")
        assert told.code == 2
        assert "account U1234567 is a live account and this book is paper" in told.err


def test_a_gateway_that_is_not_there_ends_in_3(tmp_path: Path) -> None:
    with paper(tmp_path, World()) as (book, gateway):
        gateway.stop()
        told = run(book.folder, "fetch", "ibkr")
        assert told.code == 3
        assert "nobody listens there" in told.err


# --- processes that end in the middle ------------------------------------------------------------


def until_kept(book: Book, kind: str, count: int) -> None:
    """Look into the log until so many events of a kind are in it."""
    for _ in range(LOOKS_MAX):
        if len(keys(book, kind)) >= count:
            return
    pytest.fail(f"{count} events of {kind} were waited for in vain")


def test_a_fetch_that_is_killed_in_the_middle_and_run_again_has_everything_once(
    tmp_path: Path,
) -> None:
    world = held(filled(1, 2, 3))
    with paper(tmp_path, world) as (book, gateway):
        gateway.on(Asked.EXECUTIONS, Silence(), times=1)
        process = start("--book", book.folder, "fetch", "ibkr", folder=tmp_path)
        gateway.wait_for(Asked.EXECUTIONS)
        # half of the answer
        gateway.push(executed(1), reported(1), executed(2), remember=False)
        until_kept(book, "ibkr.execution", 2)
        process.kill()
        assert finish(process).code == -signal.SIGKILL
        again = finish(start("--book", book.folder, "fetch", "ibkr", folder=tmp_path))
        assert again.code == 0, again.err
        expected = [executed(number).exec_id for number in (1, 2, 3)]
        assert sorted(keys(book, "ibkr.execution")) == expected
        assert sorted(keys(book, "ibkr.commission_report")) == expected
        assert run(book.folder, "verify").code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_following_that_is_asked_to_stop_keeps_all_and_says_what_it_did(
    tmp_path: Path, number: signal.Signals
) -> None:
    with paper(tmp_path, held(filled(1))) as (book, gateway):
        words = ("--book", book.folder, "fetch", "ibkr", "--follow", "--json")
        process = start(*words, folder=tmp_path)
        gateway.wait_for(Asked.ACCOUNT_SUMMARY)
        # behind the moment of the position that was told
        later = books.now() + timedelta(hours=1)
        gateway.push(executed(2, at=later), reported(2))
        until_kept(book, "ibkr.commission_report", 2)
        assert process.stderr is not None
        while "caught up (connected)" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        told = finish(process)
        assert told.code == 0, told.err
        assert (told.json["connections"], told.json["pushed_executions"]) == (1, 1)
        assert len(rows(book, "FROM fill")) == 2


def test_a_following_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    with paper(tmp_path, filled(1)) as (book, gateway):
        words = ("--book", book.folder, "fetch", "ibkr", "--follow", "--no-project")
        process = start(*words, folder=tmp_path)
        gateway.wait_for(Asked.ACCOUNT_SUMMARY)
        gateway.push(executed(2), reported(2))
        until_kept(book, "ibkr.commission_report", 2)
        process.kill()
        finish(process)
        # while nobody listened
        gateway.world.fill(executed(3))
        told = fetch_ibkr.ibkr(book, Wanted(), entry(gateway))
        assert told.data["new"] == 2
        assert len(rows(book, "FROM fill")) == 3


def test_following_projects_and_tells_of_what_is_new(tmp_path: Path) -> None:
    with paper(tmp_path, held(filled(1))) as (book, gateway):
        said: list[str] = []

        def stop() -> bool:
            return any(line.startswith("caught up") for line in said)

        with Recorder(book.spool_path, "ibkr", fsync=False) as bot:
            assert bot.record("market.quote", {"instrument": "1", "mid": 10, "quoted_at": NOON})
        told = following_ibkr.follow(
            book,
            Wanted(),
            entry(gateway),
            stop=stop,
            pauses=Pauses(listening=0.01),
            say=said.append,
        )
        assert told.exit_code == 0
        assert said[-1].startswith("caught up (connected): 1 new event, 0 revisions, 0 duplicates")
        assert "1 spool file; 4 streams of 1 account complete" in said[-1]
        assert told.data["rounds"] == 1
        assert len(rows(book, "FROM fill")) == len(rows(book, "FROM quote")) == 1


def test_a_following_that_is_stopped_within_its_first_round_says_so(tmp_path: Path) -> None:
    with paper(tmp_path, filled(1)) as (book, gateway):
        gateway.on(Asked.POSITIONS, Silence())
        told = following_ibkr.follow(
            book,
            Wanted(),
            entry(gateway),
            stop=lambda: bool(gateway.asked(Asked.POSITIONS)),
            pauses=Pauses(listening=0.01),
            say=lambda _: None,
        )
        assert told.exit_code == 3
        assert "; stopped before a round of questions came to its end" in told.verdict
        assert told.data["reason"] == "stopped before a round of questions came to its end"
        assert keys(book, "ibkr.execution") == [executed(1).exec_id]


def test_a_following_that_never_had_a_connection_says_why(tmp_path: Path) -> None:
    with paper(tmp_path, World()) as (book, gateway):
        gateway.stop()
        said: list[str] = []
        told = following_ibkr.follow(
            book,
            Wanted(),
            entry(gateway),
            stop=lambda: bool(said),
            pauses=Pauses(listening=0.01),
            say=said.append,
        )
        assert told.exit_code == 3
        assert "nobody listens there" in told.data["reason"]


def test_a_following_keeps_the_newest_alerts_each_once(tmp_path: Path) -> None:
    with paper(tmp_path, World()) as (book, gateway), book.open_log() as log:
        rounds = _Rounds(book, log, Wanted(), entry(gateway), lambda _: None)
        for number in (*range(150), 149):
            data = {"alerts": [f"DRIFT ALERT {number}"]}
            rounds.note(Outcome("", data, (), outcome.FOUND if number == 3 else outcome.GOOD))
        assert rounds.count == 151
        assert list(rounds.alerts) == [f"DRIFT ALERT {number}" for number in range(50, 150)]
        assert rounds.code() == outcome.FOUND


def test_following_cannot_be_a_dry_run(tmp_path: Path) -> None:
    book = books.create(tmp_path / "book", account="main", mode="paper")
    with pytest.raises(UsageError, match="--follow appends what comes"):
        following_ibkr.follow(book, Wanted(dry_run=True))
