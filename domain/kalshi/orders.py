"""Orders: what `GET /portfolio/orders` has returned, generation by generation.

`client_order_id` is still here where fills have lost it: joining fill to order by `order_id`
recovers what the bot called its order. Orders never carry both `outcome_side` and integers.
"""

from collections.abc import Mapping
from typing import Final

from domain.shapes import Reader

KIND: Final = "kalshi.order"

_COMMON: Final[Mapping[str, str]] = {
    "order_id": "string",
    "ticker": "string",
    "status": "string",
    "type": "string",
    "created_time": "string",
}
_MATRIX: Final[Mapping[str, str]] = {"side": "string", "action": "string"}
_SIDES: Final[Mapping[str, str]] = {"outcome_side": "string", "book_side": "string"}
_INTEGERS: Final[Mapping[str, str]] = {
    "fill_count": "integer",
    "initial_count": "integer",
    "remaining_count": "integer",
}
_POINT: Final[Mapping[str, str]] = {
    "fill_count_fp": "string",
    "initial_count_fp": "string",
    "remaining_count_fp": "string",
}
_DOLLARS: Final[Mapping[str, str]] = {"yes_price_dollars": "string"}
_OPTIONAL: Final[Mapping[str, str]] = {
    "client_order_id": "string",
    "last_update_time": "string",
    "subaccount_number": "integer",
}
_IGNORED: Final[Mapping[str, str]] = {
    "user_id": "string",
    "expiration_time": "string|null",
    "no_price_dollars": "string",
    "taker_fill_cost_dollars": "string",
    "maker_fill_cost_dollars": "string",
    "taker_fees_dollars": "string|null",
    "maker_fees_dollars": "string|null",
    "self_trade_prevention_type": "string|null",
    "order_group_id": "string|null",
    "cancel_order_on_pause": "boolean|null",
    "exchange_index": "integer|null",
}
_IGNORED_CENTS: Final[Mapping[str, str]] = {
    "yes_price": "integer",
    "no_price": "integer",
    "taker_fees": "integer",
    "maker_fees": "integer",
    "taker_fill_cost": "integer",
    "maker_fill_cost": "integer",
    "queue_position": "integer",
}

READERS: Final = (
    Reader(
        kind=KIND,
        name="0",
        spoken="2022 to Nov 2025",
        required={
            **_COMMON,
            **_MATRIX,
            "yes_price": "integer",
            "place_count": "integer",
            "remaining_count": "integer",
            "maker_fill_count": "integer",
            "taker_fill_count": "integer",
        },
        optional=_OPTIONAL,
        ignored={
            **_IGNORED,
            **_IGNORED_CENTS,
            "decrease_count": "integer",
            "fcc_cancel_count": "integer",
            "close_cancel_count": "integer",
        },
        absent=frozenset({"yes_price_dollars", "fill_count", "fill_count_fp"}),
    ),
    Reader(
        kind=KIND,
        name="1",
        spoken="Dec 2025 to mid Jan 2026",
        required={**_COMMON, **_MATRIX, **_INTEGERS, **_DOLLARS},
        optional=_OPTIONAL,
        ignored={**_IGNORED, **_IGNORED_CENTS},
        absent=frozenset({"fill_count_fp", "outcome_side"}),
    ),
    Reader(
        kind=KIND,
        name="2",
        spoken="mid Jan to 11 Mar 2026",
        required={**_COMMON, **_MATRIX, **_POINT, **_DOLLARS, "fill_count": "integer"},
        optional=_OPTIONAL,
        ignored={**_IGNORED, **_IGNORED_CENTS, **_INTEGERS},
        absent=frozenset({"outcome_side"}),
    ),
    Reader(
        kind=KIND,
        name="3",
        spoken="12 Mar to May 2026",
        required={**_COMMON, **_MATRIX, **_POINT, **_DOLLARS},
        optional=_OPTIONAL,
        ignored=_IGNORED,
        absent=frozenset({"fill_count", "outcome_side"}),
    ),
    Reader(
        kind=KIND,
        name="4",
        spoken="from May 2026",
        required={**_COMMON, **_POINT, **_DOLLARS, **_SIDES},
        optional=_OPTIONAL,
        ignored={**_IGNORED, **_MATRIX},
        absent=frozenset({"fill_count"}),
    ),
)
