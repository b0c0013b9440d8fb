"""Rows of the log as Arrow columns, without making an object of every value.

SQLite joins the values of a column into one text, and Arrow takes them apart again: that takes two
thirds of the time of fetching row by row, and nothing keeps other threads waiting meanwhile. What
does not come apart as it should (a damaged row, a key with a line break) is fetched row by row.
"""

import sqlite3
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from adapters.log.recorder import EVENTS
from replay.ports import EVENT_SCHEMA

# NOT INDEXED leaves only the way along the rowids, so the rows come in their order.
_FETCH: Final = f"""
    SELECT
        count(*), min(rowid), max(rowid), sum(typeof(state) = 'blob'),
        CAST(group_concat(CASE WHEN length(state) <= ? THEN state END, '') AS BLOB),
        CAST(group_concat(originator_id, char(10)) AS BLOB),
        group_concat(originator_version, char(10)),
        CAST(group_concat(topic, char(10)) AS BLOB),
        group_concat(length(state), char(10))
    FROM {EVENTS} NOT INDEXED
    WHERE rowid > ? AND rowid <= ?
"""  # noqa: S608


def fetch(cursor: sqlite3.Cursor, after: int, until: int, largest: int) -> pa.RecordBatch | None:
    """Return the events with after < position <= until.

    Return None, or raise ArrowException, where they are to be fetched row by row: some are missing,
    damaged, or have more bytes than `largest`.
    """
    row = cursor.execute(_FETCH, (largest, after, until)).fetchone()
    count, first, last, blobs, states, *texts = row
    if not count or (first, last, blobs) != (after + 1, after + count, count):
        return None
    keys, revisions, kinds, lengths = (_split(text) for text in texts)
    if {len(keys), len(revisions), len(kinds), len(lengths)} != {count}:
        return None
    ends = pc.cumulative_sum(lengths.cast(pa.int32()))
    if len(states or b"") != ends[-1].as_py():
        return None
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    content = [None, offsets.buffers()[1], pa.py_buffer(states or b"")]
    arrays = [
        pa.array(range(first, last + 1), pa.int64()),
        keys,
        revisions.cast(pa.int64()),
        kinds,
        pa.BinaryArray.from_buffers(pa.binary(), count, content),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=EVENT_SCHEMA)


def _split(joined: str | bytes | None) -> pa.Array:
    """Return the values that were joined. Raise ArrowException for what is no UTF-8."""
    return pc.split_pattern(pa.array([joined or ""], pa.string()), "\n").flatten()
