"""`explain --html`: an explanation as a page for a browser, to be folded and unfolded."""

from pathlib import Path
from typing import Any, Final

from replay.explain.nodes import Node
from tools import output
from tools.book import Book
from tools.cells import printable
from tools.explaining import explained
from tools.outcome import Outcome, safe
from tools.pages import page

_OPEN_LEVELS: Final = 2


def write(book: Book, target: str, path: Path, *, limit: int, on: str) -> Outcome:
    """Explain a figure in a file that a browser shows."""
    told = explained(book, target, limit=limit, on=on)
    output.write_page(book, path, as_page(told.node, told.verdict))
    return Outcome(f"{told.verdict}; written to {path}", {**told.data, "html": str(path)})


def as_page(node: Node, verdict: str) -> str:
    """Return a page with the whole tree; it needs nothing else."""
    return page("explain.html", verdict=safe(verdict), root=_branch(node, 0))


def _branch(node: Node, level: int) -> dict[str, Any]:
    return {
        "title": printable(node.title),
        "kind": node.kind,
        "facts": [(printable(name), safe(value)) for name, value in node.facts],
        "query": safe(node.query),
        "open": level < _OPEN_LEVELS,
        "children": [_branch(child, level + 1) for child in node.children],
    }
