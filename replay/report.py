"""Pinned reports: figures as they were told once, with all that they were computed from.

A report holds the answers to a few queries as exact text, the watermark and the seal of the log,
and the digests of code, rules and content. Whoever asks the same queries of a projection rebuilt
to that watermark gets the same rows, or sees which differ. Rows are compared as a multiset: a query
need not say in which order it gives them.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.errors import CannotDoError, UsageError
from replay.meta import Meta

FORMAT: Final = "brokertruth report 1"
BYTES_MAX: Final = 128 * 2**20

Row = tuple[str | None, ...]
_FRACTIONS: Final = ("decimal", "double", "float", "halffloat")
NUMBERS: Final = (*_FRACTIONS, "int", "uint")
"""How the Arrow types of numbers begin."""


@dataclass(frozen=True, slots=True)
class Question:
    """One query of a report; `label` is what people call it."""

    label: str
    sql: str


_PNL: Final = """\
SELECT
    concat_ws('/', venue, account, mode) AS account,
    {by},
    currency AS ccy,
    sum(lots)::BIGINT AS lots,
    sum(realized_gross) AS gross,
    sum(fees) FILTER (basis_state = 'known') AS fees,
    sum(realized_net) AS net,
    (coalesce(sum(lots) FILTER (realized_net IS NULL), 0))::BIGINT AS pending
FROM daily_pnl
GROUP BY ALL
ORDER BY ALL
"""

DEFAULT: Final = (
    Question("realized P&L by day", _PNL.format(by="day, strategy, family")),
    Question("realized P&L by strategy", _PNL.format(by="strategy")),
    Question(
        "cash",
        """\
SELECT concat_ws('/', venue, account, mode) AS account, currency AS ccy, count(*) AS entries,
    sum(amount) AS amount
FROM cash_ledger
GROUP BY ALL
ORDER BY ALL
""",
    ),
    Question(
        "open positions",
        """\
SELECT concat_ws('/', venue, account, mode) AS account, subaccount AS sub, instrument_id,
    currency AS ccy, quantity, average_price AS price, cost
FROM position
ORDER BY ALL
""",
    ),
)

LEFT_OUT: Final = """
    SELECT
        (SELECT count(*) FROM unreadable) AS unreadable,
        (SELECT count(*) FROM drift WHERE status = 'unknown') AS unknown_shapes,
        (SELECT count(*) FROM drift WHERE status = 'additive') AS additive_shapes,
        (SELECT count(*) FROM attribution WHERE strategy = 'unattributed') AS unattributed_fills,
        (SELECT count(*) FROM lot_match WHERE realized_net IS NULL) AS lots_without_net
"""


Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""A log position, or how many of something: what a log and a table can hold."""


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Figure(_Stored):
    """The answer to one query: cells as exact text, rows in the order in which they were given.

    `types` are those of Arrow; they tell measures from what a row is known by.
    """

    label: str
    sql: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[Row, ...]

    @model_validator(mode="after")
    def _is_a_table(self) -> Self:
        width = len(self.columns)
        if len(set(self.columns)) != width or len(self.types) != width:
            message = f"{self.label}: columns and types do not fit together"
            raise ValueError(message)
        if any(len(row) != width for row in self.rows):
            message = f"{self.label}: a row has not one cell for each column"
            raise ValueError(message)
        return self


class Report(_Stored):
    """Figures, and what they were computed from."""

    format: Literal["brokertruth report 1"] = FORMAT
    saved_at: AwareDatetime
    watermark: Count
    seal_digest: str | None
    code_digest: str
    rules_version: str
    rules_digest: str
    libraries: str
    fingerprint: str
    content_fingerprint: str
    left_out: dict[str, Count]
    figures: tuple[Figure, ...] = Field(min_length=1)


class _Sealed(Report):
    digest: str


def pin(
    current: Meta, figures: Sequence[Figure], left_out: Mapping[str, int], saved_at: AwareDatetime
) -> Report:
    """Return the report of a projection; what it is pinned to is what the projection covers."""
    return Report(
        saved_at=saved_at,
        watermark=current.watermark,
        seal_digest=current.seal_digest,
        code_digest=current.code_digest,
        rules_version=current.rules_version,
        rules_digest=current.rules_digest,
        libraries=current.libraries,
        fingerprint=current.fingerprint,
        content_fingerprint=current.content_fingerprint,
        left_out=dict(left_out),
        figures=tuple(figures),
    )


def as_text(report: Report) -> str:
    """Return the report as JSON, with a digest of its content in it.

    Raise UsageError where it would be larger than what is read again.
    """
    content = report.model_dump(mode="json")
    text = json.dumps({"digest": _digest(content), **content}, ensure_ascii=False) + "\n"
    if len(text.encode()) > BYTES_MAX:
        message = f"the report has more than {BYTES_MAX >> 20} MiB: ask for less, with --query"
        raise UsageError(message)
    return text


def read(path: Path) -> Report:
    """Return the report in a file.

    Raise CannotDoError where it is no report, breaks off, is of another version or was edited.
    """
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise CannotDoError(message) from error
    if len(content) > BYTES_MAX:
        message = f"{path} has more than {BYTES_MAX >> 20} MiB: it is no report of this program"
        raise CannotDoError(message)
    try:
        sealed = _Sealed.model_validate_json(content)
    except ValidationError as error:
        raise CannotDoError(_why_not(path, error)) from None
    report = sealed.model_dump(mode="json", exclude={"digest"})
    if _digest(report) != sealed.digest:
        message = (
            f"{path} was edited after it was saved: its content is not that of its digest; restore "
            "it from a backup, or save it anew with --replace"
        )
        raise CannotDoError(message)
    return Report.model_construct(**{name: getattr(sealed, name) for name in Report.model_fields})


def _why_not(path: Path, error: ValidationError) -> str:
    wrong = error.errors(include_url=False)[0]
    if wrong["loc"] == ("format",) and wrong["type"] == "literal_error":
        return (
            f"{path} says that it is {str(wrong['input'])[:60]!r}, and this program reads "
            f"{FORMAT!r}: check it with the version that saved it"
        )
    place = ".".join(str(part) for part in wrong["loc"])
    told = f"{place}: {wrong['msg']}" if place else wrong["msg"]
    return f"{path} is no whole report ({told}): restore it, or save it anew with --replace"


def _digest(content: Mapping[str, object]) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# --- what differs --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One row that differs: `key` is what it is known by, `values` its old and new measures.

    A row that came has no old ones, a row that went no new ones.
    """

    change: Literal["added", "removed", "changed"]
    key: Mapping[str, str | None]
    values: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True)
class Compared:
    """What one figure says otherwise than another; rows are compared by their common columns."""

    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    changes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.columns_added or self.columns_removed or self.changes)

    def counts(self) -> dict[str, int]:
        """Return how many rows were added, removed and changed."""
        found = Counter(change.change for change in self.changes)
        return {name: found[name] for name in ("added", "removed", "changed")}


def compare(before: Figure, after: Figure) -> Compared:
    """Return what differs between two answers to one query."""
    columns = [name for name in before.columns if name in after.columns]
    old = Counter(_cells(before, columns))
    new = Counter(_cells(after, columns))
    gone, come = list((old - new).elements()), list((new - old).elements())
    types = dict(zip(after.columns, after.types, strict=True))
    known_by = _key(columns, types, gone, come)
    return Compared(
        tuple(name for name in after.columns if name not in before.columns),
        tuple(name for name in before.columns if name not in after.columns),
        tuple(_changes(columns, known_by, gone, come)),
    )


def _cells(figure: Figure, columns: Sequence[str]) -> Iterator[Row]:
    places = [figure.columns.index(name) for name in columns]
    return (tuple(row[place] for place in places) for row in figure.rows)


def _key(
    columns: Sequence[str], types: Mapping[str, str], gone: Sequence[Row], come: Sequence[Row]
) -> list[str]:
    """Return the columns that tell the differing rows apart.

    Texts, days and moments do if they can; otherwise whole numbers as well; otherwise all columns.
    """
    whole = [name for name in columns if not types[name].startswith(_FRACTIONS)]
    texts = [name for name in whole if not types[name].startswith(NUMBERS)]
    for names in (texts, whole):
        places = [columns.index(name) for name in names]
        if all(len({_part(row, places) for row in rows}) == len(rows) for rows in (gone, come)):
            return names
    return list(columns)


def _part(row: Row, places: Sequence[int]) -> Row:
    return tuple(row[place] for place in places)


def _changes(
    columns: Sequence[str], known_by: Sequence[str], gone: Sequence[Row], come: Sequence[Row]
) -> Iterator[Change]:
    measures = [name for name in columns if name not in known_by]
    if not measures:
        yield from _whole_rows(columns, gone, come)
        return
    places = [columns.index(name) for name in known_by]
    old = {_part(row, places): dict(zip(columns, row, strict=True)) for row in gone}
    new = {_part(row, places): dict(zip(columns, row, strict=True)) for row in come}
    for cells in sorted({**old, **new}, key=_sortable):
        key = dict(zip(known_by, cells, strict=True))
        if cells not in old:
            yield Change("added", key, {name: (None, new[cells][name]) for name in measures})
        elif cells not in new:
            yield Change("removed", key, {name: (old[cells][name], None) for name in measures})
        else:
            both = {name: (old[cells][name], new[cells][name]) for name in measures}
            moved = {name: pair for name, pair in both.items() if pair[0] != pair[1]}
            yield Change("changed", key, moved)


def _whole_rows(
    columns: Sequence[str], gone: Sequence[Row], come: Sequence[Row]
) -> Iterator[Change]:
    """Yield rows that nothing tells apart; equal ones each count."""
    for row in sorted(gone, key=_sortable):
        yield Change("removed", dict(zip(columns, row, strict=True)), {})
    for row in sorted(come, key=_sortable):
        yield Change("added", dict(zip(columns, row, strict=True)), {})


def _sortable(row: Row) -> list[tuple[bool, str]]:
    return [(cell is not None, cell or "") for cell in row]
