"""Events of the log in, one segment out: whole, or nothing of it is there."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adapters.segments import segment as segments
from adapters.segments.segment import CERTIFICATE, SCHEMA, Content, File, Segment
from domain.errors import CannotDoError, LogCorruptError
from projections import sql
from replay.ports import EventLog

UNFINISHED: Final = ".unfinished-"
ROW_GROUP_EVENTS: Final = 122_880
_PIECE_EVENTS: Final = 40_000
_PIECE_BYTES: Final = 64 * 2**20


def write(log: EventLog, folder: Path, first: int, last: int, previous: str) -> Segment:
    """Write the events from `first` to `last`, which ends a seal, as a segment in a folder.

    `previous` is the digest of the segment before it. The same events give the same bytes, under
    the same libraries. Raise LogCorruptError where the log does not give them.
    """
    seal = log.seal_of(last)
    if seal is None or seal.last != last:
        message = f"no seal of the log ends at {last}"
        raise LogCorruptError(message)
    with _unfinished(folder, segments.folder_name(first, last)) as place:
        files = _write_files(log, place, first, last)
        content = Content(
            format=segments.FORMAT,
            derived=segments.derivation(),
            first=first,
            last=last,
            seal=seal.digest.hex(),
            previous=previous,
            files=files,
        )
        certificate = place / CERTIFICATE
        certificate.write_text(segments.certify(content), "utf-8")
        flush(certificate)
        flush(place)
    made = folder / segments.folder_name(first, last)
    return Segment(made, content, content.digest())


@contextmanager
def _unfinished(folder: Path, name: str) -> Iterator[Path]:
    """Give a folder to write into, which gets its name when all is in it and on the disk."""
    place = folder / f"{UNFINISHED}{name}"
    target = folder / name
    try:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        try:
            yield place
            # one of that name was found to be bad
            shutil.rmtree(target, ignore_errors=True)
            place.replace(target)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        flush(folder)
    except OSError as error:
        message = f"cannot write {target}: {error.strerror or error}"
        raise CannotDoError(message) from error


def flush(path: Path) -> None:
    """Make sure that a file, or what a folder lists, outlives a power failure."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@dataclass(slots=True)
class _Kind:
    """The file of one kind while it is written: rows wait until they fill a row group."""

    path: Path
    writer: pq.ParquetWriter
    waiting: list[pa.Table] = field(default_factory=list)
    waiting_rows: int = 0
    waiting_bytes: int = 0
    rows: int = 0

    def add(self, rows: pa.Table) -> None:
        """Take rows in the order of their positions."""
        self.waiting.append(rows)
        self.waiting_rows += rows.num_rows
        self.waiting_bytes += rows.nbytes
        if self.waiting_rows >= ROW_GROUP_EVENTS or self.waiting_bytes >= _PIECE_BYTES:
            self.write()

    def write(self) -> None:
        """Write what waits as a row group."""
        if self.waiting:
            self.writer.write_table(pa.concat_tables(self.waiting), ROW_GROUP_EVENTS)
        self.rows += self.waiting_rows
        self.waiting, self.waiting_rows, self.waiting_bytes = [], 0, 0

    def certified(self) -> File:
        """Return what there is to say of the closed file."""
        flush(self.path)
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return File(rows=self.rows, bytes=self.path.stat().st_size, sha256=digest)


def _write_files(log: EventLog, place: Path, first: int, last: int) -> dict[str, File]:
    kinds: dict[str, _Kind] = {}
    with ExitStack() as stack:
        connection = stack.enter_context(duckdb.connect(config={"threads": 1}))
        for events in pieces(log, first, last):
            for kind, rows in _by_kind(derived(connection, events), events["kind"]):
                if kind not in kinds:
                    path = place / segments.file_name(kind)
                    kinds[kind] = _Kind(path, stack.enter_context(_opened(path)))
                kinds[kind].add(rows)
        for one in kinds.values():
            one.write()
    return {kind: kinds[kind].certified() for kind in sorted(kinds)}


def _opened(path: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        path,
        SCHEMA,
        compression="zstd",
        compression_level=1,
        use_dictionary=["shape", "month"],
        column_encoding={"position": "DELTA_BINARY_PACKED", "revision": "DELTA_BINARY_PACKED"},
        write_statistics=["position"],
        store_schema=False,
    )


def pieces(log: EventLog, first: int, last: int) -> Iterator[pa.Table]:
    """Yield the events in pieces that are small in number and in bytes."""
    batches: list[pa.RecordBatch] = []
    rows = size = seen = 0
    for batch in log.batches(first - 1, last):
        batches.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        seen += batch.num_rows
        if rows >= _PIECE_EVENTS or size >= _PIECE_BYTES:
            yield pa.Table.from_batches(batches)
            batches, rows, size = [], 0, 0
    if batches:
        yield pa.Table.from_batches(batches)
    if seen != last - first + 1:
        message = f"the log gave {seen} events of {first} to {last}: run `brokertruth verify`"
        raise LogCorruptError(message)


def derived(connection: duckdb.DuckDBPyConnection, events: pa.Table) -> pa.Table:
    """Return the columns of a segment, as a rebuild would make them of the events."""
    connection.register("events", events)
    connection.execute(sql.text("census", "chunk"))
    chunk = connection.sql(
        "SELECT position, shape, month, state FROM chunk ORDER BY position"
    ).to_arrow_table()
    if not chunk["position"].equals(events["position"]):
        message = "the events of the log are not in the order of their positions"
        raise LogCorruptError(message)
    no_text = pc.and_(
        pc.equal(chunk["state"], ""), pc.greater(pc.binary_length(events["state"]), 0)
    )
    raw = pc.if_else(no_text, events["state"], pa.scalar(None, pa.binary()))
    told = (chunk["shape"], chunk["month"], chunk["state"])
    columns = [events["position"], events["key"], events["revision"], *told, raw]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _by_kind(rows: pa.Table, kinds: pa.ChunkedArray) -> Iterator[tuple[str, pa.Table]]:
    names = pc.unique(kinds).to_pylist()
    if len(names) == 1:
        yield names[0], rows
        return
    for name in names:
        yield name, rows.filter(pc.equal(kinds, name))
