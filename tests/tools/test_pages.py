"""Pages for a browser: whole in one file, escaped, the same bytes for the same data."""

from datetime import date
from decimal import Decimal

import pytest
from jinja2 import UndefinedError
from lxml import etree, html

from tools.pages import chart_bars, chart_lines, page

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=y>',
    "$x^2$ & 東京",
    "a\x1b[31mb\u202ec",
)
DAYS = [date(2026, 6, 1), date(2026, 6, 3)]


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in etree.fromstring(svg).iter("{*}text")]


def test_a_bar_chart_holds_every_name_as_text_and_nothing_that_runs() -> None:
    drawn = chart_bars("Moved", [(name, Decimal(1)) for name in HOSTILE], unit="USD")
    assert {"<script>alert(1)</script>", "$x^2$ & 東京", "a\\x1b[31mb\\u202ec", "USD"} <= {
        *texts(drawn)
    }
    assert "<script" not in drawn
    assert "<img" not in drawn


def test_bars_take_the_colours_of_the_page_by_their_sign() -> None:
    drawn = chart_bars("Moved", [("up", Decimal("1.5")), ("down", Decimal(-2))], unit="USD")
    assert "var(--up)" in drawn
    assert "var(--down)" in drawn
    assert "#07" not in drawn
    assert "var(--down)" not in chart_bars("Moved", [("up", Decimal(1))], unit="USD")


def test_a_name_that_looks_like_a_colour_stays_a_name() -> None:
    drawn = chart_bars("Moved", [("#010203", Decimal(1)), ("#070809", Decimal(2))], unit="USD")
    assert {"#010203", "#070809"} <= {*texts(drawn)}
    named = chart_bars("#070809", [("one", Decimal(1))], unit="USD")
    assert etree.fromstring(named).get("aria-label") == "#070809"


def test_lines_are_named_and_days_stand_below() -> None:
    lines = [(name, [Decimal(1), Decimal(2)]) for name in ("before", "after", "difference")]
    drawn = chart_lines("Days", DAYS, lines, unit="USD")
    assert {"before", "after", "difference", "2026-06-01", "2026-06-03"} <= {*texts(drawn)}
    one_day = chart_lines("Day", DAYS[:1], [("before", [Decimal(1)])], unit="USD")
    assert "2026-06-01" in texts(one_day)


def test_the_same_data_are_the_same_bytes_and_two_charts_share_no_id() -> None:
    bars = [("one", Decimal(1)), ("two", Decimal(-1))]
    first, again = (chart_bars("Moved", bars, unit="USD") for _ in range(2))
    assert first == again
    ids = [set(etree.fromstring(chart_bars(title, bars, unit="")).xpath("//@id")) for title in "ab"]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_a_chart_names_nothing_outside_itself() -> None:
    drawn = etree.fromstring(chart_bars("Moved", [("one", Decimal(1))], unit="USD"))
    links = [value for value in drawn.xpath("//@*") if "://" in value]
    assert links == []
    assert drawn.get("aria-label") == "Moved"
    assert drawn.get("width") is None


def test_a_page_without_its_data_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        page("diff.html")


def test_the_base_forbids_scripts_and_the_network() -> None:
    made = html.fromstring(page("base.html"))
    (policy,) = made.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none'")
    assert made.xpath("//meta[@name='viewport']")
