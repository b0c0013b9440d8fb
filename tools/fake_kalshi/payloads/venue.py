"""Made answers about the exchange itself: series, limits, archive, errors, subaccounts."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from tools.fake_kalshi.payloads import spelling as say
from tools.fake_kalshi.payloads.spelling import Members, before, since
from tools.fake_kalshi.series import Series


def series_json(series: Series, generation: str) -> str:
    """Return the series as `GET /series/{ticker}` told it, without the member around it."""
    members: Members = {
        "ticker": say.string(series.ticker),
        "title": say.string(series.title),
        "frequency": say.string(series.frequency),
        "category": say.string(series.category),
        "tags": "[]",
        "settlement_sources": "[]",
        "contract_url": '""',
        "contract_terms_url": '""',
        "fee_type": say.string(series.fee_type),
        "fee_multiplier": say.bare_dollars(series.fee_multiplier),
        "additional_prohibitions": "[]",
    }
    if since(generation, "5"):
        members["exchange_index"] = str(series.exchange_index)
    return say.render(members)


def subaccount_balance_json(
    subaccount: int, exchange_index: int, cash: Decimal, at: datetime, generation: str
) -> str:
    """Return the row of `subaccount_balances`.

    The balance was whole centi-cents in its first weeks and is dollars in a string since, under
    the same name.
    """
    if before(generation, "2"):
        balance = say.integer(10_000 * cash, generation, "a balance in centi-cents of")
    else:
        balance = say.places(cash, 4, 6)
    members: Members = {
        "subaccount_number": str(subaccount),
        "balance": balance,
        "updated_ts": say.unix(at),
    }
    if since(generation, "5"):
        members["exchange_index"] = str(exchange_index)
    return say.render(members)


def limits_json(tier: str, reads: int, writes: int, generation: str) -> str:
    """Return the answer of `GET /account/limits`: tokens a second, and how many a bucket holds."""
    members: Members = {"usage_tier": say.string(tier)}
    if before(generation, "4"):
        return say.render(members | {"read_limit": str(reads), "write_limit": str(writes)})
    for name, tokens in (("read", reads), ("write", writes)):
        members[name] = f'{{"bucket_capacity":{tokens},"refill_rate":{tokens}}}'
    if since(generation, "5"):
        members["grants"] = "[]"
    return say.render(members)


def cutoff_json(cutoff: datetime, generation: str) -> str:
    """Return the answer of `GET /historical/cutoff`: one cutoff, under all of its names."""
    names = ["market_settled_ts", "trades_created_ts", "orders_updated_ts"]
    if since(generation, "5"):
        names.append("market_positions_last_updated_ts")
    return say.render(dict.fromkeys(names, say.moment(cutoff)))


def user_data_timestamp_json(at: datetime) -> str:
    """Return the answer of `GET /exchange/user_data_timestamp`."""
    return say.render({"as_of_time": say.moment(at)})


def error_json(code: str, message: str, generation: str, details: str = "") -> str:
    """Return the body of a refusal; it named the service until August 2026."""
    members: Members = {"code": say.string(code), "message": say.string(message)}
    if details:
        members["details"] = say.string(details)
    if before(generation, "5"):
        members["service"] = say.string("made")
    return say.render(members)


def too_many_requests_json() -> str:
    """Return the body of status 429, which is unlike all other errors."""
    return '{"error":"too many requests"}'


def wrapped(name: str, rows: Iterable[str]) -> str:
    """Return a listing that has no pages."""
    return f"{{{say.string(name)}:[{','.join(rows)}]}}"
