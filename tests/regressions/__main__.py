"""Write what docs/backfills.md walks through: `python -m tests.regressions FOLDER`.

may/pages      fills of 10 and 11 May 2026 without client_order_id, and their settlements
may/*.toml     rules without heuristics, and rules with them
may/spool      what the bot recorded: nine posted orders, thirty-five decisions
hedges/pages   fourteen markets that were hedged, settled with revenue 0
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.regressions.weather_bot import (
    ASYMMETRIC,
    BACKLOG,
    EXTERNAL,
    HEDGES,
    ORDERS,
    RULES_TEXT,
    TWELVE,
    WITHOUT_HEURISTICS,
    Traded,
    backlog_decisions,
    decision,
    fills_page,
    posted_order,
    settlement_rows,
)
from tools.fake_kalshi.payloads import page


def write(folder: Path) -> None:
    """Write it all into a new folder."""
    _write_pages(folder / "may" / "pages", (*BACKLOG, *TWELVE, *EXTERNAL), revenue=None)
    (folder / "may" / "before.toml").write_text(WITHOUT_HEURISTICS, "utf-8")
    (folder / "may" / "after.toml").write_text(RULES_TEXT, "utf-8")
    spool = folder / "may" / "spool"
    spool.mkdir()
    posted = _lines("bot.order_posted", map(posted_order, ORDERS))
    decided = _lines("bot.decision", [*backlog_decisions(), *map(decision, ORDERS)])
    (spool / "weather-bot.jsonl").write_text("".join([*posted, *decided]), "utf-8")
    _write_pages(folder / "hedges" / "pages", (*HEDGES, *ASYMMETRIC), revenue=0)


def _write_pages(folder: Path, traded: Sequence[Traded], *, revenue: int | None) -> None:
    folder.mkdir(parents=True)
    (folder / "fills.json").write_text(fills_page(traded), "utf-8")
    settled = page("settlements", settlement_rows(traded, revenue=revenue))
    (folder / "settlements.json").write_text(settled, "utf-8")


def _lines(kind: str, payloads: Iterable[dict[str, Any]]) -> list[str]:
    """Return lines as the recorder writes them."""
    return [
        json.dumps(
            {
                "v": 1,
                "kind": kind,
                "venue": "kalshi",
                "recorded_at": payload.get("posted_at") or payload["decided_at"],
                "payload": payload,
            }
        )
        + "\n"
        for payload in payloads
    ]


if __name__ == "__main__":
    write(Path(sys.argv[1]))
