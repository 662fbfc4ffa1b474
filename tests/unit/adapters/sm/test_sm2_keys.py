"""SM2 keys and the files they come in."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from adapters.sm.keys import KeyUnusable, Sm2PrivateKey, Sm2PublicKey
from ledger.sm2_curve import N
from tests.unit.adapters.sm.keys import OPENSSL, PRIVATE, PUBLIC

SEC1, PKCS8, SPKI = (bytes.fromhex(OPENSSL[name]) for name in ("sec1_der", "pkcs8_der", "spki_der"))


def pem(label: str, data: bytes) -> bytes:
    lines = base64.encodebytes(data).decode()
    return f"-----BEGIN {label}-----\n{lines}-----END {label}-----\n".encode()


@pytest.mark.parametrize("label", ["EC PRIVATE KEY", "SM2 PRIVATE KEY"])
def test_openssls_sec1_files_are_read(label: str) -> None:
    parameters = pem("EC PARAMETERS", bytes.fromhex("06082a811ccf5501822d"))
    for data in (pem(label, SEC1), parameters + pem(label, SEC1)):
        key = Sm2PrivateKey.from_pem(data)
        assert key.secret == PRIVATE.secret and key.public == PUBLIC


def test_openssls_pkcs8_and_public_files_are_read_and_written() -> None:
    key = Sm2PrivateKey.from_pem(pem("PRIVATE KEY", PKCS8))
    assert key.secret == PRIVATE.secret and key.public == PUBLIC
    assert Sm2PrivateKey.from_der(SEC1).secret == Sm2PrivateKey.from_der(PKCS8).secret
    assert key.pkcs8 == PKCS8
    assert Sm2PrivateKey.from_pem(key.pem).secret == key.secret
    assert Sm2PublicKey.from_pem(pem("PUBLIC KEY", SPKI)) == PUBLIC
    assert PUBLIC.spki == SPKI and Sm2PublicKey.from_pem(PUBLIC.pem) == PUBLIC


def test_a_compressed_key_is_written_out() -> None:
    assert Sm2PublicKey(bytes.fromhex(OPENSSL["public_key_compressed"])) == PUBLIC


def test_no_repr_shows_a_secret() -> None:
    shown = f"{PRIVATE!r} {PRIVATE}"
    assert "secret" not in shown and PRIVATE.secret.hex() not in shown
    assert repr(PRIVATE.secret)[2:-1] not in shown


@pytest.mark.parametrize("number", [0, N - 1, N, 2**256 - 1])
def test_a_secret_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(KeyUnusable, match="不是 SM2 私钥"):
        Sm2PrivateKey(PUBLIC, number.to_bytes(32, "big"))
    with pytest.raises(KeyUnusable):
        Sm2PrivateKey(PUBLIC, PRIVATE.secret[:31])


def p256_private() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def p256_sec1() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (p256_private(), "不是 SM2 密钥"),
        (p256_sec1(), "不在 SM2 曲线上"),
        (pem("ENCRYPTED PRIVATE KEY", PKCS8), "已加密"),
        (pem("SM2 PRIVATE KEY", bytes.fromhex(OPENSSL["sec1_without_public_der"])), "不含公钥"),
        (pem("PRIVATE KEY", PKCS8) * 2, "实有 2 段"),
        (pem("PUBLIC KEY", SPKI), "实有 0 段"),
        (pem("PRIVATE KEY", PKCS8[:-1]), "不是 PKCS#8"),
        (pem("PRIVATE KEY", PKCS8 + b"\x00"), "不是 PKCS#8"),
        (pem("PRIVATE KEY", b""), "不是 PKCS#8"),
        (pem("EC PRIVATE KEY", SEC1 + b"\x00"), "不是 SEC 1"),
        (b"", "实有 0 段"),
        (b"-----BEGIN PRIVATE KEY-----\nA===\n-----END PRIVATE KEY-----\n", "不是 base64"),
    ],
)
def test_a_file_that_is_no_sm2_key_says_what_it_is(data: bytes, says: str) -> None:
    with pytest.raises(KeyUnusable, match=says) as caught:
        Sm2PrivateKey.from_pem(data)
    assert PRIVATE.secret.hex() not in str(caught.value)


def p256_public() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda _: p256_public(), "不是 SM2 密钥"),
        (lambda d: pem("PUBLIC KEY", d + b"\x00"), "SubjectPublicKeyInfo"),
        (lambda d: pem("PUBLIC KEY", d[:-1]), "SubjectPublicKeyInfo"),
        (lambda d: pem("PUBLIC KEY", d[:-1] + b"\xff"), "不是 SM2 公钥"),
        (lambda d: pem("PUBLIC KEY", d.replace(b"\x03\x42\x00\x04", b"\x03\x42\x01\x04")), "位串"),
        (lambda d: pem("PUBLIC KEY", d.replace(b"\x03\x42\x00\x04", b"\x03\x42\x00\x06")), "SM2"),
    ],
)
def test_a_public_file_that_is_none_says_so(change: Callable[[bytes], bytes], says: str) -> None:
    with pytest.raises(KeyUnusable, match=says):
        Sm2PublicKey.from_pem(change(SPKI))
