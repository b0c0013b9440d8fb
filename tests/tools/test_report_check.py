"""`report check`: today's code and rules on the log that a report was made of."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.log.recorder import TRIGGERS
from projections import sql
from replay import meta
from replay import report as pinned
from tests.tools.command import (
    BOUGHT,
    Ran,
    bytes_of,
    fills_page,
    run,
    settlements_page,
    small_book,
    written,
)
from tools.render import WIDTH

RULES: Final = """
version = "2"

[strategies.alpha]
prefixes = ["bot-"]
"""
ANOTHER: Final = replace(BOUGHT, fill_id="fill-9", order_id="order-9", client_order_id=None)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    made = small_book(tmp_path)
    assert run(made, "report", "save", "june").code == 0
    return made


def check(book: Path, *arguments: str) -> Any:  # noqa: ANN401 - JSON of the only report
    (told,) = run(book, "report", "check", *arguments, "--json").json["reports"]
    return told


def test_a_report_is_identical_while_nothing_changes(book: Path) -> None:
    done = run(book, "report", "check", "june", "--json")
    assert done.code == 0
    assert done.json["verdict"] == "june: identical as of position 5"
    assert [done.json[state] for state in ("identical", "changed", "refused")] == [1, 0, 0]
    (told,) = done.json["reports"]
    assert told["state"] == "identical"
    assert told["log_same"]
    for what in ("code", "rules", "rules_version", "libraries", "content", "left_out"):
        assert told[what]["same"], what
        assert told[what]["before"] == told[what]["after"]
    assert all(figure["same"] for figure in told["figures"])
    assert [figure["rows"] for figure in told["figures"]] == [1, 1, 1, 0]


def test_people_are_told_what_is_the_same(book: Path) -> None:
    assert run(book, "report", "check", "june").out.splitlines() == [
        (
            "june, up to 5: log same, code same, rules same, libraries same, tables same, "
            "left out same"
        ),
        "  realized P&L by day: identical, 1 row",
        "  realized P&L by strategy: identical, 1 row",
        "  cash: identical, 1 row",
        "  open positions: identical, 0 rows",
        "june: identical as of position 5",
    ]


def test_what_came_later_is_not_part_of_it(book: Path, tmp_path: Path) -> None:
    assert run(book, "ingest", written(tmp_path / "m", fills=fills_page([ANOTHER]))).code == 0
    assert run(book, "report", "check", "june").code == 0


def test_a_check_leaves_the_book_as_it_is(book: Path) -> None:
    before = bytes_of(book)
    run(book, "report", "check")
    (book / "attribution.toml").write_text(RULES)
    changed = bytes_of(book)
    assert run(book, "report", "check").code == 1
    assert bytes_of(book) == changed
    assert changed.keys() == before.keys()


def test_other_rules_show_row_by_row(book: Path) -> None:
    (book / "attribution.toml").write_text(RULES)
    done = run(book, "report", "check", "june", "--json")
    assert (done.code, done.json["verdict"]) == (1, "june: changed as of position 5")
    (told,) = done.json["reports"]
    assert told["state"] == "changed"
    assert told["rules_version"] == {"same": False, "before": "1", "after": "2"}
    assert (told["code"]["same"], told["rules"]["same"], told["log_same"]) == (True, False, True)
    assert told["left_out"]["before"]["unattributed_fills"] == 2
    assert told["left_out"]["after"]["unattributed_fills"] == 1
    days, strategies, cash, positions = told["figures"]
    assert (days["same"], strategies["same"], cash["same"], positions["same"]) == (
        False,
        False,
        True,
        True,
    )
    assert strategies["added"] == 1
    added = next(one for one in strategies["differences"] if one["change"] == "added")
    assert added["key"] == {"account": "kalshi/main/live", "strategy": "alpha", "ccy": "USD"}
    assert added["values"]["net"] == [None, "2.13"]


def test_a_figure_that_moved_is_told_with_old_and_new(book: Path) -> None:
    asked = "SELECT venue, count(*) FILTER (strategy = 'alpha') AS own FROM attribution GROUP BY 1"
    run(book, "report", "save", "own", "--query", asked)
    (book / "attribution.toml").write_text(RULES)
    (figure,) = check(book, "own")["figures"]
    assert (figure["added"], figure["removed"], figure["changed"]) == (0, 0, 1)
    assert figure["differences"] == [
        {"change": "changed", "key": {"venue": "kalshi"}, "values": {"own": ["0", "1"]}}
    ]


def test_people_see_the_differing_rows_in_100_columns(book: Path) -> None:
    (book / "attribution.toml").write_text(RULES)
    done = run(book, "report", "check", "june")
    assert max(len(line) for line in done.out.splitlines()) <= WIDTH
    assert "rules CHANGED" in done.out
    assert "  left out before: 2 unattributed fills\n" in done.out
    assert "  left out now: 1 unattributed fill\n" in done.out
    assert "  cash: identical, 1 row" in done.out
    row = next(line for line in done.out.splitlines() if line.startswith("added") and "net" in line)
    assert row.split()[-2:] == ["·", "2.13"]
    assert "alpha" in row


def test_a_limit_cuts_what_is_told_and_not_what_is_counted(book: Path) -> None:
    (book / "attribution.toml").write_text(RULES)
    strategies = check(book, "june", "--limit", "1")["figures"][1]
    assert len(strategies["differences"]) == 1
    assert strategies["added"] + strategies["removed"] + strategies["changed"] == 2
    assert "and 1 more row (--limit)" in run(book, "report", "check", "--limit", "1").out
    assert check(book, "june", "--limit", "0")["figures"][1]["differences"] == []


def repinned(book: Path, name: str, **changes: object) -> None:
    """Write a report as a save would have that got another figure."""
    path = book / "reports" / f"{name}.json"
    report = pinned.read(path)
    figure = report.figures[0].model_copy(update=changes)
    path.write_text(pinned.as_text(report.model_copy(update={"figures": (figure,)})), "utf-8")


def test_an_unstable_order_is_no_difference(book: Path) -> None:
    run(book, "report", "save", "rows", "--query", "SELECT fill_id FROM fill ORDER BY venue")
    repinned(book, "rows", rows=(("fill-1",), ("fill-2",)))
    assert run(book, "report", "check", "rows").code == 0
    repinned(book, "rows", rows=(("fill-2",), ("fill-1",)))
    assert run(book, "report", "check", "rows").code == 0


@contextmanager
def other_code(monkeypatch: pytest.MonkeyPatch, step: str, also: str) -> Iterator[None]:
    """Let a step do something more, as after an upgrade."""
    original = sql.text

    def changed(folder: str, name: str) -> str:
        more = f";\n{also}" if (folder, name) == ("steps", step) else ""
        return original(folder, name).rstrip().removesuffix(";") + more

    with monkeypatch.context() as patch:
        patch.setattr(sql, "text", changed)
        patch.setattr(meta, "code_digest", lambda: "other code")
        yield


def test_other_code_that_gives_the_same_is_told_apart_from_other_figures(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with other_code(monkeypatch, "daily_pnl", "SELECT 1"):
        done = run(book, "report", "check", "june", "--json")
    assert done.code == 0
    (told,) = done.json["reports"]
    assert (told["state"], told["content"]["same"]) == ("identical", True)
    assert (told["code"]["same"], told["code"]["after"]) == (False, "other code")


def test_code_that_moves_money_is_found(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with other_code(monkeypatch, "instrument", "UPDATE instrument SET family = 'OTHER'"):
        done = run(book, "report", "check", "june", "--json")
    assert done.code == 1
    (told,) = done.json["reports"]
    days, strategies, *_ = told["figures"]
    assert (days["added"], days["removed"], strategies["same"]) == (1, 1, True)
    assert (told["rules"]["same"], told["content"]["same"]) == (True, False)


def test_code_that_does_not_keep_its_own_checks_is_told_as_that(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with other_code(monkeypatch, "daily_pnl", "UPDATE daily_pnl SET realized_net = 1"):
        done = run(book, "report", "check", "june", "--json")
        several = run(book, "report", "check", "--json")
    assert (done.code, done.json["error"]) == (3, "ProjectionError")
    assert done.json["verdict"].startswith("check one_number failed")
    assert (several.code, several.json["refused"]) == (3, 1)


def test_a_query_of_a_table_that_is_gone_is_a_difference(book: Path) -> None:
    run(book, "report", "save", "gone", "--query", "SELECT count(*) AS fills FROM fill")
    repinned(book, "gone", sql="SELECT count(*) AS fills FROM filling")
    done = run(book, "report", "check", "gone", "--json")
    assert done.code == 1
    (told,) = done.json["reports"][0]["figures"]
    assert not told["same"]
    assert "filling" in told["error"]
    assert "cannot be asked any more" in run(book, "report", "check", "gone").out


def test_columns_that_came_or_went_are_told(book: Path) -> None:
    run(book, "report", "save", "columns", "--query", "SELECT 'a' AS name, 1 AS x, 2 AS y")
    repinned(book, "columns", sql="SELECT 'a' AS name, 3 AS y, 4 AS z")
    (told,) = check(book, "columns")["figures"]
    assert (told["columns_added"], told["columns_removed"]) == (["z"], ["x"])
    assert told["differences"] == [
        {"change": "changed", "key": {"name": "a"}, "values": {"y": ["2", "3"]}}
    ]
    assert "columns new: z, columns missing: x" in run(book, "report", "check", "columns").out


# --- the log -------------------------------------------------------------------------------------


@contextmanager
def unguarded(book: Path) -> Iterator[sqlite3.Connection]:
    """Open the log behind the program's back, with its triggers away for the time."""
    with closing(sqlite3.connect(book / "log.sqlite")) as connection, connection:
        for name in TRIGGERS:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for statement in TRIGGERS.values():
            connection.execute(statement)


def refused(done: Ran) -> str:
    assert (done.code, done.json["error"]) == (3, "LogCorruptError")
    return str(done.json["verdict"])


def test_another_log_is_refused_by_its_seal(book: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    pages = written(
        tmp_path / "pages",
        fills=fills_page([replace(BOUGHT, fill_id=f"fill-{n}") for n in range(5, 9)]),
        settlements=settlements_page(),
    )
    assert run(other, "init").code == 0
    assert run(other, "ingest", pages).code == 0
    assert run(other, "report", "save", "other").code == 0
    target = book / "reports" / "other.json"
    target.write_bytes((other / "reports" / "other.json").read_bytes())
    assert run(book, "ingest", written(tmp_path / "m", fills=fills_page([ANOTHER]))).code == 0
    told = refused(run(book, "report", "check", "other", "--json"))
    assert "the log is not the one of report other: its seal at 7 is" in told
    assert "brokertruth verify" in told


def test_a_log_that_was_cut_is_refused(book: Path, tmp_path: Path) -> None:
    whole = small_book(tmp_path / "whole")
    assert run(whole, "ingest", written(tmp_path / "m", fills=fills_page([ANOTHER]))).code == 0
    assert run(whole, "report", "save", "july").code == 0
    target = book / "reports" / "july.json"
    target.write_bytes((whole / "reports" / "july.json").read_bytes())
    told = refused(run(book, "report", "check", "july", "--json"))
    assert "the log ends at 5 and report july covers 7 events" in told


def test_events_that_were_changed_are_not_taken_for_other_code(book: Path) -> None:
    with unguarded(book) as connection:
        connection.execute(
            "UPDATE stored_events SET state = CAST(replace(CAST(state AS TEXT), '0.62', '0.52')"
            " AS BLOB) WHERE topic = 'kalshi.fill'"
        )
    told = refused(run(book, "report", "check", "june", "--json"))
    assert "figures differ, and so does the log: position" in told


def test_all_reports_are_checked_and_one_that_cannot_be_hides_no_other(book: Path) -> None:
    run(book, "report", "save", "own", "--query", "SELECT strategy FROM attribution")
    run(book, "report", "save", "lots", "--query", "SELECT count(*) AS lots FROM lot_match")
    (book / "reports" / "bad.json").write_text("{")
    (book / "attribution.toml").write_text(RULES)
    done = run(book, "report", "check", "--json")
    assert done.code == 3
    assert {one["name"]: one["state"] for one in done.json["reports"]} == {
        "bad": "refused",
        "june": "changed",
        "lots": "identical",
        "own": "changed",
    }
    assert done.json["verdict"] == "4 reports: 1 identical, 2 changed, 1 refused"
    assert done.json["reports"][0]["error"] == "CannotDoError"
    (book / "reports" / "bad.json").unlink()
    assert run(book, "report", "check").code == 1
    assert run(book, "report", "check", "lots").code == 0


def test_a_report_of_an_empty_book_can_be_checked(tmp_path: Path) -> None:
    book = tmp_path / "empty"
    assert run(book, "init").code == 0
    assert run(book, "project").code == 0
    assert run(book, "report", "save", "nothing").code == 0
    assert run(book, "report", "check", "nothing").code == 0


def test_wrong_rules_are_named(book: Path) -> None:
    (book / "attribution.toml").write_text("version = 1")
    done = run(book, "report", "check", "june")
    assert done.code == 2
    assert "attribution.toml" in done.err


def test_resources_are_taken_and_change_nothing(book: Path) -> None:
    done = run(book, "report", "check", "june", "--threads", "2", "--memory", "500MB")
    assert done.code == 0


def test_measures_that_differ_stand_to_the_right(book: Path) -> None:
    (book / "attribution.toml").write_text(RULES)
    lines = run(book, "report", "check", "june").out.splitlines()
    behind = lines.index("  realized P&L by strategy: 1 added, 1 removed") + 1
    assert lines[behind : behind + 4] == [
        "change   row                                column  before  after",
        "───────  ─────────────────────────────────  ──────  ──────  ─────",
        "added    kalshi/main/live alpha USD         lots         ·      2",
        "added    kalshi/main/live alpha USD         gross        ·    2.4",
    ]
