"""How wide a rendered table is."""

import pyarrow as pa

from tools.render import as_table


def shown_width(table: pa.Table) -> int:
    """Return the widest line of a table on a screen; row by row counts as too wide."""
    text = as_table(table)
    return 1000 if text.startswith("── row") else max(map(len, text.splitlines()))
