"""The kind of a row follows from its section, its element and its level of detail."""

import pytest

from adapters.flex.sections import is_known, kind_of
from domain.kinds import BY_NAME


@pytest.mark.parametrize(
    ("section", "element", "level", "kind"),
    [
        ("Trades", "Trade", "EXECUTION", "trade"),
        ("Trades", "Trade", "", "trade"),
        ("Trades", "Trade", "NOVELTY", "trade"),
        ("Trades", "Trade", "ORDER", "trade_summary"),
        ("Trades", "Trade", "SYMBOL_SUMMARY", "trade_summary"),
        ("Trades", "Trade", "ASSET_SUMMARY", "trade_summary"),
        ("Trades", "Trade", "CLOSED_LOT", "closed_lot"),
        ("Trades", "Order", "ORDER", "trade_summary"),
        ("Trades", "SymbolSummary", "SYMBOL_SUMMARY", "trade_summary"),
        ("Trades", "AssetSummary", "ASSET_SUMMARY", "trade_summary"),
        ("Trades", "Lot", "CLOSED_LOT", "closed_lot"),
        ("Trades", "WashSale", "WASH_SALE", "closed_lot"),
        ("Trades", "Novelty", "", "other"),
        ("TradeConfirms", "TradeConfirm", "EXECUTION", "trade_confirm"),
        ("TradeConfirms", "TradeConfirmation", "", "trade_confirm"),
        ("TradeConfirms", "Order", "ORDER", "trade_summary"),
        ("TradeConfirms", "SymbolSummary", "SYMBOL_SUMMARY", "trade_summary"),
        ("OptionEAE", "OptionEAE", "", "option_event"),
        ("CashTransactions", "CashTransaction", "DETAIL", "cash_transaction"),
        ("CashTransactions", "CashTransaction", "", "cash_transaction"),
        ("CashTransactions", "CashTransaction", "SUMMARY", "cash_transaction_summary"),
        ("CorporateActions", "CorporateAction", "DETAIL", "corporate_action"),
        ("CorporateActions", "CorporateAction", "SUMMARY", "corporate_action_summary"),
        ("OpenPositions", "OpenPosition", "SUMMARY", "open_position"),
        ("OpenPositions", "OpenPosition", "", "open_position"),
        ("OpenPositions", "OpenPosition", "LOT", "open_position_lot"),
        ("CashReport", "CashReportCurrency", "BaseCurrency", "cash_report"),
        ("ConversionRates", "ConversionRate", "", "conversion_rate"),
        ("Transfers", "Transfer", "", "transfer"),
        ("FxTransactions", "FxTransaction", "", "fx_transaction"),
        ("SecuritiesInfo", "SecurityInfo", "", "security_info"),
        ("AccountInformation", "AccountInformation", "", "account_information"),
        ("UnbundledCommissionDetails", "Trade", "", "other"),
        ("CashTransactions", "CashTransactions", "SUMMARY", "other"),
    ],
)
def test_rows_of_every_section_have_their_kind(
    section: str, element: str, level: str, kind: str
) -> None:
    assert kind_of(section, element, level) == f"ibkr.flex.{kind}"
    assert kind_of(section, element, level) in BY_NAME


def test_sections_that_nobody_reads_are_known_and_others_are_not() -> None:
    assert is_known("FxPositions")
    assert is_known("Trades")
    assert not is_known("Horoscopes")
