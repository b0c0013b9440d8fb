"""What a request is answered from, and an answer before it is spelled."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from tools.fake_kalshi.payloads import page as page_json
from tools.fake_kalshi.payloads.spelling import string
from tools.fake_kalshi.queries import Cursors, Key, Query, limit_of, turn
from tools.fake_kalshi.views import View

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Scene:
    """What the account sees, which may be stale; what everybody sees; and how it is told.

    Rows before the cutoff are archived.
    """

    view: View
    market_view: View
    as_of: datetime
    cutoff: datetime
    generation: str
    tier: str
    cursors: Cursors
    page_cap: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """Rows in a container; or the one row that is the whole answer, where there is none."""

    rows: list[str]
    container: str | None = None
    cursor: str | None = None
    again: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Return the body."""
        if self.container is None:
            return self.rows[0]
        if self.cursor is None:
            return f"{{{string(self.container)}:[{','.join(self.rows)}]}}"
        body = page_json(self.container, self.rows, self.cursor)
        more = "".join(f"{string(name)}:{text}," for name, text in self.extra.items())
        return "{" + more + body[1:]


def paged(
    scene: Scene,
    query: Query,
    container: str,
    rows: Sequence[Row],
    key: Callable[[Row], Key],
    spell: Callable[[Row], str],
    *,
    most: int = 1000,
    least: int = 1,
    extra: dict[str, str] | None = None,
) -> Told:
    """Return the page that a query asks for, of rows that are told oldest first."""
    limit = limit_of(query, most=most, least=least)
    page = turn(
        rows,
        key,
        cursor=query.get("cursor", ""),
        limit=min(limit, scene.page_cap or limit),
        cursors=scene.cursors,
    )
    told = [spell(row) for row in page.rows]
    return Told(told, container, page.cursor, page.again, extra or {})


def dated(at: datetime, name: str) -> Key:
    """Return a key that sorts by time, then by name."""
    return at.isoformat(timespec="microseconds"), name


def parted(
    rows: Sequence[Row], when: Callable[[Row], datetime], cutoff: datetime, *, archived: bool
) -> Sequence[Row]:
    """Return the part of a listing, sorted by time, before the cutoff or from there on."""
    index = bisect_left(rows, cutoff, key=when)
    return rows[:index] if archived else rows[index:]
