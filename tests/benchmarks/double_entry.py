"""The same fills as transactions of beancount, whose own booking matches them first in, first out.

It leaves a flip to the user, so a fill that closes and opens is two postings. Each lot carries a
label, because lots of one day and price are one lot otherwise. Of the P&L nothing is said:
beancount finds it from the lots that it matched.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from tests.benchmarks.per_event import Deal, Key, Ledger


def transactions(ledger: Ledger, most: int) -> Iterator[tuple[int, Key, Deal]]:
    """Yield the first fills in the order of time, with a number of their holding."""
    numbers = {key: number for number, key in enumerate(ledger.deals)}
    told = sorted((deal, key) for key, deals in ledger.deals.items() for deal in deals)
    for deal, key in told[:most]:
        yield numbers[key], key, deal


def write_ledger(path: Path, ledger: Ledger, most: int, *, apart: bool) -> dict[Key, list[Deal]]:
    """Write the first fills as a ledger of beancount; return them by holding.

    With `apart` the lots of each holding stand in an account of their own, which suits it best.
    """
    written: dict[Key, list[Deal]] = {}
    with path.open("w", encoding="ascii") as file:
        file.write("1970-01-01 open Assets:Cash USD\n1970-01-01 open Income:PnL USD\n")
        if not apart:
            file.write('1970-01-01 open Assets:Lots "FIFO"\n')
        held: dict[Key, Decimal] = {}
        for number, key, deal in transactions(ledger, most):
            account = f"Assets:Lots:I{number}" if apart else "Assets:Lots"
            if apart and key not in held:
                file.write(f'1970-01-01 open {account} "FIFO"\n')
            before = held.get(key, Decimal(0))
            held[key] = before + deal.signed
            file.write(_transaction(account, f"I{number}", deal, before))
            written.setdefault(key, []).append(deal)
    return written


def _transaction(account: str, name: str, deal: Deal, before: Decimal) -> str:
    price = deal.price * deal.multiplier
    closing = Decimal(0)
    if before * deal.signed < 0:
        closing = min(abs(before), abs(deal.signed)).copy_sign(deal.signed)
    opening = deal.signed - closing
    lines = [f'{deal.at:%Y-%m-%d} * "{deal.fill_id}"']
    if closing:
        lines.append(f"  {account}  {closing} {name} {{}} @ {price} USD")
    if opening:
        lines.append(f'  {account}  {opening} {name} {{{price} USD, "{deal.fill_id}"}}')
    # beancount rounds what it finds to the places of what it is told
    lines.append(f"  Assets:Cash  {-deal.signed * price:.6f} USD")
    if closing:
        lines.append("  Income:PnL")
    return "\n".join(lines) + "\n"
