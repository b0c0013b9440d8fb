"""Who must record an order, and who does not.

A call that posts owes a record behind it in the same function. Where the function pays nothing, the
debt passes to each of its callers. A debt that some callers pay is told where it is not paid; one
that nobody pays is told at the call that posts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from tools.lintbot import names
from tools.lintbot.program import Function, Use, behind, inside
from tools.lintbot.texts import OrderId
from tools.lintbot.tree import Tree

_MAKERS: Final = frozenset({"str", "int", "float", "round", "abs", "dict", "list", "Decimal"})


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the user adds to the names that are known."""

    posts: frozenset[str] = frozenset()
    not_posts: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Debt:
    """A call behind which no record can be found.

    through  where it posts, if not itself
    """

    use: Use
    through: str


class Duty:
    """The calls of a tree that post, and what they owe.

    posts  every call that posts an order, by name or by address
    """

    def __init__(self, tree: Tree, vocabulary: Vocabulary) -> None:
        """Find the calls that post and the functions that record."""
        self._tree = tree
        self._vocabulary = vocabulary
        self._texts: dict[Use, set[str]] = {
            use: _argument_texts(use) for use in tree.uses if use.call is not None
        }
        self._senders = {function for function in tree.functions if self._is_sender(function)}
        addressed = {use for use in tree.uses if self._posts_to_address(use)}
        named = {use for use in tree.uses if self._posts_by_name(use)} - addressed
        outside = {use for use in named if not tree.meant(use)}
        posting = self._closure(outside | addressed)
        # a name that says so, in front of functions of the tree in which nothing posts
        opaque = {
            use
            for use in named - outside
            if not any(one in posting for one in tree.meant(use)) and not self._only_makes(use)
        }
        self._leaves = outside | addressed | opaque
        self._passed = {use for use in named - outside - opaque if not self._only_makes(use)}
        self.posts: list[Use] = sorted(self._leaves | self._passed, key=place)
        owing = {use.function for use in self._leaves}
        self._recording = self._recorders(owing)
        self._paid: dict[Use, bool] = {}

    def debts(self) -> list[Debt]:
        """Return where an order is posted and no record follows."""
        unpaid = [use for use in sorted(self._leaves, key=place) if not self._pays(use)]
        reached = self._reached(use.function for use in unpaid)
        helped = self._least(
            reached,
            lambda one, known: any(
                self._pays(use) or use.function in known for use in self._tree.users(one)
            ),
        )
        bad = self._least(
            reached,
            lambda one, known: (
                one not in helped
                or any(
                    not self._pays(use) and use.function in known for use in self._tree.users(one)
                )
            ),
        )
        found: dict[Use, str] = {}
        for use in unpaid:
            self._tell(use, helped, bad, found)
        return [Debt(use, found[use]) for use in sorted(found, key=place)]

    def order_id(self, use: Use) -> OrderId | None:
        """Return what a posting call tells of its order's id.

        None where it tells none and hands the order to a function of the tree that may add it.
        """
        if use.call is None:
            return None
        told = use.function.scope.order_id(use.call, by_name=self._posts_by_name(use))
        return None if use in self._passed and not told.prefixes else told

    def unclear(self) -> list[str]:
        """Return files that name an address for orders which no call was seen to use."""
        clear = {
            use.function.file.path
            for use, texts in self._texts.items()
            if any(names.is_endpoint(text) for text in texts)
            and (use in self._leaves or names.asks(use.name, texts))
        }
        return [
            file.path
            for file in self._tree.files
            if file.path not in clear
            and any("/" in text and names.is_endpoint(text) for text in file.texts)
        ]

    def _tell(
        self, use: Use, helped: set[Function], bad: set[Function], found: dict[Use, str]
    ) -> None:
        """Follow a debt up to where it should have been paid."""
        posts = f"which posts at {use.function.file.path}:{use.line}"
        todo, seen = [(use, "")], {use}
        while todo:
            at, through = todo.pop()
            if at.function not in helped:
                found.setdefault(at, through)
            elif at.function in bad:
                for caller in self._tree.users(at.function):
                    if caller not in seen and caller.function in bad and not self._pays(caller):
                        seen.add(caller)
                        todo.append((caller, posts))

    def _pays(self, use: Use) -> bool:
        if use not in self._paid:
            self._paid[use] = any(self._records(one) for one in behind(use))
        return self._paid[use]

    def _records(self, use: Use) -> bool:
        if self._says_record(use):
            return True
        meant = self._tree.meant(use)
        return use.call is not None and bool(meant) and all(one in self._recording for one in meant)

    def _says_record(self, use: Use) -> bool:
        if use.call is None:
            return False
        if use.name in self._vocabulary.records:
            return True
        return "record" in names.words(use.name) and names.KIND in self._texts[use]

    def _recorders(self, owing: set[Function]) -> set[Function]:
        """Return the functions that record for their callers; one that posts does so for itself."""
        found: set[Function] = set()
        while True:
            self._recording = found
            more = {
                function
                for function in self._tree.functions
                if function not in found
                and function not in owing
                and any(self._records(use) for use in inside(function))
            }
            if not more:
                return found
            found |= more

    def _posts_by_name(self, use: Use) -> bool:
        if use.call is None or use.name in self._vocabulary.not_posts:
            return False
        if not (use.name in self._vocabulary.posts or names.posts(use.name)):
            return False
        # a plain name that is handed on may be anything
        plain = not use.called and not use.receiver
        return not plain or bool(self._tree.meant(use)) or self._tree.is_imported(use)

    def _posts_to_address(self, use: Use) -> bool:
        if not use.called or not any(names.is_endpoint(text) for text in self._texts[use]):
            return False
        texts = self._texts[use]
        if names.sends(use.name, texts):
            return True
        return not names.asks(use.name, texts) and any(
            function in self._senders for function in self._tree.meant(use)
        )

    def _is_sender(self, function: Function) -> bool:
        """Whether a function posts to whatever address it is given."""
        for default in function.defaults:
            if "POST" in function.scope.texts(default):
                return True
        return any(use.called and names.sends(use.name, self._texts[use]) for use in function.uses)

    def _only_makes(self, use: Use) -> bool:
        """Whether a name means functions of the tree that only put an order together."""
        if use.receiver and use.receiver not in {("self",), ("cls",)}:
            return False
        return all(
            function.uses
            and all(
                not one.called
                or (not one.receiver and (one.name[:1].isupper() or one.name in _MAKERS))
                for one in function.uses
            )
            and any(one.called and not one.name.endswith("Error") for one in function.uses)
            for function in self._tree.meant(use)
        )

    def _closure(self, posts: set[Use]) -> set[Function]:
        """Return the functions that post, themselves or through others."""
        return self._reached(use.function for use in posts)

    def _reached(self, functions: Iterable[Function]) -> set[Function]:
        """Return functions and all that lead to them."""
        todo = list(functions)
        found = set(todo)
        while todo:
            for use in self._tree.users(todo.pop()):
                if use.function not in found:
                    found.add(use.function)
                    todo.append(use.function)
        return found

    def _least(
        self, functions: set[Function], holds: Callable[[Function, set[Function]], bool]
    ) -> set[Function]:
        """Return the least set of functions of which a statement about their callers holds."""
        called: dict[Function, set[Function]] = defaultdict(set)
        for function in functions:
            for use in self._tree.users(function):
                called[use.function].add(function)
        found: set[Function] = set()
        todo = set(functions)
        while todo:
            function = todo.pop()
            if function not in found and holds(function, found):
                found.add(function)
                todo |= called[function]
        return found


def place(use: Use) -> tuple[str, int, int]:
    """Return where a use stands, for sorting."""
    return use.function.file.path, use.line, use.column


def _argument_texts(use: Use) -> set[str]:
    call = use.call
    assert call is not None
    scope = use.function.scope
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    return {text for argument in arguments for text in scope.texts(argument)}
