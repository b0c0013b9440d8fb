"""Fills: what `GET /portfolio/fills` has returned, generation by generation.

`trade_id` is the legacy name of `fill_id`; the two were equal on every real row. In REST fills
`side` is the side that was *acquired*, whatever `action` says (measured: 92 of 93 markets settle
right by it, 42 of 93 by the documented matrix).
"""

from collections.abc import Mapping
from typing import Final

from domain.shapes import Reader

KIND: Final = "kalshi.fill"

_COMMON: Final[Mapping[str, str]] = {
    "order_id": "string",
    "ticker": "string",
    "is_taker": "boolean",
    "created_time": "string",
}
_CENTS: Final[Mapping[str, str]] = {
    "side": "string",
    "count": "integer",
    "yes_price": "integer",
}
_FIXED: Final[Mapping[str, str]] = {"yes_price_fixed": "string", "no_price_fixed": "string"}
_POINT: Final[Mapping[str, str]] = {
    "fill_id": "string",
    "count_fp": "string",
    "fee_cost": "string",
    "yes_price_dollars": "string",
    "no_price_dollars": "string",
}
_SIDES: Final[Mapping[str, str]] = {"outcome_side": "string", "book_side": "string"}
_LEGACY: Final[Mapping[str, str]] = {
    "action": "string",
    "market_ticker": "string",
    "trade_id": "string",
    "ts": "integer|null",
}
_PRICE: Final[Mapping[str, str]] = {"price": "number|integer"}
_CLIENT: Final[Mapping[str, str]] = {"client_order_id": "string"}
_SUBACCOUNT: Final[Mapping[str, str]] = {"subaccount_number": "integer"}

READERS: Final = (
    Reader(
        kind=KIND,
        name="0",
        spoken="2022 to Nov 2025",
        required={**_COMMON, **_CENTS, "trade_id": "string"},
        optional={"no_price": "integer", "fill_id": "string"},
        ignored={"action": "string", **_PRICE},
        absent=frozenset({"yes_price_fixed", "count_fp", "yes_price_dollars", "outcome_side"}),
    ),
    Reader(
        kind=KIND,
        name="1",
        spoken="Dec 2025 to mid Jan 2026",
        required={**_COMMON, **_CENTS, **_FIXED, "fill_id": "string", "no_price": "integer"},
        optional=_CLIENT,
        ignored={**_LEGACY, **_PRICE},
        absent=frozenset(
            {"count_fp", "fee_cost", "subaccount_number", "yes_price_dollars", "outcome_side"}
        ),
    ),
    Reader(
        kind=KIND,
        name="2",
        spoken="mid Jan to 11 Mar 2026",
        required={
            **_COMMON,
            **_CENTS,
            **_FIXED,
            "fill_id": "string",
            "no_price": "integer",
            "count_fp": "string",
        },
        optional={**_CLIENT, **_SUBACCOUNT, "fee_cost": "string"},
        ignored={
            **_LEGACY,
            **_PRICE,
            "yes_price_dollars": "string",
            "no_price_dollars": "string",
        },
        absent=frozenset({"outcome_side"}),
    ),
    Reader(
        kind=KIND,
        name="3a",
        spoken="12 Mar to 1 Apr 2026",
        required={**_COMMON, **_POINT, "side": "string", "yes_price_fixed": "string"},
        optional={**_CLIENT, **_SUBACCOUNT},
        ignored={**_LEGACY, "no_price_fixed": "string"},
        absent=frozenset({"count", "yes_price", "outcome_side"}),
    ),
    Reader(
        kind=KIND,
        name="3b",
        spoken="2 Apr to May 2026",
        required={**_COMMON, **_POINT, "side": "string"},
        optional={**_CLIENT, **_SUBACCOUNT},
        ignored=_LEGACY,
        absent=frozenset({"count", "yes_price", "yes_price_fixed", "outcome_side"}),
    ),
    Reader(
        kind=KIND,
        name="4",
        spoken="May to 19 Aug 2026",
        required={**_COMMON, **_POINT, **_SIDES},
        optional={**_CLIENT, **_SUBACCOUNT, "side": "string"},
        ignored=_LEGACY,
        absent=frozenset({"count", "yes_price", "yes_price_fixed", "exchange_index"}),
    ),
    Reader(
        kind=KIND,
        name="5",
        spoken="from 20 Aug 2026",
        required={**_COMMON, **_POINT, **_SIDES, "exchange_index": "integer"},
        optional={**_CLIENT, **_SUBACCOUNT, "side": "string"},
        ignored=_LEGACY,
        absent=frozenset({"count", "yes_price", "yes_price_fixed"}),
    ),
)
