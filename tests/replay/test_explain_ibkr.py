"""Interactive Brokers: from a figure down to all tellings of it, the arithmetic written out."""

import json
from dataclasses import replace
from typing import Final

import pytest

from domain.errors import UsageError
from domain.event import NewEvent, Owner
from domain.ibkr import messages
from tests.books import BookMaker, event
from tests.projections.ibkr.flex_made import ACTION, CASH, CONFIRM, TRADE
from tests.projections.ibkr.flex_rows import row
from tests.replay.asked import book, named
from tests.replay.test_explain import kinds, of_kind, told

EXEC: Final = "0001.6a.01.01"
STOCK: Final = {
    **TRADE, "assetCategory": "STK", "symbol": "CZR", "conid": "5437", "underlyingConid": "",
    "underlyingSymbol": "", "multiplier": "1", "strike": "", "expiry": "", "putCall": "",
    "ibCommission": "-1", "ibCommissionCurrency": "USD", "taxes": "0", "notes": "",
    "openCloseIndicator": "O", "fifoPnlRealized": "", "proceeds": "", "netCash": "",
    "orderReference": "",
}  # fmt: skip


def trade(number: int, quantity: str, price: str, **changes: str) -> NewEvent:
    """Return a row of trades; numbers go up with time."""
    own = {
        "tradeID": f"t{number}", "transactionID": str(number), "ibExecID": f"x{number}.01",
        "quantity": quantity, "buySell": "SELL" if quantity.startswith("-") else "BUY",
        "tradePrice": price, "ibOrderID": f"9{number}",
        "dateTime": f"202607{number:02};120000", "tradeDate": f"202607{number:02}",
        "reportDate": f"202607{number:02}",
    }  # fmt: skip
    return row("ibkr.flex.trade", **{**STOCK, **own, **changes})


def option(number: int, quantity: str, price: str, **changes: str) -> NewEvent:
    """Return a row of trades in a call on the stock."""
    names = ("assetCategory", "symbol", "conid", "underlyingConid", "underlyingSymbol",
             "multiplier", "strike", "expiry", "putCall")  # fmt: skip
    return trade(number, quantity, price, **{name: TRADE[name] for name in names} | changes)


def booked(code: str) -> dict[str, str]:
    """Return what a booking has in place of an execution."""
    return {
        "transactionType": "BookTrade", "notes": code, "ibExecID": "", "ibCommission": "0",
        "dateTime": "20260720;162000", "reportDate": "20260720", "tradeDate": "20260720",
    }  # fmt: skip


def action(number: int, quantity: str, **changes: str) -> NewEvent:
    """Return a row of a corporate action of the stock, on the 15th."""
    own = {"conid": "5437", "symbol": "CZR", "quantity": quantity, "transactionID": str(number),
           "dateTime": "20260715;202500", "reportDate": "20260715"}  # fmt: skip
    return row("ibkr.flex.corporate_action", **{**ACTION, **own, **changes})


def socket(kind: str, **fields: str) -> NewEvent:
    """Return a message of the socket; fields that are not named are empty."""
    payload = dict.fromkeys(messages.FIELDS[kind], "") | fields
    payload.pop(messages.REQUEST, None)
    return event(kind, json.dumps(payload), owner=Owner("U1", "live"))


def execution(exec_id: str, price: str = "7.4", **fields: str) -> NewEvent:
    """Return an execution of the socket."""
    usual = {
        "conId": "8", "symbol": "QQQM", "localSymbol": "QQQM", "secType": "STK", "strike": "0.0",
        "currency": "USD", "time": "20260717 12:04:40 US/Eastern", "side": "BOT", "shares": "3",
        "permId": "1001", "lastLiquidity": "2",
    }  # fmt: skip
    return socket(messages.EXECUTION, **{**usual, "execId": exec_id, "price": price, **fields})


# --- tellings ------------------------------------------------------------------------------------

THREE: Final = (
    execution(EXEC),
    socket(messages.COMMISSION_REPORT, execId=EXEC, commission="1.2", currency="USD"),
    row("ibkr.flex.trade_confirm", **{**CONFIRM, "execID": EXEC}),
    trade(17, "3", "7.5", ibExecID=EXEC, conid="8", symbol="QQQM", dateTime="20260717;120440"),
)
LAST_WORD: Final = "the most authoritative: what it states counts"
FILLS_UP: Final = "counts for what those above leave out"
ITS_FEE: Final = "its fee counts where no other telling states one"


def test_an_execution_shows_everybody_who_told_of_it_the_most_authoritative_first(
    books: BookMaker,
) -> None:
    with book(books, *THREE) as made:
        tree = made.explain(EXEC)
        shown = [node for node in tree.children if node.kind == "event"]
    titles = [node.title.partition(", ") for node in shown]
    assert [(title, said) for title, _, said in titles] == [
        ("log position 4: ibkr.flex.trade", f"the activity statement, {LAST_WORD}"),
        ("log position 3: ibkr.flex.trade_confirm", f"the trade confirmation: {FILLS_UP}"),
        ("log position 1: ibkr.execution", f"the socket: {FILLS_UP}"),
        ("log position 2: ibkr.commission_report", f"the commission report: {ITS_FEE}"),
    ]
    assert [len(of_kind(node, "payload")) for node in shown] == [1, 1, 1, 1]
    assert '"lastLiquidity": "2"' in told(of_kind(shown[2], "payload")[0])["text"]
    (restated,) = [one for one in of_kind(shown[2], "restatement") if "was" in one.title]
    assert "7.4" in told(restated)["old_values"]
    assert "7.5" in told(restated)["new_values"]
    assert (told(tree)["told_by"], told(tree)["price"]) == ("statement", "7.5")


def test_a_telling_that_was_outranked_leads_to_the_fill(books: BookMaker) -> None:
    with book(books, *THREE) as made:
        for position in ("1", "2", "3", "4"):
            tree = made.explain(position)
            assert tree.children[-1].title == f"fill {EXEC}: buy 3 QQQM at 7.5"


def test_a_commission_report_is_shown_where_the_fee_came_from_it(books: BookMaker) -> None:
    with book(books, *THREE[:2]) as made:
        tree = made.explain(EXEC)
    assert (told(tree)["fee"], told(tree)["fee_state"]) == ("1.2", "reported")
    assert [told(node)["kind"] for node in of_kind(tree, "event")] == [
        "ibkr.execution",
        "ibkr.commission_report",
    ]


def test_an_execution_that_was_replaced_says_so_from_both_sides(books: BookMaker) -> None:
    first, second = "0001.6b.01.01", "0001.6b.01.02"
    with book(books, execution(first), execution(second, "7.5")) as made:
        old, new = made.explain(first), made.explain(f"fill:{second}")
        event_of_old = made.explain("1")
    assert old.title == f"execution {first}: buy 3 QQQM at 7.4, does not count"
    assert told(old)["why"].startswith("replaced: a correction took its place")
    assert told(old)["replaced_by"] == second
    assert (
        named(old, "fill", "replaced by").title == f"replaced by fill {second}: buy 3 QQQM at 7.5"
    )
    assert [one.title for one in new.children if one.kind == "set_aside"] == [old.title]
    assert event_of_old.children[1].title == old.title


def test_a_combination_says_why_it_does_not_count(books: BookMaker) -> None:
    with book(books, execution("0001.6c.01.01", secType="BAG")) as made:
        tree = made.explain("0001.6c.01.01")
    assert told(tree)["why"].startswith("combination: its legs have executions of their own")
    assert kinds(tree).count("payload") == 1


# --- lots ----------------------------------------------------------------------------------------

ASSIGNED: Final = (
    trade(1, "100", "26"),
    option(2, "-1", "2.5"),
    option(3, "1", "0", **booked("A"), openCloseIndicator="C"),
    trade(4, "-100", "30", **booked("A"), openCloseIndicator="C"),
)


def test_the_premium_of_an_assigned_option_is_shown_on_both_sides(books: BookMaker) -> None:
    with book(books, *ASSIGNED) as made:
        stock, ended = made.explain("transaction-4"), made.explain("transaction-3")
        opening = made.explain("x2.01")
    lot = named(stock, "lot", "long 100 CZR, closed by the assignment transaction-4")
    assert told(lot)["gross"] == (
        "650 = 100 * (30 - 26) + 250 premium of the assigned option transaction-3"
    )
    taken = named(stock, "premium", "premium 250 came from transaction-3")
    assert told(taken) == {"premium": "250", "fees": "1", "currency": "USD"}
    assert named(taken, "fill", "opened by fill x2.01: sell 1 ").children
    given = named(ended, "premium", "premium 250 moved into transaction-4")
    assert [one.title for one in given.children] == [
        "taken over by assignment transaction-4: sell 100 CZR at 30"
    ]
    (lot,) = of_kind(opening, "lot")
    assert told(lot)["gross"] == (
        "0 = -1 * (0 - 2.5) * 100 - 250 premium that moved into transaction-4"
    )
    assert ended.title == "assignment transaction-3: buy 1 CZR 260821C00030000 at 0".replace(
        "CZR ", "CZR   "
    )


def test_an_open_lot_says_that_a_premium_is_in_its_cost(books: BookMaker) -> None:
    ended = option(3, "1", "0", **booked("A"), openCloseIndicator="C", putCall="P")
    delivered = trade(4, "100", "30", **booked("A"))
    with book(books, option(2, "-1", "2.5", putCall="P"), ended, delivered) as made:
        (lot,) = of_kind(made.explain("transaction-4"), "open_lot")
    assert told(lot)["cost"] == "2750"
    assert told(lot)["premium"] == "in the cost is that of the assigned option transaction-3"


def test_what_was_opened_before_the_first_row_has_no_basis_and_never_zero(
    books: BookMaker,
) -> None:
    sold = trade(5, "-4", "30", openCloseIndicator="C")
    with book(books, sold, trade(6, "2", "31"), trade(7, "-2", "33")) as made:
        day = made.explain("2026-07-05")
        fill, holding = made.explain("x5.01"), made.explain("5437")
        round_trip = made.explain("trade:opening-5437")
    (cell,) = of_kind(day, "cell")
    assert told(cell) == {
        "lots": "1",
        "gross": "basis missing",
        "fees": "basis missing",
        "net": "basis missing",
        "fees of lots without basis": "1",
    }
    (lot,) = of_kind(round_trip, "lot")
    why = "basis missing: opened before the ledger's first row (2026-07-05 16:00:00Z); nobody has "
    assert told(lot)["gross"] == f"{why}told what it cost"
    assert told(lot)["fees"] == "1"
    assert told(of_kind(fill, "lots")[0])["net"] == "basis missing"
    opening = named(round_trip, "opening", "opened by nothing in the ledger: 4 CZR were there")
    assert told(opening)["evidence"].startswith("a fill that the broker calls closing")
    (whole,) = of_kind(holding, "holding")
    assert told(whole)["gross"] == "4 (of 1 lots; of 1 the basis is missing)"
    assert told(whole)["net"] == "2 (of 1 lots; of 1 the basis is missing)"
    # the fees of what has no gross are told apart, so that gross less fees is net
    assert told(whole)["fees"] == "2 (of 1 lots; of 1 the basis is missing)"
    assert told(whole)["fees of lots without basis"] == "1"
    assert [one.title for one in of_kind(holding, "opening")] == [opening.title]


def test_a_cancel_is_shown_as_what_was_taken_back(books: BookMaker) -> None:
    undone = {"transactionType": "TradeCancel", "notes": "Ca", "origTradeID": "t1"}
    undone |= {"ibExecID": "", "ibCommission": "1"}
    with book(books, trade(1, "100", "26"), trade(2, "-100", "26", **undone)) as made:
        (lot,) = of_kind(made.explain("x1.01"), "lot")
        assert lot.title == "long 100 CZR, taken back by the broker with transaction-2"
        assert told(lot)["gross"] == "0 = 100 * (26 - 26)"
        assert "took it back" in told(made.explain("trade:x1.01"))["cancelled"]


def test_a_split_is_told_by_the_price_and_the_part_of_what_opened_the_lot(
    books: BookMaker,
) -> None:
    rows = (trade(1, "10", "70"), trade(2, "4", "65"), action(90, "35"), trade(16, "-49", "25"))
    with book(books, *rows) as made:
        sold, bought, split = (
            made.explain("x16.01"),
            made.explain("x1.01"),
            made.explain("action:157"),
        )
        event_of_split = made.explain("action:ibkr/U1/live/90")
    assert sorted(told(lot)["gross"] for lot in of_kind(sold, "lot")) == [
        "175 = 35 * (25 - 20), opened as 10 * 70",
        "90 = 14 * 25 - 260 (opened as 4 * 65)",
    ]
    assert [told(lot)["quantity"] for lot in of_kind(bought, "lot")] == ["35"]
    (changed,) = of_kind(split, "action_row")
    assert told(changed)["held"] == "14 before, 49 after"
    carried = named(split, "lots", "lots that were carried on")
    assert told(carried)["gross"] == "265"
    assert len(of_kind(carried, "lot")) == 2
    assert split.title == event_of_split.title == "corporate action 157: FS"
    assert kinds(split).count("payload") == 1


def test_a_merger_for_cash_and_shares_shows_the_cash_and_the_lots_that_live_on(
    books: BookMaker,
) -> None:
    gone = action(91, "-10", type="TC", proceeds="21")
    came = action(92, "7", type="TC", conid="9", symbol="NEW")
    rows = (trade(1, "10", "70"), gone, came, trade(16, "-7", "110", conid="9", symbol="NEW"))
    with book(books, *rows) as made:
        merger, new = made.explain("action:91"), made.explain("NEW")
        old, trip = made.explain("5437"), made.explain("trade:x1.01")
    paid = named(merger, "lot", "long 10 CZR, closed by row 91")
    assert told(paid)["gross"] == "21 = 21 in cash that came with it; the lot lives on"
    assert [told(one)["held"] for one in of_kind(merger, "action_row")] == [
        "10 before, 0 after",
        "0 before, 7 after",
    ]
    carried = named(merger, "lots", "lots that were carried on through CZR and NEW")
    (lot,) = of_kind(carried, "lot")
    assert told(lot)["gross"] == "70 = 7 * (110 - 100), opened as 10 * 70"
    assert [one.title for one in of_kind(new, "trade")] == ["trade x1.01, begun in CZR"]
    assert told(of_kind(new, "holding")[0])["gross"] == "70"
    assert told(of_kind(old, "holding")[0])["gross"] == "21"
    assert told(trip)["gross"] == "91"


def test_what_was_bought_for_cash_is_closed_for_its_proceeds(books: BookMaker) -> None:
    gone = action(91, "-10", type="TC", proceeds="740")
    with book(books, trade(1, "10", "70"), gone) as made:
        (lot,) = of_kind(made.explain("x1.01"), "lot")
    assert told(lot)["gross"] == "40 = 740 in cash - 700 (opened as 10 * 70)"


# --- names ---------------------------------------------------------------------------------------


def test_an_order_is_found_by_the_number_of_its_statements_and_a_cancel_takes_away(
    books: BookMaker,
) -> None:
    first = trade(17, "3", "7.5", ibExecID=EXEC, conid="8", symbol="QQQM", ibOrderID="77")
    more = trade(18, "2", "7.5", conid="8", symbol="QQQM", ibOrderID="77")
    undone = {"transactionType": "TradeCancel", "notes": "Ca", "origTradeID": "t18"}
    undone |= {"ibExecID": "", "conid": "8", "symbol": "QQQM", "ibOrderID": "77"}
    rows = (execution(EXEC, "7.5"), first, more, trade(19, "-2", "7.5", **undone))
    with book(books, *rows, trade(20, "5", "8", ibOrderID="78")) as made:
        by_number, by_id = made.explain("order:77"), made.explain("order:1001")
        alone = made.explain("78")
    assert replace(by_number, query="") == replace(by_id, query="")
    assert by_id.title == "order 1001"
    assert told(by_id)["quantity in fills"] == "3"
    assert len([one for one in by_id.children if one.kind == "fill"]) == 3
    assert alone.title == "order 78 of statements"
    assert told(alone)["quantity in fills"] == "5"


def test_an_instrument_is_found_by_its_symbol(books: BookMaker) -> None:
    with book(books, trade(1, "1", "2"), option(2, "1", "3")) as made:
        assert made.explain("CZR").title == "instrument 5437: CZR, STK"
        assert made.explain("CZR 260821C00030000").title.endswith(", OPT")


def test_a_symbol_of_two_instruments_is_refused_with_both_conids(books: BookMaker) -> None:
    with (
        book(books, trade(1, "1", "2"), trade(2, "1", "3", conid="6")) as made,
        pytest.raises(UsageError, match="say which") as caught,
    ):
        made.explain("CZR")
    assert "instrument:5437" in str(caught.value)
    assert "instrument:6" in str(caught.value)


def test_a_dividend_shows_the_tax_of_the_same_action(books: BookMaker) -> None:
    paid = {**CASH, "type": "Dividends", "amount": "7.5", "transactionID": "54", "currency": "USD"}
    taxed = {**CASH, "amount": "-1.1", "currency": "USD"}
    with book(books, *(row("ibkr.flex.cash_transaction", **one) for one in (paid, taxed))) as made:
        tree = made.explain("cash:54")
    assert tree.title == "dividend 54: applied"
    assert told(tree)["cash dividend"] == "7.5"
    assert tree.children[1].title == "of the same action: withholding_tax 55"
    assert kinds(tree).count("payload") == 1


def test_cash_of_two_currencies_is_not_added_up(books: BookMaker) -> None:
    bought = trade(1, "2", "70", ibCommissionCurrency="EUR")
    with book(books, bought) as made:
        facts = told(made.explain("x1.01"))
    assert (facts["cash fill"], facts["cash fee"]) == ("-140 USD", "-1 EUR")
    assert "cash in all" not in facts


def test_a_conversion_has_no_lots_and_is_shown(books: BookMaker) -> None:
    forex = {"assetCategory": "CASH", "conid": "12", "symbol": "EUR.USD"}
    with book(books, trade(1, "1000", "1.1", **forex, proceeds="-1100")) as made:
        fill, pair = made.explain("x1.01"), made.explain("EUR.USD")
    assert "lots" not in kinds(fill)
    cash = [text for name, text in fill.facts if name.startswith("cash ")]
    assert {text.rpartition(" ")[2] for text in cash} == {"EUR", "USD"}
    assert [one.title for one in of_kind(pair, "fill")] == ["fill x1.01: buy 1000 EUR.USD at 1.1"]
