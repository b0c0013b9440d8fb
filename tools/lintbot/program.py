"""A bot's source as functions, their calls in the order of evaluation, and what runs behind each.

Statements become steps, bodies become blocks: enough to tell whether a call can run behind another.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from tools.lintbot.texts import Scope

Exit = Literal["", "return", "loop"]

MODULE: Final = "<module>"


@dataclass(slots=True, eq=False)
class Use:
    """A call, or a function that is handed on to be called.

    name      its last name: `create_order` of `self.client.create_order`
    receiver  the names before it; "()" where it is no plain name
    call      the call; of a function that is handed to another, the call of that one
    """

    name: str
    receiver: tuple[str, ...]
    call: ast.Call | None
    called: bool
    line: int
    column: int
    function: "Function"
    step: "Step"


@dataclass(slots=True, eq=False)
class Step:
    """One statement: what it evaluates itself, the blocks in it, and whether it leaves."""

    block: "Block"
    uses: list[Use] = field(default_factory=list)
    parts: list["Block"] = field(default_factory=list)
    exit: Exit = ""


@dataclass(slots=True, eq=False)
class Block:
    """Statements that run one behind the other.

    label  which part of the statement it is: try, except, else, finally, loop or body
    dead   it never runs, such as below `if False`
    """

    owner: Step | None
    label: str = "body"
    dead: bool = False
    steps: list[Step] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Function:
    """A function, a method, the code of a file itself, or that of a class body.

    sort   what it is
    owner  the class in which it stands, however deep
    """

    file: "File"
    name: str
    shown: str
    line: int
    sort: Literal["module", "class", "method", "function"] = "function"
    owner: str | None = None
    outer: "Function | None" = None
    scope: Scope = field(default_factory=Scope)
    uses: list[Use] = field(default_factory=list)
    defaults: list[ast.expr] = field(default_factory=list)
    body: Block = field(default_factory=lambda: Block(None))


@dataclass(slots=True, eq=False)
class File:
    """One file. `imports` has for each name the module, and the name in it where it has one."""

    path: str
    module: str
    functions: list[Function] = field(default_factory=list)
    imports: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    types: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    texts: list[str] = field(default_factory=list)


def behind(use: Use) -> Iterator[Use]:  # noqa: C901 - the ways out of a statement
    """Return what can run behind a use once that has succeeded, in the same function."""
    step = use.step
    yield from step.uses[step.uses.index(use) + 1 :]
    for part in step.parts:
        if part.label != "except":
            yield from _inside(part)
    leaving: Exit = step.exit
    while True:
        block = step.block
        if not leaving:
            for following in block.steps[block.steps.index(step) + 1 :]:
                yield from _of_step(following)
                leaving = following.exit
                if leaving:
                    break
        if block.owner is None:
            return
        for part in block.owner.parts:
            if _follows(block.label, part.label, leaving):
                yield from _inside(part)
        if leaving == "loop" and block.label == "loop":
            leaving = ""
        step = block.owner


def _follows(label: str, part: str, leaving: Exit) -> bool:
    if part == "finally":
        return label in {"try", "except", "else"}
    return part == "else" and label in {"try", "loop"} and not leaving


def inside(function: Function) -> Iterator[Use]:
    """Return what can run when a function is called and nothing fails."""
    yield from _inside(function.body)


def _inside(block: Block) -> Iterator[Use]:
    if block.dead:
        return
    for step in block.steps:
        yield from _of_step(step)
        if step.exit:
            return


def _of_step(step: Step) -> Iterator[Use]:
    yield from step.uses
    for part in step.parts:
        if part.label != "except":
            yield from _inside(part)
