"""Whether an event is what the rest of the program will take it for.

A log keeps for ever what it once took, so this is asked before an append and again by `verify`.
"""

from typing import Final

from domain import event

_PAYLOAD: Final = b',"payload":'
_MEMBERS: Final = ("received_at", "venue", "account", "mode", "shape")
_REMEMBERED_MAX: Final = 256


class EnvelopeCheck:
    """Finds faults in envelopes; fast where many events share one envelope header."""

    def __init__(self) -> None:
        """Begin with nothing remembered."""
        self._prefixes: dict[bytes, str] = {}

    def fault(self, key: str, kind: str, state: bytes) -> str | None:
        """Return what is wrong with the event, None if nothing is. Never raises."""
        end = state.find(_PAYLOAD)
        if end < 0:
            return "its state is not an envelope with a payload"
        if not state.endswith(b"}") or len(state) <= end + len(_PAYLOAD) + 1:
            return "its envelope breaks off"
        prefix = self._prefixes.get(state[:end])
        if prefix is None:
            prefix, wrong = _key_prefix(state)
            if wrong:
                return wrong
            if len(self._prefixes) >= _REMEMBERED_MAX:
                self._prefixes.clear()
            self._prefixes[state[:end]] = prefix
        expected = f"{prefix}{kind}|"
        if not key.startswith(expected) or len(key) == len(expected) or "\0" in key:
            return f"its key {key[:200]!r} is not {expected}… as its envelope and kind demand"
        if not key.isascii() and not _is_text(key):
            return f"its key {key[:200]!r} is not Unicode text"
        return None


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


def _key_prefix(state: bytes) -> tuple[str, str | None]:
    """Return what the key must begin with, and what is wrong with the envelope's header."""
    try:
        header = event.header(state)
    except (ValueError, TypeError, RecursionError) as error:
        return "", f"the header of its envelope cannot be read: {str(error)[:200]}"
    for member in _MEMBERS:
        if not isinstance(header.get(member), str):
            return "", f"its envelope has no text {member!r}"
    source = header.get("source")
    if not isinstance(source, dict) or not {"adapter", "document"} <= set(source):
        return "", "the source in its envelope does not name adapter and document"
    return f"{header['venue']}|{header['account']}|{header['mode']}|", None
