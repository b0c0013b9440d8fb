"""`explain`: an explanation for a screen (a rich tree) and for a program (a JSON object)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

from domain.errors import UsageError
from replay.explain import explain
from replay.explain.nodes import Node
from tools import footers, staleness
from tools.book import Book
from tools.cells import printable
from tools.outcome import Outcome, safe

_LONG: Final = 48


@dataclass(frozen=True, slots=True)
class Explained:
    """An explanation, what stands under it, and what programs are told."""

    node: Node
    verdict: str
    data: dict[str, Any]


def explained(book: Book, target: str, *, limit: int, on: str) -> Explained:
    """Explain a figure of a projection down to the raw payloads."""
    with book.open_projection(book.named(on)) as connection, book.open_log() as log:
        footer = footers.of(book, log, connection)
        if not staleness.is_of(log, footer.told):
            message = f"{on} explains nothing of this book: {staleness.ANOTHER_LOG}"
            raise UsageError(message)
        node = explain(connection, log, target, limit=limit)
    data = {"explanation": as_object(node), **footer.data()}
    return Explained(node, f"explained {target}{footer.verdict()}", data)


def walk_back(book: Book, target: str, *, limit: int, on: str, with_sql: bool) -> Outcome:
    """Explain a figure on the screen."""
    told = explained(book, target, limit=limit, on=on)
    return Outcome(told.verdict, told.data, (as_tree(told.node, with_sql=with_sql),))


# --- for a screen --------------------------------------------------------------------------------


def as_tree(node: Node, *, with_sql: bool = False) -> Tree:
    """Return the tree for a screen. Payloads are shown as recorded, control characters escaped."""
    tree = Tree(_title(node))
    if with_sql:
        _tell_sql(tree, node)
    _fill(tree, node, with_sql=with_sql)
    return tree


def _fill(tree: Tree, node: Node, *, with_sql: bool) -> None:
    for line in _lines(node):
        tree.add(line)
    before = ""
    for child in node.children:
        branch = tree.add(_title(child))
        if with_sql and child.query != before:
            _tell_sql(branch, child)
        before = child.query
        _fill(branch, child, with_sql=with_sql)


def _tell_sql(tree: Tree, node: Node) -> None:
    if node.query:
        query = " ".join(line.strip() for line in safe(node.query).split("\n"))
        tree.add(Text.assemble(("sql ", "dim"), (query, "cyan")))


def _title(node: Node) -> Text:
    return Text(printable(node.title), style="bold")


def _lines(node: Node) -> Iterator[Text]:
    """Yield the facts: short ones together, a long one on a line of its own."""
    together = Text()
    for name, value in node.facts:
        fact = Text.assemble((f"{printable(name)} ", "dim"), printable(value))
        if len(value) > _LONG:
            if together:
                yield together
            yield fact
            together = Text()
        else:
            together.append(", " if together else "").append_text(fact)
    if together:
        yield together


# --- for a program -------------------------------------------------------------------------------


def as_object(node: Node) -> dict[str, Any]:
    """Return the node as a JSON object: title, kind, facts, query, children."""
    return {
        "title": node.title,
        "kind": node.kind,
        "facts": [{"name": name, "value": value} for name, value in node.facts],
        "query": node.query or None,
        "children": [as_object(child) for child in node.children],
    }
