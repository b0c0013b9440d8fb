"""A book that is asked to explain things, and what is told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from adapters.log.sqlite import SQLiteLog
from domain.event import NewEvent
from replay.explain import explain
from replay.explain.nodes import Node
from tests.books import BookMaker, Built


class Book:
    """A book, and what is asked of it."""

    def __init__(
        self,
        books: BookMaker,
        told_events: list[NewEvent],
        strategies: Mapping[str, str] | None = None,
    ) -> None:
        """Build it."""
        self.built: Built = books.build(told_events, strategies=strategies or {})
        self.log = SQLiteLog.open(self.built.path.with_name(f"log{books.made}.db"))

    def explain(self, target: str, limit: int = 10) -> Node:
        """Explain a target."""
        return explain(self.built.connection, self.log, target, limit=limit)


@contextmanager
def book(
    books: BookMaker, *told_events: NewEvent, strategies: Mapping[str, str] | None = None
) -> Iterator[Book]:
    """Give a book of events."""
    made = Book(books, list(told_events), strategies)
    try:
        yield made
    finally:
        made.log.close()


def named(node: Node, kind: str, beginning: str) -> Node:
    """Return the only node below of a kind whose title begins so."""
    (found,) = (one for one in node.walk() if one.kind == kind and one.title.startswith(beginning))
    return found
