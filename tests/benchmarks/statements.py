"""A made Flex statement of any size, written to disk row by row: trades as wide as real ones."""

from pathlib import Path

MEGABYTE = 1_000_000
_HEAD = (
    '<FlexQueryResponse queryName="made" type="AF">\n<FlexStatements count="1">\n'
    '<FlexStatement accountId="U7654321" fromDate="2025-01-01" toDate="2025-12-31" '
    'period="" whenGenerated="2026-01-02;08:00:00">\n<Trades>\n'
)
_FOOT = "</Trades>\n</FlexStatement>\n</FlexStatements>\n</FlexQueryResponse>\n"
_SAME = " ".join(
    f'{name}="{value}"'
    for name, value in {
        "accountId": "U7654321",
        "acctAlias": "",
        "model": "",
        "currency": "USD",
        "fxRateToBase": "0.91234",
        "assetCategory": "STK",
        "subCategory": "COMMON",
        "listingExchange": "NASDAQ",
        "issuerCountryCode": "US",
        "multiplier": "1",
        "tradeDate": "2025-03-04",
        "reportDate": "2025-03-04",
        "dateTime": "2025-03-04;10:11:12",
        "settleDateTarget": "2025-03-06",
        "transactionType": "ExchTrade",
        "exchange": "IBDARK",
        "taxes": "0",
        "ibCommissionCurrency": "USD",
        "openCloseIndicator": "O",
        "notes": "P",
        "buySell": "BUY",
        "levelOfDetail": "EXECUTION",
        "orderType": "LMT",
        "isAPIOrder": "Y",
    }.items()
)
_EMPTY = """
    securityID securityIDType cusip isin figi underlyingConid underlyingSymbol
    underlyingSecurityID underlyingListingExchange issuer relatedTradeID strike expiry
    putCall principalAdjustFactor fifoPnlRealized mtmPnl origTradePrice origTradeDate
    origTradeID origOrderID origTransactionID clearingFirmID ibOrderReference rtn
    brokerageOrderID orderReference volatilityOrderLink exchOrderId extExecID orderTime
    openDateTime holdingPeriodDateTime whenRealized whenReopened changeInPrice
    changeInQuantity traderID accruedInt initialInvestment serialNumber deliveryType
    commodityType fineness weight settlementCurrency relatedTransactionID
"""
_NOTHING = " ".join(f'{name}=""' for name in _EMPTY.split())


def trade(number: int) -> str:
    """Spell one trade: its numbers differ from those of any other."""
    return (
        f'<Trade {_SAME} symbol="MADE{number % 997}" description="MADE &amp; CO {number % 997}" '
        f'conid="{100_000 + number % 997}" tradeID="{4_000_000 + number}" '
        f'quantity="{1 + number % 500}" tradePrice="{number % 9000 / 100 + 1:.2f}" '
        f'tradeMoney="{number % 70_000 / 7:.4f}" proceeds="-{number % 70_000 / 7:.4f}" '
        f'ibCommission="-{number % 300 / 100:.6f}" netCash="-{number % 70_001 / 7:.6f}" '
        f'closePrice="{number % 9000 / 100 + 1:.2f}" cost="{number % 70_001 / 7:.6f}" '
        f'ibOrderID="{9_000_000 + number // 2}" transactionID="{20_000_000 + number}" '
        f'ibExecID="{number:08x}.67c6f1a2.01.01" {_NOTHING} />\n'
    )


def write_statement(path: Path, size: int) -> int:
    """Write a statement of at least `size` bytes; return how many trades it holds."""
    trades = 0
    with path.open("w", encoding="ascii") as file:
        written = file.write(_HEAD)
        while written < size:
            written += file.write(trade(trades))
            trades += 1
        file.write(_FOOT)
    return trades
