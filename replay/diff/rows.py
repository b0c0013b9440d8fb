"""Which rows of a published table two projections have otherwise.

Rows are found by hashes and compared by their values. A key whose rows have the same hashes in both
files, and the same sums of money, is taken for equal; all others are matched by the values of
their key and compared column by column. Where log positions are all that differs, nothing does.
Should a key be that of several rows, equal ones are taken out first and the rest are matched in
their order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from domain.columns import Column, Table, columns_of
from projections.sql import identifier
from replay.diff.evidence import LEAST_POSITIONS
from replay.diff.lines import newest
from replay.diff.sides import NAMES, Pair
from replay.explain.nodes import value_text

Change = Literal["changed", "added", "removed"]
_CHANGES: Final[tuple[Change, ...]] = ("changed", "added", "removed")


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of a row, before and after; None where there was nothing."""

    column: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Example:
    """One row that differs, with the log positions that tell of it."""

    change: Change
    key: tuple[tuple[str, str], ...]
    cells: tuple[Cell, ...]
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TableDifference:
    """How one table differs.

    columns   of how many changed rows each column differs
    examples  some rows of each change, those first of which most money moved
    notes     what could not be compared, because only one of the files has it
    """

    table: str
    rows_before: int
    rows_after: int
    added: int = 0
    removed: int = 0
    changed: int = 0
    columns: tuple[tuple[str, int], ...] = ()
    examples: tuple[Example, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether there is any difference."""
        return self.rows_differ or bool(self.notes)

    @property
    def rows_differ(self) -> bool:
        """Whether any row does."""
        return bool(self.added or self.removed or self.changed)


def telling(before: Iterable[int], after: Iterable[int], limit: int) -> tuple[int, ...]:
    """Return the positions that only one file rests on; all of them where both rest on the same."""
    was, now = frozenset(before), frozenset(after)
    return newest(was ^ now or was | now, limit)


def of_table(pair: Pair, model: type[Table], limit: int) -> TableDifference:
    """Compare one table."""
    table = model.table
    missing = [
        name for name, layout in zip(NAMES, pair.layouts, strict=True) if not layout.has(table)
    ]
    if missing:
        rows = {name: 0 if name in missing else _count(pair, name, table) for name in NAMES}
        told = f"there is no such table {missing[0]}"
        notes = (told,) if len(missing) == 1 else ()
        return TableDifference(table, rows["before"], rows["after"], notes=notes)
    comparing = _Comparing.of(pair, model)
    if pair.same_content(table) and not comparing.notes:
        rows_before = pair.layouts[0].prints[table][0]
        return TableDifference(table, rows_before, rows_before)
    return comparing.compared(limit)


def _count(pair: Pair, name: str, table: str) -> int:
    rows = pair.connection.execute(f"SELECT count(*) FROM {name}.{identifier(table)}").fetchall()
    return int(rows[0][0])


def suspects(table: str) -> str:
    """Return the name of the temporary table with the hashes of keys whose rows may differ."""
    return f"suspect_{table}"


@dataclass(frozen=True, slots=True)
class _Comparing:
    """One table, the columns that can be compared, and why others cannot."""

    pair: Pair
    table: str
    key: tuple[str, ...]
    content: tuple[str, ...]
    money: tuple[str, ...]
    provenance: tuple[str, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, pair: Pair, model: type[Table]) -> "_Comparing":
        """Choose the columns."""
        before, after = (layout.columns[model.table] for layout in pair.layouts)
        notes = []
        for name in sorted({*before, *after}):
            if name not in after:
                notes.append(f"column {name} is only before")
            elif name not in before:
                notes.append(f"column {name} is only after")
            elif before[name] != after[name]:
                notes.append(f"column {name} is {before[name]} before and {after[name]} after")
        common = [
            column
            for column in columns_of(model)
            if column.name in before and before[column.name] == after.get(column.name)
        ]
        content = [one for one in common if not one.identity and not one.provenance]
        positions = [one for one in common if one.provenance and "BIGINT" in one.sql_type]
        key = _names(one for one in columns_of(model) if one.identity)
        if not set(key) <= set(_names(common)):
            key = ()
            notes.append("its key is not in both, so that rows cannot be matched")
        return cls(
            pair,
            model.table,
            key,
            _names(content),
            _names(one for one in content if one.money),
            _names(positions),
            tuple(notes),
        )

    def compared(self, limit: int) -> TableDifference:
        """Compare."""
        was, now = (_count(self.pair, name, self.table) for name in NAMES)
        found = TableDifference(self.table, was, now, notes=self.notes)
        if not self.key:
            return found
        self._suspect()
        several = self._keys_are_repeated()
        counts = self._counts(limit, several=several)
        columns = [
            (name, count) for name, count in zip(self.content, counts[6:], strict=True) if count
        ]
        chosen = [entry["key_hash"] for most in counts[3:6] for entry in (most or ())[:limit]]
        return replace(
            found,
            changed=counts[0],
            added=counts[1],
            removed=counts[2],
            columns=tuple(sorted(columns, key=lambda told: (-told[1], told[0]))),
            examples=self._examples(chosen, limit, several=several),
        )

    def _suspect(self) -> None:
        """Keep the hashes of the keys whose rows may differ."""
        sides = " UNION ALL ".join(
            f"SELECT {self._key_hash()} AS key_hash, {was} AS was, {1 - was} AS now, "
            f"{sign}{_hash(self.content)}::HUGEINT AS content"
            + "".join(
                f", {sign}coalesce({identifier(column)}, 0) AS money_{number}"
                for number, column in enumerate(self.money)
            )
            + f" FROM {name}.{identifier(self.table)}"
            for name, was, sign in (("before", 1, "-"), ("after", 0, ""))
        )
        sums = "".join(f" OR sum(money_{number}) <> 0" for number in range(len(self.money)))
        self.pair.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {suspects(self.table)} AS "
            f"SELECT key_hash, sum(was) AS was, sum(now) AS now FROM ({sides}) "
            f"GROUP BY key_hash HAVING sum(was) <> sum(now) OR sum(content) <> 0{sums}"
        )

    def _keys_are_repeated(self) -> bool:
        ((most,),) = self.pair.connection.execute(
            f"SELECT coalesce(max(greatest(was, now)), 0) FROM {suspects(self.table)}"
        ).fetchall()
        return bool(most > 1)

    def _counts(self, limit: int, *, several: bool) -> Sequence[Any]:
        """Return counts of the changes, the largest of each, and counts of the columns."""
        differs = _any(f"b.{one} IS DISTINCT FROM a.{one}" for one in map(identifier, self.content))
        changes = {
            "changed": f"b.key_hash IS NOT NULL AND a.key_hash IS NOT NULL AND ({differs})",
            "added": "b.key_hash IS NULL",
            "removed": "a.key_hash IS NULL",
        }
        weight = " + ".join(
            ["0"]
            + [
                f"abs(coalesce(a.{one}, 0) - coalesce(b.{one}, 0))"
                for one in map(identifier, self.money)
            ]
        )
        entry = f"{{'weight': {weight}, 'key_hash': coalesce(a.key_hash, b.key_hash)}}"
        both = "b.key_hash IS NOT NULL AND a.key_hash IS NOT NULL"
        asked = [
            *(f"count(*) FILTER ({changes[change]})" for change in _CHANGES),
            *(f"max({entry}, {max(limit, 1)}) FILTER ({changes[change]})" for change in _CHANGES),
            *(
                f"count(*) FILTER ({both} AND b.{one} IS DISTINCT FROM a.{one})"
                for one in map(identifier, self.content)
            ),
        ]
        within = f"(SELECT key_hash FROM {suspects(self.table)})"
        rows = self.pair.connection.execute(
            f"{self._matched(within, several=several)} SELECT {', '.join(asked)} "
            f"FROM b FULL JOIN a ON {self._on()}"
        ).fetchall()
        return tuple(rows[0])

    def _examples(self, chosen: Sequence[int], limit: int, *, several: bool) -> tuple[Example, ...]:
        if not chosen or not limit:
            return ()
        asked = [
            "coalesce(a.key_hash, b.key_hash)",
            "a.key_hash IS NOT NULL",
            "b.key_hash IS NOT NULL",
            *(f"coalesce(a.{one}, b.{one})" for one in map(identifier, self.key)),
            *(
                f"{side}.{identifier(one)}"
                for side in ("b", "a")
                for one in (*self.content, *self.provenance)
            ),
        ]
        within = "(SELECT unnest($chosen::UBIGINT[]))"
        rows = self.pair.connection.execute(
            f"{self._matched(within, several=several)} SELECT {', '.join(asked)} "
            f"FROM b FULL JOIN a ON {self._on()}",
            {"chosen": list(chosen)},
        ).fetchall()
        place = {key_hash: number for number, key_hash in enumerate(chosen)}
        rows.sort(key=lambda row: place[row[0]])
        found = [self._example(row[1:], limit) for row in rows]
        found.sort(key=lambda example: _CHANGES.index(example.change))
        return tuple(example for example in found if example.cells or example.change != "changed")

    def _example(self, row: Sequence[Any], limit: int) -> Example:
        is_after, is_before, *values = row
        key, values = values[: len(self.key)], values[len(self.key) :]
        width = len(self.content) + len(self.provenance)
        old, new = values[:width], values[width:]
        cells = tuple(
            Cell(column, _text(was), _text(now))
            for column, was, now in zip(self.content, old, new, strict=False)
            if was != now
        )
        change: Change = "changed" if is_after and is_before else "added" if is_after else "removed"
        return Example(
            change,
            tuple((name, value_text(value)) for name, value in zip(self.key, key, strict=True)),
            cells,
            telling(
                _positions(old[len(self.content) :]),
                _positions(new[len(self.content) :]),
                max(limit, LEAST_POSITIONS),
            ),
        )

    def _matched(self, within: str, *, several: bool) -> str:
        """Return `WITH b AS (…), a AS (…)`: the rows of some keys, numbered within each."""
        columns = ", ".join(map(identifier, self._columns()))
        parts = [
            f"{side}_all AS (SELECT {self._key_hash()} AS key_hash, {columns}"
            f"{self._nth(self.content, self.provenance) if several else ''} "
            f"FROM {name}.{identifier(self.table)} WHERE {self._key_hash()} IN {within})"
            for side, name in (("b", "before"), ("a", "after"))
        ]
        if not several:
            parts += [f"{side} AS (SELECT *, 1 AS nth FROM {side}_all)" for side in "ba"]
            return f"WITH {', '.join(parts)}"
        same = " AND ".join(
            f"x.{one} IS NOT DISTINCT FROM y.{one}"
            for one in map(identifier, (*self.key, *self.content, "nth"))
        )
        for side, other in (("b", "a"), ("a", "b")):
            parts.append(
                f"{side}_rest AS (SELECT * EXCLUDE (nth) FROM {side}_all AS x "
                f"WHERE NOT EXISTS (SELECT 1 FROM {other}_all AS y "
                f"WHERE x.key_hash = y.key_hash AND {same}))"
            )
            parts.append(
                f"{side} AS (SELECT *{self._nth((), (*self.content, *self.provenance))} "
                f"FROM {side}_rest)"
            )
        return f"WITH {', '.join(parts)}"

    def _nth(self, among: Sequence[str], order: Sequence[str]) -> str:
        """Return a column that numbers rows alike in the key and `among`."""
        parts = ", ".join(map(identifier, (*self.key, *among)))
        ordered = ", ".join(map(identifier, order)) or "1"
        return f", row_number() OVER (PARTITION BY {parts} ORDER BY {ordered}) AS nth"

    def _on(self) -> str:
        same = (f"a.{one} IS NOT DISTINCT FROM b.{one}" for one in map(identifier, self.key))
        return " AND ".join(["a.key_hash = b.key_hash", "a.nth = b.nth", *same])

    def _columns(self) -> list[str]:
        return list(dict.fromkeys((*self.key, *self.content, *self.provenance)))

    def _key_hash(self) -> str:
        return _hash(self.key)


def _names(columns: Iterable[Column]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


def _hash(columns: Sequence[str]) -> str:
    return f"hash({', '.join(map(identifier, columns))})" if columns else "0"


def _any(conditions: Iterable[str]) -> str:
    return " OR ".join(conditions) or "false"


def _text(value: object) -> str | None:
    return None if value is None else value_text(value)


def _positions(values: Iterable[Any]) -> list[int]:
    found: list[int] = []
    for value in values:
        found += [value] if isinstance(value, int) else value or []
    return found
