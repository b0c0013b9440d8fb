"""`rebuild` says which money it moves, and makes it current only where nobody has to look."""

import errno
import os
import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from tests.tools.command import (
    BOUGHT,
    DAY,
    GROSS,
    NET,
    Ran,
    bytes_of,
    fills_page,
    run,
    small_book,
    start,
    written,
)

CANDIDATE: Final = "candidate.duckdb"
LOOK: Final = "`diff` shows the candidate, `switch` makes it current"
RULES: Final = '[strategies.bots]\nprefixes = ["bot-"]\n'
NOTHING: Final = {"gross": "0", "fees": "0", "net": "0", "lots_pending": 0}
ALL: Final = {"gross": GROSS, "fees": "0.27", "net": NET, "lots_pending": 0}
TAKEN: Final = {"gross": f"-{GROSS}", "fees": "-0.27", "net": f"-{NET}", "lots_pending": 0}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book whose rules were changed after it was projected."""
    book = small_book(tmp_path)
    (book / "attribution.toml").write_text(RULES)
    return book


def difference(done: Ran) -> dict[str, Any]:
    return {line["strategy"]: line["difference"] for line in done.json["moved"]}


def counts(done: Ran) -> tuple[int, int, int]:
    told = done.json
    return told["fills_moved"], told["lots_moved"], told["days_moved"]


def stored(book: Path) -> dict[str, str]:
    asked = "SELECT strategy, sum(realized_net) AS net FROM daily_pnl GROUP BY strategy"
    rows = run(book, "query", asked, "--json").json["rows"]
    return {row["strategy"]: row["net"] for row in rows}


def test_a_dry_run_says_what_would_move_and_leaves_every_byte_as_it_was(book: Path) -> None:
    before = bytes_of(book)
    done = run(book, "rebuild", "--dry-run", "--json")
    told = done.json
    assert (told["exit_code"], told["rebuilt"], told["dry_run"]) == (0, False, True)
    assert told["reason"] == "attribution.toml has changed"
    assert told["moved"] == [
        {
            "account": "kalshi/main/live",
            "strategy": strategy,
            "currency": "USD",
            "before": one,
            "after": other,
            "difference": moved,
        }
        for strategy, one, other, moved in (
            ("bots", NOTHING, ALL, ALL),
            ("unattributed", ALL, NOTHING, TAKEN),
        )
    ]
    assert counts(done) == (1, 0, 1)
    assert bytes_of(book) == before
    assert stored(book) == {"unattributed": NET}


def test_people_see_a_table_with_a_total_and_the_dry_run_named_at_the_end(book: Path) -> None:
    done = run(book, "rebuild", "--dry-run")
    lines = [line.split() for line in done.out.splitlines()]
    account, net = "kalshi/main/live", NET
    assert [account, "bots", "USD", "0", net, net, GROSS] in lines
    assert [account, "unattributed", "USD", net, "0", f"-{net}", f"-{GROSS}"] in lines
    assert [account, "=", "total", "USD", net, net, "0", "0"] in lines
    assert done.verdict.endswith(
        "; would move: 1 fill and 2 lots to another strategy, amounts of 0 lots, sums of 1 day "
        "(dry run: nothing was written)"
    )


def test_a_rebuild_says_what_the_dry_run_said_and_once_switched_to_the_next_one_nothing(
    book: Path,
) -> None:
    foretold = run(book, "rebuild", "--dry-run", "--json")
    done = run(book, "rebuild", "--json")
    assert done.json["moved"] == foretold.json["moved"]
    assert counts(done) == counts(foretold)
    assert stored(book) == {"unattributed": NET}
    assert run(book, "switch").code == 0
    assert stored(book) == {"bots": difference(done)["bots"]["net"]} == {"bots": NET}
    for words in (["rebuild"], ["rebuild", "--dry-run"]):
        again = run(book, *words, "--json")
        assert difference(again) == {"bots": NOTHING}
        assert counts(again) == (0, 0, 0)
    assert run(book, "rebuild").verdict.endswith(f"; nothing would move; {LOOK}")
    assert "; nothing would move (dry run: " in run(book, "rebuild", "--dry-run").verdict


def test_a_candidate_lies_beside_the_current_projection_until_it_is_switched_to(
    book: Path,
) -> None:
    current = (book / "ledger.duckdb").read_bytes()
    done = run(book, "rebuild")
    assert done.code == 0
    assert done.verdict.endswith(
        "; would move: 1 fill and 2 lots to another strategy, amounts of 0 lots, sums of 1 day; "
        f"{LOOK}"
    )
    shown = {line.split()[1]: line.split()[4] for line in done.out.splitlines()[2:4]}
    assert shown == {"bots": NET, "unattributed": "0"}
    assert (book / "ledger.duckdb").read_bytes() == current
    asked = ("query", "SELECT DISTINCT strategy FROM daily_pnl", "--json")
    told = [run(book, *asked, "--on", which).json for which in ("current", "candidate")]
    assert [one["rows"][0]["strategy"] for one in told] == ["unattributed", "bots"]
    assert [one["stale_because"] for one in told] == ["attribution.toml has changed", None]


def test_other_code_is_compared_too(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    with duckdb.connect(str(book / "ledger.duckdb")) as connection:
        connection.execute("UPDATE projection_meta SET code_digest = 'older'")
        for table in ("lot_match", "daily_pnl"):
            connection.execute(f"UPDATE {table} SET realized_net = realized_net - 1")
            connection.execute(
                "UPDATE table_fingerprint SET content_fingerprint = '' WHERE table_name = ?",
                [table],
            )
    done = run(book, "rebuild", "--json")
    assert counts(done) == (0, 2, 1)
    assert difference(done)["unattributed"] == NOTHING | {"net": "1"}


def test_money_that_came_with_new_events_is_no_news(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    more = fills_page([BOUGHT], "3a").replace("fill-1", "fill-3")
    taken = run(book, "ingest", written(tmp_path / "more", fills=more), "--json").json
    assert "moved" not in taken["projection"]
    other = more.replace("fill-3", "fill-4")
    run(book, "ingest", written(tmp_path / "other", fills=other), "--no-project")
    done = run(book, "rebuild")
    assert done.verdict == f"9 facts from 9 events; {LOOK}"
    assert len(done.out.splitlines()) == 1


def test_without_a_projection_there_is_the_new_one_alone(book: Path) -> None:
    (book / "ledger.duckdb").unlink()
    done = run(book, "rebuild", "--dry-run")
    assert "nothing to compare with: there is no projection yet (dry run: " in done.verdict
    told = run(book, "rebuild", "--dry-run", "--json").json
    assert told["moved"][0]["after"] == ALL
    assert [told["moved"][0][name] for name in ("before", "difference")] == [None, None]
    assert (told["fills_moved"], told["lots_moved"], told["days_moved"]) == (None, None, None)
    assert not (book / "ledger.duckdb").exists()
    first = run(book, "rebuild", "--json").json
    assert first["not_compared_because"] == "there is no projection yet"
    assert "compare" not in first["verdict"]


def test_a_broken_file_is_told_and_replaced_at_once(book: Path) -> None:
    (book / "ledger.duckdb").write_bytes(b"not a database" * 1000)
    because = "the projection before cannot be read"
    dry = run(book, "rebuild", "--dry-run", "--json").json
    assert dry["not_compared_because"] == because
    done = run(book, "rebuild", "--json").json
    assert (done["not_compared_because"], done["current"]) == (because, True)
    assert done["verdict"].endswith(f"; nothing to compare with: {because}")
    assert stored(book) == {"bots": NET}
    assert not (book / "previous.duckdb").exists()


def test_an_older_layout_is_told_and_stays_until_the_candidate_is_switched_to(book: Path) -> None:
    with duckdb.connect(str(book / "ledger.duckdb")) as connection:
        connection.execute("ALTER TABLE daily_pnl RENAME COLUMN strategy TO source")
    because = "the projection before is of another layout"
    dry = run(book, "rebuild", "--dry-run", "--json").json
    assert dry["not_compared_because"] == because
    done = run(book, "rebuild", "--json").json
    assert (done["not_compared_because"], done["current"]) == (because, False)
    told = f"; nothing to compare with: {because}; `switch` makes it current"
    assert done["verdict"].endswith(told)
    gated = run(book, "rebuild", "--accept-below", "1000000", "--json").json
    assert (gated["exit_code"], gated["current"]) == (1, False)
    assert "cannot be compared" in gated["gate"]["refused_because"]
    assert run(book, "switch").code == 0
    assert stored(book) == {"bots": NET}


def test_a_damaged_projection_is_replaced_and_neither_run_fails(book: Path) -> None:
    path = book / "ledger.duckdb"
    with duckdb.connect(str(path)) as connection:
        asked = "SELECT min(block_id) FROM pragma_storage_info('daily_pnl') WHERE block_id >= 0"
        ((block,),) = connection.execute(asked).fetchall()
    damaged = bytearray(path.read_bytes())
    # behind the headers of 12 KiB, blocks of 256 KiB
    damaged[3 * 4096 + block * 2**18 + 100] ^= 0x55
    path.write_bytes(damaged)
    for words in (["rebuild", "--dry-run"], ["rebuild"]):
        done = run(book, *words, "--json").json
        assert done["exit_code"] == 0
        assert done["not_compared_because"] == "the projection before cannot be read"
    assert done["current"] is True
    assert stored(book) == {"bots": NET}


def test_a_dry_run_exits_as_the_rebuild_would(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    odd = fills_page([BOUGHT]).replace("fill-1", "fill-3").replace("count_fp", "contracts_fp")
    page = written(tmp_path / "odd", fills=odd)
    assert run(book, "ingest", page, "--no-project").code == 0
    for words, code in ((["--dry-run"], 1), (["--dry-run", "--lenient"], 0)):
        done = run(book, "rebuild", *words, "--json").json
        assert (done["exit_code"], done["unreadable"], done["new_canaries"]) == (code, 1, [])
    assert run(book, "rebuild", "--lenient").code == run(book, "switch").code == 0
    assert [run(book, "rebuild", *words).code for words in ([], ["--dry-run"])] == [1, 1]


def test_a_dry_run_tells_what_would_look_wrong_as_the_rebuild_does(book: Path) -> None:
    claimed = ("fill-1", "--strategy", "other", "--reason", "seen", "--by", "me")
    assert run(book, "attribute", *claimed, "--no-project").code == 0
    for more in (["--dry-run"], []):
        done = run(book, "rebuild", *more, "--json").json
        (canary,) = done["new_canaries"]
        assert (done["exit_code"], canary["rule"]) == (1, "claim_overruled")
    assert run(book, "switch").code == 0
    assert run(book, "rebuild", "--dry-run").code == 0


def test_a_dry_run_that_fails_leaves_nothing_behind(book: Path) -> None:
    before = bytes_of(book)
    done = run(book, "rebuild", "--dry-run", "--memory", "1MB")
    assert (done.code, done.out) == (3, "")
    assert "changed nothing" in done.err
    assert bytes_of(book) == before
    assert not [path for path in book.iterdir() if path.name.startswith(".")]


def test_a_dry_run_that_is_interrupted_leaves_nothing_behind(book: Path, tmp_path: Path) -> None:
    before = bytes_of(book)
    process = start("--book", book, "rebuild", "--dry-run", folder=tmp_path)
    while process.poll() is None:
        if any(path.name.startswith(".rebuild-") for path in book.iterdir()):
            process.send_signal(signal.SIGINT)
            break
    process.communicate(timeout=120)
    assert process.returncode not in (0, None)
    assert bytes_of(book) == before
    assert not [path for path in book.iterdir() if path.name.startswith(".")]


def test_a_rebuild_leaves_a_candidate_and_nothing_else(book: Path) -> None:
    before = sorted(path.name for path in book.iterdir())
    for _ in range(2):
        assert run(book, "rebuild").code == 0
        assert sorted(path.name for path in book.iterdir()) == sorted([*before, CANDIDATE])


def test_a_book_that_cannot_be_written_is_told(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    done = run(book, "rebuild", "--dry-run")
    assert (done.code, done.out) == (3, "")
    assert f"cannot write in {book}: Read-only file system" in done.err


def test_a_projection_of_a_version_before_this_one_is_never_replaced_unasked(book: Path) -> None:
    with duckdb.connect(str(book / "ledger.duckdb")) as connection:
        connection.execute("ALTER TABLE projection_meta DROP COLUMN rules_digest")
    dry = run(book, "rebuild", "--dry-run", "--json").json
    assert dry["reason"] == "ledger.duckdb is of another version, or was never finished"
    assert dry["not_compared_because"] == "the projection before is of another layout"
    assert run(book, "status").code == 1
    before = bytes_of(book)
    refused = run(book, "project", "--json").json
    assert (refused["exit_code"], refused["error"]) == (3, "RebuildNeededError")
    assert bytes_of(book) == before
    assert run(book, "rebuild", "--json").json["current"] is False
    switched = run(book, "switch")
    assert "there is no way back to it" in switched.verdict
    assert (book / "previous.duckdb").exists()
    assert stored(book) == {"bots": NET}


@pytest.mark.parametrize(
    ("change", "why"),
    [("seal_digest = 'other'", "is of another log"), ("as_of = 'position 5'", "is of the past")],
)
def test_what_is_of_another_log_or_of_the_past_is_not_compared_and_stops_the_gate(
    book: Path, change: str, why: str
) -> None:
    with duckdb.connect(str(book / "ledger.duckdb")) as connection:
        connection.execute(f"UPDATE projection_meta SET {change}")
    done = run(book, "rebuild", "--accept-below", "1000", "--json").json
    assert (done["exit_code"], done["current"]) == (1, False)
    assert why in done["not_compared_because"]
    assert why in done["gate"]["refused_because"]


# --- the gate ------------------------------------------------------------------------------------


def test_the_gate_lets_through_what_leaves_closed_days_alone(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    (book / "attribution.toml").write_text('version = "2"\n')
    later = replace(BOUGHT, fill_id="fill-3", at=datetime(2026, 6, 2, tzinfo=UTC))
    assert run(book, "ingest", written(tmp_path / "new", fills=fills_page([later]))).code == 3
    done = run(book, "rebuild", "--accept-below", "0.00", "--json")
    told = done.json
    assert (done.code, told["current"], told["rules_version"]) == (0, True, "2")
    assert told["gate"] == {
        "accept_below": "0.00",
        "refused_because": None,
        "sums_moved": 0,
        "worst": [],
    }
    assert told["verdict"].endswith("; switched: no sum of a closed day moved by more than 0.00")
    assert run(book, "status", "--json").json["stale_because"] is None
    assert (book / "previous.duckdb").exists()
    assert not (book / CANDIDATE).exists()


def test_the_gate_stops_money_that_changes_hands_and_says_which(book: Path) -> None:
    current = (book / "ledger.duckdb").read_bytes()
    done = run(book, "rebuild", "--accept-below", "2.39", "--json")
    told = done.json
    assert (done.code, told["current"]) == (1, False)
    moved = {"gross": GROSS, "fees": "0.27", "net": NET}
    where = {"day": DAY, "account": "kalshi/main/live", "family": "KXMADE", "currency": "USD"}
    assert told["gate"]["sums_moved"] == 2
    assert told["gate"]["worst"] == [
        {**where, "strategy": "bots", **moved},
        {**where, "strategy": "unattributed", **{name: f"-{n}" for name, n in moved.items()}},
    ]
    refused = "2 sums of closed days moved by more than 2.39"
    assert told["gate"]["refused_because"] == refused
    assert told["verdict"].endswith(f"; not switched: {refused}")
    assert (book / "ledger.duckdb").read_bytes() == current
    assert run(book, "switch").code == 0


def test_the_gate_accepts_what_moves_by_no_more_than_was_said(book: Path) -> None:
    done = run(book, "rebuild", "--accept-below", GROSS, "--json").json
    assert (done["exit_code"], done["current"]) == (0, True)
    assert stored(book) == {"bots": NET}


def test_the_gate_never_lets_unreadable_events_through_unless_lenient(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    odd = fills_page([BOUGHT]).replace("fill-1", "fill-3").replace("count_fp", "contracts_fp")
    page = written(tmp_path / "odd", fills=odd)
    assert run(book, "ingest", page, "--no-project").code == 0
    accept = ("rebuild", "--accept-below", "0.00")
    done = run(book, *accept, "--json")
    assert (done.code, done.json["current"]) == (1, False)
    refused = "1 event unreadable, 1 shape drifted (--lenient accepts that)"
    assert done.json["gate"]["refused_because"] == refused
    done = run(book, *accept, "--lenient")
    assert done.code == 0
    assert "1 event unreadable, 1 shape drifted (see " in done.verdict
    assert "; switched: " in done.verdict
    asked = run(book, "query", "SELECT 1 AS one")
    assert asked.verdict == "1 row, as of position 7; 1 event unreadable, 1 shape drifted"


def test_a_dry_run_of_the_gate_says_what_it_would_do_and_writes_nothing(book: Path) -> None:
    before = bytes_of(book)
    for accepted, code in (("1", 1), ("100", 0)):
        done = run(book, "rebuild", "--accept-below", accepted, "--dry-run", "--json")
        assert (done.code, done.json["current"]) == (code, False)
    assert bytes_of(book) == before


@pytest.mark.parametrize("text", ["-0.01", "much", "NaN", "Infinity", "1e400", ""])
def test_an_amount_that_is_none_is_wrong_usage(book: Path, text: str) -> None:
    done = run(book, "rebuild", f"--accept-below={text}")
    assert (done.code, done.out) == (2, "")
    assert "write an amount such as 0.00" in done.err
    assert not (book / CANDIDATE).exists()
