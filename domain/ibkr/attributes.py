"""Attributes that the rows of many sections of a Flex statement share.

The user of a Flex query ticks which attributes come, so a reader requires only those without which
there is no fact. The others are listed so that a new one is told as such. Every value is text.
"""

from collections.abc import Mapping
from typing import Final

from domain.shapes import Reader


def texts(*names: str) -> Mapping[str, str]:
    """Return the types of attributes, from texts of their names."""
    return {name: "string" for listed in names for name in listed.split()}


INSTRUMENT: Final = (
    "assetCategory commodityType conid cusip deliveryType description expiry figi fineness isin "
    "issuer issuerCountryCode listingExchange multiplier principalAdjustFactor putCall securityID "
    "securityIDType serialNumber strike subCategory symbol underlyingCategory underlyingConid "
    "underlyingListingExchange underlyingSecurityID underlyingSymbol weight"
)
"""What describes an instrument, in whatever section."""

ROW: Final = "accountId acctAlias model currency fxRateToBase levelOfDetail code reportDate"
"""What stands on the rows of most sections."""


def reader(
    kind: str, spoken: str, *, required: str, optional: str = "", ignored: str = ""
) -> Reader:
    """Return the reader of a row; whatever describes an instrument or a row is known."""
    needed, wanted = texts(required), texts(optional)
    known = texts(INSTRUMENT, ROW, ignored)
    return Reader(
        kind=kind,
        name="1",
        spoken=spoken,
        required=needed,
        optional=wanted,
        ignored={name: known[name] for name in known if name not in {*needed, *wanted}},
    )
