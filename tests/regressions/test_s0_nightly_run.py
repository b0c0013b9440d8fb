"""Known failure S0-11: a nightly run that was well as long as not every step of it had failed."""

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.kalshi.client import Limits
from tests.rehearsal import rehearsal
from tests.tools.command import run
from tests.tools.fake_kalshi.serving import clock_at, minutes
from tools import fetch
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.faults import Fault, FaultPlan

FAILING = ("/portfolio/fills", "/portfolio/settlements", "/portfolio/orders")
LOST = Fault("status 503", status=503)


@pytest.mark.parametrize("failing", [1, 3])
def test_s0_11_one_failed_step_of_many_fails_the_run_and_each_step_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    clock = clock_at(1)
    with rehearsal(tmp_path, Exchange(minutes(3), clock=clock), clock) as small:
        entry = replace(small.entry, limits=Limits(attempts=1))
        monkeypatch.setattr(fetch, "access", lambda _: entry)
        small.exchange.faults = FaultPlan(
            lambda seen: LOST if seen.path in FAILING[:failing] else None
        )
        done = run(small.book.folder, "fetch", "kalshi", "--json")
        assert done.code == 3
        states = {one["stream"]: one["state"] for one in done.json["streams"]}
        names = {path.rpartition("/")[2] for path in FAILING[:failing]}
        assert {name for name, state in states.items() if state == "incomplete"} >= names
        # the other steps were run, and what they brought is kept
        assert states["balance"] == "complete"
        assert small.rows("SELECT count(*) > 0 FROM balance_snapshot") == [(True,)]
        # each step's end is an event, so that the failure outlives the run
        kept = dict(small.rows("SELECT stream, state FROM stream_status"))
        assert {kept[name] for name in names} == {"incomplete"}
