"""Reports as files, and what differs between two answers: both without a book."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import CannotDoError, UsageError
from replay import report as reports
from replay.meta import Meta
from replay.report import Figure, Question, Report, as_text, compare, pin, read

META: Final = Meta(
    watermark=5,
    seal_digest="5ea1",
    code_digest="c0de",
    rules_version="1",
    rules_digest="4u1e",
    libraries="duckdb 2.0.0",
    built_at=datetime(2026, 6, 1, tzinfo=UTC),
    fingerprint="f",
    content_fingerprint="c",
)
SAVED_AT: Final = datetime(2026, 6, 2, 10, 30, tzinfo=UTC)
TYPES: Final = {"day": "date32[day]", "strategy": "string", "lots": "int64"}
Cells = tuple[str | None, ...]


def figure(columns: str, *rows: Cells) -> Figure:
    """Return an answer; a column of no known type is of money."""
    names = tuple(columns.split())
    types = tuple(TYPES.get(name, "decimal128(38, 20)") for name in names)
    return Figure(label="pnl", sql="FROM pnl", columns=names, types=types, rows=rows)


def differences(before: Figure, after: Figure) -> list[tuple[Any, ...]]:
    return [(one.change, *one.key.values(), one.values) for one in compare(before, after).changes]


# --- what differs --------------------------------------------------------------------------------


def test_the_order_of_rows_is_no_difference() -> None:
    before = figure("strategy net", ("a", "1"), ("b", "2"), ("a", "1"))
    after = figure("strategy net", ("a", "1"), ("a", "1"), ("b", "2"))
    assert compare(before, after).same


def test_a_measure_that_moved_is_told_with_old_and_new() -> None:
    before = figure("day strategy lots net", ("2026-06-01", "a", "2", "1.5"), ("d", "b", "1", "0"))
    after = figure("day strategy lots net", ("2026-06-01", "a", "3", "1.5"), ("d", "b", "1", "0"))
    assert differences(before, after) == [("changed", "2026-06-01", "a", {"lots": ("2", "3")})]


def test_rows_that_came_and_went_are_told_with_their_measures() -> None:
    before = figure("strategy net", ("a", "1"), ("b", "2"))
    after = figure("strategy net", ("b", "2"), ("c", None))
    assert differences(before, after) == [
        ("removed", "a", {"net": ("1", None)}),
        ("added", "c", {"net": (None, None)}),
    ]


def test_nothing_is_not_an_empty_text_and_not_zero() -> None:
    before = figure("strategy net", ("a", None), (None, "1"))
    after = figure("strategy net", ("a", "0"), ("", "1"))
    assert differences(before, after) == [
        ("removed", None, {"net": ("1", None)}),
        ("added", "", {"net": (None, "1")}),
        ("changed", "a", {"net": (None, "0")}),
    ]


def test_a_single_row_of_totals_changes() -> None:
    before, after = figure("lots net", ("1", "2")), figure("lots net", ("1", "3"))
    assert differences(before, after) == [("changed", {"net": ("2", "3")})]


def test_rows_that_no_text_tells_apart_are_told_apart_by_whole_numbers() -> None:
    before = figure("strategy lots net", ("a", "1", "5"), ("a", "2", "6"))
    after = figure("strategy lots net", ("a", "1", "7"), ("a", "2", "8"))
    assert differences(before, after) == [
        ("changed", "a", "1", {"net": ("5", "7")}),
        ("changed", "a", "2", {"net": ("6", "8")}),
    ]


def test_rows_that_nothing_tells_apart_each_count() -> None:
    before = figure("strategy net", ("a", "1"), ("a", "1"), ("a", "1"))
    after = figure("strategy net", ("a", "1"), ("a", "2"))
    found = compare(before, after)
    assert found.counts() == {"added": 1, "removed": 2, "changed": 0}
    assert not found.same


def test_a_column_that_came_or_went_is_a_difference_and_the_others_are_still_compared() -> None:
    before = figure("strategy fees net", ("a", "0.1", "1"))
    after = figure("strategy gross net", ("a", "1.1", "2"))
    found = compare(before, after)
    assert (found.columns_added, found.columns_removed) == (("gross",), ("fees",))
    assert [one.values for one in found.changes] == [{"net": ("1", "2")}]


def test_columns_in_another_order_are_the_same_columns() -> None:
    before, after = figure("strategy net", ("a", "1")), figure("net strategy", ("1", "a"))
    assert compare(before, after).same


CELLS: Final = st.one_of(st.none(), st.sampled_from(["", "a", "1", "2"]))
ROWS: Final = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6)


@given(ROWS, ROWS)
def test_differences_are_found_exactly_where_the_rows_differ(
    old: list[Cells], new: list[Cells]
) -> None:
    before, after = figure("strategy lots net", *old), figure("strategy lots net", *new)
    found = compare(before, after)
    assert found.same == (sorted(map(str, old)) == sorted(map(str, new)))
    counts = found.counts()
    assert len(old) - counts["removed"] == len(new) - counts["added"]
    turned = compare(after, before).counts()
    assert (turned["added"], turned["removed"]) == (counts["removed"], counts["added"])


# --- files ---------------------------------------------------------------------------------------


@pytest.fixture
def report() -> Report:
    rows: tuple[Cells, ...] = (("ä\n\x00\u202e", "0.00000000000000000001"), (None, "-5"))
    return pin(META, [figure("strategy net", *rows)], {"unreadable": 2}, SAVED_AT)


@pytest.fixture
def path(tmp_path: Path, report: Report) -> Path:
    target = tmp_path / "june.json"
    target.write_text(as_text(report), "utf-8")
    return target


def test_a_report_is_read_as_it_was_written(report: Report, path: Path) -> None:
    again = read(path)
    assert again.model_dump() == report.model_dump()
    assert as_text(again) == path.read_text("utf-8")
    assert again.watermark == META.watermark
    assert again.figures[0].rows[0][1] == "0.00000000000000000001"


@pytest.mark.parametrize("part", [0, 1, 100, 0.5, -2])
def test_a_file_that_breaks_off_is_no_whole_report(path: Path, part: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content)) if part == 0.5 else int(part)])
    with pytest.raises(CannotDoError, match=r"june\.json is no whole report .*--replace"):
        read(path)


EDITS: Final[dict[str, Any]] = {
    "a figure": lambda told: told["figures"][0]["rows"][1].__setitem__(1, "5"),
    "a query": lambda told: told["figures"][0].__setitem__("sql", "SELECT 1"),
    "the watermark": lambda told: told.__setitem__("watermark", 6),
    "what was left out": lambda told: told["left_out"].__setitem__("unreadable", 0),
    "the moment": lambda told: told.__setitem__("saved_at", "2027-06-02T10:30:00Z"),
    "a row more": lambda told: told["figures"][0]["rows"].append(["a", "1"]),
    "the digest": lambda told: told.__setitem__("digest", "0" * 64),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edited_report_is_refused(path: Path, what: str) -> None:
    told = json.loads(path.read_text("utf-8"))
    EDITS[what](told)
    path.write_text(json.dumps(told), "utf-8")
    with pytest.raises(CannotDoError, match=r"june\.json was edited after it was saved"):
        read(path)


def test_white_space_is_no_edit(path: Path, report: Report) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")), indent=2), "utf-8")
    assert read(path).model_dump() == report.model_dump()


@pytest.mark.parametrize(
    "changes",
    [
        {"watermark": -1},
        {"watermark": "5"},
        {"watermark": 5.0},
        {"watermark": None},
        {"figures": []},
        {"figures": 7},
        {"unknown": 1},
        {"saved_at": "2026-06-02T10:30:00"},
        {"saved_at": "June"},
        {"left_out": {"unreadable": "two"}},
        {"digest": None},
    ],
    ids=str,
)
def test_a_file_of_another_form_is_refused_with_the_place(
    path: Path, changes: dict[str, Any]
) -> None:
    told = json.loads(path.read_text("utf-8")) | changes
    path.write_text(json.dumps(told), "utf-8")
    with pytest.raises(CannotDoError, match=rf"no whole report \({next(iter(changes))}"):
        read(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": [["a"]]},
        {"rows": [["a", 1]]},
        {"columns": ["net", "net"]},
        {"types": ["string"]},
    ],
    ids=str,
)
def test_a_figure_that_is_no_table_is_refused(path: Path, changes: dict[str, Any]) -> None:
    told = json.loads(path.read_text("utf-8"))
    told["figures"][0] |= changes
    path.write_text(json.dumps(told), "utf-8")
    with pytest.raises(CannotDoError, match=r"no whole report \(figures\.0"):
        read(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b'"report"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"watermark": 1' + b"0" * 10_000 + b"}",
        b"PK\x03\x04",
    ],
    ids=lambda content: str(content[:8]),
)
def test_a_file_that_is_something_else_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CannotDoError, match="no whole report"):
        read(path)


def test_a_report_of_another_version_is_refused_as_that(path: Path) -> None:
    told = json.loads(path.read_text("utf-8")) | {"format": "brokertruth report 2"}
    path.write_text(json.dumps(told), "utf-8")
    with pytest.raises(CannotDoError, match="says that it is 'brokertruth report 2', and this"):
        read(path)


def test_a_huge_file_is_refused_without_being_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(reports.BYTES_MAX + 1)
    with pytest.raises(CannotDoError, match="more than 128 MiB"):
        read(path)


def test_a_report_that_could_not_be_read_again_is_not_written(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "BYTES_MAX", 100)
    with pytest.raises(UsageError, match="ask for less, with --query"):
        as_text(report)


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotDoError, match=r"cannot read .*: Is a directory"):
        read(tmp_path)


def test_the_default_figures_have_names_of_their_own() -> None:
    labels = [question.label for question in reports.DEFAULT]
    assert len(set(labels)) == len(labels) == 4
    assert all(isinstance(question, Question) for question in reports.DEFAULT)
