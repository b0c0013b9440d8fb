"""Bytes to elements: whatever is no well-formed, plain XML is refused with its place."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.flex.parsing import ATTRIBUTES_MAX, DEPTH_MAX, Step, steps
from domain.errors import NotUnderstoodError
from tests.shared_data import SHARED, needs_shared_data


def read(data: bytes | str, size: int = 7) -> list[Step]:
    raw = data.encode() if isinstance(data, str) else data
    return list(steps(raw[start : start + size] for start in range(0, len(raw), size)))


def refused(data: bytes | str, size: int = 4096) -> str:
    with pytest.raises(NotUnderstoodError) as caught:
        read(data, size)
    return str(caught.value)


def first(data: bytes | str) -> dict[str, str]:
    return dict(read(data)[0].attributes or {})


def test_elements_open_and_close_in_the_order_of_the_file() -> None:
    assert read('<a x="1"><b/>\n<c y="">some <!-- no --> text</c></a>') == [
        Step(1, "a", {"x": "1"}),
        Step(2, "b", {}),
        Step(2, "b", None),
        Step(2, "c", {"y": ""}),
        Step(2, "c", None, "some  text"),
        Step(1, "a", None),
    ]


def test_attributes_keep_their_order_and_every_character() -> None:
    told = '<a z="1" b=\'say "no"\' a="&lt;&amp;&gt;&#39;" m="Zürich 東京 🌧" e="&#x1F600;" n=""/>'
    assert list(first(told).items()) == [
        ("z", "1"),
        ("b", 'say "no"'),
        ("a", "<&>'"),
        ("m", "Zürich 東京 🌧"),
        ("e", "😀"),
        ("n", ""),
    ]


# What XML allows; what it forbids is tested below.
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\ufffe\uffff").filter(
    lambda one: one >= " " or one in "\t\n\r"
)


@given(
    st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True), st.text(CHARACTERS))
)
def test_whatever_text_is_written_is_read_back(attributes: dict[str, str]) -> None:
    escapes = {one: f"&#{ord(one)};" for one in "\t\n\r"}
    named = " ".join(f"{name}={quoteattr(text, escapes)}" for name, text in attributes.items())
    assert first(f"<a {named}/>") == attributes


@needs_shared_data
@pytest.mark.parametrize(
    "path", sorted((SHARED / "ibkr").glob("*.xml")), ids=lambda path: path.stem
)
def test_real_attributes_are_what_python_s_own_parser_reads(path: Path) -> None:
    ours = [dict(step.attributes or {}) for step in read(path.read_bytes()) if not step.closes]
    assert ours == [one.attrib for one in ET.parse(path).iter()]


def test_white_space_in_attributes_is_what_xml_makes_of_it() -> None:
    # Literal tabs and line breaks are spaces to XML; written as references they are themselves.
    assert first('<a x=" a\tb\nc\r\nd " y="&#9;&#10;&#13;"/>') == {"x": " a b c d ", "y": "\t\n\r"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_encodings_that_xml_recognises_by_itself_are_read(encoding: str) -> None:
    assert first('<a x="é😀"/>'.encode(encoding)) == {"x": "é😀"}


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "utf-16-le"])
def test_an_encoding_that_is_declared_is_read(encoding: str) -> None:
    declared = "utf-16" if encoding == "utf-16-le" else encoding
    text = f'<?xml version="1.0" encoding="{declared}"?><a x="Zürich"/>'
    assert first(text.encode(encoding)) == {"x": "Zürich"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'<a>\n<b x="\xe9t"/></a>', "line 2"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "klingon"),
        (b'<?xml version="1.0" encoding="UTF-16"?><a x="1"/>', "not well-formed"),
        ('<a x="1" x="2"/>', "Attribute x redefined"),
        ('<a x="1" q:x="2"/>', "Namespace prefix q"),
        ('<a xmlns:q="u" xmlns:r="u" q:x="2" r:x="3"/>', "redefined"),
        (b'<a x="\x01"/>', "invalid character"),
        (b'<a x="\x00"/>', "invalid character"),
        ('<a x="&#0;"/>', "xmlChar"),
        ('<a x="&#xD800;"/>', "xmlChar"),
        ('<a x="&unknown;"/>', "Entity 'unknown' not defined"),
        ('<a x="1 < 2"/>', "line 1"),
        ("<a><b></a></b>", "mismatch: b line 1 and a"),
        ("<a/><b/>", "Extra content"),
        ("<a/>rest", "Extra content"),
        ('\n<?xml version="1.0"?><a/>', "declaration"),
        (b'<a x="' + b"y" * 11_000_000 + b'"/>', "limit"),
        (b"<a><!--" + b"y" * 11_000_000 + b"--></a>", "too big"),
        ("<" + "y" * 100_000 + "/>", "too long"),
    ],
)
def test_what_is_no_plain_xml_is_refused_with_its_place(data: bytes | str, said: str) -> None:
    told = refused(data)
    assert told.startswith("not well-formed XML: ")
    assert said in told
    assert "line " in told


def test_a_million_characters_in_one_attribute_are_taken() -> None:
    ((_, _, attributes, _), _) = read(b'<a x="' + b"y" * 10**6 + b'"/>', 65_536)
    assert attributes == {"x": "y" * 10**6}


def test_many_different_attributes_are_taken_and_too_many_on_one_element_are_refused() -> None:
    names = [f'n{number}=""' for number in range(100_000)]
    rows = "".join(f"<b {' '.join(names[at : at + 100])}/>" for at in range(0, 100_000, 100))
    assert len(read(f"<a>{rows}</a>", 65_536)) == 2 + 2000
    assert len(first(f"<a {' '.join(names[:ATTRIBUTES_MAX])}/>")) == ATTRIBUTES_MAX
    told = refused(f"<a><b {' '.join(names)}/></a>", 65_536)
    assert "100,000 attributes on one element (a/b)" in told


def test_deep_nesting_is_refused() -> None:
    read("<a>" * DEPTH_MAX + "</a>" * DEPTH_MAX)
    assert "nested deeper than 32" in refused("<a>" * (DEPTH_MAX + 1))
    assert "nested deeper than 32" in refused("<a>" * 1_000_000, 65_536)


def bomb() -> str:
    tens = [f"&l{number};" * 10 for number in range(9)]
    levels = "".join(f'<!ENTITY l{at} "{ten}">' for at, ten in enumerate(tens, 1))
    return f'<!DOCTYPE a [<!ENTITY l0 "lol">{levels}]><a x="&l9;">&l9;</a>'


@pytest.mark.parametrize(
    "data",
    [
        bomb(),
        '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>',
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]><a/>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
        '<!DOCTYPE a PUBLIC "-//x" "http://127.0.0.1:9/x.dtd"><a/>',
        '<!DOCTYPE a [<!ATTLIST a x CDATA "made up">]><a/>',
        "<!DOCTYPE a><a/>",
    ],
)
def test_a_document_type_is_refused_whatever_it_declares(data: str) -> None:
    assert "document type declaration" in refused(data)


def test_an_inclusion_is_an_element_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "secret.xml").write_text("<secret/>")
    name = "http://www.w3.org/2001/XInclude"
    read_in = read(f'<a xmlns:i="{name}"><i:include href="{tmp_path}/secret.xml"/></a>')
    assert [step.tag for step in read_in if not step.closes] == ["a", f"{{{name}}}include"]


WHOLE = '<?xml version="1.0"?>\n<a x="1">\n<b y="é"/>\n<c/>text</a>'.encode()


@pytest.mark.parametrize("end", range(22, len(WHOLE)))
def test_a_file_that_was_cut_anywhere_breaks_off(end: int) -> None:
    assert refused(WHOLE[:end], 5).startswith("the text breaks off: ")


def test_steps_come_while_the_file_is_still_read() -> None:
    handed_over: list[int] = []

    def chunks() -> Iterator[bytes]:
        yield b"<a>"
        for number in range(1000):
            handed_over.append(number)
            yield b'<b x="1"/>'
        yield b"</a>"

    told = steps(chunks())
    assert [next(told).tag for _ in range(3)] == ["a", "b", "b"]
    assert len(handed_over) < 10


def test_the_text_of_an_element_is_bounded() -> None:
    assert len(read(b"<a>" + b"y" * 3_000_000 + b"</a>", 65_536)[-1].text) <= 2000
