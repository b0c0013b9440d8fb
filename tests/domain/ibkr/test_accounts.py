"""Paper and live accounts are told apart by their names alone."""

import pytest

from domain.ibkr.accounts import mode_of


@pytest.mark.parametrize("account", ["DU1234567", "DF123", "D1", "DFX7"])
def test_an_account_of_paper_money_begins_with_d_and_has_a_number(account: str) -> None:
    assert mode_of(account) == "paper"


@pytest.mark.parametrize(
    "account", ["U1234567", "F123", "DUMMYID1", "UXXXXXXX", "U000000", "", "-", "du1", "XDU1"]
)
def test_any_other_account_is_live(account: str) -> None:
    assert mode_of(account) == "live"
