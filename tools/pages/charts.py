"""Charts as inline SVG: text stays text, colours are the page's own, the same data the same bytes.

A chart is a picture of money, so it may round to pixels; the figures stand beside it, exact.
"""

import io
import warnings
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

import matplotlib as mpl
from lxml import etree
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tools.cells import printable

_DROPPED: Final = tuple(f"{{http://www.w3.org/2000/svg}}{name}" for name in ("metadata", "style"))
_NAME_LETTERS: Final = 28
_WIDTH_INCHES: Final = 7.2
# Drawn in these, written as the page's own colours, which follow light and dark.
_COLOURS: Final = {
    "#010203": "var(--text)",
    "#040506": "var(--quiet)",
    "#070809": "var(--up)",
    "#0a0b0c": "var(--down)",
    "#0d0e0f": "var(--before)",
    "#101112": "var(--after)",
}
_TEXT, _QUIET, _UP, _DOWN, _BEFORE, _AFTER = _COLOURS
_DASHES: Final = ("--", "-", ":")
_STYLE: Final[dict[Any, object]] = {
    "axes.edgecolor": _QUIET,
    "axes.labelcolor": _TEXT,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.color": _TEXT,
    "text.parse_math": False,
    "xtick.color": _TEXT,
    "ytick.color": _TEXT,
}


def chart_bars(title: str, bars: Sequence[tuple[str, Decimal]], *, unit: str) -> Markup:
    """Return one bar for each name, the first on top, coloured by its sign."""
    with mpl.rc_context({**_STYLE, "svg.hashsalt": title}):
        figure, axes = _figure(0.9 + 0.32 * len(bars))
        places = range(len(bars))
        values = [float(value) for _, value in bars]
        axes.barh(places, values, color=[_DOWN if value < 0 else _UP for value in values])
        axes.set_yticks(places, [_short(name) for name, _ in bars])
        axes.axvline(0, color=_QUIET, linewidth=0.8)
        axes.invert_yaxis()
        axes.set_xlabel(printable(unit))
        return _inline(figure, title)


def chart_lines(
    title: str, days: Sequence[date], lines: Sequence[tuple[str, Sequence[Decimal]]], *, unit: str
) -> Markup:
    """Return one line of steps for each name, over days; the last of three is the difference."""
    with mpl.rc_context({**_STYLE, "svg.hashsalt": title}):
        figure, axes = _figure(3.2)
        places = [day.toordinal() for day in days]
        for (name, values), colour, dashes in zip(
            lines, (_BEFORE, _AFTER, _TEXT), _DASHES, strict=False
        ):
            drawn = [float(value) for value in values]
            axes.plot(
                places,
                drawn,
                label=_short(name),
                color=colour,
                linestyle=dashes,
                drawstyle="steps-post",
                marker="o" if len(days) == 1 else "",
            )
        axes.axhline(0, color=_QUIET, linewidth=0.8)
        _day_ticks(axes, days)
        axes.set_ylabel(printable(unit))
        axes.legend(loc="upper left", bbox_to_anchor=(0, 1.16), ncols=3)
        return _inline(figure, title)


def _figure(height_inches: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained")
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.patch.set_visible(False)
    return figure, axes


def _day_ticks(axes: Axes, days: Sequence[date], ticks: int = 5) -> None:
    step = max(1, -(-len(days) // ticks))
    shown = days[::step]
    axes.set_xticks([day.toordinal() for day in shown], [day.isoformat() for day in shown])


def _short(name: str) -> str:
    text = printable(name)
    if len(text) <= _NAME_LETTERS:
        return text
    half = _NAME_LETTERS // 2
    return f"{text[: half - 1]}…{text[-half:]}"


def _inline(figure: Figure, title: str) -> Markup:
    """Return the drawing without what stands before it, ids that nothing names, and sizes."""
    written = io.BytesIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with warnings.catch_warnings():
        # a name in letters that the font lacks is drawn by the browser, which has others
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(written, format="svg", metadata=nothing)
    root = etree.fromstring(written.getvalue())
    _tidied(root)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", printable(title))
    _coloured(root)
    text = etree.tostring(root, encoding="unicode")
    return Markup(text)  # noqa: S704 - made by the drawing library, which escapes every text


def _coloured(root: etree._Element) -> None:
    """Put the page's colours where a colour may stand, and nowhere else."""
    for node in root.iter():
        for name in ("style", "fill", "stroke"):
            told = node.get(name)
            for drawn, colour in _COLOURS.items():
                told = told and told.replace(drawn, colour)
            if told:
                node.set(name, told)


def _tidied(root: etree._Element) -> None:
    # An id that two charts of a page share would clip one by the other; these are salted.
    named = "".join(value for node in root.iter() for value in map(str, node.attrib.values()))
    for node in list(root.iter()):
        if not isinstance(node.tag, str) or node.tag in _DROPPED:
            node.getparent().remove(node)
        elif (own := node.get("id")) is not None and f"#{own}" not in named:
            del node.attrib["id"]
