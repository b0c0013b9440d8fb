import time
from datetime import UTC, datetime

from adapters.clock import SYSTEM


def test_the_system_clock_tells_the_time_of_day_in_utc() -> None:
    before = datetime.now(UTC)
    now = SYSTEM.now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


def test_the_system_clock_waits_in_earnest_and_never_goes_back() -> None:
    assert SYSTEM.sleep is time.sleep
    assert SYSTEM.monotonic is time.monotonic
