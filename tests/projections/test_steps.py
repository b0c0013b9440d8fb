"""The page that lists the steps says what the steps do."""

import re
from typing import Final

import pytest

from domain.facts import FACTS
from domain.results import TABLES
from projections import RULES, STEPS, TEMPORARY, Step, released_after, sql

PUBLISHED: Final = {model.table for model in TABLES}
MERGED: Final = {f"merged_{fact.table}" for fact in FACTS}
KNOWN: Final = PUBLISHED | MERGED | set(TEMPORARY) | set(RULES)


def code_of(step: Step) -> str:
    lines = sql.text("steps", step.name).splitlines()
    return "\n".join(line.partition("--")[0] for line in lines)


def read_by(step: Step) -> set[str]:
    return set(re.findall(r"\b(?:FROM|JOIN)\s+([a-z_]+)", code_of(step))) & KNOWN


def made_by(step: Step) -> set[str]:
    return set(re.findall(r"\b(?:INSERT INTO|CREATE TEMP TABLE)\s+([a-z_]+)", code_of(step)))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_step_reads_what_it_declares_and_nothing_else(step: Step) -> None:
    # one of several statements may read what another has made
    assert read_by(step) - set(step.outputs) == set(step.inputs)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_step_makes_what_it_declares_and_nothing_else(step: Step) -> None:
    assert made_by(step) == set(step.outputs)


def test_a_step_reads_only_what_an_earlier_one_made() -> None:
    made = MERGED | set(RULES)
    for step in STEPS:
        assert set(step.inputs) <= made, step.name
        made |= set(step.outputs)


def test_every_step_file_is_a_step() -> None:
    assert set(sql.names("steps")) == {step.name for step in STEPS}


def test_every_working_table_is_given_up_once_after_its_last_reader() -> None:
    released = [name for step in STEPS for name in released_after(step)]
    read = {name for step in STEPS for name in step.inputs}
    assert sorted(released) == sorted(read & (MERGED | set(TEMPORARY)))
