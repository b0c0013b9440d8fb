"""Bytes to elements, one after the other; no tree is built, so memory does not grow with the file.

Refused: a document type (with it every entity), what is no well-formed XML, and what no statement
looks like: very deep nesting, or hundreds of attributes more than the widest row has.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from lxml import etree

from domain.errors import NotUnderstoodError

DEPTH_MAX: Final = 32
ATTRIBUTES_MAX: Final = 1000
# Of the text inside an element; statements have none, the service's error answers a sentence.
_TEXT_MAX: Final = 1000


class Step(NamedTuple):
    """An element opens, or closes: then it has no attributes, but its text."""

    depth: int
    """1 for the root."""
    tag: str
    attributes: Mapping[str, str] | None
    text: str = ""

    @property
    def closes(self) -> bool:
        """Whether the element ends here."""
        return self.attributes is None


class _Target:
    """What the parser calls while it reads."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._open: list[str] = []
        self._text = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._open.append(tag)
        self._text = ""
        depth = len(self._open)
        if depth > DEPTH_MAX:
            message = f"elements nested deeper than {DEPTH_MAX} levels; no Flex statement is"
            raise NotUnderstoodError(message)
        if len(attributes) > ATTRIBUTES_MAX:
            message = (
                f"{len(attributes):,} attributes on one element ({'/'.join(self._open)[-200:]}); "
                f"at most {ATTRIBUTES_MAX:,} are taken"
            )
            raise NotUnderstoodError(message)
        self.steps.append(Step(depth, tag, dict(attributes)))

    def end(self, tag: str) -> None:
        self.steps.append(Step(len(self._open), tag, None, self._text.strip()))
        self._open.pop()
        self._text = ""

    def data(self, text: str) -> None:
        if len(self._text) < _TEXT_MAX and not text.isspace():
            self._text += text[:_TEXT_MAX]

    def doctype(self, *_named: str | None) -> None:
        message = (
            "a document type declaration (<!DOCTYPE …>): Flex statements have none, and what it "
            "declares is never read"
        )
        raise NotUnderstoodError(message)

    def close(self) -> None:
        """Return nothing: the steps were taken while the file was read."""


def steps(chunks: Iterable[bytes]) -> Iterator[Step]:
    """Yield the elements as they open and close. Raise NotUnderstoodError with what is wrong.

    Attributes are in the order of the file, with the values that XML gives them.
    """
    target = _Target()
    parser = etree.XMLParser(
        target=target,
        # Only the five that XML itself knows are ever left to resolve; with False, libxml2 hands
        # `&amp;` over as `&#38;`.
        resolve_entities="internal",
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
    )
    for chunk in chunks:
        try:
            parser.feed(chunk)
        except etree.XMLSyntaxError as error:
            message = f"not well-formed XML: {_said(error)}. Nothing of it was taken in"
            raise NotUnderstoodError(message) from None
        # What a name space forbids is told and not raised, and then one of two attributes is lost.
        for told in parser.feed_error_log:
            message = f"not well-formed XML: {told.message}, line {told.line}"
            raise NotUnderstoodError(message)
        done, target.steps = target.steps, []
        yield from done
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        message = (
            f"the text breaks off: {_said(error)}. The file was cut or not written to its end; "
            "fetch it again"
        )
        raise NotUnderstoodError(message) from None
    yield from target.steps


def _said(error: etree.XMLSyntaxError) -> str:
    return " ".join(str(error.msg).split())
