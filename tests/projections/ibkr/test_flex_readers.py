"""Trades of Flex statements become fills exactly, and what does not fit is named, never guessed."""

from datetime import date
from decimal import Decimal
from typing import Final

from tests.projections.ibkr.flex_made import (
    Changes,
    contradictions,
    problems,
    told,
    told_each,
    utc,
)


def test_a_trade_is_read_in_full() -> None:
    only = told("trade")
    assert {name: value for name, value in only.items() if value is not None} == {
        "position": 1,
        "venue": "ibkr",
        "account": "U1",
        "mode": "live",
        "fill_id": "0001938c.6a59af42.01.01",
        "statement_order_id": "726",
        "client_order_id": "fly-1",
        "client_order_evidence": "fill",
        "client_order_position": 1,
        "instrument_id": "893396239",
        "asset_class": "OPT",
        "symbol": "CZR   260821C00030000",
        "underlying_id": "5437",
        "underlying_symbol": "CZR",
        "expires_on": date(2026, 8, 21),
        "strike": Decimal(30),
        "option_right": "call",
        "booking": "execution",
        "told_by": "statement",
        "broker_trade_id": "1786",
        "open_close": "both",
        "side": "sell",
        "quantity": Decimal(2),
        "price": Decimal("0.73"),
        "multiplier": Decimal(100),
        "fee": Decimal("1.3766"),
        "fee_currency": "EUR",
        "currency": "USD",
        "proceeds": Decimal(146),
        "net_cash": Decimal("144.6334"),
        "realized_reported": Decimal("12.5"),
        "rate_to_base": Decimal("0.91"),
        "executed_at": utc(2026, 7, 17, 16, 4, 40),
        "report_date": date(2026, 7, 18),
        "sequence": 10651107881,
        "generation": 0,
    }


def test_a_confirmation_is_provisional_and_its_taxes_are_part_of_the_fee() -> None:
    only = told("trade_confirm")
    assert only["generation"] == -100
    assert only["told_by"] == "confirmation"
    assert (only["fill_id"], only["statement_order_id"]) == ("0001.01", "44")
    assert (only["fee"], only["fee_currency"]) == (Decimal("1.12"), "USD")
    assert (only["side"], only["open_close"]) == ("buy", "open")
    assert only["client_order_id"] is None
    assert only["client_order_evidence"] is None
    assert only["executed_at"] == utc(2026, 7, 17, 16, 4, 40)


def test_a_fill_has_the_best_id_there_is() -> None:
    found = told_each(
        "trade",
        [{}, {"ibExecID": ""}, {"ibExecID": None, "transactionID": "-"}],
    )
    assert [one["fill_id"] for one in found] == [
        "0001938c.6a59af42.01.01",
        "transaction-10651107881",
        "trade-1786-ExchTrade",
    ]


def test_a_fill_without_any_id_is_known_by_its_content_and_count() -> None:
    only = told("trade", ibExecID=None, transactionID=None, tradeID=None)
    content, nth = only["fill_id"].split("|")
    assert content.startswith("content-")
    assert nth == "1"
    assert only["sequence"] is None


def test_type_and_codes_say_how_a_trade_was_booked() -> None:
    expected = {
        ("ExchTrade", "IA;P"): "execution",
        ("ExchTrade", "A"): "execution",
        ("FracShare", "FP"): "execution",
        ("DvpTrade", ""): "execution",
        ("TradeCorrect", "Co"): "execution",
        ("TradeCancel", "Ca"): "cancel",
        ("FracShareCancel", ""): "cancel",
        ("BookTrade", "Ep"): "expiry",
        ("BookTrade", "A"): "assignment",
        ("BookTrade", "P;Ex"): "exercise",
        ("BookTrade", "AFx"): "booked",
        ("BookTrade", ""): "booked",
        (None, "P"): "execution",
        (None, "Ca"): "cancel",
        ("", None): "execution",
    }
    found = told_each("trade", [{"transactionType": a, "notes": b} for a, b in expected])
    assert dict(zip(expected, [one["booking"] for one in found], strict=True)) == expected


def test_what_was_booked_has_no_order() -> None:
    assert told("trade", transactionType="BookTrade", notes="Ep")["statement_order_id"] is None


def test_a_cancel_names_the_trade_that_it_takes_back() -> None:
    cancel: Changes = {"transactionType": "TradeCancel", "notes": "Ca", "buySell": "BUY (Ca.)"}
    back, other = told_each("trade", [{**cancel, "origTradeID": "1786"}, {"origTradeID": "1786"}])
    assert (back["booking"], back["cancels_trade_id"]) == ("cancel", "1786")
    assert (back["side"], back["quantity"]) == ("sell", 2)
    assert back["statement_order_id"] == "726"
    assert other["cancels_trade_id"] is None


def test_the_fee_is_what_commission_and_taxes_took() -> None:
    expected = {
        ("0.3333", "0"): Decimal("-0.3333"),
        ("+0.3333", None): Decimal("-0.3333"),
        ("-1,000.5", ""): Decimal("1000.5"),
        ("0", "-0.25"): Decimal("0.25"),
        ("-0.123456789", "0"): Decimal("0.123456789"),
        ("", "-0.25"): None,
        (None, None): None,
        ("-", "0"): None,
    }
    found = told_each("trade", [{"ibCommission": a, "taxes": b} for a, b in expected])
    assert dict(zip(expected, [one["fee"] for one in found], strict=True)) == expected
    assert [one["fee_currency"] for one in found] == ["EUR"] * 5 + [None] * 3


def test_a_fee_without_a_currency_of_its_own_is_in_that_of_the_trade() -> None:
    assert told("trade", ibCommissionCurrency="")["fee_currency"] == "USD"


def test_times_are_of_new_york_however_they_are_written() -> None:
    expected = {
        "20250115;093000": utc(2025, 1, 15, 14, 30),
        "2025-07-15;09:30:00": utc(2025, 7, 15, 13, 30),
        "2025-07-15;093000": utc(2025, 7, 15, 13, 30),
        "2025-07-15, 09:30:00": utc(2025, 7, 15, 13, 30),
        "2025-07-15 09:30:00": utc(2025, 7, 15, 13, 30),
        "2025-07-15;09:30:00 EDT": utc(2025, 7, 15, 13, 30),
        "2025-01-15;09:30:00 EST": utc(2025, 1, 15, 14, 30),
        "2025-01-15": utc(2025, 1, 15, 5),
        "20250715": utc(2025, 7, 15, 4),
        # one hour of March does not exist, one of November comes twice
        "20250309;015959": utc(2025, 3, 9, 6, 59, 59),
        "20250309;030000": utc(2025, 3, 9, 7),
        "20251102;005959": utc(2025, 11, 2, 4, 59, 59),
        "20251102;013000": utc(2025, 11, 2, 6, 30),
        "20251102;013000 EDT": utc(2025, 11, 2, 5, 30),
        "20251102;013000 EST": utc(2025, 11, 2, 6, 30),
        "20251102;020000": utc(2025, 11, 2, 7),
    }
    found = told_each("trade", [{"dateTime": text} for text in expected])
    assert dict(zip(expected, [one["executed_at"] for one in found], strict=True)) == expected


def test_a_trade_without_its_time_is_of_the_best_day_there_is() -> None:
    found = told_each(
        "trade",
        [
            {"dateTime": "", "tradeTime": "120440"},
            {"dateTime": ""},
            {"dateTime": None, "tradeDate": None},
        ],
    )
    assert [one["executed_at"] for one in found] == [
        utc(2026, 7, 17, 16, 4, 40),
        utc(2026, 7, 17, 4),
        utc(2026, 7, 18, 4),
    ]


def test_a_day_is_read_in_each_of_its_forms() -> None:
    forms = ("20260717", "2026-07-17", "2026-07-17;16:20:00")
    found = told_each("trade", [{"expiry": form} for form in forms])
    assert [one["expires_on"] for one in found] == [date(2026, 7, 17)] * 3


def test_what_is_not_stated_is_empty() -> None:
    silent = (
        "symbol underlyingConid underlyingSymbol strike expiry putCall proceeds netCash "
        "fifoPnlRealized fxRateToBase openCloseIndicator orderReference ibOrderID reportDate"
    )
    empty = (
        "symbol underlying_id underlying_symbol strike expires_on option_right proceeds net_cash "
        "realized_reported rate_to_base open_close client_order_id client_order_evidence "
        "statement_order_id"
    )
    nothing = ("", "-", "--", "N/A", None)
    for only in told_each("trade", [dict.fromkeys(silent.split(), it) for it in nothing]):
        assert {only[name] for name in empty.split()} == {None}
        assert only["report_date"] == date(2026, 7, 17)


def test_only_what_has_no_multiplier_by_nature_gets_one() -> None:
    plain: list[Changes] = [
        {"assetCategory": "STK", "multiplier": ""},
        {"assetCategory": "CASH", "multiplier": None, "symbol": "EUR.USD"},
    ]
    assert [one["multiplier"] for one in told_each("trade", plain)] == [1, 1]
    derived: list[Changes] = [{"multiplier": ""}, {"assetCategory": "FUT", "multiplier": None}]
    assert problems("trade", derived) == [("missing_value", "multiplier", None)] * 2


UNFIT: Final[list[tuple[Changes, tuple[str | None, ...]]]] = [
    ({"quantity": "many"}, ("bad_number", "quantity", "many")),
    ({"quantity": "-0.123456789"}, ("bad_number", "quantity", "0.123456789")),
    ({"quantity": "-10000000000", "assetCategory": "CASH"},
     ("bad_number", "quantity", "10000000000")),
    ({"quantity": ""}, ("missing_value", "quantity", None)),
    ({"tradePrice": "0.1234567891"}, ("bad_number", "price", "0.1234567891")),
    ({"tradePrice": "1,5"}, ("bad_number", "price", "1,5")),
    ({"tradePrice": "1e2"}, ("bad_number", "price", "1e2")),
    ({"tradePrice": ""}, ("missing_value", "price", None)),
    ({"ibCommission": "free", "taxes": None}, ("bad_number", "fee", "free")),
    ({"ibCommission": "-1", "taxes": "none"}, ("bad_number", "fee", "-1 + none")),
    ({"ibCommission": "-0.0000000001", "taxes": "0"}, ("bad_number", "fee", "0.000000000100")),
    ({"conid": ""}, ("missing_value", "instrument_id", None)),
    ({"conid": "", "transactionType": "BookTrade"}, ("missing_value", "instrument_id", None)),
    ({"currency": ""}, ("missing_value", "currency", None)),
    ({"assetCategory": ""}, ("missing_value", "asset_class", None)),
    ({"putCall": "X"}, ("bad_value", "option_right", "X")),
    ({"openCloseIndicator": "maybe"}, ("bad_value", "open_close", "maybe")),
    ({"expiry": "21AUG26"}, ("bad_date", "expires_on", "21AUG26")),
    ({"expiry": "20260230"}, ("bad_date", "expires_on", "2026-02-30")),
    ({"dateTime": "20250115;093000 CET"}, ("bad_time", "executed_at", "20250115;093000 CET")),
    ({"dateTime": "20250230;093000"}, ("bad_time", "executed_at", "20250230;093000")),
    ({"dateTime": "20250115;0930"}, ("bad_time", "executed_at", "20250115;0930")),
    ({"dateTime": "15/01/2025"}, ("bad_time", "executed_at", "15/01/2025")),
    ({"dateTime": "", "tradeDate": "", "reportDate": ""}, ("missing_value", "executed_at", None)),
]  # fmt: skip


def test_a_text_that_does_not_fit_makes_the_row_unreadable() -> None:
    found = problems("trade", [changes for changes, _ in UNFIT])
    assert found == [expected for _, expected in UNFIT]


ODD: Final[list[tuple[Changes, str]]] = [
    ({"levelOfDetail": "ORDER"}, "level of detail ORDER is not read"),
    ({"levelOfDetail": "WASH"}, "level of detail WASH is not read"),
    ({"transactionType": "Gift"}, "transaction type Gift is not known"),
    ({"quantity": "0"}, "quantity is 0"),
    ({"quantity": "-0.00"}, "quantity is 0"),
    ({"multiplier": "0"}, "multiplier 0 is not positive"),
    ({"buySell": "BUY"}, "BUY of quantity -2"),
    ({"quantity": "2"}, "SELL of quantity 2"),
    ({"buySell": "SELL (Ca.)", "transactionType": "TradeCancel"}, "SELL (Ca.) of quantity -2"),
    ({"quantity": "2", "buySell": "BUY (Ca.)", "transactionType": "TradeCancel"},
     "BUY (Ca.) of quantity 2"),
    ({"assetCategory": "CASH", "symbol": "EUR"}, "a currency pair is expected, not EUR"),
    ({"assetCategory": "CASH", "symbol": "EUR/USD"}, "a currency pair is expected, not EUR/USD"),
    ({"assetCategory": "CASH", "symbol": "-"}, "a currency pair is expected, not nothing"),
]  # fmt: skip


def test_a_trade_that_contradicts_itself_is_unreadable() -> None:
    found = contradictions("trade", [changes for changes, _ in ODD])
    assert found == [expected for _, expected in ODD]


def test_a_cancel_may_repeat_the_word_of_what_it_takes_back() -> None:
    assert told("trade", buySell="BUY", transactionType="TradeCancel")["side"] == "sell"


def test_a_confirmation_says_no_report_date_where_it_has_none() -> None:
    silent, telling = told_each("trade_confirm", [{}, {"reportDate": "20260718"}])
    assert (silent["report_date"], telling["report_date"]) == (None, date(2026, 7, 18))


def test_a_confirmation_without_its_execution_is_unreadable() -> None:
    found = contradictions(
        "trade_confirm",
        [{"execID": ""}, {"transactionType": "Gift"}, {"assetCategory": "CASH"}],
    )
    assert found == [
        "a confirmation without execID: take the row from an activity statement",
        "transaction type Gift is not known",
        "a currency pair is expected, not QQQM",
    ]
