"""From messages to events of the log: whose they are, of which moment, and how many were new.

Messages are gathered for a moment and appended together, in the order in which they came. One that
cannot be recorded keeps no other from being recorded.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from adapters.ibkr.owning import STREAMS, Fields, Link, Ownership
from adapters.ibkr.payloads import Message, payload
from adapters.log.appending import Appended
from adapters.taking import Census, Piece, Sink
from adapters.telling import Broker, Told
from domain.errors import UsageError
from domain.event import NewEvent, Origin, Owner, StoredEvent, make_key, time_text
from domain.ibkr import messages
from domain.ibkr.accounts import mode_of

IBKR: Final = Broker("ibkr", "ibkr/1")

_SNAPSHOTS: Final = frozenset(
    {
        messages.POSITION,
        messages.ACCOUNT_VALUE,
        messages.ACCOUNT_SUMMARY,
        messages.PORTFOLIO_VALUE,
    }
)
_PENDING: Final = frozenset({"-1", "-1.0", "-1.00"})


class Log(Sink, Protocol):
    """The event log that is appended to, and asked what it holds."""

    def revisions(self, key: str) -> list[StoredEvent]:
        """Return all revisions of a key, the oldest first."""
        ...

    def last_under(self, prefix: str) -> StoredEvent | None:
        """Return the newest revision of the last key that begins with `prefix`."""
        ...


@dataclass(slots=True)
class Recorder:
    """Records what one connection tells.

    gateway_zone  the zone of times that name none; None where nobody has said it
    heard         is told each message that was recorded, with its account
    """

    log: Log
    mode: str
    gateway_zone: str | None
    census: Census
    connected_at: datetime
    dry_run: bool = False
    heard: Callable[[Message, str], None] = lambda _message, _account: None
    pending: list[Message] = field(default_factory=list)
    batches: int = 0
    told: dict[tuple[str, str], Told] = field(default_factory=dict)
    """What came since the round of questions began, by stream and account."""
    executed: dict[str, bool] = field(default_factory=dict)
    """Executions of this round and since, and whether their commission is known."""
    reported: set[str] = field(default_factory=set)
    moments: dict[str, datetime | None] = field(default_factory=dict)
    """Kinds whose answer is under way, and when its first row came."""
    ownership: Ownership = field(init=False)

    def __post_init__(self) -> None:
        """Know nothing yet but where to look it up."""
        self.ownership = Ownership(self._in_log)

    @property
    def accounts(self) -> tuple[str, ...]:
        """Return the accounts that the gateway shows."""
        return self.ownership.accounts

    def serve(self, accounts: tuple[str, ...]) -> None:
        """Take the accounts that the gateway shows. Raise UsageError for one of another mode."""
        for account in accounts:
            self.owner(account)
        self.ownership.accounts = accounts

    def begin_round(self) -> None:
        """Count from here on: what is asked for tells all executions of the day again."""
        self.told, self.executed, self.reported = {}, {}, set()
        self.ownership.known = {}

    def begin_answer(self, *kinds: str) -> None:
        """From now on the rows of these snapshots are of one moment: that of the first."""
        self.moments |= dict.fromkeys(kinds)

    def end_answer(self, *kinds: str) -> None:
        """From now on each row of these is of its own moment."""
        for kind in kinds:
            self.moments.pop(kind, None)

    def hear(self, message: Message) -> None:
        """Take a message; it is on the disk after the next `flush`."""
        self.pending.append(message)

    def flush(self) -> None:
        """Append what is pending, all of it that is known whose it is.

        Raise UsageError for what may not be in this book when everything else is on the disk. What
        cannot be appended stays pending.
        """
        batch, self.pending = self.pending, []
        if not batch:
            return
        self.batches += 1
        named = [(message, message.named()) for message in batch]
        released: list[Message] = []
        for message, fields in named:
            self._note(message.kind, fields)
            released += self.ownership.learn(message.kind, fields)
        owned: dict[tuple[str, str], list[tuple[Message, Fields]]] = {}
        for message, fields in [*((one, one.named()) for one in released), *named]:
            account = self.ownership.account_of(message.kind, fields)
            if account is None:
                self.ownership.wait(message, fields)
            else:
                owned.setdefault((STREAMS[message.kind], account), []).append((message, fields))
        refusals: list[UsageError] = []
        try:
            for place in list(owned):
                refusals += self._record(*place, owned[place])
                del owned[place]
        finally:
            self.pending[:0] = [message for rows in owned.values() for message, _ in rows]
        if refusals:
            count = "" if len(refusals) == 1 else f" ({len(refusals)} messages were not recorded)"
            raise UsageError(f"{refusals[0]}{count}")

    def _record(
        self, stream: str, account: str, rows: list[tuple[Message, Fields]]
    ) -> list[UsageError]:
        """Append messages of one account. Return why some of them are refused."""
        events: list[NewEvent] = []
        taken: list[Message] = []
        refusals: list[UsageError] = []
        for message, fields in rows:
            try:
                events += self._events(message, fields, account)
                taken.append(message)
            except UsageError as error:
                refusals.append(error)
        if taken:
            self.told_of(stream, account).add(self.append(events))
        for message in taken:
            self.heard(message, account)
        return refusals

    def append(self, events: list[NewEvent]) -> Appended:
        """Append events; when this returns they are on the disk, all of them."""
        return self.log.append(events, dry_run=self.dry_run)

    def last_fetch(self, stream: str, account: str) -> StoredEvent | None:
        """Return what the fetch before told of a stream."""
        return self.log.last_under(IBKR.prefix(stream, self.owner(account)))

    def told_of(self, stream: str, account: str) -> Told:
        """Return what is told of a stream of an account in this round."""
        return self.told.setdefault((stream, account), Told(stream))

    def unreported(self) -> int:
        """Return how many executions have no commission yet; combinations never get one."""
        return sum(not known for known in self.executed.values())

    def unowned(self, stream: str) -> int:
        """Return how many messages came, since it was last told, whose account is not known."""
        return self.ownership.unowned(stream)

    def _events(self, message: Message, fields: Fields, account: str) -> Iterable[NewEvent]:
        kind, owner = message.kind, self.owner(account)
        source: dict[str, str | int] = {
            "adapter": IBKR.adapter,
            # of its own: what is said again after something else was said is no retry
            "document": f"ibkr.socket/{time_text(self.connected_at)}/{self.batches}",
            "server": message.server_version,
        }
        if messages.REQUEST in fields:
            source["request"] = fields[messages.REQUEST]
        as_of = self._moment(message) if kind in _SNAPSHOTS else None
        origin = Origin(owner, "ibkr", message.received_at, source)
        row = payload(fields, self.gateway_zone)
        return self.census.events(kind, [row], Piece(origin, "the socket", as_of))

    def _moment(self, message: Message) -> datetime:
        if message.kind not in self.moments:
            return message.received_at
        first = self.moments[message.kind] or message.received_at
        self.moments[message.kind] = first
        return first

    def owner(self, account: str) -> Owner:
        """Return whose the events of an account are. Raise UsageError for one of another mode."""
        mode = mode_of(account)
        if mode != self.mode:
            raise UsageError(
                f"account {account} is a {mode} account and this book is {self.mode}: make a book "
                f"for it with `brokertruth --book DIR init --mode {mode}`"
            )
        return Owner(account, mode)

    def _note(self, kind: str, fields: Fields) -> None:
        """Remember which executions there are, and of which the commission is known."""
        number = fields.get("execId", "")
        if kind == messages.COMMISSION_REPORT and fields.get("commission") not in _PENDING:
            self.reported.add(number)
            if number in self.executed:
                self.executed[number] = True
        elif kind == messages.EXECUTION and fields.get("secType") != "BAG":
            self.executed[number] = number in self.reported

    def _in_log(self, link: Link) -> str | None:
        for account in self.accounts:
            if self.log.revisions(make_key("ibkr", self.owner(account), *link)):
                return account
        return None
