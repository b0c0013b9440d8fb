"""Keys of the made exchange: made here, and checked as Kalshi checks them."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Final, Literal, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from tools.fake_kalshi.payloads.messages import unix_milliseconds
from tools.fake_kalshi.queries import Refused

KeyKind: TypeAlias = Literal["rsa", "ed25519"]
PrivateKey: TypeAlias = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

KEY_HEADER: Final = "KALSHI-ACCESS-KEY"
SIGNATURE_HEADER: Final = "KALSHI-ACCESS-SIGNATURE"
TIMESTAMP_HEADER: Final = "KALSHI-ACCESS-TIMESTAMP"
SKEW_MOST: Final = timedelta(seconds=5)

_PSS: Final = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


@dataclass(frozen=True, slots=True)
class Key:
    """A private key with its name, and what it may do."""

    key_id: str
    private: PrivateKey = field(repr=False)
    scopes: frozenset[str] = frozenset({"read", "write"})

    @property
    def pem(self) -> str:
        """Return the private key as PEM text (PKCS 8)."""
        return self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def headers(self, method: str, path: str, at: datetime) -> dict[str, str]:
        """Return the headers that a right client would sign a request with."""
        stamp = unix_milliseconds(at)
        message = (stamp + method + path).encode()
        if isinstance(self.private, rsa.RSAPrivateKey):
            signature = self.private.sign(message, _PSS, hashes.SHA256())
        else:
            signature = self.private.sign(message)
        return {
            KEY_HEADER: self.key_id,
            SIGNATURE_HEADER: base64.b64encode(signature).decode(),
            TIMESTAMP_HEADER: stamp,
        }


def new_key(kind: KeyKind, key_id: str) -> Key:
    """Make a key."""
    if kind == "ed25519":
        return Key(key_id, ed25519.Ed25519PrivateKey.generate())
    return Key(key_id, rsa.generate_private_key(public_exponent=65537, key_size=2048))


@cache
def process_key(kind: KeyKind) -> Key:
    """Return the one key of its kind that all exchanges of this process know by default."""
    return new_key(kind, f"00000000-0000-4000-8000-{'a' if kind == 'rsa' else 'b':0>12}")


def verify(key: Key, headers: Mapping[str, str], method: str, path: str, now: datetime) -> None:
    """Raise Refused (401) unless the request was signed by the key, and just now."""
    if headers.get(KEY_HEADER) != key.key_id:
        raise _unauthorized("no such key")
    stamp = headers.get(TIMESTAMP_HEADER, "")
    if not stamp.isdecimal():
        raise _unauthorized("timestamp: milliseconds since 1970")
    if abs(int(stamp) - int(unix_milliseconds(now))) > SKEW_MOST // timedelta(milliseconds=1):
        raise _unauthorized("timestamp: too far from the time of the exchange")
    try:
        signature = base64.b64decode(headers.get(SIGNATURE_HEADER, ""), validate=True)
        _check(key.private, signature, (stamp + method + path).encode())
    except (binascii.Error, InvalidSignature):
        raise _unauthorized("signature does not fit") from None


def _check(private: PrivateKey, signature: bytes, message: bytes) -> None:
    if isinstance(private, rsa.RSAPrivateKey):
        private.public_key().verify(signature, message, _PSS, hashes.SHA256())
    else:
        private.public_key().verify(signature, message)


def _unauthorized(message: str) -> Refused:
    return Refused(401, "unauthorized", message)


def allow(key: Key, scope: str) -> None:
    """Raise Refused (403) unless the key may do it."""
    if scope not in key.scopes:
        raise Refused(403, "forbidden", f"the key lacks the scope {scope}")
