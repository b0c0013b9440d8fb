"""What the user names becomes a list of files, in a stable order."""

import os
from pathlib import Path

import pytest

from adapters.files import STANDARD_INPUT, expand
from domain.errors import CannotDoError, UsageError


@pytest.fixture(name="tree")
def fixture_tree(tmp_path: Path) -> Path:
    for name in ("b.json", "a/z.csv", "a/b/c.json", ".hidden", "a/.git/config", "c.json"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
    return tmp_path


def names(files: list[Path], root: Path) -> list[str]:
    return [file.relative_to(root).as_posix() for file in files]


def test_a_folder_is_searched_to_the_bottom_in_order_without_hidden_files(tree: Path) -> None:
    assert names(expand([str(tree)]), tree) == ["a/b/c.json", "a/z.csv", "b.json", "c.json"]


def test_files_keep_the_order_in_which_they_were_given(tree: Path) -> None:
    given = [str(tree / "c.json"), str(tree / "b.json"), str(tree / ".hidden")]
    assert names(expand(given), tree) == ["c.json", "b.json", ".hidden"]


def test_a_file_that_is_reached_twice_is_listed_once(tree: Path) -> None:
    (tree / "link.json").symlink_to(tree / "b.json")
    given = [str(tree / "c.json"), str(tree), str(tree / "a" / ".." / "b.json")]
    assert names(expand(given), tree) == ["c.json", "a/b/c.json", "a/z.csv", "b.json"]


def test_a_minus_stands_for_standard_input(tree: Path) -> None:
    assert expand(["-", str(tree / "b.json"), "-"]) == [STANDARD_INPUT, tree / "b.json"]


def test_links_are_followed_and_loops_are_not(tree: Path) -> None:
    (tree / "a" / "loop").symlink_to(tree)
    (tree / "self").symlink_to(tree / "self")
    (tree / "dangling").symlink_to(tree / "nowhere")
    (tree / "d").symlink_to(tree / "a" / "b")
    assert names(expand([str(tree)]), tree) == ["a/b/c.json", "a/z.csv", "b.json", "c.json"]
    assert names(expand([str(tree / "d")]), tree) == ["d/c.json"]


def test_what_is_no_regular_file_is_skipped_in_a_folder(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    assert "pipe" not in names(expand([str(tree)]), tree)
    assert names(expand([str(tree / "pipe")]), tree) == ["pipe"]


def test_a_missing_path_is_named(tree: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        expand([str(tree), str(tree / "nowhere")])


@pytest.mark.parametrize("name", ["no\0where", "x" * 5000, "\udcff"])
def test_a_path_that_no_file_can_have_is_missing(name: str) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        expand([name])


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_text("{}")
    for given in ([], [str(tmp_path)]):
        with pytest.raises(UsageError, match="no file to read"):
            expand(given)


def test_a_folder_that_may_not_be_listed_is_an_error(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(CannotDoError, match="cannot list the folder"):
        expand([str(tree)])
