"""Pages for a browser, each in one file: nothing comes from the network, and nothing runs.

A template is filled with what brokers, bots and rules say, so every value is escaped, and whatever
moves a cursor or turns the direction of a text is spelled out. The same data give the same bytes.
"""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from replay.explain.nodes import value_text
from tools.cells import printable
from tools.pages.charts import chart_bars, chart_lines

__all__ = ["chart_bars", "chart_lines", "page"]


def page(template: str, **data: object) -> str:
    """Return a template of this folder (`diff.html`) filled with data; it extends `base.html`.

    `{{ value|shown }}` is a figure, a moment or a text as a person reads it, `·` where there is
    none; `{{ value|money }}` is one that came to something, coloured by its sign.
    """
    return _environment().get_template(template).render(**data)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("tools", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(shown=_shown, money=_money)
    return made


def _shown(value: object) -> str:
    return printable(value_text(value))


def _money(value: object) -> Markup:
    text = value_text(value)
    way = "none" if text in {"·", "0"} else "down" if text.startswith("-") else "up"
    sign = "+" if way == "up" else ""
    return Markup('<span class="{}">{}{}</span>').format(way, sign, text)
