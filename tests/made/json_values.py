"""Hypothesis strategies for JSON as hostile brokers might write it: text, and how it is spelled."""

import json
from collections.abc import Mapping

from hypothesis import strategies as st

# Keys that look like paths, like our own notation, or like nothing at all; surrogates included.
KEYS = st.one_of(
    st.sampled_from(
        ("a", "b", "a.b", "a[]", "a[].b", 'a"b', "", ":", "a:string", "|", "%7C", "\n")
    ),
    st.text(st.characters(codec=None), max_size=4),
)
NUMBER_TEXTS = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,5})?", fullmatch=True),
    st.sampled_from(
        ("1.10", "1.1", "-0", "0.0", "1e999", "1E+2", "9" * 5000, "0.1234567890123456789")
    ),
)
SPACES = st.text(st.sampled_from(" \t\n\r"), max_size=3)


class Raw(str):
    """A number's text inside a tree of values."""

    __slots__ = ()


SCALARS = st.one_of(
    NUMBER_TEXTS.map(Raw), st.none(), st.booleans(), st.text(st.characters(codec=None), max_size=5)
)
FLAT_OBJECTS = st.dictionaries(KEYS, SCALARS, max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)


def spell(
    value: object, space: str = "", *, backwards: bool = False, ascii_only: bool = True
) -> str:
    """Return one of the many JSON spellings of a value; numbers stay as they are."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Mapping):
        items = list(value.items())
        pairs = (
            spell(str(key), ascii_only=ascii_only)
            + space
            + ":"
            + space
            + spell(inner, space, backwards=backwards, ascii_only=ascii_only)
            for key, inner in (reversed(items) if backwards else items)
        )
        return "{" + space + f"{space},{space}".join(pairs) + space + "}"
    if isinstance(value, list):
        parts = (spell(item, space, backwards=backwards, ascii_only=ascii_only) for item in value)
        return "[" + space + f"{space},{space}".join(parts) + space + "]"
    return json.dumps(value, ensure_ascii=ascii_only)
