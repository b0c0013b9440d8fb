"""From a figure down to the recorded bytes, with sums that hold at every level."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.log.sqlite import SQLiteLog
from domain.errors import LogCorruptError, UsageError
from domain.event import Asked, NewEvent, Owner, payload_bytes
from replay.explain import explain
from replay.explain.nodes import Figures, Node, decimal_text, exact_product, exact_sum
from tests.books import NOW, BookMaker, Built, dec, event, ledger
from tests.made.samples import BALANCE, CASH, FILL, ORDER, message_json
from tests.projections.bot_events import decision
from tools.fake_kalshi.payloads import balance_json, deposit_json, fill_json, order_json

LEDGER = """
    KXA-1 10:00 yes 10 @ 0.62 fee 0.17 as bot-1 order o1
    KXA-1 10:30 yes 5 @ 0.60 fee 0.10 as bot-1 order o1
    KXA-1 11:00 no 4 @ 0.35 fee 0.10
    KXA-1 12:00 settles yes
    KXB-1 09:00 no 5 @ 0.40
    KXB-1 09:30 yes 5 @ 0.30
    KXC-1 06-02T09:00 no 3 @ 0.55 fee 0.06
"""


def book(books: BookMaker, *pages: list[NewEvent]) -> tuple[Built, SQLiteLog]:
    """Build a book and open its log again."""
    built = books.build(*pages, strategies={"bot-": "bots"})
    return built, SQLiteLog.open(built.path.with_name(f"log{books.made}.db"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Built, SQLiteLog]]:
    # An explanation changes nothing, so one book of LEDGER is enough for all.
    maker = BookMaker(tmp_path_factory.mktemp("book"))
    built, log = book(maker, ledger(LEDGER))
    yield built, log
    log.close()
    maker.close()


def told(node: Node) -> dict[str, str]:
    return dict(node.facts)


def kinds(node: Node) -> list[str]:
    return [below.kind for below in node.walk()]


def of_kind(node: Node, kind: str) -> list[Node]:
    return [below for below in node.walk() if below.kind == kind]


def gross(node: Node) -> Decimal:
    return dec(re.split("[ =]", told(node)["gross"], maxsplit=1)[0])


def test_a_cell_of_a_day_leads_down_to_the_bytes(shared: tuple[Built, SQLiteLog]) -> None:
    built, log = shared
    tree = explain(built.connection, log, "2026-06-01/bots/KXA")
    (cell,) = of_kind(tree, "cell")
    assert cell.title == "bots/KXA"
    assert told(cell) == {"lots": "3", "gross": "4.4", "fees": "0.37", "net": "4.03"}
    lots = [child for child in cell.children if child.kind == "lot"]
    assert exact_sum(gross(lot) for lot in lots) == gross(cell)
    payloads = [told(node)["text"] for node in of_kind(tree, "payload")]
    recorded = [log.event(position) for position in (1, 2, 3, 4)]
    assert sorted(payloads) == sorted(
        payload_bytes(one.state).decode() for one in recorded if one is not None
    )


def test_the_recorded_bytes_are_shown_not_written_anew(books: BookMaker) -> None:
    odd = '{ "fill_id" : "f\\u00e9",\n\t"count":1e2 ,"x":[1.10, null] }'
    built, log = book(books, [event("kalshi.fill", odd)])
    with log:
        tree = explain(built.connection, log, "1")
    (payload,) = of_kind(tree, "payload")
    assert told(payload) == {"bytes": str(len(odd)), "text": odd}
    assert told(tree)["became"] == "no row of any fact table"
    (refused,) = of_kind(tree, "unreadable")
    assert told(refused)["reason"] == "unknown_shape"


def test_the_arithmetic_of_a_lot_is_written_out(shared: tuple[Built, SQLiteLog]) -> None:
    built, log = shared
    tree = explain(built.connection, log, "trade:f1")
    told_gross = [told(lot)["gross"] for lot in of_kind(tree, "lot")]
    assert "0.12 = 4 * (0.65 - 0.62)" in told_gross
    assert "2 = 5 * (1 - 0.6)" in told_gross


def test_what_the_limit_cuts_off_is_counted_and_summed(books: BookMaker) -> None:
    lines = [f"KXA-1 10:{n:02} yes {n + 1} @ 0.{40 + n} fee 0.01" for n in range(30)]
    built, log = book(books, ledger("\n".join([*lines, "KXA-1 12:00 settles yes"])))
    with log:
        for limit in (1, 7, 29, 30, 31):
            tree = explain(built.connection, log, "2026-06-01", limit=limit)
            (cell,) = of_kind(tree, "cell")
            assert exact_sum(gross(child) for child in cell.children) == gross(cell)
            more = [child for child in cell.children if child.kind == "more"]
            shown = [child for child in cell.children if child.kind == "lot"]
            assert len(shown) == min(limit, 30)
            assert [node.title for node in more] == (
                [f"{30 - limit} more lots"] if limit < 30 else []
            )


def test_lots_with_unknown_fees_are_counted_at_every_level(shared: tuple[Built, SQLiteLog]) -> None:
    built, log = shared
    tree = explain(built.connection, log, "2026-06-01")
    (whole,) = of_kind(tree, "book")
    assert told(whole)["net"] == "4.03 (of 3 lots; of 1 the fees are pending)"
    pending = next(cell for cell in of_kind(tree, "cell") if cell.title == "unattributed/KXB")
    assert (told(pending)["gross"], told(pending)["net"]) == ("1.5", "pending")


def test_a_day_of_two_books_adds_up_neither(books: BookMaker) -> None:
    paper = [
        event(one.kind, payload_bytes(one.state).decode(), owner=Owner("main", "paper"))
        for one in ledger(LEDGER)
    ]
    built, log = book(books, ledger(LEDGER), paper)
    with log:
        tree = explain(built.connection, log, "2026-06-01")
    assert [node.title for node in tree.children] == [
        "kalshi/main/live in USD",
        "kalshi/main/paper in USD",
    ]
    assert tree.facts == ()
    assert of_kind(tree, "payload") == []


def test_a_fill_shows_its_strategy_its_cash_and_its_lots(shared: tuple[Built, SQLiteLog]) -> None:
    built, log = shared
    tree = explain(built.connection, log, "f3")
    assert tree.title == "fill f3: sell 4 KXA-1 at 0.65"
    facts = told(tree)
    assert facts["strategy"] == "unattributed (manual, no client_order_id)"
    assert (facts["cash fill"], facts["cash fee"]) == ("-1.4", "-0.1")
    assert (facts["cash redemption"], facts["cash in all"]) == ("4", "2.5")
    assert [node.title for node in of_kind(tree, "lots")] == ["lots that it closed"]


def test_a_fill_leads_to_the_order_that_attributed_it(books: BookMaker) -> None:
    order = order_json(ORDER, "4").replace(ORDER.order_id, "o9")
    text = "KXA-1 10:00 yes 1 @ 0.62 fee 0.17 order o9"
    built, log = book(books, ledger(text), [event("kalshi.order", order)])
    with log:
        tree = explain(built.connection, log, "f1")
    assert "its order's client_order_id" in told(tree)["strategy"]
    assert [told(node)["kind"] for node in of_kind(tree, "event")] == [
        "kalshi.fill",
        "kalshi.order",
    ]
    assert [node.title for node in of_kind(tree, "open_lot")] == ["still open: 1"]


def test_a_fill_leads_to_the_decision_that_explains_it(books: BookMaker) -> None:
    posted = decision("d-1", "hedge", "KXA-1", "yes", "09:59:30")
    built, log = book(books, ledger("KXA-1 10:00 yes 1 @ 0.62 fee 0.17"), [posted])
    with log:
        tree = explain(built.connection, log, "f1")
    assert told(tree)["strategy"] == "hedge (decision, a decision near to it)"
    assert told(tree)["decision"] == "d-1"
    assert [told(node)["kind"] for node in of_kind(tree, "event")] == [
        "kalshi.fill",
        "bot.decision",
    ]


def test_a_fill_whose_page_lost_its_client_order_id_shows_the_message(books: BookMaker) -> None:
    events = [
        event("kalshi.fill", fill_json(FILL, "5")),
        event("kalshi.fill_message", message_json(FILL, "5")),
    ]
    built, log = book(books, events)
    with log:
        tree = explain(built.connection, log, f"fill:{FILL.fill_id}")
    assert told(tree)["strategy"] == "bots (prefix 'bot-', its live message's client_order_id)"
    shown = [told(node)["position"] for node in of_kind(tree, "event")]
    assert shown == ["1", "2"]


def test_an_event_says_of_which_part_of_the_account_it_was_asked(books: BookMaker) -> None:
    statement = event("kalshi.balance", balance_json(BALANCE, "5"), as_of=NOW, asked=Asked(3, 1))
    built, log = book(books, [statement])
    with log:
        (node,) = of_kind(explain(built.connection, log, "position:1"), "event")
    assert (told(node)["asked subaccount"], told(node)["asked exchange_index"]) == ("3", "1")


def test_an_order_shows_its_fills_and_what_they_add_up_to(shared: tuple[Built, SQLiteLog]) -> None:
    built, log = shared
    tree = explain(built.connection, log, "o1", limit=1)
    assert told(tree)["quantity in fills"] == "15"
    assert [node.title for node in tree.children] == [
        "filled by fill f1: buy 10 KXA-1 at 0.62",
        "1 more fills",
    ]
    assert told(tree.children[1]) == {"quantity": "5"}


def test_an_instrument_shows_its_round_trips_and_its_settlement(
    shared: tuple[Built, SQLiteLog],
) -> None:
    built, log = shared
    tree = explain(built.connection, log, "KXA-1")
    held = explain(built.connection, log, "KXC-1")
    (holding,) = of_kind(tree, "holding")
    assert told(holding)["gross"] == "4.4"
    assert exact_sum(gross(node) for node in holding.children) == gross(holding)
    assert [told(node)["kind"] for node in of_kind(tree, "event")] == ["kalshi.settlement"]
    (holding,) = of_kind(held, "holding")
    assert (told(holding)["lots"], told(holding)["quantity"]) == ("0", "-3")


def test_a_deposit_shows_what_it_did_to_cash(books: BookMaker) -> None:
    built, log = book(books, [event("kalshi.deposit", deposit_json(CASH, "4"))])
    with log:
        tree = explain(built.connection, log, CASH.movement_id)
    facts = told(tree)
    assert (facts["cash deposit"], facts["cash transfer_fee"]) == ("378", "-7.56")
    assert facts["cash in all"] == "370.44"


def test_all_revisions_of_a_key_are_shown_and_what_they_changed(books: BookMaker) -> None:
    first, second = (
        ledger(f"KXA-1 10:00 yes 10 @ 0.62 fee {fee} id one") for fee in ("0.17", "0.20")
    )
    built, log = book(books, first, second)
    with log:
        newest = explain(built.connection, log, first[0].key)
        oldest = explain(built.connection, log, "1")
    assert told(of_kind(newest, "event")[0])["revision"] == "2 of 2"
    assert told(of_kind(oldest, "event")[0])["revision"] == "1 of 2"
    assert [node.title for node in of_kind(oldest, "revision")] == ["revision 2: log position 2"]
    assert len(of_kind(oldest, "payload")) == 2
    (restated,) = of_kind(newest, "restatement")
    assert told(restated)["cash_difference"] == "-0.03"
    assert told(oldest)["became"] == "1 rows"


def test_an_event_shows_its_seal_its_reader_and_its_source(shared: tuple[Built, SQLiteLog]) -> None:
    built, log = shared
    (node,) = of_kind(explain(built.connection, log, "position:2"), "event")
    seal = log.seal_of(2)
    facts = told(node)
    assert seal is not None
    assert facts["seal"] == f"over positions 1 to 7, digest {seal.digest.hex()[:16]}…"
    assert facts["reader"] == "5 (known)"
    assert (facts["source adapter"], facts["source document"]) == ("tests/1", "made")
    assert facts["received_at"] == "2026-11-21T12:00:00.000000Z"


def test_an_event_that_is_not_projected_yet_says_so(books: BookMaker) -> None:
    built, log = book(books, ledger(LEDGER))
    with log:
        log.append(ledger("KXNEW-1 10:00 yes 1 @ 0.5 fee 0.01 id new"))
        tree = explain(built.connection, log, "8")
    (node,) = of_kind(tree, "event")
    assert told(node)["projected"] == "not yet: the projection covers positions 1 to 7"


def test_a_log_that_lacks_what_the_projection_names_is_found_out(
    books: BookMaker, tmp_path: Path
) -> None:
    built, log = book(books, ledger(LEDGER))
    log.close()
    with (
        SQLiteLog.open(tmp_path / "other.db", create=True) as other,
        pytest.raises(LogCorruptError, match="run `verify`"),
    ):
        explain(built.connection, other, "f1")


def test_an_id_that_two_accounts_use_is_refused_with_both(books: BookMaker) -> None:
    text = "KXA-1 10:00 yes 10 @ 0.62 fee 0.17"
    paper = [
        event(one.kind, payload_bytes(one.state).decode(), owner=Owner("main", "paper"))
        for one in ledger(text)
    ]
    built, log = book(books, ledger(text), paper)
    with log:
        with pytest.raises(UsageError, match="say which") as caught:
            explain(built.connection, log, "f1")
        for exact in ("fill:kalshi/main/live/f1", "fill:kalshi/main/paper/f1"):
            assert exact in str(caught.value)
            assert explain(built.connection, log, exact).kind == "fill"
        tree = explain(built.connection, log, "trade:kalshi/main/paper/f1")
        assert tree.title == "trade f1 of kalshi/main/paper"


def test_a_name_that_fits_two_kinds_is_refused_with_both(books: BookMaker) -> None:
    text = "KXA-1 10:00 yes 10 @ 0.62 fee 0.17 id 1 order KXA-1"
    built, log = book(books, ledger(text))
    with log:
        with pytest.raises(UsageError, match="say which") as caught:
            explain(built.connection, log, "1")
        assert "position:1  (log position 1, kalshi.fill)" in str(caught.value)
        assert "fill:kalshi/main/live/1  (fill of kalshi/main/live)" in str(caught.value)
        with pytest.raises(UsageError, match="order:kalshi/main/live/KXA-1"):
            explain(built.connection, log, "KXA-1")
        assert explain(built.connection, log, "instrument:KXA-1").kind == "instrument"


@pytest.mark.parametrize(
    "target",
    ["", "nothing", "0", "-1", "8", "9" * 40, "2026-13-01", "2026-06-09", "fill:", "day:x", "%"],
)
def test_what_is_not_found_is_refused_with_what_was_looked_for(
    shared: tuple[Built, SQLiteLog], target: str
) -> None:
    built, log = shared
    with pytest.raises(UsageError, match="was looked for and not found as"):
        explain(built.connection, log, target)


def test_a_limit_of_nothing_is_refused(shared: tuple[Built, SQLiteLog]) -> None:
    built, log = shared
    with pytest.raises(UsageError, match="at least 1"):
        explain(built.connection, log, "1", limit=0)


def test_sums_keep_every_digit() -> None:
    tiny, large = dec("0.00000000000000000001"), dec("123456789012345678")
    assert exact_sum([large, tiny]) == dec("123456789012345678.00000000000000000001")
    assert exact_product(large, tiny) == dec("0.00123456789012345678")
    assert decimal_text(dec("0E-20")) == "0"
    assert decimal_text(dec("-0.10")) == "-0.1"
    assert decimal_text(dec("1E+3")) == "1000"


def test_figures_of_which_nothing_is_known_are_pending_not_zero() -> None:
    figures = Figures(
        lots=2, pending=2, missing=0, unknown=2, gross=dec("1"), fees=dec("0"), net=dec("0")
    )
    assert figures.facts()[2:] == (("fees", "pending"), ("net", "pending"))
