"""Projection files made: in full, or brought up to date. Whoever calls holds the book's lock."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import duckdb

from adapters.log.sqlite import SQLiteLog
from adapters.segments.kept import KeptSegments
from domain.errors import CannotDoError
from domain.rules import Rules
from replay import meta
from replay.database import Resources, open_for_writing
from replay.incremental import Advanced, advance
from replay.plan import AsOf, Plan, Progress, silent
from replay.rebuild import Rebuilt, rebuild
from tools import shelf, staleness
from tools.book import Book, now

STANDBY_BYTES: Final = 64 * 2**20
"""A projection of less is copied each time, a larger one keeps a twin to be brought up to date."""


def in_full(
    log: SQLiteLog,
    target: Path,
    rules: Rules,
    *,
    resources: Resources | None = None,
    as_of: AsOf | None = None,
    progress: Progress = silent,
    segments: KeptSegments | None = None,
) -> Rebuilt:
    """Build a projection from the first event beside a place, and put it there when it is whole."""
    fresh = target.with_suffix(".new")
    shelf.refuse_obstacles(target)
    shelf.discard(fresh)
    plan = Plan(
        built_at=now(),
        rules=rules,
        resources=resources or Resources(),
        as_of=as_of or AsOf(),
        progress=progress,
        segments=segments,
    )
    made = rebuild(log, fresh, plan)
    shelf.put(fresh, target)
    if segments is None:
        return made
    return replace(made, from_segments=segments.used, warning=segments.warning())


def brought_up(
    book: Book, log: SQLiteLog, rules: Rules, *, progress: Progress = silent
) -> Advanced:
    """Bring the projection up to the log, without disturbing whoever reads the current one.

    An older twin is brought up to date and takes its place; then they change parts. Raise
    RebuildNeededError where new events cannot be applied; the current one is then as it was.
    """
    twin = book.standby_path
    shelf.refuse_obstacles(book.projection_path, twin)
    large = book.projection_path.stat().st_size >= STANDBY_BYTES
    if not (large and _can_stand_in(book, log)):
        shelf.discard(twin)
        shelf.copy(book.projection_path, twin)
    try:
        made = advance(log, twin, Plan(built_at=now(), rules=rules, progress=progress))
    except BaseException:
        shelf.discard(twin)
        raise
    shelf.make_current(twin, book.projection_path)
    if not large:
        shelf.discard(twin)
    return made


def _can_stand_in(book: Book, log: SQLiteLog) -> bool:
    """Say whether the twin is of the same log, code and rules as the current one, and not newer.

    Not where somebody who asked it when it was current does so still.
    """
    current = book.projection_meta()
    if current is None or not book.standby_path.exists():
        return False
    try:
        with open_for_writing(book.standby_path, Resources()) as connection:
            twin = meta.read(connection)
    except (CannotDoError, duckdb.Error):
        return False
    return (
        _kin(twin) == _kin(current)
        and twin.watermark <= current.watermark
        and staleness.is_of(log, twin)
    )


def _kin(told: meta.Meta) -> tuple[str, ...]:
    return told.code_digest, told.libraries, told.rules_digest, told.as_of
