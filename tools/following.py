"""`fetch kalshi --follow`: fills as they happen, and REST behind them, until somebody stops it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from adapters.kalshi.client import Client
from adapters.kalshi.follow import Following, Pauses
from adapters.kalshi.taking import Taker
from adapters.log.sqlite import SQLiteLog
from domain.errors import UsageError
from tools import alerts, fetch, outcome, spool
from tools.book import Book
from tools.outcome import Outcome, counted, tell
from tools.project import NOTHING, Projected, project_after
from tools.stopping import until_stopped

Tell = Callable[[str], None]


@dataclass(slots=True)
class _Rounds:
    """The catch-ups of one following."""

    book: Book
    log: SQLiteLog
    client: Client
    wanted: fetch.Wanted
    entry: fetch.Access
    tell: Tell
    heard: Taker
    """Takes the messages."""
    head: int
    """Of the log, when the last round ended."""
    done: list[Outcome] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    """Of messages."""

    def catch_up(self, reason: str) -> bool:
        """Take the spool in, ask REST for what is new, and tell whether all of it came.

        `--full` and `--since` count until a round is complete.
        """
        begun = any(told.data["complete"] for told in self.done)
        wanted = replace(self.wanted, full=False, since=None) if begun else self.wanted
        owner = fetch.owner_at(self.book, self.entry.site)
        self.tell_of_messages()
        spooled = spool.take_in(self.book, self.log)
        with spool.told_anyway(spooled):
            told = fetch.one_round(
                self.book,
                self.log,
                self.client,
                owner,
                wanted,
                self.entry.clock,
            )
        told = spool.told_with(spooled, told)
        self.head = self.log.head()
        self.done.append(told)
        for line in told.body:
            if isinstance(line, str):
                self.tell(line)
        self.tell(f"caught up ({reason}): {told.verdict}")
        return bool(told.data["complete"])

    def tell_of_messages(self) -> None:
        """Tell of the shapes of messages that are new or not understood, of each once."""
        for sighting in self.heard.drifted()[len(self.alerts) :]:
            self.alerts.append(alerts.of_shape(fetch.described(self.log, sighting)))
            self.tell(self.alerts[-1])

    def code(self) -> int:
        """Return the worst thing that was found, or that the last catch-up was not complete."""
        found = bool(self.alerts) or any(told.exit_code == outcome.FOUND for told in self.done)
        last = self.done[-1].exit_code if self.done else outcome.FAILED
        return max(last, outcome.FOUND if found else outcome.GOOD)


def follow(
    book: Book,
    wanted: fetch.Wanted,
    entry: fetch.Access | None = None,
    *,
    stop: Callable[[], bool] | None = None,
    pauses: Pauses | None = None,
    say: Tell = tell,
) -> Outcome:
    """Follow until stopped: by `stop`, or by an interrupt or termination of the process."""
    if wanted.dry_run:
        message = "--follow appends what comes and cannot be a dry run: leave --dry-run out"
        raise UsageError(message)
    entry = fetch.access(book) if entry is None else entry
    owner = fetch.owner_at(book, entry.site)
    if stop is None:
        with until_stopped() as stopped:
            return follow(book, wanted, entry, stop=stopped.is_set, pauses=pauses, say=say)
    with (
        book.open_log() as log,
        fetch.client_of(entry, say) as client,
    ):
        heard = Taker(log, owner)
        rounds = _Rounds(book, log, client, wanted, entry, say, heard, log.head())
        following = Following(
            site=entry.site,
            credentials=entry.credentials,
            clock=entry.clock,
            taker=heard,
            catch_up=rounds.catch_up,
            tell=say,
            stop=stop,
            pauses=pauses or Pauses(),
        )
        following.run()
        rounds.tell_of_messages()
        # messages that came after the last catch-up
        late = log.head() > rounds.head and wanted.and_project
        projected = project_after(book, log) if late else NOTHING
    return _outcome(following, rounds, projected)


def _outcome(following: Following, rounds: _Rounds, projected: Projected) -> Outcome:
    verdict = (
        f"followed over {counted(following.connections, 'connection')}: "
        f"{counted(following.fills, 'fill message')}, {counted(len(rounds.done), 'catch-up')}"
    )
    if rounds.done:
        verdict += f"; the last: {rounds.done[-1].verdict}"
    data = {
        "connections": following.connections,
        "fill_messages": following.fills,
        "catch_ups": len(rounds.done),
        "alerts": [*rounds.alerts, *(line for told in rounds.done for line in told.data["alerts"])],
        "last": dict(rounds.done[-1].data) if rounds.done else None,
        "projection": projected.data,
    }
    code = max(rounds.code(), outcome.FAILED if projected.exit_code == outcome.FAILED else 0)
    return Outcome(verdict + projected.verdict, data, (), code)
