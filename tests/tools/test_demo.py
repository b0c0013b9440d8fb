"""The demo: made pages, the real script, and two columns whose figures are known beforehand.

What the ledger must say is computed here from the truths that the pages were made of, by
arithmetic that shares nothing with the ledger; the literal figures beside it say why.
"""

import shlex
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.made import demo_pages
from tests.tools.command import Ran, bytes_of, finish, run, start
from tools import book as books
from tools.demo.comparison import TOTAL, compare
from tools.demo.handwritten import PREFIXES, strategy_of
from tools.fake_kalshi.truths import ONE, ZERO, Execution, gross

ROOT = Path(__file__).parents[2]
SETTLED = (
    demo_pages.november(),
    demo_pages.january(),
    demo_pages.february(),
    demo_pages.march(),
    demo_pages.may(),
    demo_pages.july(),
    demo_pages.september(),
)
TRUTHS = [row for chapter in SETTLED for row in chapter.executions]
UNREAD = demo_pages.october().executions
HEDGED_MARKETS = 13
WINNINGS = Decimal(4)

# question -> what the hand-written database says, what the ledger says
COLUMNS = {
    # November 27 and February 32; January's 45 were overwritten, from March on count is gone
    "Contracts filled": ("59", "181.5"),
    "Paid for contracts": ("$25.81", "$78.1295"),
    "Fills in a shape nobody knows": ("0 contracts", "2 unreadable"),
    # February 3 and March 11; January's 6, May's 12, July's 2 and September's 3 have lost the id
    "Fills of cross_bracket": ("14", "37"),
    # all in March, when fills still named the order
    "Fills of cross_bracket_exit": ("3", "3"),
    # February 3 and March 2
    "Fills of directional": ("5", "14"),
    # one was placed by hand: 4 + 8 + 13 + 4 + 4 fills without an id, and the 2 unknown ones
    "Fills of nobody (manual)": ("35", "1"),
    "cross_bracket fills, 9-12 May": ("0", "12"),
    "Hedged markets shown as losses": ("13 of 13", "0 of 13"),
    # 13 pairs of 1.00 between them
    "P&L of the hedged markets": ("-$11.93", "$1.07"),
    # 4 contracts at 0.45 and a fee of 0.07; they paid 4.00
    "P&L of a winner with revenue 0": ("-$1.87", "$2.13"),
    "P&L of cross_bracket": ("-$18.67", "$8.574"),
    "P&L of directional": ("-$8.57", "$2.0737"),
    "P&L of manual": ("$21.4583", "$0.5706"),
    # 13 for the pairs and 4 for the winner between them
    "Realized P&L, net of fees": ("-$5.7817", "$11.2183"),
    "Fees": ("$4.3032", "$2.3149"),
    "January fills with a strategy": ("0", "8"),
    "January contracts": ("0", "45"),
    "Fills, one page taken in twice": ("57", "57"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One run of the demo for programs, and the folder in which it ran."""

    folder: Path
    ran: Ran
    data: dict[str, Any]

    def row(self, question: str) -> dict[str, Any]:
        """Return the row of a question."""
        (found,) = (row for row in self.data["comparison"] if row["question"] == question)
        return dict(found)

    def ledger(self, question: str) -> Decimal:
        """Return a figure of the ledger."""
        return Decimal(self.row(question)["ledger"].replace("$", ""))


def demo(folder: Path, *arguments: str, **environment: str) -> Ran:
    """Run the demo by the console script."""
    return finish(start("demo", *arguments, folder=folder, environment=environment))


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("demo")
    ran = demo(folder, "--json")
    return Shown(folder, ran, ran.json)


def net_of(rows: list[Execution], payouts: dict[str, Decimal]) -> Decimal:
    """Return what fills of settled markets made, each contract held to the end."""
    found = ZERO
    for row in rows:
        if row.ticker in payouts:
            paid = payouts[row.ticker] if row.acquired == "yes" else ONE - payouts[row.ticker]
            found += row.quantity * paid - row.cost - row.fee
    return found


def payouts() -> dict[str, Decimal]:
    """Return what one YES paid in each settled market."""
    ended = [ending for chapter in SETTLED for ending in chapter.endings]
    return {it.ticker: it.payout for it in ended if it.payout is not None}


# --- the pages -----------------------------------------------------------------------------------


def test_the_bundled_pages_are_what_the_script_makes() -> None:
    bundled = {path.name: path.read_bytes() for path in demo_pages.FOLDER.iterdir()}
    assert bundled == {name: text.encode() for name, text in demo_pages.pages().items()}


def test_the_pages_are_part_of_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    assert {f"tools/demo/pages/{name}" for name in demo_pages.pages()} <= inside


def test_the_story_is_small_and_has_thirteen_hedges() -> None:
    rows = [*TRUTHS, *UNREAD]
    markets = {row.ticker for row in rows}
    assert (len(rows), len(markets)) == (57, 27)
    totals = [gross(row for row in rows if row.ticker == ticker) for ticker in sorted(markets)]
    hedged = [it for it in totals if it.yes and it.no]
    assert len(hedged) == HEDGED_MARKETS
    assert all(it.yes == it.no == ONE for it in hedged)
    assert {it.yes_cost + it.no_cost for it in hedged} <= {
        Decimal(cents) / 100 for cents in (89, 90, 91)
    }


# --- the two columns -----------------------------------------------------------------------------


def test_both_columns_say_what_is_expected_of_them(shown: Shown) -> None:
    said = {
        row["question"]: (row["handwritten"], row["ledger"]) for row in shown.data["comparison"]
    }
    assert said == COLUMNS


def test_the_ledger_says_what_the_made_truths_add_up_to(shown: Shown) -> None:
    assert shown.ledger("Contracts filled") == sum(row.quantity for row in TRUTHS)
    assert shown.ledger("Paid for contracts") == sum(row.cost for row in TRUTHS)
    assert shown.ledger("Fees") == sum(row.fee for row in TRUTHS)
    assert shown.ledger("Realized P&L, net of fees") == net_of(TRUTHS, payouts())
    for strategy in ("cross_bracket", "cross_bracket_exit", "directional", "manual"):
        own = [row for row in TRUTHS if strategy_of(row.client_order_id or "") == strategy]
        question = "Fills of nobody (manual)" if strategy == "manual" else f"Fills of {strategy}"
        assert shown.ledger(question) == len(own)
    directional = [row for row in TRUTHS if strategy_of(row.client_order_id or "") == "directional"]
    assert shown.ledger("P&L of directional") == net_of(directional, payouts())


def test_the_totals_differ_by_what_was_misread_and_by_nothing_else(shown: Shown) -> None:
    total = shown.row("Realized P&L, net of fees")
    wrong, right = (Decimal(total[it].replace("$", "")) for it in ("handwritten", "ledger"))
    assert right - wrong == HEDGED_MARKETS * ONE + WINNINGS


def test_strategies_add_up_to_the_total_in_both_columns(shown: Shown) -> None:
    for column in ("handwritten", "ledger"):
        parts = [
            Decimal(row[column].replace("$", ""))
            for row in shown.data["comparison"]
            if row["question"] in {f"P&L of {it}" for it in (*PREFIXES.values(), "manual")}
        ]
        total = shown.row("Realized P&L, net of fees")[column].replace("$", "")
        assert sum(parts) == Decimal(total)


def test_the_hand_written_database_was_right_while_the_api_stood_still(tmp_path: Path) -> None:
    january = demo_pages.january()
    settlements = tmp_path / "settlements.json"
    settlements.write_text(
        demo_pages.listing("settlements", demo_pages.settlements(january)), "utf-8"
    )
    pages = [demo_pages.FOLDER / "2026-01-fills.json", settlements]
    book = tmp_path / "book"
    run(book, "init")
    rules = "\n".join(
        f'[strategies.{strategy}]\nprefixes = ["{prefix}"]' for prefix, strategy in PREFIXES.items()
    )
    (book / "attribution.toml").write_text(rules, "utf-8")
    assert run(book, "ingest", *pages).code == 0
    compared = compare(books.load(book), pages)
    total = next(line for line in compared.lines if line.question == TOTAL)
    assert total.ledger == f"${net_of(list(january.executions), payouts())}"
    assert [line for line in compared.lines if not line.agrees] == []


# --- what became of the pages --------------------------------------------------------------------


def test_every_generation_is_in_the_drift_report(shown: Shown) -> None:
    shapes = shown.data["drift"]["shapes"]
    readers = {
        kind: {shape["reader"] for shape in shapes if shape["kind"] == kind}
        for kind in ("kalshi.fill", "kalshi.settlement", "kalshi.order")
    }
    assert readers == {
        # the empty one is the shape that nobody knows
        "kalshi.fill": {"", "0", "1", "2", "3a", "3b", "4", "5"},
        "kalshi.settlement": {"0", "1", "2", "3a", "3b", "5"},
        "kalshi.order": {"0", "3", "4"},
    }


def test_the_two_alerts_are_the_unknown_shape_and_the_false_zero(shown: Shown) -> None:
    drift = shown.data["drift"]
    (unknown,) = (shape for shape in drift["shapes"] if shape["status"] != "known")
    assert (unknown["events"], unknown["keys_missing"]) == (2, "count_fp")
    assert (unknown["keys_added"], unknown["nearest"]) == ("contracts_fp:string", "5")
    (false_zero,) = drift["canaries"]
    assert (false_zero["rule"], false_zero["subject"]) == ("revenue_missing", demo_pages.WINNER)
    assert (false_zero["found"], false_zero["expected"]) == ("0", "4")


def test_a_page_taken_in_twice_and_a_page_told_anew_change_no_known_figure(shown: Shown) -> None:
    counts = {
        Path(file["file"]).name: (file["new"], file["revisions"], file["duplicates"])
        for file in shown.data["ingest"]["files"]
    }
    assert counts["2026-02-fills.json"] == (6, 0, 0)
    assert counts["2026-02-fills_again.json"] == (0, 0, 6)
    assert counts["2026-09-fills_of_january.json"] == (0, 8, 0)
    # January 8 fills and November 2 settlements state a fee that their first telling left out
    assert (shown.data["restatements"], shown.data["fees_first_stated"]) == (10, 10)


def test_the_rebuild_gives_what_the_append_gave(shown: Shown) -> None:
    rebuilt, projected = shown.data["rebuild"], shown.data["ingest"]["projection"]
    assert rebuilt["fingerprint"] == projected["fingerprint"]
    assert (rebuilt["unreadable"], rebuilt["unknown_shapes"]) == (2, 1)
    assert shown.data["ingest"]["refused"] == 0


def test_the_book_verifies_and_is_a_book_as_any_other(shown: Shown) -> None:
    book = shown.folder / shown.data["book"]
    assert run(book, "verify").code == 0
    status = run(book, "status", "--json").json
    assert (status["account"], status["mode"]) == ("demo", "paper")
    assert (status["stale_because"], status["unreadable"], status["fees_pending"]) == (None, 2, 0)


# --- the contract --------------------------------------------------------------------------------


def test_programs_get_everything_as_data(shown: Shown) -> None:
    assert (shown.ran.code, shown.ran.err) == (0, "")
    assert shown.data.keys() == {
        "verb", "exit_code", "verdict", "book", "ingest", "drift", "rebuild", "comparison",
        "restatements", "fees_first_stated", "commands",
    }  # fmt: skip
    assert (shown.data["verb"], shown.data["exit_code"]) == ("demo", 0)
    assert shown.data["book"] == "brokertruth-demo"
    for row in shown.data["comparison"]:
        assert row.keys() == {"question", "handwritten", "ledger", "agrees", "reason"}
        assert row["agrees"] is (row["handwritten"] == row["ledger"])
        assert (row["reason"] is None) is row["agrees"]


def test_the_verdict_names_both_totals(shown: Shown) -> None:
    assert shown.data["verdict"] == (
        "realized P&L: a hand-written database says -$5.7817, the ledger says $11.2183 and can "
        "show why"
    )


def test_every_command_that_is_recommended_works(shown: Shown) -> None:
    said = []
    for recommended in shown.data["commands"]:
        script, *arguments = shlex.split(recommended["command"])
        assert script == "brokertruth"
        ran = finish(start(*arguments, folder=shown.folder))
        assert (ran.code, ran.err) == (0, ""), recommended
        said.append(ran)
    explained, by_strategy, again = said
    assert '"revenue":0' in "".join(line.strip() for line in explained.out.splitlines())
    assert "8.574" in by_strategy.out
    assert "0 new events, 0 revisions, 123 duplicates" in again.out


def test_people_see_six_steps_on_a_hundred_columns(tmp_path: Path) -> None:
    ran = demo(tmp_path)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert max(map(len, lines)) <= 100
    starts = [line.split()[0] for line in lines if line.rstrip().endswith("──")]
    assert starts == ["1.", "2.", "3.", "4.", "5.", "6."]
    assert ran.verdict.startswith("realized P&L: a hand-written database says -$5.7817, the ledger")
    assert len({line for line in lines if line.startswith("DRIFT ALERT")}) == 2
    for question, answers in COLUMNS.items():
        (line,) = (line for line in lines if line.startswith(f" {question}  "))
        cells = line.removeprefix(f" {question}").split()
        assert " ".join(cells).startswith(" ".join(answers))
    assert any("brokertruth --book brokertruth-demo explain" in line for line in lines)


def test_what_is_wrong_is_red_and_nothing_else_is(tmp_path: Path) -> None:
    ran = demo(tmp_path, FORCE_COLOR="1", COLUMNS="100", TERM="xterm-256color")
    wrong = [answers[0] for answers in COLUMNS.values() if answers[0] != answers[1]]
    red = [part.partition("\x1b[0m")[0].strip() for part in ran.out.split("\x1b[31m")[1:]]
    assert [text for text in red if text] == wrong


# --- the folder ----------------------------------------------------------------------------------


def test_a_second_demo_takes_the_next_name_and_says_the_same(shown: Shown) -> None:
    before = bytes_of(shown.folder)
    again = demo(shown.folder, "--json").json
    assert again["book"] == "brokertruth-demo-2"
    assert again["comparison"] == shown.data["comparison"]
    assert again["rebuild"]["content_fingerprint"] == shown.data["rebuild"]["content_fingerprint"]
    after = bytes_of(shown.folder)
    assert {name: text for name, text in after.items() if name in before} == before
    new = after.keys() - before.keys()
    assert {name.partition("/")[0] for name in new} == {"brokertruth-demo-2"}


@pytest.mark.parametrize("name", ["new", "deep/er/new", "empty", "with a space [x]"])
def test_a_new_or_empty_folder_is_taken_by_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    ran = demo(tmp_path, name)
    assert ran.code == 0
    assert (tmp_path / name / "book.toml").is_file()
    assert f"The book is {name}," in ran.out
    written = {Path(path).parts[0] for path in bytes_of(tmp_path)}
    assert written == {Path(name).parts[0]}
    assert f"--book {shlex.quote(name)} query" in ran.out


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("full", 2, "full is not empty: name a folder that is new or empty"),
        ("file", 2, "file is not empty: name a folder that is new or empty"),
        ("file/below", 3, "cannot make the folder file/below: Not a directory"),
    ],
)
def test_another_folder_is_refused_and_left_alone(
    tmp_path: Path, name: str, code: int, told: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = bytes_of(tmp_path)
    ran = demo(tmp_path, name)
    assert (ran.code, ran.out, ran.err) == (code, "", f"demo: {told}\n")
    assert bytes_of(tmp_path) == before
