"""`bisect`: the first event after which a query is not empty any more, or a figure is another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rich.text import Text

from adapters.log.sqlite import SQLiteLog
from domain.errors import UsageError
from domain.event import StoredEvent, header
from replay.bisect import first_failure, most_probes
from replay.database import Resources
from tools import outcome, shelf
from tools.bisect_probes import Probes
from tools.bisect_questions import Answer, Figure, Question, named
from tools.book import Book
from tools.outcome import Outcome, counted, safe, tell

_ENDS: Final = 2


@dataclass(frozen=True, slots=True)
class Ends:
    """Between which positions to search; without numbers, between the first event and the last."""

    good: int | None = None
    bad: int | None = None

    def within(self, head: int) -> tuple[int, int]:
        """Return both ends. Raise UsageError where nothing lies between them."""
        good = 0 if self.good is None else self.good
        bad = head if self.bad is None else self.bad
        if bad > head:
            message = f"--bad {bad}: the log ends at position {head}"
            raise UsageError(message)
        if good >= bad:
            message = f"there is no event behind position {good} up to {bad}"
            raise UsageError(message)
        return good, bad


def question(asked: str | None, figure: str | None, target: str | None) -> Question:
    """Return what is to be asked. Raise UsageError unless it is one thing, and whole."""
    if (asked is None) is (figure is None):
        message = "give --query SQL (or @NAME), or --figure SQL with --target VALUE"
        raise UsageError(message)
    if (figure is None) is not (target is None):
        message = "--figure and --target belong together"
        raise UsageError(message)
    return named(asked) if asked is not None else Figure(figure or "", target or "")


def bisect(
    book: Book, log: SQLiteLog, asked: Question, ends: Ends, resources: Resources
) -> Outcome:
    """Find the first event at which it fails. Nothing in the book is changed."""
    good, bad = ends.within(log.head())
    with shelf.scratch(book.folder) as folder:
        probes = Probes(book, log, folder, book.rules, resources)
        # the dearer end first: where the question is wrong, it is said at once by the current one
        high, low = (probes.ask(position, asked.ask) for position in (bad, good))
        probes.drop(bad)
        probes.keep(good)
        fails = asked.judge(low, high)
        if isinstance(fails, str):
            return _no_turn(asked, (good, bad), fails, probes)
        answers = {good: low, bad: high}
        told = _asking(asked, probes, answers, fails, most_probes(good, bad))
        turn = first_failure(good, bad, told)
    event = log.event(turn.bad)
    assert event is not None, turn
    return _told(asked, event, answers, turn.probes, probes)


def _asking(
    asked: Question,
    probes: Probes,
    answers: dict[int, Answer],
    fails: Callable[[Answer], bool],
    most: int,
) -> Callable[[int], bool]:
    def failing(position: int) -> bool:
        answer = answers[position] = probes.ask(position, asked.ask)
        failed = fails(answer)
        if failed:
            probes.drop(position)
        else:
            probes.keep(position)
        number = len(answers) - _ENDS
        state = "fails" if failed else "holds"
        tell(f"probe {number} of at most {most}: position {position:,} {state}, {answer.words}")
        return failed

    return failing


def _no_turn(asked: Question, ends: tuple[int, int], why: str, probes: Probes) -> Outcome:
    data = {
        **asked.told,
        "position": None,
        "event": None,
        "good": ends[0],
        "bad": ends[1],
        "reason": why,
        **_work(0, probes),
    }
    verdict = f"nothing to find between positions {ends[0]:,} and {ends[1]:,}: {why}"
    return Outcome(verdict, data, (), outcome.FOUND)


def _work(asked: int, probes: Probes) -> dict[str, Any]:
    return {"probes": asked, "rebuilds": probes.rebuilds, "advances": probes.advances}


def _told(
    asked: Question, event: StoredEvent, answers: dict[int, Answer], number: int, probes: Probes
) -> Outcome:
    before, after = answers[event.position - 1], answers[event.position]
    envelope = header(event.state)
    explained = f"brokertruth explain position:{event.position}"
    described = {
        "position": event.position,
        "kind": event.kind,
        "key": event.key,
        "received_at": envelope.get("received_at"),
        "source": envelope.get("source"),
    }
    data = {
        **asked.told,
        "position": event.position,
        "event": described,
        "before": before.data,
        "after": after.data,
        **_work(number, probes),
        "explain": explained,
    }
    source = envelope.get("source")
    named_source = source.items() if isinstance(source, dict) else ()
    told = (
        f"position {event.position:,}: {event.kind}",
        f"key {event.key}",
        f"received {envelope.get('received_at')}, "
        + ", ".join(f"{name} {value}" for name, value in named_source),
        f"before: {before.words}",
        f"after: {after.words}",
    )
    body = (
        *(Text(safe(line)) for line in told),
        *((after.table,) if after.table else ()),
        f"more of it: {explained}",
        "(taken for granted: it turns once; of several turns, one is found)",
    )
    work = f"{counted(number, 'probe')}, {counted(probes.rebuilds, 'rebuild')}"
    verdict = f"it fails first at position {event.position:,}, {event.kind} ({work})"
    return Outcome(verdict, data, body)
