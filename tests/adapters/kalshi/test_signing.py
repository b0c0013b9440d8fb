import base64
import os
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from adapters.kalshi.errors import UnfitKeyError
from adapters.kalshi.signing import Credentials, PrivateKey, load
from tests.adapters.kalshi.exchange import KEY_ID, START, ed25519_key, pem_of, rsa_key

PATH = "/trade-api/v2/portfolio/fills"
MILLISECONDS = "1795262400000"
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
PLAIN = NoEncryption()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "kalshi.pem"
    file.touch(mode=0o600)
    file.write_text(pem_of(ed25519_key()))
    return file


def refusal(pem: str | None = None, file: Path | None = None, key_id: str | None = KEY_ID) -> str:
    """Give the message of the refusal, and see that nothing of the key goes with it."""
    with pytest.raises(UnfitKeyError) as caught:
        load(key_id, pem=pem, file=file)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    message = str(caught.value)
    for line in (pem or "").splitlines():
        assert line.startswith("-----") or not line.strip() or line not in message
    return message


# --- signatures ----------------------------------------------------------------------------------


def test_an_rsa_key_signs_time_method_and_path() -> None:
    headers = Credentials(KEY_ID, rsa_key()).headers("GET", PATH, START)
    assert headers.keys() == {
        "KALSHI-ACCESS-KEY",
        "KALSHI-ACCESS-SIGNATURE",
        "KALSHI-ACCESS-TIMESTAMP",
    }
    assert headers["KALSHI-ACCESS-KEY"] == KEY_ID
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == MILLISECONDS
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
    public = rsa_key().public_key()
    public.verify(signature, f"{MILLISECONDS}GET{PATH}".encode(), PSS, hashes.SHA256())
    with pytest.raises(InvalidSignature):
        public.verify(signature, f"{MILLISECONDS}POST{PATH}".encode(), PSS, hashes.SHA256())


def test_an_ed25519_key_signs_the_same() -> None:
    headers = Credentials(KEY_ID, ed25519_key()).headers("GET", PATH, START)
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
    ed25519_key().public_key().verify(signature, f"{MILLISECONDS}GET{PATH}".encode())


def test_a_query_is_not_signed() -> None:
    credentials = Credentials(KEY_ID, ed25519_key())
    assert credentials.headers("GET", f"{PATH}?limit=5", START) == credentials.headers(
        "GET", PATH, START
    )


def test_the_time_is_in_whole_milliseconds_whatever_the_zone() -> None:
    credentials = Credentials(KEY_ID, ed25519_key())
    moment = (START + timedelta(microseconds=1999)).astimezone(timezone(timedelta(hours=-5)))
    headers = credentials.headers("GET", PATH, moment)
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == "1795262400001"


# --- keys that are taken -------------------------------------------------------------------------


@pytest.mark.parametrize("key", [rsa_key(), ed25519_key()], ids=["rsa", "ed25519"])
def test_a_pkcs8_key_is_taken_as_text(key: PrivateKey) -> None:
    credentials = load(f" {KEY_ID}\n", pem=pem_of(key), file=None)
    assert credentials.key_id == KEY_ID
    assert pem_of(credentials.key) == pem_of(key)


def test_a_pkcs1_key_is_taken() -> None:
    pem = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, PLAIN).decode()
    assert pem.startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert pem_of(load(KEY_ID, pem=pem, file=None).key) == pem_of(rsa_key())


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_that_only_its_owner_may_use_is_taken(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    assert pem_of(load(KEY_ID, pem=None, file=key_file).key) == pem_of(ed25519_key())


def test_a_link_to_such_a_file_is_taken(key_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.pem"
    link.symlink_to(key_file)
    assert pem_of(load(KEY_ID, pem=None, file=link).key) == pem_of(ed25519_key())


def test_credentials_show_which_key_they_are_and_nothing_of_it() -> None:
    credentials = load(KEY_ID, pem=pem_of(rsa_key()), file=None)
    assert repr(credentials) == str(credentials) == "Credentials(a952bcbe…)"


# --- keys that are not ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666])
def test_a_file_that_others_may_use_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    assert f"other users may use the key file (mode {mode:o})" in refusal(file=key_file)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(key_file: Path) -> None:
    os.chown(key_file, 12345, -1)
    assert "belongs to another user" in refusal(file=key_file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    message = refusal(file=tmp_path / "none.pem")
    assert "none.pem: the key file cannot be read: No such file or directory" in message


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "not a regular file" in refusal(file=tmp_path)


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "not a regular file" in refusal(file=tmp_path / "pipe")


def test_an_encrypted_key_is_refused() -> None:
    locked = BestAvailableEncryption(b"secret")
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        pem = rsa_key().private_bytes(Encoding.PEM, form, locked).decode()
        assert "encrypted with a password" in refusal(pem)


def test_an_ec_key_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        assert "an EC key" in refusal(key.private_bytes(Encoding.PEM, form, PLAIN).decode())


def test_a_key_of_any_other_sort_is_refused() -> None:
    pem = Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, PLAIN)
    assert "a key of a sort that Kalshi does not take" in refusal(pem.decode())


def test_a_public_key_is_refused() -> None:
    for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1):
        pem = rsa_key().public_key().public_bytes(Encoding.PEM, form).decode()
        assert "holds a public key" in refusal(pem)


def test_a_key_in_the_form_of_openssh_is_refused() -> None:
    pem = ed25519_key().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, PLAIN).decode()
    assert "in the form of OpenSSH" in refusal(pem)


def test_an_rsa_key_that_is_too_short_is_refused() -> None:
    assert "an RSA key of 1024 bits" in refusal(pem_of(rsa_key(1024)))


def test_two_keys_in_one_text_are_refused() -> None:
    assert "more than one key" in refusal(pem_of(ed25519_key()) + pem_of(rsa_key()))


def test_a_key_that_was_cut_or_changed_is_refused() -> None:
    lines = pem_of(rsa_key()).splitlines()
    assert "damaged or cut off" in refusal("\n".join([*lines[:5], lines[-1]]))
    assert "damaged or cut off" in refusal("\n".join(lines[:5]))
    assert "damaged or cut off" in refusal("\n".join([lines[0], lines[-1]]))


@pytest.mark.parametrize("pem", ["hello", "ssh-ed25519 AAAA", "\ud83d", "-----BEGIN"])
def test_what_is_no_pem_is_refused(pem: str) -> None:
    assert "no PEM text" in refusal(pem)


@pytest.mark.parametrize("pem", [None, "", " \n"])
def test_a_missing_key_is_said(pem: str | None) -> None:
    assert refusal(pem).startswith("key id a952bcbe…: no private key; expected is")


@pytest.mark.parametrize("key_id", [None, "", "  "])
def test_a_missing_key_id_is_said(key_id: str | None) -> None:
    assert "no key id" in refusal(pem_of(ed25519_key()), key_id=key_id)


@pytest.mark.parametrize("key_id", ["a\r\nX-Evil: 1", "a b", "ключ", "a" * 201])
def test_a_key_id_that_could_not_stand_in_a_header_is_refused(key_id: str) -> None:
    assert "no key id has" in refusal(pem_of(ed25519_key()), key_id=key_id)


def test_a_key_that_is_given_twice_is_refused(key_file: Path) -> None:
    assert "give one of them" in refusal(pem_of(ed25519_key()), key_file)
