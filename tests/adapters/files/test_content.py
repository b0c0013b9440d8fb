"""Bytes that are not text of a known form are named for what they look like."""

import gzip
import io
import zipfile

import pytest

from adapters.files.content import HEAD, is_xml
from tests.adapters.files.taking import FILL, refusal, take, texts

PAGE = f'{{"fills":[{FILL}],"cursor":""}}'


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("fills.json", PAGE)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (gzip.compress(PAGE.encode()), "gzip"),
        (zipped(), "zip archive"),
        (PAGE.encode("utf-16"), "UTF-16"),
        (PAGE.encode("utf-16-le"), "UTF-16"),
        (PAGE.encode("utf-16-be"), "UTF-16"),
        (PAGE.encode("utf-32"), "UTF-32"),
        (b"<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>", "HTML page"),
        (b"  <html><head></head></html>", "HTML page"),
        (b'<?xml version="1.0"?><FlexQueryResponse/>', "Flex statement of Interactive Brokers"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"%PDF-1.7", "PDF"),
        (b"\x7fELF\x02\x01\x01\x00", "binary"),
        (b'{"fills":[]}\n\x00\x00\x00', "NUL byte in line 2"),
        (b'{"fills":\n ["\xe9"]}', "byte 0xe9 in line 2"),
        (b"", "a Flex statement without rows still has its XML"),
        (b" \n\t\r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
    ],
)
def test_bytes_of_another_form_are_refused_by_their_name(data: bytes, said: str) -> None:
    assert said in refusal(data)


XML = '<?xml version="1.0"?>\n<FlexQueryResponse/>'


@pytest.mark.parametrize(
    "data",
    [
        XML.encode(),
        b"\xef\xbb\xbf" + XML.encode(),
        b" \r\n\t<FlexQueryResponse>",
        XML.encode("utf-16"),
        XML.encode("utf-16-le"),
        XML.encode("utf-16-be"),
        b"<",
        b"<FlexStatementResponse>",
        b"<!DOCTYPE other><other>",
    ],
)
def test_xml_is_recognised_by_its_first_bytes_in_any_encoding(data: bytes) -> None:
    assert is_xml(data[:HEAD])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xef\xbb\xbf",
        b" \n",
        PAGE.encode(),
        PAGE.encode("utf-16"),
        XML.encode("utf-32"),
        b"a,b\n<,>\n",
        b"<!DOCTYPE html>\n<html>",
        b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml">',
        zipped(),
        b"\x00\x00\x00\x00",
    ],
)
def test_what_is_no_xml_or_a_page_of_the_web_is_not_taken_for_it(data: bytes) -> None:
    assert not is_xml(data[:HEAD])


def test_a_byte_order_mark_before_utf8_is_no_part_of_the_text() -> None:
    assert texts(take(b"\xef\xbb\xbf" + PAGE.encode())) == [FILL]


def test_text_beyond_ascii_stays_as_it_was() -> None:
    row = '{"trade_id":"t","order_id":"o","ticker":"Zürich 東京 🌧\u2028"}'
    assert texts(take(f'{{"fills":[{row}]}}')) == [row]
