"""`fake-kalshi`: an exchange to rehearse with, until it is stopped."""

import shlex
from pathlib import Path

from rich.text import Text

from domain.errors import CannotDoError, UsageError
from tools.fake_kalshi.drifts import BY_SLUG
from tools.fake_kalshi.payloads.spelling import PHASES
from tools.fake_kalshi.rehearsal import Ready, rehearse
from tools.outcome import Outcome, counted, safe, screen
from tools.stopping import until_stopped


def rehearsal(
    folder: Path,
    *,
    seed: int,
    days: int,
    generation: str,
    port: int,
    fault_rate: float,
    days_ahead: int,
    drift: str | None,
    truth: Path | None,
    aside: bool = False,
) -> Outcome:
    """Serve until interrupted; write the truth at the start. What to set may be told `aside`."""
    if drift == "list":
        return Outcome(counted(len(BY_SLUG), "drift"), {"drifts": list(BY_SLUG)}, list(BY_SLUG))
    _refuse_unknown(generation, drift)
    served: list[Ready] = []

    def begin(ready: Ready) -> None:
        served.append(ready)
        named = ready.environment.items()
        lines = [f"export {name}={shlex.quote(value)}" for name, value in named]
        if truth is not None:
            lines.append(f"# what a right ledger says: {truth}")
            _write(ready, truth)
        for line in [*lines, "# serving until interrupted (Ctrl-C)"]:
            screen(stderr=aside).print(Text(safe(line)), soft_wrap=True)

    with until_stopped() as stopped:
        rehearse(
            folder.resolve(),
            seed=seed,
            days=days,
            generation=generation,
            port=port,
            fault_rate=fault_rate,
            days_ahead=days_ahead,
            drift=None if drift is None else BY_SLUG[drift],
            on_ready=begin,
            until_stopped=stopped.wait,
        )
    requests = len(served[0].exchange.requests)
    if truth is not None and days_ahead:
        _write(served[0], truth)
    return Outcome(f"served {counted(requests, 'request')}", {"requests": requests})


def _refuse_unknown(generation: str, drift: str | None) -> None:
    if generation not in PHASES:
        message = f"--generation {generation!r}: use one of {', '.join(PHASES)}"
        raise UsageError(message)
    if drift is not None and drift not in BY_SLUG:
        message = f"--drift {drift!r}: use one of {', '.join(BY_SLUG)}"
        raise UsageError(message)
    spoken = generation if drift is None else BY_SLUG[drift].generation
    if spoken != generation:
        message = f"--drift {drift} is a change of generation {spoken}: add --generation {spoken}"
        raise UsageError(message)


def _write(ready: Ready, truth: Path) -> None:
    try:
        ready.write_truth(truth)
    except OSError as error:
        message = f"{truth}: cannot be written: {error.strerror}"
        raise CannotDoError(message) from error
