"""Messages of the socket become facts: exactly what was told, and nothing where nothing was."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import pytest

from domain.event import NewEvent, Owner
from domain.ibkr import messages
from tests.books import BookMaker, Row, event

PAPER: Final = Owner("DU1234567", "paper")
AT: Final = datetime(2026, 1, 5, 20, tzinfo=UTC)
UNSET: Final = "1.7976931348623157E308"

EXECUTION: Final = {
    **dict.fromkeys(messages.EXECUTION_FIELDS, ""),
    "conId": "265598",
    "symbol": "AAPL",
    "secType": "STK",
    "strike": "0.0",
    "currency": "USD",
    "localSymbol": "AAPL",
    "execId": "0000e0d5.6a59af01.01.01",
    "time": "20260105 10:00:01 US/Eastern",
    "side": "BOT",
    "shares": "100",
    "price": "10.50",
    "permId": "1001",
    "lastLiquidity": "2",
}
EXECUTION.pop(messages.REQUEST)
OPTION: Final = {
    "secType": "OPT",
    "localSymbol": "AAPL  260320C00200000",
    "lastTradeDate": "20260320",
    "strike": "200.0",
    "right": "C",
    "multiplier": "100",
}


def told(kind: str, minutes: int = 0, /, **fields: str) -> NewEvent:
    """Return an event of the socket; fields that are not named are empty."""
    given = EXECUTION if kind == messages.EXECUTION else dict.fromkeys(messages.FIELDS[kind], "")
    payload = {name: text for name, text in given.items() if name != messages.REQUEST} | fields
    at = AT + timedelta(minutes=minutes)
    snapshot = kind in {messages.POSITION, messages.ACCOUNT_VALUE, messages.ACCOUNT_SUMMARY}
    return event(
        kind,
        json.dumps(payload),
        owner=PAPER,
        received_at=at,
        as_of=at if snapshot else None,
    )


def problem(books: BookMaker, one: NewEvent) -> tuple[str, str | None]:
    """Return why an event cannot be read."""
    row = books.build([one]).one("SELECT reason, column_name FROM unreadable")
    return row["reason"], row["column_name"]


def fill(books: BookMaker, **fields: str) -> Row:
    """Return the fill of an execution."""
    return books.build([told(messages.EXECUTION, **fields)]).one("fill")


def test_an_execution_is_a_fill_without_a_fee(books: BookMaker) -> None:
    row = fill(books, orderRef="bot-7")
    assert (row["fill_id"], row["order_id"]) == ("0000e0d5.6a59af01.01.01", "1001")
    assert (row["client_order_id"], row["client_order_evidence"]) == ("bot-7", "fill")
    assert (row["side"], row["quantity"], row["price"]) == (
        "buy",
        Decimal(100),
        Decimal("10.50"),
    )
    assert (row["multiplier"], row["fee"], row["fee_currency"]) == (Decimal(1), None, None)
    assert (row["booking"], row["told_by"], row["liquidity"]) == ("execution", "socket", "taker")
    assert row["executed_at"] == datetime(2026, 1, 5, 15, 0, 1, tzinfo=UTC)
    assert (row["strike"], row["expires_on"], row["option_right"]) == (None, None, None)


def test_an_exchange_of_currencies_is_a_pair(books: BookMaker) -> None:
    exchange = {"secType": "CASH", "symbol": "EUR"}
    row = fill(books, **exchange, localSymbol="EUR.USD", shares="1500000000", price="1.08")
    assert (row["symbol"], row["quantity"]) == ("EUR.USD", Decimal(1500000000))
    alone = told(messages.EXECUTION, **exchange, localSymbol="")
    offending = "SELECT offending FROM unreadable"
    assert books.build([alone]).value(offending) == "a currency pair is expected, not EUR"


def test_an_option_names_what_it_is_on(books: BookMaker) -> None:
    row = fill(books, **OPTION, side="SLD", lastLiquidity="1")
    assert (row["symbol"], row["underlying_symbol"]) == ("AAPL  260320C00200000", "AAPL")
    assert (row["strike"], row["option_right"]) == (Decimal(200), "call")
    assert (row["expires_on"], row["multiplier"]) == (date(2026, 3, 20), Decimal(100))
    assert (row["side"], row["liquidity"]) == ("sell", "maker")


@pytest.mark.parametrize(
    ("told_time", "zone", "expected"),
    [
        ("20260105 10:00:01 America/New_York", "", "2026-01-05T15:00:01"),
        ("20260705 10:00:01 US/Central", "", "2026-07-05T15:00:01"),
        ("20260105 10:00:01 EST", "", "2026-01-05T15:00:01"),
        ("20260105  10:00:01", "Europe/Berlin", "2026-01-05T09:00:01"),
        ("20260105 10:00:01", "UTC", "2026-01-05T10:00:01"),
        ("20260105-15:00:01", "Europe/Berlin", "2026-01-05T15:00:01"),
        ("1767625201", "Europe/Berlin", "2026-01-05T15:00:01"),
    ],
)
def test_a_time_is_of_the_zone_that_counts(
    books: BookMaker, told_time: str, zone: str, expected: str
) -> None:
    named = {"gateway_zone": zone} if zone else {}
    row = fill(books, time=told_time, **named)
    assert row["executed_at"] == datetime.fromisoformat(f"{expected}+00:00")


@pytest.mark.parametrize(
    "told_time",
    [
        "20260105  10:00:01",
        "20260105 10:00:01 CEST",
        "20260105 10:00:01 BST",
        "20260105 10:00:01 IST",
        "20260105 10:00:01 Nowhere/Land",
        "20260105 25:00:01 UTC",
        "20261305 10:00:01 UTC",
        "yesterday",
    ],
)
def test_a_time_whose_moment_is_not_certain_is_not_guessed(
    books: BookMaker, told_time: str
) -> None:
    assert problem(books, told(messages.EXECUTION, time=told_time)) == ("bad_time", "executed_at")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"side": "HELD"}, ("bad_value", "side")),
        ({"shares": "0"}, ("contradiction", None)),
        ({"shares": "many"}, ("bad_number", "quantity")),
        ({"price": "10.1234567891"}, ("bad_number", "price")),
        ({"price": UNSET}, ("missing_value", "price")),
        ({"price": ""}, ("missing_value", "price")),
        ({"execId": ""}, ("missing_value", "fill_id")),
        ({"conId": ""}, ("missing_value", "instrument_id")),
        ({"time": ""}, ("bad_time", "executed_at")),
        ({"lastTradeDate": "soon"}, ("bad_date", "expires_on")),
    ],
)
def test_what_cannot_be_true_is_unreadable(
    books: BookMaker, fields: dict[str, str], reason: tuple[str, str | None]
) -> None:
    assert problem(books, told(messages.EXECUTION, **fields)) == reason


@pytest.mark.parametrize(
    ("commission", "fee"),
    [
        ("1.0250", "1.025"),
        ("0.0", "0"),
        ("-0.25", "-0.25"),
        ("-1.01", "-1.01"),
        ("1.0E-4", "0.0001"),
        ("-1", None),
        ("-1.0", None),
        ("-1.00", None),
        (UNSET, None),
        ("", None),
    ],
)
def test_a_commission_is_what_was_told_and_minus_one_is_none(
    books: BookMaker, commission: str, fee: str | None
) -> None:
    report = told(
        messages.COMMISSION_REPORT,
        execId=EXECUTION["execId"],
        commission=commission,
        currency="USD",
        realizedPNL=UNSET,
    )
    built = books.build([told(messages.EXECUTION), report])
    row = built.one("commission")
    assert row["fee"] == (None if fee is None else Decimal(fee))
    assert row["fee_currency"] == (None if fee is None else "USD")
    assert row["realized_reported"] is None
    assert built.one("fill")["fee"] == row["fee"]


def test_a_pnl_of_nothing_is_told_apart_from_no_pnl(books: BookMaker) -> None:
    report = {"execId": "x.01", "commission": "1", "currency": "USD", "realizedPNL": "0.0"}
    built = books.build([told(messages.COMMISSION_REPORT, **report)])
    assert built.one("commission")["realized_reported"] == 0


def test_a_commission_without_a_currency_is_unreadable(books: BookMaker) -> None:
    report = told(messages.COMMISSION_REPORT, execId="x.01", commission="1.0")
    assert problem(books, report) == ("contradiction", None)


def test_a_report_that_was_pending_and_then_known_counts_as_known(books: BookMaker) -> None:
    fields = {"execId": EXECUTION["execId"], "currency": "USD", "realizedPNL": UNSET}
    pending = told(messages.COMMISSION_REPORT, commission="-1.0", **fields)
    known = told(messages.COMMISSION_REPORT, commission="0.4", **fields)
    built = books.build([told(messages.EXECUTION), pending], [known])
    assert built.one("fill")["fee"] == Decimal("0.4")


def test_a_position_is_a_snapshot_of_its_moment(books: BookMaker) -> None:
    contract = {"conId": "900001", "symbol": "AAPL", "secType": "OPT", "multiplier": "100"}
    position = told(messages.POSITION, **contract, currency="USD", position="-2", avgCost="-310.25")
    row = books.build([position]).one("position_snapshot")
    assert (row["as_of"], row["told_by"]) == (AT, "socket")
    assert (row["quantity"], row["average_price"]) == (Decimal(-2), Decimal("-310.25"))


def test_an_order_is_told_in_two_kinds_and_is_one(books: BookMaker) -> None:
    order = told(
        messages.OPEN_ORDER,
        orderId="3",
        conId="265598",
        action="BUY",
        totalQuantity="100",
        orderType="LMT",
        lmtPrice="10.5",
        auxPrice="0.0",
        orderRef="bot-7",
        clientId="0",
        permId="1001",
    )
    status = {"orderId": "3", "permId": "1001", "clientId": "0"}
    working = told(
        messages.ORDER_STATUS, 1, status="Submitted", filled="40", remaining="60", **status
    )
    gone = told(messages.ORDER_STATUS, 2, status="Cancelled", filled="40", remaining="60", **status)
    row = books.build([order], [working], [gone]).one("order_state")
    assert (row["order_id"], row["client_order_id"], row["side"]) == ("1001", "bot-7", "buy")
    assert (row["status"], row["filled_quantity"]) == ("Cancelled", Decimal(40))
    assert row["price"] == Decimal("10.5")


@pytest.mark.parametrize(
    ("order_type", "limit", "price"),
    [
        ("LMT", "0.0", Decimal(0)),
        ("LMT", UNSET, None),
        ("MKT", "0.0", None),
        ("STP", "", None),
        ("REL", "9.5", Decimal("9.5")),
    ],
)
def test_a_limit_is_one_where_the_order_has_one(
    books: BookMaker, order_type: str, limit: str, price: Decimal | None
) -> None:
    fields = {"conId": "1", "action": "SELL", "totalQuantity": "1", "clientId": "7"}
    order = told(
        messages.OPEN_ORDER, orderType=order_type, lmtPrice=limit, orderId="5", permId="0", **fields
    )
    row = books.build([order]).one("order_state")
    assert (row["order_id"], row["price"]) == ("7-5", price)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("1000.10", Decimal("1000.10")),
        ("1.2345678E7", Decimal(12345678)),
        ("true", None),
        (UNSET, None),
        ("", None),
    ],
)
def test_a_value_of_the_account_is_kept_as_told_and_as_a_number_where_it_is_one(
    books: BookMaker, value: str, amount: Decimal | None
) -> None:
    events = [
        told(messages.ACCOUNT_VALUE, key="CashBalance", value=value, currency="USD"),
        told(messages.ACCOUNT_SUMMARY, tag="Cushion", value=value),
    ]
    first, second = books.build(events).rows("SELECT * FROM account_value ORDER BY name")
    assert (first["name"], first["currency"]) == ("CashBalance", "USD")
    assert (second["name"], second["currency"], second["model"]) == ("Cushion", "-", "-")
    for row in (first, second):
        assert (row["value"], row["amount"]) == (value or "-", amount)
