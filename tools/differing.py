"""A difference between two projections as JSON objects."""

from typing import Any, Final

from replay.amounts import Amounts
from replay.diff import Difference
from replay.diff.lines import Line, Sum
from replay.diff.rows import TableDifference
from replay.diff.sides import Side
from replay.explain.nodes import decimal_text

_KINDS: Final = ("totals", "strategies", "families", "days", "cells", "trades")


def as_data(found: Difference, table: str | None = None) -> dict[str, Any]:
    """Return it for programs: decimals as texts, the rows of one table only where it is named."""
    money = found.money
    return {
        "before": _side(found.before),
        "after": _side(found.after),
        "same_events": found.same_events,
        "same_rules": found.same_rules,
        "log_checked": found.log_checked,
        "differs": found.anything,
        "money_moved": found.money_moved,
        "equal_tables": found.equal_tables,
        "tables": [_table(one) for one in found.tables if table in (None, one.table)],
        "money": {
            **{kind: [_line(line) for line in getattr(money, kind)] for kind in _KINDS},
            "cash": [_sum(one) for one in money.cash],
            "open_cost": [_sum(one) for one in money.open_cost],
            "moved": dict(money.moved),
            "notes": list(money.notes),
        },
        "events": [
            {
                "position": one.position,
                "kind": one.kind,
                "received_at": one.received_at,
                "key": one.key,
            }
            for one in found.events
        ],
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "path": str(side.path),
        "watermark": side.watermark,
        "as_of": side.as_of,
        "seal_digest": side.seal_digest,
        "code_digest": side.code_digest,
        "rules_version": side.rules_version,
        "rules_digest": side.rules_digest,
        "libraries": side.libraries,
        "content_fingerprint": side.content_fingerprint,
    }


def _table(one: TableDifference) -> dict[str, Any]:
    return {
        "table": one.table,
        "rows_before": one.rows_before,
        "rows_after": one.rows_after,
        "added": one.added,
        "removed": one.removed,
        "changed": one.changed,
        "columns": dict(one.columns),
        "notes": list(one.notes),
        "examples": [
            {
                "change": example.change,
                "key": dict(example.key),
                "cells": {
                    cell.column: {"old": cell.old, "new": cell.new} for cell in example.cells
                },
                "positions": list(example.positions),
            }
            for example in one.examples
        ],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "account": line.account,
        "currency": line.currency,
        **dict(line.names),
        "before": _amounts(line.before),
        "after": _amounts(line.after),
        "moved": _amounts(line.moved),
        "lots_before": line.lots_before,
        "lots_after": line.lots_after,
        "positions": list(line.positions),
        "positions_more": line.positions_more,
    }


def _amounts(amounts: Amounts) -> dict[str, Any]:
    return {
        "gross": decimal_text(amounts.gross),
        "fees": decimal_text(amounts.fees),
        "net": decimal_text(amounts.net),
        "lots_pending": amounts.lots_pending,
    }


def _sum(one: Sum) -> dict[str, Any]:
    return {
        "account": one.account,
        "currency": one.currency,
        "name": one.name,
        "before": decimal_text(one.before),
        "after": decimal_text(one.after),
        "moved": decimal_text(one.moved),
        "rows_before": one.rows_before,
        "rows_after": one.rows_after,
        "positions": list(one.positions),
        "positions_more": one.positions_more,
    }
