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
    Step(
        "fill_ibkr",
        ("merged_fill", "merged_commission"),
        ("set_aside", "fill", "restatement"),
        _MARKET,
    ),
    Step("canary_subaccount", ("merged_fill", "merged_balance_snapshot"), ("canary",), _MARKET),
    Step(
        "instrument",
        (
            "fill",
            "merged_fill",
            "merged_settlement",
            "merged_market",
            "merged_order_state",
            "merged_position_snapshot",
            "merged_corporate_action",
            "merged_transfer",
            "merged_security",
            "merged_option_event",
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
    Step("cancelled_fill", ("fill",), ("cancelled_fill",), _MARKET),
    Step(
        "quantity_change",
        ("fill", "merged_corporate_action", "merged_transfer"),
        ("quantity_change",),
        _MARKET,
    ),
    Step(
        "position_list",
        ("merged_statement", "merged_position_snapshot"),
        ("position_list",),
        _ACCOUNT,
    ),
    Step(
        "opening",
        ("quantity_change", "position_list", "merged_position_snapshot"),
        ("opening",),
        _MARKET,
    ),
    Step(
        "rearrangement",
        ("merged_corporate_action", "quantity_change", "cancelled_fill", "opening"),
        ("rearrangement",),
        _ACCOUNT,
    ),
    Step(
        "holding",
        ("fill", "cancelled_fill", "quantity_change", "opening"),
        ("holding",),
        _HOLDING,
    ),
    Step(
        "movement",
        (
            "fill",
            "attribution",
            "holding",
            "cancelled_fill",
            "opening",
            "rearrangement",
            "merged_corporate_action",
            "merged_position_snapshot",
            "merged_transfer",
            "merged_settlement",
        ),
        ("movement",),
        _HOLDING,
    ),
    Step("interval", ("movement",), ("interval",), _HOLDING),
    Step("segment", ("interval",), ("segment",), _HOLDING),
    Step("payment", ("movement", "segment"), ("payment",), _HOLDING),
    Step("arrival", ("movement", "interval", "holding"), ("arrival",), _ACCOUNT),
    Step("carried_lot", ("segment", "interval", "arrival"), ("carried_lot",), _ACCOUNT),
    Step(
        "stretch",
        ("segment", "carried_lot", "interval", "arrival"),
        ("stretch",),
        _HOLDING,
    ),
    Step(
        "carried_premium",
        ("fill", "holding", "movement", "stretch"),
        ("carried_premium",),
        _ACCOUNT,
    ),
    Step("handover", ("carried_premium", "movement", "holding"), ("handover",), _ACCOUNT),
    Step(
        "lot",
        ("stretch", "interval", "movement", "payment", "arrival", "handover"),
        ("lot",),
        _HOLDING,
    ),
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
    Step(
        "cash_ledger_ibkr",
        ("fill", "merged_cash_movement", "merged_corporate_action", "merged_transfer"),
        ("cash_ledger",),
        _ACCOUNT,
    ),
    Step("daily_pnl", ("lot_match", "instrument"), ("daily_pnl",), _DAY),
    Step(
        "base_pnl",
        (
            "lot_match",
            "fill",
            "merged_corporate_action",
            "merged_account_profile",
            "merged_fx_rate",
        ),
        ("base_pnl",),
        _ACCOUNT,
    ),
    Step(
        "order_life",
        ("fill", "set_aside", "merged_order_state"),
        ("order_life",),
        (*_ACCOUNT, "order_id"),
    ),
    Step(
        "cash_comparison",
        ("merged_cash_report", "merged_statement", "cash_ledger", "fill"),
        ("cash_comparison",),
        _ACCOUNT,
    ),
    Step(
        "position_comparison",
        (
            "merged_position_snapshot",
            "position_list",
            "quantity_change",
            "opening",
        ),
        ("position_comparison",),
        _ACCOUNT,
    ),
    Step(
        "realized_comparison",
        ("fill", "lot_match", "merged_cash_movement"),
        ("realized_comparison",),
        _HOLDING,
    ),
    Step(
        "canary_ibkr",
        (
            "opening",
            "fill",
            "instrument",
            "carried_premium",
            "quantity_change",
            "merged_position_snapshot",
            "merged_fetch_log",
            "merged_option_event",
            "merged_corporate_action",
        ),
        ("canary",),
        _ACCOUNT,
    ),
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

TEMPORARY: Final = (
    "cancelled_fill",
    "quantity_change",
    "position_list",
    "rearrangement",
    "holding",
    "movement",
    "interval",
    "segment",
    "payment",
    "arrival",
    "carried_lot",
    "stretch",
    "handover",
    "lot",
)


def released_after(step: Step) -> list[str]:
    """Return the working tables and merged facts that no later step reads."""
    later = STEPS[STEPS.index(step) + 1 :]
    still_read = {name for one in later for name in one.inputs}
    return [
        name
        for name in step.inputs
        if name not in still_read and (name in TEMPORARY or name.startswith("merged_"))
    ]
