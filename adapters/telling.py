"""What a fetch tells of each stream, as a `ledger.fetch` event.

    complete    asked to its end, which the exchange confirmed; covered_from and covered_until say
                for which time, where the exchange says up to when its data are
    incomplete  not asked to its end, and why; it covers nothing

`resume_from` is where the next fetch has to begin at the latest: an incomplete fetch repeats it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from adapters.log.appending import Appended
from domain import jsontext, ledger
from domain.event import NewEvent, Origin, Owner, StoredEvent, make_event, payload_bytes, time_text
from domain.jsontext import Integer
from domain.kinds import BY_NAME, identity_of
from domain.shapes import shape_of

THE_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Where the interval of a stream begins that was read from its first row on."""


@dataclass(slots=True)
class Told:
    """What has been learnt of one stream so far, in one fetch."""

    stream: str
    complete: bool = False
    pages: int = 0
    rows: int = 0
    new: int = 0
    revisions: int = 0
    duplicates: int = 0
    covered_from: datetime | None = None
    covered_until: datetime | None = None
    resume_from: datetime | None = None
    reason: str | None = None
    gap: tuple[datetime, datetime] | None = None
    """Time of which the exchange has given up the rows before they were fetched."""
    notes: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Endpoints with their filters, in the order in which they were asked."""

    def add(self, appended: Appended) -> None:
        """Count what was appended."""
        self.rows += appended.new + appended.revisions + appended.duplicates
        self.new += appended.new
        self.revisions += appended.revisions
        self.duplicates += appended.duplicates

    @property
    def state(self) -> str:
        """Return complete or incomplete."""
        return "complete" if self.complete else "incomplete"


@dataclass(frozen=True, slots=True)
class Broker:
    """Who is asked, and by which adapter."""

    name: str
    adapter: str

    def document(self, stream: str, started_at: datetime) -> str:
        """Return what identifies one fetch of one stream; in text order, they are in time order."""
        return f"{self.name}.{stream}/{time_text(started_at)}"

    def prefix(self, stream: str, owner: Owner) -> str:
        """Return what the keys of all fetches of a stream begin with."""
        return f"ledger|{owner.account}|{owner.mode}|{ledger.FETCH}|{self.name}.{stream}/"

    def fetch_event(
        self, told: Told, owner: Owner, site: str, started_at: datetime, ended_at: datetime
    ) -> NewEvent:
        """Return the event that says what a fetch of a stream from a site came to."""
        payload: dict[str, object] = {
            "document": self.document(told.stream, started_at),
            "adapter": self.adapter,
            "broker": self.name,
            "site": site,
            "stream": told.stream,
            "state": told.state,
            "started_at": time_text(started_at),
            "ended_at": time_text(ended_at),
            "pages": Integer(told.pages),
            "rows": Integer(told.rows),
            **_moments(told),
        }
        if told.reason is not None:
            payload["reason"] = told.reason
        if told.asked:
            payload["asked"] = "; ".join(told.asked)
        source = {"adapter": self.adapter, "document": str(payload["document"])}
        origin = Origin(owner=owner, venue="ledger", received_at=ended_at, source=source)
        identity = identity_of(BY_NAME[ledger.FETCH], payload)
        text = jsontext.canonical(payload)
        return make_event(origin, ledger.FETCH, identity, shape_of(payload), text)


def _moments(told: Told) -> dict[str, object]:
    moments = {"resume_from": told.resume_from}
    if told.complete:
        moments |= {"covered_from": told.covered_from, "covered_until": told.covered_until}
    return {name: time_text(at) for name, at in moments.items() if at is not None}


def earlier(event: StoredEvent | None) -> Mapping[str, object]:
    """Return what an earlier fetch told; nothing where there was none."""
    if event is None:
        return {}
    payload = jsontext.parse(payload_bytes(event.state).decode())
    return payload if isinstance(payload, dict) else {}


def moment(value: object) -> datetime | None:
    """Return a time that the exchange or an earlier fetch wrote; None for anything else."""
    if not isinstance(value, str) or isinstance(value, jsontext.Number):
        return None
    try:
        read = datetime.fromisoformat(value)
        return read.astimezone(UTC) if read.tzinfo else None
    except (ValueError, OverflowError):
        # in UTC, the first hours and the last ones that there are may lie outside
        return None
