"""`rebuild` and `project` say which money they move, and a dry run says it beforehand."""

import errno
import os
import signal
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from tests.tools.command import (
    BOUGHT,
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
    assert [account, "total", "USD", net, net, "0", "0"] in lines
    assert done.verdict.endswith(
        "; would move: 1 fill to another strategy, money of 0 lots and 1 day "
        "(dry run: nothing was written)"
    )


def test_a_rebuild_moves_what_the_dry_run_said_and_the_next_one_nothing(book: Path) -> None:
    foretold = run(book, "rebuild", "--dry-run", "--json")
    done = run(book, "rebuild", "--json")
    assert done.json["moved"] == foretold.json["moved"]
    assert counts(done) == counts(foretold)
    assert stored(book) == {"bots": difference(done)["bots"]["net"]} == {"bots": NET}
    for words in (["rebuild"], ["rebuild", "--dry-run"]):
        again = run(book, *words, "--json")
        assert difference(again) == {"bots": NOTHING}
        assert counts(again) == (0, 0, 0)
    assert run(book, "rebuild").verdict.endswith("; nothing moved")
    assert "; nothing would move (dry run: " in run(book, "rebuild", "--dry-run").verdict


def test_project_tells_what_other_rules_moved(book: Path) -> None:
    done = run(book, "project")
    assert done.verdict.endswith("; moved: 1 fill to another strategy, money of 0 lots and 1 day")
    assert f"bots          USD           0       {NET}" in done.out
    again = run(book, "project", "--json").json
    assert (again["rebuilt"], "moved" in again) == (False, False)


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
    done = run(book, "project", "--json")
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
    assert "moved" not in done.out
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


@pytest.mark.parametrize("older", ["layout", "bytes"])
def test_an_older_layout_or_a_broken_file_is_told_and_replaced(book: Path, older: str) -> None:
    path = book / "ledger.duckdb"
    if older == "layout":
        with duckdb.connect(str(path)) as connection:
            connection.execute("ALTER TABLE daily_pnl RENAME COLUMN strategy TO source")
    else:
        path.write_bytes(b"not a database" * 1000)
    because = {"layout": "is of another layout", "bytes": "cannot be read"}[older]
    dry = run(book, "rebuild", "--dry-run", "--json").json
    assert dry["not_compared_because"] == f"the projection before {because}"
    done = run(book, "rebuild", "--json").json
    assert done["not_compared_because"] == f"the projection before {because}"
    assert done["verdict"].endswith(f"; nothing to compare with: the projection before {because}")
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
    assert stored(book) == {"bots": NET}


def test_a_dry_run_exits_as_the_rebuild_would(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    odd = fills_page([BOUGHT]).replace("fill-1", "fill-3").replace("count_fp", "contracts_fp")
    page = written(tmp_path / "odd", fills=odd)
    assert run(book, "ingest", page, "--no-project").code == 0
    for words, code in ((["--dry-run"], 1), (["--dry-run", "--lenient"], 0)):
        done = run(book, "rebuild", *words, "--json").json
        assert (done["exit_code"], done["unreadable"], done["new_canaries"]) == (code, 1, [])
    assert run(book, "rebuild", "--lenient").code == 0
    assert [run(book, "rebuild", *words).code for words in ([], ["--dry-run"])] == [1, 1]


def test_a_dry_run_tells_what_would_look_wrong_as_the_rebuild_does(book: Path) -> None:
    claimed = ("fill-1", "--strategy", "other", "--reason", "seen", "--by", "me")
    assert run(book, "attribute", *claimed, "--no-project").code == 0
    for more in (["--dry-run"], []):
        done = run(book, "rebuild", *more, "--json").json
        (canary,) = done["new_canaries"]
        assert (done["exit_code"], canary["rule"]) == (1, "claim_overruled")
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


def test_a_rebuild_leaves_nothing_beside_the_new_projection(book: Path) -> None:
    before = sorted(path.name for path in book.iterdir())
    assert run(book, "rebuild").code == 0
    assert sorted(path.name for path in book.iterdir()) == before


def test_where_links_are_unknown_the_projection_is_copied(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "links are not supported here")

    monkeypatch.setattr(os, "link", refuse)
    assert counts(run(book, "rebuild", "--json")) == (1, 0, 1)
    (book / "ledger.duckdb").unlink()
    told = run(book, "rebuild", "--json").json
    assert told["not_compared_because"] == "there is no projection yet"


def test_a_book_that_cannot_be_written_is_told(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("tempfile.TemporaryDirectory", refuse)
    done = run(book, "rebuild", "--dry-run")
    assert (done.code, done.out) == (3, "")
    assert f"cannot write in {book}: Read-only file system" in done.err


def test_a_projection_of_a_version_before_this_one_is_replaced(book: Path) -> None:
    with duckdb.connect(str(book / "ledger.duckdb")) as connection:
        connection.execute("ALTER TABLE projection_meta DROP COLUMN rules_digest")
    dry = run(book, "rebuild", "--dry-run", "--json").json
    assert dry["reason"] == "there is no projection that can be read"
    assert dry["not_compared_because"] == "the projection before is of another layout"
    assert run(book, "status").code == 1
    assert run(book, "project").code == 0
    assert stored(book) == {"bots": NET}
