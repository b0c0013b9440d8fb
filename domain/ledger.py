"""The ledger's own events: what it did, as facts that replay sees."""

from typing import Final

from domain.shapes import Reader

FETCH: Final = "ledger.fetch"

FETCH_READERS: Final = (
    Reader(
        kind=FETCH,
        name="1",
        spoken="from version 0.1",
        required={
            "document": "string",
            "adapter": "string",
            "pages": "integer",
            "rows": "integer",
        },
        optional={"cursor_ended": "boolean"},
        ignored={"rows_left_out": "integer"},
        absent=frozenset({"stream"}),
    ),
    Reader(
        kind=FETCH,
        name="2",
        spoken="from version 0.1; one stream of a broker's API, asked to its end or not",
        required={
            "document": "string",
            "adapter": "string",
            "broker": "string",
            "stream": "string",
            "state": "string",
            "started_at": "string",
            "ended_at": "string",
            "pages": "integer",
            "rows": "integer",
        },
        optional={
            "covered_from": "string",
            "covered_until": "string",
            "resume_from": "string",
            "reason": "string",
        },
        ignored={"asked": "string", "site": "string"},
    ),
)
