"""A file with a secret is read only if it is its owner's alone."""

import os
import traceback
from pathlib import Path

import pytest

from adapters import secretfiles
from domain.errors import UsageError

BYTES_MAX = 16


class UnfitError(UsageError):
    """One of the caller's own."""


def read(file: Path) -> bytes:
    return secretfiles.read(
        file, name="NAME", what="password", bytes_max=BYTES_MAX, unfit=UnfitError
    )


def refusal(file: Path) -> str:
    with pytest.raises(UnfitError) as caught:
        read(file)
    assert caught.value.__context__ is None
    assert str(file) not in "".join(traceback.format_exception_only(caught.value))
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(b"open sesame" * 9)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_what_only_its_owner_may_use_is_read_as_far_as_is_wanted(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert read(file) == b"open sesameopen "


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601])
def test_what_others_may_use_is_refused_with_what_to_do(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert refusal(file) == (
        f"NAME: other users may use the password file (mode {mode:o}); take that away with chmod "
        "600, and make a new password if others use this machine"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(file: Path) -> None:
    os.chown(file, 12345, -1)
    assert "belongs to another user, who could exchange the password" in refusal(file)


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for odd in (tmp_path, tmp_path / "pipe"):
        assert "not a regular file; name the file that holds the password" in refusal(odd)
    assert refusal(tmp_path / "missing") == (
        "NAME: the password file cannot be read: No such file or directory"
    )
