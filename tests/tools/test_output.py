"""Files that a user names: never among the book's own, and a page over nothing but a page."""

from pathlib import Path

import pytest

from tests.tools.command import DAY, bytes_of, run, small_book

QUESTION = "SELECT 1 AS one"
VERBS = {
    "explain": ("explain", DAY, "--html"),
    "diff": ("diff", "current", "current", "--html"),
    "csv": ("query", QUESTION, "--format", "csv", "--output"),
    "table": ("query", QUESTION, "--output"),
    "parquet": ("query", QUESTION, "--format", "parquet", "--output"),
    "rebuild": ("rebuild", "--as-of-position", "4", "--into"),
}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    made = small_book(tmp_path)
    assert run(made, "report", "save", "june").code == 0
    (tmp_path / "link").symlink_to(made / "log.sqlite")
    return made


@pytest.mark.parametrize("words", VERBS.values(), ids=VERBS)
def test_no_verb_writes_over_or_beside_the_files_of_the_book(
    book: Path, words: tuple[str, ...]
) -> None:
    before = bytes_of(book)
    for name in ("log.sqlite", "new.html", "reports/june.json", "spool/x"):
        done = run(book, *words, book / name)
        assert (done.code, done.out) == (2, ""), name
        assert "the folder of the book is its own; name a file elsewhere" in done.err
    assert bytes_of(book) == before


@pytest.mark.parametrize("words", VERBS.values(), ids=VERBS)
def test_no_verb_follows_a_link_into_the_book(book: Path, words: tuple[str, ...]) -> None:
    before = bytes_of(book)
    for path in (book.parent / "link", book):
        done = run(book, *words, path)
        assert (done.code in (2, 3), done.out) == (True, "")
    assert bytes_of(book) == before
    assert (book.parent / "link").is_symlink()


@pytest.mark.parametrize("words", [VERBS["explain"], VERBS["diff"]], ids=["explain", "diff"])
def test_a_page_takes_the_place_of_a_page_and_of_nothing_else(
    book: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    for text in ("mine", '<!DOCTYPE html>\n<html lang="en">\n<head>\n<title>mine</title>', ""):
        (tmp_path / "mine.html").write_text(text)
        done = run(book, *words, tmp_path / "mine.html")
        assert (done.code, "no page of this program: name another file" in done.err) == (2, True)
        assert (tmp_path / "mine.html").read_text() == text
    assert run(book, *words, tmp_path).code == 2
    page = tmp_path / "page.html"
    assert run(book, *words, page).code == 0
    written = page.read_text("utf-8")
    page.write_text(f"{written}older")
    assert run(book, *words, page).code == 0
    assert page.read_text("utf-8") == written
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_answer_may_go_to_a_device(book: Path) -> None:
    assert run(book, *VERBS["csv"], "/dev/null").code == 0
    done = run(book, *VERBS["parquet"], "/dev/null")
    assert (done.code, "parquet needs a file" in done.err) == (2, True)
    assert Path("/dev/null").is_char_device()
