"""`brokertruth diff` and its page."""

import shutil
from pathlib import Path

import duckdb
import pytest
from lxml import html

from tests.tools.command import run, small_book
from tools.diff import positions

RULES = 'version = "2"\n[strategies."{name}"]\nprefixes = ["bot-"]\n'
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book whose candidate has other rules."""
    made = small_book(tmp_path_factory.mktemp("diff"))
    (made / "attribution.toml").write_text(RULES.format(name=HOSTILE))
    assert run(made, "rebuild").code in (0, 1)
    assert (made / "candidate.duckdb").exists()
    return made


def test_the_candidate_differs_and_it_says_in_what(book: Path) -> None:
    told = run(book, "diff")
    assert told.code == 1
    assert told.verdict.startswith("current → candidate: ")
    assert (
        "; moved: 2 lots to another strategy, amounts of 0 lots, sums of 2 strategies; "
        "net in total: none"
    ) in told.verdict
    assert HOSTILE in told.out
    assert max(map(len, told.out.splitlines()[:-1])) <= 100


def test_the_json_says_rows_money_and_positions(book: Path) -> None:
    told = run(book, "diff", "--json").json
    assert (told["exit_code"], told["differs"], told["log_checked"]) == (1, True, True)
    assert (told["same_events"], told["same_rules"]) == (True, False)
    by_name = {line["strategy"]: line for line in told["money"]["strategies"]}
    assert by_name[HOSTILE]["moved"] == {
        "gross": "2.4",
        "fees": "0.27",
        "net": "2.13",
        "lots_pending": 0,
    }
    assert by_name[HOSTILE]["positions"]
    attribution = next(one for one in told["tables"] if one["table"] == "attribution")
    assert attribution["columns"]["strategy"] == 1
    assert attribution["examples"][0]["cells"]["strategy"]["new"] == HOSTILE
    assert {one["kind"] for one in told["events"]} <= {"kalshi.fill", "kalshi.settlement"}


def test_one_table_is_told_row_by_row(book: Path) -> None:
    told = run(book, "diff", "--table", "attribution")
    assert f"strategy  unattributed → {HOSTILE}" in told.out
    assert "realized P&L" not in told.out
    same = run(book, "diff", "--table", "settlement")
    assert "settlement: nothing differs" in same.out
    assert run(book, "diff", "--table", "nonsense").code == 2


def test_a_projection_does_not_differ_from_itself(book: Path) -> None:
    told = run(book, "diff", "current", "current")
    assert (told.code, told.verdict) == (0, "current → current: nothing differs")


def test_a_file_can_be_named_and_a_missing_one_is_wrong_usage(book: Path, tmp_path: Path) -> None:
    shutil.copyfile(book / "candidate.duckdb", tmp_path / "copy.duckdb")
    assert run(book, "diff", "candidate", tmp_path / "copy.duckdb").code == 0
    assert run(book, "diff", "nothing").code == 2


def test_a_projection_of_another_log_is_wrong_usage(book: Path, tmp_path: Path) -> None:
    # the same pages, received at another moment
    other = tmp_path / "book"
    assert run(other, "init").code == 0
    assert run(other, "ingest", book.parent / "pages").code == 0
    told = run(other, "diff", "current", book / "ledger.duckdb")
    assert told.code == 2
    assert "is of another log" in told.err


def test_the_page_is_whole_escaped_and_the_same_every_time(book: Path, tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        told = run(book, "diff", "--html", tmp_path / name)
        assert told.code == 1
        assert told.verdict.endswith(f"written to {tmp_path / name}")
    text = (tmp_path / "one.html").read_text("utf-8")
    assert text == (tmp_path / "two.html").read_text("utf-8")
    assert HOSTILE not in text
    page = html.fromstring(text)
    assert page.xpath("//script | //link | //img | //iframe | //@onclick | //@src") == []
    assert [link for link in page.xpath("//a/@href") if not link.startswith("#")] == []
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.xpath("//a/@href")} <= set(ids)
    assert len(page.xpath("//figure//*[local-name() = 'svg']")) == 1
    assert HOSTILE in page.xpath("//td/text()")
    assert page.xpath("//td[span[@class='up']]")


def test_the_page_says_what_the_two_are_of(book: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    run(book, "diff", "--html", target)
    said = " ".join(html.fromstring(target.read_text("utf-8")).xpath("//p[@class='quiet']/text()"))
    assert "Both are of the same events and of different rules or code." in " ".join(said.split())
    run(book, "diff", "current", "current", "--html", target)
    said = " ".join(html.fromstring(target.read_text("utf-8")).xpath("//p[@class='quiet']/text()"))
    assert "Both are of the same events and the same rules and code." in " ".join(said.split())


def test_a_strategy_called_total_is_not_the_sum(tmp_path: Path) -> None:
    made = small_book(tmp_path)
    (made / "attribution.toml").write_text(RULES.format(name="total"))
    rebuilt = run(made, "rebuild")
    told = run(made, "diff", "--html", tmp_path / "page.html")
    for out in (rebuilt.out, told.out):
        rows = [line.split()[1:] for line in out.splitlines() if line.startswith("kalshi/")]
        assert [row[:2] for row in rows[:3]] == [
            ["total", "USD"],
            ["unattributed", "USD"],
            ["=", "total"],
        ]
    page = html.fromstring((tmp_path / "page.html").read_text("utf-8"))
    assert page.xpath("//tr[@class='total']/td[2]/text()") == ["= total"]


def test_tables_of_another_layout_are_no_tables_whose_rows_differ(
    book: Path, tmp_path: Path
) -> None:
    shutil.copyfile(book / "ledger.duckdb", tmp_path / "copy.duckdb")
    with duckdb.connect(str(tmp_path / "copy.duckdb")) as connection:
        connection.execute("DROP TABLE outcome")
    told = run(book, "diff", "current", tmp_path / "copy.duckdb")
    assert told.verdict.endswith("copy.duckdb: the layout of 1 table differs; no money moved")


def test_the_nearest_positions_are_told_and_how_many_more_there_are() -> None:
    assert positions([1, 2, 3], 0, 3) == "1, 2, 3"
    assert positions([1, 2, 3, 4], 0, 3) == "1, 2, 3 … 1 more"
    assert positions([1, 2], 0, 3) == "1, 2"
    assert positions([1, 2, 3, 4], 1_000, 3) == "1, 2, 3 … 1,001 more"


def test_a_page_that_cannot_be_written_is_told(book: Path, tmp_path: Path) -> None:
    told = run(book, "diff", "--html", tmp_path / "no" / "folder.html")
    assert told.code == 3
    assert "cannot write" in told.err
