"""A Flex statement itself, and the account that it is of."""

from typing import Final

from domain.ibkr.attributes import reader

STATEMENT: Final = "ibkr.flex.statement"
ACCOUNT_INFORMATION: Final = "ibkr.flex.account_information"

_SPOKEN: Final = "2018 to 2026"

STATEMENT_READERS: Final = (
    reader(
        STATEMENT,
        _SPOKEN,
        required="fromDate sections toDate whenGenerated",
        optional="period queryName type",
    ),
)
ACCOUNT_INFORMATION_READERS: Final = (
    reader(
        ACCOUNT_INFORMATION,
        _SPOKEN,
        required="currency",
        optional="accountCapabilities accountType",
        ignored=(
            "accountRepName accountRepPhone city cityResidentialAddress country "
            "countryResidentialAddress customerType dateClosed dateFunded dateOpened ibEntity "
            "lastTradedDate masterName name postalCode postalCodeResidentialAddress primaryEmail "
            "registeredCity registeredCountry registeredPostalCode registeredState "
            "registeredStreet registeredStreet2 state stateResidentialAddress street street2 "
            "street2ResidentialAddress streetResidentialAddress tradingPermissions"
        ),
    ),
)
