"""`fetch kalshi`: the command line, what it prints, what it leaves behind."""

import fcntl
import json
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.kalshi.client import Limits
from tests.rehearsal import Rehearsal, rehearsal
from tests.tools.command import Ran, bytes_of, finish, run, start
from tests.tools.fake_kalshi.serving import clock_at, fill, minutes
from tools import fetch
from tools.fake_kalshi.drifts import DRIFTS, Drift
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.faults import Fault, FaultPlan
from tools.fake_kalshi.keys import process_key
from tools.fake_kalshi.world import World
from tools.recorder import Recorder

DOCS = Path(__file__).parents[2] / "docs"
FIELDS = (
    "dry_run complete data_until streams new revisions duplicates drift impossible_values canaries "
    "alerts requests retries transfer_seconds waiting_seconds projection"
)
STREAM_FIELDS = (
    "stream state reason pages rows new revisions duplicates covered_from covered_until gap notes"
)
STREAMS = (
    "subaccount_balances balance positions settlements fills orders deposits withdrawals markets "
    "series"
)
LOST = Fault("status 503", status=503)


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SITE", "STREAM", "KEY_ID", "KEY_FILE", "KEY"):
        monkeypatch.delenv(f"BROKERTRUTH_KALSHI_{name}", raising=False)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsal]:
    """Serve an account with three fills; the command line reaches it, in simulated time."""
    clock = clock_at(1)
    with rehearsal(tmp_path, Exchange(minutes(3), clock=clock), clock) as small:
        entry = replace(small.entry, limits=Limits(attempts=2))
        monkeypatch.setattr(fetch, "access", lambda _: entry)
        yield small


def asking(small: Rehearsal, *words: str) -> Ran:
    """Run `fetch kalshi` in this process."""
    return run(small.book.folder, "fetch", "kalshi", *words)


def drifting(name: str) -> Drift:
    (drift,) = (one for one in DRIFTS if one.name == name)
    return drift


# --- what it says --------------------------------------------------------------------------------


def test_a_fetch_in_which_everything_is_as_ever_is_one_line(small: Rehearsal) -> None:
    first = asking(small)
    assert (first.code, first.err, first.out.count("\n")) == (0, "", 1)
    assert re.fullmatch(
        r"10 streams complete up to 2026-01-06T00:00:00Z, \d+ shapes all known: \d+ new events, "
        r"0 revisions, 0 duplicates; \d+ facts from \d+ events\n",
        first.out,
    )
    small.clock.advance(timedelta(days=1))
    second = asking(small)
    assert (second.code, second.out.count("\n")) == (0, 1)
    assert " 0 revisions, 7 duplicates; " in second.out


def test_the_fields_of_json_are_these_and_the_guide_lists_them(small: Rehearsal) -> None:
    done = asking(small, "--json")
    assert set(done.json) == {"verb", "verdict", "exit_code", *FIELDS.split()}
    assert (done.json["verb"], done.json["exit_code"], done.code) == ("fetch kalshi", 0, 0)
    assert [set(one) for one in done.json["streams"]] == [{*STREAM_FIELDS.split()}] * 10
    assert [one["stream"] for one in done.json["streams"]] == STREAMS.split()
    guide = (DOCS / "operating.md").read_text("utf-8")
    lines = [line for line in guide.splitlines() if line.startswith("| `fetch kalshi`")]
    listed = set(re.findall(r"`(\w+)`", "\n".join(lines)))
    assert {*FIELDS.split(), *STREAM_FIELDS.split()} <= listed


def test_json_says_what_was_fetched_and_how_long_it_took(small: Rehearsal) -> None:
    told = asking(small, "--json").json
    assert (told["complete"], told["data_until"]) == (True, "2026-01-06T00:00:00Z")
    fills = next(one for one in told["streams"] if one["stream"] == "fills")
    assert fills == {
        "stream": "fills",
        "state": "complete",
        "reason": None,
        "pages": 2,
        "rows": 3,
        "new": 3,
        "revisions": 0,
        "duplicates": 0,
        "covered_from": "1970-01-01T00:00:00Z",
        "covered_until": "2026-01-06T00:00:00Z",
        "gap": None,
        "notes": [],
    }
    assert told["new"] == sum(one["new"] for one in told["streams"])
    assert told["requests"] == len(small.exchange.requests)
    assert (told["retries"], told["drift"], told["canaries"]) == (0, [], [])
    assert told["projection"]["watermark"] == told["new"] + 10
    assert small.differences() == []


def test_what_was_fetched_is_in_the_book_and_its_status_is_good_by_the_clock(
    small: Rehearsal,
) -> None:
    asking(small)
    told = run(small.book.folder, "status", "--json").json
    assert (told["fills"], told["unreadable"], told["canaries"]) == (3, 0, 0)
    assert [one["stream"] for one in told["streams"]] == sorted(STREAMS.split())
    # the account lived in January; the clock of this machine says another day
    assert {one["light"] for one in told["streams"]} == {"late"}
    assert "fills late" in told["verdict"]


# --- what is wrong -------------------------------------------------------------------------------


def test_a_drift_is_told_in_one_line_each_beside_a_table_of_100_columns(small: Rehearsal) -> None:
    small.exchange.drift(drifting("fill key renamed"))
    done = asking(small)
    lines = done.out.splitlines()
    (alert,) = [line for line in lines if line.startswith("DRIFT ALERT")]
    assert alert.startswith(
        "DRIFT ALERT kalshi.fill at GET /portfolio/fills: 3 events from position "
    )
    assert "missing or of another type: count_fp; new: quantity_fp:string" in alert
    assert len(alert) > 100
    table = [line for line in lines if line is not alert and line != lines[-1]]
    assert len(table) == 11
    assert max(map(len, table)) <= 100
    assert (done.code, done.err) == (1, "")
    assert ", 1 drift alert: " in done.verdict
    small.clock.advance(timedelta(hours=1))
    told = asking(small, "--json").json
    assert told["alerts"] == [alert]
    (shape,) = told["drift"]
    position = int(re.findall(r"from position (\d+)", alert)[0])
    assert (shape["endpoint"], shape["first_position"]) == ("GET /portfolio/fills", position)
    ((found,),) = small.rows("SELECT min(position) FROM unreadable")
    assert found == position


def test_an_added_key_is_an_alert_and_everything_is_read(small: Rehearsal) -> None:
    small.exchange.drift(drifting("fill with an extra key"))
    done = asking(small, "--json")
    assert (done.code, done.json["drift"][0]["status"]) == (1, "additive")
    assert small.differences() == []


def test_values_that_cannot_be_true_are_told_when_they_come_and_not_again(
    small: Rehearsal,
) -> None:
    spoiled = Drift(
        "price that is none", ("/portfolio/fills",), lambda row, _: row | {"count_fp": "many"}
    )
    small.exchange.drift(spoiled)
    first = asking(small, "--json")
    (wrong,) = first.json["impossible_values"]
    assert (wrong["kind"], wrong["events"], wrong["offending"]) == ("kalshi.fill", 3, "many")
    assert any("such as many" in alert for alert in first.json["alerts"])
    small.clock.advance(timedelta(hours=1))
    second = asking(small, "--json")
    assert (second.json["impossible_values"], second.json["alerts"]) == ([], [])
    assert run(small.book.folder, "drift", "--json").json["impossible_values"] == [wrong]


def test_canaries_are_told_once_with_what_they_saw(small: Rehearsal) -> None:
    asking(small)
    small.clock.advance(timedelta(hours=1))
    small.exchange.drift(drifting("balance shifted"))
    told = asking(small, "--json").json
    assert told["exit_code"] == 1
    assert [one["rule"] for one in told["canaries"]] == [
        "balance_unexplained",
        "subaccount_balance_differs",
    ]
    assert [alert.partition(" at ")[0] for alert in told["alerts"]] == [
        f"DRIFT ALERT {one['rule']} {one['subject']}" for one in told["canaries"]
    ]
    again = asking(small, "--json").json
    assert (again["canaries"], again["alerts"]) == ([], [])


def test_a_gap_is_told(small: Rehearsal) -> None:
    asking(small)
    small.clock.advance(timedelta(days=200))
    done = asking(small)
    assert done.code == 1
    (line,) = [line for line in done.out.splitlines() if line.startswith("GAP")]
    assert line == (
        "GAP settlements: what happened from 2026-01-06T00:00:00Z to 2026-04-26T00:00:00Z is not "
        "served any more and may never have been fetched; fetch more often"
    )


def test_an_incomplete_stream_exits_3_and_what_came_is_in_the_book(small: Rehearsal) -> None:
    small.exchange.faults = FaultPlan(
        lambda seen: LOST if seen.path == "/portfolio/orders" else None
    )
    done = asking(small)
    assert done.code == 3
    (line,) = [line for line in done.out.splitlines() if line.startswith("INCOMPLETE")]
    assert line.startswith("INCOMPLETE orders: GET /portfolio/orders?limit=1000: no usable answer")
    assert done.verdict.startswith("9 of 10 streams complete up to ")
    assert len(small.rows("SELECT * FROM fill")) == 3
    told = run(small.book.folder, "status", "--json").json
    assert "orders incomplete" in told["verdict"]


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_an_exchange_that_cannot_be_reached_exits_3_and_every_stream_says_so(
    small: Rehearsal, words: list[str]
) -> None:
    small.exchange.faults = FaultPlan(lambda _: LOST)
    done = asking(small, *words)
    assert done.code == 3
    assert "0 of 10 streams complete" in done.out
    # in one line for people, for each stream for programs
    assert done.out.count("not asked: the exchange could not be reached") == (8 if words else 1)
    small.exchange.faults = FaultPlan()
    assert asking(small).code == 0


def test_a_key_that_is_refused_exits_3_and_leaves_the_book_alone(small: Rehearsal) -> None:
    small.exchange.key = replace(small.exchange.key, key_id="another")
    done = asking(small)
    assert (done.code, done.out) == (3, "")
    assert "status 401" in done.err
    assert small.entry.credentials.key_id not in done.err
    assert asking(small, "--json").json["error"] == "RefusedError"
    with small.book.open_log() as log:
        assert log.head() == 0


def test_what_came_out_of_the_spool_is_told_although_the_fetch_fails(small: Rehearsal) -> None:
    with Recorder(small.book.spool_path) as bot:
        quote = {"instrument": "KX", "quoted_at": "2026-05-11T14:30:00Z", "bid": "0.45"}
        assert bot.record("market.quote", quote)
    small.exchange.key = replace(small.exchange.key, key_id="another")
    done = asking(small)
    assert (done.code, done.out) == (3, "")
    assert "1 new event, 0 revisions, 0 duplicates from 1 spool file" in done.err
    assert "status 401" in done.err


def test_a_projection_that_cannot_be_made_is_told_and_what_was_appended_stays(
    small: Rehearsal,
) -> None:
    with (small.book.folder / "ledger.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = asking(small, "--json")
    assert (done.code, done.json["complete"]) == (3, True)
    assert "; projecting failed: " in done.json["verdict"]
    with small.book.open_log() as log:
        assert log.head() == done.json["new"] + 10
    assert run(small.book.folder, "project", "--json").json["watermark"] == done.json["new"] + 10


def test_projecting_can_be_left_for_later(small: Rehearsal) -> None:
    done = asking(small, "--json", "--no-project")
    assert (done.code, done.json["projection"]) == (0, None)
    assert not small.book.projection_path.exists()


# --- how it is asked -----------------------------------------------------------------------------


def test_a_dry_run_tells_what_would_be_new_and_writes_nothing(small: Rehearsal) -> None:
    small.exchange.drift(drifting("fill with an extra key"))
    before = bytes_of(small.book.folder)
    for words in ((), ("--full",), ("--json",)):
        done = asking(small, "--dry-run", *words)
        assert done.code == 1
        assert "(dry run: nothing was written)" in done.out
    assert done.json["projection"] is None
    assert (done.json["dry_run"], done.json["drift"][0]["first_position"]) == (True, None)
    assert bytes_of(small.book.folder) == before
    with small.book.open_log() as log:
        assert log.head() == 0
    assert asking(small, "--json").json["new"] == done.json["new"]


def test_the_options_arrive(small: Rehearsal) -> None:
    asking(small)
    small.clock.advance(timedelta(days=10))

    def begun(*words: str) -> str:
        told = asking(small, "--json", "--no-project", *words).json["streams"]
        (fills,) = (one for one in told if one["stream"] == "fills")
        return str(fills["covered_from"])

    assert begun() == "2026-01-03T00:00:00Z"
    assert begun("--overlap-days", "0").startswith("2026-01-16T00:00:00")
    assert begun("--since", "2026-01-04") == "2026-01-04T00:00:00Z"
    assert begun("--since", "2026-01-04T02:00:00+02:00") == "2026-01-04T00:00:00Z"
    assert begun("--since", "0001-01-01T00:00:00+14:00") == "1970-01-01T00:00:00Z"
    assert begun("--full") == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--full", "--since", "2026-01-01"], "--full is everything and --since is a part"),
        (["--since", "nonsense"], "--since 'nonsense': write it like 2026-01-13T20:00:00Z"),
        (["--since", "2099-01-01"], "--since 2099-01-01T00:00:00+00:00 lies ahead"),
        (["--follow", "--dry-run"], "--follow appends what comes and cannot be a dry run"),
    ],
)
def test_what_makes_no_sense_exits_2_and_asks_nothing(
    small: Rehearsal, words: list[str], told: str
) -> None:
    done = asking(small, *words)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert asking(small, *words, "--json").json["error"] == "UsageError"
    assert small.exchange.requests == []


# --- the key and the site ------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path: Path) -> Path:
    run(tmp_path / "book", "init")
    return tmp_path / "book"


def key_file(folder: Path, mode: int = 0o600) -> Path:
    """Write a key that is good in all but its mode."""
    path = folder / "key.pem"
    path.write_text(process_key("rsa").pem, "ascii")
    path.chmod(mode)
    return path


def configured(book: Path, **settings: str) -> None:
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (book / "book.toml").write_text("\n".join(["[kalshi]", *lines, ""]), "utf-8")


@pytest.mark.parametrize("given", [(), ("KEY_ID",), ("KEY",), ("KEY_FILE",)])
def test_without_a_key_it_exits_2_and_says_what_to_set(
    book: Path, given: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in given:
        monkeypatch.setenv(f"BROKERTRUTH_KALSHI_{name}", "made")
    done = run(book, "fetch", "kalshi")
    assert (done.code, done.out) == (2, "")
    for named in (
        f"key_id and key_file under [kalshi] in {book}/book.toml",
        "$BROKERTRUTH_KALSHI_KEY_ID",
        "$BROKERTRUTH_KALSHI_KEY_FILE",
    ):
        assert named in done.err
    assert run(book, "fetch", "kalshi", "--json").json["error"] == "UnfitKeyError"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_file_that_others_can_read_exits_2(book: Path, tmp_path: Path, mode: int) -> None:
    configured(book, key_id="made", key_file=str(key_file(tmp_path, mode)))
    done = run(book, "fetch", "kalshi")
    assert (done.code, done.out) == (2, "")
    assert "other users may use the key file" in done.err
    assert "chmod 600" in done.err


def test_play_money_does_not_go_into_a_live_book(book: Path, tmp_path: Path) -> None:
    configured(book, site="demo", key_id="made", key_file=str(key_file(tmp_path)))
    for words in ([], ["--follow"]):
        done = run(book, "fetch", "kalshi", *words)
        assert (done.code, done.out) == (2, "")
        assert "trades play money and this book is live" in done.err
        assert "init --mode paper" in done.err


def test_the_environment_comes_before_the_book(
    tmp_path: Path, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(book, site="demo", key_id="of-the-book", key_file=str(tmp_path / "none.pem"))
    exchange = Exchange(World.by_hand())
    monkeypatch.setenv("BROKERTRUTH_KALSHI_SITE", exchange.url)
    monkeypatch.setenv("BROKERTRUTH_KALSHI_STREAM", exchange.stream_url)
    monkeypatch.setenv("BROKERTRUTH_KALSHI_KEY_ID", exchange.key_id)
    monkeypatch.setenv("BROKERTRUTH_KALSHI_KEY", exchange.key_pem)
    with exchange:
        assert run(book, "fetch", "kalshi").code == 0
    assert {seen.status for seen in exchange.requests} <= {200, 404}


def test_a_home_may_be_named_by_its_tilde(
    tmp_path: Path, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    exchange = Exchange(World.by_hand())
    configured(book, site=exchange.url, key_id=exchange.key_id, key_file="~/key.pem")
    with exchange:
        assert run(book, "fetch", "kalshi").code == 0


def test_nobody_at_the_address_is_told_with_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    clock = clock_at(1)
    with rehearsal(tmp_path, Exchange(World.by_hand(), clock=clock), clock) as silent:
        address = replace(silent.entry.site, rest=f"http://127.0.0.1:{port}/trade-api/v2")
        monkeypatch.setattr(fetch, "access", lambda _: replace(silent.entry, site=address))
        done = asking(silent)
    assert done.code == 3
    assert (
        f"no usable answer from http://127.0.0.1:{port}/trade-api/v2 after 6 attempts" in done.out
    )


def test_the_console_script_fetches_from_a_real_socket_in_real_time(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    world = World.by_hand([fill(1, now - timedelta(hours=1))])
    key = key_file(tmp_path)
    assert finish(start("init", folder=tmp_path)).code == 0
    with Exchange(world) as exchange:
        environment = {
            "BROKERTRUTH_KALSHI_SITE": exchange.url,
            "BROKERTRUTH_KALSHI_KEY_ID": exchange.key_id,
            "BROKERTRUTH_KALSHI_KEY_FILE": str(key),
        }
        done = finish(start("fetch", "kalshi", folder=tmp_path, environment=environment))
    assert (done.code, done.err, done.out.count("\n")) == (0, "", 1)
    assert done.verdict.startswith("10 streams complete up to ")
    looked = finish(start("status", "--json", folder=tmp_path))
    assert looked.code == 0
    assert {one["light"] for one in looked.json["streams"]} == {"ok"}
