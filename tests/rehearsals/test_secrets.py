"""No key and no signature is ever written or said, whatever goes wrong.

The exchange notes every signature that it is sent. After fetches with faults, drifts, refusals,
dropped connections and a failure that nobody foresaw, neither those nor anything of the private
key is in a file of the book, in a log at its most talkative, or in what was said.
"""

import base64
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from traceback import format_exception

import pytest
from cryptography.hazmat.primitives import serialization
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from adapters.kalshi.errors import RefusedError
from adapters.kalshi.follow import Pauses
from adapters.kalshi.taking import Taker
from tests.rehearsal import Rehearsal, rehearsal
from tests.tools.command import finish, start
from tools import cli, fetch, following
from tools.fake_kalshi.clock import RealClock, SimulatedClock, Timepiece
from tools.fake_kalshi.drifts import DRIFTS
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.faults import FAULTS, FaultPlan
from tools.fake_kalshi.keys import Key, KeyKind, new_key
from tools.fake_kalshi.seen import Seen
from tools.fake_kalshi.server import Answer
from tools.fake_kalshi.streams import FillStream
from tools.fake_kalshi.world import RICH, World
from tools.outcome import FAILED, Outcome

SIGNATURE = "KALSHI-ACCESS-SIGNATURE"


@dataclass(slots=True)
class Secrets:
    """What must be nowhere: the key in every usual spelling, and all signatures that were sent."""

    key: Key
    signatures: set[str] = field(default_factory=set)

    def spelled(self) -> list[bytes]:
        pem = self.key.pem.encode()
        lines = [line for line in pem.splitlines() if not line.startswith(b"--")]
        der = self.key.private.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        spelled = [*lines, b"".join(lines)[:40], der[-32:], der[-32:].hex().encode()]
        spelled += [base64.b64encode(pem)[:60], base64.b64encode(pem[28:])[:60]]
        for signature in self.signatures:
            raw = base64.b64decode(signature)
            spelled += [signature.rstrip("=").encode(), raw, raw.hex().encode()]
            spelled.append(signature.rstrip("=").replace("/", "%2F").replace("+", "%2B").encode())
        return spelled

    def in_(self, text: bytes) -> list[bytes]:
        return [secret for secret in self.spelled() if secret in text]

    def in_files(self, folder: Path) -> list[tuple[str, bytes]]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return [(path.name, found) for path in files for found in self.in_(path.read_bytes())]


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Secrets:
    """Note the signature of every request, as the exchange receives it."""
    kind: KeyKind = getattr(request, "param", "rsa")
    kept = Secrets(new_key(kind, "5ec2e700-0000-4000-8000-000000000001"))
    answer, admit = Exchange.answer, FillStream._admit

    def noting(exchange: Exchange, seen: Seen, path: str, headers: dict[str, str]) -> Answer:
        kept.signatures.add(headers[SIGNATURE])
        return answer(exchange, seen, path, headers)

    def admitting(
        stream: FillStream, connection: ServerConnection, request: Request
    ) -> Response | None:
        kept.signatures.add(request.headers[SIGNATURE])
        return admit(stream, connection, request)

    monkeypatch.setattr(Exchange, "answer", noting)
    monkeypatch.setattr(FillStream, "_admit", admitting)
    return kept


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    """Log everything that any library has to say."""
    path = tmp_path / "everything.log"
    handler = logging.FileHandler(path, encoding="utf-8")
    # the exchange runs in this process, too, and may say what it heard
    handler.addFilter(lambda record: record.name != "websockets.server")
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield path
    root.removeHandler(handler)
    root.setLevel(level)
    handler.close()


def exchange_of(secrets: Secrets, now: datetime, clock: Timepiece) -> Exchange:
    world = World.made(2, start=now - timedelta(days=3), days=5, style=RICH)
    return Exchange(world, clock=clock, page_cap=40, tier="prestige", key=secrets.key)


def environment(made: Rehearsal) -> Mapping[str, str]:
    return {
        "BROKERTRUTH_KALSHI_SITE": made.exchange.url,
        "BROKERTRUTH_KALSHI_STREAM": made.exchange.stream_url,
        "BROKERTRUTH_KALSHI_KEY_ID": made.exchange.key_id,
        "BROKERTRUTH_KALSHI_KEY": made.exchange.key_pem,
    }


def everything_in(made: Rehearsal) -> bytes:
    """Return what the log and the projection hold, unpacked."""
    with made.book.open_log() as log:
        told = [str(row) for row in log.batches(0, log.head()).read_all().to_pylist()]
    with made.book.open_projection() as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    for (table,) in tables:
        told += map(str, made.rows(f'SELECT * FROM "{table}"'))
    return "\n".join(told).encode()


@pytest.mark.parametrize("secrets", ["rsa", "ed25519"], indirect=True)
def test_neither_files_nor_logs_nor_words_hold_a_secret(
    tmp_path: Path, secrets: Secrets, log_file: Path
) -> None:
    clock = SimulatedClock(datetime(2026, 9, 5, tzinfo=UTC))
    clock.advance(timedelta(hours=1))
    exchange = exchange_of(secrets, clock.now(), clock)
    told: list[str] = []
    with rehearsal(tmp_path, exchange, clock) as made:
        exchange.faults = FaultPlan(rate=0.3, seed=4, choices=FAULTS)
        for drift in DRIFTS[::3]:
            exchange.drift(drift)
        done = made.fetch()
        told += [str(done), repr(made.entry), repr(done.data)]
        exchange.faults = FaultPlan()
        dropped: list[int] = []

        def stop() -> bool:
            caught_up = sum(line.startswith("caught up") for line in told)
            if caught_up == 1 and not dropped:
                clock.advance(timedelta(hours=3))
                dropped.append(exchange.announce())
                exchange.stream.drop(reset=True)
            return caught_up == 2

        followed = following.follow(
            made.book,
            fetch.Wanted(),
            made.entry,
            stop=stop,
            pauses=Pauses(listening=0.02),
            say=told.append,
        )
        told.append(str(followed))
        # one REST request or handshake is refused each way
        exchange.key = Key(secrets.key.key_id, new_key("rsa", "another").private)
        told += [refused(made), refused(made, follow=True)]
        exchange.key = Key(secrets.key.key_id, secrets.key.private, frozenset())
        told += [refused(made), refused(made, follow=True)]
        held = everything_in(made)
    assert log_file.stat().st_size > 10_000
    assert len(secrets.signatures) > 60
    assert "status 401" in told[-4]
    assert "status 403" in told[-1]
    assert secrets.in_("\n".join(told).encode()) == []
    assert secrets.in_(held) == []
    assert secrets.in_files(tmp_path) == []
    # and this is how one would be found
    (tmp_path / "planted").write_text(f"> {SIGNATURE}: {min(secrets.signatures)}")
    assert [name for name, _ in secrets.in_files(tmp_path)] == ["planted"]


def refused(made: Rehearsal, *, follow: bool = False) -> str:
    def ask() -> Outcome:
        if follow:
            return following.follow(made.book, fetch.Wanted(), made.entry, stop=lambda: False)
        return made.fetch()

    try:
        done = ask()
    except RefusedError as error:
        return "".join(format_exception(error))
    assert done.exit_code == FAILED
    return str(done)


def test_the_console_script_says_no_secret(tmp_path: Path, secrets: Secrets) -> None:
    clock = RealClock()
    exchange = exchange_of(secrets, clock.now(), clock)
    with rehearsal(tmp_path, exchange, SimulatedClock(clock.now())) as made:
        words = ("--book", str(made.book.folder), "fetch", "kalshi")
        told = []
        for drift in DRIFTS[::4]:
            exchange.drift(drift)
        runs: list[tuple[frozenset[str], tuple[str, ...], int]] = [
            (secrets.key.scopes, ("--json",), FAILED),
            (frozenset(), (), FAILED),
            (frozenset(), ("--json",), FAILED),
        ]
        for scopes, options, code in runs:
            exchange.key = Key(secrets.key.key_id, secrets.key.private, scopes)
            ran = finish(start(*words, *options, folder=tmp_path, environment=environment(made)))
            assert ran.code == code, ran.err
            told += [ran.out, ran.err]
    assert "DRIFT ALERT" in told[0]
    assert "status 403" in told[2]
    assert "5ec2e700…" in told[2]
    assert len(secrets.signatures) > 20
    assert secrets.in_("\n".join(told).encode()) == []
    assert secrets.in_files(tmp_path) == []


def test_a_failure_that_nobody_foresaw_is_told_without_secrets(
    tmp_path: Path,
    secrets: Secrets,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def unforeseen(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    clock = RealClock()
    exchange = exchange_of(secrets, clock.now(), clock)
    with rehearsal(tmp_path, exchange, SimulatedClock(clock.now())) as made:
        for name, text in environment(made).items():
            monkeypatch.setitem(os.environ, name, text)
        monkeypatch.setattr(Taker, "take", unforeseen)
        words = ["brokertruth", "--book", str(made.book.folder), "fetch", "kalshi"]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            cli.main()
    told = capfd.readouterr()
    assert ended.value.code == FAILED
    assert "RuntimeError: nobody foresaw this" in told.err
    assert len(secrets.signatures) > 0
    assert secrets.in_((told.out + told.err).encode()) == []
    assert secrets.in_files(tmp_path) == []
