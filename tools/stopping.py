"""An interrupt or a termination of the process: what stops work, and what comes to an end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_KILLED: Final = 128
"""What a shell adds to the number of the signal that ended a process."""


@contextmanager
def until_stopped() -> Iterator[threading.Event]:
    """Give the event that an interrupt or a termination sets; afterwards they do what they did."""
    stopped = threading.Event()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop(_number: int, _frame: FrameType | None) -> None:
        # whoever asks twice does not want to wait for what is under way
        restore()
        stopped.set()

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield stopped
    finally:
        restore()


@contextmanager
def ending() -> Iterator[None]:
    """Let a termination unwind the process as an interrupt does, so that nothing is left behind.

    Whoever answers to a termination already, or cannot (in another thread), goes on doing so.
    """
    own = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not own or threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(_KILLED + number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
