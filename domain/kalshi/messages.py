"""Fills as the WebSocket channel `fill` tells them.

The only source that still carries `client_order_id`. Its `side` and `action` follow the order's
convention, not that of REST, so only `outcome_side` is read. It tells the time in milliseconds
where REST has microseconds: a message is provisional, any REST rendering of the fill outranks it.
"""

from collections.abc import Mapping
from typing import Final

from domain.shapes import Reader

FILL_MESSAGE: Final = "kalshi.fill_message"

_REQUIRED: Final[Mapping[str, str]] = {
    "trade_id": "string",
    "order_id": "string",
    "market_ticker": "string",
    "is_taker": "boolean",
    "yes_price_dollars": "string",
    "count_fp": "string",
    "fee_cost": "string",
    "outcome_side": "string",
    "book_side": "string",
    "ts_ms": "integer",
}
_OPTIONAL: Final[Mapping[str, str]] = {"client_order_id": "string", "subaccount": "integer"}
_IGNORED: Final[Mapping[str, str]] = {
    "side": "string",
    "action": "string",
    "purchased_side": "string",
    "ts": "integer",
    "post_position_fp": "string",
}

FILL_MESSAGE_READERS: Final = (
    Reader(
        kind=FILL_MESSAGE,
        name="4",
        spoken="May to 19 Aug 2026",
        required=_REQUIRED,
        optional=_OPTIONAL,
        ignored=_IGNORED,
        absent=frozenset({"exchange_index"}),
    ),
    Reader(
        kind=FILL_MESSAGE,
        name="5",
        spoken="from 20 Aug 2026",
        required={**_REQUIRED, "exchange_index": "integer"},
        optional=_OPTIONAL,
        ignored=_IGNORED,
    ),
)
