"""Fetches and statements of an account in one line each, everything made."""

import json
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Final

from domain.event import Asked, NewEvent, Owner, time_text
from tests.books import MAIN, event

FIRST_ROW: Final = datetime(1970, 1, 1, tzinfo=UTC)
STREAMS: Final = ("fills", "settlements", "deposits", "withdrawals")


def fetch(
    stream: str,
    covered: tuple[datetime, datetime] | None,
    *,
    at: datetime,
    owner: Owner = MAIN,
    **changes: Any,  # noqa: ANN401 - values of JSON
) -> NewEvent:
    """Return a fetch of a stream: complete over a stretch of time, or incomplete with None."""
    row: dict[str, Any] = {
        "document": f"kalshi.{stream}/{time_text(at)}",
        "adapter": "kalshi/1",
        "broker": "kalshi",
        "stream": stream,
        "state": "complete" if covered else "incomplete",
        "started_at": time_text(at),
        "ended_at": time_text(at + timedelta(seconds=1)),
        "pages": 1,
        "rows": 0,
    }
    if covered:
        row |= dict(zip(("covered_from", "covered_until"), map(time_text, covered), strict=True))
    else:
        row["reason"] = "the exchange did not answer"
    kept = {key: value for key, value in (row | changes).items() if value is not None}
    return event("ledger.fetch", json.dumps(kept), owner=owner)


def covering(end: datetime, *, start: datetime = FIRST_ROW, owner: Owner = MAIN) -> list[NewEvent]:
    """Return complete fetches of all streams that move cash, from their first rows on."""
    return [fetch(stream, (start, end), at=end, owner=owner) for stream in STREAMS]


def balance(
    cash: Decimal | str,
    as_of: datetime,
    *,
    owner: Owner = MAIN,
    received_at: datetime | None = None,
    subaccount: int | None = None,
    shard: int | None = None,
    exact: bool = True,
    value: int = 0,
) -> NewEvent:
    """Return a balance in dollars, or cut to whole cents."""
    cents = int((100 * Decimal(cash)).to_integral_value(ROUND_FLOOR))
    row: dict[str, Any] = {"balance": cents, "portfolio_value": value, "updated_ts": 1}
    if exact:
        row["balance_dollars"] = f"{Decimal(cash):.6f}"
    return event(
        "kalshi.balance",
        json.dumps(row),
        owner=owner,
        as_of=as_of,
        received_at=received_at or as_of,
        asked=Asked(subaccount, shard),
    )


def listed(
    cash: str, as_of: datetime, *, subaccount: int = 0, shard: int = 0, **changes: object
) -> NewEvent:
    """Return a row of the list of subaccounts."""
    row = {
        "subaccount_number": subaccount,
        "exchange_index": shard,
        "balance": cash,
        "updated_ts": 1,
    }
    kept = {key: value for key, value in (row | changes).items() if value is not None}
    return event("kalshi.subaccount_balance", json.dumps(kept), as_of=as_of, received_at=as_of)
