"""Made Kalshi payloads: ONE truth, rendered in the words of every generation of the API.

Nothing here was recorded. The keys are those of the real payloads on disk (generations 1, 4, 5)
and of the SDK models of the day (0, 2, 3); `tests/tools/fake_kalshi/test_payloads.py` holds them
to that. A function refuses (ValueError) to render what a generation has no words for, and is
silent about what a generation merely leaves out (fees, client_order_id, exchange_index).

    generation  0      1      2-early  2      3a      3b      4       5
    SDK model   2.0.0  3.4.0  3.5.0    3.8.0  3.10.0  3.14.0  3.27.0  3.29.0

SDK 2.1.x, the youngest of generation 0, is not taken: its Fill has no yes_price, and its
Settlement calls market_result `result`.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final

from tools.fake_kalshi.payloads import spelling as say
from tools.fake_kalshi.payloads.account import (
    balance_json,
    deposit_json,
    position_json,
    withdrawal_json,
)
from tools.fake_kalshi.payloads.markets import market_json
from tools.fake_kalshi.payloads.orders import order_json
from tools.fake_kalshi.payloads.spelling import (
    GENERATIONS,
    PHASES,
    Members,
    before,
    cannot_say,
    since,
)
from tools.fake_kalshi.truths import (
    Balance,
    Cash,
    Ending,
    Execution,
    Holding,
    Listing,
    Order,
    event_of,
    gross,
    revenue_cents,
)

__all__ = [
    "GENERATIONS",
    "PHASES",
    "SDK_VERSIONS",
    "Balance",
    "Cash",
    "Ending",
    "Execution",
    "Holding",
    "Listing",
    "Order",
    "balance_json",
    "deposit_json",
    "fill_json",
    "market_json",
    "order_json",
    "page",
    "position_json",
    "sayable",
    "settlement_json",
    "withdrawal_json",
]

SDK_VERSIONS: Final = {
    "0": "kalshi_python-2.0.0",
    "1": "kalshi_python_sync-3.4.0",
    "2-early": "kalshi_python_sync-3.5.0",
    "2": "kalshi_python_sync-3.8.0",
    "3a": "kalshi_python_sync-3.10.0",
    "3b": "kalshi_python_sync-3.14.0",
    "4": "kalshi_python_sync-3.27.0",
    "5": "kalshi_python_sync-3.29.0",
}


def fill_json(execution: Execution, generation: str) -> str:
    """Return the fill as `GET /portfolio/fills` told it; `side` is the side acquired."""
    members: Members = {
        "action": say.string(execution.action),
        "created_time": say.moment(execution.at),
        "is_taker": say.boolean(execution.taker),
        "order_id": say.string(execution.order_id),
        "side": say.string(execution.acquired),
        "ticker": say.string(execution.ticker),
        "trade_id": say.string(execution.fill_id),
    }
    if since(generation, "1"):
        members["fill_id"] = members["trade_id"]
        members["market_ticker"] = members["ticker"]
        members["ts"] = say.unix(execution.at)
    if since(generation, "1") and before(generation, "3b"):
        named = execution.client_order_id
        members["client_order_id"] = say.string(named) if named else None
    members |= _fill_numbers(execution, generation)
    if since(generation, "2"):
        members["fee_cost"] = say.money(execution.fee, generation)
        members["subaccount_number"] = str(execution.subaccount)
    elif execution.subaccount:
        raise cannot_say(generation, f"subaccount {execution.subaccount}")
    if since(generation, "4"):
        members["outcome_side"] = members["side"]
        members["book_side"] = say.string("bid" if execution.acquired == "yes" else "ask")
    if since(generation, "5"):
        members["exchange_index"] = str(execution.exchange_index)
    return say.render(members)


def _fill_numbers(execution: Execution, generation: str) -> Members:
    yes, no = execution.yes_price, 1 - execution.yes_price
    members: Members = {}
    if before(generation, "4"):
        say.integer(100 * yes, generation, "a price in cents of")
    if before(generation, "3a"):
        whole = before(generation, "2-early")
        members["count"] = (
            say.integer(execution.quantity, generation, "a quantity of")
            if whole
            else say.cut(execution.quantity)
        )
        members["yes_price"] = say.floored_cents(yes)
        members["no_price"] = say.floored_cents(no)
    if since(generation, "1") and before(generation, "3a"):
        members["price"] = say.bare_dollars(yes)
    if since(generation, "1") and before(generation, "3b"):
        members["yes_price_fixed"] = say.price(yes)
        members["no_price_fixed"] = say.price(no)
    if since(generation, "2-early"):
        members["count_fp"] = say.count(execution.quantity)
    if since(generation, "3a"):
        members["yes_price_dollars"] = say.price(yes)
        members["no_price_dollars"] = say.price(no)
    return members


def settlement_json(ending: Ending, executions: Iterable[Execution], generation: str) -> str:
    """Return the settlement: gross counts and costs, sum of fees, net revenue in cents.

    Of `executions` those of other markets are left aside; a market without any is a zero row.
    """
    own = tuple(row for row in executions if row.ticker == ending.ticker)
    if any(row.at > ending.settled_at for row in own):
        raise ValueError(f"{ending.ticker}: a fill after the settlement")
    total = gross(own)
    members: Members = {
        "market_result": say.string(ending.result),
        "revenue": str(revenue_cents(ending, own)),
        "settled_time": say.moment(ending.settled_at),
        "ticker": say.string(ending.ticker),
    }
    payout = ending.payout
    if since(generation, "1"):
        members["event_ticker"] = say.string(event_of(ending.ticker))
        members["fee_cost"] = say.money(total.fees, generation)
        members["value"] = None if payout is None else say.floored_cents(payout)
    elif ending.result == "scalar":
        raise cannot_say(generation, "what a scalar market pays")
    members |= _side_totals("yes", total.yes, total.yes_cost, generation)
    members |= _side_totals("no", total.no, total.no_cost, generation)
    if since(generation, "5"):
        members["exchange_index"] = str(own[0].exchange_index if own else 0)
    return say.render(members)


def _side_totals(side: str, quantity: Decimal, cost: Decimal, generation: str) -> Members:
    members: Members = {}
    if before(generation, "3a"):
        cents = say.integer(100 * cost, generation, "a cost in cents of")
        members[f"{side}_total_cost"] = cents
        whole = before(generation, "2-early")
        members[f"{side}_count"] = (
            say.integer(quantity, generation, "a quantity of") if whole else say.cut(quantity)
        )
    elif before(generation, "3b"):
        members[f"{side}_total_cost"] = say.floored_cents(cost)
    if since(generation, "2-early"):
        members[f"{side}_count_fp"] = say.count(quantity)
    if since(generation, "3a"):
        members[f"{side}_total_cost_dollars"] = say.money(cost, generation)
    return members


def sayable(
    executions: Sequence[Execution],
    endings: Iterable[Ending] = (),
    phases: Sequence[str] = PHASES,
) -> tuple[str, ...]:
    """Return those of the phases that can say all of it."""
    ended = tuple(endings)

    def tries(generation: str) -> Iterable[Callable[[], str]]:
        yield from (lambda row=row: fill_json(row, generation) for row in executions)
        yield from (lambda row=row: settlement_json(row, executions, generation) for row in ended)

    return tuple(generation for generation in phases if all(map(_speaks, tries(generation))))


def _speaks(attempt: Callable[[], str]) -> bool:
    try:
        attempt()
    except ValueError:
        return False
    return True


def page(container: str, rows: Iterable[str], cursor: str = "") -> str:
    """Return the page of an API listing; an empty cursor says that it is the last one."""
    return f'{{"cursor":{say.string(cursor)},{say.string(container)}:[{",".join(rows)}]}}'
