"""What a verb has to say: one verdict, data for programs, something to look at for people.

Exit codes are a contract: 0 good, 1 found something (unreadable events, drift, differences, a log
that does not verify is 3), 2 wrong usage, 3 could not do it.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.text import Text

from domain.errors import UsageError
from tools.cells import printable

GOOD: Final = 0
FOUND: Final = 1
USAGE: Final = 2
FAILED: Final = 3

WIDTH: Final = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one verb.

    verdict   the closing line
    data      what `--json` prints beside verb, verdict and exit code
    body      what people see above the verdict
    raw       what programs read from stdout instead of body and verdict; the verdict then goes to
              stderr
    """

    verdict: str
    data: Mapping[str, Any] = field(default_factory=dict)
    body: Sequence[RenderableType] = ()
    exit_code: int = GOOD
    raw: Iterable[str] | None = None


def show(verb: str, outcome: Outcome, *, as_json: bool) -> None:
    """Print an outcome: one JSON object, or the body and the verdict."""
    if as_json:
        told = {
            "verb": verb,
            "exit_code": outcome.exit_code,
            "verdict": outcome.verdict,
            **outcome.data,
        }
        # plain print: a terminal library would wrap and colour what programs read
        text = json.dumps(told, ensure_ascii=False, default=str)
        # a file name need not be valid text; JSON writes the rest as \udcxx
        print(text.encode("utf-8", "backslashreplace").decode())  # noqa: T201
        return
    console = screen(stderr=outcome.raw is not None)
    at_terminal = sys.stdout.isatty()
    for piece in outcome.raw or ():
        sys.stdout.write(_LINE.sub(_printable, piece) if at_terminal else piece)
    for part in outcome.body:
        console.print(
            safe(part) if isinstance(part, str) else part, soft_wrap=isinstance(part, str)
        )
    console.print(safe(outcome.verdict), style=_STYLES[outcome.exit_code], soft_wrap=True)


_STYLES: Final = {GOOD: "green", FOUND: "yellow", USAGE: "red", FAILED: "bold red"}


# What stands between line breaks and tabs.
_LINE: Final = re.compile(r"[^\r\n\t]+")


def _printable(found: re.Match[str]) -> str:
    return printable(found.group())


def screen(*, stderr: bool = False) -> Console:
    """Return a console of at most WIDTH columns, so that tables look the same everywhere.

    Texts are printed as they are: what a broker or a file name says is never taken as markup.
    """
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal or console.width > WIDTH:
        console.width = WIDTH
    return console


def safe(text: str) -> str:
    """Return a text of several lines without anything that moves the cursor or colours it."""
    return "\n".join(printable(line) for line in text.split("\n"))


def tell(line: str) -> None:
    """Print a line for people, on standard error."""
    screen(stderr=True).print(Text(safe(line)), soft_wrap=True)


def moment(text: str | None, option: str) -> datetime | None:
    """Return what an option names; UTC where it names no zone. Raise UsageError if no time."""
    if text is None:
        return None
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        message = f"{option} {text!r}: write it like 2026-01-13T20:00:00Z"
        raise UsageError(message) from None
    return named if named.tzinfo else named.replace(tzinfo=UTC)


def zoned(text: str | None, option: str) -> datetime | None:
    """Return what an option names, in UTC. Raise UsageError if no time, or one without a zone."""
    if text is None:
        return None
    named = moment(text, option)
    if datetime.fromisoformat(text).tzinfo is None or named is None:
        message = f"{option} {text!r} names no zone: write {text}Z for UTC, or such as {text}-05:00"
        raise UsageError(message)
    return named.astimezone(UTC)


def left_out(unreadable: int, drifted_shapes: int) -> str:
    """Return how much is not in the figures, or may not be; nothing where everything was read."""
    told = []
    if unreadable:
        told.append(f"{counted(unreadable, 'event')} unreadable")
    if drifted_shapes:
        told.append(f"{counted(drifted_shapes, 'shape')} drifted")
    return ", ".join(told)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return '1 fill', '2 fills'."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
