"""`fetch kalshi --follow`: messages and catch-ups make one book and one verdict."""

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.kalshi.client import Limits
from adapters.kalshi.errors import RefusedError
from adapters.kalshi.follow import Pauses
from domain.errors import UsageError
from tests.rehearsal import Rehearsal, rehearsal
from tests.tools.command import run, start
from tests.tools.fake_kalshi.serving import START, fill, minutes
from tools import fetch, staleness
from tools.fake_kalshi.clock import SimulatedClock
from tools.fake_kalshi.drifts import DRIFTS
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.faults import Fault, FaultPlan
from tools.fake_kalshi.world import World
from tools.following import follow
from tools.outcome import Outcome
from tools.recorder import Recorder

DOCS = Path(__file__).parents[2] / "docs"
FIELDS = "connections fill_messages catch_ups alerts last projection"
TURNS_MAX = 1500
QUOTE = {"instrument": "KXMADE", "bid": "0.45"}


@dataclass(slots=True)
class Followed:
    """A following that goes on until its last step is done."""

    rehearsal: Rehearsal
    lines: list[str] = field(default_factory=list)

    @property
    def caught_up(self) -> int:
        """How often REST has been asked."""
        return sum(line.startswith("caught up") for line in self.lines)

    @property
    def fills(self) -> int:
        """How many messages have come."""
        return sum(line.startswith("fill ") for line in self.lines)

    def follow(self, *steps: str, **wanted: object) -> Outcome:
        """Follow; after each catch-up or fill that a step waits for comes the next step."""
        left = list(steps)
        turns = iter(range(TURNS_MAX))
        done = [0, 0]

        def stop() -> bool:
            assert next(turns, None) is not None, self.lines
            if self.caught_up == 0 or [self.caught_up, self.fills] < done:
                return False
            if not left:
                return True
            done[:] = self._step(left.pop(0))
            return False

        return follow(
            self.rehearsal.book,
            fetch.Wanted(**wanted),  # type: ignore[arg-type]
            self.rehearsal.entry,
            stop=stop,
            pauses=Pauses(listening=0.01),
            say=self.lines.append,
        )

    def _step(self, name: str) -> list[int]:
        """Let something happen, and return how many catch-ups and fills there are after it."""
        exchange, clock = self.rehearsal.exchange, self.rehearsal.clock
        exchange.stream.wait_for_subscribers()
        if name == "fill":
            clock.advance(timedelta(minutes=1))
            exchange.announce()
            return [self.caught_up, self.fills + 1]
        if name == "broken":
            exchange.stream.say_broken()
        elif name == "regular":
            clock.advance(timedelta(minutes=16))
        else:
            exchange.stream.say(f'{{"type":"fill","msg":{name}}}')
            return [self.caught_up, self.fills + 1]
        return [self.caught_up + 1, self.fills]


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Followed]:
    clock = SimulatedClock(START + timedelta(minutes=3, seconds=30))
    with rehearsal(tmp_path, Exchange(minutes(60), clock=clock), clock) as rehearsed:
        entry = replace(rehearsed.entry, limits=Limits(attempts=2))
        yield Followed(replace(rehearsed, entry=entry))


def test_what_a_bot_records_meanwhile_is_taken_in_by_the_next_round(followed: Followed) -> None:
    book = followed.rehearsal.book
    with Recorder(book.spool_path, fsync=False) as bot:
        assert bot.record("market.quote", {**QUOTE, "quoted_at": START})
        done = followed.follow("regular")
        # it is still recording, so its file is taken as far as it goes, and stays
        assert list(book.spool_path.glob("*.jsonl"))
    assert (done.exit_code, done.data["last"]["spool"]["new"]) == (0, 0)
    assert followed.rehearsal.rows("SELECT instrument_id FROM quote") == [("KXMADE",)]
    assert followed.lines[0].startswith("caught up (subscribed): 1 new event")


def test_messages_and_rest_make_one_book(followed: Followed) -> None:
    done = followed.follow("fill", "fill", "regular")
    assert set(done.data) == set(FIELDS.split())
    assert (done.data["connections"], done.data["fill_messages"]) == (1, 2)
    assert (done.data["catch_ups"], done.exit_code) == (2, 0)
    assert done.verdict.startswith(
        "followed over 1 connection: 2 fill messages, 2 catch-ups; the last: 10 streams complete"
    )
    assert [re.split(r"[ :(]", line)[0] for line in followed.lines] == [
        "caught", "fill", "fill", "caught"
    ]  # fmt: skip
    assert followed.lines[0].startswith("caught up (subscribed): 10 streams complete up to ")
    assert followed.rehearsal.differences() == []
    kinds = followed.rehearsal.rows("SELECT kind, sum(events) FROM drift GROUP BY ALL")
    assert dict(kinds)["kalshi.fill_message"] == 2


def test_the_guide_lists_the_fields() -> None:
    guide = (DOCS / "operating.md").read_text("utf-8")
    (line,) = [line for line in guide.splitlines() if line.startswith("| `fetch kalshi --follow`")]
    assert {*FIELDS.split()} <= {*re.findall(r"`(\w+)`", line)}


def test_what_the_command_line_asks_for_counts_for_the_first_catch_up(followed: Followed) -> None:
    followed.rehearsal.fetch()
    followed.follow("broken", full=True)
    begins = [
        "min_ts" in seen.query
        for seen in followed.rehearsal.exchange.requests
        if seen.path == "/portfolio/fills"
    ]
    assert begins == [False, False, True]


def test_a_message_of_a_new_shape_is_a_drift_alert(followed: Followed) -> None:
    done = followed.follow('{"trade_id":"new","surprise":1}', "broken")
    (alert,) = done.data["alerts"]
    assert alert.startswith("DRIFT ALERT kalshi.fill_message at WebSocket fill: 1 event from ")
    assert followed.lines.count(alert) == 1
    assert done.exit_code == 1


def test_a_new_shape_in_the_last_message_is_told_in_the_end(followed: Followed) -> None:
    done = followed.follow('{"trade_id":"new","surprise":1}')
    assert done.data["alerts"] == followed.lines[-1:]
    assert (done.exit_code, done.data["catch_ups"]) == (1, 1)


def test_values_of_messages_that_cannot_be_true_are_told_by_the_next_catch_up(
    followed: Followed,
) -> None:
    followed.follow("fill")
    with followed.rehearsal.book.open_log() as log:
        table = log.batches(0, log.head()).read_all().to_pylist()
    (told,) = (row["state"] for row in table if row["kind"] == "kalshi.fill_message")
    body = told.partition(b'"payload":')[2][:-1].decode()
    spoiled = body.replace('"count_fp":"1.00"', '"count_fp":"many"').replace("fill-0004", "odd")
    assert spoiled.count("many") == 1
    done = Followed(followed.rehearsal).follow(spoiled, "broken")
    assert any("such as many" in alert for alert in done.data["alerts"])
    assert done.exit_code == 1


def test_the_alerts_of_a_catch_up_are_told_as_they_come(followed: Followed) -> None:
    (drift,) = (one for one in DRIFTS if one.name == "fill with an extra key")
    followed.rehearsal.exchange.drift(drift)
    done = followed.follow()
    assert followed.lines[0] == done.data["alerts"][0]
    assert (done.exit_code, done.data["last"]["complete"]) == (1, True)


def test_what_was_found_once_stays_found_and_what_was_incomplete_may_be_made_up_for(
    followed: Followed,
) -> None:
    lost = Fault("status 503", status=503)
    exchange = followed.rehearsal.exchange
    exchange.faults = FaultPlan(lambda seen: lost if seen.path == "/portfolio/orders" else None)
    assert followed.follow().exit_code == 3
    assert any(line.startswith("INCOMPLETE orders") for line in followed.lines)
    again = Followed(followed.rehearsal)
    exchange.faults = FaultPlan()
    assert again.follow("broken").exit_code == 0


def test_a_message_behind_the_last_catch_up_is_projected_too(followed: Followed) -> None:
    done = followed.follow("fill")
    book = followed.rehearsal.book
    with book.open_log() as log:
        assert staleness.of(book, log, book.projection_meta()) is None
        head = log.head()
    assert done.data["projection"]["rebuilt_because"] is None
    assert done.verdict.endswith(f"{head:,} in all")


def test_nothing_is_good_about_a_following_that_never_caught_up(followed: Followed) -> None:
    done = follow(
        followed.rehearsal.book, fetch.Wanted(), followed.rehearsal.entry, stop=lambda: True
    )
    assert (done.exit_code, done.data["last"], done.data["catch_ups"]) == (3, None, 0)
    assert done.verdict == "followed over 0 connections: 0 fill messages, 0 catch-ups"


def test_a_key_that_is_refused_ends_it(followed: Followed) -> None:
    exchange = followed.rehearsal.exchange
    exchange.key = replace(exchange.key, key_id="another")
    with pytest.raises(RefusedError, match="status 401"):
        followed.follow()


def test_a_dry_run_is_refused(followed: Followed) -> None:
    with pytest.raises(UsageError, match="leave --dry-run out"):
        followed.follow(dry_run=True)
    assert followed.rehearsal.exchange.requests == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_console_script_follows_until_it_is_stopped(
    tmp_path: Path, number: signal.Signals
) -> None:
    assert run(tmp_path / "book", "init").code == 0
    now = datetime.now(UTC)
    exchange = Exchange(World.by_hand([fill(1, now - timedelta(hours=1))]))
    environment = {
        "BROKERTRUTH_KALSHI_SITE": exchange.url,
        "BROKERTRUTH_KALSHI_STREAM": exchange.stream_url,
        "BROKERTRUTH_KALSHI_KEY_ID": exchange.key_id,
        "BROKERTRUTH_KALSHI_KEY": exchange.key_pem,
    }
    with exchange:
        process = start(
            "fetch", "kalshi", "--follow", "--json", folder=tmp_path, environment=environment
        )
        assert process.stderr is not None
        line = process.stderr.readline()
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=60)
    assert line.startswith("caught up (subscribed): 10 streams complete")
    assert (process.returncode, err, out.count("\n")) == (0, "", 1)
    assert '"verb": "fetch kalshi"' in out
