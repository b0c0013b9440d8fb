"""What stands under every answer: of how much of the log it tells, and what it leaves out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from adapters.log.sqlite import SQLiteLog
from replay import meta
from tools import staleness
from tools.book import Book
from tools.outcome import left_out
from tools.staleness import Stale

_LEFT_OUT: Final = """
    SELECT
        (SELECT count(*) FROM unreadable),
        (SELECT count(*) FROM drift WHERE status <> 'known')
"""

_FILE: Final = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"


@dataclass(frozen=True, slots=True)
class Footer:
    """How far an answer is to be trusted.

    told         what the projection that was asked says about itself
    lag_events   how many events came after it; those of the past are not behind
    """

    told: meta.Meta
    unreadable: int
    drifted_shapes: int
    lag_events: int
    stale: Stale | None

    def verdict(self) -> str:
        """Return the end of a verdict: of how much of the log it tells, and what is not in it."""
        position = f"position {self.told.watermark}"
        known = f" ({self.told.as_of})" if self.told.as_of not in ("", position) else ""
        missing = left_out(self.unreadable, self.drifted_shapes)
        told = f", as of position {self.told.watermark:,}{known}"
        return f"{told}{f'; {missing}' if missing else ''}{self.warning()}"

    def warning(self) -> str:
        """Return what is stale and what to do about it; nothing where nothing is."""
        if self.stale is None:
            return ""
        lag = ""
        if self.stale.needs_rebuild and self.lag_events > 0:
            lag = f"; it is {self.lag_events:,} events behind"
        return f" (stale: {self.stale.told(lag)})"

    def data(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "watermark": self.told.watermark,
            "as_of": self.told.as_of or None,
            "lag_events": self.lag_events,
            "unreadable": self.unreadable,
            "drifted_shapes": self.drifted_shapes,
            "stale_because": self.stale.because if self.stale else None,
        }


def of(book: Book, log: SQLiteLog, connection: duckdb.DuckDBPyConnection) -> Footer:
    """Return what stands under an answer of this projection."""
    told = meta.read(connection)
    ((file,),) = connection.execute(_FILE).fetchall()
    current = Path(file).resolve() == book.projection_path.resolve()
    ((unreadable, drifted_shapes),) = connection.execute(_LEFT_OUT).fetchall()
    return Footer(
        told,
        unreadable,
        drifted_shapes,
        lag_events=0 if told.as_of else log.head() - told.watermark,
        stale=staleness.of(book, log, told, current=current),
    )
