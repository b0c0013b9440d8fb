"""The token: where it comes from, and what is never repeated."""

import os
from pathlib import Path

import pytest

from adapters.flex import addresses, tokens
from adapters.flex.service_errors import UnfitTokenError
from domain.errors import UsageError
from tests.fakes.flex_service import TOKEN


def token_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_token_comes_from_a_text_or_from_a_file_of_its_owner(tmp_path: Path) -> None:
    assert tokens.load(f" {TOKEN}\n", None).text == TOKEN
    assert tokens.load(None, token_file(tmp_path, f"{TOKEN}\n")).text == TOKEN


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
def test_a_token_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UnfitTokenError, match="chmod 600"):
        tokens.load(None, token_file(tmp_path, TOKEN, mode))


@pytest.mark.parametrize("text", ["", "short", "two words", f"t={TOKEN}&q=1", "x" * 201, "ü" * 9])
def test_what_is_no_token_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    for given, file in ((text, None), (None, token_file(tmp_path, text))):
        with pytest.raises(UnfitTokenError, match="no token of the Flex web service") as caught:
            tokens.load(given, file)
        assert TOKEN not in str(caught.value)
        assert caught.value.__context__ is None


def test_a_token_file_that_is_missing_or_none_and_two_tokens_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnfitTokenError, match="cannot be read"):
        tokens.load(None, tmp_path / "missing")
    with pytest.raises(UnfitTokenError, match="not a regular file"):
        tokens.load(None, tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(UnfitTokenError, match="not a regular file"):
        tokens.load(None, tmp_path / "pipe")
    with pytest.raises(UnfitTokenError, match="give one of them"):
        tokens.load(TOKEN, token_file(tmp_path, TOKEN))
    with pytest.raises(UnfitTokenError, match="no Flex token"):
        tokens.load(None, None)


@pytest.mark.parametrize("text", [TOKEN, f"~/{TOKEN}", f"t={TOKEN}", "aB3-" * 5, "9" * 12])
def test_what_might_be_a_token_is_not_repeated_where_a_file_or_an_address_belongs(
    text: str,
) -> None:
    for told in (refused_file(text), tokens.shown(text), refused_address(text)):
        assert "not repeated" in told
        assert text not in told
        assert TOKEN[:8] not in told


def refused_file(text: str) -> str:
    with pytest.raises(UnfitTokenError, match="the token file cannot be read") as caught:
        tokens.load(None, Path(text))
    return str(caught.value)


def refused_address(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        addresses.base(text)
    return str(caught.value)


def test_what_is_no_token_is_repeated() -> None:
    assert refused_file("missing/token").startswith("missing/token: ")
    assert tokens.shown("x1\n") == "'x1'"
    assert tokens.shown("1" * 11) == repr("1" * 11)
