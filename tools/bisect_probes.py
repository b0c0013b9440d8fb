"""Projections of a book at any position: each probe goes on from the last good one, on a copy."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import duckdb

from adapters.log.sqlite import SQLiteLog
from domain.errors import RebuildNeededError
from domain.rules import Rules
from replay.database import Resources
from replay.incremental import advance
from replay.plan import AsOf, Plan
from replay.rebuild import rebuild
from tools import staleness
from tools.book import Book, now

_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class Probes:
    """What was asked so far, and the checkpoint: the projection at the last good position."""

    book: Book
    log: SQLiteLog
    folder: Path
    rules: Rules
    resources: Resources
    built: dict[int, Path] = field(default_factory=dict)
    checkpoint: int | None = None
    rebuilds: int = 0
    advances: int = 0

    def ask(
        self, position: int, question: Callable[[duckdb.DuckDBPyConnection], _Answer]
    ) -> _Answer:
        """Ask the projection at a position. The current one answers where it is just that."""
        if position not in self.built and self._is_current(position):
            with self.book.open_projection() as connection:
                return question(connection)
        if position not in self.built:
            self.built[position] = self._build(position)
        with self.book.open_projection(self.built[position]) as connection:
            return question(connection)

    def keep(self, position: int) -> None:
        """Take a good position as the checkpoint; what was built elsewhere is not needed again."""
        for other in [one for one in self.built if one != position]:
            self.built.pop(other).unlink()
        self.checkpoint = position if position in self.built else None

    def drop(self, position: int) -> None:
        """Throw away what was built at a bad position: nothing goes on from there."""
        if position in self.built:
            self.built.pop(position).unlink()

    def _is_current(self, position: int) -> bool:
        told = self.book.projection_meta()
        if told is None or told.as_of or told.watermark != position:
            return False
        if told.rules_digest != self.rules.digest:
            return False
        stale = staleness.of(self.book, self.log, told)
        return stale is None or not stale.needs_rebuild

    def _build(self, position: int) -> Path:
        path = self.folder / f"at-{position}.duckdb"
        plan = Plan(
            built_at=now(),
            rules=self.rules,
            resources=self.resources,
            as_of=AsOf(position=position),
        )
        checkpoint = self.checkpoint or 0
        # with more new events than old ones, going on costs more than beginning anew
        if position - checkpoint < checkpoint:
            shutil.copyfile(self.built[checkpoint], path)
            try:
                advance(self.log, path, plan)
            except RebuildNeededError:
                path.unlink()
            else:
                self.advances += 1
                return path
        rebuild(self.log, path, plan)
        self.rebuilds += 1
        return path
