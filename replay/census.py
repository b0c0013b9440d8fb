"""Which shapes are in the log, and which reader takes each.

Dozens of shapes stand for millions of events: Python looks at one example of each and chooses;
SQL then moves the events. An event whose envelope names a shape that its payload does not have (no
importer of ours writes such) does not decide for the others of that name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb

from domain import jsontext, kinds
from domain.event import payload_bytes
from domain.shapes import Choice, choose, shape_entries, shape_name

_CREATE = """
    CREATE TEMP TABLE shape_choice (
        kind VARCHAR, shape VARCHAR, reader VARCHAR, status VARCHAR, reason VARCHAR,
        nearest VARCHAR, keys_added VARCHAR, keys_missing VARCHAR,
        honest BOOLEAN, generation INTEGER
    )
"""
_SEEN = """
    CREATE TEMP TABLE shape_seen (
        kind VARCHAR, shape VARCHAR, month VARCHAR, first_position BIGINT,
        last_position BIGINT, events BIGINT
    )
"""
_COUNT = """
    INSERT INTO shape_seen
    SELECT kind, shape, month, min(position), max(position), count(*) FROM chunk GROUP BY ALL
"""
_NEW = """
    SELECT kind, shape, max(first_position)
    FROM shape_seen ANTI JOIN (SELECT * FROM shape_choice WHERE honest) USING (kind, shape)
    GROUP BY ALL ORDER BY ALL
"""
_FIRST = "SELECT state FROM chunk WHERE position = ?"
_OTHERS = "SELECT state FROM chunk WHERE kind = ? AND shape = ? ORDER BY position"


# More than any kind has readers.
_AUTHORITY = 100


@dataclass(slots=True)
class Census:
    """The shapes met so far in one rebuild. Works on the connection's `chunk`."""

    connection: duckdb.DuckDBPyConnection
    choices: dict[tuple[str, str], Choice] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the tables that SQL joins with."""
        self.connection.execute(_CREATE)
        self.connection.execute(_SEEN)

    def take(self) -> bool:
        """Count the shapes of `chunk` and choose a reader for those not met before.

        Return whether any shape so far is unknown.
        """
        self.connection.execute(_COUNT)
        for kind, shape, first in self.connection.execute(_NEW).fetchall():
            choice, honest = self._choose(kind, shape, first)
            self._remember(kind, shape, choice, honest=honest)
        return any(True for _ in self.unknown())

    def _choose(self, kind: str, shape: str, first: int) -> tuple[Choice, bool]:
        """Choose by the first event that really has the shape that its envelope names."""
        if kind not in kinds.BY_NAME:
            return Choice("unknown", None, "unknown_kind"), True
        reason = "not_json"
        for query, parameters in ((_FIRST, [first]), (_OTHERS, [kind, shape])):
            for (state,) in self.connection.execute(query, parameters).fetchall():
                entries = _entries(state)
                if entries is not None and shape_name(entries) == shape:
                    return _choice(kind, entries), True
                reason = "not_json" if entries is None else "wrong_shape"
        return Choice("unknown", None, reason), False

    def _remember(self, kind: str, shape: str, choice: Choice, *, honest: bool) -> None:
        self.choices[kind, shape] = choice
        self.connection.execute(
            "DELETE FROM shape_choice WHERE kind = ? AND shape = ?", [kind, shape]
        )
        self.connection.execute(
            "INSERT INTO shape_choice VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                kind,
                shape,
                choice.reader,
                choice.status,
                choice.reason,
                choice.nearest,
                ", ".join(choice.keys_added) or None,
                ", ".join(choice.keys_missing) or None,
                honest,
                generation(kind, choice.reader),
            ],
        )

    def unknown(self) -> Iterator[tuple[str, str]]:
        """Yield kind and shape of everything that no reader takes."""
        return (key for key, choice in self.choices.items() if choice.status == "unknown")


def _entries(state: str) -> frozenset[str] | None:
    try:
        return shape_entries(jsontext.parse(payload_bytes(state.encode()).decode()))
    except ValueError:
        return None


def _choice(kind_name: str, entries: frozenset[str]) -> Choice:
    kind = kinds.BY_NAME[kind_name]
    if not kind.expected:
        return Choice("unknown", None, "unknown_page")
    if kind.fact is None:
        return Choice("known", None, None)
    return choose(kind.readers, entries)


def generation(kind_name: str, reader: str | None) -> int | None:
    """Return the rank of a reader: readers are declared in the order of their generations.

    Those of a kind with more authority are higher than all of a kind with less; see `Kind`.
    """
    if reader is None:
        return None
    kind = kinds.BY_NAME[kind_name]
    rank = [one.name for one in kind.readers].index(reader)
    return rank + _AUTHORITY * kind.authority
