"""Open orders: their long message, and the status that follows each."""

from dataclasses import dataclass

from tests.fakes.gateway.messages import ACCOUNT, Contract
from tests.fakes.gateway.wire import UNSET_DOUBLE, Fields


def _from(first: int, version: int, *fields: str) -> Fields:
    """Give the fields that a server sends from the first version on."""
    return fields if version >= first else ()


@dataclass(frozen=True)
class OrderStatus:
    """How far an order is (3)."""

    order_id: str
    status: str
    filled: str
    remaining: str
    avg_fill_price: str = "0.0"
    perm_id: str = "1001"
    parent_id: str = "0"
    last_fill_price: str = "0.0"
    client_id: str = "1"
    why_held: str = ""
    mkt_cap_price: str = "0.0"

    def fields(self, _version: int) -> Fields:
        """Write the message."""
        return (
            *("3", self.order_id, self.status, self.filled, self.remaining),
            *(self.avg_fill_price, self.perm_id, self.parent_id, self.last_fill_price),
            *(self.client_id, self.why_held, self.mkt_cap_price),
        )


@dataclass(frozen=True)
class Leg:
    """One instrument of an order for a combination."""

    con_id: str
    action: str
    ratio: str = "1"
    exchange: str = "SMART"


@dataclass(frozen=True)
class OpenOrder:
    """An order that still works (5). `status` and `filled` are what a status after it repeats."""

    contract: Contract
    order_id: str = "1"
    perm_id: str = "1001"
    client_id: str = "1"
    action: str = "BUY"
    total_quantity: str = "100"
    order_type: str = "LMT"
    lmt_price: str = "10.5"
    aux_price: str = "0.0"
    tif: str = "DAY"
    oca_group: str = ""
    order_ref: str = ""
    account: str = ACCOUNT
    status: str = "Submitted"
    filled: str = "0"
    remaining: str = ""
    legs: tuple[Leg, ...] = ()

    @property
    def order_status(self) -> OrderStatus:
        """What a gateway sends right after the order."""
        remaining = self.remaining or self.total_quantity
        return OrderStatus(
            self.order_id,
            self.status,
            self.filled,
            remaining,
            perm_id=self.perm_id,
            client_id=self.client_id,
        )

    def fields(self, version: int) -> Fields:
        """Write the message as a server of the version does."""
        return (
            *self._identity(),
            *self._terms(version),
            *self._legs(),
            *self._state(),
            *self._adjustments(version),
        )

    def _identity(self) -> Fields:
        contract = self.contract
        right = contract.right or "?"
        return (
            *("5", self.order_id, *contract.terms[:5], right, contract.multiplier),
            *(contract.exchange, *contract.names),
            *(self.action, self.total_quantity, self.order_type, self.lmt_price, self.aux_price),
            *(self.tif, self.oca_group, self.account, "", "0", self.order_ref),
            *(self.client_id, self.perm_id),
        )

    @staticmethod
    def _terms(version: int) -> Fields:
        """From outsideRth to deltaNeutralDesignatedLocation: what a plain order leaves empty."""
        # Version 177 gave up the profile of advisors.
        profile = ("",) if version < 177 else ()
        return (
            *("0", "0", "0", "", ""),  # outsideRth hidden discretionaryAmt goodAfterTime, unused
            *("", "", "", *profile),  # faGroup faMethod faPercentage faProfile
            *("", "", "", "", ""),  # modelCode goodTillDate rule80A percentOffset settlingFirm
            *("0", "", "-1", "0"),  # shortSaleSlot designatedLocation exemptCode auctionStrategy
            *("", "", "", "", "", ""),  # startingPrice stockRefPrice delta stockRange, displaySize
            *("0", "0", "0", ""),  # blockOrder sweepToFill allOrNone minQty
            *("3", "0", "0", "", "0", "0"),  # ocaType eTradeOnly .. parentId triggerMethod
            *("", "0", "None", ""),  # volatility volatilityType deltaNeutral order type and price
            *("0", "", "", "", "?", "0", "0", ""),  # what follows a deltaNeutralOrderType
        )

    def _legs(self) -> Fields:
        """From continuousUpdate to scalePriceIncrement: prices that trail, and the legs."""
        described = ",".join(f"{leg.con_id}|{leg.ratio}" for leg in self.legs)
        legs = (
            (leg.con_id, leg.ratio, leg.action, leg.exchange, "0", "0", "", "-1")
            for leg in self.legs
        )
        return (
            *("0", "0", "", "", "", "", described),
            *(str(len(self.legs)), *(field for leg in legs for field in leg)),
            *("0", "0"),  # no prices of legs, no parameters of routing
            *("", "", ""),  # no scale
        )

    def _state(self) -> Fields:
        """From hedgeType to randomizePrice: clearing, algorithm, margins."""
        return (
            *("", "0", "", "", "0", "0", ""),  # hedgeType .. deltaNeutralContract, algoStrategy
            *("0", "0", self.status),  # solicited whatIf
            *(UNSET_DOUBLE for _ in range(9)),  # margins before, change, after
            *("", "", "", "", ""),  # commission min max currency, warning
            *("0", "0"),
        )

    @staticmethod
    def _adjustments(version: int) -> Fields:
        """From the conditions to the end."""
        return (
            *("0", "None"),  # no conditions; adjustedOrderType
            *(UNSET_DOUBLE for _ in range(6)),
            *("0", "", "", "", "0", "0", "0", "0", "0"),
            *_from(159, version, ""),
            *_from(160, version, ""),
            *_from(162, version, "0"),
            *_from(170, version, "", "", "", "", ""),
        )
