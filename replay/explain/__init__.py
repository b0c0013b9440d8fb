"""From a figure back to the bytes: what the user named is found (`targets`), then walked.

Nothing is guessed: a name that fits several things is refused with the list of them.
"""

from typing import Final

import duckdb

from domain.errors import UsageError
from replay import meta
from replay.explain.nodes import Node
from replay.explain.sources import Sources
from replay.explain.targets import ALONE, BY_WORD, NAMES, is_day
from replay.ports import EventLog

LIMIT: Final = 10


def explain(
    connection: duckdb.DuckDBPyConnection, log: EventLog, target: str, limit: int = LIMIT
) -> Node:
    """Explain whatever has a name, down to the bytes that it came from.

    `target` is its id; a day is 2026-01-13, 2026-01-13/STRATEGY, 2026-01-13/FAMILY or both, an
    instrument may be called by its symbol. A word in front says which is meant, as in `order:ID`;
    `targets` has the words, and some things need theirs: a trade, because its id is that of
    its first fill. At most `limit` children are shown at each level.
    Raise UsageError if nothing, or more than one thing, is called so.
    """
    if limit < 1:
        message = f"limit {limit}: at least 1 must be shown"
        raise UsageError(message)
    sources = Sources(connection, log, limit, meta.read(connection).watermark)
    word, _, rest = target.partition(":")
    words: tuple[str, ...] = (word,)
    text = rest.strip()
    if word not in BY_WORD:
        text = target.strip()
        # what looks like a day is one: nothing else is searched for it
        words = ("day",) if is_day(text) else ALONE
    found = [candidate for name in words for candidate in BY_WORD[name](sources, text)]
    if not found:
        kinds = ", ".join(NAMES[name] for name in words)
        message = f"{text!r} was looked for and not found as: {kinds}"
        raise UsageError(message)
    if len(found) > 1:
        listed = "".join(f"\n  {one.exact}  ({one.label})" for one in found[:limit])
        more = f"\n  and {len(found) - limit} more" if len(found) > limit else ""
        message = f"{text!r} is not the name of one thing; say which:{listed}{more}"
        raise UsageError(message)
    return found[0].make()
