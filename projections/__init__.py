"""How facts and results are computed: the whole flow on one page.

    log ── readers ──> renditions ── merge ──> facts ── steps ──> results ── checks
            (reading)                (merging)         (STEPS)              (checks/*.sql)

A step is one SQL file in `steps/`. It reads the tables it names as inputs and fills the ones it
names as outputs; `key` says by what it could be recomputed in part. Steps run in this order.
Tables called merged_* come from the merge; those in TEMPORARY are working tables that end with
the build, all others are published (`domain/results.py`).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Step:
    """One SQL file of the flow."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    key: tuple[str, ...]


_ACCOUNT: Final = ("venue", "account", "mode")
_MARKET: Final = (*_ACCOUNT, "instrument_id")
_HOLDING: Final = (*_ACCOUNT, "subaccount", "instrument_id")
_STREAM: Final = (*_ACCOUNT, "stream")
_DAY: Final = ("day", "venue", "account", "mode", "strategy", "family", "currency")

STEPS: Final[tuple[Step, ...]] = (
    Step("fill", ("merged_fill", "merged_settlement"), ("fill",), _MARKET),
    Step("canary_subaccount", ("merged_fill", "merged_balance_snapshot"), ("canary",), _MARKET),
    Step(
        "instrument",
        (
            "fill",
            "merged_settlement",
            "merged_market",
            "merged_order_state",
            "merged_position_snapshot",
        ),
        ("instrument",),
        ("venue", "instrument_id"),
    ),
    Step(
        "attribution",
        ("fill", "merged_order_state", "strategy_prefix"),
        ("attribution",),
        _MARKET,
    ),
    Step("holding", ("fill",), ("holding",), _HOLDING),
    Step(
        "movement",
        ("fill", "attribution", "holding", "merged_settlement"),
        ("movement",),
        _HOLDING,
    ),
    Step("interval", ("movement",), ("interval",), _HOLDING),
    Step("segment", ("interval",), ("segment",), _HOLDING),
    Step("payment", ("movement", "segment"), ("payment",), _HOLDING),
    Step("lot", ("segment", "interval", "movement", "payment"), ("lot",), _HOLDING),
    Step("lot_match", ("lot", "movement", "holding"), ("lot_match",), _HOLDING),
    Step("open_lot", ("lot", "movement", "holding"), ("open_lot",), _HOLDING),
    Step("position", ("open_lot",), ("position",), _HOLDING),
    Step("trade", ("lot", "movement", "holding"), ("trade",), _HOLDING),
    Step(
        "settlement",
        ("merged_settlement", "fill", "payment"),
        ("settlement",),
        _MARKET,
    ),
    Step(
        "cash_ledger",
        ("fill", "movement", "interval", "payment", "holding", "merged_cash_movement"),
        ("cash_ledger",),
        _HOLDING,
    ),
    Step("daily_pnl", ("lot_match", "instrument"), ("daily_pnl",), _DAY),
    Step("stream_coverage", ("merged_fetch_log",), ("stream_coverage",), _STREAM),
    Step("stream_status", ("merged_fetch_log", "stream_coverage"), ("stream_status",), _STREAM),
    Step("canary_settlement", ("settlement", "merged_market"), ("canary",), _MARKET),
    Step(
        "canary_fee",
        ("fill", "instrument", "merged_series", "merged_market"),
        ("canary",),
        _MARKET,
    ),
    Step(
        "canary_balance",
        (
            "merged_balance_snapshot",
            "cash_ledger",
            "fill",
            "settlement",
            "merged_cash_movement",
            "stream_coverage",
        ),
        ("canary",),
        _ACCOUNT,
    ),
    Step(
        "canary_unsettled",
        ("position", "settlement", "merged_market", "stream_coverage"),
        ("canary",),
        _MARKET,
    ),
    Step("canary_shard", ("merged_balance_snapshot", "cash_ledger"), ("canary",), _ACCOUNT),
)

TEMPORARY: Final = ("holding", "movement", "interval", "segment", "payment", "lot")


def released_after(step: Step) -> list[str]:
    """Return the working tables and merged facts that no later step reads."""
    later = STEPS[STEPS.index(step) + 1 :]
    still_read = {name for one in later for name in one.inputs}
    return [
        name
        for name in step.inputs
        if name not in still_read and (name in TEMPORARY or name.startswith("merged_"))
    ]
