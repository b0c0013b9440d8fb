"""The recorder: what it acknowledged is on the disk, whatever happens to its process."""

import errno
import fcntl
import gc
import json
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.spool import lines
from domain import jsontext
from domain.bot import PAYLOADS
from domain.errors import NotUnderstoodError
from domain.jsontext import parse
from tests.tools.command import run
from tools import recorder
from tools.recorder import Recorder, RecorderError

AT = datetime(2026, 5, 11, 14, 30, tzinfo=UTC)
QUOTE = {"instrument": "KXMADE", "quoted_at": AT, "bid": "0.45"}
ORDER = {"order_id": "o-1", "strategy": "cross_bracket", "instrument": "KXMADE", "posted_at": AT}
SEEN = {"subject": "KNYC", "source": "nws", "observed_at": AT}
LEFT = {"instrument": "KXMADE", "exited_at": AT, "reason": "TP"}

# A bot that has nothing but the recorder's file: `python -I BOT FOLDER …`.
ALONE = """
import os, signal, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from recorder import Recorder

def quote(key, filling=""):
    return {"instrument": key, "quoted_at": "2026-05-11T14:30:00Z", "mid": 0.5, "note": filling}
"""
KILLED = (
    ALONE
    + """
import random
spool, runs = sys.argv[1], int(sys.argv[2])
chance = random.Random(5)
for number in range(runs):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        recorder = Recorder(spool, strict=True)
        filling = "x" * chance.choice((0, 100, 20_000))
        for count in range(1_000_000):
            key = f"{number}-{count}"
            if recorder.record("market.quote", quote(key, filling), key):
                os.write(writing, f"{key}\\n".encode())
    os.close(writing)
    wanted, told = chance.randrange(30), b""
    while told.count(b"\\n") < wanted:
        told += os.read(reading, chance.randrange(1, 64))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(reading, 65536):
        told += more
    sys.stdout.write(told.decode())
"""
)
TOGETHER = (
    ALONE
    + """
spool, processes, records, fsync = sys.argv[1], *map(int, sys.argv[2:])
recorder = Recorder(spool, fsync=bool(fsync), size_max=1_000_000)
assert recorder.record("market.quote", quote("before the fork"), "before")
children = []
for number in range(processes):
    child = os.fork()
    if not child:
        good = all(
            recorder.record("market.quote", quote(f"{number}-{count}"), f"{number}-{count}")
            for count in range(records)
        )
        os._exit(0 if good else 1)
    children.append(child)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
assert recorder.record("market.quote", quote("after the fork"), "after")
"""
)
NO_ROOM = (
    ALONE
    + """
import resource
spool = sys.argv[1]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
recorder = Recorder(spool)
assert recorder.record("market.quote", quote("first"), "first")
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (300, hard))
assert not recorder.record("market.quote", quote("torn", "x" * 500), "torn")
assert not recorder.record("market.quote", quote("torn", "x" * 500), "torn")
assert recorder.record("market.quote", quote("small"), "small"), recorder.last_error
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
assert recorder.record("market.quote", quote("last", "x" * 500), "last")
assert (recorder.recorded, recorder.failed) == (3, 2)
print(recorder.last_error)
"""
)


def nested(levels: int) -> object:
    """Return lists in each other."""
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


class Twice(dict[str, object]):
    """A mapping that has a name twice."""

    def items(self) -> Any:  # noqa: ANN401 - the view of any mapping
        return [("a", 1), ("a", 2)]


def alone(folder: Path, script: str, *arguments: object) -> str:
    """Run a script beside a copy of the recorder, and return what it printed."""
    folder.mkdir()
    shutil.copy(recorder.__file__, folder / "recorder.py")
    (folder / "bot.py").write_text(script, "utf-8")
    command = [sys.executable, "-I", str(folder / "bot.py"), *map(str, arguments)]
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def recorded(spool: Path) -> list[dict[str, Any]]:
    """Return every line of every file, in the order of the files' names."""
    return [
        json.loads(line)
        for path in sorted(spool.glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]


def payloads(spool: Path) -> list[dict[str, Any]]:
    return [line["payload"] for line in recorded(spool)]


# --- durability ----------------------------------------------------------------------------------


def test_a_hundred_kills_lose_no_acknowledged_line(tmp_path: Path) -> None:
    book = tmp_path / "book"
    run(book, "init")
    acknowledged = set(alone(tmp_path / "bot", KILLED, book / "spool", 100).split())
    assert len({key.partition("-")[0] for key in acknowledged}) > 90
    taken = run(book, "spool", "--json").json
    assert not taken["left"]
    # at most the line that was being written when its process was killed
    assert taken["rejected"] <= 100
    held = run(book, "query", "SELECT instrument_id FROM quote", "--json").json["rows"]
    assert acknowledged <= {row["instrument_id"] for row in held}


def test_eight_processes_write_ten_thousand_lines_each(tmp_path: Path) -> None:
    """Without fsync: 80,000 of them would take minutes and show nothing more."""
    book = tmp_path / "book"
    run(book, "init")
    alone(tmp_path / "bot", TOGETHER, book / "spool", 8, 10_000, 0)
    taken = run(book, "spool", "--no-project", "--json").json
    assert (taken["new"], taken["revisions"], taken["duplicates"]) == (80_002, 0, 0)
    assert (taken["rejected"], taken["left"]) == (0, {})


def test_processes_that_sync_every_line_do_not_mix_theirs(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    alone(tmp_path / "bot", TOGETHER, spool, 4, 100, 1)
    keys = [line["key"] for line in recorded(spool)]
    expected = {f"{number}-{count}" for number in range(4) for count in range(100)}
    assert sorted(keys) == sorted(expected | {"before", "after"})


def test_a_forked_child_writes_a_file_of_its_own(tmp_path: Path) -> None:
    alone(tmp_path / "bot", TOGETHER, tmp_path / "spool", 2, 3, 1)
    contents = [path.read_text("utf-8") for path in sorted((tmp_path / "spool").iterdir())]
    keys = [[json.loads(line)["key"] for line in text.splitlines()] for text in contents]
    assert sorted(keys) == [["0-0", "0-1", "0-2"], ["1-0", "1-1", "1-2"], ["before", "after"]]


def test_threads_share_a_recorder(tmp_path: Path) -> None:
    with Recorder(tmp_path, fsync=False, size_max=20_000) as shared:

        def work(number: int) -> None:
            for count in range(200):
                assert shared.record("market.quote", QUOTE, f"{number}-{count}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert shared.recorded == 1600
    assert len({line["key"] for line in recorded(tmp_path)}) == 1600
    assert all(path.stat().st_size <= 20_000 for path in tmp_path.iterdir())


def test_a_line_that_did_not_fit_is_not_glued_to_the_next(tmp_path: Path) -> None:
    book = tmp_path / "book"
    run(book, "init")
    told = alone(tmp_path / "bot", NO_ROOM, book / "spool")
    assert "is it full?" in told
    taken = run(book, "spool", "--json").json
    assert (taken["rows"]["market.quote"], taken["rejected"]) == (3, 2)
    assert all(one["reason"].startswith("torn") for one in taken["rejected_lines"])


# --- failures ------------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_not_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bot = Recorder(tmp_path)

    def full(path: Path) -> int:
        return os.open("/dev/full", os.O_WRONLY)

    monkeypatch.setattr(recorder, "_made", full)
    with caplog.at_level(logging.ERROR):
        assert [bot.record("market.quote", QUOTE) for _ in range(3)] == [False] * 3
    assert (bot.recorded, bot.failed) == (0, 3)
    assert bot.last_error is not None
    assert "No space left on device" in bot.last_error
    assert len(caplog.records) == 1, "each reason is told once"
    monkeypatch.undo()
    assert bot.record("market.quote", QUOTE), "the next one goes on"
    bot.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    bot = Recorder(tmp_path / "spool")
    assert not bot.record("market.quote", QUOTE)
    assert "Permission denied" in str(bot.last_error)
    tmp_path.chmod(0o700)
    assert bot.record("market.quote", QUOTE)
    bot.close()


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    bot = Recorder(tmp_path / "spool")
    assert not bot.record("market.quote", QUOTE)
    assert "exists" in str(bot.last_error)


def test_who_wants_exceptions_gets_them(tmp_path: Path) -> None:
    with (
        Recorder(tmp_path, strict=True) as bot,
        pytest.raises(RecorderError, match="instrument is missing"),
    ):
        bot.record("market.quote", {})


@pytest.mark.parametrize(
    "names", [{"venue": ""}, {"venue": "a|b"}, {"account": "a b"}, {"mode": "demo"}]
)
def test_names_that_no_ledger_takes_are_refused_when_the_bot_starts(
    tmp_path: Path, names: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=next(iter(names))):
        Recorder(tmp_path, **names)


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        ("bot.thought", {}, "no such kind"),
        ("market.quote", None, "no mapping"),
        ("market.quote", {1: 2}, "no text"),
        ("market.quote", QUOTE | {"instrument": ""}, "instrument is missing"),
        ("market.quote", QUOTE | {"bid": None}, "bid, ask, mid, underlying: all are missing"),
        ("market.quote", QUOTE | {"bid": float("nan")}, "bid is NaN, no number"),
        ("market.quote", QUOTE | {"bid": float("inf")}, "bid is Infinity, no number"),
        ("market.quote", QUOTE | {"bid": "1e-3"}, "bid is no plain number"),
        ("market.quote", QUOTE | {"bid": True}, "bid is no text"),
        ("market.quote", QUOTE | {"bid": Decimal("0.0000000001")}, "bid is no plain number"),
        ("market.quote", QUOTE | {"bid": 10**9}, "bid is no plain number"),
        ("market.quote", QUOTE | {"quoted_at": datetime(2026, 5, 11)}, "no time zone"),  # noqa: DTZ001
        ("market.quote", QUOTE | {"quoted_at": "2026-05-11T14:30:00"}, "quoted_at is no time"),
        ("market.quote", QUOTE | {"quoted_at": "2026-02-30T14:30:00Z"}, "quoted_at is no time"),
        ("market.quote", QUOTE | {"quoted_at": "0001-01-01T00:00:00+01:00"}, "is no time"),
        ("market.quote", QUOTE | {"instrument": "x" * 1001}, "longer than 1000"),
        ("market.quote", QUOTE | {"instrument": "a\0b"}, "NUL"),
        ("market.quote", QUOTE | {"note": "\ud800"}, "surrogates"),
        ("market.quote", QUOTE | {"note": object()}, "a object cannot be written"),
        ("market.quote", QUOTE | {"note": [float("nan")]}, "not JSON compliant"),
        ("market.quote", QUOTE | {"note": [Decimal("NaN")]}, "no number"),
        ("market.quote", QUOTE | {"note": "x" * 1_000_000}, "longer than 1,000,000 bytes"),
        ("market.quote", QUOTE | {"note": {1: 2}}, "the nested name 1 is no text"),
        ("market.quote", QUOTE | {"note": [{"a": {None: 2}}]}, "the nested name None is no text"),
        ("market.quote", QUOTE | {"note": Twice()}, "the nested name 'a' comes twice"),
        ("market.quote", QUOTE | {"note": nested(64)}, "nested deeper than 64 levels"),
        ("market.quote", QUOTE | {"note": nested(100_000)}, "nested deeper than 64 levels"),
        ("bot.order_posted", ORDER | {"side": "BUY"}, "side is none of yes, no, buy, sell"),
        ("bot.order_posted", ORDER | {"order_id": ""}, "all are missing"),
        ("bot.order_posted", ORDER | {"strategy": None}, "strategy is missing"),
        ("market.observation", SEEN | {"features": []}, "features is no object"),
        ("bot.exit", LEFT | {"last": "yes"}, "last is neither"),
    ],
)
def test_s1_1_a_partial_or_wrong_row_is_refused_at_once(
    tmp_path: Path, kind: str, payload: dict[str, object], reason: str
) -> None:
    bot = Recorder(tmp_path)
    assert not bot.record(kind, payload)
    assert reason in str(bot.last_error)
    assert (bot.recorded, bot.failed) == (0, 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["", "x" * 501, 7])
def test_a_key_that_is_none_is_refused(tmp_path: Path, key: str) -> None:
    bot = Recorder(tmp_path)
    assert not bot.record("market.quote", QUOTE, key)
    assert "a key is a text" in str(bot.last_error)


class Silent:
    """Something that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class SilentError(ValueError, Silent):
    """An error that cannot, either."""

    __str__ = Silent.__str__


class Raising(dict[str, object]):
    """A payload that cannot be read."""

    def items(self) -> Any:  # noqa: ANN401 - the view of any mapping
        raise SilentError


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (Silent(), QUOTE),
        ([], QUOTE),
        ("market.quote", Raising(QUOTE)),
        ("market.quote", {Silent(): 1}),
        ("market.quote", QUOTE | {"bid": Silent()}),
        ("market.quote", QUOTE | {"note": {"a": Silent()}}),
    ],
)
def test_what_cannot_say_what_it_is_raises_nothing(
    tmp_path: Path, kind: object, payload: object
) -> None:
    bot = Recorder(tmp_path)
    assert not bot.record(kind, payload)  # type: ignore[arg-type]
    assert bot.failed == 1


def test_a_broken_listener_to_the_log_stops_no_trade(tmp_path: Path) -> None:
    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise RuntimeError(record)

    logger, broken = logging.getLogger("brokertruth.recorder"), Broken()
    logger.addHandler(broken)
    try:
        bot = Recorder(tmp_path)
        assert not bot.record("market.quote", {})
    finally:
        logger.removeHandler(broken)
    assert "instrument is missing" in str(bot.last_error)


def test_a_disk_that_cannot_lock_is_told_once_and_nothing_is_left_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unable(file: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unable)
    bot = Recorder(tmp_path)
    assert [bot.record("market.quote", QUOTE) for _ in range(3)] == [False] * 3
    assert "keep the spool on a local disk" in str(bot.last_error)
    assert (bot.failed, len(caplog.records)) == (3, 1)
    assert not list(tmp_path.iterdir())


def test_a_name_that_may_not_last_holds_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of the file, and every folder that had to be made, are synced first."""
    sync, failing = recorder._sync, [True]
    synced: list[Path] = []

    def unable(folder: Path) -> None:
        if failing and folder == spool:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        synced.append(folder)
        sync(folder)

    spool = tmp_path / "new" / "book" / "spool"
    monkeypatch.setattr(recorder, "_sync", unable)
    with Recorder(spool) as bot:
        assert not bot.record("market.quote", QUOTE, "1")
        assert not list(spool.iterdir())
        failing.clear()
        assert bot.record("market.quote", QUOTE, "2")
    assert [line["key"] for line in recorded(spool)] == ["2"]
    assert set(synced) == {tmp_path, tmp_path / "new", tmp_path / "new" / "book", spool}


def test_what_was_said_is_not_told_in_the_reason(tmp_path: Path) -> None:
    bot = Recorder(tmp_path)
    assert not bot.record("market.quote", QUOTE | {"bid": "s3cret"})
    assert "s3cret" not in str(bot.last_error)


# --- files ---------------------------------------------------------------------------------------


def test_a_file_is_for_its_owner_alone_and_locked_while_its_writer_lives(tmp_path: Path) -> None:
    spool = tmp_path / "book" / "spool"
    bot = Recorder(spool)
    assert bot.record("market.quote", QUOTE)
    (path,) = spool.iterdir()
    assert re.fullmatch(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9]{7}-[0-9a-f]{8}\.jsonl", path.name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.stat().st_mode) == 0o700
    with path.open("rb") as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        bot.close()
        bot.close()
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_recorder_that_nobody_holds_any_more_closes_its_file(tmp_path: Path) -> None:
    for number in range(20):
        assert Recorder(tmp_path).record("market.quote", QUOTE, str(number))
    gc.collect()
    for path in tmp_path.iterdir():
        # nobody holds the lock that goes with an open file
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert len(recorded(tmp_path)) == 20


def test_a_bot_that_changes_its_folder_goes_on_in_the_same_spool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Recorder("spool", size_max=1) as bot:
        assert bot.record("market.quote", QUOTE, "1")
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert bot.record("market.quote", QUOTE, "2")
    assert len(recorded(tmp_path / "spool")) == 2


def test_a_full_file_is_followed_by_another_one_behind_it(tmp_path: Path) -> None:
    with Recorder(tmp_path, size_max=1000) as bot:
        assert all(bot.record("market.quote", QUOTE, str(number)) for number in range(100))
    assert [line["key"] for line in recorded(tmp_path)] == [str(number) for number in range(100)]
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) > 10
    assert max(sizes) <= 1000


def test_a_line_larger_than_a_file_still_gets_one(tmp_path: Path) -> None:
    with Recorder(tmp_path, size_max=10) as bot:
        assert bot.record("market.quote", QUOTE)
        assert bot.record("market.quote", QUOTE)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_new_day_begins_a_new_file(tmp_path: Path) -> None:
    with Recorder(tmp_path) as bot:
        assert bot.record("market.quote", QUOTE)
        bot._started_at -= timedelta(days=1)
        assert bot.record("market.quote", QUOTE)
    assert len(list(tmp_path.iterdir())) == 2


def test_names_sort_in_time_although_the_clock_is_set_back(tmp_path: Path) -> None:
    with Recorder(tmp_path, size_max=1) as bot:
        assert bot.record("market.quote", QUOTE, "1")
        bot._started_at += timedelta(hours=1)
        assert bot.record("market.quote", QUOTE, "2")
        assert bot.record("market.quote", QUOTE, "3")
    assert [line["key"] for line in recorded(tmp_path)] == ["1", "2", "3"]


def test_a_file_that_somebody_deleted_is_not_written_to(tmp_path: Path) -> None:
    with Recorder(tmp_path) as bot:
        assert bot.record("market.quote", QUOTE, "1")
        next(tmp_path.iterdir()).unlink()
        assert bot.record("market.quote", QUOTE, "2")
    assert [line["key"] for line in recorded(tmp_path)] == ["2"]


def test_a_file_that_the_ledger_takes_for_finished_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making a file and locking it, the ledger may have it."""
    lock = fcntl.flock
    files: list[Path] = []

    def faster(file: int, operation: int) -> None:
        if not files:
            (path,) = tmp_path.glob("*.jsonl")
            files.append(path.rename(tmp_path / "taken"))
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", faster)
    with Recorder(tmp_path) as bot:
        assert bot.record("market.quote", QUOTE)
    assert files[0].read_bytes() == b""
    assert len(recorded(tmp_path)) == 1


# --- what is written -----------------------------------------------------------------------------


def test_a_line_says_who_when_and_what(tmp_path: Path) -> None:
    with Recorder(tmp_path, "ibkr", account="U1", mode="paper") as bot:
        assert bot.record("market.quote", QUOTE, "k")
    (line,) = recorded(tmp_path)
    assert datetime.fromisoformat(line.pop("recorded_at")).tzinfo == UTC
    assert line == {
        "v": 1,
        "kind": "market.quote",
        "venue": "ibkr",
        "account": "U1",
        "mode": "paper",
        "key": "k",
        "payload": QUOTE | {"quoted_at": "2026-05-11T14:30:00.000000Z"},
    }


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("mid", 0.45, "0.45"),
        ("mid", 0.1 + 0.2, "0.3"),
        ("mid", 1e-7, "0.0000001"),
        ("mid", 1e-30, "0"),
        ("mid", 100.0, "100.0"),
        ("mid", 100, "100"),
        ("mid", Decimal("1E+2"), "100"),
        ("mid", Decimal("0.4500"), "0.4500"),
        ("edge", 1e-7, "0.0000001"),
        ("note", None, None),
        ("note", True, True),
        (
            "sent_at",
            datetime(2026, 5, 11, 16, 30, tzinfo=timezone(timedelta(hours=2))),
            "2026-05-11T14:30:00.000000Z",
        ),
        ("note", [1, 0.5, Decimal("0.10"), AT, {"a": 1}], None),
    ],
)
def test_numbers_and_times_become_texts(
    tmp_path: Path, name: str, value: object, text: object
) -> None:
    with Recorder(tmp_path, fsync=False) as bot:
        assert bot.record("market.quote", QUOTE | {name: value}), bot.last_error
    told = payloads(tmp_path)[0][name]
    if isinstance(value, list):
        assert told == [1, 0.5, "0.10", "2026-05-11T14:30:00.000000Z", {"a": 1}]
    else:
        assert told == text


def test_what_has_no_id_of_the_brokers_is_recorded_all_the_same(tmp_path: Path) -> None:
    """S1-1: the answer names no client_order_id any more; the order's own id is enough."""
    with Recorder(tmp_path) as bot:
        assert bot.record("bot.order_posted", ORDER | {"client_order_id": ""}), bot.last_error
    lines.check("bot.order_posted", parse(json.dumps(payloads(tmp_path)[0])))


# --- agreement with the ledger -------------------------------------------------------------------


def test_the_recorder_knows_the_members_that_the_ledger_declares() -> None:
    declared = {
        kind: " ".join(
            f"{name}!" if field.is_required() else name
            for name, field in sorted(
                model.model_fields.items(), key=lambda pair: recorder_order(kind, pair[0])
            )
        )
        for kind, model in PAYLOADS.items()
    }
    assert declared == recorder.KINDS


def recorder_order(kind: str, name: str) -> int:
    """Return where the recorder names a member; unknown ones come last."""
    names = recorder.KINDS[kind].replace("!", "").split()
    return names.index(name) if name in names else len(names)


def test_the_documentation_lists_the_members_of_every_kind() -> None:
    text = (Path(recorder.__file__).parents[1] / "docs" / "recorder.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `([a-z_.]+)` \| ([a-z_* ]+) \|$", text, re.MULTILINE))
    assert told == {kind: members.replace("!", "*") for kind, members in recorder.KINDS.items()}


def test_the_recorder_and_the_spool_agree_on_the_longest_line() -> None:
    assert recorder.LINE_BYTES_MAX == lines.LINE_BYTES_MAX
    assert recorder.KEY_LENGTH_MAX == lines.KEY_LENGTH_MAX
    assert recorder.DEPTH_MAX == jsontext.DEPTH_MAX


TEXTS = st.one_of(
    st.text(max_size=3),
    st.sampled_from(
        [
            *("yes", "no", "buy", "sell", "posted", "shadow", "skipped", "0", "0.45", "-1.5", "1."),
            *(
                "1234567890.5",
                "0.123456789",
                "0.1234567891",
                "0.1000000000000",
                "1e3",
                ".5",
                "\uff11",
            ),
            *("2026-05-11T14:30:00Z", "2026-05-11 14:30:00.123456+14:00", "2026-05-11T14:30Z"),
            *("2026-05-11T14:30:00.1234567Z", "2026-05-11T14:30:00.12345600Z", "2026-05-11"),
            *("2026-13-11T14:30:00Z", "9999-12-31T23:59:59-01:00", "2026-05-11T14:30:00+14:30"),
            *("x" * 1000, "x" * 1001, "a\0b", "0.5\n"),
        ]
    ),
)
VALUES = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.integers(-(10**11), 10**11),
    st.floats(),
    st.decimals(allow_nan=True),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5))])),
    st.dictionaries(TEXTS, st.one_of(TEXTS, st.floats(allow_nan=False, allow_infinity=False))),
)
GOOD = {
    "strategy": "s",
    "instrument": "i",
    "posted_at": "2026-05-11T14:30:00Z",
    "decided_at": "2026-05-11T14:30:00Z",
    "exited_at": "2026-05-11T14:30:00Z",
    "quoted_at": "2026-05-11T14:30:00Z",
    "forecast_at": "2026-05-11T14:30:00Z",
    "observed_at": "2026-05-11T14:30:00Z",
    "order_id": "o",
    "decision_id": "d",
    "side": "yes",
    "outcome": "posted",
    "reason": "TP",
    "mid": "0.5",
    "subject": "KNYC",
    "source": "nws",
}


@st.composite
def told(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    """Make a payload that is right but for a few members."""
    kind = draw(st.sampled_from(sorted(PAYLOADS)))
    fields = sorted(PAYLOADS[kind].model_fields)
    payload: dict[str, object] = {name: GOOD[name] for name in fields if name in GOOD}
    for name in draw(st.lists(st.sampled_from([*fields, "more"]), max_size=3)):
        payload[name] = draw(VALUES)
    return kind, payload


@given(told())
def test_the_recorder_refuses_exactly_what_the_spool_would_reject(
    made: tuple[str, dict[str, object]],
) -> None:
    kind, payload = made
    try:
        written = recorder._as_json(recorder.encoded(kind, payload))
    except (ValueError, TypeError):
        written = None
    if written is not None:
        lines.check(kind, parse(written))
        return
    plain = {name: value for name, value in payload.items() if value is not None}
    if all(isinstance(value, str) for value in plain.values()):
        with pytest.raises(NotUnderstoodError):
            lines.check(kind, parse(json.dumps(payload)))


@given(told())
def test_what_the_ledger_takes_comes_back_as_it_was(made: tuple[str, dict[str, object]]) -> None:
    kind, payload = made
    try:
        model = PAYLOADS[kind].model_validate(payload)
    except ValidationError:
        return
    if "more" in payload:
        del payload["more"]
        model = PAYLOADS[kind].model_validate(payload)
    written = recorder._as_json(recorder.encoded(kind, payload))
    assert PAYLOADS[kind].model_validate_json(written) == model


NAMES = st.sampled_from(["a", "1", "true", "", "\0", "\ud800", "a.b[]", "é", 1, True, None])
NESTED = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.decimals(),
        st.text(st.characters(), max_size=3),
        st.sampled_from(["\ud800", "\0", "\u2028", 10**400, {1, 2}]),
        st.sampled_from([10, 61, 62, 63, 64, 1000]).map(nested),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
ODD = st.one_of(VALUES, NESTED, st.sampled_from(["\ud800", "", "\x1b[31m", "\ufeffx", "-", "\x85"]))
KEYS = st.none() | st.text(max_size=5) | st.sampled_from(["k" * 500, "é|%\n", "\ud800", "\0"])


@st.composite
def anything(draw: st.DrawFn) -> tuple[str, dict[str, object], str | None]:
    """Make what a bot may come to say, nested values and keys with it."""
    kind, payload = draw(told())
    for name in draw(st.lists(st.sampled_from(["features", "more", "reason", "é"]), max_size=2)):
        payload[name] = draw(NESTED if name == "features" else ODD)
    return kind, payload, draw(KEYS)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(anything(), min_size=60, max_size=60))
def test_what_the_recorder_acknowledges_is_taken_in_and_can_be_read(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[tuple[str, dict[str, object], str | None]],
) -> None:
    book = tmp_path_factory.mktemp("any") / "book"
    run(book, "init")
    with Recorder(book / "spool", fsync=False) as bot:
        count = sum(bot.record(*record) for record in records)
    taken = run(book, "spool", "--json").json
    assert (taken["rejected"], taken["left"]) == (0, {})
    assert taken["new"] + taken["revisions"] + taken["duplicates"] == count
    assert run(book, "status", "--json").json["unreadable"] == 0


def test_a_signal_in_the_middle_of_a_record_may_record_too(tmp_path: Path) -> None:
    bot = Recorder(tmp_path)

    def interrupted(*_: object) -> None:
        assert bot.record("market.quote", QUOTE, "inner")

    before = signal.signal(signal.SIGUSR1, interrupted)

    class Interrupting(dict[str, object]):
        def items(self) -> Any:  # noqa: ANN401 - the view of any mapping
            signal.raise_signal(signal.SIGUSR1)
            return super().items()

    try:
        assert bot.record("market.quote", Interrupting(QUOTE), "outer")
    finally:
        signal.signal(signal.SIGUSR1, before)
    bot.close()
    assert [line["key"] for line in recorded(tmp_path)] == ["inner", "outer"]
