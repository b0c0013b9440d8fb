"""Whatever happens to a segment is found, named, and never read."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters.log.sqlite import SQLiteLog
from adapters.segments import segment as segments
from adapters.segments.segment import CERTIFICATE, Content
from adapters.segments.verify import verify
from tests.adapters.segments.lives import hostile_log, kept_in, rebuilt, rich_log, segmented
from tests.books import BookMaker

FIRST: Final = "000000000001-000000000100"
SECOND: Final = "000000000101-000000000200"


def _fill(folder: Path) -> Path:
    return folder / FIRST / "kalshi.fill.parquet"


def _truncate(folder: Path) -> None:
    _fill(folder).write_bytes(_fill(folder).read_bytes()[:-10])


def _edit(folder: Path) -> None:
    content = bytearray(_fill(folder).read_bytes())
    content[200] ^= 1
    _fill(folder).write_bytes(bytes(content))


def _remove(folder: Path) -> None:
    _fill(folder).unlink()


def _swap(folder: Path) -> None:
    aside = folder / "aside"
    other = folder / FIRST / "ibkr.flex.trade.parquet"
    _fill(folder).rename(aside)
    other.rename(_fill(folder))
    aside.rename(other)


def _no_certificate(folder: Path) -> None:
    (folder / FIRST / CERTIFICATE).unlink()


def _no_json(folder: Path) -> None:
    (folder / FIRST / CERTIFICATE).write_text("[" * 100_000)


def _certified(change: Callable[[dict[str, Any]], None], *, signed: bool) -> Callable[[Path], None]:
    """Return what changes a certificate, with a digest that fits or not."""

    def apply(folder: Path) -> None:
        path = folder / FIRST / CERTIFICATE
        told = json.loads(path.read_text())
        change(told["segment"])
        if signed:
            told["digest"] = Content.model_validate(told["segment"]).digest()
        path.write_text(json.dumps(told))

    return apply


def _rename(folder: Path) -> None:
    (folder / FIRST).rename(folder / "000000000001-000000000099")


DAMAGE: Final = {
    "truncated": (_truncate, "kalshi.fill.parquet is not what was written"),
    "edited": (_edit, "kalshi.fill.parquet is not what was written"),
    "missing": (_remove, "kalshi.fill.parquet cannot be read: No such file or directory"),
    "swapped": (_swap, "ibkr.flex.trade.parquet is not what was written"),
    "no certificate": (_no_certificate, "segment.json cannot be read: No such file or directory"),
    "no json": (_no_json, "segment.json cannot be read: it is damaged"),
    "another seal": (
        _certified(lambda told: told.update(seal="00" * 32), signed=True),
        "it is of another log, or of one that was longer: the seals differ",
    ),
    "edited certificate": (
        _certified(lambda told: told.update(seal="00" * 32), signed=False),
        "segment.json was edited: its digest is another",
    ),
    "another version": (
        _certified(lambda told: told.update(derived="00" * 32), signed=True),
        "it was made by another version",
    ),
    "another chain": (
        _certified(lambda told: told.update(previous="00" * 32), signed=True),
        "it does not follow the one before it",
    ),
    "fewer files": (
        _certified(lambda told: told["files"].pop("kalshi.fill"), signed=True),
        "its files do not hold 100 events",
    ),
    "another range": (_rename, "it holds 1 to 100, not what its name says"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_a_rebuild_reads_the_log(
    books: BookMaker, tmp_path: Path, name: str
) -> None:
    damage, what = DAMAGE[name]
    folder = tmp_path / "segments"
    with rich_log(books) as log:
        segmented(folder, log)
        damage(folder)
        found = verify(folder, log)
        kept = kept_in(folder, log)
        assert rebuilt(log, tmp_path / "s", kept) == rebuilt(log, tmp_path / "l")
    assert what in [problem.what for problem in found.problems]
    assert (kept.used, kept.problems[0].what) == (0, what)
    assert what in kept.warning()


def test_good_segments_verify_whatever_they_hold(books: BookMaker, tmp_path: Path) -> None:
    with hostile_log(books) as log:
        segmented(tmp_path / "segments", log)
        found = verify(tmp_path / "segments", log, deep=True)
        assert (found.segments, found.events, found.problems) == (1, log.head(), ())


def test_a_file_too_many_and_a_gap_are_found(books: BookMaker, tmp_path: Path) -> None:
    folder = tmp_path / "segments"
    with rich_log(books) as log:
        segmented(folder, log)
        (folder / FIRST / "more.parquet").touch()
        shutil.rmtree(folder / SECOND)
        problems = verify(folder, log).problems
    assert [tuple(one) for one in problems] == [
        (FIRST, "more.parquet is no file of it"),
        (
            "000000000201-000000000291",
            "it begins at 201, and the one before it ends at 100",
        ),
    ]


def _forge(folder: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the rows of a file and make everything that the segment says of itself fit."""
    path = _fill(folder)
    table = change(pq.read_table(path))
    pq.write_table(table, path)
    place = folder / FIRST / CERTIFICATE
    told = json.loads(place.read_text())["segment"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    told["files"]["kalshi.fill"] |= {"sha256": digest, "bytes": path.stat().st_size}
    place.write_text(segments.certify(Content.model_validate(told)))


def _other_state(table: pa.Table) -> pa.Table:
    states = table["state"].to_pylist()
    states[1] = states[1].replace('"yes"', '"no"')
    return table.set_column(5, table.schema.field("state"), pa.array(states))


FORGED: Final = {
    "a state": (_other_state, "state of the event at "),
    "a row less": (lambda table: table.slice(1), "its files hold 99 events"),
    "a row twice": (
        lambda table: pa.concat_tables([table.slice(1), table.slice(1, 1)]),
        "it does not hold the positions",
    ),
    "no such column": (lambda table: table.drop_columns(["raw"]), "its files cannot be read"),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_was_forged_throughout_is_found_by_a_comparison_with_the_log(
    books: BookMaker, tmp_path: Path, name: str
) -> None:
    change, what = FORGED[name]
    folder = tmp_path / "segments"
    with rich_log(books) as log:
        segmented(folder, log)
        _forge(folder, change)
        shallow = _of_first(folder, log, deep=False)
        deep = _of_first(folder, log, deep=True)
    assert shallow == []
    assert [what in one for one in deep] == [True]


def _of_first(folder: Path, log: SQLiteLog, *, deep: bool) -> list[str]:
    problems = verify(folder, log, deep=deep).problems
    return [problem.what for problem in problems if problem.segment == FIRST]
