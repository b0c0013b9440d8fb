"""The key: reading it with care, and signing with it.

Key material leaves this module only as a signature: not in a message, not in a repr, not in an
exception's context.
"""

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from adapters import secretfiles
from adapters.kalshi.errors import UnfitKeyError
from adapters.words import plain

RSA_BITS_MIN: Final = 2048
_FILE_BYTES_MAX: Final = 64 * 1024
_SHOWN_CHARACTERS: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KEY_ID: Final = re.compile(r"[!-~]{1,200}")
_LABEL: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_LABELS: Final = ("PRIVATE KEY", "RSA PRIVATE KEY")
_EXPECTED: Final = (
    f"expected is the private key as Kalshi gave it: RSA of at least {RSA_BITS_MIN} bits or "
    "Ed25519, PEM, without a password"
)

PrivateKey: TypeAlias = RSAPrivateKey | Ed25519PrivateKey


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Credentials:
    """The id of a key and the key."""

    key_id: str
    key: PrivateKey

    def __repr__(self) -> str:
        """Return which key it is, and nothing of it."""
        return f"Credentials({self.shown})"

    @property
    def shown(self) -> str:
        """The beginning of the key id: enough to recognise it."""
        return f"{self.key_id[:_SHOWN_CHARACTERS]}…"

    def headers(self, method: str, path: str, moment: datetime) -> dict[str, str]:
        """Return the headers that sign one request made at that moment.

        `path` is the one that is sent, from /trade-api on; a query is not part of what is signed.
        """
        milliseconds = str((moment - _EPOCH) // timedelta(milliseconds=1))
        message = f"{milliseconds}{method}{path.partition('?')[0]}".encode()
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(_sign(self.key, message)).decode(),
            "KALSHI-ACCESS-TIMESTAMP": milliseconds,
        }


def _sign(key: PrivateKey, message: bytes) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(message)
    salted = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    return key.sign(message, salted, hashes.SHA256())


def load(key_id: str | None, *, pem: str | None, file: Path | None) -> Credentials:
    """Return the credentials out of a key id and either the PEM text or a file that holds it.

    Raise UnfitKeyError where one is missing, or the key is none that Kalshi takes.
    """
    key_id = (key_id or "").strip()
    if not key_id:
        raise UnfitKeyError(
            "no key id: Kalshi shows it beside the API key (account settings, API keys)"
        )
    if not _KEY_ID.fullmatch(key_id):
        raise UnfitKeyError(
            "the key id has characters that no key id has; it looks like "
            "a952bcbe-ec3b-4b5b-b8f9-11dae589608c"
        )
    if pem is not None and file is not None:
        raise UnfitKeyError("the private key is given as text and as a file; give one of them")
    if file is not None:
        name = plain(str(file))
        pem_bytes = secretfiles.read(
            file, name=name, what="key", bytes_max=_FILE_BYTES_MAX, unfit=UnfitKeyError
        )
        return Credentials(key_id, _key(pem_bytes, name))
    if pem is None or not pem.strip():
        raise UnfitKeyError(f"key id {key_id[:_SHOWN_CHARACTERS]}…: no private key; {_EXPECTED}")
    return Credentials(key_id, _key(pem.encode("ascii", "replace"), "the private key"))


def _key(pem: bytes, name: str) -> PrivateKey:
    labels = _LABEL.findall(pem.decode("ascii", "replace"))
    if len(labels) != 1 or labels[0] not in _LABELS or b"ENCRYPTED" in pem:
        raise UnfitKeyError(f"{name}: {_other_sort(labels, pem)}; {_EXPECTED}")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, Ed25519PrivateKey):
        return key
    if not isinstance(key, RSAPrivateKey):
        sort = "an EC key" if isinstance(key, ec.EllipticCurvePrivateKey) else "a key of a sort"
        sort = "damaged or cut off" if key is None else f"{sort} that Kalshi does not take"
        raise UnfitKeyError(f"{name}: {sort}; {_EXPECTED}")
    if key.key_size < RSA_BITS_MIN:
        raise UnfitKeyError(f"{name}: an RSA key of {key.key_size} bits; {_EXPECTED}")
    return key


def _other_sort(labels: list[str], pem: bytes) -> str:
    if not labels:
        return "no PEM text (it begins with -----BEGIN PRIVATE KEY-----)"
    if b"ENCRYPTED" in pem:
        return "encrypted with a password, which nobody can type when a scheduler runs this"
    if len(labels) > 1:
        return "more than one key or certificate"
    return f"holds {_SORTS.get(labels[0], 'something else')}"


_SORTS: Final = {
    "PUBLIC KEY": "a public key",
    "RSA PUBLIC KEY": "a public key",
    "EC PRIVATE KEY": "an EC key",
    "OPENSSH PRIVATE KEY": "a key in the form of OpenSSH",
    "CERTIFICATE": "a certificate",
}
