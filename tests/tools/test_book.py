"""A book: its configuration, and a projection that is whole at every moment."""

import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from adapters.log.sqlite import SQLiteLog
from domain.errors import CannotDoError, UsageError
from domain.event import Owner
from domain.rules import Rules
from tests.tools.command import (
    BOUGHT,
    SCRIPT,
    fills_page,
    finish,
    run,
    small_book,
    start,
    written,
)
from tools import book as books
from tools import building, staleness
from tools.book import Book
from tools.project import project_after
from tools.rebuilding import Wanted, rebuild


def with_configuration(folder: Path, text: str) -> Path:
    """Return a small book with another book.toml."""
    book = small_book(folder)
    (book / "book.toml").write_text(text, "utf-8")
    return book


def stale_because(book: Book) -> str | None:
    """Ask a book why its projection is stale."""
    with book.open_log() as log:
        return staleness.because(book, log, book.projection_meta())


# --- configuration -------------------------------------------------------------------------------


def test_a_new_book_is_empty_and_its_configuration_can_be_read(tmp_path: Path) -> None:
    book = books.create(tmp_path / "book", account="weather", mode="paper")
    assert (book.owner().account, book.owner().mode) == ("weather", "paper")
    assert book.rules == Rules()
    with book.open_log() as log:
        assert log.head() == 0
    assert book.projection_meta() is None


def test_the_command_line_may_name_another_owner(tmp_path: Path) -> None:
    book = books.create(tmp_path / "book", account="weather", mode="paper")
    assert book.owner("other", "live") == Owner("other", "live")


@pytest.mark.parametrize("option", ["--account", "--mode", "--book"])
def test_an_empty_name_on_the_command_line_is_wrong_usage(tmp_path: Path, option: str) -> None:
    written(tmp_path / "pages", fills=fills_page())
    run(tmp_path / "book", "init")
    words = ["--book", "", "status"] if option == "--book" else ["ingest", "pages", option, ""]
    done = finish(start(*words, folder=tmp_path))
    assert (done.code, done.out, "Traceback" in done.err) == (2, "", False)
    assert run(tmp_path / "book", "status", "--json").json["events"] == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("account = ", "book.toml"),
        ('acount = "main"', "acount"),
        ('mode = "demo"', "mode"),
        ('account = "a|b"', "a|b"),
        ("account = 1", "account"),
        ('[strategies]\n"bot-" = "maker"', "strategies stand in attribution.toml now"),
        ('[kalshi]\nkey = "secret"', "kalshi.key"),
        ("[kalshi]\nsite = 1", "kalshi.site"),
        ("[kalshi]\nkey_id = 5", "kalshi.key_id"),
    ],
)
def test_a_wrong_configuration_exits_2_and_names_the_place(
    tmp_path: Path, text: str, told: str
) -> None:
    done = run(with_configuration(tmp_path, text), "status")
    assert (done.code, done.out) == (2, "")
    assert told in done.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version = ", "attribution.toml"),
        ("version = 2", "version: "),
        ('[strategy.maker]\nprefixes = ["m"]', "strategy: Extra inputs"),
        ('[strategies.maker]\nprefix = "m"', "strategies.maker.prefix: Extra inputs"),
        ('[strategies.maker]\nprefixes = "m"', "strategies.maker.prefixes: "),
        ("[strategies.maker]\nprefixes = [1]", "strategies.maker.prefixes.0: "),
        ('[strategies.maker]\nprefixes = [""]', "strategies.maker.prefixes.0: "),
        ('[strategies]\n"bot-" = "maker"', "strategies.bot-: "),
        ('[strategies.""]\nprefixes = ["m"]', "strategies..[key]: "),
        ("[strategies.unattributed]", "no strategy may be called 'unattributed'"),
        (
            '[strategies.a]\nprefixes = ["m"]\n[strategies.b]\nprefixes = ["m"]',
            "prefix 'm' is that of 'a' and of 'b'",
        ),
        ('[strategies.out]\nexit_of = "in"', "'out' is an exit of 'in'"),
        ('[strategies.out]\nexit_of = "out"', "'out' is an exit of itself"),
        (
            '[strategies.a]\n[strategies.b]\nexit_of = "a"\n[strategies.c]\nexit_of = "b"',
            "'c' is an exit of 'b'",
        ),
        ('[profit]\nexits = "both"', "profit.exits: "),
        ("[heuristics]\nexit_price_max = 1.5", "heuristics.exit_price_max: "),
        ("[heuristics]\nexit_price_max = nan", "heuristics.exit_price_max: "),
        ("[heuristics]\nexit_price_max = 0.0000000001", "heuristics.exit_price_max: "),
        ("[heuristics]\ndecision_window_seconds = -1", "heuristics.decision_window_seconds: "),
        ("[heuristics]\ndecision_window_seconds = 1.5", "heuristics.decision_window_seconds: "),
        ("[heuristics]\nexits = 12", "heuristics.exits: "),
        ("[alarms]\ndecisions_without_fill = 0", "alarms.decisions_without_fill: "),
        ("[outcomes]\nbreakeven_return = 1", "outcomes.breakeven_return: "),
        ('[outcomes.exit_reasons]\nMOON = "sold"', "outcomes: "),
    ],
)
def test_wrong_rules_exit_2_and_name_the_file_and_the_place(
    tmp_path: Path, text: str, told: str
) -> None:
    book = small_book(tmp_path)
    (book / "attribution.toml").write_text(text)
    done = run(book, "project")
    assert (done.code, done.out) == (2, "")
    assert "attribution.toml: " in done.err
    assert told in done.err
    assert "Value error" not in done.err


def test_wrong_rules_keep_nothing_from_being_taken_in_verified_or_asked(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    (book / "attribution.toml").write_text("version = ")
    third = written(tmp_path / "new", page=fills_page([replace(BOUGHT, fill_id="fill-3")]))
    assert run(book, "ingest", third, "--no-project", "--json").json["new"] == 1
    posted = (
        '{"strategy": "maker", "instrument": "A", "order_id": "o", '
        '"posted_at": "2026-06-01T10:00:00Z"}'
    )
    record = ("record", "bot.order_posted", "-", "--no-project", "--json")
    assert run(book, *record, stdin=posted).json["new"] == 1
    for words in (["spool", "--no-project"], ["verify"], ["query", "SELECT 1 AS one"]):
        assert run(book, *words).code == 0, words
    told = run(book, "status", "--json").json
    assert (told["exit_code"], told["events"], told["watermark"]) == (1, 8, 5)
    assert told["stale_because"].startswith(f"the rules cannot be read: {book}/attribution.toml: ")
    for words in (["project"], ["project", "--dry-run"], ["rebuild"], ["rebuild", "--dry-run"]):
        assert run(book, *words).code == 2, words


def test_what_is_taken_in_before_wrong_rules_are_met_stays_and_is_told(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    (book / "attribution.toml").write_text("version = ")
    third = written(tmp_path / "new", page=fills_page([replace(BOUGHT, fill_id="fill-3")]))
    done = run(book, "ingest", third, "--json").json
    assert (done["exit_code"], done["new"], done["projection"]) == (3, 1, {"error": "UsageError"})
    assert f"; projecting failed: {book}/attribution.toml: " in done["verdict"]
    assert run(book, "ingest", third, "--no-project", "--json").json["duplicates"] == 1


def test_a_book_that_stays_open_notices_edited_rules_and_takes_them_up_once_switched_to(
    tmp_path: Path,
) -> None:
    book = books.load(small_book(tmp_path))
    with book.open_log() as log:
        assert project_after(book, log).verdict == "; projection is up to date at 5 events"
        for version in ("edited", "edited again"):
            (book.folder / "attribution.toml").write_text(
                f'version = "{version}"\n[strategies.s{len(version)}]\nprefixes = ["x"]'
            )
            assert stale_because(book) == "attribution.toml has changed"
            refused = project_after(book, log)
            assert (refused.exit_code, refused.data) == (3, {"error": "RebuildNeededError"})
            assert "attribution.toml has changed: run `brokertruth rebuild`" in refused.verdict
            assert run(book.folder, "rebuild").code == run(book.folder, "switch").code == 0
            done = project_after(book, log)
            assert (done.data or {})["rules_version"] == version
            assert stale_because(book) is None


@pytest.mark.parametrize("file", ["book.toml", "attribution.toml"])
def test_a_byte_order_mark_before_a_configuration_is_no_part_of_it(
    tmp_path: Path, file: str
) -> None:
    book = small_book(tmp_path)
    path = book / file
    path.write_text(path.read_text("utf-8"), "utf-8-sig")
    assert run(book, "project").code == 0
    assert run(book, "status", "--json").json["stale_because"] is None


def test_a_book_without_rules_has_those_that_explain_nothing(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    (book / "attribution.toml").unlink()
    assert books.load(book).rules == Rules()
    assert run(book, "project").code == 0


def test_numbers_of_the_rules_are_exact(tmp_path: Path) -> None:
    path = tmp_path / "attribution.toml"
    path.write_text("[heuristics]\nexit_price_max = 0.15\n[outcomes]\nbreakeven_return = 0.005")
    rules = books.read_rules(path)
    assert str(rules.heuristics.exit_price_max) == "0.15"
    assert rules.digest == Rules().digest


def test_the_template_of_the_rules_explains_nothing_until_it_is_filled_in(tmp_path: Path) -> None:
    book = books.create(tmp_path / "book", account="weather", mode="paper")
    path = book.folder / "attribution.toml"
    lines = path.read_text("utf-8").splitlines()
    settings = [line.removeprefix("# ") for line in lines if " = " in line or line[2:3] == "["]
    path.write_text("\n".join(settings))
    assert books.read_rules(path).parents() == [("cross_bracket_exit", "cross_bracket")]


def test_the_access_to_kalshi_can_be_configured_and_is_no_rule_of_the_projection(
    tmp_path: Path,
) -> None:
    book = books.load(small_book(tmp_path))
    told = book.configuration.kalshi
    assert (told.site, told.stream, told.key_id, told.key_file) == ("production", None, None, None)
    path = book.folder / "book.toml"
    text = path.read_text("utf-8")
    for name in ("site", "key_id", "key_file"):
        assert f"# {name} = " in text
        text = text.replace(f"# {name} = ", f"{name} = ")
    path.write_text(text, "utf-8")
    changed = books.load(book.folder)
    told = changed.configuration.kalshi
    assert (told.site, told.key_id) == ("production", "...")
    assert told.key_file == Path("~/.kalshi/key.pem")
    assert stale_because(changed) is None


def test_a_secret_under_a_wrong_name_is_not_repeated(tmp_path: Path) -> None:
    done = run(with_configuration(tmp_path, '[kalshi]\nkey = "made-secret"'), "status")
    assert (done.code, "made-secret" in done.err) == (2, False)


def test_a_configuration_that_is_no_text_exits_3(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    (book / "book.toml").write_bytes(b"account = '\xff'")
    assert run(book, "status").code == 3


def test_a_folder_that_cannot_be_made_exits_3(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run(tmp_path / "file" / "book", "init")
    assert (done.code, done.out) == (3, "")
    assert "cannot make a book" in done.err


def test_rules_that_were_there_before_the_book_are_kept(tmp_path: Path) -> None:
    book = tmp_path / "book"
    book.mkdir()
    (book / "attribution.toml").write_text('version = "mine"', "utf-8")
    said = "; attribution.toml was there and is kept"
    assert f"would make a book at {book}{said}" in run(book, "init", "--dry-run").verdict
    done = run(book, "init")
    assert (done.code, done.verdict.endswith(said)) == (0, True)
    assert (book / "attribution.toml").read_text("utf-8") == 'version = "mine"'
    assert said not in run(tmp_path / "other", "init").verdict


def test_making_a_book_twice_raises_and_keeps_the_first(tmp_path: Path) -> None:
    books.create(tmp_path / "book", account="first", mode="live")
    with pytest.raises(UsageError, match="is a book already"):
        books.create(tmp_path / "book", account="second", mode="live")
    assert books.load(tmp_path / "book").configuration.account == "first"


def test_the_longest_prefix_names_the_strategy_after_the_next_switch(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    (book / "attribution.toml").write_text(
        'version = "2"\n[strategies.wrong]\nprefixes = ["b"]\n'
        '[strategies.maker]\nprefixes = ["bot-"]\n'
    )
    assert run(book, "status", "--json").json["stale_because"] == "attribution.toml has changed"
    refused = run(book, "project", "--json").json
    assert (refused["exit_code"], refused["error"]) == (3, "RebuildNeededError")
    told = run(book, "rebuild", "--json").json
    assert (told["current"], told["rules_version"]) == (False, "2")
    assert run(book, "status", "--json").json["rules_version"] == "1"
    assert run(book, "switch").code == 0
    assert run(book, "status", "--json").json["rules_version"] == "2"
    asked = "SELECT DISTINCT strategy FROM lot_match"
    assert run(book, "query", asked, "--json").json["rows"] == [{"strategy": "maker"}]


# --- staleness -----------------------------------------------------------------------------------


def test_a_projection_is_stale_when_log_code_or_configuration_moved_on(tmp_path: Path) -> None:
    book = books.load(small_book(tmp_path))
    assert stale_because(book) is None
    with duckdb.connect(str(book.projection_path)) as connection:
        connection.execute("UPDATE projection_meta SET seal_digest = 'other'")
    assert stale_because(book) == "it was made from another log, or from one that was longer"
    book = books.load(small_book(tmp_path / "other"))
    with duckdb.connect(str(book.projection_path)) as connection:
        connection.execute("UPDATE projection_meta SET rules_digest = 'other'")
    assert stale_because(book) == "attribution.toml has changed"
    (book.folder / "attribution.toml").unlink()
    assert stale_because(book) == "attribution.toml is missing"
    with duckdb.connect(str(book.projection_path)) as connection:
        connection.execute("UPDATE projection_meta SET libraries = 'other'")
    assert stale_because(book) == "the libraries have changed"
    with duckdb.connect(str(book.projection_path)) as connection:
        connection.execute("UPDATE projection_meta SET code_digest = 'other'")
    assert stale_because(book) == "the code has changed"
    with duckdb.connect(str(book.projection_path)) as connection:
        connection.execute("UPDATE projection_meta SET seal_digest = 'other'")
    assert stale_because(book) == "it was made from another log, or from one that was longer"
    book.projection_path.unlink()
    assert stale_because(book) == "there is no projection that can be read"
    book.projection_path.write_bytes(b"not a database" * 1000)
    assert stale_because(book) == "there is no projection that can be read"


def test_staleness_is_that_of_the_projection_that_was_asked(tmp_path: Path) -> None:
    book = books.load(small_book(tmp_path))
    asked = book.projection_meta()
    third = written(tmp_path / "new", page=fills_page([replace(BOUGHT, fill_id="fill-3")]))
    assert run(book.folder, "ingest", third).code == 0
    with book.open_log() as log:
        assert staleness.because(book, log, asked) == "it covers 5 of 7 events"
        assert staleness.because(book, log, book.projection_meta()) is None


def test_after_an_upgrade_project_refuses_and_a_rebuild_gives_the_same_fingerprint(
    tmp_path: Path,
) -> None:
    book = books.load(small_book(tmp_path))
    before = run(book.folder, "status", "--json").json["fingerprint"]
    with duckdb.connect(str(book.projection_path)) as connection:
        connection.execute("UPDATE projection_meta SET code_digest = 'older'")
    asked = run(book.folder, "query", "SELECT 1 AS one")
    assert asked.code == 0
    assert asked.verdict.endswith(" (stale: the code has changed; run `brokertruth rebuild`)")
    for words in (["project"], ["project", "--dry-run"]):
        refused = run(book.folder, *words)
        assert (refused.code, refused.out) == (3, "")
        assert "the code has changed: run `brokertruth rebuild`" in refused.err
    told = run(book.folder, "rebuild", "--json").json
    assert (told["rebuilt"], told["current"], told["fingerprint"]) == (True, False, before)
    assert run(book.folder, "switch").code == run(book.folder, "project").code == 0


# --- one writer, many readers --------------------------------------------------------------------


def test_while_one_projects_another_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    book = books.load(small_book(tmp_path))
    content = book.projection_path.read_bytes()

    def try_another(_what: str, _done: int, _total: int) -> None:
        other = finish(start("--book", "book", "rebuild", "--json", folder=tmp_path))
        assert (other.code, other.json["error"]) == (3, "CannotDoError")
        assert "another brokertruth is projecting" in other.json["verdict"]
        assert book.projection_path.read_bytes() == content
        raise KeyboardInterrupt

    with book.open_log() as log, book.projecting(), pytest.raises(KeyboardInterrupt):
        building.in_full(log, book.projection_path, book.rules, progress=try_another)
    assert book.projection_path.read_bytes() == content
    assert sorted(path.name for path in book.folder.glob("ledger.*")) == [
        "ledger.duckdb",
        "ledger.lock",
    ]
    with book.projecting(), pytest.raises(CannotDoError), book.projecting():
        pass
    with book.open_log() as log:
        assert rebuild(book, log, Wanted()).data["watermark"] == 5


def test_processes_that_project_at_once_leave_one_whole_projection(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    before = run(book, "status", "--json")
    wanted = before.json["fingerprint"]
    (book / "ledger.duckdb").unlink()
    processes = [start("--book", "book", "project", "--json", folder=tmp_path) for _ in range(4)]
    done = [finish(process) for process in processes]
    codes = sorted(one.code for one in done)
    assert codes[0] == 0
    assert set(codes) <= {0, 3}
    for one in done:
        assert one.json.get("error") in ((None,) if one.code == 0 else ("CannotDoError",))
    told = run(book, "status", "--json")
    assert (told.code, told.json["fingerprint"]) == (0, wanted)


def test_processes_that_take_in_the_same_pages_at_once_take_them_in_once(tmp_path: Path) -> None:
    run(tmp_path / "book", "init")
    pages = written(tmp_path / "pages", fills=fills_page())
    processes = [
        start("--book", "book", "ingest", pages, "--no-project", "--json", folder=tmp_path)
        for _ in range(4)
    ]
    counted = [finish(process).json for process in processes]
    assert sum(one["new"] for one in counted) == 2
    assert sum(one["duplicates"] for one in counted) == 6
    assert run(tmp_path / "book", "verify", "--json").json["events"] == 3


def test_whoever_reads_keeps_the_old_projection_during_and_after_a_rebuild(tmp_path: Path) -> None:
    book = books.load(small_book(tmp_path))
    counts: list[object] = []
    with book.open_projection() as reader:
        third = written(tmp_path / "new", page=fills_page([replace(BOUGHT, fill_id="fill-3")]))

        def count(*_: object) -> None:
            counts.append(reader.execute("SELECT count(*) FROM fill").fetchone())

        assert run(book.folder, "ingest", third, "--no-project").code == 0
        with book.open_log() as log:
            building.in_full(log, book.projection_path, book.rules, progress=count)
        count()
    assert set(counts) == {(2,)}
    assert len(counts) > 2
    with book.open_projection() as reader:
        assert reader.execute("SELECT count(*) FROM fill").fetchone() == (3,)


def test_questions_are_answered_by_many_processes_while_one_rebuilds(tmp_path: Path) -> None:
    book = small_book(tmp_path)

    def ask(_number: int) -> tuple[int, str]:
        done = finish(start("--book", "book", "query", "@pnl-by-day", "--json", folder=tmp_path))
        return done.code, done.json["rows"][0]["net"]

    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(ask, range(8))
        for _ in range(3):
            assert run(book, "rebuild").code == run(book, "switch").code == 0
        assert set(answers) == {(0, "2.13")}


def test_a_rebuild_clears_away_what_a_killed_one_had_spilled(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    spilled = book / "candidate.new.tmp"
    spilled.mkdir()
    (spilled / "block").write_bytes(b"left over")
    assert run(book, "rebuild").code == 0
    assert not spilled.exists()


def test_a_rebuild_that_is_killed_leaves_the_current_projection_usable(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    many = [
        replace(BOUGHT, fill_id=f"many-{number}", quantity=Decimal(1)) for number in range(2000)
    ]
    assert run(book, "ingest", written(tmp_path / "many", page=fills_page(many))).code == 0
    before = run(book, "status", "--json")
    wanted = before.json["fingerprint"]
    began = time.perf_counter()
    assert finish(start("--book", "book", "rebuild", folder=tmp_path)).code == 0
    whole = time.perf_counter() - began
    killed = 0
    for twelfth in range(1, 12):
        try:
            # The child is killed with SIGKILL when the time is over.
            subprocess.run(
                [SCRIPT, "--book", book, "rebuild"],
                timeout=whole * twelfth / 12,
                capture_output=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            killed += 1
        told = run(book, "status", "--json")
        assert (told.code, told.json["fingerprint"]) == (before.code, wanted), twelfth
    assert killed
    assert run(book, "rebuild", "--json").json["fingerprint"] == wanted
    assert sorted(path.name for path in book.glob("*.duckdb*")) == [
        "candidate.duckdb",
        "ledger.duckdb",
    ]


def test_a_copy_of_the_log_is_a_backup_of_the_whole_book(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    before = run(book, "status", "--json")
    wanted = before.json["fingerprint"]
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("log.sqlite", "book.toml", "attribution.toml"):
        shutil.copy(book / name, copy / name)
    assert run(copy, "verify").code == 0
    assert run(copy, "project", "--json").json["fingerprint"] == wanted
    with SQLiteLog.open(copy / "log.sqlite") as log:
        assert log.head() == 5
