"""Who must record an order, and who does not.

A call that posts owes a record behind it in the same function, or in every caller of that function,
or in theirs. A call is followed by name, and by class where the source tells it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tools.lintbot.names import Vocabulary, asks, is_address
from tools.lintbot.reading import File, Function, Step, Use, resolved


@dataclass(slots=True, eq=False)
class Target:
    """The functions that a call may mean, and the calls that mean them.

    silent  how many of them are not known to record
    """

    functions: tuple[Function, ...]
    users: list[Use] = field(default_factory=list)
    silent: int = 0


class _Behind(NamedTuple):
    """Whether a record follows where steps are left: at their end, out of the loop, for good."""

    end: bool = False
    loop: bool = False
    function: bool = False


class Tree:
    """All functions of a bot, and which of them a use may mean."""

    def __init__(self, files: Sequence[File], root: str, vocabulary: Vocabulary) -> None:
        """Index the functions by name and class, then look up every use.

        root  the name of the tree, by which its files may import each other
        """
        self.files = files
        self.functions = [function for file in files for function in file.functions]
        self._vocabulary = vocabulary
        self._parts = {root, *(part for file in files for part in _module(file))}
        self._top: dict[str, list[Function]] = defaultdict(list)
        self._methods: dict[str, list[Function]] = defaultdict(list)
        self._of_class: dict[tuple[str, str], list[Function]] = defaultdict(list)
        self._nested: dict[tuple[Function, str], list[Function]] = defaultdict(list)
        self._bases: dict[str, set[str]] = defaultdict(set)
        self._derived: dict[str, set[str]] = defaultdict(set)
        for file in files:
            for name, bases in file.classes.items():
                self._bases[name].update(bases)
                for base in bases:
                    self._derived[base].add(name)
        for function in self.functions:
            if function.is_method:
                self._methods[function.name].append(function)
                self._of_class[function.owner, function.name].append(function)
            elif function.outer is not None:
                self._nested[function.outer, function.name].append(function)
                if function.outer.outer is None:
                    self._top[function.name].append(function)
        self._targets: dict[object, Target] = {}
        self.target: dict[Use, Target] = {}
        self.targets: dict[Function, list[Target]] = defaultdict(list)
        for function in self.functions:
            for use in function.uses:
                self.target[use] = target = self._find(use)
                target.users.append(use)

    def callers(self, function: Function) -> list[Use]:
        """Return where a function is called or handed on."""
        return [use for target in self.targets[function] for use in target.users]

    def leading(self, functions: Iterable[Function]) -> set[Target]:
        """Return what leads to functions, directly or through others."""
        found: set[Target] = set()
        todo, seen = [*functions], {*functions}
        while todo:
            for target in self.targets[todo.pop()]:
                if target not in found:
                    found.add(target)
                    more = {use.function for use in target.users} - seen
                    seen |= more
                    todo += more
        return found

    # one answer a kind of receiver
    def _find(self, use: Use) -> Target:  # noqa: PLR0911
        """Return what a use may mean; nothing where that is not of the tree."""
        function, receiver = use.function, use.receiver
        file, name = function.file, use.name
        if not receiver:
            return self._target(self._find_plain(use))
        if receiver in {("self",), ("cls",)}:
            return self._of_classes([function.owner], name)
        if receiver == ("super()",):
            return self._of_classes(self._bases.get(function.owner, ()), name)
        root, last = receiver[0], receiver[-1].removesuffix("()")
        module, told = file.imports.get(root.removesuffix("()"), ("", ""))
        if module and not self._is_module(module):
            return self._target(())
        if module and len(receiver) == 1:
            inside = [*self._functions_of(f"{module}.{told}" if told else module, name)]
            if inside:
                return self._target(inside)
        classes = {told or last} if (told or last) in self._bases else file.types.get(last, set())
        known = sorted(one for one in classes if one in self._bases)
        # what a protocol declares is written in classes that do not name it
        if classes and not any("Protocol" in self._bases[one] for one in known):
            return self._of_classes(known, name)
        # a function that calls its own name on something wraps it
        if use.how == "named" or (name == function.name and self._vocabulary.is_post(name)):
            return self._target(())
        return self._targets.setdefault(name, self._target(self._methods.get(name, ())))

    def _find_plain(self, use: Use) -> Iterable[Function]:
        file, name = use.function.file, use.name
        around: Function | None = use.function
        while around is not None:
            nested = self._nested.get((around, name), [])
            if nested or (name in around.local and around.outer):
                return nested
            around = around.outer
        if name in file.classes:
            return self._of_classes([name], "__init__").functions
        module, told = file.imports.get(name, ("", ""))
        if not module and (starred := file.imports.get("*")):
            module, told = starred[0], name
        if not told or not self._is_module(module):
            return ()
        if told in self._bases:
            return self._of_classes([told], "__init__").functions
        # a package may hand on what another of its files declares
        return [*self._functions_of(module, told)] or self._top.get(told, ())

    def _functions_of(self, module: str, name: str) -> Iterable[Function]:
        bare = tuple(module.strip(".").split("."))
        for function in self._top.get(name, ()):
            path = _module(function.file)
            shorter = min(len(path), len(bare))
            if path[len(path) - shorter :] == bare[len(bare) - shorter :]:
                yield function

    def _is_module(self, module: str) -> bool:
        return module.startswith(".") or module.partition(".")[0] in self._parts

    def _of_classes(self, classes: Iterable[str], name: str) -> Target:
        """Return a method as classes have it, and as those that derive from them have it."""
        todo, below = [*classes], dict.fromkeys(classes)
        key = (*todo, name)
        if key not in self._targets:
            while todo:
                more = [
                    one for one in sorted(self._derived.get(todo.pop(), ())) if one not in below
                ]
                below.update(dict.fromkeys(more))
                todo += more
            found = [one for class_ in below for one in self._inherited(class_, name)]
            self._targets[key] = self._target(dict.fromkeys(found))
        return self._targets[key]

    def _inherited(self, owner: str, name: str) -> list[Function]:
        todo = [owner]
        for class_ in todo:
            if found := self._of_class.get((class_, name)):
                return found
            todo += [one for one in sorted(self._bases.get(class_, ())) if one not in todo]
        return []

    def _target(self, functions: Iterable[Function]) -> Target:
        told = tuple(functions)
        if told not in self._targets:
            self._targets[told] = made = Target(told, silent=len(told))
            for function in told:
                self.targets[function].append(made)
        return self._targets[told]


class Duty:
    """The calls of a tree that post, and what they owe.

    posts   every call that posts an order, by name or by address
    unpaid  those behind which no record can be found, with the callers that do not record either
    """

    def __init__(self, tree: Tree, vocabulary: Vocabulary) -> None:
        """Find the calls that post, the functions that record, and what is owed."""
        self._tree = tree
        self._vocabulary = vocabulary
        constants: dict[str, str] = {}
        for file in tree.files:
            constants |= file.constants
        self._records = set[Use]()
        addressed, named = set[Use](), set[Use]()
        self._clear = set[str]()
        for use, target in tree.target.items():
            texts = [resolved(text, constants) for text in use.texts]
            if use.how != "named" and vocabulary.is_record(use.name, texts):
                self._records.add(use)
            elif use.how == "called" and vocabulary.sends(use.name, texts):
                addressed.add(use)
            elif vocabulary.is_post(use.name) and self._is_function(use, target):
                named.add(use)
            if use in addressed or (asks(use.name, texts) and any(map(is_address, texts))):
                self._clear.add(use.function.file.path)
        self.posts = sorted(addressed | named, key=place)
        # a name that says so posts itself, unless it means functions of the tree that do
        leaves = addressed
        for _ in range(2):
            through = tree.leading(use.function for use in leaves or named)
            leaves = leaves | {use for use in named if tree.target[use] not in through}
        self._find_recorders({use.function for use in leaves})
        self._paid: set[Use] = set()
        for function in tree.functions:
            self._walk(function.steps, _Behind())
        self.unpaid = self._find_unpaid(leaves)

    def unclear(self) -> list[str]:
        """Return files that name an address for orders which no call was seen to use."""
        files = (file for file in self._tree.files if file.addresses)
        return [file.path for file in files if file.path not in self._clear]

    def _is_function(self, use: Use, target: Target) -> bool:
        # a plain name that is not called may be anything
        plain = use.how != "called" and not use.receiver
        return not plain or bool(target.functions) or use.name in use.function.file.imports

    def _find_recorders(self, owing: set[Function]) -> None:
        """Find the calls of functions that record for their callers; one that posts does not."""
        todo = [*self._records]
        seen = set[Function]()
        while todo:
            use = todo.pop()
            if use.on_error or use.function in seen or use.function in owing:
                continue
            seen.add(use.function)
            for target in self._tree.targets[use.function]:
                target.silent -= 1
                if not target.silent:
                    more = [one for one in target.users if one.how != "named"]
                    self._records.update(more)
                    todo += more

    def _find_unpaid(self, leaves: set[Use]) -> dict[Use, list[Use]]:
        """Return the posts whose debt somebody leaves with, or which nobody pays."""
        callers = {function: self._tree.callers(function) for function in self._tree.functions}
        leaving = self._below(one for one, users in callers.items() if not users)
        helped = self._below(one for use in self._paid for one in self._tree.target[use].functions)
        found: dict[Use, list[Use]] = {}
        for use in sorted(leaves - self._paid, key=place):
            if use.function in leaving or use.function not in helped:
                # told once a function
                users = callers.pop(use.function, [])
                found[use] = [
                    one
                    for one in users
                    if one not in self._paid
                    and (one.function in leaving or one.function not in helped)
                ]
        return found

    def _below(self, functions: Iterable[Function]) -> set[Function]:
        """Return functions, and all that they lead to through calls that do not pay."""
        found = {*functions}
        todo, seen = [*found], set[Target]()
        while todo:
            for use in todo.pop().uses:
                target = self._tree.target[use]
                if use not in self._paid and target not in seen:
                    seen.add(target)
                    more = {*target.functions} - found
                    found |= more
                    todo += more
        return found

    def _walk(self, steps: list[Step], behind: _Behind) -> bool:
        """Walk backwards, noting what is paid. Return whether a record can follow the start."""
        follows = behind.end
        for step in reversed(steps):
            if step.leaves:
                follows = behind.loop if step.leaves == "loop" else behind.function
            else:
                follows = self._walk_parts(step, behind._replace(end=follows))
            for use in reversed(step.uses):
                if follows:
                    self._paid.add(use)
                follows = follows or use in self._records
        return follows

    def _walk_parts(self, step: Step, behind: _Behind) -> bool:
        follows, ahead, last = behind.end, behind.end, behind
        for label, steps in reversed(step.parts):
            match label:
                case "finally":
                    ahead = self._walk(steps, behind)
                    always = self._holds_record(steps)
                    last = _Behind(ahead, behind.loop or always, behind.function or always)
                case "else":
                    ahead = self._walk(steps, last)
                case "loop":
                    follows |= self._walk(steps, _Behind(ahead, behind.end, behind.function))
                case "try":
                    follows |= self._walk(steps, last._replace(end=ahead))
                case "except":
                    self._walk(steps, last)
                case _:
                    follows |= self._walk(steps, behind)
        return follows or ahead

    def _holds_record(self, steps: list[Step]) -> bool:
        return any(
            not self._records.isdisjoint(step.uses)
            or any(self._holds_record(part) for label, part in step.parts if label != "except")
            for step in steps
        )


def place(use: Use) -> tuple[str, int, int]:
    """Return where a use stands, for sorting."""
    return use.function.file.path, use.line, use.column


def _module(file: File) -> tuple[str, ...]:
    parts = file.path.removesuffix(".py").removesuffix("/__init__")
    return tuple(parts.split("/"))
