"""One round over a real connection: nothing lost, nothing doubled, nothing invented."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.ibkr.errors import GatewayError, LostError, RefusedError, SilentError
from domain.errors import CannotDoError, UsageError
from tests.adapters.ibkr.desk import (
    ACCOUNT,
    MORNING,
    NOON,
    OTHER,
    SHORT,
    Desk,
    desk,
    executed,
    filled,
    reported,
)
from tests.fakes.gateway import (
    UNSET_DOUBLE,
    AccountSummary,
    AccountValue,
    Asked,
    CommissionReport,
    Drop,
    Execution,
    Hold,
    OpenOrder,
    OrderStatus,
    PortfolioValue,
    Position,
    Refuse,
    Silence,
    World,
    combo,
    option,
    stock,
    time_text,
)
from tests.fakes.gateway.world import Message

EXECUTION = "ibkr.execution"
REPORT = "ibkr.commission_report"
STREAMS = {"executions", "positions", "open_orders", "account"}


def states(at_desk: Desk, account: str = ACCOUNT) -> dict[str, str]:
    return {name: told["state"] for (of, name), told in at_desk.fetches().items() if of == account}


def wire(execution: Execution, version: int = 176) -> list[str]:
    """Return what the payload of an execution must hold: all but id and number of the request."""
    return list(execution.fields(version)[2:])


# --- everything is as it should be ---------------------------------------------------------------


@pytest.mark.parametrize("pieces", [(), (1,), (3, 1000, 1)])
@pytest.mark.parametrize("version", [157, 176, 187])
def test_everything_that_is_told_is_kept_field_by_field(
    tmp_path: Path, pieces: tuple[int, ...], version: int
) -> None:
    world = filled(1, 2, 3, server_version=version)
    world.positions = [Position(stock(), "6", "10.5", ACCOUNT)]
    world.account_values = [AccountValue("CashBalance", "1000.10", "USD", ACCOUNT)]
    world.portfolio = [PortfolioValue(stock(), "6", "11", "66", "10.5", "3", "0", ACCOUNT)]
    world.account_summary = [AccountSummary("NetLiquidation", "5000.00", "USD", ACCOUNT)]
    with desk(tmp_path, world, pieces=pieces) as at_desk:
        asked = at_desk.ask()
        assert asked.complete
        assert asked.unreported == 0
        spoken = min(version, at_desk.envelopes(EXECUTION)[0]["source"]["server"])
        assert [list(row.values()) for row in at_desk.rows(EXECUTION)] == [
            wire(execution, spoken) for execution in world.executions
        ]
        assert [row["realizedPNL"] for row in at_desk.rows(REPORT)] == [UNSET_DOUBLE] * 3
        assert [row["avgCost"] for row in at_desk.rows("ibkr.position")] == ["10.5"]
        assert [row["value"] for row in at_desk.rows("ibkr.account_value")] == ["1000.10"]
        assert [row["value"] for row in at_desk.rows("ibkr.account_summary")] == ["5000.00"]
        assert [row["marketPrice"] for row in at_desk.rows("ibkr.portfolio_value")] == ["11"]
        assert states(at_desk) == dict.fromkeys(STREAMS, "complete")
        assert at_desk.census.drifted() == []


def test_an_account_with_nothing_in_it_is_complete_and_empty(tmp_path: Path) -> None:
    with desk(tmp_path) as at_desk:
        asked = at_desk.ask()
        assert asked.complete
        assert [told.rows for _, told in asked.streams] == [0, 0, 0, 0]
        assert states(at_desk) == dict.fromkeys(STREAMS, "complete")


def test_asking_again_brings_nothing_new_but_snapshots(tmp_path: Path) -> None:
    world = filled(1, 2)
    world.positions = [Position(stock(), "3", "10.5", ACCOUNT)]
    with desk(tmp_path, world) as at_desk:
        at_desk.ask()
        again = {told.stream: told for _, told in at_desk.ask().streams}
        assert (again["executions"].new, again["executions"].duplicates) == (0, 4)
        assert (again["positions"].new, again["positions"].duplicates) == (1, 0)
        assert Counter(at_desk.keys(EXECUTION)).values()
        assert len(at_desk.rows(EXECUTION)) == 2


def test_executions_are_complete_from_midnight_of_the_gateways_day(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        at_desk.ask()
        told = at_desk.fetches()[ACCOUNT, "executions"]
        assert told["covered_from"] == "2026-01-05T05:00:00.000000Z"
        assert told["covered_until"].startswith("2026-01-05T20:30:00.0")
        assert at_desk.ask(day_zone="UTC").streams[0][1].covered_from == NOON.replace(
            hour=0, minute=0
        )


def test_the_night_between_two_days_is_named_as_not_covered(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        at_desk.ask()
        at_desk.ticks = iter(range(86_400_000, 10**9))
        at_desk.gateway.world.now = NOON + timedelta(days=1)
        (_, told), *_ = at_desk.ask().streams
        assert told.gap is not None
        start, end = told.gap
        assert start < NOON + timedelta(seconds=1)
        assert end == MORNING.replace(day=6, hour=5)


@pytest.mark.parametrize(
    ("gateway_zone", "hour"), [("UTC", 0), ("America/New_York", 5), ("America/Los_Angeles", 8)]
)
def test_where_the_zones_differ_the_later_midnight_is_as_far_as_executions_reach(
    tmp_path: Path, gateway_zone: str, hour: int
) -> None:
    """20:30 in UTC; midnight in New York was at 5, and nobody knows which one the gateway means."""
    with desk(tmp_path, filled(1)) as at_desk:
        (_, told), *_ = at_desk.ask(gateway_zone=gateway_zone).streams
        assert told.covered_from == NOON.replace(hour=max(hour, 5), minute=0)
        (_, told), *_ = at_desk.ask(gateway_zone=gateway_zone, day_zone="UTC").streams
        assert told.covered_from == NOON.replace(hour=hour, minute=0)


@pytest.mark.parametrize(
    ("ahead", "covered"),
    [
        (timedelta(), timedelta()),
        (timedelta(minutes=-2), timedelta(minutes=-2)),
        (timedelta(minutes=2), timedelta()),
    ],
)
def test_the_clock_that_is_behind_says_until_when_executions_came(
    tmp_path: Path, ahead: timedelta, covered: timedelta
) -> None:
    with desk(tmp_path, World(now=NOON + ahead)) as at_desk:
        (_, told), *_ = at_desk.ask().streams
        assert told.covered_until is not None
        assert abs(told.covered_until - NOON - covered) < timedelta(seconds=1)
        assert [line.partition(": ")[2] for line in at_desk.said] == (
            ["the gateway's clock and ours are 120 s apart: set the one that is wrong"]
            if ahead
            else []
        )


@pytest.mark.parametrize("ahead", [timedelta(hours=9), timedelta(hours=-16)])
def test_where_the_clocks_are_of_different_days_nothing_is_covered(
    tmp_path: Path, ahead: timedelta
) -> None:
    with desk(tmp_path, World(now=NOON + ahead)) as at_desk:
        (_, told), *_ = at_desk.ask().streams
        assert told.complete
        assert told.covered_until is None


def test_a_gateway_that_does_not_tell_its_time_is_asked_for_the_rest(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        at_desk.gateway.on(Asked.CURRENT_TIME, Silence())
        asked = at_desk.ask(limits=SHORT)
        assert asked.complete
        assert asked.streams[0][1].covered_until is not None
        (line,) = at_desk.said
        assert line.endswith("clock: no end of the answer within 0.3 s")


def test_the_request_is_for_all_clients(tmp_path: Path) -> None:
    world = World(executions=[executed(1, client_id="77"), executed(2, client_id="0")])
    with desk(tmp_path, world) as at_desk:
        at_desk.ask()
        (request,) = at_desk.gateway.asked(Asked.EXECUTIONS)
        assert request[3] in {"", "0"}
        assert [row["clientId"] for row in at_desk.rows(EXECUTION)] == ["77", "0"]


def test_the_orders_of_all_clients_are_asked_for_and_none_is_touched(tmp_path: Path) -> None:
    order = OpenOrder(stock(), perm_id="1001", order_id="1", client_id="5", account=ACCOUNT)
    status = OrderStatus("1", "Submitted", "0", "100", perm_id="1001", client_id="5")
    with desk(tmp_path, World(open_orders=[order], order_statuses=[status])) as at_desk:
        at_desk.ask()
        assert [row["permId"] for row in at_desk.rows("ibkr.open_order")] == ["1001"]
        assert [row["status"] for row in at_desk.rows("ibkr.order_status")] == ["Submitted"]
        kinds = {request.kind for request in at_desk.gateway.requests}
        assert kinds <= {
            Asked.HANDSHAKE,
            Asked.START_API,
            Asked.CURRENT_TIME,
            Asked.EXECUTIONS,
            Asked.POSITIONS,
            Asked.ALL_OPEN_ORDERS,
            Asked.ACCOUNT_UPDATES,
            Asked.ACCOUNT_SUMMARY,
            63,  # the end of the account summary
        }


# --- what the library would lose -----------------------------------------------------------------


@pytest.mark.parametrize("zone", ["CEST", "", "dashed UTC", "epoch", "Europe/Berlin"])
def test_a_time_that_the_library_cannot_read_is_kept(tmp_path: Path, zone: str) -> None:
    text = time_text(MORNING, zone)
    with desk(tmp_path, World(executions=[executed(1, time=text)])) as at_desk:
        assert at_desk.ask().complete
        assert [row["time"] for row in at_desk.rows(EXECUTION)] == [text]


def test_a_trailing_field_more_is_kept_and_told_as_drift(tmp_path: Path) -> None:
    with desk(tmp_path, World(executions=[executed(1, extra=("new",))])) as at_desk:
        assert at_desk.ask().complete
        (row,) = at_desk.rows(EXECUTION)
        assert row["field_31"] == "new"
        assert [one.choice.status for one in at_desk.census.drifted()] == ["additive"]


def test_a_message_that_is_too_short_is_kept_and_told_as_drift(tmp_path: Path) -> None:
    with desk(tmp_path) as at_desk:
        fields = ("11", "-1", "1", "265598", "AAPL", "STK")
        asked = at_desk.during(lambda: _push_when_ready(at_desk, fields))
        assert asked.complete
        assert list(at_desk.rows(EXECUTION)[0].values()) == list(fields[2:])
        assert [one.choice.status for one in at_desk.census.drifted()] == ["unknown"]


def _push_when_ready(
    at_desk: Desk, *messages: Message | tuple[str, ...], remember: bool = False
) -> None:
    """Push between the answer with the executions and that with the positions."""
    at_desk.gateway.on(Asked.POSITIONS, Hold(), times=1)
    at_desk.gateway.wait_for(Asked.POSITIONS)
    at_desk.gateway.push(*messages, remember=remember)
    at_desk.gateway.release()


def test_a_pending_commission_and_a_commission_of_nothing_are_kept_as_told(tmp_path: Path) -> None:
    world = World(executions=[executed(1), executed(2), executed(3)])
    world.reports = [
        reported(1, commission="-1.0"),
        reported(2, commission="0.0"),
        reported(3, commission="-0.25", realized_pnl="1.5"),
    ]
    with desk(tmp_path, world) as at_desk:
        assert at_desk.ask().unreported == 1
        told = [(row["commission"], row["realizedPNL"]) for row in at_desk.rows(REPORT)]
        assert told == [("-1.0", UNSET_DOUBLE), ("0.0", UNSET_DOUBLE), ("-0.25", "1.5")]


def test_reports_that_come_before_their_executions_are_kept(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1, 2), reports_first=True) as at_desk:
        assert at_desk.ask().unreported == 0
        assert len(at_desk.rows(REPORT)) == 2


def test_late_reports_are_waited_for(tmp_path: Path) -> None:
    late = [executed(1).exec_id, executed(2).exec_id]
    with desk(tmp_path, filled(1, 2, 3), late_reports=late) as at_desk:

        def release() -> None:
            at_desk.gateway.wait_for(Asked.ACCOUNT_SUMMARY)
            at_desk.gateway.release()

        assert at_desk.during(release, reports_seconds=10).unreported == 0
        assert sorted(at_desk.keys(REPORT)) == sorted(executed(n).exec_id for n in (1, 2, 3))


def test_reports_that_stay_away_are_pending_and_come_with_the_next_round(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1, 2), late_reports=[executed(1).exec_id]) as at_desk:
        assert at_desk.ask().unreported == 1
        assert at_desk.keys(REPORT) == [executed(2).exec_id]
        at_desk.gateway.release()
        assert at_desk.ask().unreported == 0
        assert sorted(at_desk.keys(REPORT)) == [executed(1).exec_id, executed(2).exec_id]


def test_a_correction_is_kept_beside_what_it_corrects(tmp_path: Path) -> None:
    first = executed(1)
    second = replace(first, exec_id=f"{first.exec_id[:-1]}2", shares="50", cum_qty="")
    world = World()
    world.fill(first)
    world.fill(second)
    with desk(tmp_path, world) as at_desk:
        at_desk.ask()
        told = [(row["execId"], row["shares"]) for row in at_desk.rows(EXECUTION)]
        assert told == [(first.exec_id, "1"), (second.exec_id, "50")]


def test_other_content_under_the_same_id_is_a_revision(tmp_path: Path) -> None:
    world = filled(1)
    with desk(tmp_path, world) as at_desk:
        at_desk.ask()
        world.executions = [replace(world.executions[0], price="10.75")]
        (_, told), *_ = at_desk.ask().streams
        assert (told.new, told.revisions) == (0, 1)
        assert [row["price"] for row in at_desk.rows(EXECUTION)] == ["10.50", "10.75"]


def test_a_combination_and_its_legs_are_all_kept_and_its_report_is_not_waited_for(
    tmp_path: Path,
) -> None:
    call, put = (
        option("AAPL", "20260320", "200", right, con_id=number)
        for right, number in (("C", "900001"), ("P", "900002"))
    )
    parts = [(call, "BOT", "1", "3.10"), (put, "SLD", "1", "2.05")]
    legs = combo("0000e0d5.6a59af99.00.01", parts, perm_id="1099")
    reports = [CommissionReport(it.exec_id) for it in legs if it.contract.sec_type != "BAG"]
    with desk(tmp_path, World(executions=legs, reports=reports)) as at_desk:
        assert at_desk.ask().unreported == 0
        assert [row["secType"] for row in at_desk.rows(EXECUTION)] == ["BAG", "OPT", "OPT"]


def test_an_execution_that_is_pushed_and_then_told_again_is_one(tmp_path: Path) -> None:
    pushed = executed(4, client_id="9")
    with desk(tmp_path, filled(1)) as at_desk:
        at_desk.during(lambda: _push_when_ready(at_desk, pushed, reported(4), remember=True))
        (_, told), *_ = at_desk.ask().streams
        assert (told.new, told.revisions, told.duplicates) == (0, 0, 4)
        requests = [one["source"]["request"] for one in at_desk.envelopes(EXECUTION)]
        assert requests[1] == "-1"
        assert requests[0] != "-1"


# --- an error is never an empty answer -----------------------------------------------------------

QUESTIONS = [
    (Asked.EXECUTIONS, "executions"),
    (Asked.POSITIONS, "positions"),
    (Asked.ALL_OPEN_ORDERS, "open_orders"),
    (Asked.ACCOUNT_UPDATES, "account"),
    (Asked.ACCOUNT_SUMMARY, "account"),
]


@pytest.mark.parametrize("code", [162, 200, 321])
@pytest.mark.parametrize(("kind", "stream"), QUESTIONS)
def test_an_error_leaves_its_stream_incomplete_and_the_others_complete(
    tmp_path: Path, kind: Asked, stream: str, code: int
) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        at_desk.gateway.on(kind, Refuse(code, "no\x1b[2J such thing"))
        assert not at_desk.ask().complete
        expected = dict.fromkeys(STREAMS, "complete") | {stream: "incomplete"}
        assert states(at_desk) == expected
        told = at_desk.fetches()[ACCOUNT, stream]
        assert f"error {code}: no [2J such thing" in told["reason"]
        assert "covered_until" not in told


@pytest.mark.parametrize(("kind", "stream"), QUESTIONS)
def test_silence_leaves_its_stream_incomplete_and_the_others_complete(
    tmp_path: Path, kind: Asked, stream: str
) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        at_desk.gateway.on(kind, Silence())
        assert not at_desk.ask(limits=SHORT).complete
        assert states(at_desk) == dict.fromkeys(STREAMS, "complete") | {stream: "incomplete"}
        assert "no end of the answer within 0.3 s" in at_desk.fetches()[ACCOUNT, stream]["reason"]


@pytest.mark.parametrize("after_messages", [0, 1, 3])
def test_a_drop_in_the_middle_keeps_what_came_and_leaves_all_behind_it_incomplete(
    tmp_path: Path, after_messages: int
) -> None:
    with desk(tmp_path, filled(1, 2, 3, 4)) as at_desk:
        at_desk.gateway.on(Asked.EXECUTIONS, Drop(after_messages, after_bytes=7), times=1)
        assert not at_desk.ask().complete
        assert len(at_desk.rows(EXECUTION)) == after_messages
        assert states(at_desk) == dict.fromkeys(STREAMS, "incomplete")
        reasons = {name: told["reason"] for (_, name), told in at_desk.fetches().items()}
        assert not reasons["executions"].startswith("not asked")
        assert reasons["positions"].startswith("not asked: 127.0.0.1:")
        assert at_desk.ask().complete
        assert at_desk.keys(EXECUTION) == [executed(n).exec_id for n in (1, 2, 3, 4)]
        assert len(at_desk.rows(EXECUTION)) == 4


def test_a_notice_about_a_data_farm_is_no_error(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        notice = ("4", "2", "-1", "2104", "Market data farm connection is OK", "")
        assert at_desk.during(lambda: _push_when_ready(at_desk, notice)).complete
        assert at_desk.said == []


def test_an_error_that_names_no_request_ends_the_question_that_is_open(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        at_desk.gateway.on(Asked.POSITIONS, Silence())

        def refuse() -> None:
            at_desk.gateway.wait_for(Asked.POSITIONS)
            at_desk.gateway.push(("4", "2", "-1", "1100", "Connectivity has been lost", ""))

        assert not at_desk.during(refuse).complete
        assert "error 1100" in at_desk.fetches()[ACCOUNT, "positions"]["reason"]


# --- connecting ----------------------------------------------------------------------------------


def test_a_port_where_nobody_listens_is_told_as_that(tmp_path: Path) -> None:
    with desk(tmp_path) as at_desk:
        at_desk.gateway.stop()
        with pytest.raises(LostError, match="nobody listens there: start TWS or IB Gateway"):
            at_desk.ask()
        assert at_desk.log.head() == 0


def test_a_client_id_that_is_in_use_is_told_at_once(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:

        async def twice() -> None:
            async with at_desk.connect(), at_desk.connect():
                pass

        with pytest.raises(RefusedError, match=r"error 326: .* choose another as client_id"):
            asyncio.run(twice())


@pytest.mark.parametrize("kind", [Asked.HANDSHAKE, Asked.START_API])
def test_a_gateway_that_says_nothing_at_all_is_given_up(tmp_path: Path, kind: Asked) -> None:
    with desk(tmp_path) as at_desk:
        at_desk.gateway.on(kind, Silence())
        with pytest.raises(SilentError, match=r"no connection within 0\.3 s"):
            at_desk.ask(limits=SHORT)


@pytest.mark.parametrize("kind", [Asked.HANDSHAKE, Asked.START_API])
def test_a_gateway_that_hangs_up_while_connecting_is_told(tmp_path: Path, kind: Asked) -> None:
    with desk(tmp_path) as at_desk:
        at_desk.gateway.on(kind, Drop())
        with pytest.raises(GatewayError, match=r"127\.0\.0\.1:"):
            at_desk.ask(limits=SHORT)


def test_each_connection_has_an_object_of_its_own(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1)) as at_desk:

        async def work() -> tuple[object, object]:
            async with at_desk.connect() as one:
                first = one.connection.gateway
            async with at_desk.connect() as other:
                return first, other.connection.gateway

        first, second = asyncio.run(work())
        assert first is not second


# --- accounts ------------------------------------------------------------------------------------


def test_each_account_has_its_own_events_and_fetches(tmp_path: Path) -> None:
    world = World(accounts=(ACCOUNT, OTHER))
    world.fill(executed(1))
    world.fill(executed(2, account=OTHER))
    world.account_values = [
        AccountValue("CashBalance", "1.00", "USD", ACCOUNT),
        AccountValue("CashBalance", "2.00", "USD", OTHER),
    ]
    with desk(tmp_path, world) as at_desk:
        asked = at_desk.ask()
        assert asked.complete
        owners = [(key.split("|")[1], key.rpartition("|")[2]) for key, _ in at_desk.stored(REPORT)]
        assert owners == [(ACCOUNT, executed(1).exec_id), (OTHER, executed(2).exec_id)]
        assert states(at_desk, OTHER) == dict.fromkeys(STREAMS, "complete")
        values = [key.split("|")[1] for key, _ in at_desk.stored("ibkr.account_value")]
        assert values == [ACCOUNT, OTHER]


def test_a_report_whose_account_nobody_knows_leaves_executions_incomplete(tmp_path: Path) -> None:
    world = World(accounts=(ACCOUNT, OTHER))
    with desk(tmp_path, world) as at_desk:

        def orphan() -> None:
            at_desk.gateway.on(Asked.EXECUTIONS, Hold(), times=1)
            at_desk.gateway.wait_for(Asked.EXECUTIONS)
            at_desk.gateway.push(reported(1), remember=False)
            at_desk.gateway.release()

        asked = at_desk.during(orphan)
        assert not asked.complete
        assert "whose account is not known" in at_desk.fetches()[OTHER, "executions"]["reason"]
        assert at_desk.rows(REPORT) == []
        (line,) = at_desk.said
        assert line.endswith(f"whose they are: ibkr.commission_report {executed(1).exec_id}")


def test_a_row_of_an_account_of_another_mode_is_refused_and_the_others_are_kept(
    tmp_path: Path,
) -> None:
    world = filled(1, 2, 3)
    world.executions.append(executed(4, account="U777"))
    with desk(tmp_path, world) as at_desk:
        with pytest.raises(UsageError, match="account U777 is a live account"):
            at_desk.ask()
        assert at_desk.keys(EXECUTION) == [executed(n).exec_id for n in (1, 2, 3)]
        assert len(at_desk.rows(REPORT)) == 3


def test_a_report_of_an_execution_of_an_earlier_connection_finds_its_account_in_the_log(
    tmp_path: Path,
) -> None:
    world = World(accounts=(ACCOUNT, OTHER))
    world.keep(executed(1, account=OTHER))
    with desk(tmp_path, world) as at_desk:
        at_desk.ask()
        world.executions = []
        at_desk.during(lambda: _push_when_ready(at_desk, reported(1)))
        ((key, _),) = at_desk.stored(REPORT)
        assert key.split("|")[1] == OTHER


def test_an_account_of_another_mode_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with desk(tmp_path, World(accounts=("U1234567",))) as at_desk:
        with pytest.raises(UsageError, match=r"account U1234567 is a live account .* is paper"):
            at_desk.ask()
        assert at_desk.log.head() == 0


def test_a_dry_run_writes_nothing_and_counts_all(tmp_path: Path) -> None:
    with desk(tmp_path, filled(1, 2)) as at_desk:
        asked = at_desk.ask(dry_run=True)
        assert asked.streams[0][1].new == 4
        assert at_desk.log.head() == 0


# --- faults of ours and of the library's ---------------------------------------------------------


def test_a_handler_of_the_library_that_fails_costs_nothing_and_is_told(tmp_path: Path) -> None:
    with desk(tmp_path, World(executions=[executed(1, shares="many")])) as at_desk:
        assert at_desk.ask().complete
        assert [row["shares"] for row in at_desk.rows(EXECUTION)] == ["many"]
        assert [line for line in at_desk.said if "could not read a message 11" in line]


def test_a_fault_of_ours_is_raised_and_not_swallowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("ours")

    with desk(tmp_path, filled(1)) as at_desk:
        monkeypatch.setattr("adapters.ibkr.recording.Recorder.hear", broken)
        with pytest.raises(ZeroDivisionError, match="ours"):
            at_desk.ask()


def test_a_log_that_cannot_be_written_ends_the_connection_with_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise CannotDoError("the disk is full")

    with desk(tmp_path, filled(1)) as at_desk:
        monkeypatch.setattr("adapters.ibkr.recording.Recorder.append", full)
        at_desk.gateway.on(Asked.EXECUTIONS, Silence())

        def push() -> None:
            at_desk.gateway.wait_for(Asked.EXECUTIONS)
            at_desk.gateway.push(executed(2))

        with pytest.raises(CannotDoError, match="the disk is full"):
            at_desk.during(push)


@pytest.mark.parametrize(
    "malformed",
    [
        ("55", "1"),
        ("54", "1"),
        ("4", "2", "x", "y", "z"),
        ("4", "2"),
        ("49", "1", "noon"),
        ("49", "1", "9" * 30),
    ],
)
def test_a_malformed_message_costs_the_connection_and_nothing_that_came_before(
    tmp_path: Path, malformed: tuple[str, ...]
) -> None:
    with desk(tmp_path, filled(1)) as at_desk:
        assert not at_desk.during(lambda: _push_when_ready(at_desk, malformed)).complete
        assert at_desk.keys(EXECUTION) == [executed(1).exec_id]
        expected = dict.fromkeys(STREAMS, "incomplete") | {"executions": "complete"}
        assert states(at_desk) == expected
        reason = at_desk.fetches()[ACCOUNT, "positions"]["reason"]
        assert f"a message {malformed[0]} that nobody can read: {malformed[0]} " in reason
