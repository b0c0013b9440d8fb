"""The rules of `attribution.toml`: what they may say, and the digest that they are known by."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from domain.exits import SPELLINGS
from domain.rules import Heuristics, Outcomes, Profit, Rules, Strategy

BRACKET: Final = {
    "bracket": {"prefixes": ["mm_xb_"]},
    "bracket_exit": {"prefixes": ["mm_xb_exit_", "mm_xbexit_"], "exit_of": "bracket"},
}
WRONG: Final = {
    "a strategy called unattributed": {"strategies": {"unattributed": {}}},
    "a strategy called Unattributed": {"strategies": {"Unattributed": {}}},
    "a strategy called unattributed at a distance": {"strategies": {" unattributed\t": {}}},
    "white space before a name": {"strategies": {" a": {}}},
    "white space behind a name": {"strategies": {"a\u00a0": {}}},
    "a control character in a name": {"strategies": {"a\x1b[31m": {}}},
    "a strategy without a name": {"strategies": {"": {}}},
    "an empty prefix": {"strategies": {"a": {"prefixes": [""]}}},
    "one prefix of two strategies": {
        "strategies": {"a": {"prefixes": ["m"]}, "b": {"prefixes": ["m"]}}
    },
    "an exit of nobody": {"strategies": {"a": {"exit_of": "b"}}},
    "an exit of itself": {"strategies": {"a": {"exit_of": "a"}}},
    "an exit of an exit": {"strategies": {"a": {}, "b": {"exit_of": "a"}, "c": {"exit_of": "b"}}},
    "an unknown section": {"strategy": {}},
    "an unknown setting": {"heuristics": {"windows": 1}},
    "an unknown policy": {"profit": {"exits": "both"}},
    "a price of one": {"heuristics": {"exit_price_max": 1}},
    "a price of zero": {"heuristics": {"exit_price_max": Decimal(0)}},
    "a price of ten places": {"heuristics": {"exit_price_max": Decimal("0.0000000001")}},
    "a price that is a text": {"heuristics": {"exit_price_max": "0.15"}},
    "a price that is no number": {"heuristics": {"exit_price_max": Decimal("NaN")}},
    "a return that is a boolean": {"outcomes": {"breakeven_return": False}},
    "a window that is a boolean": {"heuristics": {"decision_window_seconds": True}},
    "a window that is a text": {"alarms": {"order_grace_seconds": "60"}},
    "a boolean that is a text": {"heuristics": {"decisions": "yes"}},
    "a boolean that is a number": {"heuristics": {"exits": 1}},
    "a count of no end": {"alarms": {"decisions_without_fill": 10**9 + 1}},
    "one spelling of two reasons": {
        "outcomes": {"exit_reasons": {"MY EXIT": "stop_loss", "my-exit": "take_profit"}}
    },
    "an empty spelling": {"outcomes": {"exit_reasons": {" ": "manual"}}},
    "a spelling of nothing but healed": {"outcomes": {"exit_reasons": {"healed_": "manual"}}},
    "a window below zero": {"heuristics": {"exit_window_seconds": -1}},
    "a window of parts of a second": {"heuristics": {"decision_window_seconds": Decimal("1.5")}},
    "an alarm at nothing": {"alarms": {"fills_without_posted_order": 0}},
    "a reason that is none": {"outcomes": {"exit_reasons": {"MOON": "sold"}}},
    "a reason that only the ledger gives": {"outcomes": {"exit_reasons": {"MOON": "not_told"}}},
    "no version": {"version": ""},
}


@pytest.mark.parametrize("told", WRONG.values(), ids=WRONG)
def test_rules_that_contradict_themselves_are_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rules.model_validate(told)


@pytest.mark.parametrize(
    ("strategies", "message"),
    [
        ({"a": {"exit_of": "b"}}, "'a' is an exit of 'b', which the rules do not name"),
        ({"a": {"exit_of": "a"}}, "'a' is an exit of itself"),
        (
            {"a": {}, "b": {"exit_of": "a"}, "c": {"exit_of": "b"}},
            "'c' is an exit of 'b', which is itself an exit of 'a'",
        ),
    ],
)
def test_a_wrong_exit_is_told_what_is_wrong(strategies: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Rules.model_validate({"strategies": strategies})
    assert message in str(caught.value)


def test_numbers_are_told_as_decimals_or_integers() -> None:
    told = {"heuristics": {"exit_price_max": Decimal("0.2")}, "outcomes": {"breakeven_return": 0}}
    rules = Rules.model_validate(told)
    assert rules.heuristics.exit_price_max == Decimal("0.2")
    assert rules.outcomes.breakeven_return == 0


def test_two_spellings_of_one_reason_may_be_the_same_when_looked_up() -> None:
    rules = Rules(outcomes=Outcomes(exit_reasons={"MY EXIT": "signal", "my-exit": "signal"}))
    assert dict(rules.spellings())["MY_EXIT"] == "signal"


def test_a_name_may_hold_any_other_character() -> None:
    assert Rules(strategies={"täglich 🤖 %_'|": Strategy()}).strategies


def test_rules_are_told_as_tables_in_an_order_of_their_own() -> None:
    rules = Rules.model_validate({"strategies": dict(reversed(BRACKET.items()))})
    assert rules.prefixes() == [
        ("mm_xb_", "bracket"),
        ("mm_xb_exit_", "bracket_exit"),
        ("mm_xbexit_", "bracket_exit"),
    ]
    assert rules.parents() == [("bracket_exit", "bracket")]


def test_a_prefix_may_stand_twice_with_one_strategy() -> None:
    assert Rules(strategies={"a": Strategy(prefixes=("m", "m"))}).prefixes()


def test_own_spellings_are_normal_and_outrank_the_known_ones() -> None:
    rules = Rules(outcomes=Outcomes(exit_reasons={"moon shot": "take_profit", "tp": "signal"}))
    spellings = dict(rules.spellings())
    assert (spellings["MOON_SHOT"], spellings["TP"]) == ("take_profit", "signal")
    assert dict(Rules().spellings()) == dict(SPELLINGS)


def test_prefixes_alone_make_rules() -> None:
    rules = Rules.of_prefixes({"a": "one", "b": "two", "a-": "one"})
    assert rules.prefixes() == [("a", "one"), ("a-", "one"), ("b", "two")]


DIFFERENT: Final = (
    Rules(),
    Rules(version="2"),
    Rules(strategies={"a": Strategy()}),
    Rules(strategies={"a": Strategy(prefixes=("m",))}),
    Rules(strategies={"a": Strategy(), "b": Strategy(exit_of="a")}),
    Rules(profit=Profit(exits="own")),
    Rules(heuristics=Heuristics(decisions=False)),
    Rules(heuristics=Heuristics(decision_window_seconds=61)),
    Rules(heuristics=Heuristics(exit_price_max=Decimal("0.16"))),
    Rules(outcomes=Outcomes(breakeven_return=Decimal("0.006"))),
    Rules(outcomes=Outcomes(exit_reasons={"MOON": "signal"})),
)


def test_other_rules_have_another_digest() -> None:
    assert len({rules.digest for rules in DIFFERENT}) == len(DIFFERENT)


def test_the_same_number_written_otherwise_is_the_same_rule() -> None:
    same = Rules(heuristics=Heuristics(exit_price_max=Decimal("0.150")))
    assert same.digest == Rules().digest


_NAMES: Final = st.text("abAB_ä🤖'\"|", min_size=1, max_size=5)


@given(st.dictionaries(_NAMES, _NAMES, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_change_the_digest(
    prefixes: dict[str, str],
    random: Any,  # noqa: ANN401 - hypothesis's own
) -> None:
    shuffled = [*prefixes.items()]
    random.shuffle(shuffled)
    assert Rules.of_prefixes(dict(shuffled)).digest == Rules.of_prefixes(prefixes).digest


def settings_of(model: type[BaseModel], path: str = "") -> dict[str, str]:
    """Return every setting with its default, as TOML."""
    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        hint = field.annotation
        if name == "strategies":
            found |= settings_of(Strategy, "strategies.NAME.")
        elif isinstance(hint, type) and issubclass(hint, BaseModel):
            found |= settings_of(hint, f"{path}{name}.")
        else:
            found[f"{path}{name}"] = toml(field.default)
    return found


def toml(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, Decimal) else json.dumps(value)
    return f"`{text}`"


def test_the_documentation_tells_every_setting_with_its_default() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "attribution.md").read_text("utf-8")
    rows = re.findall(
        r"^\| `([\w.]+)` \| (.*?) ?\| ", page.partition("## Every setting")[2], re.MULTILINE
    )
    assert dict(rows) == settings_of(Rules)
