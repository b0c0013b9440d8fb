"""Balances and positions: what the exchange states for one moment.

The moment is the one that the exchange vouches for; where it says none, the one of the answer.
Both endpoints mean the primary subaccount unless another is named, so every one is asked for.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from adapters.kalshi.answers import Answer
from adapters.kalshi.client import Client
from adapters.kalshi.errors import BadRequestError, ForbiddenError, NotThereError
from adapters.kalshi.paging import Page, one_page, pages
from adapters.kalshi.taking import Taker
from adapters.kalshi.telling import asked_text, document_of
from adapters.telling import Told
from domain import jsontext
from domain.event import EVERYTHING, Asked
from domain.jsontext import Integer, Slice
from domain.kalshi import account

_POSITIONS = {"market_positions": account.POSITION, "event_positions": account.EVENT_POSITION}
_LIMIT = 1000
_NUMBER: Final = re.compile(r"[0-9]{1,3}")


@dataclass(slots=True)
class Snapshots:
    """The snapshots of one fetch."""

    client: Client
    taker: Taker
    started_at: datetime
    data_until: datetime | None
    subaccounts: set[int] = field(default_factory=set)
    shards: set[int] = field(default_factory=set)
    listed: bool = False
    """Whether it is known which subaccounts there are."""
    received_at: datetime | None = None
    """When the last of them came."""

    def subaccount_balances(self, told: Told) -> None:
        """Take the balance of every subaccount and learn which there are.

        Older APIs know no such list, and some keys may not see it: then there is what the other
        endpoints mean without a number. A key that is refused everywhere is met again there.
        """
        told.asked.append("/portfolio/subaccounts/balances")
        try:
            answer = self.client.get("/portfolio/subaccounts/balances", {})
        except (NotThereError, ForbiddenError, BadRequestError) as error:
            told.complete = self.listed = True
            told.notes.append(f"the exchange lists no subaccounts to this key: {error}")
            return
        page = one_page(answer, ("subaccount_balances",))
        rows = page.containers["subaccount_balances"]
        self._take(told, page, {"subaccount_balances": account.SUBACCOUNT_BALANCE}, EVERYTHING)
        for row in rows or []:
            self._learn(row.value, "subaccount_number", self.subaccounts)
        if page.cursor is not None and told.reason is None:
            told.reason = "the list of subaccounts has a second page, which nobody asks for"
        told.complete = self.listed = told.reason is None

    def balance(self, told: Told) -> None:
        """Take the balance: of each subaccount, and of each shard where there are several."""
        for asked in self._parts():
            self._balance(told, asked)
        for number in sorted(self.shards) if len(self.shards) > 1 else ():
            self._balance(told, Asked(exchange_index=number))
        self._end(told)

    def _parts(self) -> list[Asked]:
        """Return what to ask for: each subaccount, the primary one without its number.

        A key of one subaccount sees that one alone, with its number and without.
        """
        numbers = sorted(self.subaccounts) or [0]
        return [Asked(subaccount=number or None) for number in numbers]

    def _balance(self, told: Told, asked: Asked) -> None:
        told.asked.append(asked_text("/portfolio/balance", asked.named()))
        answer = self.client.get("/portfolio/balance", asked.named())
        row = Slice(jsontext.parse(answer.text), answer.text.strip())
        told.pages += 1
        piece = self.taker.piece(
            answer, self._document(told), as_of=self._moment(answer), asked=asked
        )
        told.add(self.taker.take(account.BALANCE, [row], piece))
        parts = row.value.get("balance_breakdown") if isinstance(row.value, dict) else None
        for part in parts if isinstance(parts, list) else ():
            self._learn(part, "exchange_index", self.shards)

    def positions(self, told: Told, tickers: set[str]) -> None:
        """Take the open positions of each subaccount, and note their markets."""
        for asked in self._parts():
            told.asked.append(asked_text("/portfolio/positions", asked.named()))
            page = None
            for page in pages(
                self.client, "/portfolio/positions", asked.named(), tuple(_POSITIONS), limit=_LIMIT
            ):
                self._take(told, page, _POSITIONS, asked)
                rows = page.containers["market_positions"] or []
                tickers.update(_tickers(rows))
            if page is not None and page.ended is None:
                full = len(page.containers["market_positions"] or []) >= _LIMIT
                if full or page.beside:
                    told.reason = told.reason or "the last page of positions has no cursor"
        self._end(told)

    def _end(self, told: Told) -> None:
        if not self.listed and told.reason is None:
            told.reason = "which subaccounts there are is not known"
        told.complete = told.reason is None

    def _take(self, told: Told, page: Page, kinds: dict[str, str], asked: Asked) -> None:
        told.pages += 1
        piece = self.taker.piece(
            page.answer, self._document(told), as_of=self._moment(page.answer), asked=asked
        )
        for container, kind in kinds.items():
            rows = page.containers[container]
            told.add(self.taker.take(kind, rows or [], piece))
            if rows is None and told.reason is None:
                told.reason = f"{piece.endpoint} has no {container!r}"
        self.taker.take_beside(page.beside, piece)

    def _document(self, told: Told) -> str:
        return f"{document_of(told.stream, self.started_at)}/{told.pages}"

    def _moment(self, answer: Answer) -> datetime:
        self.received_at = answer.received_at
        return self.data_until or answer.received_at

    def _learn(self, value: object, name: str, numbers: set[int]) -> None:
        number = value.get(name) if isinstance(value, dict) else None
        if isinstance(number, Integer) and _NUMBER.fullmatch(number):
            numbers.add(int(number))


def _tickers(rows: list[Slice]) -> list[str]:
    named = (row.value.get("ticker") for row in rows if isinstance(row.value, dict))
    return [str(ticker) for ticker in named if isinstance(ticker, str)]
