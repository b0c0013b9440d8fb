"""The pages of the demo: one made story of a weather bot, as Kalshi would have told it.

`python -m tests.made.demo_pages` writes them to `tools/demo/pages`; a test holds the files to
what is rendered here, so that nobody edits them by hand. Everything is made, nothing recorded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from tools.fake_kalshi.payloads import (
    Ending,
    Execution,
    Order,
    fill_json,
    order_json,
    page,
    settlement_json,
)
from tools.fake_kalshi.truths import ZERO, Result, Side

FOLDER: Final = Path(__file__).parents[2] / "tools" / "demo" / "pages"

XB: Final = "mm_xb_"
EXIT: Final = "mm_xb_exit_"
DIR: Final = "mm_dir_"
CENT: Final = Decimal("0.01")
FINE: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Chapter:
    """What happened in a month, and in which generation the API told it."""

    month: str
    generation: str
    with_orders: bool
    executions: tuple[Execution, ...]
    endings: tuple[Ending, ...]


class Story:
    """Markets of one chapter, each with its fills and its ending."""

    def __init__(self, month: str, tick: Decimal = CENT, exchange_index: int = 0) -> None:
        """Start a chapter whose fees are rounded up to a tick."""
        self.month = month
        self.tick = tick
        self.exchange_index = exchange_index
        self.executions: list[Execution] = []
        self.endings: list[Ending] = []

    def market(self, ticker: str, day: str, result: Result | None, *legs: str) -> None:
        """Add a market: legs such as "mm_xb_ yes 12 0.24 taker", the price being that of YES."""
        opens = datetime.fromisoformat(day).replace(hour=14, tzinfo=UTC)
        for leg, text in enumerate(legs):
            self.executions.append(
                self._execution(ticker, opens + timedelta(minutes=37 * leg), text)
            )
        if result is not None:
            self.endings.append(Ending(ticker, result, None, opens + timedelta(hours=19)))

    def _execution(self, ticker: str, at: datetime, text: str) -> Execution:
        *prefixes, side, quantity, price, liquidity = text.split()
        assert side in {"yes", "no"}, text
        acquired: Side = "yes" if side == "yes" else "no"
        number = len(self.executions) + 1
        # What is placed on the broker's own web site has an id that no bot chose.
        named = (
            f"{prefixes[0]}{at:%m%d}_{number:02}" if prefixes else self._made_id("client", number)
        )
        size, yes_price = Decimal(quantity), Decimal(price)
        taker = liquidity == "taker"
        fee = Decimal("0.07") * size * yes_price * (1 - yes_price)
        return Execution(
            fill_id=self._made_id("fill", number),
            order_id=self._made_id("order", number),
            client_order_id=named,
            ticker=ticker,
            acquired=acquired,
            action="buy",
            quantity=size,
            yes_price=yes_price,
            taker=taker,
            fee=fee.quantize(self.tick, ROUND_CEILING) if taker else ZERO,
            at=at + timedelta(microseconds=1009 * number),
            exchange_index=self.exchange_index,
        )

    def _made_id(self, what: str, number: int) -> str:
        """Return an id that looks like the broker's and is the same on every run."""
        return str(uuid5(NAMESPACE_URL, f"brokertruth demo {self.month} {what} {number}"))

    def told(self, generation: str, *, with_orders: bool = False) -> Chapter:
        """Return the chapter as the generation tells it."""
        executions, endings = tuple(self.executions), tuple(self.endings)
        return Chapter(self.month, generation, with_orders, executions, endings)


# --- the story -----------------------------------------------------------------------------------


def november() -> Chapter:
    """Return generation 0: integer cents, no client_order_id on fills, no fees anywhere."""
    story = Story("2025-11")
    story.market(
        "KXHIGHNY-25NOV04-B57.5", "2025-11-04", "yes", f"{DIR} yes 10 0.35 taker",
        f"{DIR} yes 4 0.41 taker",
    )  # fmt: skip
    story.market(
        "KXHIGHCHI-25NOV05-T52", "2025-11-05", "yes", f"{DIR} no 8 0.62 taker",
        f"{DIR} no 5 0.58 maker",
    )  # fmt: skip
    return story.told("0", with_orders=True)


def january() -> Chapter:
    """Return generation 1: fills name the bot's order, settlements state the fees."""
    story = Story("2026-01")
    story.market(
        "KXHIGHNY-26JAN12-B43.5", "2026-01-12", "yes", f"{XB} yes 7 0.24 taker",
        f"{XB} yes 5 0.25 taker", f"{XB} yes 6 0.31 maker",
    )  # fmt: skip
    story.market(
        "KXHIGHMIA-26JAN12-B78.5", "2026-01-12", "no", f"{DIR} no 9 0.44 taker",
        f"{DIR} no 3 0.40 taker",
    )  # fmt: skip
    story.market(
        "KXHIGHAUS-26JAN13-T66", "2026-01-13", "no", f"{XB} yes 6 0.33 taker",
        f"{XB} yes 4 0.29 maker", f"{XB} yes 5 0.22 taker",
    )  # fmt: skip
    return story.told("1")


def february() -> Chapter:
    """Return generation 2: count_fp and fee_cost stand beside the integers."""
    story = Story("2026-02")
    story.market(
        "KXHIGHCHI-26FEB10-B29.5", "2026-02-10", "no", f"{DIR} yes 8 0.37 taker",
        f"{DIR} yes 2 0.34 maker",
    )  # fmt: skip
    story.market(
        "KXHIGHPHIL-26FEB11-T41", "2026-02-11", "no", f"{XB} yes 9 0.52 taker",
        f"{XB} yes 6 0.55 taker", f"{XB} yes 3 0.49 maker", f"{DIR} yes 4 0.61 taker",
    )  # fmt: skip
    return story.told("2")


def march() -> Chapter:
    """Return generation 3a: the integers are gone. Seven hedges, their second legs by the exit."""
    story = Story("2026-03")
    hedge(story, "KXHIGHNY-26MAR26-B51.5", "2026-03-26", "no", "0.42 taker", "0.53 maker", EXIT)
    hedge(story, "KXHIGHCHI-26MAR26-T48", "2026-03-26", "yes", "0.31 taker", "0.40 maker", EXIT)
    hedge(story, "KXHIGHMIA-26MAR27-B81.5", "2026-03-27", "no", "0.55 maker", "0.66 taker", EXIT)
    hedge(story, "KXHIGHAUS-26MAR27-B79.5", "2026-03-27", "yes", "0.47 taker", "0.57 maker")
    hedge(story, "KXHIGHDEN-26MAR28-T61", "2026-03-28", "no", "0.22 taker", "0.33 taker")
    hedge(story, "KXHIGHLAX-26MAR28-B70.5", "2026-03-28", "no", "0.63 taker", "0.73 maker")
    hedge(story, "KXHIGHPHIL-26MAR30-B55.5", "2026-03-30", "yes", "0.38 maker", "0.48 taker")
    story.market(
        "KXHIGHNY-26MAR30-T58", "2026-03-30", "no", f"{DIR} yes 5 0.46 taker",
        f"{DIR} yes 5 0.48 maker",
    )  # fmt: skip
    return story.told("3a")


def may() -> Chapter:
    """Return generation 3b: client_order_id is gone from fills; six hedges, and a net winner."""
    story = Story("2026-05")
    hedge(story, "KXHIGHNY-26MAY09-B66.5", "2026-05-09", "yes", "0.44 taker", "0.54 maker")
    hedge(story, "KXHIGHCHI-26MAY09-T71", "2026-05-09", "no", "0.35 taker", "0.46 maker")
    hedge(story, "KXHIGHMIA-26MAY10-B86.5", "2026-05-10", "no", "0.58 maker", "0.69 taker")
    hedge(story, "KXHIGHAUS-26MAY11-B88.5", "2026-05-11", "yes", "0.29 taker", "0.39 maker")
    hedge(story, "KXHIGHLAX-26MAY11-T74", "2026-05-11", "no", "0.51 taker", "0.61 maker")
    hedge(story, "KXHIGHPHIL-26MAY12-B69.5", "2026-05-12", "yes", "0.40 maker", "0.51 taker")
    story.market(WINNER, "2026-05-12", "yes", f"{DIR} yes 4 0.45 taker")
    return story.told("3b", with_orders=True)


WINNER: Final = "KXHIGHDEN-26MAY12-B73.5"


def hedge(
    story: Story,
    ticker: str,
    day: str,
    result: Result,
    bought: str,
    sold: str,
    second: str = XB,
) -> None:
    """Add a market of which one YES and one NO were acquired, for about 0.90 together."""
    story.market(ticker, day, result, f"{XB} yes 1 {bought}", f"{second} no 1 {sold}")


def july() -> Chapter:
    """Return generation 4: fractional contracts; one order was placed by hand."""
    story = Story("2026-07", tick=FINE)
    story.market(
        "KXHIGHNY-26JUL14-B88.5", "2026-07-14", "yes", f"{XB} yes 6.30 0.47 taker",
        f"{XB} yes 3.70 0.44 maker",
    )  # fmt: skip
    story.market(
        "KXHIGHMIA-26JUL15-T92", "2026-07-15", "no", f"{DIR} no 5.50 0.36 taker",
        "no 2 0.30 taker",
    )  # fmt: skip
    return story.told("4", with_orders=True)


def september() -> Chapter:
    """Return generation 5: prices below a cent, shards; one market is still open."""
    story = Story("2026-09", tick=FINE, exchange_index=1)
    story.market(
        "KXHIGHNY-26SEP08-B79.5", "2026-09-08", "no", f"{XB} no 8 0.4275 taker",
        f"{DIR} no 2 0.4385 taker",
    )  # fmt: skip
    story.market(
        "KXHIGHCHI-26SEP09-T77", "2026-09-09", None, f"{XB} yes 5 0.3125 taker",
        f"{XB} yes 5 0.3050 maker",
    )  # fmt: skip
    return story.told("5", with_orders=True)


def october() -> Chapter:
    """Return two fills of a market that is still open."""
    story = Story("2026-10", tick=FINE, exchange_index=1)
    story.market(
        "KXHIGHLAX-26OCT05-B75.5", "2026-10-05", None, f"{XB} yes 7 0.4100 taker",
        f"{XB} yes 3 0.4050 maker",
    )  # fmt: skip
    return story.told("5")


# --- the pages -----------------------------------------------------------------------------------


def pages() -> dict[str, str]:
    """Return the text of every page by file name."""
    told = [november(), january(), february(), march(), may(), july(), september()]
    files: dict[str, str] = {}
    for chapter in told:
        files |= pages_of(chapter)
    first, winter, cold = told[:3]
    # A listing holds what came before as well, in the words of the day on which it is asked for.
    files["2026-01-settlements.json"] = listing(
        "settlements", (*settlements(winter), *settlements(first, "1"))
    )
    files["2026-02-fills_again.json"] = listing("fills", fills(cold))
    files["2026-05-settlements.json"] = with_false_zero(files["2026-05-settlements.json"])
    files["2026-09-fills_of_january.json"] = listing("fills", fills(winter, "5"))
    files["2026-10-fills.json"] = listing("fills", fills(october())).replace(
        '"count_fp":', '"contracts_fp":'
    )
    return dict(sorted(files.items()))


def pages_of(chapter: Chapter) -> dict[str, str]:
    """Return the pages of one chapter."""
    files = {
        f"{chapter.month}-fills.json": listing("fills", fills(chapter)),
        f"{chapter.month}-settlements.json": listing("settlements", settlements(chapter)),
    }
    if chapter.with_orders:
        rows = [order_json(order_of(row), chapter.generation) for row in newest_first(chapter)]
        files[f"{chapter.month}-orders.json"] = listing("orders", rows)
    return files


def listing(container: str, rows: Iterable[str]) -> str:
    """Return a page with one row a line, for people who compare them."""
    return (
        page(container, rows).replace("[{", "[\n{").replace("},{", "},\n{").replace("]}", "\n]}\n")
    )


def fills(chapter: Chapter, generation: str | None = None) -> list[str]:
    """Return the fills of a chapter, as a generation tells them."""
    return [fill_json(row, generation or chapter.generation) for row in newest_first(chapter)]


def settlements(chapter: Chapter, generation: str | None = None) -> list[str]:
    """Return the settlements of a chapter, as a generation tells them."""
    spoken = generation or chapter.generation
    return [settlement_json(it, chapter.executions, spoken) for it in reversed(chapter.endings)]


def newest_first(chapter: Chapter) -> list[Execution]:
    """Return the executions as the API lists them."""
    return sorted(chapter.executions, key=lambda row: row.at, reverse=True)


def order_of(row: Execution) -> Order:
    """Return the order that was filled by one execution and by nothing else."""
    assert row.client_order_id is not None
    return Order(
        order_id=row.order_id,
        client_order_id=row.client_order_id,
        ticker=row.ticker,
        acquires=row.acquired,
        action="buy",
        status="executed",
        yes_price=row.yes_price,
        initial=row.quantity,
        filled=row.quantity,
        remaining=ZERO,
        created_at=row.at - timedelta(seconds=2),
        updated_at=row.at,
        taker=row.taker,
        fill_cost=row.cost,
        fees=row.fee,
        exchange_index=row.exchange_index,
    )


def with_false_zero(text: str) -> str:
    """Return the settlements with revenue 0 for the net winner, which was paid 4.00."""
    said = '"revenue":400,'
    assert text.count(said) == 1, "the winner is the only market of the page that pays"
    return text.replace(said, '"revenue":0,')


def main() -> None:
    """Write the pages, and remove what is none of them."""
    FOLDER.mkdir(exist_ok=True)
    made = pages()
    for old in FOLDER.iterdir():
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (FOLDER / name).write_bytes(text.encode())


if __name__ == "__main__":
    main()
