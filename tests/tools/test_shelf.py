"""The places of projection files: renames alone, and nothing half done stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from domain.errors import CannotDoError
from tools import shelf


def made(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.duckdb").write_text(text)


def found(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("candidate", {"ledger": "candidate", "previous": "current"}),
        ("previous", {"ledger": "previous", "previous": "current", "candidate": "candidate"}),
        ("standby", {"ledger": "standby", "standby": "current", "candidate": "candidate"}),
    ],
)
def test_what_takes_the_place_of_the_current_one_says_as_what_that_is_kept(
    tmp_path: Path, source: str, files: dict[str, str]
) -> None:
    names = {"candidate", "previous", "standby"} & ({source} | files.keys())
    made(tmp_path, ledger="current", **{name: name for name in names})
    shelf.make_current(tmp_path / f"{source}.duckdb", tmp_path / "ledger.duckdb")
    assert found(tmp_path) == files


def test_what_is_not_to_be_kept_is_gone(tmp_path: Path) -> None:
    made(tmp_path, ledger="broken", candidate="good", previous="older")
    shelf.make_current(tmp_path / "candidate.duckdb", tmp_path / "ledger.duckdb", keep=False)
    assert found(tmp_path) == {"ledger": "good", "previous": "older"}


@pytest.mark.parametrize("source", ["candidate", "previous", "standby"])
def test_a_switch_that_had_not_happened_is_taken_back(tmp_path: Path, source: str) -> None:
    made(tmp_path, ledger="current", **{source: "other"})
    (tmp_path / f"{source}.replaced").hardlink_to(tmp_path / "ledger.duckdb")
    shelf.settle(tmp_path)
    assert found(tmp_path) == {"ledger": "current", source: "other"}


@pytest.mark.parametrize("source", ["candidate", "previous", "standby"])
def test_a_switch_that_had_happened_is_finished(tmp_path: Path, source: str) -> None:
    made(tmp_path, ledger="other")
    (tmp_path / f"{source}.replaced").write_text("current")
    shelf.settle(tmp_path)
    kept = "standby" if source == "standby" else "previous"
    assert found(tmp_path) == {"ledger": "other", kept: "current"}


def test_a_copy_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CannotDoError, match=r"cannot copy .*: No such file"):
        shelf.copy(tmp_path / "none.duckdb", tmp_path / "target.duckdb")
    assert found(tmp_path) == {}


def test_what_the_engine_left_beside_a_file_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "standby.duckdb"
    for left in (path, tmp_path / "standby.duckdb.wal"):
        left.write_text("")
    (tmp_path / "standby.duckdb.tmp").mkdir()
    (tmp_path / "standby.duckdb.tmp" / "block").write_text("")
    shelf.discard(path)
    shelf.discard(path)
    assert found(tmp_path) == {}


def test_a_file_that_the_engine_has_not_finished_takes_no_place(tmp_path: Path) -> None:
    made(tmp_path, ledger="current", standby="other")
    (tmp_path / "standby.duckdb.wal").write_text("changes")
    with pytest.raises(CannotDoError, match="was not closed properly"):
        shelf.make_current(tmp_path / "standby.duckdb", tmp_path / "ledger.duckdb")
    shelf.settle(tmp_path)
    assert found(tmp_path) == {"ledger": "current", "standby": "other", "standby.duckdb": "changes"}


def test_changes_to_a_file_that_goes_are_not_applied_to_the_one_that_comes(tmp_path: Path) -> None:
    made(tmp_path, ledger="current", candidate="other")
    (tmp_path / "ledger.duckdb.wal").write_text("changes by hand")
    shelf.make_current(tmp_path / "candidate.duckdb", tmp_path / "ledger.duckdb")
    assert found(tmp_path) == {"ledger": "other", "previous": "current"}


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotDoError, match="cannot write in"), shelf.scratch(tmp_path / "none"):
        pass


def test_the_scratch_of_a_process_that_was_killed_goes_and_what_is_in_use_stays(
    tmp_path: Path,
) -> None:
    program = (
        "import os, pathlib, sys; from tools import shelf\n"
        "with shelf.scratch(pathlib.Path(sys.argv[1])) as made:\n"
        "    (made / 'at-1.duckdb').write_text('big'); os.kill(os.getpid(), 9)"
    )
    (tmp_path / ".rebuild-notes").mkdir()
    for settles in (True, False):
        killed = subprocess.run([sys.executable, "-c", program, tmp_path], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert len(list(tmp_path.iterdir())) == 2
        if settles:
            shelf.settle(tmp_path)
            assert [path.name for path in tmp_path.iterdir()] == [".rebuild-notes"]
        with shelf.scratch(tmp_path) as one, shelf.scratch(tmp_path) as other:
            shelf.settle(tmp_path)
            there = {path.name for path in tmp_path.iterdir()}
            assert there == {".rebuild-notes", one.name, other.name}
    assert [path.name for path in tmp_path.iterdir()] == [".rebuild-notes"]


def test_a_termination_leaves_no_scratch(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught, shelf.scratch(tmp_path):
        os.kill(os.getpid(), signal.SIGTERM)
    assert (caught.value.code, list(tmp_path.iterdir())) == (143, [])
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_file_is_written_whole_or_as_it_was(tmp_path: Path) -> None:
    path, link = tmp_path / "page", tmp_path / "link"
    path.write_text("before")
    link.symlink_to(path)
    with pytest.raises(ZeroDivisionError), shelf.whole(link) as file:
        file.write(bytes(1 // 0))
    assert path.read_text() == "before"
    with shelf.whole(link) as file:
        file.write(b"after")
    assert (path.read_text(), link.is_symlink()) == ("after", True)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "page"]
