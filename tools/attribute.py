"""`attribute`: an operator's claim that a fill belongs to a strategy, or that it does so no more.

A claim is an event like all others: it is kept with its reason, and it counts only where nothing
stronger explains the fill.
"""

import getpass
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters.log.sqlite import SQLiteLog
from adapters.spool.lines import VENUES
from domain import kinds, shapes
from domain.bot import CLAIMED
from domain.errors import BrokertruthError, CannotDoError, UsageError
from domain.event import (
    NewEvent,
    Origin,
    Owner,
    escape,
    make_event,
    make_key,
    payload_bytes,
    time_text,
)
from domain.jsontext import parse
from domain.rules import UNATTRIBUTED
from replay import query
from tools import outcome, render, staleness
from tools.book import Book, now
from tools.outcome import Outcome
from tools.project import NOTHING, project_after

_ADAPTER: Final = "attribute/1"
_DEFAULT_VENUE: Final = "kalshi"
_TEXT_LENGTH: Final = 1000
_WEAKER: Final = ("claim", "manual", "unknown_prefix", "ambiguous")
_STANDING: Final = """
    SELECT venue, strategy, rule, prefix FROM attribution
    WHERE account = $account AND mode = $mode AND fill_id = $fill_id
    ORDER BY venue
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed; without a strategy an earlier claim is withdrawn."""

    fill_id: str
    strategy: str | None
    reason: str
    claimed_by: str

    def __post_init__(self) -> None:
        """Refuse what would be no claim."""
        if self.strategy == UNATTRIBUTED:
            message = f"{UNATTRIBUTED} is no strategy: use --withdraw to take a claim back"
            raise UsageError(message)
        told = {
            "the fill": self.fill_id,
            "--strategy": self.strategy,
            "--reason": self.reason,
            "--by": self.claimed_by,
        }
        for name, text in told.items():
            if text is not None and not 0 < len(text.strip()) <= _TEXT_LENGTH:
                message = f"{name} is empty or longer than {_TEXT_LENGTH} characters"
                raise UsageError(message)

    def told(self) -> dict[str, str]:
        """Return the payload, but for its time."""
        strategy = {} if self.strategy is None else {"strategy": self.strategy}
        return {
            "fill_id": self.fill_id,
            **strategy,
            "reason": self.reason,
            "claimed_by": self.claimed_by,
        }

    def event(self, owner: Owner, venue: str, claimed_at: datetime) -> NewEvent:
        """Return the event."""
        payload = {**self.told(), "claimed_at": time_text(claimed_at)}
        # each claim is said anew: one that returns to an older one is no retry of it
        source = {"adapter": _ADAPTER, "document": f"claim of {time_text(claimed_at)}"}
        origin = Origin(owner, venue, claimed_at, source)
        identity = kinds.identity_of(kinds.BY_NAME[CLAIMED], payload)
        text = json.dumps(payload, ensure_ascii=False)
        return make_event(origin, CLAIMED, identity, shapes.shape_of(payload), text)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose fill it is, and what is to be done."""

    owner: Owner
    venue: str | None
    and_project: bool
    dry_run: bool


def login_name() -> str:
    """Return who is at the keyboard. Raise UsageError where the system does not say."""
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        message = "the system does not tell who you are: give --by NAME"
        raise UsageError(message) from error


def attribute(book: Book, claim: Claim, wanted: Wanted) -> Outcome:
    """Append the claim, project, and read back what it moved."""
    if wanted.venue not in (None, *VENUES):
        message = f"--venue {wanted.venue!r}: use one of {', '.join(VENUES)}"
        raise UsageError(message)
    with book.open_log() as log:
        before = _standing(book, claim, wanted)
        if not before and staleness.of(book, log, book.projection_meta()) is None:
            message = f"no fill {claim.fill_id!r} in account {wanted.owner.account} "
            message += f"({wanted.owner.mode}): nothing was claimed"
            raise UsageError(message)
        venue = _venue(before, claim, wanted)
        said = _last(log, claim, wanted.owner, venue)
        if claim.strategy is None and said is None:
            message = f"fill {claim.fill_id} has no claim that could be withdrawn"
            raise UsageError(message)
        withdrawn = claim.strategy is None and said is not None and said.get("strategy") is None
        is_new = said != claim.told() and not withdrawn
        if is_new and not wanted.dry_run:
            log.append([claim.event(wanted.owner, venue, now())])
        project = wanted.and_project and not wanted.dry_run
        projected = project_after(book, log) if project else NOTHING
    failed = "error" in (projected.data or {})
    done = project and not failed
    # what was unreadable before is no news about this fill
    news = (projected.data or {}).get("new_canaries")
    after = _standing(book, claim, wanted) if done else []
    told = _Told(claim, wanted, _known(book, claim), is_new, _one(before), _one(after), project)
    return Outcome(
        told.verdict() + (projected.verdict if failed else ""),
        {**told.data(venue), "projected": projected.data},
        projected.body,
        max(told.exit_code(), projected.exit_code if failed or news else outcome.GOOD),
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What the result says about the fill, before and after."""

    claim: Claim
    wanted: Wanted
    known_strategy: bool | None
    is_new: bool
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    projected: bool

    def overruled(self) -> str | None:
        """Return the rule that is stronger than the claim, where there is one."""
        standing = self.after or self.before
        if self.claim.strategy is None or standing is None or standing["rule"] in _WEAKER:
            return None
        prefix = "" if standing["prefix"] is None else f" {standing['prefix']!r}"
        return f"{standing['strategy']} by {standing['rule']}{prefix}"

    def exit_code(self) -> int:
        return outcome.GOOD if self.overruled() is None else outcome.FOUND

    def verdict(self) -> str:
        stronger = self.overruled()
        if stronger is not None:
            kept = f"; a claim without effect is kept for {self._strategy()}"
            kept = "" if self.wanted.dry_run else kept
            return f"fill {self.claim.fill_id} is {stronger}, which is stronger{kept}{self._end()}"
        if not self.is_new:
            return f"{self._sentence(' already')}{self._end()}"
        if self.after is None:
            unknown = "" if self.before else " (no projection knows the fill)"
            return f"{self._sentence()}{unknown}{self._end()}"
        return f"{self._sentence()}: {_words(self.before)} -> {_words(self.after)}{self._end()}"

    def _sentence(self, already: str = "") -> str:
        if self.claim.strategy is None:
            return f"the claim for fill {self.claim.fill_id} is withdrawn{already}"
        return f"fill {self.claim.fill_id} is claimed{already} for {self._strategy()}"

    def _strategy(self) -> str:
        unknown = ", which attribution.toml does not know" if self.known_strategy is False else ""
        return f"{self.claim.strategy}{unknown}"

    def _end(self) -> str:
        if self.wanted.dry_run:
            return " (dry run: nothing was written)"
        return "" if self.projected else "; run `brokertruth project`"

    def data(self, venue: str) -> dict[str, object]:
        return {
            **self.claim.told(),
            "venue": venue,
            "account": self.wanted.owner.account,
            "mode": self.wanted.owner.mode,
            "appended": self.is_new and not self.wanted.dry_run,
            "dry_run": self.wanted.dry_run,
            "before": self.before,
            "after": self.after,
            "stronger": self.overruled(),
            "known_strategy": self.known_strategy,
        }


def _known(book: Book, claim: Claim) -> bool | None:
    """Say whether the rules know the strategy; None where they cannot be read."""
    try:
        return claim.strategy is None or claim.strategy in book.rules.strategies
    except BrokertruthError:
        # whoever projects is told why; the claim stands either way
        return None


def _words(standing: dict[str, Any] | None) -> str:
    return "unknown" if standing is None else f"{standing['strategy']} ({standing['rule']})"


def _one(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    return rows[0] if rows else None


def _standing(book: Book, claim: Claim, wanted: Wanted) -> list[dict[str, Any]]:
    """Return what the projection says of the fill; nothing where none can be asked."""
    parameters = {
        "account": wanted.owner.account,
        "mode": wanted.owner.mode,
        "fill_id": claim.fill_id,
    }
    try:
        with book.open_projection() as connection:
            rows = render.as_rows(query.run(connection, _STANDING, parameters))
    except (CannotDoError, UsageError):
        # there is none yet, or one of a version that attributed otherwise
        return []
    return [row for row in rows if wanted.venue in (None, row["venue"])]


def _venue(before: list[dict[str, Any]], claim: Claim, wanted: Wanted) -> str:
    if len(before) > 1:
        venues = ", ".join(str(row["venue"]) for row in before)
        message = f"fill {claim.fill_id} is one of {venues}: name it with --venue"
        raise UsageError(message)
    return str(before[0]["venue"]) if before else wanted.venue or _DEFAULT_VENUE


def _last(log: SQLiteLog, claim: Claim, owner: Owner, venue: str) -> dict[str, object] | None:
    """Return what was last claimed of the fill, but for its time."""
    said = log.revisions(make_key(venue, owner, CLAIMED, escape(claim.fill_id)))
    if not said:
        return None
    payload = parse(payload_bytes(said[-1].state).decode())
    assert isinstance(payload, dict)
    return {name: value for name, value in payload.items() if name != "claimed_at"}
