"""One made truth of every Kalshi kind, and what each generation's rendering is read by."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from tools.fake_kalshi.payloads import (
    PHASES,
    Balance,
    Cash,
    Ending,
    Execution,
    Holding,
    Listing,
    Order,
    balance_json,
    deposit_json,
    fill_json,
    market_json,
    order_json,
    position_json,
    settlement_json,
    withdrawal_json,
)
from tools.fake_kalshi.payloads.messages import fill_message_json
from tools.fake_kalshi.payloads.venue import series_json, subaccount_balance_json
from tools.fake_kalshi.series import Series

AT: Final = datetime(2026, 1, 12, 17, 4, 5, 670420, tzinfo=UTC)
TICKER: Final = "KXHIGHNY-26JAN12-B43.5"

FILL: Final = Execution(
    fill_id="0723490f-6f49-af20-40da-6da7dac4e68c",
    order_id="01a0e856-5498-76bd-b6bc-8b6aa03d8983",
    client_order_id="bot-17",
    ticker=TICKER,
    acquired="no",
    action="sell",
    quantity=Decimal(13),
    yes_price=Decimal("0.24"),
    taker=True,
    fee=Decimal("0.17"),
    at=AT,
)
ENDING: Final = Ending(TICKER, "no", None, AT + timedelta(hours=9))
ORDER: Final = Order(
    order_id=FILL.order_id,
    client_order_id="bot-17",
    ticker=TICKER,
    acquires="no",
    action="sell",
    status="executed",
    yes_price=Decimal("0.24"),
    initial=Decimal(13),
    filled=Decimal(13),
    remaining=Decimal(0),
    created_at=AT,
    updated_at=AT,
    fill_cost=FILL.cost,
    fees=FILL.fee,
)
HOLDING: Final = Holding(
    ticker=TICKER,
    quantity=Decimal(-13),
    exposure=FILL.cost,
    realized_pnl=Decimal("-0.4"),
    fees_paid=FILL.fee,
    total_traded=FILL.cost,
    updated_at=AT,
)
BALANCE: Final = Balance(Decimal("123.45"), Decimal("9.88"), AT, shards=((0, Decimal("123.45")),))
CASH: Final = Cash("dep-1", 37800, 756, "applied", "debit", AT, AT + timedelta(seconds=9))
SERIES: Final = Series("KXHIGHNY")
LISTING: Final = Listing(
    ticker=TICKER,
    status="finalized",
    opens_at=AT - timedelta(days=1),
    closes_at=AT,
    updated_at=AT + timedelta(hours=9),
    result="no",
    strike_type="between",
    floor_strike=Decimal(43),
    cap_strike=Decimal("44.5"),
)


def message_json(execution: Execution, generation: str) -> str:
    """Return the fill as the live channel tells it, without the envelope of the channel."""
    whole = fill_message_json(
        execution, generation, sid=1, sent_at=execution.at, post_position=Decimal(0)
    )
    return json.dumps(json.loads(whole)["msg"])


RENDER: Final[dict[str, Callable[[str], str]]] = {
    "kalshi.fill": lambda phase: fill_json(FILL, phase),
    "kalshi.settlement": lambda phase: settlement_json(ENDING, [FILL], phase),
    "kalshi.order": lambda phase: order_json(ORDER, phase),
    "kalshi.market": lambda phase: market_json(LISTING, phase),
    "kalshi.position": lambda phase: position_json(HOLDING, phase),
    "kalshi.balance": lambda phase: balance_json(BALANCE, phase),
    "kalshi.deposit": lambda phase: deposit_json(CASH, phase),
    "kalshi.withdrawal": lambda phase: withdrawal_json(CASH, phase),
    "kalshi.fill_message": lambda phase: message_json(FILL, phase),
    "kalshi.series": lambda phase: series_json(SERIES, phase),
    "kalshi.subaccount_balance": lambda phase: subaccount_balance_json(
        0, 0, BALANCE.cash, AT, phase
    ),
}
# The reader of each phase's rendering, in the order of PHASES; "-" where there was no endpoint.
_READERS: Final = {
    "kalshi.fill": "0 1 2 2 3a 3b 4 5",
    "kalshi.settlement": "0 1 2 2 3a 3b 3b 5",
    "kalshi.order": "0 1 2 2 3 3 4 4",
    "kalshi.market": "0 1 1 1 3 3 3 3",
    "kalshi.position": "0 1 2 2 3 3 3 5",
    "kalshi.balance": "0 1 1 1 1 1 4 4",
    "kalshi.deposit": "- - - - - - 1 1",
    "kalshi.withdrawal": "- - - - - - 1 1",
    "kalshi.fill_message": "- - - - - - 4 5",
    "kalshi.series": "- 1 1 1 1 1 1 1",
    "kalshi.subaccount_balance": "- - 2-early 2 2 2 2 5",
}
READER: Final[dict[tuple[str, str], str]] = {
    (kind, phase): reader
    for kind, readers in _READERS.items()
    for phase, reader in zip(PHASES, readers.split(), strict=True)
    if reader != "-"
}


def samples() -> Iterator[tuple[str, str, str]]:
    """Yield kind, phase and payload text of all that was ever spoken."""
    for kind, phase in READER:
        yield kind, phase, RENDER[kind](phase)
