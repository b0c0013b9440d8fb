"""What a fetch from Kalshi tells of each stream, as a `ledger.fetch` event."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from adapters.kalshi.streams import ADAPTER, BROKER
from adapters.telling import Broker, Told
from domain.event import NewEvent, Owner

KALSHI: Final = Broker(BROKER, ADAPTER)


def document_of(stream: str, started_at: datetime) -> str:
    """Return what identifies one fetch of one stream; in text order, they are in time order."""
    return KALSHI.document(stream, started_at)


def prefix_of(stream: str, owner: Owner) -> str:
    """Return what the keys of all fetches of a stream begin with."""
    return KALSHI.prefix(stream, owner)


def fetch_event(
    told: Told, owner: Owner, site: str, started_at: datetime, ended_at: datetime
) -> NewEvent:
    """Return the event that says what a fetch of a stream from a site came to."""
    return KALSHI.fetch_event(told, owner, site, started_at, ended_at)


def asked_text(path: str, parameters: Mapping[str, object]) -> str:
    """Return what was asked, for the `ledger.fetch` event."""
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return f"{path}?{query}" if query else path
