"""Bytes that are not text of a known form are named for what they look like."""

import gzip
import io
import zipfile

import pytest

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
        (b'<?xml version="1.0"?><FlexQueryResponse/>', "XML"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"%PDF-1.7", "PDF"),
        (b"\x7fELF\x02\x01\x01\x00", "binary"),
        (b'{"fills":[]}\n\x00\x00\x00', "NUL byte in line 2"),
        (b'{"fills":\n ["\xe9"]}', "byte 0xe9 in line 2"),
        (b"", "empty"),
        (b" \n\t\r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
    ],
)
def test_bytes_of_another_form_are_refused_by_their_name(data: bytes, said: str) -> None:
    assert said in refusal(data)


def test_a_byte_order_mark_before_utf8_is_no_part_of_the_text() -> None:
    assert texts(take(b"\xef\xbb\xbf" + PAGE.encode())) == [FILL]


def test_text_beyond_ascii_stays_as_it_was() -> None:
    row = '{"trade_id":"t","order_id":"o","ticker":"Zürich 東京 🌧\u2028"}'
    assert texts(take(f'{{"fills":[{row}]}}')) == [row]
