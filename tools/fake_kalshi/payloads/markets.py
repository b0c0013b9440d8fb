"""Made markets, in the words of every generation.

Only what the ledger reads comes from the truth (ticker, status, result, strikes, times); quotes
and texts are constants, there so that the payload has every key that a real one has.
"""

from decimal import Decimal
from typing import Final

from tools.fake_kalshi.payloads import spelling as say
from tools.fake_kalshi.payloads.spelling import Members, before, since
from tools.fake_kalshi.truths import Listing

_QUOTES: Final = (
    "last_price",
    "no_ask",
    "no_bid",
    "previous_price",
    "previous_yes_ask",
    "previous_yes_bid",
    "yes_ask",
    "yes_bid",
)
_GENERATION_0: Final = {
    "category": '"Climate"',
    "risk_limit_cents": "2500000",
}
_TEXTS: Final = {
    "latest_expiration_time": '"2027-01-01T00:00:00Z"',
    "expected_expiration_time": '"2027-01-01T00:00:00Z"',
    "market_type": '"binary"',
    "no_sub_title": '"made"',
    "yes_sub_title": '"made"',
    "price_level_structure": '"linear_cent"',
    "price_ranges": '[{"end":"1.0000","start":"0.0000","step":"0.0100"}]',
    "rules_primary": '"made"',
    "rules_secondary": '""',
    "settlement_timer_seconds": "600",
    "liquidity_dollars": '"0.0000"',
    "notional_value_dollars": '"1.0000"',
}


def market_json(listing: Listing, generation: str) -> str:
    """Return the market as `GET /markets` told it."""
    members: Members = {
        "can_close_early": "true",
        "close_time": say.moment(listing.closes_at),
        "event_ticker": say.string(listing.event_ticker),
        "expiration_time": say.moment(listing.closes_at),
        "expiration_value": '""',
        "open_time": say.moment(listing.opens_at),
        "result": say.string(_result(listing, generation)),
        "status": say.string(listing.status),
        "strike_type": say.string(listing.strike_type),
        "floor_strike": _strike(listing.floor_strike),
        "cap_strike": _strike(listing.cap_strike),
        "subtitle": '""',
        "title": '"made"',
        "ticker": say.string(listing.ticker),
    }
    members |= _quotes(generation)
    if before(generation, "1"):
        return say.render({**members, **_GENERATION_0, "custom_strike": "{}"})
    members |= _TEXTS
    members["created_time"] = members["open_time"]
    if before(generation, "4"):
        members |= {"tick_size": "1", "response_price_units": '"usd_cent"'}
    if since(generation, "2"):
        members["updated_time"] = say.moment(listing.updated_at)
    if since(generation, "2") and before(generation, "4"):
        members["fractional_trading_enabled"] = "false"
    if since(generation, "3b"):
        members["occurrence_datetime"] = members["close_time"]
    if since(generation, "4"):
        members["exchange_index"] = str(listing.exchange_index)
    return say.render(members)


def _quotes(generation: str) -> Members:
    members: Members = {}
    if before(generation, "3a"):
        members |= dict.fromkeys([*_QUOTES, "liquidity", "volume", "volume_24h"], "0")
        members["open_interest"] = "0"
    if since(generation, "1"):
        members |= {f"{name}_dollars": '"0.0000"' for name in _QUOTES}
        if before(generation, "3a"):
            members["notional_value"] = "100"
    if since(generation, "2-early"):
        members |= dict.fromkeys(["open_interest_fp", "volume_fp", "volume_24h_fp"], '"0.00"')
    if since(generation, "3a"):
        members |= dict.fromkeys(["yes_ask_size_fp", "yes_bid_size_fp"], '"0.00"')
    return members


def _result(listing: Listing, generation: str) -> str:
    # A scalar result was told as "" until 28 Jan 2026.
    if listing.result == "scalar" and before(generation, "2"):
        return ""
    return listing.result or ""


def _strike(strike: Decimal | None) -> str | None:
    return None if strike is None else say.bare_dollars(strike)
