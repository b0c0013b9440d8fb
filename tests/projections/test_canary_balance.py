"""A balance that moved otherwise than the cash ledger: one alarm a cause, and none without."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.event import NewEvent, Owner
from tests.books import FILL, SETTLEMENT, BookMaker, Built, dec, event, ledger
from tests.oracle.lots import Fill, Settlement
from tests.oracle.tables import Ledger
from tests.projections.account_events import FIRST_ROW, STREAMS, balance, covering, fetch
from tools.fake_kalshi.payloads import (
    Cash,
    Ending,
    Execution,
    deposit_json,
    fill_json,
    settlement_json,
    withdrawal_json,
)
from tools.fake_kalshi.truths import revenue_cents

DAY: Final = datetime.fromisoformat("2026-06-01T00:00:00+00:00")
SECOND: Final = timedelta(seconds=1)


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def alarms(built: Built) -> list[tuple[str, Decimal, Decimal]]:
    """Return time, found and expected of each alarm."""
    rows = built.rows("SELECT * FROM canary WHERE rule = 'balance_unexplained'")
    return [(row["subject"][11:19], row["found"], row["expected"]) for row in rows]


COVERED: Final = covering(at(24))
START: Final = balance("100", at(9))
# Ten YES at 0.62 with a fee of 0.17 cost 6.37.
BOUGHT: Final = ledger("A 10:00 yes 10 @ 0.62 fee 0.17")


def test_a_balance_that_the_ledger_explains_is_silent(books: BookMaker) -> None:
    """6.37 paid; then 4 NO at 0.35 for 1.40 and 0.07 make four pairs; six YES win."""
    lines = ledger("""
        A 10:00 yes 10 @ 0.62 fee 0.17
        A 11:00 no 4 @ 0.35 fee 0.07
        A 12:00 settles yes
    """)
    deposit = Cash("d", 2_000, 40, "applied", "debit", at(12.25), at(12.5))
    withdrawal = Cash("w", 500, 25, "applied", "ach", at(12.25), at(12.5))
    moved = [
        event("kalshi.deposit", deposit_json(deposit)),
        event("kalshi.withdrawal", withdrawal_json(withdrawal)),
    ]
    told = [("93.63", 10.5), ("96.16", 11.5), ("102.16", 12.25), ("116.51", 13)]
    stated = [balance(cash, at(hour)) for cash, hour in told]
    assert alarms(books.build([*COVERED, START, *lines, *moved, *stated])) == []


def test_a_balance_that_moved_otherwise_is_one_alarm_and_the_new_base(books: BookMaker) -> None:
    stated = [balance("95", at(hour)) for hour in (11, 12, 13)]
    built = books.build([*COVERED, START, *BOUGHT, *stated])
    assert alarms(built) == [("11:00:00", dec("95"), dec("93.63"))]
    assert built.value("SELECT position FROM canary") == built.value(
        "SELECT min(position) FROM balance_snapshot WHERE cash = 95"
    )


@pytest.mark.parametrize("meanwhile", ["100", "60"])
def test_while_money_is_on_its_way_out_nothing_is_said(books: BookMaker, meanwhile: str) -> None:
    """Whether the balance falls when it is asked for or when it is gone is not known."""
    withdrawal = Cash("w", 4_000, 0, "applied", "ach", at(10), at(12))
    gone = event("kalshi.withdrawal", withdrawal_json(withdrawal))
    stated = [balance(meanwhile, at(11)), balance("60", at(13)), balance("60", at(14))]
    assert alarms(books.build([*COVERED, START, gone, *stated])) == []
    wrong = [*stated, balance("59", at(15))]
    assert [time for time, *_ in alarms(books.build([*COVERED, START, gone, *wrong]))] == [
        "15:00:00"
    ]


def test_cash_at_the_very_moment_of_a_statement_is_in_it(books: BookMaker) -> None:
    stated = [balance("93.63", at(10)), balance("93.63", at(11))]
    assert alarms(books.build([*COVERED, START, *BOUGHT, *stated])) == []


WRONG: Final = balance("95", at(11))


@pytest.mark.parametrize("stream", STREAMS)
def test_without_coverage_of_every_stream_nothing_is_said(books: BookMaker, stream: str) -> None:
    index = STREAMS.index(stream)
    without = [*COVERED[:index], *COVERED[index + 1 :]]
    for covered in ((), ((0, 10), (10.01, 24)), ((9.01, 24),), ((0, 10.99),)):
        stretches = [fetch(stream, (at(start), at(end)), at=at(end)) for start, end in covered]
        assert alarms(books.build([*without, *stretches, START, *BOUGHT, WRONG])) == []
    bounds = ((FIRST_ROW, at(10)), (at(10), at(11)))
    touching = [fetch(stream, stretch, at=stretch[1]) for stretch in bounds]
    assert len(alarms(books.build([*without, *touching, START, *BOUGHT, WRONG]))) == 1


def test_what_is_not_known_until_the_statement_came_is_not_judged(books: BookMaker) -> None:
    """A fill may have come between the moment and the arrival: no fetch says that none did."""
    events = [START, *BOUGHT, balance("95", at(11), received_at=at(11.5))]
    assert alarms(books.build([*covering(at(11.25)), *events])) == []
    assert len(alarms(books.build([*covering(at(11.5)), *events]))) == 1


def test_fills_that_are_not_known_from_the_first_on_make_it_undecidable(books: BookMaker) -> None:
    """Ten YES that were bought before the first fetch are sold: the ten NO make pairs."""
    sold = ledger("A 10:00 no 10 @ 0.38 fee 0.17")
    paid = balance("106.03", at(11))
    late = covering(at(24), start=at(8))
    assert alarms(books.build([*late, START, *sold, paid])) == []
    others = [*late[1:], fetch("fills", (FIRST_ROW, at(24)), at=at(24))]
    assert len(alarms(books.build([*others, START, *sold, paid]))) == 1


def test_a_statement_during_which_cash_moved_is_passed_over(books: BookMaker) -> None:
    """The fill of 10:00 may be in the statement of 9:59:59; the one before it is the base."""
    for unsure in ("100", "93.63", "50"):
        between = balance(unsure, at(10) - SECOND, received_at=at(10))
        good = balance("93.63", at(11))
        assert alarms(books.build([*COVERED, START, *BOUGHT, between, good])) == []
        (alarm,) = alarms(books.build([*COVERED, START, *BOUGHT, between, WRONG]))
        assert alarm == ("11:00:00", dec("95"), dec("93.63"))


def test_a_fee_that_is_not_stated_for_the_fill_itself_makes_it_undecidable(
    books: BookMaker,
) -> None:
    pending = ledger("A 10:00 yes 10 @ 0.62")
    later = [balance("90", at(12)), balance("91", at(13))]
    (alarm,) = alarms(books.build([*COVERED, START, *pending, WRONG, *later[:1]]))
    assert alarm == ("12:00:00", dec("90"), dec("95"))
    shared = ledger("A 10:00 yes 10 @ 0.62\n A 20:00 settles yes fee 0.17")
    built = books.build([*COVERED, START, *shared, WRONG])
    assert built.value("SELECT fee_state FROM fill") == "from_settlement"
    assert alarms(built) == []


def test_a_market_whose_fills_are_not_all_known_makes_it_undecidable(books: BookMaker) -> None:
    """Ten YES were bought before the first fetch: the settlement pays 10 that nobody expects."""
    _, settled = ledger("A 00:01 yes 10 @ 0.62 fee 0.17\n A 10:00 settles yes")
    paid = balance("110", at(11))
    assert alarms(books.build([*COVERED, START, settled, paid])) == []
    # a market that was never held moves no cash
    (nothing,) = ledger("B 10:00 settles yes")
    assert len(alarms(books.build([*COVERED, START, nothing, paid]))) == 1


def test_whole_cents_may_be_off_by_less_than_one_a_subaccount(books: BookMaker) -> None:
    lines = ledger("A 10:00 yes 1 @ 0.5 fee 0.001")
    for cash, found in (("99.49", 0), ("99.50", 0), ("99.51", 1), ("99.48", 1)):
        rough = balance(cash, at(11), exact=False)
        assert len(alarms(books.build([*COVERED, START, *lines, rough]))) == found
        exact = balance(cash, at(11))
        assert len(alarms(books.build([*COVERED, START, *lines, exact]))) == 1


def test_transfers_between_subaccounts_cancel_out(books: BookMaker) -> None:
    stated = [balance("30", at(9), subaccount=1), balance("50", at(11), subaccount=0)]
    first = [*COVERED, balance("100", at(9), subaccount=0), *BOUGHT, *stated]
    assert alarms(books.build([*first, balance("73.63", at(11), subaccount=1)])) == []
    (alarm,) = alarms(books.build([*first, balance("73.64", at(11), subaccount=1)]))
    assert alarm == ("11:00:00", dec("123.64"), dec("123.63"))


def test_statements_of_other_subaccounts_are_not_compared(books: BookMaker) -> None:
    both = [balance("80", at(11), subaccount=number) for number in (0, 1)]
    last = balance("93.63", at(12))
    assert alarms(books.build([*COVERED, START, *BOUGHT, *both, last])) == []


def test_statements_that_leave_out_a_subaccount_that_trades_are_not_compared(
    books: BookMaker,
) -> None:
    """Cash may have gone there, and no fetch says so."""
    elsewhere = ledger("A 10:00 yes 10 @ 0.62 fee 0.17 sub 2")
    assert alarms(books.build([*COVERED, START, *elsewhere, WRONG])) == []


def test_shards_and_lists_are_no_statement_of_the_account(books: BookMaker) -> None:
    stated = [balance("1", at(hour), shard=0) for hour in (9, 11)]
    assert alarms(books.build([*COVERED, *BOUGHT, *stated])) == []


def test_accounts_and_modes_are_judged_apart(books: BookMaker) -> None:
    owners = [Owner("other", "live"), Owner("main", "paper")]
    events = [
        new
        for owner in owners
        for new in (
            *covering(at(24), owner=owner),
            balance("7", at(9), owner=owner),
            balance("7", at(11), owner=owner),
        )
    ]
    good = balance("93.63", at(11))
    assert alarms(books.build([*COVERED, START, *BOUGHT, good, *events])) == []


# --- histories -----------------------------------------------------------------------------------


class Account:
    """A random life of an account, and what the broker states of it."""

    def __init__(self, random: Random, name: str, *, plain: bool) -> None:
        """Live it."""
        self.random, self.plain = random, plain
        self.owner = Owner(name, "live")
        self.subaccounts = random.choice(((0,), (0,), (0, 1), (0, 1, 2)))
        self.executions = list(self._executions())
        self.endings = list(self._endings())
        self.deposits = [
            Cash(f"d{n}", random.randint(1, 10_000), random.randint(0, 9), "applied", "ach", when,
                 when)
            for n, when in enumerate(self._moments(3))
        ]  # fmt: skip
        # cash of each subaccount: what happened, told by the oracle
        self.entries = list(self._entries())

    def _moments(self, count: int) -> list[datetime]:
        return sorted(DAY + timedelta(minutes=self.random.randint(60, 1200)) for _ in range(count))

    def _executions(self) -> Iterator[Execution]:
        for number, when in enumerate(self._moments(self.random.randint(1, 8))):
            yield Execution(
                fill_id=f"{self.owner.account}-{number}",
                order_id=f"o{number}",
                client_order_id=None,
                ticker=f"KX{self.owner.account}-1-T{self.random.randint(1, 2)}",
                acquired=self.random.choice(("yes", "no")),
                action="buy",
                quantity=Decimal(self.random.randint(1, 20)),
                yes_price=Decimal(self.random.randint(1, 99)) / 100,
                taker=True,
                fee=Decimal(self.random.randint(0, 50)) / 100,
                at=when,
                subaccount=0 if not self.plain else self.random.choice(self.subaccounts),
            )

    def _endings(self) -> Iterator[Ending]:
        for ticker in sorted({row.ticker for row in self.executions}):
            last = max(row.at for row in self.executions if row.ticker == ticker)
            if self.random.random() < 0.7:
                after = timedelta(minutes=self.random.randint(0, 90))
                yield Ending(ticker, self.random.choice(("yes", "no")), None, last + after)

    def _entries(self) -> Iterator[tuple[datetime, int, Decimal]]:
        made = Ledger()
        for row in self.executions:
            made.fills[row.fill_id] = Fill(
                fill_id=row.fill_id,
                order_id=row.order_id,
                instrument_id=row.ticker,
                side=row.acquired,
                quantity=row.quantity,
                yes_price=row.yes_price,
                executed_at=row.at,
                fee=row.fee,
                client_order_id=None,
                subaccount=row.subaccount,
            )
        for ending in self.endings:
            own = [row for row in self.executions if row.ticker == ending.ticker]
            made.settlements[ending.ticker] = Settlement(
                instrument_id=ending.ticker,
                result=ending.result,
                payout=ending.payout,
                yes_quantity=sum((r.quantity for r in own if r.acquired == "yes"), Decimal(0)),
                no_quantity=sum((r.quantity for r in own if r.acquired == "no"), Decimal(0)),
                revenue=Decimal(revenue_cents(ending, own)) / 100,
                settled_at=ending.settled_at,
                fee=None,
            )
        for entry in made.tables()["cash_ledger"]:
            moment, number, amount = entry["at"], entry["subaccount"], entry["amount"]
            assert isinstance(moment, datetime)
            assert isinstance(number, int)
            assert isinstance(amount, Decimal)
            yield moment, number, amount
        for cash in self.deposits:
            yield cash.created_at, 0, Decimal(cash.amount_cents - cash.fee_cents) / 100

    def told(self) -> Iterator[NewEvent]:
        """Yield what fetches bring; unless plain, some fees unstated and some fills too early."""
        start = FIRST_ROW
        if not self.plain and self.random.random() < 0.3:
            start = self._moments(1)[0]
        yield from covering(at(24), start=start, owner=self.owner)
        for row in self.executions:
            generation = "5" if self.plain else self.random.choice(("5", "5", "5", "1"))
            if row.at >= start:
                yield event(FILL, fill_json(row, generation), owner=self.owner)
        for ending in self.endings:
            text = settlement_json(ending, self.executions, "5")
            if ending.settled_at >= start:
                yield event(SETTLEMENT, text, owner=self.owner)
        for cash in self.deposits:
            yield event("kalshi.deposit", deposit_json(cash), owner=self.owner)

    def statements(self, shift: Callable[[int], Decimal]) -> Iterator[NewEvent]:
        """Yield true balances, the numbered one and those behind it shifted."""
        for number, as_of in enumerate(self._moments(6)):
            delay = timedelta(minutes=0 if self.plain else self.random.choice((0, 0, 5, 60)))
            # what came in between is in it, or not
            seen = self.random.choice((as_of, as_of + delay))
            exact = self.plain or self.random.random() < 0.7
            for subaccount in self.subaccounts:
                cash = Decimal(1000) + sum(
                    (e[2] for e in self.entries if e[1] == subaccount and e[0] <= seen),
                    shift(number) if subaccount == 0 else Decimal(0),
                )
                yield balance(
                    cash,
                    as_of,
                    owner=self.owner,
                    received_at=as_of + delay,
                    subaccount=subaccount,
                    exact=exact,
                )


def lives(
    seed: int, count: int, shift: Callable[[int], Decimal], *, plain: bool
) -> dict[str, list[tuple[Any, ...]]]:
    """Return the alarms of each account of a book full of them."""
    random = Random(seed)
    events: list[NewEvent] = []
    for number in range(count):
        account = Account(random, f"a{number}", plain=plain)
        events += account.told()
        events += account.statements(shift)
    random.shuffle(events)
    with TemporaryDirectory() as folder:
        books = BookMaker(Path(folder))
        built = books.build(events)
        assert built.rows("unreadable") == []
        rows = built.rows("SELECT * FROM canary WHERE rule = 'balance_unexplained'")
        books.close()
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row["account"], []).append(
            (row["subject"], row["found"] - row["expected"])
        )
    return found


def nothing(_number: int) -> Decimal:
    return Decimal(0)


SEEDS: Final = st.integers(0, 2**32 - 1)


@settings(max_examples=3, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_true_balances_of_plain_histories_raise_no_alarm(seed: int) -> None:
    assert lives(seed, 40, nothing, plain=True) == {}


@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_true_balances_raise_no_alarm_whatever_the_ledger_was_not_told(seed: int) -> None:
    """Fees unstated, fills before the first fetch, statements that came late or in cents."""
    assert lives(seed, 40, nothing, plain=False) == {}


@settings(max_examples=3, deadline=None, derandomize=True)
@given(
    seed=SEEDS,
    first=st.integers(1, 5),
    cents=st.integers(-500, 500).filter(bool),
)
def test_a_credit_that_no_stream_tells_of_raises_exactly_one(
    seed: int, first: int, cents: int
) -> None:
    amount = Decimal(cents) / 100
    found = lives(seed, 40, lambda n: amount if n >= first else Decimal(0), plain=True)
    assert sorted(found) == sorted(f"a{number}" for number in range(40))
    assert {tuple(difference for _, difference in rows) for rows in found.values()} == {(amount,)}
