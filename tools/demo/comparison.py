"""Two columns: what the hand-written database says, and what the ledger says.

Both are computed from the same pages; a cell of the hand-written column is wrong where it is not
what the ledger says. The ledger is asked as a user would ask it: by the verbs.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

from tools.asking import ask
from tools.book import Book
from tools.demo.handwritten import HandWritten
from tools.findings import unreadable

STRATEGIES: Final = ("cross_bracket", "cross_bracket_exit", "directional")
TOTAL: Final = "Realized P&L, net of fees"

Rows: TypeAlias = list[dict[str, Any]]

_FIGURES: Final = """
    SELECT
        (SELECT count(*) FROM fill) AS fills,
        (SELECT sum(quantity) FROM fill) AS contracts,
        (SELECT -sum(amount) FROM cash_ledger WHERE cause = 'fill') AS paid,
        (SELECT sum(fee) FROM fill) AS fees,
        (SELECT count(*) FROM restatement) AS restatements,
        (
            SELECT count(*) FROM restatement
            WHERE old_values IN ('{"fee":null}', '{"fee_reported":null}')
        ) AS fees_first_stated
"""
_FILLS: Final = """
    WITH told AS (
        SELECT a.strategy, f.quantity,
            f.executed_at >= '2026-01-01 00:00:00Z' AND f.executed_at < '2026-02-01 00:00:00Z'
                AS in_january,
            f.executed_at >= '2026-05-01 00:00:00Z' AND f.executed_at < '2026-06-01 00:00:00Z'
                AS in_may
        FROM attribution AS a INNER JOIN fill AS f USING (venue, account, mode, fill_id)
    )
    SELECT strategy, count(*) AS fills,
        count(*) FILTER (in_january) AS january,
        sum(quantity) FILTER (in_january) AS contracts,
        count(*) FILTER (in_may) AS may
    FROM told
    GROUP BY strategy
"""
_MARKETS: Final = """
    SELECT s.instrument_id, s.revenue_state, sum(l.realized_net) AS net
    FROM settlement AS s
    INNER JOIN lot_match AS l USING (venue, account, mode, instrument_id)
    WHERE s.revenue_state IN ('netted', 'missing')
    GROUP BY ALL
    ORDER BY s.instrument_id
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One question and two answers, as people and programs read them."""

    question: str
    handwritten: str
    ledger: str
    reason: str

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return self.handwritten == self.ledger


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the ledger answered."""

    figures: Mapping[str, Any]
    fills: Mapping[str, Mapping[str, Any]]
    pnl: Mapping[str, Decimal]
    netted: Mapping[str, Decimal]
    missing: Mapping[str, Decimal]
    unread: tuple[str, ...]

    def count(self, strategy: str, which: str = "fills") -> int:
        """Return how many fills a strategy has."""
        return int(self.fills.get(strategy, {}).get(which, 0))

    def total(self, which: str) -> Decimal:
        """Return a figure of all strategies together."""
        return sum((Decimal(row[which] or 0) for row in self.fills.values()), Decimal(0))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two columns.

    restatements        figures that a later download told differently
    fees_first_stated   those of them that were a fee which nobody had stated before
    """

    lines: tuple[Line, ...]
    restatements: int
    fees_first_stated: int


def compare(book: Book, pages: Iterable[Path]) -> Comparison:
    """Ask both, and return the answers in the order of the story."""
    naive = HandWritten()
    for path in sorted(pages):
        naive.take_page(json.loads(path.read_text("utf-8")))
    ledger = _ask_ledger(book)
    return Comparison(
        (
            *_sizes(naive, ledger),
            *_strategies(naive, ledger),
            *_settled(naive, ledger),
            *_money(naive, ledger),
            *_downloads(naive, ledger),
        ),
        ledger.figures["restatements"],
        ledger.figures["fees_first_stated"],
    )


# --- the ledger's answers, by the verbs ----------------------------------------------------------


def _ask_ledger(book: Book) -> Ledger:
    (figures,) = _rows(book, _FIGURES)
    markets = _rows(book, _MARKETS)
    return Ledger(
        figures=figures,
        fills={row["strategy"]: row for row in _rows(book, _FILLS)},
        pnl={row["strategy"]: Decimal(row["net"]) for row in _rows(book, "@pnl-by-strategy")},
        netted=_nets(markets, "netted"),
        missing=_nets(markets, "missing"),
        unread=tuple(_unread(book)),
    )


def _rows(book: Book, asked: str) -> Rows:
    found: Rows = ask(book, asked, form="table", output=None, with_rows=True).data["rows"]
    return found


def _nets(markets: Rows, state: str) -> dict[str, Decimal]:
    chosen = (row for row in markets if row["revenue_state"] == state)
    return {row["instrument_id"]: Decimal(row["net"]) for row in chosen}


def _unread(book: Book) -> Iterable[str]:
    for row in unreadable(book, None).data["unreadable"]:
        payload = json.loads(unreadable(book, row["position"]).data["payload"])
        yield payload["fill_id"]


# --- the questions -------------------------------------------------------------------------------


def _sizes(naive: HandWritten, ledger: Ledger) -> Iterable[Line]:
    yield Line(
        "Contracts filled",
        plain(naive.figure("SELECT sum(count) FROM fills")),
        plain(ledger.figures["contracts"]),
        "count is now count_fp: get() gives 0",
    )
    yield Line(
        "Paid for contracts",
        dollars(naive.figure("SELECT sum(count * price_cents) / 100.0 FROM fills")),
        dollars(ledger.figures["paid"]),
        "yes_price is now yes_price_dollars",
    )
    if ledger.unread:
        counting = "SELECT count FROM fills WHERE fill_id = ?"
        sizes = (naive.figure(counting, fill_id) for fill_id in ledger.unread)
        yield Line(
            "Fills in a shape nobody knows",
            f"{plain(sum(sizes))} contracts",
            f"{len(ledger.unread)} unreadable",
            "a silent 0; the ledger alerts",
        )


def _strategies(naive: HandWritten, ledger: Ledger) -> Iterable[Line]:
    counting = "SELECT count(*) FROM fills WHERE strategy = ?"
    for strategy in STRATEGIES:
        yield Line(
            f"Fills of {strategy}",
            plain(naive.figure(counting, strategy)),
            plain(ledger.count(strategy)),
            "the id left fills, not orders",
        )
    yield Line(
        "Fills of nobody (manual)",
        plain(naive.figure(counting, "manual")),
        plain(ledger.count("unattributed")),
        "a missing id passes for a human",
    )
    may = naive.figure(f"{counting} AND created LIKE '2026-05-%'", "cross_bracket")
    yield Line(
        "cross_bracket fills, 9-12 May",
        plain(may),
        plain(ledger.count("cross_bracket", "may")),
        "the days on which the id vanished",
    )


def _settled(naive: HandWritten, ledger: Ledger) -> Iterable[Line]:
    netted, missing = ledger.netted, ledger.missing
    yield Line(
        "Hedged markets shown as losses",
        f"{sum(naive.pnl_of(ticker) < 0 for ticker in netted)} of {len(netted)}",
        f"{sum(net < 0 for net in netted.values())} of {len(netted)}",
        "revenue is net, cost is gross",
    )
    yield Line(
        "P&L of the hedged markets",
        dollars(sum(naive.pnl_of(ticker) for ticker in netted)),
        dollars(sum(netted.values(), Decimal(0))),
        "a pair pays 1.00 before the end",
    )
    yield Line(
        "P&L of a winner with revenue 0",
        dollars(sum(naive.pnl_of(ticker) for ticker in missing)),
        dollars(sum(missing.values(), Decimal(0))),
        "the API erred, the fills did not",
    )


def _money(naive: HandWritten, ledger: Ledger) -> Iterable[Line]:
    by_strategy = naive.pnl_by_strategy()
    for strategy in (*STRATEGIES, "manual"):
        named = "unattributed" if strategy == "manual" else strategy
        if strategy in by_strategy or named in ledger.pnl:
            yield Line(
                f"P&L of {strategy}",
                dollars(by_strategy.get(strategy, 0)),
                dollars(ledger.pnl.get(named, Decimal(0))),
                "wrong strategy or wrong revenue",
            )
    yield Line(
        TOTAL,
        dollars(naive.figure("SELECT sum(pnl) FROM settlements")),
        dollars(sum(ledger.pnl.values(), Decimal(0))),
        "revenue, believed and misunderstood",
    )
    fees = naive.figure("SELECT sum(fee) FROM fills")
    yield Line(
        "Fees",
        dollars(fees + naive.figure("SELECT sum(fee) FROM settlements")),
        dollars(ledger.figures["fees"]),
        "settlements repeat the fees of fills",
    )


def _downloads(naive: HandWritten, ledger: Ledger) -> Iterable[Line]:
    known = naive.figure(
        "SELECT count(*) FROM fills WHERE created LIKE '2026-01-%' AND strategy <> 'manual'"
    )
    contracts = naive.figure("SELECT sum(count) FROM fills WHERE created LIKE '2026-01-%'")
    kept = ledger.total("january") - ledger.count("unattributed", "january")
    yield Line(
        "January fills with a strategy",
        plain(known),
        plain(kept),
        "told again: the last write wins",
    )
    yield Line(
        "January contracts",
        plain(contracts),
        plain(ledger.total("contracts")),
        "and the last write knows no count",
    )
    yield Line(
        "Fills, one page taken in twice",
        plain(naive.figure("SELECT count(*) FROM fills")),
        plain(ledger.figures["fills"] + len(ledger.unread)),
        "a page was counted twice",
    )


def plain(number: float | str | Decimal) -> str:
    """Return a number without trailing zeros."""
    text = f"{Decimal(str(number)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def dollars(amount: float | str | Decimal) -> str:
    """Return an amount with all of its digits, cents at least; floats to a millionth."""
    exact = Decimal(str(round(amount, 6) if isinstance(amount, float) else amount))
    whole, _, places = f"{abs(exact):f}".partition(".")
    sign = "-" if exact < 0 else ""
    return f"{sign}${whole}.{places.rstrip('0'):0<2}"
