"""`bisect`: the first event at which a query has rows or a figure is another, on real books."""

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.log.sqlite import SQLiteLog
from domain.rules import Rules
from replay import meta, query
from replay.database import Resources, open_for_reading
from replay.plan import AsOf, Plan
from replay.rebuild import rebuild
from tests.books import NOW, dec, ledger
from tests.tools.command import Ran, bytes_of, run, small_book
from tools import book as books
from tools.bisect_probes import Probes
from tools.render import WIDTH
from tools.shelf import scratch

FEES = "SELECT fill_id FROM fill WHERE fee > 0.5"
FOUND = {
    *("verb", "exit_code", "verdict", "query", "position", "event", "before", "after", "probes"),
    *("rebuilds", "advances", "explain"),
}
STATE = (
    "SELECT (SELECT count(*) FROM fill) AS fills, (SELECT sum(amount) FROM cash_ledger) AS cash,"
    " (SELECT sum(realized_net) FROM lot_match) AS net, (SELECT sum(cost) FROM open_lot) AS cost"
)


def a_ledger(seed: int, lines: int) -> str:
    """Return a made ledger in which one fill, and only one, was charged too much."""
    draw = random.Random(seed)
    dear = draw.randrange(lines)
    return "\n".join(
        f"KX{draw.choice('ABC')}-1 06-{1 + number // 9:02}T1{number % 9}:00"
        f" {draw.choice(('yes', 'no'))} {draw.randint(1, 9)} @ 0.{draw.randint(10, 90)}"
        f" fee 0.{'9' if number == dear else '0'}{draw.randint(1, 9)}"
        for number in range(lines)
    )


def made(folder: Path, text: str) -> Path:
    """Make a book of a ledger in text."""
    assert run(folder / "book", "init").code == 0
    with SQLiteLog.open(folder / "book" / "log.sqlite") as log:
        log.append(ledger(text))
    assert run(folder / "book", "project").code == 0
    return folder / "book"


def at_every_position(
    book: Path, folder: Path, asked: str, positions: Iterable[int] | None = None
) -> Iterator[tuple[int, object]]:
    """Yield what a query gives at each position, by a rebuild for each."""
    with SQLiteLog.open(book / "log.sqlite") as log:
        for position in positions or range(log.head() + 1):
            target = folder / f"{position}.duckdb"
            rebuild(log, target, Plan(built_at=NOW, rules=Rules(), as_of=AsOf(position=position)))
            with open_for_reading(target) as connection:
                yield position, query.run(connection, asked).to_pylist()


@pytest.mark.parametrize("seed", [1, 2])
def test_it_finds_what_a_search_through_every_position_finds(tmp_path: Path, seed: int) -> None:
    book = made(tmp_path, a_ledger(seed, 11))
    first = next(at for at, rows in at_every_position(book, tmp_path, FEES) if rows)
    told = run(book, "bisect", "--query", FEES, "--json").json
    assert (told["exit_code"], told["position"]) == (0, first)
    assert told["probes"] <= math.ceil(math.log2(11))
    assert (told["before"], told["after"]["rows"]) == ({"rows": 0, "first_rows": []}, 1)
    assert told["event"]["position"] == first
    assert told["event"]["kind"] == "kalshi.fill"
    assert told["explain"] == f"brokertruth explain position:{first}"
    assert set(told) == FOUND
    assert run(book, "explain", told["explain"].split()[-1]).code == 0


def test_a_figure_is_followed_to_where_it_comes_to_be_the_target(tmp_path: Path) -> None:
    book = made(tmp_path, a_ledger(4, 12))
    count = "SELECT count(*) FROM fill"
    # at most one change: the number of fills is 5 or more from the fifth on
    told = run(book, "bisect", "--figure", f"SELECT ({count}) >= 5", "--target", "true", "--json")
    assert (told.code, told.json["position"]) == (0, 5)
    assert (told.json["before"], told.json["after"]) == ({"value": "false"}, {"value": "true"})
    last = run(book, "bisect", "--figure", count, "--target", "12.0", "--json").json
    assert (last["position"], last["target"]) == (12, "12.0")
    ceased = run(book, "bisect", "--figure", count, "--target", "0", "--json").json
    assert ceased["position"] == 1


def test_a_probe_goes_on_from_the_last_good_position(tmp_path: Path) -> None:
    path = made(tmp_path, a_ledger(5, 32))
    expected = dict(at_every_position(path, tmp_path, STATE, (16, 24, 20, 22, 32)))
    book = books.load(path)
    with book.open_log() as log, scratch(path) as folder:
        probes = Probes(book, log, folder, Rules(), Resources())
        for position, is_good in ((16, True), (24, False), (20, True), (22, True)):
            found = probes.ask(position, lambda one: query.run(one, STATE).to_pylist())
            assert found == expected[position]
            (probes.keep if is_good else probes.drop)(position)
        # what was good and is behind the checkpoint, and what was bad, is not kept
        assert [file.name for file in folder.iterdir()] == ["at-22.duckdb"]
        assert (probes.rebuilds, probes.advances) == (1, 3)
        # the current one is the head's
        found = probes.ask(32, lambda one: query.run(one, STATE).to_pylist())
        assert (found, probes.rebuilds, probes.advances) == (expected[32], 1, 3)


def test_a_probe_begins_anew_where_it_cannot_go_on(tmp_path: Path) -> None:
    path = made(tmp_path, a_ledger(5, 8))
    book = books.load(path)
    with book.open_log() as log, scratch(path) as folder:
        probes = Probes(book, log, folder, Rules(), Resources())
        probes.ask(5, lambda _: None)
        probes.keep(5)
        # other rules than those of the checkpoint, and of the current one
        other = replace(probes, rules=Rules(version="2"))
        assert other.ask(6, lambda one: meta.read(one).rules_version) == "2"
        assert other.ask(8, lambda one: meta.read(one).rules_version) == "2"
        assert (other.rebuilds, other.advances) == (3, 0)


def test_a_claim_that_moved_money_is_found(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    reason = ("--reason", "seen on the site", "--by", "operator")
    assert run(book, "attribute", "fill-1", "--strategy", "maker", *reason).code == 0
    asked = "SELECT fill_id FROM attribution WHERE rule = 'claim'"
    told = run(book, "bisect", "--query", asked, "--json").json
    assert told["event"]["kind"] == "ledger.attribution_claimed"
    assert told["after"]["first_rows"] == [{"fill_id": "fill-1"}]


def test_a_restatement_is_found(tmp_path: Path) -> None:
    text = "\n".join(f"KXA-{n} 10:00 yes 1 @ 0.5 fee 0.01 id f{n}" for n in range(7))
    again = "KXA-2 10:00 yes 1 @ 0.5 fee 0.08 id f2"
    book = made(tmp_path, f"{text}\n{again}\nKXB-1 10:00 yes 1 @ 0.5 fee 0.01 id last")
    done = run(book, "bisect", "--query", "@restatements")
    assert done.code == 0
    assert done.verdict.startswith("it fails first at position 8, kalshi.fill (")
    assert "more of it: brokertruth explain position:8" in done.out
    fee = run(book, "bisect", "--figure", "SELECT sum(fee) FROM fill", "--target", "0.15", "--json")
    assert fee.json["position"] == 9


def test_nothing_of_it_stays_and_the_book_is_as_it_was(tmp_path: Path) -> None:
    book = made(tmp_path, a_ledger(6, 9))
    before = bytes_of(book)
    assert run(book, "bisect", "--query", FEES).code == 0
    assert run(book, "bisect", "--query", "SELECT nonsense").code == 2
    assert bytes_of(book) == before
    assert not [path for path in book.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--query", "SELECT 1"), "the query has 1 row at the lower end already"),
        (("--query", "@canaries"), "the query has no rows at the upper end"),
        (("--query", "@facts_once"), "the query has no rows at the upper end"),
        (
            ("--figure", "SELECT count(*) FROM fill", "--target", "99"),
            "the figure is not 99 at both ends: 0 at the lower one, 2 at the upper one",
        ),
        (
            ("--figure", "SELECT 1.50", "--target", "1.5"),
            "the figure is 1.5 at both ends: 1.5 at the lower one, 1.5 at the upper one",
        ),
    ],
)
def test_ends_that_hold_no_turn_are_told_apart(
    tmp_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    done = run(small_book(tmp_path), "bisect", *arguments, "--json")
    assert (done.code, done.json["position"], done.json["reason"]) == (1, None, why)
    assert FOUND - set(done.json) <= {"before", "after", "explain", "query"}
    assert set(done.json) - FOUND <= {"good", "bad", "reason", "figure", "target"}
    assert done.json["probes"] == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "give --query"),
        (("--query", "SELECT 1", "--figure", "SELECT 1", "--target", "1"), "give --query"),
        (("--figure", "SELECT 1"), "belong together"),
        (("--query", "SELECT 1", "--target", "1"), "belong together"),
        (("--figure", "SELECT 1, 2", "--target", "1"), "gives 1 row of 2 columns"),
        (("--figure", "SELECT 1 WHERE false", "--target", "1"), "gives 0 rows of 1 column"),
        (("--query", "@no-such-query"), "no saved query is called"),
        (("--query", "DROP TABLE fill"), "only SELECT is run here"),
        (("--query", "SELECT 1", "--bad", "99"), "the log ends at position 5"),
        (("--query", "SELECT 1", "--good", "2", "--bad", "2"), "no event behind position 2"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    done = run(small_book(tmp_path), "bisect", *arguments)
    assert done.code == 2
    assert why in done.err


def test_it_needs_no_projection(tmp_path: Path) -> None:
    book = made(tmp_path, a_ledger(7, 8))
    expected = run(book, "bisect", "--query", FEES, "--json").json
    (book / "ledger.duckdb").unlink()
    told = run(book, "bisect", "--query", FEES, "--json").json
    assert told["position"] == expected["position"]
    assert told["rebuilds"] == expected["rebuilds"] + 1
    assert not (book / "ledger.duckdb").exists()


def test_ends_that_are_told_are_kept_to(tmp_path: Path) -> None:
    book = made(tmp_path, a_ledger(8, 10))
    asked = "SELECT 1 FROM fill HAVING count(*) >= 6"
    told: Ran = run(book, "bisect", "--query", asked, "--good", "4", "--bad", "8", "--json")
    assert told.json["position"] == 6
    assert told.json["probes"] == 2
    behind = run(book, "bisect", "--query", asked, "--good", "7", "--json").json
    assert "at the lower end already" in behind["reason"]


def test_money_is_compared_exactly(tmp_path: Path) -> None:
    text = "KXA-1 10:00 yes 1 @ 0.5 fee 0.000001\nKXB-1 10:00 yes 1 @ 0.5 fee 0.000001"
    book = made(tmp_path, text)
    asked = ("--figure", "SELECT coalesce(sum(fee), 0) FROM fill", "--target")
    told = run(book, "bisect", *asked, "0.000002", "--json").json
    assert (told["position"], Decimal(told["after"]["value"])) == (2, dec("0.000002"))
    assert run(book, "bisect", *asked, "0.0000020000000001").code == 1


def test_rows_are_a_table_and_no_line_is_wider_than_a_screen(tmp_path: Path) -> None:
    book = made(tmp_path, a_ledger(9, 6))
    asked = "SELECT fill_id, fee, repeat('x', 200) AS note FROM fill WHERE fee > 0.5"
    done = run(book, "bisect", "--query", asked)
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= WIDTH
    assert "{" not in done.out
    head = next(line for line in done.out.splitlines() if line.startswith("fill_id"))
    assert head.split() == ["fill_id", "fee", "note"]


@pytest.mark.parametrize(
    ("figure", "target", "turns"),
    [
        # a text is exact; it is no number, and no absent value
        ("CASE WHEN count(*) < 3 THEN 'Maker' ELSE 'maker' END", "maker", True),
        ("CASE WHEN count(*) < 3 THEN '1.50' ELSE '1.5' END", "1.5", True),
        ("CASE WHEN count(*) < 3 THEN 'NULL' END", "NULL", True),
        ("CASE WHEN count(*) < 3 THEN 'NULL' ELSE 'null' END", "NULL", False),
        ("CASE WHEN count(*) >= 3 THEN 'null' END", "null", True),
        # what is no number is itself
        ("CASE WHEN count(*) < 3 THEN 1 ELSE 'nan'::DOUBLE END", "NaN", True),
        ("CASE WHEN count(*) < 3 THEN 1 ELSE 'inf'::DOUBLE END", "Infinity", True),
        ("count(*) >= 3", "true", True),
        ("least(count(*), 3)", "three", False),
        ("least(count(*), 3)", "3.00", True),
    ],
)
def test_a_figure_is_compared_as_what_it_is(
    tmp_path: Path, figure: str, target: str, *, turns: bool
) -> None:
    book = made(tmp_path, a_ledger(10, 4))
    asked = ("--figure", f"SELECT {figure} FROM fill", "--target", target)
    told = run(book, "bisect", *asked, "--json").json
    assert told["position"] == (3 if turns else None), told["verdict"]


def test_an_absent_figure_is_null_for_programs(tmp_path: Path) -> None:
    book = made(tmp_path, a_ledger(11, 3))
    asked = ("--figure", "SELECT sum(fee) FROM fill", "--target", "NULL")
    done = run(book, "bisect", *asked, "--json")
    assert (done.json["position"], done.json["before"]) == (1, {"value": None})
    assert "before: NULL" in run(book, "bisect", *asked).out
