"""Simulated time moves when it is told to, whoever tells it."""

import threading
from datetime import datetime, timedelta

import pytest

from tests.tools.fake_kalshi.serving import START
from tools.fake_kalshi.clock import SimulatedClock


def test_sleeping_moves_both_times_on() -> None:
    clock = SimulatedClock(START)
    clock.sleep(90)
    assert clock.now() == START + timedelta(seconds=90)
    assert clock.monotonic() == 90
    clock.advance(timedelta(hours=1))
    assert clock.monotonic() == 3690


def test_time_does_not_run_backwards() -> None:
    clock = SimulatedClock(START)
    clock.sleep(-5)
    assert clock.now() == START
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(timedelta(seconds=-1))


def test_a_clock_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        SimulatedClock(datetime(2026, 1, 5))  # noqa: DTZ001 - the mistake under test


def test_several_threads_may_sleep_at_once() -> None:
    clock = SimulatedClock(START)

    def doze() -> None:
        for _ in range(200):
            clock.sleep(1)

    threads = [threading.Thread(target=doze) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.monotonic() == 800
