"""Statements that are kept, and what is left of those that were not."""

import fcntl
import os
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.flex import keeping
from adapters.flex.service_answers import Document, Statement
from domain.errors import CannotDoError

QUERY = "123456"
DOCUMENT = Document(
    1, "0123456789abcdef" * 4, (Statement("U1", "2025-01-01", "20251231", "", "AF"),)
)


def test_a_statement_is_kept_for_its_owner_alone_under_a_name_that_says_what_it_is(
    tmp_path: Path,
) -> None:
    folder, before = tmp_path / "statements", os.umask(0)
    try:
        with keeping.incoming(folder) as (path, file):
            file.write(b"<a/>")
            file.flush()
            assert path.stat().st_mode & 0o777 == 0o600
            kept = keeping.keep(folder, path, QUERY, DOCUMENT)
    finally:
        os.umask(before)
    assert kept.name == "123456-20250101-20251231-0123456789ab.xml"
    assert kept.read_bytes() == b"<a/>"
    assert (kept.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert list(folder.iterdir()) == [kept]


def test_what_is_not_kept_is_gone_and_so_is_what_a_killed_fetch_left(tmp_path: Path) -> None:
    (tmp_path / ".incoming-killed.xml").write_bytes(b"half")
    with keeping.incoming(tmp_path) as (running_one, _):
        with keeping.incoming(tmp_path) as (path, _):
            assert sorted(tmp_path.iterdir()) == sorted([running_one, path])
        assert list(tmp_path.iterdir()) == [running_one]
    assert list(tmp_path.iterdir()) == []


def test_days_that_would_lead_out_of_the_folder_do_not(tmp_path: Path) -> None:
    odd = replace(DOCUMENT, statements=(Statement("U1", "../../x", "", "", "AF"),))
    with keeping.incoming(tmp_path) as (path, _):
        kept = keeping.keep(tmp_path, path, QUERY, odd)
    assert kept.name == "123456-x-undated-0123456789ab.xml"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(CannotDoError, match="statements cannot be kept here"),
        keeping.incoming(tmp_path / "file" / "statements"),
    ):
        pass


def test_a_file_that_another_fetch_cleared_away_before_it_was_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, others = fcntl.flock, [keeping.incoming(tmp_path)]

    def late(file: int, how: int) -> None:
        if others:
            with others.pop():
                pass
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with keeping.incoming(tmp_path) as (path, file):
        assert not others
        file.write(b"<a/>")
        file.flush()
        kept = keeping.keep(tmp_path, path, QUERY, DOCUMENT)
    assert kept.read_bytes() == b"<a/>"
    assert list(tmp_path.iterdir()) == [kept]


def test_what_is_gone_while_it_is_cleared_away_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, left = fcntl.flock, tmp_path / ".incoming-left.xml"
    left.touch()
    # it cannot be opened either: what it leads to is not there
    (tmp_path / ".incoming-gone.xml").symlink_to("nowhere")

    def late(file: int, how: int) -> None:
        left.unlink(missing_ok=True)
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with keeping.incoming(tmp_path) as (path, _):
        assert path.exists()
    assert not left.exists()
