"""Markets: what `GET /markets` has returned, generation by generation.

Only what identifies and ends a contract is read; quotes are market data, not account facts.
"""

from collections.abc import Mapping
from typing import Final

from domain.shapes import Reader

KIND: Final = "kalshi.market"

_COMMON: Final[Mapping[str, str]] = {
    "ticker": "string",
    "event_ticker": "string",
    "status": "string",
    "result": "string",
}
_OPTIONAL: Final[Mapping[str, str]] = {
    "strike_type": "string",
    "floor_strike": "number|integer",
    "cap_strike": "number|integer",
    "close_time": "string",
    "updated_time": "string",
    "fee_waiver_expiration_time": "string",
}
_TEXTS: Final = (
    "can_close_early:boolean category created_time expected_expiration_time expiration_time "
    "expiration_value latest_expiration_time market_type no_sub_title yes_sub_title open_time "
    "price_level_structure rules_primary rules_secondary subtitle title series_ticker "
    "settlement_ts early_close_condition functional_strike "
    "mve_collection_ticker primary_participant_key response_price_units occurrence_datetime "
    "settlement_bounds_type settlement_floor_dollars settlement_value_dollars "
    "liquidity_dollars notional_value_dollars previous_price_dollars previous_yes_ask_dollars "
    "previous_yes_bid_dollars yes_ask_dollars yes_bid_dollars no_ask_dollars no_bid_dollars "
    "last_price_dollars volume_fp volume_24h_fp open_interest_fp yes_bid_size_fp yes_ask_size_fp "
    "is_provisional:boolean fractional_trading_enabled:boolean tick_size:integer "
    "settlement_timer_seconds:integer exchange_index:integer"
)
_CENTS: Final = (
    "last_price liquidity no_ask no_bid open_interest previous_price previous_yes_ask "
    "previous_yes_bid volume volume_24h yes_ask yes_bid notional_value settlement_value "
    "risk_limit_cents cap_count"
)


def _listed(text: str, default: str) -> dict[str, str]:
    pairs = (word.partition(":") for word in text.split())
    return {name: f"{kind or default}|null" for name, _, kind in pairs}


_IGNORED: Final[Mapping[str, str]] = _listed(_TEXTS, "string")
_IGNORED_CENTS: Final[Mapping[str, str]] = _listed(_CENTS, "integer|number")
_OPAQUE: Final = frozenset({"custom_strike", "mve_selected_legs", "price_ranges"})

READERS: Final = (
    Reader(
        kind=KIND,
        name="0",
        spoken="2022 to Nov 2025",
        required={**_COMMON, "last_price": "integer|number"},
        optional=_OPTIONAL,
        ignored={**_IGNORED, **_IGNORED_CENTS},
        absent=frozenset({"last_price_dollars"}),
        opaque=_OPAQUE,
    ),
    Reader(
        kind=KIND,
        name="1",
        spoken="Dec 2025 to 11 Mar 2026",
        required={**_COMMON, "last_price": "integer|number", "last_price_dollars": "string"},
        optional=_OPTIONAL,
        ignored={**_IGNORED, **_IGNORED_CENTS},
        opaque=_OPAQUE,
    ),
    Reader(
        kind=KIND,
        name="3",
        spoken="from 12 Mar 2026",
        required={**_COMMON, "last_price_dollars": "string"},
        optional=_OPTIONAL,
        ignored=_IGNORED,
        absent=frozenset({"last_price"}),
        opaque=_OPAQUE,
    ),
)
