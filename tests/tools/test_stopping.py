"""Interrupts and terminations set an event, and do afterwards what they did before."""

import os
import signal

import pytest

from tools.stopping import ending, until_stopped

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_sets_the_event_and_ends_nothing(number: signal.Signals) -> None:
    with until_stopped() as stopped:
        assert not stopped.is_set()
        os.kill(os.getpid(), number)
        assert stopped.wait(10)


def test_the_signals_do_afterwards_what_they_did_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with until_stopped():
        assert all(
            signal.getsignal(number) is not handler
            for number, handler in zip(SIGNALS, before, strict=True)
        )
    assert [signal.getsignal(number) for number in SIGNALS] == before
    with pytest.raises(RuntimeError), until_stopped():
        raise RuntimeError
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_what_waits_to_be_stopped_is_not_ended() -> None:
    with until_stopped() as stopped, ending():
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopped.wait(10)
