"""JSON as text: parsed without touching a number, sliced without touching a byte.

Python's own parser turns `1.10` into a float and keeps the last of two equal keys. Here a number
stays the broker's text, a repeated key is remembered, and a row can be cut out of its page
exactly as the broker wrote it.

Values: `dict` (or `RepeatedKeys`), `list`, `str`, `Integer`, `Real`, `bool`, `None`.
"""

import hashlib
import json
import re
from typing import Final, NamedTuple

DEPTH_MAX: Final = 64
_SPACE = re.compile(r"[ \t\n\r]*")


class JsonTextError(ValueError):
    """The text is not JSON, or is JSON that no broker sends (NaN, nested beyond DEPTH_MAX)."""


class Number(str):
    """A JSON number as the broker wrote it."""

    __slots__ = ()


class Integer(Number):
    """A number written without fraction and exponent."""

    __slots__ = ()


class Real(Number):
    """A number written with a fraction or an exponent."""

    __slots__ = ()


class RepeatedKeys(dict[str, object]):
    """An object in which some key came twice; engines disagree on which value counts.

    Holds the last value of each key; `pairs` has all of them, in order.
    """

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        """Keep all pairs."""
        super().__init__(pairs)
        self.pairs = pairs


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    built = dict(pairs)
    return built if len(built) == len(pairs) else RepeatedKeys(pairs)


def _refuse_constant(name: str) -> object:
    message = f"{name} is not JSON"
    raise JsonTextError(message)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=Integer,
    parse_float=Real,
    parse_constant=_refuse_constant,
)


def parse(text: str) -> object:
    """Return the value of one JSON text. Raise JsonTextError with the character that is wrong."""
    value, end = parse_at(text, skip_space(text, 0))
    end = skip_space(text, end)
    if end != len(text):
        message = f"more text after the JSON value, at character {end}"
        raise JsonTextError(message)
    return value


def parse_at(text: str, start: int) -> tuple[object, int]:
    """Return the JSON value that begins at `start` and the offset behind it."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        message = f"nested too deep, from character {start}"
        raise JsonTextError(message) from None
    except json.JSONDecodeError as error:
        message = f"not JSON at character {error.pos}: {error.msg}"
        raise JsonTextError(message) from None
    opened = text.count("{", start, end) + text.count("[", start, end)
    if opened > DEPTH_MAX and _too_deep(value):
        message = f"nested deeper than {DEPTH_MAX} levels, from character {start}"
        raise JsonTextError(message)
    return value, end


def _too_deep(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(DEPTH_MAX):
        level = [child for item in level for child in _children(item)]
        if not level:
            return False
    return True


def _children(value: object) -> list[object]:
    if isinstance(value, RepeatedKeys):
        return [child for _, child in value.pairs if isinstance(child, dict | list)]
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    if isinstance(value, list):
        return [child for child in value if isinstance(child, dict | list)]
    return []


def skip_space(text: str, start: int) -> int:
    """Return the offset of the first character at or after `start` that is not white space."""
    match = _SPACE.match(text, start)
    return match.end() if match else start


class Slice(NamedTuple):
    """A parsed value and the stretch of text that it was parsed from."""

    value: object
    text: str


def elements(text: str, start: int) -> tuple[list[Slice], int]:
    """Return every element of the array that begins at `start`, and the offset behind it."""
    found: list[Slice] = []
    at = skip_space(text, start + 1)
    if text[at : at + 1] == "]":
        return found, at + 1
    while True:
        value, end = parse_at(text, at)
        found.append(Slice(value, text[at:end]))
        at, closed = _next_item(text, end, "]")
        if closed:
            return found, at


def members(text: str, start: int = 0) -> tuple[dict[str, Slice | list[Slice]], int]:
    """Return the members of the object that begins at `start`, arrays as lists of slices.

    Raise JsonTextError for a key that comes twice: which of them is the page's rows?
    """
    found: dict[str, Slice | list[Slice]] = {}
    at = skip_space(text, start + 1)
    if text[at : at + 1] == "}":
        return found, at + 1
    while True:
        key, at = parse_at(text, at)
        if not isinstance(key, str) or isinstance(key, Number):
            message = f"an object key is expected before character {at}"
            raise JsonTextError(message)
        if key in found:
            message = f"the key {key!r} comes twice, before character {at}"
            raise JsonTextError(message)
        at = skip_space(text, at)
        if text[at : at + 1] != ":":
            message = f"':' is expected at character {at}"
            raise JsonTextError(message)
        at = skip_space(text, at + 1)
        if text[at : at + 1] == "[":
            found[key], end = elements(text, at)
        else:
            value, end = parse_at(text, at)
            found[key] = Slice(value, text[at:end])
        at, closed = _next_item(text, end, "}")
        if closed:
            return found, at


def _next_item(text: str, end: int, close: str) -> tuple[int, bool]:
    at = skip_space(text, end)
    if text[at : at + 1] == close:
        return at + 1, True
    if text[at : at + 1] != ",":
        found = text[at : at + 1] or "the end of the text"
        message = f"',' or '{close}' is expected at character {at}, found {found}"
        raise JsonTextError(message)
    return skip_space(text, at + 1), False


def canonical(value: object) -> str:
    """Return the one spelling of a value: keys sorted, no white space, numbers as written.

    Two payloads have the same content exactly if this text is the same. An object in which a key
    came twice has its members in their own order: there, order decides what they mean.
    """
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, RepeatedKeys):
        inner = ",".join(f"{quote(key)}:{canonical(inner)}" for key, inner in value.pairs)
        return f"!{{{inner}}}"
    if isinstance(value, dict):
        inner = ",".join(f"{quote(key)}:{canonical(value[key])}" for key in sorted(value))
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{','.join(canonical(item) for item in value)}]"
    return _encode(value)


_encode = json.JSONEncoder(ensure_ascii=False).encode


def quote(text: str) -> str:
    """Return the text as a JSON string literal."""
    return _encode(text)


def digest(value: object) -> str:
    """Return the SHA-256 (hex) of the canonical text."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()
