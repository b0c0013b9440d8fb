"""Which cells of daily_pnl a name means: a strategy, a family, or a family of a strategy.

Names may hold slashes, and a strategy may be called like a family. The exact name of a cell is
`strategy:NAME/family:NAME`, or one half of it, with `%2F` for a slash in a name.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import unquote

from replay.explain.sources import Row, Sources, equal

_EXACT: Final = (
    re.compile(r"strategy:(?P<strategy>[^/]+)/family:(?P<family>[^/]+)"),
    re.compile(r"strategy:(?P<strategy>[^/]+)"),
    re.compile(r"family:(?P<family>[^/]+)"),
)
_Where = dict[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a name may mean, and the rows of daily_pnl that it picks then."""

    where: Mapping[str, str]
    rows: list[Row]

    @property
    def exact(self) -> str:
        """The name that means this alone."""
        return "/".join(f"{name}:{_quoted(value)}" for name, value in self.where.items())

    @property
    def label(self) -> str:
        """What it is, in words."""
        return ", ".join(f"{name} {value}" for name, value in self.where.items())


def of_day(sources: Sources, day: date, text: str) -> list[Reading]:
    """Return what a name behind a day may mean."""
    found = _known(sources, _exactly(text), day)
    if found:
        return found
    either = [{"strategy": text}, {"family": text}, *_pairs(sources, text)]
    return _known(sources, either, day)


def of_run(sources: Sources, word: str, text: str) -> list[Reading]:
    """Return what a name behind `strategy:` or `family:` may mean, over all days."""
    found = _known(sources, _exactly(f"{word}:{text}"))
    if found:
        return found
    pairs = _pairs(sources, text) if word == "strategy" else ()
    return _known(sources, [{word: text}, *pairs])


def _exactly(text: str) -> Iterator[_Where]:
    for pattern in _EXACT:
        match = pattern.fullmatch(text)
        if match:
            named = match.groupdict()
            yield named
            yield {name: unquote(value) for name, value in named.items()}


def _pairs(sources: Sources, text: str) -> list[_Where]:
    query = (
        "SELECT DISTINCT strategy, family FROM daily_pnl WHERE strategy || '/' || family = ?"
        " ORDER BY ALL"
    )
    return [dict(row) for row in sources.rows(query, [text])]


def _known(sources: Sources, wheres: Iterable[_Where], day: date | None = None) -> list[Reading]:
    """Return the readings that pick rows; those that pick the same rows are one."""
    found: list[Reading] = []
    for where in wheres:
        own: dict[str, object] = {} if day is None else {"day": day}
        condition = equal(*own, *where)
        rows = sources.rows(
            f"SELECT * FROM daily_pnl WHERE {condition} ORDER BY ALL",
            [*own.values(), *where.values()],
        )
        if rows and all(rows != other.rows for other in found):
            found.append(Reading(where, rows))
    return found


def _quoted(name: str) -> str:
    return name.replace("%", "%25").replace("/", "%2F")
