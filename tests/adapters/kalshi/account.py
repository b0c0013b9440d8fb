"""An account whose every answer a test has written down, path by path, and a log to fetch it into.

It answers over a real socket. What a test does not write down is that of an account in which
nothing ever happened; `None` is a path that the exchange does not know.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from adapters.kalshi.client import Client, Limits
from adapters.kalshi.fetch import Fetched, Fetching, Plan
from adapters.kalshi.signing import Credentials
from adapters.kalshi.taking import Taker
from adapters.kalshi.telling import prefix_of
from adapters.log.sqlite import SQLiteLog
from adapters.telling import Told, earlier
from domain.event import Owner, StoredEvent, payload_bytes
from tests.adapters.kalshi.exchange import (
    KEY_ID,
    Handler,
    Reply,
    Server,
    SimulatedClock,
    client_of,
    ed25519_key,
    page,
    running,
)

BASE: Final = "/trade-api/v2"
OWNER: Final = Owner("main", "live")
UNTIL: Final = "2026-11-21T11:59:00Z"
CUTOFF: Final = "2026-08-23T00:00:00Z"
LIMITS: Final = Limits(attempts=2)

Said: TypeAlias = "str | Reply | None"

QUIET: Final[Mapping[str, str]] = {
    "/account/limits": '{"usage_tier":"basic","read":{"bucket_capacity":200,"refill_rate":200}}',
    "/exchange/user_data_timestamp": f'{{"as_of_time":"{UNTIL}"}}',
    "/portfolio/subaccounts/balances": '{"subaccount_balances":[]}',
    "/portfolio/balance": '{"balance":0}',
    "/portfolio/positions": '{"market_positions":[],"event_positions":[],"cursor":""}',
    "/portfolio/settlements": '{"settlements":[],"cursor":""}',
    "/portfolio/fills": '{"fills":[],"cursor":""}',
    "/portfolio/orders": '{"orders":[],"cursor":""}',
    "/portfolio/deposits": '{"deposits":[],"cursor":""}',
    "/portfolio/withdrawals": '{"withdrawals":[],"cursor":""}',
    "/historical/fills": '{"fills":[],"cursor":""}',
    "/historical/orders": '{"orders":[],"cursor":""}',
    "/historical/markets": '{"markets":[],"cursor":""}',
    "/historical/cutoff": json.dumps(
        dict.fromkeys(("market_settled_ts", "trades_created_ts", "orders_updated_ts"), CUTOFF)
    ),
    "/markets": '{"markets":[],"cursor":""}',
}
REFUSED: Final = page('{"code":"unauthorized","message":"no such key"}', 401)
FORBIDDEN: Final = page('{"code":"forbidden","message":"scope"}', 403)
BROKEN: Final = page('{"code":"internal","message":"made to fail"}', 503)
WRONG: Final = page('{"code":"bad_request","message":"made to fail"}', 400)
_NOT_THERE: Final = page('{"code":"not_found","message":"not found"}', 404)


@dataclass(slots=True)
class Account:
    """Answers, and everything that a fetch of them needs."""

    server: Server
    simulated: SimulatedClock
    log: SQLiteLog
    answers: dict[str, list[Reply]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Answer as an account in which nothing happened."""
        for path, text in QUIET.items():
            self.says(path, text)
        self.server.says(self._answer)

    def says(self, path: str, *said: "Said") -> None:
        """Answer a path with these in turn, the last one again and again."""
        self.answers[path] = [_reply(one) for one in said]

    def _answer(self, handler: Handler) -> None:
        path = urlsplit(handler.path).path.removeprefix(BASE)
        replies = self.answers.get(path, [_NOT_THERE])
        (replies.pop(0) if len(replies) > 1 else replies[0])(handler)

    def client(self) -> Client:
        """Return a client that waits in simulated time."""
        return client_of(self.server, self.simulated, Credentials(KEY_ID, ed25519_key()), LIMITS)

    def fetch(self, **plan: Any) -> Fetched:  # noqa: ANN401 - fields
        """Fetch once; the fields of `Plan`."""
        self.server.asked.clear()
        made = Plan(self.simulated.now(), **plan)
        with self.client() as client:
            taker = Taker(self.log, OWNER, made.dry_run)
            done = Fetching(client, self.log, taker, made, lambda *_: None).run()
        self.simulated.sleep(60)
        return done

    def told(self, stream: str, **plan: Any) -> Told:  # noqa: ANN401 - fields
        """Fetch once and return what is told of one stream."""
        return stream_of(self.fetch(**plan), stream)

    @property
    def paths(self) -> list[str]:
        """The paths of the last fetch, in their order."""
        return [one.path.removeprefix(BASE) for one in self.server.asked]

    def asked(self, path: str) -> list[dict[str, str]]:
        """The parameters that a path was asked with in the last fetch."""
        return [
            {name: values[0] for name, values in one.params.items()}
            for one in self.server.asked
            if one.path == BASE + path
        ]

    def ledger(self, stream: str) -> Mapping[str, object]:
        """What the newest ledger.fetch event of a stream says."""
        return earlier(self.log.last_under(prefix_of(stream, OWNER)))

    def events(self, kind: str) -> list[StoredEvent]:
        """The events of a kind, in the order of the log."""
        table = self.log.batches(0, self.log.head()).read_all()
        events = (StoredEvent(*row.values()) for row in table.to_pylist())
        return [event for event in events if event.kind == kind]

    def payloads(self, kind: str) -> list[str]:
        """The payloads of a kind as they were received."""
        return [payload_bytes(event.state).decode() for event in self.events(kind)]


def _reply(said: Said) -> Reply:
    if said is None:
        return _NOT_THERE
    return page(said) if isinstance(said, str) else said


def stream_of(fetched: Fetched, stream: str) -> Told:
    """Return what was told of one stream."""
    (told,) = (one for one in fetched.streams if one.stream == stream)
    return told


def fill(number: int, at: str = "2026-11-20T10:00:00Z", **more: object) -> str:
    """Return a row of a made fill; what its readers need is no matter here."""
    row = {"fill_id": f"fill-{number}", "ticker": f"KXMADE-{number}", "created_time": at}
    return json.dumps({**row, **more})


def order(number: int, status: object, at: object) -> str:
    """Return a row of a made order; None leaves a key out."""
    row = {
        "order_id": f"order-{number}",
        "ticker": f"KXMADE-{number}",
        "status": status,
        "created_time": at,
    }
    return json.dumps({name: value for name, value in row.items() if value is not None})


def rows(container: str, *texts: str, cursor: str | None = "", beside: str = "") -> str:
    """Return a page of rows."""
    end = "" if cursor is None else f',"cursor":{json.dumps(cursor)}'
    return f'{{{beside}"{container}":[{",".join(texts)}]{end}}}'


@contextmanager
def account(folder: Path, simulated: SimulatedClock) -> Iterator[Account]:
    """Serve an account, with a new log beside it."""
    with running() as server, SQLiteLog.open(folder / "log.sqlite", create=True) as log:
        yield Account(server, simulated, log)


def seconds(moment: datetime) -> str:
    """Return a moment as the API takes it."""
    return str(int(moment.timestamp()))
