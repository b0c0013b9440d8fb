"""An explanation for a screen (a rich tree) and for a program (a JSON object)."""

from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

from replay.nodes import Node
from tools.cells import printable

_LONG: Final = 48


def as_tree(node: Node) -> Tree:
    """Return the tree for a screen. Payloads are shown as recorded, control characters escaped."""
    tree = Tree(_title(node))
    _fill(tree, node)
    return tree


def _fill(tree: Tree, node: Node) -> None:
    for line in _lines(node):
        tree.add(line)
    for child in node.children:
        _fill(tree.add(_title(child)), child)


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


def as_object(node: Node) -> dict[str, Any]:
    """Return the node as a JSON object: title, kind, facts, children."""
    return {
        "title": node.title,
        "kind": node.kind,
        "facts": [{"name": name, "value": value} for name, value in node.facts],
        "children": [as_object(child) for child in node.children],
    }
