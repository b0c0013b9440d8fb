"""IBKR accounts by the dozen: what one may live through in a few days, from one seed.

The instruments are stocks A and B, what A becomes (A2), a call and a put on A, and a future. A few
accounts held something before their first row. Everything that happens keeps a truth of its own
(`held`), so that splits and mergers are of what is really there.
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from tests.oracle.ibkr_lots import Account, Action, Flag, Stated, Trade

NEW_YORK: Final = ZoneInfo("America/New_York")
START: Final = datetime(2025, 1, 6, 9, 30, tzinfo=NEW_YORK)
A, B, A2, CALL, PUT, FUTURE = "101", "102", "103", "201", "202", "301"
STOCKS: Final = (A, B, A2)
MULTIPLIERS: Final = {CALL: Decimal(100), PUT: Decimal(100), FUTURE: Decimal(50)}
STRIKES: Final = {CALL: Decimal(30), PUT: Decimal(30)}
PLACES: Final = Decimal("1e-8")


class Life:
    """An account, and what happens to it."""

    def __init__(self, random: Random) -> None:
        """Begin with what was there before."""
        self.random = random
        self.account = Account()
        self.at = START
        self.acted_at: datetime | None = None
        self.number = random.choice((95, 1000, 35691010785))
        self.held: dict[str, Decimal] = defaultdict(Decimal)
        self.free: list[Trade] = []
        self.flagged = random.random() < 0.8
        self.places = random.choice((0, 0, 2, 4))
        self.pending = random.random() < 0.15
        if random.random() < 0.4:
            for instrument in (A, B, CALL):
                if random.random() < 0.5:
                    self.held[instrument] = self.quantity(instrument) * random.choice((1, 1, -1))

    def quantity(self, instrument: str) -> Decimal:
        """Return a size."""
        if instrument not in STOCKS:
            return Decimal(self.random.randint(1, 4))
        return Decimal(self.random.randint(1, 40 * 10**self.places)).scaleb(-self.places)

    def later(self) -> None:
        """Let some time pass, or none."""
        seconds = self.random.choice((0, 0, 1, 60, 3600, 40_000, 90_000))
        self.at += timedelta(seconds=seconds)

    def next_number(self) -> int:
        """Return the next transactionID."""
        self.number += self.random.choice((1, 1, 3))
        return self.number

    def day(self) -> date:
        """Return the day whose statement shows what happens now."""
        return self.at.date() + timedelta(days=self.random.choice((0, 0, 0, 1)))

    def fee(self) -> Decimal | None:
        """Return a fee: none, whole cents, or all nine places; now and then a rebate."""
        if self.pending and self.random.random() < 0.2:
            return None
        places = self.random.choice((0, 2, 9, 9))
        return Decimal(self.random.randint(-(10**places) // 9, 2 * 10**places)).scaleb(-places)

    def trade(
        self,
        instrument: str,
        quantity: Decimal,
        price: Decimal,
        **more: object,
    ) -> Trade:
        """Add a row of trades."""
        if self.acted_at == self.at:  # trades of one second come before its actions
            self.at += timedelta(seconds=1)
        number = self.next_number()
        booked = more.get("booking", "execution") != "execution"
        values: dict[str, object] = {
            "row_id": f"transaction-{number}"
            if booked
            else f"{self.random.randrange(16**8):08x}.{number:x}.01.01",
            "sequence": number if booked or self.random.random() < 0.95 else None,
            "at": self.at,
            "day": self.day(),
            "fee": self.fee(),
            "multiplier": MULTIPLIERS.get(instrument, Decimal(1)),
            "flag": self.flag(instrument, quantity) if self.flagged else None,
            "trade_id": f"t{number}",
            "strike": STRIKES.get(instrument),
            "underlying": A if instrument in STRIKES else None,
            "call": instrument == CALL if instrument in STRIKES else None,
        }
        row = Trade(instrument=instrument, quantity=quantity, price=price, **(values | more))  # type: ignore[arg-type]
        self.account.trades.append(row)
        self.held[instrument] += quantity
        return row

    def flag(self, instrument: str, quantity: Decimal) -> Flag:
        """Return whether it opens or closes, as the broker would say."""
        held = self.held[instrument]
        if held * quantity >= 0:
            return "open"
        return "close" if abs(quantity) <= abs(held) else "both"

    # what may happen

    def execution(self) -> None:
        """Buy or sell something."""
        random = self.random
        instrument = random.choice((A, A, A, B, B, A2, CALL, PUT, FUTURE))
        size = self.quantity(instrument) * random.choice((1, 1, -1))
        held = self.held[instrument]
        if held and random.random() < 0.4:  # close exactly, or turn round
            size = -held + random.choice((0, 0, 1)) * -held
        price = Decimal(random.randint(1, 90_000)) / random.choice((100, 1000, 10**6))
        self.free.append(self.trade(instrument, size, price))

    def cancel(self) -> None:
        """Take an execution back, and mostly book it anew."""
        if not self.free:
            return
        old = self.free.pop(self.random.randrange(len(self.free)))
        at = old.at if self.random.random() < 0.5 else self.at
        self.trade(
            old.instrument,
            -old.quantity,
            old.price,
            booking="cancel",
            cancels=old.trade_id,
            trade_id=None,
            at=at,
            flag=None,
            fee=self.random.choice((Decimal(0), self.fee())),
        )
        if self.random.random() < 0.7:
            price = old.price * self.random.choice((1, 2))
            more = self.random.choice((1, 2))
            self.free.append(
                self.trade(old.instrument, old.quantity * more, price, trade_id=old.trade_id, at=at)
            )

    def expiry(self) -> None:
        """Let an option expire."""
        option = self.random.choice((CALL, PUT))
        if self.held[option]:
            self.trade(option, -self.held[option], Decimal(0), booking="expiry")

    def exercise(self) -> None:
        """Exercise an option, or be assigned: it ends, and stock comes or goes."""
        option = self.random.choice((CALL, PUT))
        held = self.held[option]
        if not held:
            return
        part = Decimal(self.random.randint(1, int(abs(held)))) * (1 if held > 0 else -1)
        booking = "exercise" if held > 0 else "assignment"
        signed = part * 100 * (1 if option == CALL else -1)
        rows = [(option, -part, Decimal(0)), (A, signed, STRIKES[option])]
        if self.random.random() < 0.2:
            rows.reverse()
        for instrument, quantity, price in rows:
            self.trade(instrument, quantity, price, booking=booking)

    def action(self, sort: str, *rows: tuple[str, Decimal], proceeds: Decimal = Decimal(0)) -> None:
        """Add the rows of a corporate action; cash comes with the first."""
        if self.random.random() < 0.8:  # what happens before an action is seldom taken back
            self.free.clear()
        self.acted_at = self.at
        listed = [
            (name, quantity, proceeds if not at else Decimal(0))
            for at, (name, quantity) in enumerate(rows)
        ]
        if self.random.random() < 0.3:
            listed.reverse()
        day = self.day()
        action_id = f"action{self.number}"
        for name, quantity, cash in listed:
            self.account.actions.append(
                Action(
                    row_id=str(self.next_number()),
                    action_id=action_id,
                    sort=sort,
                    instrument=name,
                    at=self.at,
                    quantity=quantity,
                    proceeds=cash,
                    day=day,
                )
            )
            self.held[name] += quantity

    def split(self) -> None:
        """Give more of the same for what is held, or less."""
        stock = self.random.choice((A, A, B, A2))
        held = self.held[stock]
        sort, ratio = self.random.choice(
            (
                ("FS", Decimal(4)),
                ("FS", Decimal("1.5")),
                ("RS", Decimal("0.1")),
                ("FS", Decimal(7) / 3),
            )
        )
        change = (held * (ratio - 1)).quantize(PLACES, ROUND_DOWN)
        if change:
            self.action(sort, (stock, change))

    def exchange(self) -> None:
        """Turn one stock into another, with cash or without."""
        old, new = self.random.choice(((A, A2), (A, B), (B, A2), (A2, B)))
        held = self.held[old]
        sort, ratio = self.random.choice(
            (
                ("IC", Decimal("0.1")),
                ("TC", Decimal(2)),
                ("TC", Decimal("0.333333")),
                ("TC", Decimal(1)),
            )
        )
        come = (held * ratio).quantize(PLACES, ROUND_DOWN)
        if not come or self.held[new] * held < 0:
            return
        cash = Decimal(self.random.randint(1, 10**6)) / 1000 if sort == "TC" else Decimal(0)
        cash *= self.random.choice((0, 1)) * (1 if held > 0 else -1)
        self.action(sort, (old, -held), (new, come), proceeds=cash)

    def buyout(self) -> None:
        """Turn a stock into cash."""
        stock = self.random.choice((A, B))
        held = self.held[stock]
        if held:
            cash = Decimal(self.random.randint(1, 10**6)) / 1000 * (1 if held > 0 else -1)
            self.action("TC", (stock, -held), proceeds=cash)

    def gift(self) -> None:
        """Give something that nobody says a cost of."""
        if self.held[B] >= 0:
            self.action("SO", (B, self.quantity(B)))

    def anything(self) -> None:
        """Do what no action does."""
        random = self.random
        sort = random.choice(("TC", "IC", "SO", "FS", "RS", "XX", ""))
        rows = [
            (stock, self.quantity(A) * random.choice((1, -1)))
            for stock in random.sample(STOCKS, random.choice((1, 1, 2, 2, 3)))
        ]
        self.action(sort, *rows, proceeds=Decimal(random.randint(-1000, 1000)) / 100)

    def statement(self) -> None:
        """State all positions at the end of the day before."""
        day = self.at.date() - timedelta(days=1)
        later: list[Trade | Action] = [*self.account.trades, *self.account.actions]
        held = dict(self.held)
        for row in later:
            if row.day > day:
                held[row.instrument] -= row.quantity
        stated = {name: quantity for name, quantity in held.items() if quantity}
        if all(one.day != day for one in self.account.statements):
            self.account.statements.append(Stated(day, stated))


def account(seed: int) -> Account:
    """Return what the statements of an account tell, in the order in which it happened."""
    random = Random(seed)
    life = Life(random)
    if random.random() < 0.2:
        life.statement()
    deeds = [
        (life.execution, 10),
        (life.cancel, 2),
        (life.expiry, 1),
        (life.exercise, 2),
        (life.split, 2),
        (life.exchange, 1),
        (life.buyout, 0.3),
        (life.gift, 0.3),
        (life.anything, 0.5 * (random.random() < 0.3)),
        (life.statement, 0.3 * random.choice((0, 1))),
    ]
    for _ in range(random.randint(1, 24)):
        (deed,) = random.choices([d for d, _ in deeds], [w for _, w in deeds])
        deed()
        if deed not in (life.split, life.exchange, life.anything) or random.random() < 0.7:
            life.later()
    return life.account
