from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.event import StoredEvent
from domain.seals import GENESIS, extend

EVENTS = st.lists(
    st.builds(
        StoredEvent,
        st.integers(1, 2**40),
        st.text("ab|é", max_size=4),
        st.integers(1, 300),
        st.text("ab.", max_size=4),
        st.binary(max_size=4),
    ),
    max_size=4,
)


def test_the_digest_is_that_of_the_documented_bytes() -> None:
    event = StoredEvent(7, "k|é", 2, "kalshi.fill", b"state")
    documented = (
        GENESIS
        + (7).to_bytes(8, "big")
        + (2).to_bytes(8, "big")
        + (4).to_bytes(4, "big")
        + (11).to_bytes(4, "big")
        + "k|é".encode()
        + b"kalshi.fill"
        + sha256(b"state").digest()
    )
    assert extend(GENESIS, [event]) == sha256(documented).digest()


def test_no_events_still_depend_on_the_digest_before() -> None:
    assert extend(GENESIS, []) == sha256(GENESIS).digest()
    assert extend(sha256().digest(), []) != extend(GENESIS, [])


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_digest_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"32 bytes, not {size}"):
        extend(bytes(size), [])


def test_events_may_come_from_a_generator() -> None:
    events = [StoredEvent(position, "k", 1, "kind", b"") for position in range(1, 4)]
    assert extend(GENESIS, (event for event in events)) == extend(GENESIS, events)


@given(EVENTS, EVENTS)
def test_different_runs_of_events_have_different_digests(
    one: list[StoredEvent], other: list[StoredEvent]
) -> None:
    assert (extend(GENESIS, one) == extend(GENESIS, other)) == (one == other)


@given(EVENTS.filter(bool), st.data())
def test_moving_a_character_from_the_key_to_the_kind_changes_the_digest(
    events: list[StoredEvent], data: st.DataObject
) -> None:
    event = data.draw(st.sampled_from(events))
    moved = event._replace(key=event.key[:-1], kind=event.key[-1:] + event.kind)
    assert (extend(GENESIS, [moved]) == extend(GENESIS, [event])) == (moved == event)
