"""`fake-kalshi`: the exchange for rehearsals, as its users start and stop it."""

import json
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tools.command import Ran, finish, run, start

SERVING = "# serving until interrupted (Ctrl-C)\n"
NAMES = ("SITE", "STREAM", "KEY_ID", "KEY_FILE")


@dataclass(slots=True)
class Served:
    """A made exchange that serves in a process of its own."""

    process: subprocess.Popen[str]
    lines: list[str]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that were printed."""
        exported = (line.removeprefix("export ") for line in self.lines if "=" in line)
        return dict(line.strip().split("=", 1) for line in exported)

    def stop(self, number: signal.Signals = signal.SIGINT) -> Ran:
        """Stop it and return what it said after it had begun to serve."""
        os.kill(self.process.pid, number)
        return finish(self.process)


@contextmanager
def serving(folder: Path, *words: str | Path) -> Iterator[Served]:
    """Serve until the block ends; return when it is ready."""
    process = start("fake-kalshi", "--days", "2", *words, folder=folder)
    try:
        assert process.stdout is not None
        lines = list(iter(process.stdout.readline, SERVING if process.poll() is None else ""))
        yield Served(process, lines)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_it_prints_the_environment_serves_the_console_script_and_writes_the_truth(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, "--generation", "3a", "--truth", "truth.json") as served:
        assert [line.partition("=")[0] for line in served.lines[:4]] == [
            f"export BROKERTRUTH_KALSHI_{name}" for name in NAMES
        ]
        assert served.lines[4:] == ["# what a right ledger says: truth.json\n"]
        key = tmp_path / served.environment["BROKERTRUTH_KALSHI_KEY_FILE"]
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert finish(start("init", folder=tmp_path)).code == 0
        fetched = finish(start("fetch", "kalshi", folder=tmp_path, environment=served.environment))
        assert (fetched.code, fetched.err, fetched.out.count("\n")) == (0, "", 1)
        done = served.stop()
    assert (done.code, done.err) == (0, "")
    assert done.verdict.startswith("served ")
    truth = json.loads((tmp_path / "truth.json").read_text("utf-8"))
    assert truth["fills"] > 0
    book = tmp_path / "book"
    rows = run(book, "query", "SELECT fill_id FROM fill ORDER BY fill_id", "--json").json["rows"]
    assert [row["fill_id"] for row in rows] == truth["fill_ids"]
    cash = run(book, "query", "SELECT sum(amount) AS cash FROM cash_ledger", "--json").json
    assert cash["rows"] == [{"cash": truth["cash"]["total"]}]


def test_json_is_one_object_and_what_to_set_goes_to_standard_error(tmp_path: Path) -> None:
    process = start("fake-kalshi", "--days", "1", "--json", folder=tmp_path)
    assert process.stderr is not None
    lines = list(iter(process.stderr.readline, SERVING if process.poll() is None else ""))
    os.kill(process.pid, signal.SIGINT)
    done = finish(process)
    assert [line.partition("=")[0] for line in lines] == [
        f"export BROKERTRUTH_KALSHI_{name}" for name in NAMES
    ]
    assert done.json == {
        "verb": "fake-kalshi",
        "exit_code": 0,
        "verdict": "served 0 requests",
        "requests": 0,
    }
    assert (done.code, done.err) == (0, "")


def test_a_termination_ends_it_as_well(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        done = served.stop(signal.SIGTERM)
    assert (done.code, done.err, done.out) == (0, "", "served 0 requests\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--generation", "9"], "--generation '9': use one of 0, 1,"),
        (["--generation", ""], "--generation '': use one of"),
        (["--days", "0"], "--days"),
        (["--port", "99999"], "--port"),
        (["--fault-rate", "1"], "--fault-rate"),
        (["--days-ahead", "-1"], "--days-ahead"),
    ],
)
def test_wrong_usage_exits_2_and_makes_nothing(tmp_path: Path, words: list[str], told: str) -> None:
    done = run(tmp_path / "book", "fake-kalshi", tmp_path / "folder", *words)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_exits_3_and_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(tmp_path, "fake-kalshi", tmp_path / "f", "--days", "1", "--port", str(port))
    assert (done.code, done.out) == (3, "")
    assert f"port {port}: Address already in use; name another one" in done.err


def test_a_folder_that_cannot_be_made_exits_3(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path, "fake-kalshi", tmp_path / "file" / "x", "--days", "1")
    assert (done.code, done.out) == (3, "")
    assert "name another one" in done.err


def test_a_truth_that_cannot_be_written_exits_3_and_serves_nothing(tmp_path: Path) -> None:
    truth = tmp_path / "none" / "truth.json"
    done = run(tmp_path, "fake-kalshi", tmp_path, "--days", "1", "--truth", truth)
    assert (done.code, done.out) == (3, "")
    assert f"{truth}: cannot be written: No such file or directory" in done.err
