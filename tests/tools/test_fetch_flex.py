"""`fetch flex`: the command line, what it prints, what it leaves behind."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from adapters.flex import addresses
from adapters.flex.tokens import Token
from domain import ledger
from domain.errors import CannotDoError
from domain.event import header, payload_bytes
from tests.adapters.kalshi.exchange import SimulatedClock
from tests.fakes.flex_service import (
    TOKEN,
    FlexService,
    cut,
    echo,
    echo_in,
    error,
    html,
    reset,
    reset_within,
    running,
    statement,
    trade,
)
from tests.tools.command import Ran, bytes_of, finish, run, start
from tools import book as books
from tools import cli, fetch_flex, ingest
from tools.outcome import Outcome

DOCS = Path(__file__).parents[2] / "docs"
ENVIRONMENT = "BROKERTRUTH_IBKR_FLEX_"
FIELDS = "dry_run complete queries new revisions duplicates alerts requests projection"
QUERY_FIELDS = "query state reason file bytes new revisions duplicates covered notes"
YEARLY, DAILY = "123456", "777"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN", "TOKEN_FILE", "QUERIES", "SITE"):
        monkeypatch.delenv(ENVIRONMENT + name, raising=False)


@dataclass(slots=True)
class Desk:
    """A book, a service and the clock of both."""

    folder: Path
    service: FlexService
    clock: SimulatedClock
    access: fetch_flex.Access

    def fetch(self, *words: str) -> Ran:
        """Fetch without projecting, a while after what was asked before."""
        self.clock.seconds += 3600
        return run(self.folder, "fetch", "flex", "--no-project", *words)

    def events(self) -> list[dict[str, Any]]:
        """Return what stands in the log: envelope, kind and payload together."""
        with books.load(self.folder).open_log() as log:
            stored = [log.event(position + 1) for position in range(log.head())]
        return [
            {**header(one.state), "kind": one.kind, **json.loads(payload_bytes(one.state))}
            for one in stored
            if one is not None
        ]

    def told(self, stream: str = "flex") -> list[tuple[str, str]]:
        """Return account and state of what was told of a stream, in the order of the log."""
        return [
            (one["account"], one["state"])
            for one in self.events()
            if one["kind"] == ledger.FETCH and one.get("stream") == stream
        ]

    def kept(self) -> list[Path]:
        return sorted((self.folder / "statements").glob("*"))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    clock = SimulatedClock()
    folder = tmp_path / "book"
    assert run(folder, "init").code == 0
    with running(lambda: clock.seconds) as service:
        service.statements[YEARLY] = statement(trade(1), trade(2))
        access = fetch_flex.Access(
            addresses.base(service.base), Token(TOKEN), (YEARLY,), clock.clock
        )
        monkeypatch.setattr(fetch_flex, "access", lambda _: access)
        yield Desk(folder, service, clock, access)


# --- what it does --------------------------------------------------------------------------------


def test_a_statement_is_kept_as_it_came_and_taken_in(desk: Desk) -> None:
    done = desk.fetch()
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(
        r"1 statement complete up to 2026-01-01T05:00:00Z: \d+ new events, 0 revisions, "
        r"0 duplicates\n",
        done.out,
    )
    (kept,) = desk.kept()
    assert re.fullmatch(r"123456-20250101-20251231-[0-9a-f]{12}\.xml", kept.name)
    assert kept.read_bytes() == desk.service.statements[YEARLY]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    trades = [one for one in desk.events() if one["kind"] == "ibkr.flex.trade"]
    assert [one["ibExecID"] for one in trades] == [trade(1)["ibExecID"], trade(2)["ibExecID"]]


def test_what_was_fetched_is_told_for_the_account_and_the_days_of_the_statement(
    desk: Desk,
) -> None:
    desk.fetch()
    told = desk.events()[-1]
    rows = told["rows"]
    assert {name: told[name] for name in ("account", "mode", "broker", "stream", "state")} == {
        "account": "U1234567",
        "mode": "live",
        "broker": "ibkr",
        "stream": "flex",
        "state": "complete",
    }
    assert (told["covered_from"], told["covered_until"]) == (
        "2025-01-01T05:00:00.000000Z",
        "2026-01-01T05:00:00.000000Z",
    )
    assert (told["asked"], told["pages"], told["site"]) == ("query 123456", 1, "127.0.0.1")
    assert rows == len([one for one in desk.events() if one["venue"] == "ibkr"])
    assert "reason" not in told


def test_the_same_bytes_again_are_the_same_file_and_only_duplicates(desk: Desk) -> None:
    first = desk.fetch("--json").json
    again = desk.fetch("--json").json
    assert (again["new"], again["revisions"], again["duplicates"]) == (0, 0, first["new"])
    assert len(desk.kept()) == 1
    assert desk.told() == [("U1234567", "complete")] * 2


def test_ingesting_the_kept_file_by_hand_finds_nothing_new(desk: Desk) -> None:
    desk.fetch()
    done = run(desk.folder, "ingest", "--no-project", "--json", desk.kept()[0])
    assert (done.json["new"], done.json["revisions"]) == (0, 0)


def test_several_queries_are_fetched_one_after_the_other(desk: Desk) -> None:
    desk.service.statements[DAILY] = statement(trade(3), days=("20260220", "20260220"))
    done = desk.fetch("--query", YEARLY, "--query", DAILY, "--query", YEARLY, "--json")
    assert [one["query"] for one in done.json["queries"]] == [YEARLY, DAILY]
    assert len(desk.kept()) == 2
    assert desk.told() == [("U1234567", "complete")] * 2
    assert desk.service.calls == ["SendRequest", "GetStatement"] * 2


def test_each_account_of_a_statement_is_told_by_itself(desk: Desk) -> None:
    one, other = statement(trade(1)).decode(), statement(account="U7654321").decode()
    inner = other[other.index("<FlexStatement ") : other.index("</FlexStatements>")]
    both = one.replace("</FlexStatements>", f"{inner}</FlexStatements>")
    desk.service.statements[YEARLY] = both.encode()
    done = desk.fetch("--json")
    assert done.code == 0
    assert [row["account"] for row in done.json["queries"][0]["covered"]] == [
        "U1234567",
        "U7654321",
    ]
    assert desk.told() == [("U1234567", "complete"), ("U7654321", "complete")]


def test_confirmations_are_a_stream_of_their_own(desk: Desk) -> None:
    desk.service.statements[DAILY] = statement(
        days=("20260221", "20260221"), made="20260221;120000", sort="TCF"
    )
    done = desk.fetch("--query", YEARLY, "--query", DAILY, "--json")
    assert done.json["verdict"].startswith(
        "2 statements complete up to 2026-01-01T05:00:00Z, confirmations up to "
        "2026-02-21T16:50:00Z: "
    )
    assert [row["stream"] for query in done.json["queries"] for row in query["covered"]] == [
        "flex",
        "flex_confirmations",
    ]
    assert desk.told() == [("U1234567", "complete")]
    assert desk.told("flex_confirmations") == [("U1234567", "complete")]
    assert desk.events()[-1]["covered_until"] == "2026-02-21T16:50:00.000000Z"


def test_activity_of_today_is_not_said_to_be_complete(desk: Desk) -> None:
    desk.service.statements[YEARLY] = statement(
        days=("20260101", "20260221"), made="20260221;120000"
    )
    assert "1 statement complete up to 2026-02-21T05:00:00Z: " in desk.fetch().out


def test_a_dry_run_writes_nothing(desk: Desk) -> None:
    before = bytes_of(desk.folder)
    done = desk.fetch("--dry-run", "--json")
    assert done.json["new"] > 0
    assert done.json["queries"][0]["file"] is None
    assert done.json["verdict"].endswith("(dry run: nothing was written)")
    assert bytes_of(desk.folder) == before
    assert desk.kept() == []


def test_the_fields_of_json_are_these_and_the_guide_lists_them(desk: Desk) -> None:
    done = desk.fetch("--json")
    assert set(done.json) == {"verb", "verdict", "exit_code", *FIELDS.split()}
    assert (done.json["verb"], done.json["exit_code"], done.code) == ("fetch flex", 0, 0)
    assert [set(one) for one in done.json["queries"]] == [{*QUERY_FIELDS.split()}]
    guide = (DOCS / "ibkr.md").read_text("utf-8")
    listed = set(re.findall(r"`(\w+)`", guide))
    assert {*FIELDS.split(), *QUERY_FIELDS.split()} <= listed


def test_what_was_fetched_is_projected(desk: Desk) -> None:
    desk.clock.seconds += 3600
    done = run(desk.folder, "fetch", "flex")
    assert done.code == 0, done.out
    assert "facts from" in done.verdict
    told = run(desk.folder, "status", "--json").json
    (stream,) = [one for one in told["streams"] if one["stream"] == "flex"]
    assert (stream["state"], stream["account"]) == ("complete", "U1234567")


# --- what goes wrong -----------------------------------------------------------------------------


def test_a_statement_that_was_not_had_is_told_with_code_and_reason(desk: Desk) -> None:
    desk.service.on_send = [error("1003")]
    done = desk.fetch()
    assert done.code == 3
    assert "INCOMPLETE 123456: query 123456: SendRequest: error 1003: " in done.out
    assert done.verdict.startswith("0 of 1 statement complete: 0 new events")
    (told,) = desk.events()
    assert (told["account"], told["state"], told["rows"]) == ("main", "incomplete", 0)
    assert "error 1003" in told["reason"]
    assert "covered_from" not in told
    assert desk.kept() == []


def test_a_statement_that_is_never_ready_is_given_up_in_time(desk: Desk) -> None:
    desk.service.slow = 1000
    done = desk.fetch("--timeout", "60")
    assert done.code == 3
    assert "the last answer: error 1019" in done.out
    # waiting is no news
    assert done.err == ""


def test_one_query_that_fails_does_not_keep_the_others_back_and_is_told_last(desk: Desk) -> None:
    desk.service.statements[DAILY] = statement(trade(3))
    desk.service.on_get = [html(404)]
    done = desk.fetch("--query", YEARLY, "--query", DAILY)
    assert done.code == 3
    assert done.verdict.startswith("1 of 2 statements complete up to 2026-01-01T05:00:00Z: ")
    assert desk.told() == [("U1234567", "complete"), ("main", "incomplete")]
    assert len(desk.kept()) == 1


def test_with_a_token_that_is_refused_nothing_more_is_asked(desk: Desk) -> None:
    desk.service.on_send = [error("1012")]
    done = desk.fetch("--query", YEARLY, "--query", DAILY, "--json")
    assert done.code == 3
    first, second = done.json["queries"]
    assert "make a new token" in first["reason"]
    assert second["reason"] == f"not asked for: {first['reason']}"
    assert desk.service.calls == ["SendRequest"]
    assert desk.told() == [("main", "incomplete")] * 2


def test_when_all_is_well_again_that_is_told_where_the_failure_was(desk: Desk) -> None:
    desk.service.on_send = [error("1003")]
    desk.fetch()
    desk.fetch()
    assert desk.told() == [
        ("main", "incomplete"),
        ("U1234567", "complete"),
        ("main", "complete"),
    ]
    # of that account there is no statement
    assert "covered_until" not in desk.events()[-1]
    desk.fetch()
    assert desk.told()[3:] == [("U1234567", "complete"), ("main", "complete")]


def test_what_failed_is_not_well_again_because_another_query_is(desk: Desk) -> None:
    desk.service.on_send = [error("1003")]
    desk.fetch()
    desk.service.statements[DAILY] = statement(trade(3), sort="TCF")
    assert desk.fetch("--query", DAILY).code == 0
    assert desk.told() == [("main", "incomplete")]
    assert desk.told("flex_confirmations") == [("U1234567", "complete")]


def test_where_nothing_can_be_kept_every_query_is_told_with_the_reason(desk: Desk) -> None:
    (desk.folder / "statements").write_text("no folder")
    done = desk.fetch("--query", YEARLY, "--query", DAILY)
    assert done.code == 3
    for query in (YEARLY, DAILY):
        assert f"INCOMPLETE {query}: " in done.out
    assert done.out.count("statements cannot be kept here: File exists") == 2
    assert desk.told() == [("main", "incomplete")] * 2


def test_a_statement_that_cannot_be_taken_in_does_not_lose_what_is_told_of_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in = ingest.ingest

    def failing(book: books.Book, paths: list[str], **options: Any) -> Outcome:  # noqa: ANN401 - those of ingest
        if DAILY in paths[0]:
            raise CannotDoError("the file was changed while it was read")
        return take_in(book, paths, **options)

    monkeypatch.setattr(ingest, "ingest", failing)
    third = "778"
    desk.service.statements |= {DAILY: statement(trade(3)), third: statement(trade(4))}
    done = desk.fetch("--query", YEARLY, "--query", DAILY, "--query", third, "--json")
    assert done.code == 3
    assert [one["reason"] for one in done.json["queries"]] == [
        None,
        "the file was changed while it was read",
        None,
    ]
    assert Path(done.json["queries"][1]["file"]).is_file()
    assert desk.told() == [("U1234567", "complete")] * 2 + [("main", "incomplete")]


@pytest.mark.parametrize("form", ["01/02/2025", "20250231"])
def test_days_that_cannot_be_read_are_incomplete_and_the_rows_are_there(
    desk: Desk, form: str
) -> None:
    desk.service.statements[YEARLY] = statement(trade(1), days=("20250101", form))
    done = desk.fetch()
    assert done.code == 3
    assert "set the query's date format to yyyyMMdd" in done.out
    assert desk.told() == [("U1234567", "incomplete")]
    assert [one["kind"] for one in desk.events()].count("ibkr.flex.trade") == 1


def test_a_paper_account_is_not_taken_into_a_live_book(desk: Desk) -> None:
    desk.service.statements[YEARLY] = statement(
        trade(1, accountId="DU1234567"), account="DU1234567"
    )
    done = desk.fetch()
    assert done.code == 3
    assert "DU1234567 is a paper account" in done.out
    assert desk.told() == [("main", "incomplete")]
    # it is what the broker said, all the same
    assert len(desk.kept()) == 1


def test_what_passes_is_told_on_standard_error_and_the_end_is_good(desk: Desk) -> None:
    desk.service.on_get = [cut(0.5), reset_within(0.5), error("1018")]
    done = desk.fetch()
    assert done.code == 0
    lines = done.err.splitlines()
    assert len(lines) == 3
    assert "cut off or broken" in lines[0]
    assert "the answer broke off" in lines[1]
    assert "error 1018" in lines[2]


# --- settings ------------------------------------------------------------------------------------


def settings(folder: Path, text: str) -> None:
    path = folder / "book.toml"
    path.write_text(path.read_text("utf-8").replace("[ibkr]\n", f"[ibkr]\n{text}\n"), "utf-8")


def test_the_settings_come_from_the_book_and_the_environment_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "book", "init")
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)
    token_file.chmod(0o600)
    settings(
        tmp_path / "book",
        f'flex_queries = ["1", "2"]\nflex_token_file = "{token_file}"\n'
        'flex_site = "http://127.0.0.1:1/x"',
    )
    book = books.load(tmp_path / "book")
    found = fetch_flex.access(book)
    assert (found.token.text, found.queries) == (TOKEN, ("1", "2"))
    assert str(found.base) == "http://127.0.0.1:1/x"
    for name, text in (("TOKEN", "x" * 20), ("QUERIES", "3, 4"), ("SITE", "https://a.example/b")):
        monkeypatch.setenv(ENVIRONMENT + name, text)
    found = fetch_flex.access(book)
    assert (found.token.text, found.queries) == ("x" * 20, ("3", "4"))
    assert str(found.base) == "https://a.example/b"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "no Flex token: set flex_token_file"),
        ({"TOKEN": TOKEN}, "no Flex query: name one with --query"),
        ({"TOKEN": TOKEN, "QUERIES": "daily"}, "a Flex query is named by its number"),
        ({"TOKEN": "short", "QUERIES": "1"}, "this is no token"),
        ({"TOKEN_FILE": "missing", "QUERIES": "1"}, "cannot be read"),
        ({"TOKEN": TOKEN, "QUERIES": "1", "SITE": "http://a.example/b"}, "unencrypted"),
        ({"TOKEN_FILE": TOKEN, "QUERIES": "1"}, "not repeated here"),
        ({"TOKEN": TOKEN, "QUERIES": TOKEN}, "query '[token]': a Flex query is named"),
        ({"TOKEN": "x" * 24, "QUERIES": TOKEN}, "not repeated here"),
        ({"TOKEN": TOKEN, "QUERIES": f"x{TOKEN}"}, "a Flex query is named by its number"),
        ({"TOKEN": "12345678", "QUERIES": "12345678"}, "query '[token]': a Flex query is named"),
        ({"TOKEN": TOKEN, "QUERIES": "1", "SITE": TOKEN}, "not repeated here"),
    ],
)
def test_what_is_missing_or_wrong_in_the_settings_is_wrong_usage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    words: str,
) -> None:
    run(tmp_path / "book", "init")
    for name, text in environment.items():
        monkeypatch.setenv(ENVIRONMENT + name, text)
    done = run(tmp_path / "book", "fetch", "flex")
    assert done.code == 2
    assert words in done.err
    assert TOKEN[:12] not in done.out + done.err


def test_a_token_in_the_place_of_a_query_is_not_repeated(desk: Desk) -> None:
    done = desk.fetch("--query", TOKEN)
    assert (done.code, desk.service.asked) == (2, [])
    assert "a Flex query is named by its number" in done.err
    assert TOKEN[:12] not in done.out + done.err


# --- secrets -------------------------------------------------------------------------------------


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    """Log everything that any library has to say."""
    path = tmp_path / "everything.log"
    handler = logging.FileHandler(path, encoding="utf-8")
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield path
    root.removeHandler(handler)
    root.setLevel(level)
    handler.close()


def holding_token(folder: Path) -> list[str]:
    halves = (TOKEN[:12].encode(), TOKEN[12:].encode())
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(half in path.read_bytes() for half in halves)]


def test_neither_files_nor_logs_nor_words_hold_the_token(
    desk: Desk, tmp_path: Path, log_file: Path
) -> None:
    told: list[str] = []
    runs = [
        ([], []),
        ([reset, error("1018"), echo(503)], [error("1019"), cut(0.3), reset_within(0.5)]),
        ([error("1012", f"Token {TOKEN} has expired.")], []),
        ([echo_in("", 302, {"Location": "https://evil.example/ADDRESS"})], []),
        ([], [echo(403)]),
        ([], [echo()] * 3),
        ([error("1025")], []),
    ]
    codes = []
    for on_send, on_get in runs:
        for words in ((), ("--json",)):
            desk.service.on_send, desk.service.on_get = list(on_send), list(on_get)
            done = desk.fetch(*words)
            codes.append(done.code)
            told += [done.out, done.err]
    assert codes == [0] * 4 + [3] * 10
    told.append(repr(desk.access))
    with books.load(desk.folder).open_log() as log:
        told += [str(row) for row in log.batches(0, log.head()).read_all().to_pylist()]
    assert len(desk.service.asked) > 30
    assert log_file.read_text("utf-8").count("[token]") > 20
    assert all(half not in "\n".join(told) for half in (TOKEN[:12], TOKEN[12:]))
    assert holding_token(tmp_path) == []
    # and this is how one would be found
    (tmp_path / "planted").write_text(f"GET /x?t={TOKEN}")
    assert holding_token(tmp_path) == ["planted"]


def test_the_console_script_says_no_token(desk: Desk, tmp_path: Path) -> None:
    desk.service.on_send = [error("1015", f"Token {TOKEN} is invalid.")]
    environment = {
        f"{ENVIRONMENT}TOKEN": TOKEN,
        f"{ENVIRONMENT}QUERIES": YEARLY,
        f"{ENVIRONMENT}SITE": desk.service.base,
    }
    words = ("--book", str(desk.folder), "fetch", "flex", "--no-project")
    ran = finish(start(*words, folder=tmp_path, environment=environment))
    assert ran.code == 3
    assert "error 1015: Token [token] is invalid" in ran.out
    assert desk.service.asked[0].params["t"] == TOKEN
    assert TOKEN not in ran.out + ran.err
    assert holding_token(tmp_path) == []


def test_a_failure_that_nobody_foresaw_is_told_without_the_token(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def unforeseen(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr("adapters.flex.service.judge", unforeseen)
    monkeypatch.setattr(sys, "argv", ["brokertruth", "--book", str(desk.folder), "fetch", "flex"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capfd.readouterr()
    assert ended.value.code == 3
    assert "RuntimeError: nobody foresaw this" in told.err
    assert TOKEN not in told.out + told.err
    assert desk.kept() == []


def test_a_wrong_token_of_ones_own_is_refused_by_the_service(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(desk.access, token=Token("x" * 24))
    monkeypatch.setattr(fetch_flex, "access", lambda _: other)
    done = desk.fetch()
    assert done.code == 3
    assert "error 1015: Token is invalid" in done.out
