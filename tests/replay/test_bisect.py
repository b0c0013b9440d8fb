"""The search alone: it finds the turn, and asks no more positions than it must."""

import math

from hypothesis import given
from hypothesis import strategies as st

from replay.bisect import first_failure, most_probes


@given(st.integers(0, 10**7), st.integers(1, 10**7), st.data())
def test_the_turn_is_found_with_no_more_probes_than_a_logarithm(
    good: int, events: int, data: st.DataObject
) -> None:
    turn = data.draw(st.integers(good + 1, good + events))
    asked: list[int] = []

    def fails(position: int) -> bool:
        asked.append(position)
        return position >= turn

    found = first_failure(good, good + events, fails)
    assert (found.bad, found.probes) == (turn, len(asked))
    assert len(set(asked)) == len(asked)
    assert all(good < position < good + events for position in asked)
    assert len(asked) <= most_probes(good, good + events) == math.ceil(math.log2(events))


@given(st.lists(st.booleans(), max_size=60))
def test_of_several_turns_one_is_found(middle: list[bool]) -> None:
    states = [False, *middle, True]
    found = first_failure(0, len(states) - 1, lambda position: states[position])
    assert states[found.bad]
    assert not states[found.bad - 1]


@given(st.integers(2, 1000), st.data())
def test_what_is_asked_next_lies_behind_every_good_position(
    events: int, data: st.DataObject
) -> None:
    turn = data.draw(st.integers(1, events))
    highest = 0

    def fails(position: int) -> bool:
        nonlocal highest
        assert position > highest
        if position < turn:
            highest = position
        return position >= turn

    assert first_failure(0, events, fails).bad == turn
