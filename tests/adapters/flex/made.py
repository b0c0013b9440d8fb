"""Made Flex statements, and what comes of them."""

import io
import json
from datetime import UTC, datetime
from xml.sax.saxutils import quoteattr

import pytest

from adapters.flex import Survey, batches, survey
from domain.errors import UsageError
from domain.event import NewEvent, Owner, header, payload_bytes

BOOK = Owner("main", "live")
RECEIVED = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)


def element(tag: str, /, *inner: str, **attributes: str) -> str:
    """Spell one element."""
    named = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<{tag}{named}>{''.join(inner)}</{tag}>" if inner else f"<{tag}{named}/>"


def trade(number: int = 1, /, **attributes: str) -> str:
    """Spell one trade."""
    given = {"accountId": "U1", "ibExecID": f"0000.{number:04}.01.01", "quantity": "1"}
    return element("Trade", **{**given, **attributes})


def statement(*sections: str, **attributes: str) -> str:
    """Spell one FlexStatement."""
    given = {
        "accountId": "U1",
        "fromDate": "20250101",
        "toDate": "20250131",
        "whenGenerated": "20250201;080000",
    }
    return element("FlexStatement", *sections, **{**given, **attributes})


def response(*statements: str, count: str = "1") -> str:
    """Spell a whole file."""
    inner = element("FlexStatements", *(statements or ("\n",)), count=count)
    return element("FlexQueryResponse", inner, queryName="made", type="AF")


def trades(*rows: str) -> str:
    """Spell a file with one statement that has these trades."""
    return response(statement(element("Trades", *rows)))


def looked_at(data: bytes | str, book: Owner = BOOK) -> Survey:
    """Read a file for the first time."""
    raw = data.encode() if isinstance(data, str) else data
    return survey(io.BytesIO(raw), name="made.xml", book=book)


def taken(data: bytes | str, book: Owner = BOOK) -> list[NewEvent]:
    """Make the events of a file, the fetch event too."""
    file = io.BytesIO(data.encode() if isinstance(data, str) else data)
    seen = survey(file, name="made.xml", book=book)
    made = batches(file, seen, received_at=RECEIVED)
    return [event for batch in made for event in batch]


def events(data: bytes | str, book: Owner = BOOK) -> list[NewEvent]:
    """Make the events of a file; the fetch event must be the last and the only one."""
    *rows, fetch = taken(data, book)
    assert fetch.kind == "ledger.fetch"
    assert "ledger.fetch" not in [row.kind for row in rows]
    return rows


def refusal(data: bytes | str, book: Owner = BOOK) -> str:
    """Return why a file is refused."""
    with pytest.raises(UsageError) as caught:
        looked_at(data, book)
    return str(caught.value)


def payload(event: NewEvent) -> dict[str, str]:
    """Return what an event holds."""
    parsed = json.loads(payload_bytes(event.state))
    assert isinstance(parsed, dict)
    return parsed


def source(event: NewEvent) -> dict[str, str]:
    """Return where an event came from."""
    found = header(event.state)["source"]
    assert isinstance(found, dict)
    return found
