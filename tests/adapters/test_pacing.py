import math
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.pacing import Bucket
from tests.adapters.kalshi.exchange import SimulatedClock

SLACK = 1e-6
RATES = st.floats(0.5, 2000)


def test_a_full_bucket_makes_nobody_wait() -> None:
    simulated = SimulatedClock()
    bucket = Bucket(200, 200, simulated.clock)
    for _ in range(20):
        bucket.take(10)
    assert simulated.slept == []
    assert bucket.waited_seconds == 0


def test_an_empty_bucket_makes_wait_until_the_tokens_are_there() -> None:
    simulated = SimulatedClock()
    bucket = Bucket(200, 200, simulated.clock)
    for _ in range(60):
        bucket.take(10)
    assert simulated.seconds == pytest.approx(400 / 200)
    assert bucket.waited_seconds == pytest.approx(2)


def test_time_that_went_by_fills_the_bucket_and_no_further() -> None:
    simulated = SimulatedClock()
    bucket = Bucket(1, 1, simulated.clock)
    bucket.take(1)
    simulated.seconds += 3600
    bucket.take(1)
    bucket.take(1)
    assert simulated.slept == [1]


def test_a_change_of_the_rate_is_no_new_start() -> None:
    simulated = SimulatedClock()
    bucket = Bucket(200, 200, simulated.clock)
    for _ in range(20):
        bucket.take(10)
    bucket.change(1000, 1000)
    bucket.take(10)
    assert simulated.slept == [pytest.approx(0.01)]


def test_what_flowed_in_before_a_change_flowed_in_at_the_old_rate() -> None:
    simulated = SimulatedClock()
    bucket = Bucket(10, 100, simulated.clock)
    bucket.take(100)
    simulated.seconds += 1
    bucket.change(1000, 100)
    bucket.take(60)
    assert simulated.slept == [pytest.approx(50 / 1000)]


def test_a_change_to_a_smaller_bucket_spills_what_no_longer_fits() -> None:
    simulated = SimulatedClock()
    bucket = Bucket(200, 200, simulated.clock)
    bucket.change(20, 20)
    for _ in range(3):
        bucket.take(10)
    assert simulated.slept == [0.5]


@given(
    rate=RATES,
    capacity=st.floats(1, 500),
    steps=st.lists(st.tuples(st.floats(0, 3), st.floats(0.01, 1)), min_size=1, max_size=60),
)
def test_no_window_holds_more_than_the_capacity_and_what_flowed_in(
    rate: float, capacity: float, steps: list[tuple[float, float]]
) -> None:
    simulated = SimulatedClock()
    bucket = Bucket(rate, capacity, simulated.clock)
    taken: list[tuple[float, float]] = []
    for idle_seconds, share in steps:
        simulated.seconds += idle_seconds
        bucket.take(share * capacity)
        taken.append((simulated.seconds, share * capacity))
    for first in range(len(taken)):
        sums = accumulate(tokens for _, tokens in taken[first:])
        for (moment, _), tokens in zip(taken[first:], sums, strict=True):
            window_seconds = moment - taken[first][0]
            assert tokens <= capacity + rate * window_seconds + SLACK * (1 + tokens)
    assert bucket.waited_seconds == pytest.approx(math.fsum(simulated.slept))


@given(
    rate=RATES,
    capacity=st.floats(1, 500),
    steps=st.lists(st.tuples(st.floats(0, 3), st.floats(0.01, 1)), min_size=1, max_size=60),
)
def test_nobody_waits_longer_than_the_missing_tokens_take(
    rate: float, capacity: float, steps: list[tuple[float, float]]
) -> None:
    simulated = SimulatedClock()
    bucket = Bucket(rate, capacity, simulated.clock)
    # The same by another route: the bucket is empty when a wait ends.
    level, filled_at = capacity, 0.0
    for idle_seconds, share in steps:
        simulated.seconds += idle_seconds
        level = min(capacity, level + (simulated.seconds - filled_at) * rate)
        tokens = share * capacity
        waits = len(simulated.slept)
        bucket.take(tokens)
        if len(simulated.slept) > waits:
            assert simulated.slept[-1] == pytest.approx((tokens - level) / rate, abs=SLACK)
            level = 0.0
        else:
            assert level >= tokens - SLACK
            level -= tokens
        filled_at = simulated.seconds


@pytest.mark.parametrize("tokens", [0, -1, 11, math.nan])
def test_what_the_bucket_can_never_hold_is_refused(tokens: float) -> None:
    with pytest.raises(ValueError, match="from a bucket that holds 10"):
        Bucket(10, 10, SimulatedClock().clock).take(tokens)


@pytest.mark.parametrize(("rate", "capacity"), [(0, 1), (-1, 1), (1, 0), (math.nan, 1)])
def test_a_bucket_that_never_fills_is_refused(rate: float, capacity: float) -> None:
    with pytest.raises(ValueError, match="not above 0"):
        Bucket(rate, capacity, SimulatedClock().clock)
    with pytest.raises(ValueError, match="not above 0"):
        Bucket(1, 1, SimulatedClock().clock).change(rate, capacity)


def test_how_long_it_would_wait_is_known_before() -> None:
    simulated = SimulatedClock()
    bucket = Bucket(0.5, 2, simulated.clock)
    assert bucket.wait_seconds(2) == 0
    bucket.take(2)
    assert bucket.wait_seconds(1) == 2
    simulated.sleep(1)
    assert bucket.wait_seconds(1) == 1
    assert bucket.waited_seconds == 0
