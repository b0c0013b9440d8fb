"""What the tests of the file importers share: taking bytes in, and looking at what came out."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from adapters.files import Input, read_input
from domain.errors import UsageError
from domain.event import NewEvent, Owner, header, payload_bytes

OWNER: Final = Owner("main", "live")
RECEIVED: Final = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
NOON: Final = datetime(2026, 1, 13, 12, tzinfo=UTC)
DATA: Final = Path(__file__).parents[2] / "data"
GOLDEN: Final = DATA / "kalshi_golden"
EXPORT: Final = DATA / "kalshi_export" / "crypto_may2026_Kalshi-Recent-Activity-All.csv"

FILL: Final = '{"trade_id":"t1","order_id":"o1","ticker":"KX-A","count":1,"price":0.50}'
OTHER: Final = '{"trade_id":"t2","order_id":"o1","ticker":"KX-A","count":2,"price":0.5}'
ACTIVITY_HEADER: Final = "type,Original_Date,Market_Ticker,Profit_In_Dollars,Status"


def take(data: bytes | str, *, as_of: datetime | None = None, name: str = "input") -> Input:
    raw = data.encode() if isinstance(data, str) else data
    return read_input(raw, name=name, owner=OWNER, received_at=RECEIVED, as_of=as_of)


def refusal(data: bytes | str, *, as_of: datetime | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        take(data, as_of=as_of)
    return str(caught.value)


def rows(taken: Input) -> list[NewEvent]:
    """Give all events but the fetch, which must be the last and the only one."""
    assert [event.kind for event in taken.events].count("ledger.fetch") == 1
    assert taken.events[-1].kind == "ledger.fetch"
    return taken.events[:-1]


def texts(taken: Input) -> list[str]:
    return [payload_bytes(event.state).decode() for event in rows(taken)]


def payloads(taken: Input) -> list[object]:
    return [json.loads(text) for text in texts(taken)]


def fetch(taken: Input) -> dict[str, object]:
    payload: dict[str, object] = json.loads(payload_bytes(taken.events[-1].state))
    return payload


def source(event: NewEvent) -> dict[str, object]:
    found = header(event.state)["source"]
    assert isinstance(found, dict)
    return found
