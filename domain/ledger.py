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
    ),
)
