"""Whether segments are what was written, and what the log holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from adapters.segments import segment as segments
from adapters.segments.kept import Problem, ranges, refuse_other_log
from adapters.segments.segment import CERTIFICATE, SCHEMA, BadSegmentError, Segment
from adapters.segments.writing import derived, pieces
from projections import sql
from replay.ports import EventLog

_COLUMNS: Final = ", ".join(SCHEMA.names)


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at, and what is wrong with it, in the order of positions."""

    segments: int
    events: int
    problems: tuple[Problem, ...]


def verify(folder: Path, log: EventLog, *, deep: bool = False) -> Verification:
    """Check every segment: itself, its files, its place in the chain, and the log's seal.

    With `deep`, compare every event with that of the log. Damage is reported, not raised.
    """
    problems: list[Problem] = []
    found = ranges(folder)
    events = end = 0
    digest: str | None = ""
    for first, last in found:
        name = segments.folder_name(first, last)
        events += last - first + 1
        if first != end + 1:
            what = f"it begins at {first:,}, and the one before it ends at {end:,}"
            problems.append(Problem(name, what))
            digest = None
        told = list(_problems(folder / name, log, digest, deep=deep))
        problems += [Problem(name, what) for what in told]
        end = last
        try:
            digest = segments.read(folder / name).digest
        except BadSegmentError:
            digest = None
    return Verification(len(found), events, tuple(problems))


def _problems(folder: Path, log: EventLog, previous: str | None, *, deep: bool) -> Iterator[str]:
    """Yield what is wrong with one segment; `previous` is None where it is not to be known."""
    try:
        segment = segments.read(folder)
    except BadSegmentError as error:
        yield str(error)
        return
    if previous is not None and segment.content.previous != previous:
        yield "it does not follow the one before it"
    strange = {path.name for path in folder.iterdir()}
    strange -= {CERTIFICATE, *(path.name for path in segment.paths().values())}
    yield from (f"{name} is no file of it" for name in sorted(strange))
    try:
        segments.refuse_changed(segment)
        refuse_other_log(log, segment)
        if deep:
            _refuse_different(log, segment)
    except BadSegmentError as error:
        yield str(error)


def _refuse_different(log: EventLog, segment: Segment) -> None:
    """Raise BadSegmentError at the first event that is not, byte for byte, that of the log."""
    with duckdb.connect(config={"threads": 1}) as connection:
        try:
            _show(connection, segment)
            ((rows,),) = connection.execute("SELECT count(*) FROM kept").fetchall()
            if rows != segment.events:
                message = f"its files hold {rows:,} events"
                raise BadSegmentError(message)
            for events in pieces(log, segment.first, segment.last):
                _compare(connection, events)
        except duckdb.Error as error:
            message = f"its files cannot be read: {error}"
            raise BadSegmentError(message) from error


def _show(connection: duckdb.DuckDBPyConnection, segment: Segment) -> None:
    files = " UNION ALL ".join(
        f"SELECT {_COLUMNS}, {sql.literal(kind)} AS kind "  # noqa: S608
        f"FROM read_parquet({sql.literal(str(path))}, hive_partitioning = false)"
        for kind, path in segment.paths().items()
    )
    connection.execute(f"CREATE TEMP VIEW kept AS {files}")


def _compare(connection: duckdb.DuckDBPyConnection, events: pa.Table) -> None:
    first, last = events["position"][0].as_py(), events["position"][-1].as_py()
    kept = connection.sql(
        f"SELECT {_COLUMNS}, kind FROM kept"  # noqa: S608
        f" WHERE position BETWEEN {first} AND {last} ORDER BY position"
    ).to_arrow_table()
    if not kept["position"].equals(events["position"]):
        message = f"it does not hold the positions {first:,} to {last:,}"
        raise BadSegmentError(message)
    right = derived(connection, events).append_column("kind", events["kind"])
    for name in right.column_names:
        if kept[name].equals(right[name]):
            continue
        same = pc.equal(pc.fill_null(kept[name], b""), pc.fill_null(right[name], b""))
        place = pc.index(same, False).as_py()
        message = f"{name} of the event at {first + place:,} is not that of the log"
        raise BadSegmentError(message)
