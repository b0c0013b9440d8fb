"""`fake-kalshi`: the made exchange for somebody who wants to rehearse, until it is stopped."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from domain.errors import CannotDoError
from tools.fake_kalshi.clock import RealClock
from tools.fake_kalshi.drifts import Drift
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.faults import FaultPlan
from tools.fake_kalshi.grading import write_truth
from tools.fake_kalshi.keys import new_key
from tools.fake_kalshi.payloads.spelling import before
from tools.fake_kalshi.world import PLAIN, RICH, Style, World

KEY_FILE: Final = "fake-kalshi-key.pem"
KEY_ID: Final = "00000000-0000-4000-8000-00000000fa4e"
ANNOUNCED_EVERY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Ready:
    """An exchange that listens, and what a client has to be told."""

    site: str
    stream: str
    key_id: str
    key_file: Path
    exchange: Exchange = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a client reads, in the order in which to show them."""
        return {
            "BROKERTRUTH_KALSHI_SITE": self.site,
            "BROKERTRUTH_KALSHI_STREAM": self.stream,
            "BROKERTRUTH_KALSHI_KEY_ID": self.key_id,
            "BROKERTRUTH_KALSHI_KEY_FILE": str(self.key_file),
        }

    def write_truth(self, path: Path) -> datetime:
        """Write what a right ledger says now, and return the moment that is meant by it."""
        moment = self.exchange.world.at(self.exchange.as_of).moment
        write_truth(self.exchange.world, moment, path)
        return moment


def rehearse(
    folder: Path,
    *,
    seed: int = 0,
    days: int = 30,
    generation: str = "5",
    port: int = 0,
    fault_rate: float = 0.0,
    days_ahead: int = 0,
    drift: Drift | None = None,
    on_ready: Callable[[Ready], None],
    until_stopped: Callable[[], object],
) -> None:
    """Serve a made account that traded for so many days, up to now, until told to stop.

    Nothing happens after the start, so that the truth stays what it was, unless `days_ahead` says
    for how long trading goes on: then new fills are also sent to the stream. `on_ready` is called
    when the exchange listens; the rehearsal ends when `until_stopped` returns or raises. With a
    `drift` every answer that it concerns drifts.
    """
    world = _world(seed, days, days_ahead, PLAIN if before(generation, "4") else RICH)
    faults = FaultPlan(rate=fault_rate, seed=seed)
    with (
        _exchange(world, folder, generation=generation, port=port, faults=faults) as exchange,
        _announcing(exchange),
    ):
        if drift is not None:
            exchange.drift(drift)
        on_ready(
            Ready(
                site=exchange.url,
                stream=exchange.stream_url,
                key_id=exchange.key_id,
                key_file=folder / KEY_FILE,
                exchange=exchange,
            )
        )
        until_stopped()


def _world(seed: int, days: int, days_ahead: int, style: Style) -> World:
    now = RealClock().now()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    start = today - timedelta(days=days)
    world = World.made(seed, start=start, days=days + 1 + days_ahead, style=style)
    return world if days_ahead else world.ending_at(now)


def _exchange(
    world: World, folder: Path, *, generation: str, port: int, faults: FaultPlan
) -> Exchange:
    key = new_key("rsa", KEY_ID)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_secret(folder / KEY_FILE, key.pem)
        return Exchange(world, generation=generation, port=port, faults=faults, key=key)
    except OSError as error:
        where = error.filename or f"port {port}"
        raise CannotDoError(f"{where}: {error.strerror}; name another one") from error


def _write_secret(path: Path, text: str) -> None:
    """Write a file that nobody but its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)


@contextmanager
def _announcing(exchange: Exchange) -> Iterator[None]:
    """Send new fills to the stream, every second."""
    stop = threading.Event()

    def announce() -> None:
        while not stop.wait(ANNOUNCED_EVERY_SECONDS):
            exchange.announce()

    thread = threading.Thread(target=announce, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
