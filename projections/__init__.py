"""How facts and results are computed: the whole flow on one page.

    log ── readers ──> renditions ── merge ──> facts ── steps ──> results ── checks
            (reading)                (merging)         (STEPS)              (checks/*.sql)

A step is one SQL file in `steps/`. It reads the tables it names as inputs and fills the ones it
names as outputs. Steps run in this order. Where new events are applied to a projection, a step runs
for the instruments that they concern (`scopes/*.sql`), or over the whole book, see `Step`.
Tables called merged_* come from the merge, those in RULES from the user's rules; those in TEMPORARY
are working tables that end with the build, all others are published (`domain/results.py`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Step:
    """One SQL file of the flow.

    It makes no rows where nothing was told of its venue, nor where all tables of `driven_by` are
    empty. By default it concerns every venue and is driven by all of its inputs but the rules.
    `key` says by what its rows hang together. A step that is `whole` looks at what an account did
    altogether: it is run over the whole book where an input changed, and makes the canaries of its
    `rules`; any other makes the rows of an instrument of that instrument's rows alone.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    key: tuple[str, ...]
    venue: str | None = None
    driven_by: tuple[str, ...] = ()
    whole: bool = False
    rules: tuple[str, ...] = ()


_ACCOUNT: Final = ("venue", "account", "mode")
_MARKET: Final = (*_ACCOUNT, "instrument_id")
_HOLDING: Final = (*_ACCOUNT, "subaccount", "instrument_id")
_STREAM: Final = (*_ACCOUNT, "stream")
_DAY: Final = ("day", "venue", "account", "mode", "strategy", "family", "currency")

STEPS: Final[tuple[Step, ...]] = (
    Step(
        "fill", ("merged_fill", "merged_settlement"),
        ("fill",), _MARKET, venue="kalshi", driven_by=("merged_fill",),
    ),
    Step(
        "fill_ibkr", ("merged_fill", "merged_commission"),
        ("set_aside", "fill", "restatement"), _MARKET, venue="ibkr", driven_by=("merged_fill",),
    ),
    Step(
        "canary_subaccount", ("merged_fill", "merged_balance_snapshot"),
        ("canary",), _MARKET, driven_by=("merged_balance_snapshot",),
    ),
    Step(
        "instrument",
        (
            "fill", "merged_fill", "merged_settlement", "merged_market", "merged_order_state",
            "merged_position_snapshot", "merged_corporate_action", "merged_transfer",
            "merged_security", "merged_option_event",
        ),
        ("instrument",), ("venue", "instrument_id"),
    ),
    Step(
        "combination_leg", ("fill", "set_aside"),
        ("combination_leg",), (*_ACCOUNT, "order_id"), venue="ibkr", driven_by=("set_aside",),
    ),
    Step(
        "posted_fill", ("fill", "combination_leg", "merged_order_state", "merged_posted_order"),
        ("posted_fill",), _MARKET, driven_by=("merged_posted_order",),
    ),
    Step(
        "named_decision",
        ("fill", "combination_leg", "merged_order_state", "posted_fill", "merged_decision"),
        ("named_decision",), _MARKET, driven_by=("posted_fill", "merged_decision"),
    ),
    Step(
        "identified_fill",
        ("fill", "merged_order_state", "posted_fill", "named_decision", "strategy_prefix"),
        ("identified_fill",), _MARKET,
    ),
    Step(
        "matched_decision",
        ("fill", "identified_fill", "named_decision", "merged_decision", "rule_setting"),
        ("matched_decision",), _MARKET, driven_by=("merged_decision",),
    ),
    Step(
        "left_entry",
        (
            "fill", "identified_fill", "matched_decision", "merged_attribution_claim",
            "strategy_exit", "rule_setting",
        ),
        ("left_entry",), _MARKET,
    ),
    Step(
        "attribution",
        (
            "fill", "identified_fill", "named_decision", "matched_decision", "left_entry",
            "merged_attribution_claim",
        ),
        ("attribution", "restatement"), _MARKET, driven_by=("fill",),
    ),
    Step("cancelled_fill", ("fill",), ("cancelled_fill",), _MARKET, venue="ibkr"),
    Step(
        "quantity_change", ("fill", "merged_corporate_action", "merged_transfer"),
        ("quantity_change",), _MARKET, venue="ibkr",
    ),
    Step(
        "position_list", ("merged_statement", "merged_position_snapshot"),
        ("position_list",), _ACCOUNT, driven_by=("merged_statement",),
    ),
    Step(
        "opening", ("quantity_change", "position_list", "merged_position_snapshot"),
        ("opening",), _MARKET, venue="ibkr",
    ),
    Step(
        "rearrangement",
        ("merged_corporate_action", "quantity_change", "cancelled_fill", "opening"),
        ("rearrangement",), _ACCOUNT, driven_by=("merged_corporate_action",),
    ),
    Step(
        "holding", ("fill", "cancelled_fill", "quantity_change", "opening"),
        ("holding",), _HOLDING,
    ),
    Step(
        "movement",
        (
            "fill", "attribution", "holding", "cancelled_fill", "opening", "rearrangement",
            "merged_corporate_action", "merged_position_snapshot", "merged_transfer",
            "merged_settlement",
        ),
        ("movement",), _HOLDING, driven_by=("holding",),
    ),
    Step("interval", ("movement",), ("interval",), _HOLDING),
    Step("segment", ("interval",), ("segment",), _HOLDING),
    Step("payment", ("movement", "segment"), ("payment",), _HOLDING, driven_by=("movement",)),
    Step("arrival", ("movement", "interval", "holding"), ("arrival",), _ACCOUNT),
    Step(
        "carried_lot", ("segment", "interval", "arrival"),
        ("carried_lot",), _ACCOUNT, driven_by=("arrival",),
    ),
    Step("stretch", ("segment", "carried_lot", "interval", "arrival"), ("stretch",), _HOLDING),
    Step(
        "carried_premium", ("fill", "holding", "movement", "stretch"),
        ("carried_premium",), _ACCOUNT, venue="ibkr", driven_by=("fill",),
    ),
    Step(
        "handover", ("carried_premium", "movement", "holding"),
        ("handover",), _ACCOUNT, driven_by=("carried_premium",),
    ),
    Step(
        "lot", ("stretch", "interval", "payment", "arrival", "handover"),
        ("lot",), _HOLDING, driven_by=("stretch",),
    ),
    Step(
        "lot_match", ("lot", "movement", "holding", "strategy_exit"),
        ("lot_match",), _HOLDING, driven_by=("lot",),
    ),
    Step(
        "open_lot", ("lot", "movement", "holding", "strategy_exit"),
        ("open_lot",), _HOLDING, driven_by=("lot",),
    ),
    Step("position", ("open_lot",), ("position",), _HOLDING),
    Step(
        "trade", ("lot", "movement", "holding", "strategy_exit"),
        ("trade",), _HOLDING, driven_by=("lot",),
    ),
    Step("trade_sum", ("lot", "movement", "holding"), ("trade_sum",), _HOLDING, driven_by=("lot",)),
    Step(
        "decision_fill",
        ("fill", "attribution", "named_decision", "movement", "lot", "trade_sum"),
        ("decision_fill",), _MARKET,
    ),
    Step(
        "exit_told",
        (
            "merged_bot_exit", "exit_spelling", "fill", "attribution", "movement", "lot",
            "trade_sum", "decision_fill",
        ),
        ("exit_told",), _MARKET, driven_by=("merged_bot_exit",),
    ),
    Step(
        "held_closed", ("exit_told", "trade_sum", "lot", "merged_quote"),
        ("held_closed",), _MARKET, driven_by=("exit_told",),
    ),
    Step(
        "excursion", ("trade_sum", "held_closed", "lot", "merged_quote"),
        ("excursion",), _MARKET, driven_by=("merged_quote",),
    ),
    Step(
        "outcome",
        (
            "trade", "trade_sum", "lot", "movement", "held_closed", "exit_told", "excursion",
            "decision_fill", "fill", "merged_commission", "merged_settlement", "rule_setting",
        ),
        ("outcome",), _MARKET, driven_by=("trade",),
    ),
    Step("canary_exit", ("exit_told", "trade_sum"), ("canary",), _MARKET, driven_by=("exit_told",)),
    Step(
        "canary_spelling", ("merged_bot_exit", "exit_spelling"),
        ("canary",), _ACCOUNT, driven_by=("merged_bot_exit",), whole=True,
        rules=("exit_undeclared",),
    ),
    Step(
        "settlement", ("merged_settlement", "fill", "payment"),
        ("settlement",), _MARKET, driven_by=("merged_settlement",),
    ),
    Step(
        "cash_ledger",
        ("fill", "movement", "interval", "payment", "holding", "merged_cash_movement"),
        ("cash_ledger",), _HOLDING, venue="kalshi",
    ),
    Step(
        "cash_ledger_ibkr",
        ("fill", "merged_cash_movement", "merged_corporate_action", "merged_transfer"),
        ("cash_ledger",), _ACCOUNT, venue="ibkr",
    ),
    Step("daily_pnl", ("lot_match", "instrument"), ("daily_pnl",), _DAY, driven_by=("lot_match",)),
    Step(
        "base_pnl",
        (
            "lot_match", "fill", "merged_corporate_action", "merged_account_profile",
            "merged_fx_rate",
        ),
        ("base_pnl",), _ACCOUNT, venue="ibkr", driven_by=("lot_match",),
    ),
    Step(
        "order_life", ("fill", "set_aside", "merged_order_state"),
        ("order_life",), (*_ACCOUNT, "order_id"),
    ),
    Step(
        "cash_comparison", ("merged_cash_report", "merged_statement", "cash_ledger", "fill"),
        ("cash_comparison",), _ACCOUNT, driven_by=("merged_cash_report",),
    ),
    Step(
        "position_comparison",
        ("merged_position_snapshot", "position_list", "quantity_change", "opening"),
        ("position_comparison",), _ACCOUNT, venue="ibkr",
    ),
    Step(
        "realized_comparison", ("fill", "lot_match", "merged_cash_movement"),
        ("realized_comparison",), _HOLDING, venue="ibkr", driven_by=("fill",),
    ),
    Step(
        "canary_ibkr",
        (
            "opening", "fill", "instrument", "carried_premium", "quantity_change",
            "merged_position_snapshot", "merged_fetch_log", "merged_option_event",
            "merged_corporate_action",
        ),
        ("canary",), _ACCOUNT, venue="ibkr",
    ),
    Step("stream_coverage", ("merged_fetch_log",), ("stream_coverage",), _STREAM, whole=True),
    Step(
        "stream_status", ("merged_fetch_log", "stream_coverage"),
        ("stream_status",), _STREAM, whole=True,
    ),
    Step(
        "canary_settlement", ("settlement", "merged_market"),
        ("canary",), _MARKET, driven_by=("settlement",),
    ),
    Step(
        "canary_fee", ("fill", "instrument", "merged_series", "merged_market"),
        ("canary",), _MARKET, venue="kalshi", driven_by=("merged_series",), whole=True,
        rules=("fee_zero",),
    ),
    Step(
        "canary_balance",
        (
            "merged_balance_snapshot", "cash_ledger", "fill", "settlement", "merged_cash_movement",
            "stream_coverage",
        ),
        ("canary",), _ACCOUNT, driven_by=("merged_balance_snapshot",), whole=True,
        rules=("balance_unexplained",),
    ),
    Step(
        "canary_unsettled", ("position", "settlement", "merged_market", "stream_coverage"),
        ("canary",), _MARKET, driven_by=("merged_market",), whole=True,
        rules=("settlement_missing",),
    ),
    Step(
        "canary_shard", ("merged_balance_snapshot", "cash_ledger"),
        ("canary",), _ACCOUNT, driven_by=("merged_balance_snapshot",), whole=True,
        rules=("balance_parts", "subaccount_balance_differs", "portfolio_value_scoped"),
    ),
    Step(
        "strategy_fill", ("fill", "attribution", "strategy_exit"),
        ("strategy_fill",), _ACCOUNT, driven_by=("fill",), whole=True,
    ),
    Step(
        "strategy_status",
        (
            "fill", "attribution", "strategy_fill", "merged_decision", "merged_posted_order",
            "daily_pnl", "stream_coverage", "strategy_named", "strategy_exit", "rule_setting",
        ),
        ("strategy_status",), _ACCOUNT, whole=True,
    ),
    Step(
        "canary_decision", ("fill", "attribution", "merged_decision", "rule_setting"),
        ("canary",), _MARKET, driven_by=("merged_decision",),
    ),
    Step(
        "canary_posted_order",
        (
            "merged_posted_order", "fill", "set_aside", "merged_order_state", "stream_coverage",
            "rule_setting",
        ),
        ("canary",), (*_ACCOUNT, "order_id"), driven_by=("merged_posted_order",), whole=True,
        rules=("order_not_seen", "posted_order_differs"),
    ),
    Step(
        "canary_stopped",
        (
            "strategy_status", "merged_decision", "strategy_exit", "merged_posted_order", "fill",
            "attribution", "rule_setting",
        ),
        ("canary",), _ACCOUNT, driven_by=("merged_decision", "merged_posted_order"), whole=True,
        rules=("fills_stopped", "posted_orders_stopped"),
    ),
    Step(
        "canary_claim", ("merged_attribution_claim", "attribution"),
        ("canary",), _ACCOUNT, driven_by=("merged_attribution_claim",), whole=True,
        rules=("claim_of_unknown_fill", "claim_overruled"),
    ),
    Step(
        "decision_outcome",
        (
            "merged_decision", "decision_fill", "merged_posted_order", "order_life",
            "merged_order_state", "trade_sum", "outcome", "stream_coverage", "merged_fetch_log",
            "rule_setting",
        ),
        ("decision_outcome",), _ACCOUNT, driven_by=("merged_decision",),
    ),
)  # fmt: skip

RULES: Final = (
    "strategy_prefix",
    "strategy_named",
    "strategy_exit",
    "exit_spelling",
    "rule_setting",
)

TEMPORARY: Final = (
    "combination_leg",
    "posted_fill",
    "named_decision",
    "identified_fill",
    "matched_decision",
    "left_entry",
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
    "trade_sum",
    "decision_fill",
    "exit_told",
    "held_closed",
    "excursion",
    "strategy_fill",
)


def driven_steps(told: Collection[str], venues: Collection[str]) -> list[Step]:
    """Return the steps that may make rows where no merged tables but the `told` have any."""
    filled = {*told, *RULES}
    driven = []
    for step in STEPS:
        drivers = step.driven_by or set(step.inputs).difference(RULES)
        if step.venue in (None, *venues) and not filled.isdisjoint(drivers):
            filled.update(step.outputs)
            driven.append(step)
    return driven


def released_after(step: Step, steps: Sequence[Step] = STEPS) -> list[str]:
    """Return the working tables and merged facts that no later one of the steps reads."""
    later = steps[steps.index(step) + 1 :]
    still_read = {name for one in later for name in one.inputs}
    return [
        name
        for name in step.inputs
        if name not in still_read and (name in TEMPORARY or name.startswith("merged_"))
    ]
