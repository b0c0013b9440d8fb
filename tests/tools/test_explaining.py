"""An explanation on a screen, as JSON and as a page; what a broker says is never taken as code."""

import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from adapters.log.sqlite import SQLiteLog
from replay.explain.nodes import Node
from tests.books import event
from tests.tools.command import DAY, run, small_book
from tools.explaining import as_object, as_tree
from tools.explaining_page import as_page

SELECT = "SELECT *\nFROM fill\nWHERE fill_id = 'x'"
LEAF = Node("b", "lot", (("text", "x" * 60),), (), SELECT)
NODE = Node("a\x1b[1m", "day", (("n", "1"), ("m", "2")), (LEAF, LEAF))
HOSTILE = "</pre><script>alert(1)</script>\u202e{{ 7 * 7 }}"


def on_a_screen(node: Node, *, with_sql: bool = False) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=100).print(as_tree(node, with_sql=with_sql))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


class Tags(HTMLParser):
    """What a browser makes of a page: its elements, its texts, what it would fetch."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.names: list[str] = []
        self.fetched: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.names.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


def test_it_is_a_tree_on_a_screen() -> None:
    assert on_a_screen(NODE) == [
        "a\\x1b[1m",
        "├── n 1, m 2",
        "├── b",
        f"│   └── text {'x' * 60}",
        "└── b",
        f"    └── text {'x' * 60}",
    ]


def test_sql_is_shown_once_for_what_one_select_found() -> None:
    assert on_a_screen(NODE, with_sql=True) == [
        "a\\x1b[1m",
        "├── n 1, m 2",
        "├── b",
        "│   ├── sql SELECT * FROM fill WHERE fill_id = 'x'",
        f"│   └── text {'x' * 60}",
        "└── b",
        f"    └── text {'x' * 60}",
    ]


def test_it_is_an_object_for_a_program() -> None:
    told: dict[str, Any] = json.loads(json.dumps(as_object(NODE)))
    assert told["facts"] == [{"name": "n", "value": "1"}, {"name": "m", "value": "2"}]
    assert told["query"] is None
    assert told["children"][0] == {
        "title": "b",
        "kind": "lot",
        "facts": [{"name": "text", "value": "x" * 60}],
        "query": SELECT,
        "children": [],
    }


def test_a_page_holds_everything_and_needs_nothing() -> None:
    page = as_page(NODE, "explained a")
    seen = Tags(page)
    assert seen.fetched == []
    assert not {"script", "link", "img", "iframe"} & set(seen.names)
    # three nodes, and the SQL of two
    assert seen.names.count("details") == 5
    assert SELECT in seen.texts
    assert "explained a" in seen.texts
    assert page == as_page(NODE, "explained a")


def test_what_a_broker_says_is_text_on_a_page() -> None:
    payload = Node(HOSTILE, "payload", ((HOSTILE, HOSTILE), ("text", HOSTILE)), (), HOSTILE)
    page = as_page(payload, HOSTILE)
    assert "<script" not in page
    assert "\u202e" not in page
    told = HOSTILE.replace("\u202e", "\\u202e")
    # title, heading, verdict, node, SQL, name and values
    assert [text.strip() for text in Tags(page).texts].count(told) == 8


def test_the_bytes_of_a_hostile_payload_are_readable_on_a_page(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    odd = json.dumps({"fill_id": "odd", "note": "</pre><script>alert(1)</script>"})
    with SQLiteLog.open(book / "log.sqlite") as log:
        log.append([event("kalshi.fill", odd)])
        position = log.head()
    assert run(book, "project").code == 1
    page = tmp_path / "page.html"
    done = run(book, "explain", f"unreadable:{position}", "--html", page)
    assert done.code == 0
    assert done.verdict.endswith(f"written to {page}")
    assert odd in Tags(page.read_text("utf-8")).texts


def test_a_page_is_written_and_named(tmp_path: Path) -> None:
    book, page = small_book(tmp_path), tmp_path / "day.html"
    told = run(book, "explain", DAY, "--html", page, "--json").json
    assert (told["exit_code"], told["html"]) == (0, str(page))
    assert told["explanation"]["kind"] == "day"
    assert "fill-1" in page.read_text("utf-8")


def test_a_page_that_cannot_be_written_is_no_explanation(tmp_path: Path) -> None:
    done = run(small_book(tmp_path), "explain", DAY, "--html", tmp_path / "no" / "page.html")
    assert done.code == 3
    assert "cannot write" in done.err


def test_every_select_of_an_explanation_can_be_asked(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    told = run(book, "explain", "trade:fill-1", "--json").json["explanation"]
    (lot, *_) = told["children"]
    assert lot["kind"] == "lot"
    rows = run(book, "query", lot["query"], "--json").json["rows"]
    assert {row["trade_id"] for row in rows} == {"fill-1"}


@pytest.mark.parametrize("word", ["current", "candidate"])
def test_another_projection_can_be_explained(tmp_path: Path, word: str) -> None:
    book = small_book(tmp_path)
    (book / "attribution.toml").write_text('[strategies.maker]\nprefixes = ["bot-"]\n', "utf-8")
    assert run(book, "rebuild").code in {0, 1}
    strategy = {"current": "unattributed", "candidate": "maker"}[word]
    assert run(book, "explain", f"{DAY}/{strategy}", "--on", word).code == 0
    other = {"current": "maker", "candidate": "unattributed"}[word]
    assert run(book, "explain", f"strategy:{other}", "--on", word).code == 2
