"""Bytes to text: UTF-8, or a refusal that names what the bytes look like."""

import re
from typing import Final

from domain.errors import NotUnderstoodError

_SIGNATURES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x1f\x8b", "gzip-compressed; unpack it first"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet; unpack it, or save the sheet as CSV (UTF-8)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"BZh", "bzip2-compressed; unpack it first"),
    (b"\xfd7zXZ\x00", "xz-compressed; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "zstandard-compressed; unpack it first"),
    (b"\xff\xfe\x00\x00", "UTF-32 text; save it as UTF-8"),
    (b"\x00\x00\xfe\xff", "UTF-32 text; save it as UTF-8"),
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
    (b"%PDF", "a PDF document; ask the broker for CSV or JSON"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
)
_HTML: Final = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
HEAD: Final = 4096
_UTF_32: Final = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def is_xml(head: bytes) -> bool:
    """Tell by the first HEAD bytes whether a file is XML, in whatever encoding, and no HTML."""
    if head.startswith(_UTF_32):
        return False
    for mark in _MARKS:
        head = head.removeprefix(mark)
    text = head.replace(b"\x00", b"").decode("latin-1").lstrip(" \t\r\n")
    return text.startswith("<") and not _HTML.search(text)


def decode(data: bytes) -> str:
    """Return the text of a JSON or CSV file, without its byte-order mark."""
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            raise NotUnderstoodError(f"this looks like {what}")
    nul = data.find(b"\x00")
    if nul >= 0:
        raise NotUnderstoodError(_about_nul(data, nul))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = (
            f"not UTF-8 text: byte 0x{data[error.start]:02x} in line {line} "
            f"(byte {error.start} of the file); save it as UTF-8"
        )
        raise NotUnderstoodError(message) from None
    _refuse_markup(text)
    return text


def _about_nul(data: bytes, nul: int) -> str:
    head = data[:HEAD]
    if head[1::2].count(0) * 3 > len(head) or head[0::2].count(0) * 3 > len(head):
        return "this looks like UTF-16 text without a byte-order mark; save it as UTF-8"
    line = data.count(b"\n", 0, nul) + 1
    return (
        f"a NUL byte in line {line} (byte {nul} of the file): a binary file, or one that was not "
        "written to its end; fetch it again"
    )


def _refuse_markup(text: str) -> None:
    head = text[:HEAD].lstrip()
    if not head.startswith("<"):
        return
    if _HTML.search(head):
        message = (
            "this is an HTML page, not data: mostly an error or login page that was saved under "
            "the name of the file; fetch it again"
        )
        raise NotUnderstoodError(message)
    message = (
        "this looks like XML; expected is JSON (an object or an array) or CSV with a header, or a "
        "Flex statement of Interactive Brokers as XML"
    )
    raise NotUnderstoodError(message)
